//! Working time the slow way: every minute of a few weeks is looked at by itself.
//!
//! Written from the promises in the crate's documentation, not from its code: a minute is open
//! when the wall clock, as far as it has ever got, stands inside a shift of some day.

#![allow(dead_code, reason = "each test binary uses its part")]

use calendar::{CalendarSource, Change};
use jiff::civil::{Date, DateTime, Weekday as Day};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

pub struct Oracle {
    pub start: Timestamp,
    minutes: Vec<Minute>,
}

struct Minute {
    /// What the wall clock shows.
    local: DateTime,
    /// The furthest that the wall clock has got; differs while an hour is repeated.
    reached: DateTime,
    open: bool,
    /// The earliest day whose span, breaks included, covers the minute.
    shift: Option<Date>,
}

impl Oracle {
    /// Looks at the minutes from `days_before` before to `days_after` after noon UTC of `around`.
    pub fn new(source: &CalendarSource, around: Date, days_before: i32, days_after: i32) -> Self {
        let zone = TimeZone::get(source.zone.as_deref().expect("a zone")).expect("a known zone");
        let noon = around.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).expect("in range").timestamp();
        let start = noon - (i64::from(days_before) * 24).hours();
        let count = i64::from(days_before + days_after) * 24 * 60;
        let spans: Vec<(Date, Vec<(DateTime, DateTime)>)> = (-3..days_before + days_after + 3)
            .map(|n| around.saturating_add(Span::new().days(n - days_before)))
            .map(|date| (date, shifts(source, date)))
            .collect();
        // Two days of run-up, so that the furthest point is right from the first minute on.
        let mut reached = DateTime::MIN;
        let mut minutes = Vec::new();
        for n in -2 * 24 * 60..count {
            let local = zone.to_datetime(start + n.minutes());
            reached = reached.max(local);
            if n >= 0 {
                minutes.push(minute(local, reached, &spans));
            }
        }
        Self { start, minutes }
    }

    pub fn at(&self, minute: usize) -> Timestamp {
        self.start + i64::try_from(minute).expect("small").minutes()
    }

    pub fn is_open(&self, minute: usize) -> bool {
        self.minutes[minute].open
    }

    pub fn between(&self, a: usize, b: usize) -> usize {
        (a..b).filter(|n| self.is_open(*n)).count()
    }

    /// `None` when the answer lies outside the window.
    pub fn add(&self, from: usize, open: usize) -> Option<usize> {
        let mut left = open;
        let mut at = from;
        while left > 0 {
            left -= usize::from(self.minutes.get(at)?.open);
            at += 1;
        }
        Some(at)
    }

    pub fn sub(&self, to: usize, open: usize) -> Option<usize> {
        let mut left = open;
        let mut at = to;
        while left > 0 {
            at = at.checked_sub(1)?;
            left -= usize::from(self.minutes[at].open);
        }
        Some(at)
    }

    pub fn next_open(&self, from: usize) -> Option<usize> {
        (from..self.minutes.len()).find(|n| self.is_open(*n))
    }

    pub fn end_of_shift(&self, source: &CalendarSource, from: usize) -> Option<usize> {
        let date = (from..self.minutes.len()).find_map(|n| self.minutes[n].shift)?;
        let end = shifts(source, date).iter().map(|(_, to)| *to).max()?;
        self.first(end)
    }

    /// Same time of day, so many working days later.
    pub fn add_days(&self, source: &CalendarSource, from: usize, days: usize) -> Option<usize> {
        let start = self.next_open(from)?;
        let first = self.running(source, start)?;
        let time = self.minutes[start].local.duration_since(midnight(first));
        let mut date = first;
        let mut left = days;
        while left > 0 {
            date = date.tomorrow().ok()?;
            let over =
                shifts(source, date).last().is_some_and(|(_, close)| *close <= self.minutes[start].reached);
            left -= usize::from(!over && self.is_worked(source, date)?);
        }
        if days == 0 {
            return Some(start);
        }
        let mut target = midnight(date) + time;
        let hours = shifts(source, date);
        if let Some(before) = hours.iter().rev().find(|(open, _)| *open <= target) {
            target = target.min(before.1);
        } else {
            target = hours.first()?.0;
        }
        self.first(target)
    }

    /// The first minute at which the wall clock has got that far.
    fn first(&self, at: DateTime) -> Option<usize> {
        let minute = self.minutes.partition_point(|minute| minute.reached < at);
        (minute < self.minutes.len()).then_some(minute)
    }

    /// The earliest day that has an interval open at that minute.
    fn running(&self, source: &CalendarSource, minute: usize) -> Option<Date> {
        let Minute { local, reached, .. } = self.minutes[minute];
        let days = [2, 1, 0].map(|back| local.date().saturating_sub(Span::new().days(back)));
        days.into_iter().find(|day| shifts(source, *day).iter().any(|(a, b)| *a <= reached && reached < *b))
    }

    /// Has hours, and the wall clock passes through them. `None` near the window's end.
    fn is_worked(&self, source: &CalendarSource, date: Date) -> Option<bool> {
        let hours = shifts(source, date);
        let (Some(open), Some(close)) = (hours.first(), hours.last()) else {
            return Some(false);
        };
        Some(self.first(open.0)? < self.first(close.1)?)
    }
}

fn minute(local: DateTime, reached: DateTime, days: &[(Date, Vec<(DateTime, DateTime)>)]) -> Minute {
    let today = days.partition_point(|(date, _)| *date <= reached.date());
    let near = &days[today.saturating_sub(3)..today];
    let mut open = false;
    let mut shift = None;
    for (date, hours) in near {
        open |= hours.iter().any(|(from, to)| *from <= reached && reached < *to);
        if let (Some(first), Some(last)) = (hours.first(), hours.last()) {
            let covers = first.0 <= reached && reached < last.1;
            shift = shift.or(covers.then_some(*date));
        }
    }
    Minute { local, reached, open, shift }
}

fn midnight(date: Date) -> DateTime {
    date.at(0, 0, 0, 0)
}

/// The shifts that begin on the date, by the wall clock.
fn shifts(source: &CalendarSource, date: Date) -> Vec<(DateTime, DateTime)> {
    let entry =
        source.overrides.iter().find(|entry| entry.date <= date && date <= entry.until.unwrap_or(entry.date));
    let hours = match entry.map(|entry| &entry.change) {
        None => weekly(source, name(date.weekday())),
        Some(Change::Closed) => Vec::new(),
        Some(Change::As(day)) => weekly(source, day.en()),
        Some(Change::Hours(hours)) => hours.iter().map(ToString::to_string).collect(),
    };
    let mut shifts: Vec<_> = hours.iter().map(|text| wall(date, text)).collect();
    shifts.sort_unstable();
    shifts
}

fn weekly(source: &CalendarSource, day: &str) -> Vec<String> {
    let hours = source.week.iter().find(|(key, _)| key.to_string() == day);
    hours.map(|(_, hours)| hours.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

fn wall(date: Date, text: &str) -> (DateTime, DateTime) {
    let (from, to) = text.split_once('-').expect("an interval");
    let at = |text: &str| {
        let (hours, minutes) = text.split_once(':').expect("a time");
        let (hours, minutes): (i64, i64) = (hours.parse().expect("hours"), minutes.parse().expect("minutes"));
        midnight(date) + hours.hours().minutes(minutes)
    };
    let (from, to) = (at(from), at(to));
    (from, if to <= from { to + 24.hours() } else { to })
}

fn name(day: Day) -> &'static str {
    match day {
        Day::Monday => "monday",
        Day::Tuesday => "tuesday",
        Day::Wednesday => "wednesday",
        Day::Thursday => "thursday",
        Day::Friday => "friday",
        Day::Saturday => "saturday",
        Day::Sunday => "sunday",
    }
}
