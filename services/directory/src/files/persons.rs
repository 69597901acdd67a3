//! `persons.csv`: the staff list.

use jiff::{
    ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use proto::{
    Time,
    directory::v1::{Absence, BadRecord, PersonRecord, Role},
};

use super::{
    FileError, HOME_ZONE, Reading, bad,
    sheet::{self, Column, Row, column, items, yes},
};

pub(super) const COLUMNS: &[Column] = &[
    column("code", true, &["工号", "代码", "人员代码"]),
    column("name", true, &["姓名"]),
    column("phone", false, &["手机", "电话"]),
    column("mail", false, &["邮箱", "email"]),
    column("roles", true, &["角色", "岗位"]),
    column("deputy", false, &["代理人"]),
    column("absences", false, &["缺勤", "请假"]),
    column("disabled", false, &["停用"]),
    column("skills", false, &["技能", "特长"]),
    column("password", false, &["初始密码", "密码"]),
];

/// Reads a list of persons. Roles stand as `gm@B1; cr-manager@B1`, absences as
/// `2026-12-01~2026-12-05` (last day included) or with times of day.
///
/// # Errors
/// A table that does not fit at all.
pub fn persons_csv(file: &str, text: &str) -> Result<Reading, FileError> {
    let mut reading = Reading::default();
    for row in sheet::rows(file, text, COLUMNS)? {
        take(&row, &mut reading);
    }
    Ok(reading)
}

pub(super) fn take(row: &Row, reading: &mut Reading) {
    match record(row) {
        Ok(record) => reading.persons.push(record),
        Err(why) => reading.bad.push(why),
    }
}

fn record(row: &Row) -> Result<PersonRecord, BadRecord> {
    let disabled = yes(row.get("disabled"))
        .ok_or_else(|| bad(&row.place, "disabled", "请填 是 或 否。", "Write yes or no."))?;
    Ok(PersonRecord {
        place: row.place.clone(),
        code: row.owned("code"),
        name: row.owned("name"),
        phone: row.owned("phone"),
        mail: row.owned("mail"),
        roles: items(row.get("roles")).map(|item| role(&row.place, item)).collect::<Result<_, _>>()?,
        deputy: row.owned("deputy"),
        absences: items(row.get("absences"))
            .map(|item| absence(&row.place, item))
            .collect::<Result<_, _>>()?,
        disabled,
        skills: items(row.get("skills")).map(|skill| skill.trim().to_owned()).collect(),
        password: row.owned("password"),
    })
}

fn role(place: &str, item: &str) -> Result<Role, BadRecord> {
    let (role, node) = item.split_once('@').ok_or_else(|| {
        bad(
            place,
            "roles",
            "角色写作 角色@组织，例如 gm@B1。",
            "A role is written as role@node, for example gm@B1.",
        )
    })?;
    Ok(Role { role: role.trim().to_owned(), node: node.trim().to_owned() })
}

fn absence(place: &str, item: &str) -> Result<Absence, BadRecord> {
    let both = item.split_once(['~', '～']).or_else(|| item.split_once(".."));
    let parsed = both.and_then(|(from, to)| Some((start(from.trim())?, end(to.trim())?)));
    let (from, to) = parsed.ok_or_else(|| {
        bad(
            place,
            "absences",
            "缺勤写作 2026-12-01~2026-12-05，或带时刻 2026-12-01 13:00~2026-12-01 18:00。",
            "An absence is written as 2026-12-01~2026-12-05, or with times 2026-12-01 13:00~2026-12-01 18:00.",
        )
    })?;
    Ok(Absence { from_at: from.0, to_at: to.0 })
}

fn start(text: &str) -> Option<Time> {
    match text.parse::<Date>() {
        Ok(date) if text.len() <= 10 => instant(date.to_datetime(jiff::civil::Time::midnight())),
        _ => instant(text.replace(' ', "T").parse::<DateTime>().ok()?),
    }
}

/// A day is included to its end.
fn end(text: &str) -> Option<Time> {
    match text.parse::<Date>() {
        Ok(date) if text.len() <= 10 => {
            instant(date.checked_add(1.day()).ok()?.to_datetime(jiff::civil::Time::midnight()))
        }
        _ => instant(text.replace(' ', "T").parse::<DateTime>().ok()?),
    }
}

fn instant(at: DateTime) -> Option<Time> {
    let zone = TimeZone::get(HOME_ZONE).ok()?;
    Some(Time::from(at.to_zoned(zone).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cell: &str) -> Vec<(String, String)> {
        let text = format!("工号,姓名,角色,缺勤\nP1,甲,gm@B1,{cell}\n");
        let reading = persons_csv("persons.csv", &text).unwrap();
        let person = reading.persons.first().expect("kept");
        person.absences.iter().map(|a| (Time(a.from_at).to_string(), Time(a.to_at).to_string())).collect()
    }

    #[test]
    fn days_of_absence_are_whole_and_times_exact() {
        let day = ("2026-11-30T16:00:00Z".to_owned(), "2026-12-05T16:00:00Z".to_owned());
        assert_eq!(times("2026-12-01~2026-12-05"), std::slice::from_ref(&day));
        assert_eq!(
            times("2026-12-01～2026-12-05；2026-12-09 13:00..2026-12-09 18:00"),
            [day, ("2026-12-09T05:00:00Z".to_owned(), "2026-12-09T10:00:00Z".to_owned())]
        );
    }

    #[test]
    fn roles_are_held_at_nodes() {
        let reading =
            persons_csv("p.csv", "code,name,roles,deputy\nP1,a,gm@B1； crisis-team@B1,P2\n").unwrap();
        let roles: Vec<_> =
            reading.persons[0].roles.iter().map(|r| (r.role.as_str(), r.node.as_str())).collect();
        assert_eq!(roles, [("gm", "B1"), ("crisis-team", "B1")]);
    }

    #[test]
    fn skills_are_codes_in_a_row() {
        let reading = persons_csv("p.csv", "工号,姓名,角色,技能\nP1,甲,mechanic@B1,brake； wheel\n").unwrap();
        assert_eq!(reading.persons[0].skills, ["brake", "wheel"]);
    }

    #[test]
    fn a_bad_row_is_left_out_with_its_reason() {
        let text = "code,name,roles,absences,disabled\nP1,a,gm,,\nP2,b,gm@B1,next week,\nP3,c,gm@B1,,perhaps\nP4,d,gm@B1,,no\n";
        let reading = persons_csv("p.csv", text).unwrap();
        let bad: Vec<_> = reading.bad.iter().map(|b| (b.place.as_str(), b.field.as_str())).collect();
        assert_eq!(bad, [("p.csv:2", "roles"), ("p.csv:3", "absences"), ("p.csv:4", "disabled")]);
        assert_eq!(reading.persons.len(), 1);
    }
}
