//! What a playbook may write as a limit.

use calendar::{DayEnd, Lead, Limit, LimitError, Weekday};
use proptest::prelude::*;

#[test]
fn every_form_is_understood_and_written_in_one_way() {
    let forms = [
        ("15m", Limit::Wall { minutes: 15 }, "15m", "15分钟"),
        ("2 minutes", Limit::Wall { minutes: 2 }, "2m", "2分钟"),
        ("24h", Limit::Wall { minutes: 1440 }, "24h", "24小时"),
        ("72 Hours", Limit::Wall { minutes: 4320 }, "72h", "72小时"),
        ("90 min", Limit::Wall { minutes: 90 }, "1h30m", "1小时30分钟"),
        ("1h30m", Limit::Wall { minutes: 90 }, "1h30m", "1小时30分钟"),
        ("4 working hours", Limit::WorkingTime { minutes: 240 }, "4 working hours", "4个工作小时"),
        (
            "90 working minutes",
            Limit::WorkingTime { minutes: 90 },
            "90 working minutes",
            "工作时间1小时30分钟",
        ),
        ("1 working day", Limit::WorkingDays { halves: 2 }, "1 working day", "1个工作日"),
        ("half a working day", Limit::WorkingDays { halves: 1 }, "half a working day", "半个工作日"),
        ("2.5 working days", Limit::WorkingDays { halves: 5 }, "2.5 working days", "2个半工作日"),
        ("1 day", Limit::CalendarDays { days: 1, until: DayEnd::Closing }, "1 day", "1天"),
        ("7 days", Limit::CalendarDays { days: 7, until: DayEnd::Closing }, "7 days", "7天"),
        (
            "7 days until midnight",
            Limit::CalendarDays { days: 7, until: DayEnd::Midnight },
            "7 days until midnight",
            "7天（至24:00）",
        ),
        (" end  of shift", Limit::EndOfShift, "end of shift", "当班结束前"),
        ("end of day", Limit::EndOfDay, "end of day", "当日24:00前"),
        ("end of month", Limit::EndOfMonth, "end of month", "当月底前"),
        (
            "end of next working day",
            Limit::EndOfNextWorkingDay,
            "end of next working day",
            "下一个工作日下班前",
        ),
        (
            "next Monday 9:05",
            Limit::NextWeekday { weekday: Weekday::Monday, minute: 545 },
            "next monday 09:05",
            "下一个周一09:05前",
        ),
        (
            "day 5 of next month",
            Limit::DayOfNextMonth { day: 5, minute: None },
            "day 5 of next month",
            "次月5日下班前",
        ),
        (
            "day 31 of next month 10:00",
            Limit::DayOfNextMonth { day: 31, minute: Some(600) },
            "day 31 of next month 10:00",
            "次月31日10:00前",
        ),
        (
            "5m before appointment",
            Limit::Before { lead: Lead::Wall { minutes: 5 }, of: "appointment".to_owned() },
            "5m before appointment",
            "appointment前5分钟",
        ),
        (
            "1 day before Appointment.at",
            Limit::Before { lead: Lead::CalendarDays { days: 1 }, of: "Appointment.at".to_owned() },
            "1 day before Appointment.at",
            "Appointment.at前1天",
        ),
    ];
    for (text, limit, canonical, zh) in forms {
        assert_eq!(Limit::parse(text).as_ref(), Ok(&limit), "{text}");
        assert_eq!(limit.to_string(), canonical);
        assert_eq!(limit.zh(), zh);
        let json = serde_json::to_string(&limit).expect("a string");
        assert_eq!(json, format!("{canonical:?}"));
        assert_eq!(serde_json::from_str::<Limit>(&json).expect("parses back"), limit);
    }
}

#[test]
fn what_is_no_limit_is_refused_with_the_reason() {
    let text = |error: fn(String) -> LimitError, text: &str| (error(text.to_owned()), text.to_owned());
    for (error, text) in [
        text(LimitError::Unknown, "soon"),
        text(LimitError::Unknown, ""),
        text(LimitError::Unknown, "-5m"),
        text(LimitError::Unknown, "24"),
        text(LimitError::Unknown, "1.5 days"),
        text(LimitError::Unknown, "3 working weeks"),
        text(LimitError::Unknown, "next moonday 10:00"),
        text(LimitError::Unknown, "24h until midnight"),
        text(LimitError::Unknown, "end of shift before appointment"),
        text(LimitError::Unknown, "1m30h"),
        text(LimitError::Zero, "0 days"),
        text(LimitError::Zero, "0m"),
        text(LimitError::Zero, "0 working days"),
        text(LimitError::TooLong, "100000 hours"),
        text(LimitError::TooLong, "99999999999 days"),
        text(LimitError::Fraction, "1.25 working days"),
        text(LimitError::BeforeWhat, "5m before"),
    ] {
        assert_eq!(Limit::parse(&text), Err(error), "{text}");
    }
    assert_eq!(Limit::parse("next monday 25:00"), Err(LimitError::Time("25:00".to_owned())));
    assert_eq!(Limit::parse("day 32 of next month"), Err(LimitError::DayOfMonth("32".to_owned())));
    assert_eq!(Limit::parse("day 0 of next month"), Err(LimitError::DayOfMonth("0".to_owned())));
    let message = Limit::parse("soon").expect_err("not a limit");
    assert!(message.to_string().contains("`soon`") && message.to_string().contains("4 working hours"));
    assert!(message.zh().contains("“soon”"));
}

fn limits() -> impl Strategy<Value = Limit> {
    let minutes = 1..5_000_000_u32;
    let lead = prop_oneof![
        minutes.clone().prop_map(|minutes| Lead::Wall { minutes }),
        minutes.clone().prop_map(|minutes| Lead::WorkingTime { minutes }),
        (1..7_000_u32).prop_map(|halves| Lead::WorkingDays { halves }),
        (1..3_600_u32).prop_map(|days| Lead::CalendarDays { days }),
    ];
    let until = prop_oneof![Just(DayEnd::Closing), Just(DayEnd::Midnight)];
    prop_oneof![
        minutes.clone().prop_map(|minutes| Limit::Wall { minutes }),
        minutes.prop_map(|minutes| Limit::WorkingTime { minutes }),
        (1..7_000_u32).prop_map(|halves| Limit::WorkingDays { halves }),
        (1..3_600_u32, until).prop_map(|(days, until)| Limit::CalendarDays { days, until }),
        (proptest::sample::select(&Weekday::ALL[..]), 0..=1440_u16)
            .prop_map(|(weekday, minute)| Limit::NextWeekday { weekday, minute }),
        (1..=31_u8, proptest::option::of(0..=1440_u16))
            .prop_map(|(day, minute)| Limit::DayOfNextMonth { day, minute }),
        (lead, "[a-zA-Z][a-zA-Z_.]{0,12}").prop_map(|(lead, of)| Limit::Before { lead, of }),
    ]
}

proptest! {
    #[test]
    fn the_canonical_text_parses_back(limit in limits()) {
        prop_assert_eq!(Limit::parse(&limit.to_string()), Ok(limit));
    }

    #[test]
    fn no_text_makes_the_parser_fall_over(text in "(next|day|end|of|half|a|before|[0-9]{1,12}|\\PC| |h|m|:|\\.){0,8}") {
        if let Ok(limit) = Limit::parse(&text) {
            prop_assert_eq!(Limit::parse(&limit.to_string()), Ok(limit));
        }
    }
}

#[test]
fn an_extension_of_the_same_kind_enlarges_the_budget() {
    let plus = |a: &str, b: &str| {
        let limit = |text: &str| Limit::parse(text).expect("a limit");
        limit(a).plus(&limit(b)).map(|sum| sum.to_string())
    };
    assert_eq!(plus("24h", "30m").as_deref(), Some("24h30m"));
    assert_eq!(plus("4 working hours", "1 working hour").as_deref(), Some("5 working hours"));
    assert_eq!(plus("1 working day", "half a working day").as_deref(), Some("1.5 working days"));
    assert_eq!(plus("7 days until midnight", "3 days").as_deref(), Some("10 days until midnight"));
    assert_eq!(plus("24h", "1 day"), None);
    assert_eq!(plus("end of shift", "end of shift"), None);
}
