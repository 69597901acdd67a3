//! The arithmetic agrees with a minute-by-minute oracle and obeys its laws, on random calendars
//! around the days on which the clocks are changed.

#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/mod.rs"]
mod oracle;

use calendar::{Calendar, CalendarSource};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use oracle::Oracle;
use proptest::prelude::*;

const BEFORE: i32 = 12;
const AFTER: i32 = 16;
const MINUTES: usize = (BEFORE + AFTER) as usize * 24 * 60;

fn compiled(source: &CalendarSource) -> Calendar {
    Calendar::compile(source, &[]).expect("a sound calendar")
}

fn minutes(count: usize) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(count).expect("small"))
}

proptest! {
    #![proptest_config(generate::config())]

    #[test]
    fn every_answer_is_the_oracles(
        (source, around) in generate::calendars(),
        questions in proptest::collection::vec((0..MINUTES, 0..MINUTES, 0..6_000_usize, 0..5_usize), 40),
    ) {
        let calendar = compiled(&source);
        let oracle = Oracle::new(&source, around, BEFORE, AFTER);
        for (a, b, open, days) in questions {
            let at = oracle.at(a);
            prop_assert_eq!(calendar.is_open(at), oracle.is_open(a), "is_open({})", at);
            let (from, to) = (a.min(b), a.max(b));
            let between = calendar.working_between(oracle.at(from), oracle.at(to));
            prop_assert_eq!(between, minutes(oracle.between(from, to)), "between {} {}", oracle.at(from), oracle.at(to));
            if let Some(expected) = oracle.add(a, open) {
                prop_assert_eq!(calendar.add_working(at, minutes(open)), oracle.at(expected), "{} + {}", at, open);
            }
            if let Some(expected) = oracle.sub(a, open) {
                prop_assert_eq!(calendar.sub_working(at, minutes(open)), oracle.at(expected), "{} - {}", at, open);
            }
            if let Some(expected) = oracle.next_open(a) {
                prop_assert_eq!(calendar.next_open(at), oracle.at(expected), "next_open({})", at);
            }
            if let Some(expected) = oracle.end_of_shift(&source, a) {
                prop_assert_eq!(calendar.end_of_shift(at), oracle.at(expected), "end_of_shift({})", at);
            }
            if let Some(expected) = oracle.add_days(&source, a, days) {
                let later = calendar.add_working_days(at, u32::try_from(days).expect("small"));
                prop_assert_eq!(later, oracle.at(expected), "{} + {} working days", at, days);
            }
        }
    }

    #[test]
    fn adding_is_additive_and_between_undoes_it(
        (source, around) in generate::calendars(),
        questions in proptest::collection::vec((0..MINUTES, 0..60_000_000_i64, 0..4_000_000_000_000_i64, 0..900_000_000_000_i64), 60),
    ) {
        let calendar = compiled(&source);
        let noon = around.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp();
        for (minute, micros, x, y) in questions {
            let a = noon + (i64::try_from(minute).expect("small") - 12 * 24 * 60).minutes().microseconds(micros);
            let (x, y) = (SignedDuration::from_micros(x), SignedDuration::from_micros(y));
            let once = calendar.add_working(a, x + y);
            prop_assert_eq!(once, calendar.add_working(calendar.add_working(a, x), y));
            prop_assert_eq!(calendar.working_between(a, once), x + y);
            let back = calendar.sub_working(a, x + y);
            prop_assert_eq!(back, calendar.sub_working(calendar.sub_working(a, x), y));
            prop_assert_eq!(calendar.working_between(back, a), x + y);
            let b: Timestamp = once + SignedDuration::from_micros(micros * 1000);
            prop_assert_eq!(calendar.working_between(a, b), -calendar.working_between(b, a));
        }
    }
}
