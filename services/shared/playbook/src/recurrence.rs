//! On which days something recurs: the part of RFC 5545 that duties use. `FREQ` is DAILY, WEEKLY, MONTHLY or YEARLY, with
//! `INTERVAL`, `BYDAY` (in months with a place: `1MO`, `-1FR`), `BYMONTHDAY` (from the end: `-1`) and `BYMONTH`.
//!
//! Intervals are counted from Monday 1 January 2024, so that every branch has the same weeks.

use jiff::civil::{Date, Weekday};
use serde::{Serialize, Serializer};

const ANCHOR: Date = jiff::civil::date(2024, 1, 1);
/// A rule that does not come within so many days never does (29 February comes within eight years).
const HORIZON: i32 = 8 * 366 + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Every {
    Day,
    Week,
    Month,
    Year,
}

/// A parsed rule; `source` is what the playbook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    pub source: String,
    every: Every,
    interval: i32,
    /// With the place in the month, negative from its end; 0: every such day.
    days: Vec<(i8, Weekday)>,
    month_days: Vec<i8>,
    months: Vec<i8>,
}

impl Serialize for Recurrence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl Recurrence {
    /// `None` for what is no rule, or one that never comes.
    pub fn parse(text: &str) -> Option<Recurrence> {
        let mut rule = Recurrence {
            source: text.to_owned(),
            every: Every::Day,
            interval: 1,
            days: Vec::new(),
            month_days: Vec::new(),
            months: Vec::new(),
        };
        for (place, part) in text.split(';').enumerate() {
            let (key, value) = part.split_once('=')?;
            match (key, place) {
                ("FREQ", 0) => rule.every = every(value)?,
                (_, 0) | ("FREQ", _) => return None,
                ("INTERVAL", _) => rule.interval = value.parse().ok().filter(|n| (1..=1000).contains(n))?,
                ("BYDAY", _) => rule.days = value.split(',').map(weekday).collect::<Option<_>>()?,
                ("BYMONTHDAY", _) => rule.month_days = numbers(value, 31)?,
                ("BYMONTH", _) => {
                    rule.months =
                        numbers(value, 12).filter(|months| months.iter().all(|month| *month > 0))?;
                }
                _ => return None,
            }
        }
        let placed = rule.days.iter().any(|(place, _)| *place != 0);
        let fits = !placed || matches!(rule.every, Every::Month | Every::Year);
        (fits && rule.next(ANCHOR).is_some()).then_some(rule)
    }

    /// The first day after this one on which it comes.
    pub fn next(&self, after: Date) -> Option<Date> {
        let mut day = after;
        for _ in 0..HORIZON.saturating_mul(self.interval.min(4)) {
            day = day.tomorrow().ok()?;
            if self.comes_on(day) {
                return Some(day);
            }
        }
        None
    }

    pub fn comes_on(&self, day: Date) -> bool {
        let month = self.months.is_empty() || self.months.contains(&day.month());
        month
            && match self.every {
                Every::Day => self.in_step(days_since(day)) && self.on_weekday(day) && self.on_month_day(day),
                Every::Week => self.in_step(days_since(day).div_euclid(7)) && self.in_week(day),
                Every::Month => self.in_step(months_since(day)) && self.in_month(day),
                Every::Year => {
                    let month = !self.months.is_empty() || day.month() == ANCHOR.month();
                    month && self.in_step(i32::from(day.year() - ANCHOR.year())) && self.in_month(day)
                }
            }
    }

    fn in_step(&self, since: i32) -> bool {
        since.rem_euclid(self.interval) == 0
    }

    fn on_weekday(&self, day: Date) -> bool {
        self.days.is_empty() || self.days.iter().any(|(_, weekday)| *weekday == day.weekday())
    }

    fn on_month_day(&self, day: Date) -> bool {
        let back = day.day() - day.days_in_month() - 1;
        self.month_days.is_empty() || self.month_days.iter().any(|n| *n == day.day() || *n == back)
    }

    fn in_week(&self, day: Date) -> bool {
        if self.days.is_empty() { day.weekday() == ANCHOR.weekday() } else { self.on_weekday(day) }
    }

    fn in_month(&self, day: Date) -> bool {
        if self.days.is_empty() && self.month_days.is_empty() {
            return day.day() == ANCHOR.day();
        }
        let forwards = (day.day() - 1) / 7 + 1;
        let backwards = -((day.days_in_month() - day.day()) / 7 + 1);
        let named = |(place, weekday): &(i8, Weekday)| {
            *weekday == day.weekday() && (*place == 0 || *place == forwards || *place == backwards)
        };
        (self.days.is_empty() || self.days.iter().any(named)) && self.on_month_day(day)
    }
}

fn every(word: &str) -> Option<Every> {
    Some(match word {
        "DAILY" => Every::Day,
        "WEEKLY" => Every::Week,
        "MONTHLY" => Every::Month,
        "YEARLY" => Every::Year,
        _ => return None,
    })
}

fn numbers(text: &str, most: i8) -> Option<Vec<i8>> {
    let number = |word: &str| word.parse::<i8>().ok().filter(|n| *n != 0 && (-most..=most).contains(n));
    text.split(',').map(number).collect()
}

fn weekday(word: &str) -> Option<(i8, Weekday)> {
    const DAYS: [(&str, Weekday); 7] = [
        ("MO", Weekday::Monday),
        ("TU", Weekday::Tuesday),
        ("WE", Weekday::Wednesday),
        ("TH", Weekday::Thursday),
        ("FR", Weekday::Friday),
        ("SA", Weekday::Saturday),
        ("SU", Weekday::Sunday),
    ];
    let (place, day) = DAYS.iter().find_map(|(name, day)| Some((word.strip_suffix(name)?, *day)))?;
    let place = if place.is_empty() {
        0
    } else {
        place.parse().ok().filter(|n: &i8| *n != 0 && (-5..=5).contains(n))?
    };
    Some((place, day))
}

fn days_since(day: Date) -> i32 {
    day.since((jiff::Unit::Day, ANCHOR)).map_or(0, |span| span.get_days())
}

fn months_since(day: Date) -> i32 {
    i32::from(day.year() - ANCHOR.year()) * 12 + i32::from(day.month() - ANCHOR.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(rule: &str, after: &str) -> String {
        let rule = Recurrence::parse(rule).unwrap_or_else(|| panic!("{rule} is one"));
        rule.next(after.parse().expect("a date")).expect("it comes").to_string()
    }

    #[test]
    fn days_come_as_the_standard_says() {
        for (rule, after, expected) in [
            ("FREQ=DAILY", "2026-03-02", "2026-03-03"),
            ("FREQ=DAILY;INTERVAL=3", "2024-01-01", "2024-01-04"),
            ("FREQ=WEEKLY;BYDAY=MO", "2026-03-02", "2026-03-09"),
            ("FREQ=WEEKLY", "2026-03-03", "2026-03-09"),
            ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR", "2024-01-05", "2024-01-16"),
            ("FREQ=MONTHLY", "2026-03-02", "2026-04-01"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "2024-02-01", "2024-02-29"),
            ("FREQ=MONTHLY;BYDAY=1MO", "2026-03-02", "2026-04-06"),
            ("FREQ=MONTHLY;BYDAY=-1FR", "2026-03-02", "2026-03-27"),
            ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "2026-01-01", "2026-02-13"),
            ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=5", "2026-02-01", "2026-04-05"),
            ("FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1", "2026-05-01", "2027-05-01"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2024-02-29", "2028-02-29"),
        ] {
            assert_eq!(next(rule, after), expected, "{rule}");
        }
    }

    #[test]
    fn what_is_no_rule_or_never_comes_is_none() {
        for rule in [
            "",
            "FREQ=HOURLY",
            "BYDAY=MO;FREQ=WEEKLY",
            "FREQ=WEEKLY;BYDAY=1MO",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;COUNT=3",
        ] {
            assert_eq!(Recurrence::parse(rule), None, "{rule}");
        }
    }
}
