//! Clocks as the watchdog judged them, as far as boards and figures need it.

use proto::Time;
use serde::{Deserialize, Serialize};

/// A clock that has not ended: what the board sorts by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub clock: String,
    /// Which hand-off, step, approval stage or call-back; empty: the ticket.
    pub instance: String,
    pub cycle: u32,
    /// `None` while paused.
    pub due: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Met,
    /// Missed, whether it was done later (`Verdict::done_at`) or not.
    Breached,
    /// Ended without a verdict.
    Cancelled,
}

/// How one clock ended. Of a corrected verdict the new one stands here; the
/// old one is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub clock: String,
    pub instance: String,
    pub cycle: u32,
    pub outcome: Outcome,
    pub due: Time,
    /// The period that it counts in: when it was met, or due.
    pub at: Time,
    /// When it was done after all.
    pub done_at: Option<Time>,
    /// When it was asked for no more, without being done: the work was taken away, the case closed.
    #[serde(default)]
    pub dropped_at: Option<Time>,
    /// Who held the work when it was missed.
    pub holder: Option<String>,
    pub corrected: bool,
}

impl Verdict {
    pub(crate) fn is_of(&self, clock: &str, instance: &str, cycle: u32) -> bool {
        self.clock == clock && self.instance == instance && self.cycle == cycle
    }

    /// Seconds late; until `until` if it is still owed. Nobody is late with what was taken from him.
    pub fn delay(&self, until: Time) -> i64 {
        let end = self.done_at.or(self.dropped_at).unwrap_or(until).max(self.due);
        (end.0 - self.due.0) / Time::SECOND
    }
}
