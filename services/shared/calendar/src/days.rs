//! Shifts and working days: arithmetic by the calendar's dates rather than by open time.
//!
//! A day is a day number; the shift of a day may end on the next date. Times of day are
//! microseconds after that day's midnight, so a night shift's 02:00 is 26 h.

use jiff::Timestamp;

use crate::calendar::{Calendar, FIRST_YEAR, LAST_YEAR, instant};
use crate::interval::Interval;
use crate::source::Shifts;
use crate::year::{DAY, MINUTE, year_days, year_of_day};

impl Calendar {
    /// The end of the shift in which `at` lies, else of the next one. A break belongs to
    /// the shift around it; the closing instant no longer belongs to the shift.
    #[must_use]
    pub fn end_of_shift(&self, at: Timestamp) -> Timestamp {
        instant(self.shift_end(self.micros(at)))
    }

    /// The same time of day `days` working days later. A start outside opening hours counts from
    /// the next opening; a time at which the last day is closed becomes the close before it, or
    /// that day's opening.
    #[must_use]
    pub fn add_working_days(&self, from: Timestamp, days: u32) -> Timestamp {
        instant(self.working_days_later(self.micros(from), days.saturating_mul(2)))
    }

    pub(crate) fn shift_end(&self, at: i64) -> i64 {
        let shifts = (self.day_at(at) - 2..self.horizon()).flat_map(|day| self.shifts(day));
        let end = shifts.map(|(_, close)| close).find(|close| *close > at);
        end.unwrap_or_else(|| self.year(LAST_YEAR).end)
    }

    /// Counted in half days: first the whole ones, then half of the open time of the day reached.
    pub(crate) fn working_days_later(&self, from: i64, halves: u32) -> i64 {
        let start = self.opening(from);
        let (mut day, mut at) = (self.day_of_shift(start), start);
        if halves > 1 {
            let time = self.local(start) - day * DAY;
            // A day that is over already, under a night shift that reaches across it, is not later.
            let mut days =
                (day + 1..self.horizon()).filter(|day| self.works(*day) && self.closing(*day) > start);
            let Some(later) = days.nth(halves as usize / 2 - 1) else {
                return self.year(LAST_YEAR).end;
            };
            day = later;
            at = self.within(day, time);
        }
        if halves % 2 == 1 { self.add(at, self.open_time(day) / 2) } else { at }
    }

    /// The mirror image: a time outside opening hours counts from the close before it.
    pub(crate) fn working_days_earlier(&self, to: i64, halves: u32) -> i64 {
        let end = if self.open(to) { to } else { self.last_close(to) };
        // A closing instant belongs to the shift that it ends.
        let mut day = self.day_of_shift(end - i64::from(!self.open(to)));
        let mut at = end;
        if halves > 1 {
            let time = self.local(end) - day * DAY;
            let mut earlier = (self.first_day()..day).rev().filter(|day| self.works(*day));
            let Some(found) = earlier.nth(halves as usize / 2 - 1) else {
                return self.year(FIRST_YEAR).start;
            };
            day = found;
            at = self.within(day, time);
        }
        if halves % 2 == 1 { self.add(at, -(self.open_time(day) / 2)) } else { at }
    }

    /// The date that the wall clock shows.
    pub(crate) fn day_at(&self, at: i64) -> i64 {
        self.local(at).div_euclid(DAY)
    }

    /// The date to which somebody at work at that instant belongs: that of the running shift,
    /// else the wall clock's.
    pub(crate) fn business_day(&self, at: i64) -> i64 {
        let today = self.day_at(at);
        let runs = |day: &i64| self.span(*day).is_some_and(|(open, close)| open <= at && at < close);
        (today - 2..today).find(runs).unwrap_or(today)
    }

    /// Whether a shift begins on that day.
    pub(crate) fn works(&self, day: i64) -> bool {
        self.span(day).is_some()
    }

    /// That day, or the first working day after it.
    pub(crate) fn working_day_from(&self, day: i64) -> i64 {
        (day..self.horizon()).find(|day| self.works(*day)).unwrap_or(self.horizon() - 1)
    }

    /// That day, or the last working day before it.
    pub(crate) fn working_day_until(&self, day: i64) -> i64 {
        (self.first_day()..=day).rev().find(|day| self.works(*day)).unwrap_or(self.first_day())
    }

    /// When the branch closes at the end of that day's shifts; midnight when it does not open.
    pub(crate) fn closing(&self, day: i64) -> i64 {
        self.span(day).map_or_else(|| self.midnight_after(day), |(_, close)| close)
    }

    pub(crate) fn midnight_after(&self, day: i64) -> i64 {
        self.first(day, DAY)
    }

    /// The first instant at which the wall clock of that day shows the time or a later one.
    pub(crate) fn first(&self, day: i64, time: i64) -> i64 {
        self.year(year_of_day(day)).first(day * DAY + time)
    }

    pub(crate) fn local(&self, at: i64) -> i64 {
        self.year_at(at).local(at)
    }

    fn first_day(&self) -> i64 {
        year_days(FIRST_YEAR).start
    }

    /// The day after the last one.
    fn horizon(&self) -> i64 {
        year_days(LAST_YEAR).end
    }

    fn bounds(&self, day: i64, hours: Interval) -> (i64, i64) {
        let at = |minute: u16| self.first(day, i64::from(minute) * MINUTE);
        (at(hours.from_minute()), at(hours.to_minute()))
    }

    /// From the first opening to the last closing of the shifts that begin on that day.
    fn span(&self, day: i64) -> Option<(i64, i64)> {
        let hours = self.rules().hours(day);
        let open = self.bounds(day, *hours.first()?).0;
        let close = self.bounds(day, *hours.last()?).1;
        // A date or an hour that the zone skips is not worked.
        (open < close).then_some((open, close))
    }

    fn shifts(&self, day: i64) -> Vec<(i64, i64)> {
        match self.rules().shifts {
            Shifts::Day => self.span(day).into_iter().collect(),
            Shifts::Interval => {
                let bounds = self.rules().hours(day).iter().map(|hours| self.bounds(day, *hours));
                bounds.filter(|(open, close)| open < close).collect()
            }
        }
    }

    /// The day whose shift is open at an open instant.
    fn day_of_shift(&self, at: i64) -> i64 {
        let today = self.day_at(at);
        let covers = |day: &i64| {
            let hours = self.rules().hours(*day).iter();
            let mut bounds = hours.map(|hours| self.bounds(*day, *hours));
            bounds.any(|(open, close)| open <= at && at < close)
        };
        (today - 2..=today).find(covers).unwrap_or(today)
    }

    /// That time of day, moved back to the close before it, or on to the day's opening.
    fn within(&self, day: i64, time: i64) -> i64 {
        let minutes = |minute: u16| i64::from(minute) * MINUTE;
        let hours = self.rules().hours(day);
        let before = hours.iter().rev().find(|hours| minutes(hours.from_minute()) <= time);
        let time = match (before, hours.first()) {
            (Some(hours), _) => time.min(minutes(hours.to_minute())),
            (None, Some(opening)) => minutes(opening.from_minute()),
            (None, None) => time,
        };
        self.first(day, time)
    }

    fn open_time(&self, day: i64) -> i64 {
        let hours = self.rules().hours(day).iter();
        hours.map(|hours| self.bounds(day, *hours)).map(|(open, close)| close - open).sum()
    }
}
