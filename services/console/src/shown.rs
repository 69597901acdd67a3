//! Instants, spans, money and facts as people read them.

use jiff::tz::TimeZone;
use playbook::{Facts, Field, FieldKind, Value};
use proto::Time;

use crate::language::Tongue;

/// How near a deadline is: for the icon, the colour and the words of a countdown.
pub fn risk(due: Time, now: Time) -> &'static str {
    let left = due.0 - now.0;
    match left {
        ..0 => "late",
        _ if left < Time::HOUR => "soon",
        _ if left < 4 * Time::HOUR => "near",
        _ => "calm",
    }
}

/// A deadline with its countdown; `due` 0: none.
#[derive(Clone, Debug)]
pub struct Due {
    pub at: i64,
    pub risk: &'static str,
    pub left: String,
    pub moment: String,
}

impl Due {
    pub fn new(due: Time, now: Time, zone: &TimeZone, tongue: Tongue) -> Option<Due> {
        let due = due.set()?;
        let risk = risk(due, now);
        let span = span(due.0 - now.0, tongue);
        let left = match (risk, tongue.is_english()) {
            ("late", false) => format!("逾期 {span}"),
            ("late", true) => format!("late by {span}"),
            (_, false) => format!("剩 {span}"),
            (_, true) => format!("{span} left"),
        };
        Some(Due { at: due.0, risk, left, moment: moment(due, zone) })
    }
}

/// `11-21 14:05`
pub fn moment(at: Time, zone: &TimeZone) -> String {
    format(at, zone, "%m-%d %H:%M")
}

/// `2026-11-21 14:05`
pub fn full(at: Time, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d %H:%M")
}

pub fn day(at: Time, zone: &TimeZone) -> String {
    format(at, zone, "%Y-%m-%d")
}

pub fn time_of_day(at: Time, zone: &TimeZone) -> String {
    format(at, zone, "%H:%M")
}

fn format(at: Time, zone: &TimeZone, style: &str) -> String {
    if at.0 == 0 {
        return String::new();
    }
    at.to_timestamp().to_zoned(zone.clone()).strftime(style).to_string()
}

/// The two largest units of a span, without its sign. The browser counts on in the same words.
pub fn span(micros: i64, tongue: Tongue) -> String {
    let away = micros.unsigned_abs() / 1_000_000;
    let (days, hours, minutes) = (away / 86_400, away % 86_400 / 3_600, away % 3_600 / 60);
    match (days, hours, minutes, tongue.is_english()) {
        (1.., _, _, false) => format!("{days} 天 {hours} 小时"),
        (1.., _, _, true) => format!("{days} d {hours} h"),
        (0, 1.., _, false) => format!("{hours} 小时 {minutes} 分"),
        (0, 1.., _, true) => format!("{hours} h {minutes} min"),
        (0, 0, 1.., false) => format!("{minutes} 分钟"),
        (0, 0, 1.., true) => format!("{minutes} min"),
        (0, 0, 0, false) => format!("{away} 秒"),
        (0, 0, 0, true) => format!("{away} s"),
    }
}

/// Minor units with their currency: `¥1,234.50`.
pub fn money(currency: &str, minor: i64) -> String {
    let (units, rest) = (minor.unsigned_abs() / 100, minor.unsigned_abs() % 100);
    let digits = units.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    let mark = if currency == "CNY" { "¥".to_owned() } else { format!("{currency} ") };
    format!("{sign}{mark}{grouped}.{rest:02}")
}

/// Label and value of every fact that a form gave rise to, in the order of the form.
pub fn facts(facts: &Facts, fields: &[Field], zone: &TimeZone, tongue: Tongue) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for field in fields {
        let label = tongue.text(&field.label).to_owned();
        if let FieldKind::Window = field.kind {
            let at = |name: String| match facts.get(&name) {
                Some(Value::Instant(at)) => Some(Time(*at)),
                _ => None,
            };
            let (from, to) = (at(format!("{}_from", field.name)), at(format!("{}_to", field.name)));
            if let (Some(from), Some(to)) = (from, to) {
                lines.push((label, format!("{} – {}", moment(from, zone), moment(to, zone))));
            }
        } else if let Some(known) = facts.get(&field.name) {
            lines.push((label, value(known, Some(field), zone, tongue)));
        }
    }
    lines
}

pub fn value(value: &Value, field: Option<&Field>, zone: &TimeZone, tongue: Tongue) -> String {
    let choice = |code: &String| {
        let found = field.and_then(|field| field.choices().iter().find(|choice| choice.code == *code));
        found.map_or_else(|| code.clone(), |choice| tongue.text(&choice.name).to_owned())
    };
    match value {
        Value::Bool(true) => tongue.say("是", "yes").to_owned(),
        Value::Bool(false) => tongue.say("否", "no").to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Code(code) => choice(code),
        Value::Codes(codes) => codes.iter().map(choice).collect::<Vec<_>>().join(tongue.say("、", ", ")),
        Value::Money { currency, minor } => money(currency, *minor),
        Value::Date(date) => date.to_string(),
        Value::Instant(at) => moment(Time(*at), zone),
    }
}

/// Somebody of the staff: a code, or what acts by itself.
pub fn actor(code: &str, tongue: Tongue) -> String {
    match code.split_once(':') {
        Some(("person", code)) => code.to_owned(),
        Some(("system" | "service", name)) => format!("{} {name}", tongue.say("系统", "system")),
        _ => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use playbook::Lang;

    use super::*;

    const ZH: Tongue = Tongue(Lang::Zh);
    const EN: Tongue = Tongue(Lang::En);

    #[test]
    fn a_deadline_says_how_near_it_is() {
        let now = Time(1_000 * Time::HOUR);
        let left = |micros: i64| Due::new(now.plus(micros), now, &TimeZone::UTC, ZH).unwrap();
        assert_eq!(
            (left(-90 * Time::MINUTE).risk, left(-90 * Time::MINUTE).left.as_str()),
            ("late", "逾期 1 小时 30 分")
        );
        assert_eq!(
            (left(59 * Time::MINUTE).risk, left(59 * Time::MINUTE).left.as_str()),
            ("soon", "剩 59 分钟")
        );
        assert_eq!(left(3 * Time::HOUR).risk, "near");
        assert_eq!(
            (left(50 * Time::HOUR).risk, left(50 * Time::HOUR).left.as_str()),
            ("calm", "剩 2 天 2 小时")
        );
        assert!(Due::new(Time(0), now, &TimeZone::UTC, ZH).is_none());
    }

    #[test]
    fn times_stand_in_the_branch_zone() {
        let at = Time::from("2026-11-21T06:05:00Z".parse::<jiff::Timestamp>().unwrap());
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        assert_eq!(
            (moment(at, &shanghai), full(at, &TimeZone::UTC)),
            ("11-21 14:05".into(), "2026-11-21 06:05".into())
        );
    }

    #[test]
    fn money_is_grouped_and_exact() {
        assert_eq!(money("CNY", 123_456_789), "¥1,234,567.89");
        assert_eq!((money("CNY", 5), money("USD", -120_000)), ("¥0.05".into(), "-USD 1,200.00".into()));
    }

    #[test]
    fn who_acts_is_said_without_a_scheme() {
        assert_eq!(
            (actor("person:QH-CC1", ZH), actor("system:import", EN)),
            ("QH-CC1".into(), "system import".into())
        );
    }
}
