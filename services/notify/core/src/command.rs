//! What the executor reports.

use chassis_core::Sealed;
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    Report(Report),
}

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub notice: Id,
    /// When the try was queued: names the try. A report about an earlier one has no effect.
    pub queued_at: Time,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Sent {
        /// The words, and where they went.
        text: Option<Sealed>,
        to: Option<Sealed>,
        /// Sent again after a crash between sending and reporting.
        may_be_double: bool,
    },
    Failed {
        /// A code: `no-address`, `refused`, `unreachable`.
        reason: String,
        /// Another try would fail in the same way.
        for_good: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Noted,
}
