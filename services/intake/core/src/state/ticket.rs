//! Tickets: the case as its owner knows it.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{About, Aggregate, Column, ColumnKind, Sealed, Table, Value};
use playbook::{Facts, Mark};
use proto::{
    Id, Time,
    common::v1::{PlaybookRef, TicketRef},
};
use serde::{Deserialize, Serialize};

use crate::state::FileCheck;

/// The rule book and version that a ticket was opened under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaybookVersion {
    pub id: String,
    pub version: u32,
}

impl From<&PlaybookVersion> for PlaybookRef {
    fn from(playbook: &PlaybookVersion) -> PlaybookRef {
        PlaybookRef { id: playbook.id.clone(), version: playbook.version }
    }
}

/// Why a case has its severity (DG-10: each trigger is recorded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    pub code: String,
    pub rule: Option<String>,
    pub zh: String,
    pub en: String,
}

/// What the playbook's tables say about the facts known so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub category: String,
    pub severity: String,
    pub tags: Vec<String>,
    pub reasons: Vec<Why>,
}

impl Judged {
    pub fn reason_codes(&self) -> Vec<String> {
        self.reasons.iter().map(|why| why.code.clone()).collect()
    }
}

/// Below this the severity does not fall, whatever the tables say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    pub severity: String,
    pub why: Why,
}

/// Follow-up's word that it is done with a cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpSeal {
    pub at: Time,
    pub outcome: String,
    pub consequence: String,
}

/// What is on record for one cycle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub begun_at: Time,
    /// When each was first established, by the time of the fact.
    pub marks: BTreeMap<Mark, Time>,
    pub work: Option<Time>,
    pub follow_up: Option<FollowUpSeal>,
}

impl Progress {
    pub fn new(begun_at: Time) -> Progress {
        Progress { begun_at, ..Progress::default() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Open(Progress),
    Closed { progress: Progress, at: Time, outcome: String },
}

/// An earlier cycle, kept as it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastCycle {
    pub cycle: u32,
    pub progress: Progress,
    pub ended_at: Time,
    /// Why the next one began.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub at: Time,
    pub actor: String,
    pub kind: String,
    pub text: Option<Sealed>,
}

/// A named wait that is going on: somebody else's turn, with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub begun_at: Time,
    pub ends_at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub other: Id,
    pub relation: String,
    /// The step that opened one for the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Link {
    pub fn new(other: Id, relation: &str) -> Link {
        Link { other, relation: relation.to_owned(), step: None }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    pub id: Id,
    pub number: String,
    pub playbook: PlaybookVersion,
    pub case_type: String,
    pub branch: String,
    pub customer: Option<Id>,
    pub asset: Option<Id>,
    pub channel: String,
    pub taken_by: String,
    pub opened_at: Time,
    pub file_check: FileCheck,
    /// Typed and impersonal: the form's and the built-in ones. These ride on events.
    pub facts: Facts,
    /// What the steps of this cycle recorded. Judged with, but never said again: dispatch may know
    /// newer ones by then.
    pub step_facts: Facts,
    /// The form's personal fields and free text.
    pub personal: BTreeMap<String, Sealed>,
    pub judged: Judged,
    pub floor: Option<Floor>,
    /// Persons complained about, by directory code (DG-03).
    pub barred: BTreeSet<String>,
    pub cycle: u32,
    pub state: State,
    pub past: Vec<PastCycle>,
    pub notes: Vec<Note>,
    pub waits: BTreeMap<String, Wait>,
    pub links: Vec<Link>,
    /// Keyed search tokens.
    pub tokens: Vec<String>,
}

impl Ticket {
    pub fn reference(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.id.to_string(),
            number: self.number.clone(),
            cycle: self.cycle,
            branch: self.branch.clone(),
            playbook: Some((&self.playbook).into()),
            case_type: self.case_type.clone(),
        }
    }

    pub fn about(&self) -> About {
        About::ticket(self.id, &self.branch)
    }

    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// What is on record for the current cycle.
    pub fn progress(&self) -> &Progress {
        match &self.state {
            State::Open(progress) | State::Closed { progress, .. } => progress,
        }
    }

    pub fn progress_mut(&mut self) -> &mut Progress {
        match &mut self.state {
            State::Open(progress) | State::Closed { progress, .. } => progress,
        }
    }

    pub fn closed_at(&self) -> Option<Time> {
        match &self.state {
            State::Open(_) => None,
            State::Closed { at, .. } => Some(*at),
        }
    }

    pub fn barred_codes(&self) -> Vec<String> {
        self.barred.iter().cloned().collect()
    }

    /// Adds a link once; whether it is new.
    pub fn link(&mut self, other: Id, relation: &str) -> bool {
        let link = Link::new(other, relation);
        let new = !self.links.contains(&link);
        if new {
            self.links.push(link);
        }
        new
    }
}

impl Aggregate for Ticket {
    const TABLE: &'static Table = &Table {
        name: "ticket",
        columns: &[
            Column { name: "number", kind: ColumnKind::Text },
            Column { name: "state", kind: ColumnKind::Text },
            Column { name: "branch", kind: ColumnKind::Text },
            Column { name: "case_type", kind: ColumnKind::Text },
            Column { name: "category", kind: ColumnKind::Text },
            Column { name: "severity", kind: ColumnKind::Text },
            Column { name: "opened_at", kind: ColumnKind::Time },
            Column { name: "customer", kind: ColumnKind::Text },
            Column { name: "barred", kind: ColumnKind::Words },
            Column { name: "tokens", kind: ColumnKind::Words },
        ],
    };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.number.clone().into(),
            if self.is_open() { "open" } else { "closed" }.into(),
            self.branch.clone().into(),
            self.case_type.clone().into(),
            self.judged.category.clone().into(),
            self.judged.severity.clone().into(),
            self.opened_at.into(),
            self.customer.into(),
            Value::Words(self.barred_codes()),
            Value::Words(self.tokens.clone()),
        ]
    }
}
