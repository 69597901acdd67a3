//! What people ask of reporting that stays on record.

use proto::Time;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    Issue(Issue),
}

/// A document was made and is handed out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Playbook, period and scope: `dealer-complaint.weekly`.
    pub report: String,
    /// `2026-W47`, `2026-11`
    pub period: String,
    pub from: Time,
    pub to: Time,
    /// BLAKE3 of the CSV, in hexadecimal.
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Issued {
        /// The same document had been issued before; nothing was said again.
        again: bool,
        /// What is on record: a repeated request is told by it from a changed document.
        digest: String,
    },
}
