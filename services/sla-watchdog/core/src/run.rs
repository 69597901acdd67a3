//! One run of a clock as the evidence gives it: start, limit, pauses, deadline, end.

use calendar::{Calendar, Lead, Limit, Suspension};
use playbook::{Clock, clock::WarnAt};
use proto::Time;

use crate::{
    instance::Keys,
    ledger::{Basis, How, Span},
    waits::Waits,
};

#[derive(Clone, Debug)]
pub(crate) struct Run<'a> {
    pub clock: &'a Clock,
    /// What people read: the step, the stage, the call-back's rule.
    pub base: String,
    /// As events name it: a second run of the same is `inspect#2`.
    pub label: String,
    /// What tells instances apart.
    pub key: String,
    pub keys: Keys,
    pub started: Time,
    /// When the limit was taken: nothing is late by it before.
    pub since: Time,
    /// What the limit counts from: the start, or the fact that it comes before.
    pub anchor: Time,
    pub limit: Limit,
    /// More time that was granted, in order.
    pub longer: Vec<Limit>,
    pub calendar: Calendar,
    /// The deadline stands as it was judged, under the calendar of then.
    pub as_judged: bool,
    pub pauses: Vec<Span>,
    /// `None` while paused.
    pub due: Option<Time>,
    pub last_due: Time,
    /// With what it was computed from: the budget may have changed since.
    pub missed: Option<(Miss, Basis)>,
    /// Moments of rungs that passed while it was late, as the ladder stood then.
    pub rungs: Vec<Time>,
    pub end: Option<End>,
}

/// A deadline that passed while the clock ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    pub due: Time,
    /// From where the ladder counts: a budget that was cut below what is used up is missed when it was cut.
    pub from: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub at: Time,
    pub how: How,
    /// It ended because the cycle did. That must not forestall what other sources still have to say.
    pub with_cycle: bool,
    pub reported_later: bool,
}

impl Run<'_> {
    pub fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// The deadline missed, or the one that will be unless something happens.
    pub fn miss(&self) -> Option<Miss> {
        self.missed.map(|(miss, _)| miss).or_else(|| {
            let due = self.due.filter(|_| self.is_live())?;
            Some(Miss { due, from: due.max(self.since) })
        })
    }

    /// Time has come to `at`: a deadline before it was missed, rungs before it were reached.
    pub fn pass(&mut self, at: Time) {
        if self.missed.is_none() {
            let missed = self.miss().filter(|miss| miss.from < at);
            self.missed = missed.map(|miss| (miss, self.basis(miss.due)));
        }
        if self.missed.is_some() {
            while let Some(reached) = self.rung_at(self.rungs.len()).filter(|moment| *moment < at) {
                self.rungs.push(reached);
            }
        }
    }

    /// Computes the deadline from everything known now. What was judged on the same basis stays as judged.
    pub fn reckon(&mut self, waits: &Waits, judged: Option<&Basis>) {
        self.pauses = waits.honoured(&self.clock.pauses, self.started);
        let judged = judged.filter(|basis| self.basis(basis.due) == **basis);
        self.as_judged = judged.is_some();
        self.due = match judged {
            Some(basis) => Some(basis.due),
            None => self.deadline(&self.suspensions()),
        };
        match self.due {
            Some(due) => self.last_due = due,
            None if self.last_due == Time::UNSET => {
                self.last_due = self.deadline(&[]).unwrap_or(self.anchor);
            }
            None => {}
        }
    }

    /// Budget and what was granted besides: time added at the end is time added to the budget.
    fn deadline(&self, suspensions: &[Suspension]) -> Option<Time> {
        let first = self.after(self.anchor, &self.limit, suspensions)?;
        self.longer.iter().try_fold(first, |due, longer| self.after(due, longer, suspensions))
    }

    /// What the verdict on this deadline rests on.
    pub fn basis(&self, due: Time) -> Basis {
        let before = self.pauses.iter().filter(|span| span.from < due);
        let pauses = before.flat_map(|span| [span.from.0, span.to.map_or(i64::MAX, |to| to.0)]);
        let times = [self.anchor.0].into_iter().chain(pauses).flat_map(i64::to_le_bytes);
        let limits = std::iter::once(&self.limit).chain(&self.longer);
        let words = limits.flat_map(|limit| limit.to_string().into_bytes());
        Basis { due, hash: fnv(words.chain(times)) }
    }

    /// What the breach rests on.
    pub fn basis_of_miss(&self) -> Option<Basis> {
        let of_now = || self.miss().map(|miss| self.basis(miss.due));
        self.missed.map(|(_, basis)| basis).or_else(of_now)
    }

    pub fn warning_at(&self, place: usize) -> Option<Time> {
        match &self.clock.warn.get(place)?.at {
            WarnAt::Share(percent) => {
                let anchor = self.anchor.to_timestamp();
                self.calendar.share(anchor, &self.limit, *percent, &self.suspensions()).due.map(Time::from)
            }
            WarnAt::Before(limit) => {
                let before = Limit::Before { lead: lead(limit)?, of: String::new() };
                self.after(self.due?, &before, &[])
            }
        }
    }

    /// Offsets count from the newest deadline: more time, granted after the breach, moves the rungs not yet reached.
    pub fn rung_at(&self, place: usize) -> Option<Time> {
        if let Some(reached) = self.rungs.get(place) {
            return Some(*reached);
        }
        let miss = self.miss().filter(|_| self.is_live())?;
        let from = self.due?.max(miss.from);
        let moment = match &self.clock.ladder.get(place)?.after {
            Some(offset) => self.after(from, offset, &[])?,
            None => from,
        };
        Some(self.rungs.last().map_or(moment, |before| moment.max(*before)))
    }

    /// The reminder after the last one, later by as much as the clock stood still.
    pub fn reminder_at(&self, last: Option<Time>) -> Option<Time> {
        let repeat = self.clock.repeat.as_ref()?;
        self.after(last.unwrap_or(self.started), &repeat.every, &self.suspensions())
    }

    /// The wait for which it stands still.
    pub fn waits_for(&self) -> Option<&str> {
        self.pauses.iter().find(|span| span.to.is_none()).map(|span| span.wait.as_str())
    }

    fn after(&self, from: Time, limit: &Limit, suspensions: &[Suspension]) -> Option<Time> {
        self.calendar.deadline(from.to_timestamp(), limit, suspensions).due.map(Time::from)
    }

    fn suspensions(&self) -> Vec<Suspension> {
        let of =
            |span: &Span| Suspension { from: span.from.to_timestamp(), to: span.to.map(Time::to_timestamp) };
        self.pauses.iter().map(of).collect()
    }
}

/// FNV-1a: the same on every machine and in every version, which the standard library's hasher does not promise.
fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A budget counted backwards; cut-offs have no length.
fn lead(limit: &Limit) -> Option<Lead> {
    Some(match limit {
        Limit::Wall { minutes } => Lead::Wall { minutes: *minutes },
        Limit::WorkingTime { minutes } => Lead::WorkingTime { minutes: *minutes },
        Limit::WorkingDays { halves } => Lead::WorkingDays { halves: *halves },
        Limit::CalendarDays { days, .. } => Lead::CalendarDays { days: *days },
        Limit::EndOfShift
        | Limit::EndOfNextWorkingDay
        | Limit::EndOfDay
        | Limit::EndOfMonth
        | Limit::NextWeekday { .. }
        | Limit::DayOfNextMonth { .. }
        | Limit::Before { .. } => return None,
    })
}
