//! One field's text, read into its value.

use chassis_core::Violation;
use jiff::civil::Date;
use playbook::{Choice, Field, FieldKind, Value};

use crate::form::{MAX_TEXT, Place, instant, is_sealed, path, violation};

/// What a field's text is.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Impersonal: facts by name.
    Facts(Vec<(String, Value)>),
    /// To be sealed. The text is trimmed; phones, plates and VINs are normalised by the shell.
    Personal(String),
}

/// A preferred time longer than this is a slip of the pen.
const LONGEST_WINDOW_DAYS: i64 = 31;

/// Reads one field. `text` is not blank: a blank field is one that was not filled in.
pub fn parse_field(field: &Field, text: &str, place: &Place) -> Result<Reading, Violation> {
    let text = text.trim();
    let refuse = |zh: &str, en: &str| {
        violation(
            &path(&field.name),
            format!("{}：{zh}", field.label.zh),
            format!("{}: {en}", field.label.en),
        )
    };
    if text.chars().count() > MAX_TEXT {
        return Err(refuse(&format!("最多 {MAX_TEXT} 字。"), &format!("at most {MAX_TEXT} characters.")));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(refuse("含有控制字符。", "control characters are not accepted."));
    }
    let facts = read(field, text, place).map_err(|(zh, en)| refuse(&zh, &en))?;
    if is_sealed(field) {
        return Ok(Reading::Personal(text.to_owned()));
    }
    Ok(Reading::Facts(facts))
}

type Wrong = (String, String);

fn wrong(zh: &str, en: &str) -> Wrong {
    (zh.to_owned(), en.to_owned())
}

fn read(field: &Field, text: &str, place: &Place) -> Result<Vec<(String, Value)>, Wrong> {
    let one = |value: Value| Ok(vec![(field.name.clone(), value)]);
    match &field.kind {
        FieldKind::Text
        | FieldKind::Phone
        | FieldKind::Plate
        | FieldKind::Vin
        | FieldKind::Person { .. }
        | FieldKind::Order
        | FieldKind::Attachment(_) => Ok(Vec::new()),
        FieldKind::Date => one(Value::Date(date(text)?)),
        FieldKind::Window => window(&field.name, text, place),
        FieldKind::Money => one(money(text, &place.currency)?),
        FieldKind::Choice(choices) => one(Value::Code(choice(choices, text)?)),
        FieldKind::Choices(choices) => one(Value::Codes(many(choices, text)?)),
        FieldKind::Bool => one(Value::Bool(truth(text)?)),
        FieldKind::Int { min, max } => one(Value::Int(whole(text, *min, *max)?)),
        FieldKind::Branch => one(Value::code(text)),
    }
}

fn date(text: &str) -> Result<Date, Wrong> {
    let date: Option<Date> = text.replace('/', "-").parse().ok();
    date.filter(|date| (1900..=2200).contains(&date.year()))
        .ok_or_else(|| wrong("请填写日期，如 2026-05-01。", "a date is expected, such as 2026-05-01."))
}

fn window(name: &str, text: &str, place: &Place) -> Result<Vec<(String, Value)>, Wrong> {
    let misread = || {
        wrong(
            "请填写时段，如 2026-03-01T09:00/2026-03-01T11:00。",
            "a window is expected, such as 2026-03-01T09:00/2026-03-01T11:00.",
        )
    };
    let (from, to) = text.split_once('/').ok_or_else(misread)?;
    let read = |text: &str| instant(text.trim(), &place.zone).ok_or_else(misread);
    let (from, to) = (read(from)?, read(to)?);
    let hours = to.duration_since(from).as_hours();
    if from >= to || hours > LONGEST_WINDOW_DAYS * 24 {
        return Err(wrong(
            "时段的结束必须晚于开始，且不超过 31 天。",
            "the window must end after it begins, within 31 days.",
        ));
    }
    Ok(vec![
        (format!("{name}_from"), Value::Instant(from.as_microsecond())),
        (format!("{name}_to"), Value::Instant(to.as_microsecond())),
    ])
}

/// Exact: no floating point touches money.
fn money(text: &str, currency: &str) -> Result<Value, Wrong> {
    let digits = minor_digits(currency);
    let misread = || {
        wrong(
            &format!("请填写不小于 0 的金额，最多 {digits} 位小数，如 1234.56。"),
            &format!("an amount of 0 or more with at most {digits} decimals is expected, such as 1234.56."),
        )
    };
    let plain: String = text
        .trim_start_matches(['¥', '￥'])
        .trim_end_matches('元')
        .chars()
        .filter(|c| !matches!(c, ',' | '，' | ' '))
        .collect();
    let (units, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || !is_plain(units) || !is_plain(part) || part.len() > digits {
        return Err(misread());
    }
    let minor: i64 = format!("{units}{part:0<digits$}").parse().map_err(|_| misread())?;
    Ok(Value::money(currency, minor))
}

/// Decimals of a currency (ISO 4217).
fn minor_digits(currency: &str) -> usize {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" => 0,
        "KWD" | "BHD" | "JOD" | "OMR" | "TND" | "IQD" | "LYD" => 3,
        _ => 2,
    }
}

/// A choice by its code, or by its name in either language.
fn choice(choices: &[Choice], text: &str) -> Result<String, Wrong> {
    choices
        .iter()
        .find(|choice| {
            choice.code == text || choice.name.zh == text || choice.name.en.eq_ignore_ascii_case(text)
        })
        .map(|choice| choice.code.clone())
        .ok_or_else(|| {
            let codes = |join: &str| choices.iter().map(|c| c.code.as_str()).collect::<Vec<_>>().join(join);
            (format!("只能是 {}。", codes("、")), format!("one of {} is expected.", codes(", ")))
        })
}

fn many(choices: &[Choice], text: &str) -> Result<Vec<String>, Wrong> {
    let mut codes = Vec::new();
    for part in text.split([',', '，', '、', ';', '；']).map(str::trim).filter(|part| !part.is_empty()) {
        let code = choice(choices, part)?;
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    Ok(codes)
}

fn truth(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" | "是" => Ok(true),
        "false" | "no" | "0" | "否" => Ok(false),
        _ => Err(wrong("请填写 是 或 否（true / false）。", "true or false is expected.")),
    }
}

fn whole(text: &str, min: Option<i64>, max: Option<i64>) -> Result<i64, Wrong> {
    let number: Option<i64> = text.parse().ok();
    number.filter(|n| min.is_none_or(|min| *n >= min) && max.is_none_or(|max| *n <= max)).ok_or_else(|| {
        let bound = |b: Option<i64>| b.map_or_else(|| "…".to_owned(), |b| b.to_string());
        let (min, max) = (bound(min), bound(max));
        (format!("请填写整数（{min} 至 {max}）。"), format!("a whole number is expected ({min} to {max})."))
    })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use playbook::{Required, Text};

    use super::*;

    fn field(kind: FieldKind) -> Field {
        Field {
            name: "f".into(),
            label: Text::new("栏", "field"),
            kind,
            required: Required::Never,
            personal: false,
            hint: None,
            rules: Vec::new(),
        }
    }

    fn parse(kind: FieldKind, text: &str) -> Option<Value> {
        let place = Place { currency: "CNY".into(), zone: TimeZone::get("Asia/Shanghai").expect("a zone") };
        match parse_field(&field(kind), text, &place) {
            Ok(Reading::Facts(facts)) => facts.into_iter().next().map(|(_, value)| value),
            Ok(Reading::Personal(_)) | Err(_) => None,
        }
    }

    fn place() -> Place {
        Place { currency: "CNY".into(), zone: TimeZone::get("Asia/Shanghai").expect("a zone") }
    }

    #[test]
    fn money_is_exact_in_minor_units() {
        let cny = |minor| Some(Value::money("CNY", minor));
        for (text, minor) in
            [("1234.56", 123_456), ("¥1,234.5", 123_450), ("0", 0), ("5000元", 500_000), ("0.01", 1)]
        {
            assert_eq!(parse(FieldKind::Money, text), cny(minor), "{text}");
        }
        for text in ["-1", "1.234", "1.2.3", "abc", ".5", "1e3", "99999999999999999999"] {
            assert_eq!(parse(FieldKind::Money, text), None, "{text}");
        }
        let yen = Place { currency: "JPY".into(), ..place() };
        assert!(parse_field(&field(FieldKind::Money), "12.5", &yen).is_err());
    }

    #[test]
    fn a_window_is_read_on_the_branchs_wall_clock() {
        let text = "2026-03-01T09:00/2026-03-01T11:00";
        let Ok(Reading::Facts(facts)) = parse_field(&field(FieldKind::Window), text, &place()) else {
            panic!("a window is read");
        };
        let at = |text: &str| {
            Value::Instant(text.parse::<jiff::Timestamp>().expect("an instant").as_microsecond())
        };
        assert_eq!(
            facts,
            [
                ("f_from".to_owned(), at("2026-03-01T01:00:00Z")),
                ("f_to".to_owned(), at("2026-03-01T03:00:00Z"))
            ]
        );
        for bad in [
            "2026-03-01T09:00",
            "2026-03-01T11:00/2026-03-01T09:00",
            "9-11",
            "2026-03-01T09:00/2026-06-01T09:00",
        ] {
            assert!(parse_field(&field(FieldKind::Window), bad, &place()).is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_flags_and_numbers_are_typed() {
        assert_eq!(
            parse(FieldKind::Date, "2026-02-28"),
            Some(Value::Date("2026-02-28".parse().expect("a date")))
        );
        assert_eq!(
            parse(FieldKind::Date, "2026/02/28"),
            Some(Value::Date("2026-02-28".parse().expect("a date")))
        );
        assert_eq!(parse(FieldKind::Date, "2026-02-30"), None);
        assert_eq!(parse(FieldKind::Bool, "是"), Some(Value::Bool(true)));
        assert_eq!(parse(FieldKind::Bool, "maybe"), None);
        let bounded = || FieldKind::Int { min: Some(1), max: Some(5) };
        assert_eq!(parse(bounded(), "5"), Some(Value::Int(5)));
        assert_eq!(parse(bounded(), "6"), None);
        assert_eq!(parse(bounded(), "2.5"), None);
    }

    #[test]
    fn a_choice_is_taken_by_code_or_name() {
        let choices = vec![
            Choice {
                code: "service".into(), name: Text::new("服务质量", "Service quality"), rules: vec![]
            },
            Choice {
                code: "repair".into(), name: Text::new("维修质量", "Repair quality"), rules: vec![]
            },
        ];
        assert_eq!(parse(FieldKind::Choice(choices.clone()), "服务质量"), Some(Value::code("service")));
        assert_eq!(parse(FieldKind::Choice(choices.clone()), "repair"), Some(Value::code("repair")));
        assert_eq!(parse(FieldKind::Choice(choices.clone()), "other"), None);
        assert_eq!(
            parse(FieldKind::Choices(choices), "repair，服务质量, repair"),
            Some(Value::Codes(vec!["repair".into(), "service".into()]))
        );
    }

    #[test]
    fn personal_fields_are_checked_and_kept_as_text() {
        let mut born = field(FieldKind::Date);
        born.personal = true;
        assert_eq!(parse_field(&born, " 1980-01-02 ", &place()), Ok(Reading::Personal("1980-01-02".into())));
        assert!(parse_field(&born, "yesterday", &place()).is_err());
        assert!(parse_field(&field(FieldKind::Text), "a\u{0}b", &place()).is_err());
        assert!(parse_field(&field(FieldKind::Text), &"x".repeat(4001), &place()).is_err());
    }
}
