//! One year of a calendar, unrolled: the open spells as instants, with the open time before each.
//!
//! Years are built when first asked for. A clock touches one or two of them, and a thousand
//! branch calendars must not unroll two centuries each.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::compile::Rules;

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;

/// Shifts of the last days of the year reach into the next one, so offsets are kept for a few
/// days on either side.
const MARGIN_DAYS: i64 = 4;

/// Instants are microseconds since 1970 UTC.
#[derive(Debug)]
pub(crate) struct Year {
    /// First instant of 1 January, and of the next one.
    pub start: i64,
    pub end: i64,
    offsets: Offsets,
    spells: Vec<Spell>,
}

/// An uninterrupted open stretch, in seconds after the start of the year.
#[derive(Debug, Clone, Copy)]
struct Spell {
    open: u32,
    close: u32,
    /// Open seconds of the year before this spell.
    before: u32,
}

impl Year {
    pub fn build(rules: &Rules, year: i16) -> Self {
        let days = year_days(year);
        let offsets = Offsets::around(&rules.zone, &days);
        let (start, end) = (offsets.first(days.start * DAY), offsets.first(days.end * DAY));
        let mut open = Vec::with_capacity(800);
        for day in days.start - 2..days.end {
            for hours in rules.hours(day) {
                let at = |minute: u16| offsets.first(day * DAY + i64::from(minute) * MINUTE);
                let from = at(hours.from_minute()).clamp(start, end);
                let to = at(hours.to_minute()).clamp(start, end);
                if from < to {
                    open.push((from, to));
                }
            }
        }
        open.sort_unstable();
        Self { start, end, offsets, spells: spells(start, &open) }
    }

    /// Open time of the whole year.
    pub fn total(&self) -> i64 {
        self.spells.last().map_or(0, Spell::after)
    }

    /// Open time of the year before the instant.
    pub fn open_before(&self, instant: i64) -> i64 {
        let at = instant - self.start;
        match self.spells.partition_point(|spell| spell.open() < at) {
            0 => 0,
            n => {
                let spell = self.spells[n - 1];
                spell.before() + (at - spell.open()).min(spell.length())
            }
        }
    }

    /// The earliest instant with that much open time before it; `0 < open <= total`.
    pub fn earliest(&self, open: i64) -> i64 {
        let spell = self.spells[self.spells.partition_point(|spell| spell.after() < open)];
        self.start + spell.open() + (open - spell.before())
    }

    /// The latest instant with that much open time before it; `0 <= open < total`.
    pub fn latest(&self, open: i64) -> i64 {
        let spell = self.spells[self.spells.partition_point(|spell| spell.after() <= open)];
        self.start + spell.open() + (open - spell.before())
    }

    pub fn is_open(&self, instant: i64) -> bool {
        let at = instant - self.start;
        let n = self.spells.partition_point(|spell| spell.open() <= at);
        n > 0 && at < self.spells[n - 1].close()
    }

    /// The first open instant of the year at or after the given one.
    pub fn next_open(&self, instant: i64) -> Option<i64> {
        let at = instant - self.start;
        let spell = self.spells.get(self.spells.partition_point(|spell| spell.close() <= at))?;
        Some(self.start + spell.open().max(at))
    }

    /// The last instant of the year at or before the given one up to which it was open.
    pub fn last_close(&self, instant: i64) -> Option<i64> {
        let at = instant - self.start;
        let n = self.spells.partition_point(|spell| spell.open() < at).checked_sub(1)?;
        Some(self.start + self.spells[n].close().min(at))
    }

    /// The first instant at which the wall clock shows at least that (microseconds since 1970
    /// as if the wall clock were UTC).
    pub fn first(&self, local: i64) -> i64 {
        self.offsets.first(local)
    }

    /// What the wall clock shows.
    pub fn local(&self, instant: i64) -> i64 {
        instant + self.offsets.at(instant)
    }
}

impl Spell {
    fn open(&self) -> i64 {
        i64::from(self.open) * SECOND
    }

    fn close(&self) -> i64 {
        i64::from(self.close) * SECOND
    }

    fn before(&self) -> i64 {
        i64::from(self.before) * SECOND
    }

    fn length(&self) -> i64 {
        self.close() - self.open()
    }

    fn after(&self) -> i64 {
        self.before() + self.length()
    }
}

/// Merges what touches or overlaps, and sums up.
fn spells(start: i64, open: &[(i64, i64)]) -> Vec<Spell> {
    let mut spells: Vec<Spell> = Vec::with_capacity(open.len());
    for &(from, to) in open {
        let seconds = |instant: i64| {
            u32::try_from((instant - start) / SECOND).expect("a year has fewer than 2^32 seconds")
        };
        let (open, close) = (seconds(from), seconds(to));
        match spells.last_mut() {
            Some(last) if open <= last.close => last.close = last.close.max(close),
            last => {
                let before = last.map_or(0, |last| last.before + (last.close - last.open));
                spells.push(Spell { open, close, before });
            }
        }
    }
    spells.shrink_to_fit();
    spells
}

/// The offsets from UTC in force around a year: (first instant, offset), in microseconds.
#[derive(Debug)]
struct Offsets(Vec<(i64, i64)>);

impl Offsets {
    fn around(zone: &TimeZone, days: &Range<i64>) -> Self {
        let instant =
            |day: i64| Timestamp::from_microsecond(day * DAY).expect("the horizon lies inside jiff's range");
        let (from, to) = (instant(days.start - MARGIN_DAYS), instant(days.end + MARGIN_DAYS));
        let micros = |seconds: i32| i64::from(seconds) * SECOND;
        let mut offsets = vec![(from.as_microsecond(), micros(zone.to_offset(from).seconds()))];
        for change in zone.following(from).take_while(|change| change.timestamp() < to) {
            offsets.push((change.timestamp().as_microsecond(), micros(change.offset().seconds())));
        }
        Self(offsets)
    }

    /// A wall time in a gap is reached at the jump; one in a fold the first time.
    fn first(&self, local: i64) -> i64 {
        let ends = self.0.iter().skip(1).map(|(from, _)| *from).chain([i64::MAX]);
        let reached = |((from, offset), end): (&(i64, i64), i64)| {
            let instant = (local - offset).max(*from);
            (instant < end).then_some(instant)
        };
        self.0.iter().zip(ends).find_map(reached).expect("the last offset has no end")
    }

    fn at(&self, instant: i64) -> i64 {
        let n = self.0.partition_point(|(from, _)| *from <= instant);
        self.0[n.saturating_sub(1)].1
    }
}

/// Day number of 1 January; day 0 is 1970-01-01.
fn first_day(year: i64) -> i64 {
    let leaps = |years: i64| years / 4 - years / 100 + years / 400;
    365 * (year - 1970) + leaps(year - 1) - leaps(1969)
}

pub(crate) fn year_days(year: i16) -> Range<i64> {
    first_day(i64::from(year))..first_day(i64::from(year) + 1)
}

pub(crate) fn year_of_day(day: i64) -> i16 {
    let guess = 1970 + (day * 400).div_euclid(146_097);
    let year = (guess - 1..=guess + 1).rev().find(|year| first_day(*year) <= day).unwrap_or(guess);
    i16::try_from(year).expect("days of the horizon have small years")
}

pub(crate) fn day_of(date: Date) -> i64 {
    first_day(i64::from(date.year())) + i64::from(date.day_of_year()) - 1
}

pub(crate) fn date_of(day: i64) -> Date {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(Span::new().days(day)).expect("days of the horizon have dates")
}

/// Monday is 0.
pub(crate) fn weekday_of(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).expect("a remainder is not negative")
}
