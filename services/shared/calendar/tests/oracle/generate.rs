//! Random calendars, with a liking for the days on which arithmetic goes wrong.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::{BTreeMap, BTreeSet};

use calendar::{CalendarSource, Change, DayKey, Interval, Override, Weekday};
use jiff::Span;
use jiff::civil::Date;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};

/// Gaps and folds of an hour and of half an hour, one at midnight, a date that does not exist,
/// leap days and year ends.
const OCCASIONS: &[(&str, &str)] = &[
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2018-02-18"),
    ("Pacific/Apia", "2011-12-30"),
    ("Europe/Berlin", "2024-02-29"),
    ("Asia/Shanghai", "2024-02-29"),
    ("Asia/Shanghai", "2026-12-31"),
    ("Asia/Kolkata", "2027-01-01"),
    ("America/New_York", "2025-12-31"),
];

/// A share by default; `CALENDAR_CASES` asks for more.
pub fn config() -> Config {
    let cases = std::env::var("CALENDAR_CASES").ok().and_then(|cases| cases.parse().ok());
    // Beside the test file; the default looks for the crate's root, which a test has not.
    let beside = FileFailurePersistence::WithSource("proptest-regressions");
    Config { cases: cases.unwrap_or(48), failure_persistence: Some(Box::new(beside)), ..Config::default() }
}

pub fn calendars() -> impl Strategy<Value = (CalendarSource, Date)> {
    let week = proptest::collection::vec(hours(), 7);
    let overrides = proptest::collection::btree_map(-12..12_i32, change(), 0..6);
    (proptest::sample::select(OCCASIONS), week, overrides)
        .prop_filter("closed all year", |(_, week, _)| week.iter().any(|hours| !hours.is_empty()))
        .prop_map(|((zone, date), week, overrides)| {
            let around: Date = date.parse().expect("a date");
            (source(zone, around, week, overrides), around)
        })
}

fn source(
    zone: &str,
    around: Date,
    week: Vec<Vec<Interval>>,
    overrides: BTreeMap<i32, Change>,
) -> CalendarSource {
    let overrides = overrides.into_iter().map(|(offset, change)| Override {
        date: around.saturating_add(Span::new().days(offset)),
        until: None,
        change,
        name: None,
        note: None,
    });
    CalendarSource {
        id: "generated".to_owned(),
        version: 1,
        name: None,
        extends: None,
        zone: Some(zone.to_owned()),
        shifts: None,
        statutory: None,
        observes: None,
        week: DAYS.into_iter().zip(week).collect(),
        overrides: overrides.collect(),
    }
}

const DAYS: [DayKey; 7] = [
    DayKey::Monday,
    DayKey::Tuesday,
    DayKey::Wednesday,
    DayKey::Thursday,
    DayKey::Friday,
    DayKey::Saturday,
    DayKey::Sunday,
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::Closed),
        1 => open_hours().prop_map(Change::Hours),
        1 => proptest::sample::select(&Weekday::ALL[..]).prop_map(Change::As),
    ]
}

fn hours() -> impl Strategy<Value = Vec<Interval>> {
    prop_oneof![
        1 => Just(Vec::new()),
        1 => Just(vec!["00:00-24:00".parse().expect("an interval")]),
        1 => Just(vec!["22:00-06:00".parse().expect("an interval")]),
        4 => open_hours(),
    ]
}

/// Up to three intervals between distinct times; sometimes the last one crosses midnight.
fn open_hours() -> impl Strategy<Value = Vec<Interval>> {
    let early = 0..5 * 60_u16;
    let times = proptest::collection::btree_set(prop_oneof![early, 0..24 * 60_u16], 2..7);
    (times, any::<bool>()).prop_map(|(times, rotate)| intervals(times, rotate))
}

fn intervals(times: BTreeSet<u16>, rotate: bool) -> Vec<Interval> {
    let mut times: Vec<u16> = times.into_iter().collect();
    if times.len() % 2 == 1 {
        times.pop();
    }
    if rotate {
        times.rotate_left(1);
    }
    let text = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let pairs = times.chunks_exact(2).map(|pair| format!("{}-{}", text(pair[0]), text(pair[1])));
    pairs.map(|pair| pair.parse().expect("an interval")).collect()
}
