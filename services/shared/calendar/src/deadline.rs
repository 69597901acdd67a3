//! From (limit, start, suspensions, calendar) to the due instant.
//!
//! Nothing here is patched step by step: whoever learns of a pause, an extension or a new
//! calendar asks again with everything that is known, and gets the whole answer.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::{Calendar, instant};
use crate::limit::{DayEnd, Lead, Limit};
use crate::year::{MINUTE, date_of, day_of, weekday_of};

/// A stretch in which a clock stands still. Several may overlap (waiting for the customer and
/// for parts): what counts is their union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suspension {
    pub from: Timestamp,
    /// `None` while it lasts.
    pub to: Option<Timestamp>,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Wall,
    /// Only time in which the branch is open.
    Open,
}

/// When a limit runs out, and what the pauses did to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The last instant that is in time; `None` while a suspension is open.
    pub due: Option<Timestamp>,
    /// Since when the clock stands still, when it does.
    pub paused_since: Option<Timestamp>,
    /// What is left of the budget while the clock stands still; `None` for cut-offs, which are
    /// taken anew on resuming.
    pub budget_left: Option<SignedDuration>,
    /// Time taken out by the suspensions that have ended and began before the deadline.
    pub suspended: SignedDuration,
    /// The unit of `budget_left` and `suspended`.
    pub measure: Measure,
    /// The answer rests on a year whose statutory holidays are not published yet.
    pub provisional: bool,
}

/// A suspension that has a place on the clock: sorted, merged, none before the start.
#[derive(Clone, Copy)]
struct Pause {
    from: i64,
    to: Option<i64>,
}

/// What the walk along the pauses does to a due instant at each of them.
enum Rule<'a> {
    Wall,
    Open,
    /// Working days end on an opening rather than on the closing before it.
    OpenDays,
    /// Calendar days move by the midnights of the pause.
    Days {
        start: i64,
        days: u32,
        until: DayEnd,
        moved: i64,
    },
    /// A cut-off is taken anew, at this share of the way to it.
    CutOff {
        limit: &'a Limit,
        percent: u8,
    },
    /// Fixed by a fact: a pause does not move it.
    Fixed,
}

impl Calendar {
    /// When `limit`, started at `start`, runs out. A suspension that begins at or after the
    /// deadline comes too late to matter; what lies before the start does not count.
    ///
    /// For [`Limit::Before`] the start is the instant of the fact.
    #[must_use]
    pub fn deadline(&self, start: Timestamp, limit: &Limit, suspensions: &[Suspension]) -> Deadline {
        let start = self.micros(start);
        let due = self.undisturbed(start, limit);
        self.walk(start, limit, rule(start, limit), due, suspensions)
    }

    /// When `percent` of the limit is used up: where a warning belongs. Counted in what the limit
    /// counts, and never after the deadline itself.
    #[must_use]
    pub fn share(
        &self,
        start: Timestamp,
        limit: &Limit,
        percent: u8,
        suspensions: &[Suspension],
    ) -> Deadline {
        let full = self.deadline(start, limit, suspensions);
        let start = self.micros(start);
        let due = self.part(start, limit, percent);
        let rule = match rule(start, limit) {
            Rule::Days { .. } => Rule::Wall,
            Rule::OpenDays => Rule::Open,
            Rule::CutOff { limit, .. } => Rule::CutOff { limit, percent },
            rule => rule,
        };
        let mut share = self.walk(start, limit, rule, due, suspensions);
        share.due = share.due.zip(full.due).map(|(share, due)| share.min(due)).or(share.due);
        share
    }

    /// Time from `from` to `to` in the unit of the limit: what is left, or by how much it is late.
    #[must_use]
    pub fn measured(&self, measure: Measure, from: Timestamp, to: Timestamp) -> SignedDuration {
        match measure {
            Measure::Wall => to.duration_since(from),
            Measure::Open => self.working_between(from, to),
        }
    }

    fn walk(
        &self,
        start: i64,
        limit: &Limit,
        mut rule: Rule<'_>,
        due: i64,
        suspensions: &[Suspension],
    ) -> Deadline {
        let measure = limit.measure();
        let (mut due, mut suspended, mut open) = (due, 0, None);
        for pause in self.pauses(start, suspensions) {
            if pause.from >= due {
                break;
            }
            let Some(to) = pause.to else {
                open = Some(pause.from);
                break;
            };
            suspended += self.length(measure, pause.from, to);
            due = self.resumed(&mut rule, due, pause.from, to);
        }
        let budget = !limit.is_cut_off() && !matches!(rule, Rule::Fixed);
        let left = open.filter(|_| budget).map(|from| self.length(measure, from, due));
        Deadline {
            due: if open.is_some() { None } else { Some(instant(due)) },
            paused_since: open.map(instant),
            budget_left: left.map(SignedDuration::from_micros),
            suspended: SignedDuration::from_micros(suspended),
            measure,
            provisional: limit.uses_calendar() && self.rests_on_provisional(start, due),
        }
    }

    fn resumed(&self, rule: &mut Rule<'_>, due: i64, from: i64, to: i64) -> i64 {
        match rule {
            Rule::Wall => due + (to - from),
            Rule::Open => self.add(due, self.between(from, to)),
            Rule::OpenDays => self.pushed(due, self.between(from, to)),
            Rule::Days { start, days, until, moved } => {
                *moved += self.day_at(to) - self.day_at(from);
                let due = self.days_later(*start, i64::from(*days) + *moved, *until);
                // Resumed on the last day after closing: the day is over, the next one counts.
                *moved += i64::from(due < to);
                due.max(self.days_later(*start, i64::from(*days) + *moved, *until))
            }
            Rule::CutOff { limit, percent } => self.part(to, limit, *percent),
            Rule::Fixed => due.max(to),
        }
    }

    /// Working days end on openings as well as within hours; pushed to a closing time they go on
    /// to the next opening, which is the same in open time and the convention they came with.
    fn pushed(&self, due: i64, open: i64) -> i64 {
        let moved = self.add(due, open);
        if self.open(due) { self.opening(moved) } else { moved }
    }

    /// The due instant without pauses.
    fn undisturbed(&self, start: i64, limit: &Limit) -> i64 {
        match *limit {
            Limit::Wall { minutes } => start + i64::from(minutes) * MINUTE,
            Limit::WorkingTime { minutes } => self.add(start, i64::from(minutes) * MINUTE),
            Limit::WorkingDays { halves } => self.working_days_later(start, halves),
            Limit::CalendarDays { days, until } => self.days_later(start, i64::from(days), until),
            Limit::EndOfShift => self.shift_end(start),
            Limit::EndOfNextWorkingDay => self.closing(self.working_day_from(self.business_day(start) + 1)),
            Limit::EndOfDay => self.midnight_after(self.day_at(start)),
            Limit::EndOfMonth => self.midnight_after(day_of(self.date_at(start).last_of_month())),
            Limit::NextWeekday { weekday, minute } => self.next_weekday(start, weekday.index(), minute),
            Limit::DayOfNextMonth { day, minute } => self.day_of_next_month(start, day, minute),
            Limit::Before { lead, .. } => self.earlier(start, lead),
        }
    }

    /// The instant at which that share of the limit is used up, without pauses.
    fn part(&self, start: i64, limit: &Limit, percent: u8) -> i64 {
        let due = self.undisturbed(start, limit);
        let share = |whole: i64| whole / 100 * i64::from(percent.min(100));
        match (percent, limit.measure(), limit) {
            (100.., ..) | (_, _, Limit::Before { .. }) => due,
            (_, Measure::Wall, _) => start + share(due - start),
            (_, Measure::Open, _) => self.add(start, share(self.between(start, due))),
        }
    }

    fn days_later(&self, start: i64, days: i64, until: DayEnd) -> i64 {
        let day = self.working_day_from(self.day_at(start) + days);
        match until {
            DayEnd::Closing => self.closing(day),
            DayEnd::Midnight => self.midnight_after(day),
        }
    }

    fn next_weekday(&self, start: i64, weekday: usize, minute: u16) -> i64 {
        let time = i64::from(minute) * MINUTE;
        let today = self.day_at(start);
        let matching = (today..=today + 7).filter(|day| weekday_of(*day) == weekday);
        let mut later = matching.filter(|day| self.first(*day, time) > start);
        // Today at an earlier hour, so the eighth day is the same weekday again.
        let day = later.next().unwrap_or(today + 7);
        self.first(self.working_day_from(day), time)
    }

    fn day_of_next_month(&self, start: i64, day: u8, minute: Option<u16>) -> i64 {
        let first = self.date_at(start).last_of_month().saturating_add(jiff::Span::new().days(1));
        let date = first.saturating_add(jiff::Span::new().days(day.clamp(1, 31) - 1));
        let date = if date.month() == first.month() { date } else { first.last_of_month() };
        let day = self.working_day_from(day_of(date));
        match minute {
            Some(minute) => self.first(day, i64::from(minute) * MINUTE),
            None => self.closing(day),
        }
    }

    fn earlier(&self, fact: i64, lead: Lead) -> i64 {
        match lead {
            Lead::Wall { minutes } => fact - i64::from(minutes) * MINUTE,
            Lead::WorkingTime { minutes } => self.add(fact, -i64::from(minutes) * MINUTE),
            Lead::WorkingDays { halves } => self.working_days_earlier(fact, halves),
            Lead::CalendarDays { days } => {
                self.closing(self.working_day_until(self.day_at(fact) - i64::from(days)))
            }
        }
    }

    fn date_at(&self, at: i64) -> Date {
        date_of(self.day_at(at))
    }

    fn length(&self, measure: Measure, from: i64, to: i64) -> i64 {
        match measure {
            Measure::Wall => to - from,
            Measure::Open => self.between(from, to),
        }
    }

    fn rests_on_provisional(&self, start: i64, due: i64) -> bool {
        let (a, b) = (self.year_number(start.min(due)), self.year_number(start.max(due)));
        (a..=b).any(|year| self.is_provisional(year))
    }

    /// The union of the suspensions after the start. One that ends before it begins is nothing.
    fn pauses(&self, start: i64, suspensions: &[Suspension]) -> Vec<Pause> {
        let clipped = suspensions.iter().map(|suspension| Pause {
            from: self.micros(suspension.from).max(start),
            to: suspension.to.map(|to| self.micros(to)),
        });
        let mut pauses: Vec<Pause> =
            clipped.filter(|pause| pause.to.is_none_or(|to| to > pause.from)).collect();
        pauses.sort_unstable_by_key(|pause| pause.from);
        let mut union: Vec<Pause> = Vec::with_capacity(pauses.len());
        for pause in pauses {
            match union.last_mut() {
                Some(last) if last.to.is_none_or(|to| pause.from <= to) => {
                    last.to = last.to.zip(pause.to).map(|(a, b)| a.max(b));
                }
                _ => union.push(pause),
            }
        }
        union
    }
}

fn rule(start: i64, limit: &Limit) -> Rule<'_> {
    match *limit {
        Limit::Wall { .. } => Rule::Wall,
        Limit::WorkingTime { .. } => Rule::Open,
        Limit::WorkingDays { .. } => Rule::OpenDays,
        Limit::CalendarDays { days, until } => Rule::Days { start, days, until, moved: 0 },
        Limit::Before { .. } => Rule::Fixed,
        Limit::EndOfShift
        | Limit::EndOfNextWorkingDay
        | Limit::EndOfDay
        | Limit::EndOfMonth
        | Limit::NextWeekday { .. }
        | Limit::DayOfNextMonth { .. } => Rule::CutOff { limit, percent: 100 },
    }
}

impl Limit {
    /// What the limit counts: open time, or the wall clock.
    #[must_use]
    pub fn measure(&self) -> Measure {
        match self {
            Self::WorkingTime { .. } | Self::WorkingDays { .. } => Measure::Open,
            _ => Measure::Wall,
        }
    }

    fn uses_calendar(&self) -> bool {
        !matches!(
            self,
            Self::Wall { .. }
                | Self::EndOfDay
                | Self::EndOfMonth
                | Self::Before { lead: Lead::Wall { .. }, .. }
        )
    }
}

impl From<(Timestamp, Option<Timestamp>)> for Suspension {
    fn from((from, to): (Timestamp, Option<Timestamp>)) -> Self {
        Self { from, to }
    }
}
