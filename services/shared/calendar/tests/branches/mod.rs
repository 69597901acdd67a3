//! A few branches to ask questions of.

#![allow(dead_code, reason = "each test binary uses its part")]

use calendar::{Calendar, CalendarSource};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub const CHINA: &str = include_str!("../../../../../deploy/calendars/china.yaml");
pub const SHOP: &str = include_str!("../../../../../deploy/calendars/dealer-shop.yaml");
pub const CALL_CENTRE: &str = include_str!("../../../../../deploy/calendars/call-centre.yaml");

pub fn read(text: &str) -> CalendarSource {
    CalendarSource::from_yaml(text).expect("a readable calendar")
}

pub fn compile(text: &str) -> Calendar {
    Calendar::compile(&read(text), &[read(CHINA), read(SHOP)]).expect("a sound calendar")
}

/// Monday to Friday with the statutory holidays and make-up days.
pub fn office() -> Calendar {
    compile(CHINA)
}

/// Open every day but at Spring Festival.
pub fn shop() -> Calendar {
    compile(SHOP)
}

/// Three shifts around the clock that begin at 06:00, without holidays.
pub fn night_watch() -> Calendar {
    let text = r#"{id: watch, version: 1, zone: Asia/Shanghai, shifts: interval,
        week: {daily: ["06:00-14:00", "14:00-22:00", "22:00-06:00"]}}"#;
    compile(text)
}

/// The office with other hours on some days: `override 2026-06-09 09:00-11:00`.
pub fn with(overrides: &[&str]) -> Calendar {
    let mut text = "id: branch\nversion: 1\nextends: china\noverrides:\n".to_owned();
    for entry in overrides {
        let words: Vec<&str> = entry.split(' ').collect();
        text.push_str(&format!("  - {{date: {}, hours: [\"{}\"]}}\n", words[1], words[2]));
    }
    compile(&text)
}

/// A wall time in Shanghai.
pub fn at(text: &str) -> Timestamp {
    at_in("Asia/Shanghai", text)
}

pub fn at_in(zone: &str, text: &str) -> Timestamp {
    let wall: DateTime = format!("{text}:00").parse().expect("a wall time");
    wall.to_zoned(TimeZone::get(zone).expect("a zone")).expect("in range").timestamp()
}

/// The branch's wall time, to the minute.
pub fn wall(calendar: &Calendar, at: Timestamp) -> String {
    let zone = TimeZone::get(calendar.zone()).expect("a zone");
    zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}
