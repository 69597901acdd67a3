//! What people ask of follow-up, and what it answers.

use std::collections::BTreeMap;

use chassis_core::Sealed;
use playbook::FollowUpKind;
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

use crate::call::Consequence;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    RecordAttempt(RecordAttempt),
    RecordCall(RecordCall),
}

impl Command {
    pub fn ticket(&self) -> Id {
        match self {
            Command::RecordAttempt(attempt) => attempt.ticket,
            Command::RecordCall(call) => call.ticket,
        }
    }
}

/// The customer was called and not reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordAttempt {
    pub ticket: Id,
    pub cycle: u32,
    pub call_back: Id,
    pub outcome: NotReached,
    pub text: Option<Sealed>,
}

/// The call took place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCall {
    pub ticket: Id,
    pub cycle: u32,
    pub call_back: Id,
    pub text: Option<Sealed>,
    /// Question id -> answer as written. Answers are codes and figures; the shell lets no free
    /// text through.
    pub answers: BTreeMap<String, String>,
}

/// Why nobody was spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReached {
    NoAnswer,
    Busy,
    WrongNumber,
    /// Picked up, or opened the door, and wants no call: who said no is not asked again.
    Declined,
    /// Nobody was in.
    NotIn,
    /// A letter came back.
    Returned,
}

impl NotReached {
    pub const ALL: [NotReached; 6] = [
        NotReached::NoAnswer,
        NotReached::Busy,
        NotReached::WrongNumber,
        NotReached::Declined,
        NotReached::NotIn,
        NotReached::Returned,
    ];

    /// What can come of a follow-up of this kind.
    pub fn of(kind: FollowUpKind) -> &'static [NotReached] {
        match kind {
            FollowUpKind::Call | FollowUpKind::Survey => {
                &[NotReached::NoAnswer, NotReached::Busy, NotReached::WrongNumber, NotReached::Declined]
            }
            FollowUpKind::Visit => &[NotReached::NotIn, NotReached::Declined],
            FollowUpKind::Letter => &[NotReached::Returned],
        }
    }

    /// The code on the wire.
    pub fn code(self) -> &'static str {
        match self {
            NotReached::NoAnswer => "no_answer",
            NotReached::Busy => "busy",
            NotReached::WrongNumber => "wrong_number",
            NotReached::Declined => "declined",
            NotReached::NotIn => "not_in",
            NotReached::Returned => "returned",
        }
    }

    pub fn parse(code: &str) -> Option<NotReached> {
        NotReached::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// `None`: no further attempt, the call-back was given up.
    Attempted {
        next_at: Option<Time>,
    },
    Recorded {
        unhappy: bool,
        consequence: Consequence,
    },
}
