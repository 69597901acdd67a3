//! Whether the rule book's verdicts are the recorded ones.

use sla_watchdog_core::Verdict;

use super::first_of;
use crate::{limits, recorded::History};

/// Rows of a recording beside what a rule book says about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Cases with a recorded target.
    pub with_target: u64,
    /// Of these, deadlines that are the recorded target to two minutes.
    pub reproduced: u64,
    /// Of the reproduced, cases with a recorded flag.
    pub flagged: u64,
    /// Of these, verdicts that are the recorded flag.
    pub agreed: u64,
    /// Lines with the same deadline and another verdict.
    pub disagreeing: Vec<u64>,
}

impl Agreement {
    pub(super) fn take(&mut self, history: &History, clock: &str, verdicts: &[Verdict<'_>]) {
        let Some(target) = history.target else { return };
        self.with_target += 1;
        let Some(verdict) = first_of(verdicts, clock) else { return };
        if !limits::near(verdict.due.to_timestamp(), target.to_timestamp()) {
            return;
        }
        self.reproduced += 1;
        let Some(on_time) = history.on_time else { return };
        self.flagged += 1;
        if on_time == verdict.breached.is_none() {
            self.agreed += 1;
        } else {
            self.disagreeing.push(history.line);
        }
    }

    /// Reproduced targets in hundredths of a per cent, rounded down.
    pub fn reproduced_share(&self) -> u64 {
        (self.reproduced * 10_000).checked_div(self.with_target).unwrap_or(0)
    }

    /// Verdicts that are the recorded ones, of the reproduced, in hundredths of a per cent, rounded down.
    pub fn agreed_share(&self) -> u64 {
        (self.agreed * 10_000).checked_div(self.flagged).unwrap_or(0)
    }
}
