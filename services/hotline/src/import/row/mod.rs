//! A row becomes a case. Pure: the same table, mapping and ground give the same cases.

pub mod cell;

use std::collections::{BTreeMap, HashMap};

use cell::Reader;
use jiff::{Timestamp, ToSpan, civil::Date, fmt::strtime};

use crate::import::{
    Bad, Mapping, Wrong,
    mapping::{BranchRule, OccurredAt, TooOld},
    table::{Line, Table},
};

/// Intake takes in what was said within the last 400 days; a day is left for the way.
const OLDEST_DAYS: i64 = 399;

/// A branch that takes cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    pub code: String,
    pub name: String,
}

/// What rows are read against.
#[derive(Clone, Debug)]
pub struct Ground {
    pub branches: Vec<Branch>,
    pub day: Date,
    /// When the source was first imported: a second run judges ages alike.
    pub at: Timestamp,
    pub source: String,
}

/// A case as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub line: u64,
    /// Tells this row from all others of its source.
    pub identity: String,
    pub branch: String,
    pub channel: String,
    pub form: BTreeMap<String, String>,
    pub about_persons: Vec<String>,
    /// Microseconds UTC; 0: now.
    pub occurred_at: i64,
}

/// All rows, in order, bad ones apart.
pub fn read_all(table: &Table, rows: usize, mapping: &Mapping, ground: &Ground) -> (Vec<Case>, Vec<Bad>) {
    let mut cases = Vec::new();
    let mut bad = Vec::new();
    let mut seen = HashMap::new();
    for line in table.lines.iter().take(rows) {
        let read = identity(table, line, mapping, &mut seen)
            .map_err(|wrong| vec![wrong])
            .and_then(|identity| read(table, line, identity, mapping, ground));
        match read {
            Ok(case) => cases.push(case),
            Err(wrong) => bad.push(Bad { line: line.number, wrong }),
        }
    }
    (cases, bad)
}

/// By its key; without one by its content, so that a row added on top does not shift the others.
/// Rows of the same content are counted.
fn identity(
    table: &Table,
    line: &Line,
    mapping: &Mapping,
    seen: &mut HashMap<String, u64>,
) -> Result<String, Wrong> {
    let (found, expected) = (line.fields.len(), table.headings.len());
    if found != expected {
        return Err(Wrong::new(
            "",
            format!("该行有 {found} 栏，应为 {expected} 栏（引号或逗号有误？）。"),
            format!("The row has {found} fields, {expected} are expected (a stray quote or comma?)."),
        ));
    }
    let Some(column) = &mapping.key else {
        let content = blake3::hash(line.fields.join("\u{1f}").as_bytes()).to_hex();
        let times = seen.entry(content.to_string()).or_default();
        *times += 1;
        return Ok(format!("{content}/{times}"));
    };
    let key = table.field(line, column);
    if key.is_empty() {
        return Err(Wrong::new(column, "缺少编号。", "The key is missing."));
    }
    match seen.insert(key.to_owned(), line.number) {
        None => Ok(key.to_owned()),
        Some(first) => {
            seen.insert(key.to_owned(), first);
            Err(Wrong::new(
                column,
                format!("编号重复，与第 {first} 行相同。"),
                format!("The key stands on line {first} already."),
            ))
        }
    }
}

fn read(
    table: &Table,
    line: &Line,
    identity: String,
    mapping: &Mapping,
    ground: &Ground,
) -> Result<Case, Vec<Wrong>> {
    let reader = Reader { table, line, source: &ground.source, key: &identity, day: ground.day };
    let mut wrong = Vec::new();
    let mut keep = |read: Result<Option<String>, Wrong>| {
        read.unwrap_or_else(|bad| {
            wrong.push(bad);
            None
        })
    };
    let mut form = BTreeMap::new();
    for (field, cell) in &mapping.form {
        form.extend(keep(cell.read(&reader)).map(|text| (field.clone(), text)));
    }
    let channel = keep(mapping.channel.read(&reader)).unwrap_or_default();
    let branch = keep(branch(&reader, mapping, ground)).unwrap_or_default();
    let about = mapping.about_persons.as_ref().and_then(|cell| keep(cell.read(&reader))).unwrap_or_default();
    let occurred_at = mapping.occurred_at.as_ref().map_or(Ok(0), |at| occurred(&reader, at, mapping, ground));
    let occurred_at = occurred_at.unwrap_or_else(|bad| {
        wrong.push(bad);
        0
    });
    if !wrong.is_empty() {
        // Two fields may come from one column: it is named once.
        let mut once: Vec<Wrong> = Vec::new();
        wrong.into_iter().for_each(|bad| {
            if !once.contains(&bad) {
                once.push(bad)
            }
        });
        return Err(once);
    }
    let about_persons = about
        .split([',', '，', '、', ';', '；', ' '])
        .filter(|code| !code.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Case { line: line.number, identity, branch, channel, form, about_persons, occurred_at })
}

fn branch(reader: &Reader<'_>, mapping: &Mapping, ground: &Ground) -> Result<Option<String>, Wrong> {
    let cell = match &mapping.branch {
        BranchRule::Spread(column) => {
            return Ok(Some(spread(reader.table.field(reader.line, column), &ground.branches)));
        }
        BranchRule::Cell(cell) => cell,
    };
    let column = mapping.column_of("branch");
    let Some(given) = cell.read(reader)? else {
        return Err(Wrong::new(&column, "缺少门店。", "The branch is missing."));
    };
    let by_code = ground.branches.iter().find(|branch| branch.code == given);
    let mut by_name = ground.branches.iter().filter(|branch| branch.name == given);
    match (by_code, by_name.next(), by_name.next()) {
        (Some(branch), ..) | (None, Some(branch), None) => Ok(Some(branch.code.clone())),
        (None, Some(_), Some(_)) => Err(Wrong::new(
            &column,
            format!("有多家门店叫“{given}”，请填门店代码。"),
            format!("Several branches are called `{given}`; give the code."),
        )),
        (None, None, _) => {
            Err(Wrong::new(&column, format!("没有门店“{given}”。"), format!("There is no branch `{given}`.")))
        }
    }
}

/// The branch with the highest hash of it and the key: one more branch moves few rows.
fn spread(key: &str, branches: &[Branch]) -> String {
    let weight = |branch: &&Branch| *blake3::hash(format!("{key}\n{}", branch.code).as_bytes()).as_bytes();
    branches.iter().max_by_key(weight).map(|branch| branch.code.clone()).unwrap_or_default()
}

fn occurred(
    reader: &Reader<'_>,
    rule: &OccurredAt,
    mapping: &Mapping,
    ground: &Ground,
) -> Result<i64, Wrong> {
    let text: String =
        reader.table.field(reader.line, &rule.column).chars().take(rule.take.unwrap_or(usize::MAX)).collect();
    let at = moment(&text, &rule.format, ground.day)
        .and_then(|moment| moment.to_zoned(mapping.zone.clone()).ok())
        .map(|at| at.timestamp());
    let Some(at) = at else {
        return Err(Wrong::new(
            &rule.column,
            format!("“{text}”不是格式为 {} 的时间。", rule.format),
            format!("`{text}` is not a time written as {}.", rule.format),
        ));
    };
    let oldest = ground.at.checked_sub((OLDEST_DAYS * 24).hours()).unwrap_or(Timestamp::MIN);
    match (at >= oldest, rule.too_old) {
        (true, _) => Ok(at.as_microsecond()),
        (false, TooOld::Now) => Ok(0),
        (false, TooOld::Refuse) => Err(Wrong::new(
            &rule.column,
            "早于 400 天，不能立案（映射文件可设 too_old: now）。",
            "More than 400 days ago: too old for a case (the mapping may say `too_old: now`).",
        )),
    }
}

/// A date alone is its beginning; a time alone is on `day`.
fn moment(text: &str, format: &str, day: Date) -> Option<jiff::civil::DateTime> {
    let parts = strtime::parse(format, text).ok()?;
    match (parts.to_date().ok(), parts.to_time().ok()) {
        (None, None) => None,
        (date, time) => Some(date.unwrap_or(day).to_datetime(time.unwrap_or(jiff::civil::Time::midnight()))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::import::mapping::Encoding;

    const MAPPING: &str = "
key: no
playbook: p
case_type: c
channel: { column: via, choices: { 电话: phone, 到店: visit } }
branch: shop
about_persons: about
occurred_at: { column: at, take: 14, format: '%Y%m%d%H%M%S' }
form:
  content: text
  phone: { invent: phone }
  source: { column: via, choices: { 电话: call_centre, 到店: shop } }
";

    fn ground() -> Ground {
        let branch = |code: &str, name: &str| Branch { code: code.into(), name: name.into() };
        Ground {
            branches: vec![branch("B1", "一店"), branch("B2", "二店"), branch("B3", "二店")],
            day: jiff::civil::date(2026, 3, 2),
            at: "2026-03-02T00:00:00Z".parse().unwrap(),
            source: "s".into(),
        }
    }

    fn cases(rows: &str, mapping: &str) -> (Vec<Case>, Vec<Bad>) {
        let text = format!("no,via,shop,at,about,text\n{rows}");
        let table = Table::parse(text.as_bytes(), Encoding::Auto, b',').unwrap();
        let mapping = Mapping::parse(Path::new("m"), mapping).unwrap();
        table.must_have(&mapping.columns()).unwrap();
        read_all(&table, usize::MAX, &mapping, &ground())
    }

    #[test]
    fn good_rows_are_kept_and_bad_ones_named_by_line_and_column() {
        let rows = "1,电话,B1,20260301120000999,P1、P2,异响\n\
                    2,微信,B9,昨天,,漏油\n\
                    3,到店,一店,20260301120000,,\"多行\n文字\"\n\
                    1,电话,B1,20260301120000,,再来\n\
                    ,电话,B1,20260301120000,,无号\n\
                    6,电话,二店,20260301120000,,同名\n\
                    7,电话,B1\n\
                    8,电话,B1,20240101120000,,太早\n";
        let (cases, bad) = cases(rows, MAPPING);
        assert_eq!(
            cases.iter().map(|case| (case.line, case.branch.as_str())).collect::<Vec<_>>(),
            [(2, "B1"), (4, "B1")]
        );
        assert_eq!(cases[0].about_persons, ["P1", "P2"]);
        assert_eq!(
            cases[0].occurred_at,
            "2026-03-01T04:00:00Z".parse::<Timestamp>().unwrap().as_microsecond()
        );
        assert_eq!(cases[1].form["content"], "多行\n文字");
        let named: Vec<(u64, Vec<&str>)> =
            bad.iter().map(|bad| (bad.line, bad.wrong.iter().map(|w| w.column.as_str()).collect())).collect();
        assert_eq!(
            named,
            [
                (3, vec!["via", "shop", "at"]),
                (6, vec!["no"]),
                (7, vec!["no"]),
                (8, vec!["shop"]),
                (9, vec![""]),
                (10, vec!["at"])
            ]
        );
        assert!(
            bad.iter().flat_map(|bad| &bad.wrong).all(|wrong| !wrong.zh.is_empty() && !wrong.en.is_empty())
        );
    }

    #[test]
    fn what_is_too_old_may_be_opened_now() {
        let mapping = MAPPING.replace("'%Y%m%d%H%M%S'", "'%Y%m%d%H%M%S', too_old: now");
        let (cases, bad) = cases("8,电话,B1,20240101120000,,太早\n", &mapping);
        assert!(bad.is_empty());
        assert_eq!(cases[0].occurred_at, 0);
    }

    #[test]
    fn a_time_without_a_date_is_on_the_day_of_the_import() {
        let mapping = MAPPING.replace("take: 14, format: '%Y%m%d%H%M%S'", "format: '%H:%M'");
        let (cases, _) = cases("1,电话,B1,08:30,,x\n", &mapping);
        assert_eq!(
            cases[0].occurred_at,
            "2026-03-02T00:30:00Z".parse::<Timestamp>().unwrap().as_microsecond()
        );
    }

    #[test]
    fn without_a_key_the_content_identifies_a_row() {
        let mapping = MAPPING.replace("key: no\n", "");
        let row = "1,电话,B1,20260301120000,,x\n";
        let (first, _) = cases(&format!("{row}{row}"), &mapping);
        let (shifted, _) = cases(&format!("0,电话,B1,20260301120000,,new\n{row}{row}"), &mapping);
        assert_ne!(first[0].identity, first[1].identity);
        assert_eq!(first[0].identity, shifted[1].identity);
        assert_eq!(first[1].identity, shifted[2].identity);
        assert_eq!(first[0].form, shifted[1].form, "invented contacts do not move either");
    }

    #[test]
    fn rows_are_spread_over_all_branches_and_stay_there() {
        let branches: Vec<Branch> =
            (0..24).map(|n| Branch { code: format!("B{n}"), name: String::new() }).collect();
        let place = |n: u32, of: &[Branch]| spread(&n.to_string(), of);
        let mut count: HashMap<String, u32> = HashMap::new();
        (0..2_400).for_each(|n| *count.entry(place(n, &branches)).or_default() += 1);
        assert!(count.len() == 24 && count.values().all(|rows| (60..140).contains(rows)), "{count:?}");
        let moved = (0..2_400).filter(|n| place(*n, &branches) != place(*n, &branches[..23])).count();
        assert!(moved < 150, "only the rows of the branch that is gone: {moved}");
    }
}
