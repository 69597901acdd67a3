//! What people and systems ask of dispatch. Personal text arrives sealed.

use std::collections::BTreeMap;

use chassis_core::Sealed;
use playbook::{Facts, ProofKind};
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

/// Every command names the cycle it is meant for; an older one is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Takes the hand-off; steps become ready.
    Acknowledge {
        ticket: Id,
        cycle: u32,
    },
    /// Gives the hand-off back; it goes to whom the playbook names.
    Refuse {
        ticket: Id,
        cycle: u32,
        reason: String,
        text: Option<Sealed>,
    },
    /// Gives a ready step to a person.
    Assign {
        ticket: Id,
        cycle: u32,
        step: String,
        person: String,
    },
    CompleteStep {
        ticket: Id,
        cycle: u32,
        step: String,
        report: Report,
    },
    DecideApproval {
        ticket: Id,
        cycle: u32,
        approval: Id,
        /// The stage as shown to the approver, from 1.
        stage: u32,
        approved: bool,
        text: Option<Sealed>,
        /// Who approved by word of mouth, if somebody else takes it down.
        #[serde(default)]
        verbal_by: Option<String>,
    },
    /// The paper of an approval by word of mouth.
    ConfirmApproval {
        ticket: Id,
        cycle: u32,
        approval: Id,
        stage: u32,
        approved: bool,
        text: Option<Sealed>,
    },
}

impl Command {
    pub fn ticket(&self) -> Id {
        match self {
            Command::Acknowledge { ticket, .. }
            | Command::Refuse { ticket, .. }
            | Command::Assign { ticket, .. }
            | Command::CompleteStep { ticket, .. }
            | Command::DecideApproval { ticket, .. }
            | Command::ConfirmApproval { ticket, .. } => *ticket,
        }
    }

    pub fn cycle(&self) -> u32 {
        match self {
            Command::Acknowledge { cycle, .. }
            | Command::Refuse { cycle, .. }
            | Command::Assign { cycle, .. }
            | Command::CompleteStep { cycle, .. }
            | Command::DecideApproval { cycle, .. }
            | Command::ConfirmApproval { cycle, .. } => *cycle,
        }
    }
}

/// What was done in a step: typed impersonal facts, sealed words, evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub facts: Facts,
    pub sealed: BTreeMap<String, Sealed>,
    /// Persons named in a field that bars them from here on.
    #[serde(default)]
    pub bars: Vec<String>,
    pub proofs: Vec<Proof>,
    /// Claimed by the doer (offline reports); never in the future.
    pub occurred_at: Option<Time>,
}

/// Evidence: where it is kept and what it hashes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub kind: ProofKind,
    pub reference: String,
    pub digest: Vec<u8>,
}

/// Ids and codes only: replies are kept for repeated requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Done,
    /// Steps that may be worked on now.
    Ready {
        steps: Vec<String>,
    },
    /// `last`: the whole chain has decided, or one rejected.
    Decided {
        last: bool,
    },
}
