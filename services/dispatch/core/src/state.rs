//! The work order: one aggregate per ticket, its id the ticket's.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, Column, ColumnKind, Sealed, Table, Value};
use playbook::{DoneSteps, Facts, RoleAt};
use proto::{Id, Time, common::v1 as common};
use serde::{Deserialize, Serialize};

use crate::command::Proof;

/// A work order through all cycles of its ticket; what is open is of the newest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Work {
    pub ticket: Id,
    pub number: String,
    pub cycle: u32,
    pub branch: String,
    pub playbook: String,
    pub version: u32,
    pub case_type: String,
    /// Whose key seals the words kept here; none: the ticket's own id.
    pub customer: Option<Id>,
    pub opened_at: Time,
    pub changed_at: Time,
    /// The order of this cycle.
    pub order: Id,
    /// As intake says them; a new cycle starts from these.
    pub told: Facts,
    /// The same with what steps of this cycle found out.
    pub facts: Facts,
    /// May take no part (DG-03).
    pub barred: BTreeSet<String>,
    /// The department that handles it.
    pub unit: String,
    pub hand_off: HandOff,
    pub state: State,
    /// Steps that may be worked on now, by id.
    pub open: BTreeMap<String, OpenStep>,
    /// Done and standing, in this cycle.
    pub done: Vec<DoneStep>,
    /// Undone by a loop or a refusal, or of earlier cycles: kept on record.
    pub earlier: Vec<DoneStep>,
    pub approvals: Vec<Approval>,
    /// Hand-offs given back, all cycles.
    pub given_back: Vec<GivenBack>,
    /// When a search for somebody to take unplaced work is due next.
    pub retry_at: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Nobody was found, all the way up: searched for again every hour.
    Unplaced {
        since: Time,
    },
    /// With the receiver, not yet acknowledged.
    Dispatched,
    Acknowledged {
        by: String,
        at: Time,
    },
    /// Dispatch's seal: nothing more is taken for this cycle.
    Completed {
        at: Time,
    },
    /// The ticket ended with work open.
    Withdrawn {
        at: Time,
        reason: String,
    },
}

impl State {
    /// As contracts and queries say it.
    pub fn code(&self) -> &'static str {
        match self {
            State::Unplaced { .. } => "unplaced",
            State::Dispatched => "dispatched",
            State::Acknowledged { .. } => "acknowledged",
            State::Completed { .. } => "sealed",
            State::Withdrawn { .. } => "withdrawn",
        }
    }

    pub fn is_over(&self) -> bool {
        matches!(self, State::Completed { .. } | State::Withdrawn { .. })
    }
}

/// Work given to a role at the branch; counted from 1 in each cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandOff {
    pub number: u32,
    pub role: RoleAt,
    pub assignee: Option<String>,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GivenBack {
    pub cycle: u32,
    pub hand_off: u32,
    pub by: String,
    pub reason: String,
    pub text: Option<Sealed>,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenStep {
    /// The role that the playbook wants.
    pub wanted: RoleAt,
    /// The role that holds it: the wanted one, or who decides where that is vacant.
    pub role: RoleAt,
    pub assignee: Option<String>,
    /// Take part beside the assignee.
    pub helpers: Vec<String>,
    pub ready_at: Time,
    /// The approval that does this step instead of a person.
    pub approval: Option<Id>,
    /// The case that it had opened, and on which it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
}

/// A case that a step opens beside its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// Once it is opened.
    pub other: Option<Id>,
    /// Nothing is waited for any more.
    pub over: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoneStep {
    pub cycle: u32,
    pub step: String,
    pub by: String,
    pub ready_at: Time,
    pub at: Time,
    pub occurred_at: Option<Time>,
    pub facts: Facts,
    pub sealed: BTreeMap<String, Sealed>,
    pub proofs: Vec<Proof>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: Id,
    pub cycle: u32,
    pub step: String,
    pub matrix: String,
    pub kind: String,
    pub amount: Option<Amount>,
    /// Who asked: none of them decides (DG-18).
    pub requesters: Vec<String>,
    /// Roles the matrix demands, one after another.
    pub chain: Vec<RoleAt>,
    /// Stages asked so far; the last one is the turn.
    pub stages: Vec<Stage>,
    pub state: ApprovalState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    pub currency: String,
    pub minor: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its place in the chain, from 0; places that earlier approvers cover are passed over.
    pub place: u32,
    /// The role asked: the matrix's, or one further up when that has nobody.
    pub role: RoleAt,
    pub approver: Option<String>,
    pub asked_at: Time,
    pub verdict: Option<Verdict>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub by: String,
    pub at: Time,
    pub approved: bool,
    pub text: Option<Sealed>,
    /// Given by word of mouth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbal: Option<Verbal>,
}

/// An approval that somebody else took down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verbal {
    pub recorded_by: String,
    /// The approver's paper.
    pub paper: Option<Paper>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    pub at: Time,
    pub by: String,
    /// Otherwise he denies that he approved.
    pub approved: bool,
    pub text: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApprovalState {
    Open,
    Approved {
        at: Time,
    },
    Rejected {
        at: Time,
    },
    /// Overtaken: its step went back, or the case changed.
    Withdrawn {
        at: Time,
    },
}

impl ApprovalState {
    pub fn code(&self) -> &'static str {
        match self {
            ApprovalState::Open => "open",
            ApprovalState::Approved { .. } => "approved",
            ApprovalState::Rejected { .. } => "rejected",
            ApprovalState::Withdrawn { .. } => "withdrawn",
        }
    }
}

impl Approval {
    pub fn is_open(&self) -> bool {
        self.state == ApprovalState::Open
    }

    /// The number of the stage whose turn it is, from 1.
    pub fn turn(&self) -> u32 {
        self.stage().map_or(0, |stage| stage.place + 1)
    }

    pub fn stage(&self) -> Option<&Stage> {
        self.stages.last()
    }

    /// The stage of this number, if it was approved by word of mouth and its paper is not in.
    pub fn unsigned(&self, turn: u32) -> Option<&Verdict> {
        let stage = self.stages.iter().find(|stage| stage.place + 1 == turn)?;
        stage.verdict.as_ref().filter(|verdict| verdict.lacks_paper())
    }

    /// Everybody who has decided a stage.
    pub fn deciders(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter_map(|stage| stage.verdict.as_ref()).map(|verdict| verdict.by.as_str())
    }
}

impl Verdict {
    pub fn lacks_paper(&self) -> bool {
        self.verbal.as_ref().is_some_and(|verbal| verbal.paper.is_none())
    }
}

impl Work {
    /// Approvals of this cycle by word of mouth whose papers are not in: the work is not complete before.
    pub fn lacks_papers(&self) -> bool {
        self.owed_papers().next().is_some()
    }

    /// The same, each with the number of its stage.
    pub fn owed_papers(&self) -> impl Iterator<Item = (&Approval, u32)> {
        let own = self.approvals.iter().filter(|approval| approval.cycle == self.cycle);
        own.flat_map(|approval| {
            let lacks = |stage: &&Stage| stage.verdict.as_ref().is_some_and(Verdict::lacks_paper);
            approval.stages.iter().filter(lacks).map(move |stage| (approval, stage.place + 1))
        })
    }

    /// Whose key seals what people write about this case.
    pub fn sealing_owner(&self) -> Id {
        self.customer.unwrap_or(self.ticket)
    }

    pub fn ticket_ref(&self) -> common::TicketRef {
        common::TicketRef {
            ticket_id: self.ticket.to_string(),
            number: self.number.clone(),
            cycle: self.cycle,
            branch: self.branch.clone(),
            playbook: Some(common::PlaybookRef { id: self.playbook.clone(), version: self.version }),
            case_type: self.case_type.clone(),
        }
    }

    pub fn done_steps(&self) -> DoneSteps {
        self.done.iter().map(|done| done.step.clone()).collect()
    }

    /// How a step was done, if it is.
    pub fn done_step(&self, step: &str) -> Option<&DoneStep> {
        self.done.iter().find(|done| done.step == step)
    }

    pub fn approval(&self, id: Id) -> Option<&Approval> {
        self.approvals.iter().find(|approval| approval.id == id)
    }

    /// The newest approval of a step in this cycle.
    pub fn approval_of(&self, step: &str) -> Option<&Approval> {
        self.approvals.iter().rev().find(|a| a.cycle == self.cycle && a.step == step)
    }

    pub fn open_approvals(&self) -> impl Iterator<Item = &Approval> {
        self.approvals.iter().filter(|a| a.cycle == self.cycle && a.is_open())
    }

    /// Persons who gave a hand-off of this cycle back.
    pub fn refusers(&self) -> impl Iterator<Item = &str> {
        self.given_back.iter().filter(|g| g.cycle == self.cycle).map(|g| g.by.as_str())
    }

    /// Persons whose turn something is.
    pub fn holders(&self) -> BTreeSet<&str> {
        let mut holders = BTreeSet::new();
        if self.state.is_over() {
            return holders;
        }
        if matches!(self.state, State::Dispatched) {
            holders.extend(self.hand_off.assignee.as_deref());
        }
        for open in self.open.values() {
            holders.extend(open.assignee.as_deref());
            holders.extend(open.helpers.iter().map(String::as_str));
        }
        holders.extend(self.approvers());
        holders
    }

    /// Persons asked to approve something now.
    pub fn approvers(&self) -> BTreeSet<&str> {
        self.open_approvals().filter_map(|a| a.stage()?.approver.as_deref()).collect()
    }

    fn approval_roles(&self) -> BTreeSet<&str> {
        self.open_approvals().filter_map(|a| Some(a.stage()?.role.role.as_str())).collect()
    }
}

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

impl Aggregate for Work {
    const TABLE: &'static Table = &Table {
        name: "work",
        columns: &[
            column("number", ColumnKind::Text),
            column("cycle", ColumnKind::Int),
            column("state", ColumnKind::Text),
            column("open", ColumnKind::Bool),
            column("branch", ColumnKind::Text),
            column("case_type", ColumnKind::Text),
            column("customer", ColumnKind::Text),
            column("unit", ColumnKind::Text),
            column("role", ColumnKind::Text),
            column("holders", ColumnKind::Words),
            column("approvers", ColumnKind::Words),
            column("approval_roles", ColumnKind::Words),
            column("barred", ColumnKind::Words),
            column("opened_at", ColumnKind::Time),
            column("changed_at", ColumnKind::Time),
        ],
    };

    fn id(&self) -> Id {
        self.ticket
    }

    fn columns(&self) -> Vec<Value> {
        let words = |set: BTreeSet<&str>| Value::Words(set.into_iter().map(str::to_owned).collect());
        vec![
            self.number.as_str().into(),
            self.cycle.into(),
            self.state.code().into(),
            (!self.state.is_over()).into(),
            self.branch.as_str().into(),
            self.case_type.as_str().into(),
            self.customer.into(),
            self.unit.as_str().into(),
            self.hand_off.role.role.as_str().into(),
            words(self.holders()),
            words(self.approvers()),
            words(self.approval_roles()),
            words(self.barred.iter().map(String::as_str).collect()),
            self.opened_at.into(),
            self.changed_at.into(),
        ]
    }
}
