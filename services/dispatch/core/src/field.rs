//! One field of a report as people write it, read into typed facts.

use jiff::{civil, tz::TimeZone};
use playbook::{Field, FieldKind, Value};

use chassis_core::Violation;

/// Reads an impersonal field. `zone`: the branch's, for times without an offset.
///
/// Dates are `2026-03-01`, windows `2026-03-01T09:00/2026-03-01T11:00` (or with offsets), money `1234.56` in whole
/// units, choices their codes (several parted by commas), flags `true` or `false`.
pub fn read_field(
    field: &Field,
    text: &str,
    currency: &str,
    zone: Option<&str>,
) -> Result<Vec<(String, Value)>, Violation> {
    let text = text.trim();
    let one = |value: Value| vec![(field.name.clone(), value)];
    let read = match &field.kind {
        FieldKind::Date => text.parse::<civil::Date>().ok().map(|date| one(Value::Date(date))),
        FieldKind::Window => window(field, text, zone),
        FieldKind::Money => money(text, currency).map(|minor| one(Value::money(currency, minor))),
        FieldKind::Choice(_) | FieldKind::Branch => Some(one(Value::code(text))),
        FieldKind::Choices(_) => {
            Some(one(Value::Codes(text.split(',').map(|code| code.trim().to_owned()).collect())))
        }
        FieldKind::Bool => text.parse().ok().map(|truth| one(Value::Bool(truth))),
        FieldKind::Int { .. } => text.parse().ok().map(|number| one(Value::Int(number))),
        // Sealed by the shell, never read here.
        FieldKind::Text
        | FieldKind::Phone
        | FieldKind::Plate
        | FieldKind::Vin
        | FieldKind::Person { .. }
        | FieldKind::Order
        | FieldKind::Attachment(_) => None,
    };
    read.filter(|facts| facts.iter().all(|(_, value)| field.accepts(value))).ok_or_else(|| misfit(field))
}

fn misfit(field: &Field) -> Violation {
    let (zh, en) = expected(&field.kind);
    Violation { field: format!("fields.{}", field.name), zh: zh.to_owned(), en: en.to_owned() }
}

fn expected(kind: &FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Date => ("请按 2026-03-01 的格式填写日期", "a date like 2026-03-01 is expected"),
        FieldKind::Window => (
            "请按 2026-03-01T09:00/2026-03-01T11:00 的格式填写时间段",
            "a span like 2026-03-01T09:00/2026-03-01T11:00 is expected",
        ),
        FieldKind::Money => ("请按 1234.56 的格式填写金额", "an amount like 1234.56 is expected"),
        FieldKind::Choice(_) | FieldKind::Choices(_) => ("不在可选项之内", "not one of the choices"),
        FieldKind::Bool => ("请填写 true 或 false", "true or false is expected"),
        FieldKind::Int { .. } => ("请填写范围内的整数", "a whole number within the bounds is expected"),
        _ => ("内容不符合字段要求", "the value does not fit the field"),
    }
}

fn window(field: &Field, text: &str, zone: Option<&str>) -> Option<Vec<(String, Value)>> {
    let (from, to) = text.split_once('/')?;
    let (from, to) = (instant(from.trim(), zone)?, instant(to.trim(), zone)?);
    (from < to).then(|| {
        vec![
            (format!("{}_from", field.name), Value::Instant(from)),
            (format!("{}_to", field.name), Value::Instant(to)),
        ]
    })
}

fn instant(text: &str, zone: Option<&str>) -> Option<i64> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.as_microsecond());
    }
    let zone = TimeZone::get(zone?).ok()?;
    let at = text.parse::<civil::DateTime>().ok()?.to_zoned(zone).ok()?;
    Some(at.timestamp().as_microsecond())
}

/// `1234.5` as minor units: exact, no floating point.
fn money(text: &str, currency: &str) -> Option<i64> {
    let digits = minor_digits(currency);
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > digits {
        return None;
    }
    format!("{whole}{part:0<digits$}").parse().ok()
}

/// Minor digits by ISO 4217, where they are not two.
fn minor_digits(currency: &str) -> usize {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use playbook::{Choice, Required, Text};

    fn field(kind: FieldKind) -> Field {
        Field {
            name: "x".into(),
            label: Text::new("某", "some"),
            kind,
            required: Required::Never,
            personal: false,
            hint: None,
            rules: vec![],
        }
    }

    fn read(kind: FieldKind, text: &str) -> Option<Vec<(String, Value)>> {
        read_field(&field(kind), text, "CNY", Some("Asia/Shanghai")).ok()
    }

    #[test]
    fn money_is_exact() {
        for (text, minor) in [("1234.56", 123_456), ("0.5", 50), ("7", 700), (" 12.00 ", 1200)] {
            assert_eq!(
                read(FieldKind::Money, text),
                Some(vec![("x".into(), Value::money("CNY", minor))]),
                "{text}"
            );
        }
        for text in ["1.234", "-1", "1,000", "", ".5", "abc", "1.2.3", "99999999999999999999"] {
            assert_eq!(read(FieldKind::Money, text), None, "{text}");
        }
    }

    #[test]
    fn a_window_is_read_in_the_branch_zone() {
        let read_here = read(FieldKind::Window, "2026-03-01T09:00/2026-03-01T11:00").unwrap();
        let at = |text: &str| Value::Instant(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        assert_eq!(
            read_here,
            [
                ("x_from".to_owned(), at("2026-03-01T01:00:00Z")),
                ("x_to".to_owned(), at("2026-03-01T03:00:00Z"))
            ]
        );
        assert_eq!(read(FieldKind::Window, "2026-03-01T11:00/2026-03-01T09:00"), None);
        assert_eq!(read(FieldKind::Window, "morning"), None);
    }

    #[test]
    fn choices_bounds_and_flags_are_checked() {
        let choice = |code: &str| Choice { code: code.into(), name: Text::new(code, code), rules: vec![] };
        assert!(read(FieldKind::Choice(vec![choice("pass")]), "pass").is_some());
        assert!(read(FieldKind::Choice(vec![choice("pass")]), "maybe").is_none());
        assert!(read(FieldKind::Choices(vec![choice("a"), choice("b")]), "a, b").is_some());
        assert!(read(FieldKind::Choices(vec![choice("a")]), "a,z").is_none());
        assert!(read(FieldKind::Int { min: Some(1), max: Some(5) }, "5").is_some());
        assert!(read(FieldKind::Int { min: Some(1), max: Some(5) }, "6").is_none());
        assert!(read(FieldKind::Bool, "true").is_some());
        assert!(read(FieldKind::Bool, "ja").is_none());
        assert!(read(FieldKind::Date, "2026-02-29").is_none());
        assert!(read(FieldKind::Text, "words").is_none(), "words are sealed, never read as facts");
    }
}
