//! A case goes on under another version of its rule book.
//!
//! What was before the move stays as the version of then had it: verdicts and rungs are not gone back on. What runs on
//! is told apart by asking what the new version would have made of the same evidence:
//!
//! ```text
//! runs under the new version as well  -> goes on: same start, budget and pauses of the new version
//! would have ended, or is unknown     -> ends without a verdict
//! runs under the new version only     -> runs from where it would have begun, late by it not before the move
//! ```

use playbook::Clock;
use proto::Time;

use super::{Dormant, Fold};
use crate::{
    ledger::How,
    run::{End, Run},
    signal::Signal,
};

impl<'a> Fold<'a, '_> {
    /// From here on the version counts that the signal moves the case to. A replay has one version for all.
    pub(super) fn change_books(&mut self, signal: &Signal) {
        let next = signal.moved.and_then(|moved| self.books.of_version(moved.to));
        let Some(next) = next.filter(|next| next.playbook.version != self.book.playbook.version) else {
            return;
        };
        let mut past = Fold::new(next, next, self.case);
        for earlier in self.case.evidence.iter().take_while(|earlier| earlier.order() < signal.order()) {
            past.expire_waits(earlier.at);
            past.apply(earlier);
        }
        self.book = next;
        let (fresh, dormant) = (past.view.runs, past.dormant);
        self.carry_on(&fresh, signal.at);
        for run in fresh.into_iter().filter(Run::is_live) {
            self.take_up(run, signal.at);
        }
        let runs = |d: &Dormant<'_>| self.live(d.clock, &d.key).is_none();
        self.dormant = dormant.into_iter().filter(runs).collect();
    }

    fn carry_on(&mut self, fresh: &[Run<'a>], at: Time) {
        for run in self.view.runs.iter_mut().filter(|run| run.is_live()) {
            let same = fresh.iter().find(|new| new.is_live() && is_of(new, run.clock) && new.key == run.key);
            match same {
                Some(new) => run.clock = new.clock,
                None => {
                    let (how, with_cycle, reported_later) = (How::Cancelled, false, false);
                    run.end = Some(End { at, how, with_cycle, reported_later });
                }
            }
        }
    }

    /// One that only the new version has. What was met before stays met, whatever would meet it now.
    fn take_up(&mut self, new: Run<'a>, at: Time) {
        let stands = |run: &Run<'_>| run.is_live() || run.end.is_some_and(|end| end.how == How::Met);
        let mut same = self.view.runs.iter().filter(|run| is_of(run, new.clock) && run.key == new.key);
        if same.any(stands) {
            return;
        }
        let label = self.label(new.clock, &new.base);
        self.view.runs.push(Run {
            label,
            since: at,
            missed: None,
            rungs: Vec::new(),
            longer: Vec::new(),
            ..new
        });
        self.reckon(self.view.runs.len() - 1);
    }
}

fn is_of(run: &Run<'_>, clock: &Clock) -> bool {
    run.clock.id == clock.id
}
