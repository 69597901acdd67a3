//! What is known of a ticket's follow-up.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, Column, ColumnKind, Sealed, Table, Value};
use playbook::{Facts, FollowUpKind};
use proto::{Id, Service, Time, envelope::Position};
use serde::{Deserialize, Serialize};

use crate::{
    call::Consequence,
    command::NotReached,
    signal::{Matter, Signal},
};

pub(crate) const TABLE: &Table = &Table {
    name: "follow_up_case",
    columns: &[
        Column { name: "state", kind: ColumnKind::Text },
        Column { name: "branch", kind: ColumnKind::Text },
        Column { name: "next_try", kind: ColumnKind::Time },
        Column { name: "role", kind: ColumnKind::Text },
        Column { name: "barred", kind: ColumnKind::Words },
    ],
};

/// One per ticket, under the ticket's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub ticket: Id,
    /// `None` until `ticket.opened` is heard: other sources may be ahead of it.
    pub known: Option<Known>,
    /// Evidence of a cycle that is not known yet, in its order.
    pub(crate) aside: Vec<Signal>,
    /// The newest (epoch, seq) heard of each source: what comes again has no effect.
    heard: BTreeMap<Service, (u32, u64)>,
}

/// The case, once opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub matter: Matter,
    /// Whose key seals what is written about the calls.
    pub customer: Option<Id>,
    pub barred: BTreeSet<String>,
    /// What intake said; a new cycle starts from here.
    pub(crate) intake_facts: Facts,
    /// The same, with what steps and answers of this cycle added.
    pub(crate) facts: Facts,
    /// Of every cycle, oldest first.
    pub call_backs: Vec<CallBack>,
    /// Dispatch says nothing more about this cycle.
    pub(crate) work_over: bool,
    pub closed_at: Option<Time>,
    /// 1; calls that a rule makes after the closing of a sealed cycle are a further round.
    pub round: u32,
    pub phase: Phase,
    /// Points of series that are still to come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<Planned>,
    /// As armed last, for the next of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timer: Option<Time>,
}

/// One point of a series, a week or a year after its occasion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub rule: String,
    /// 1 is the first.
    pub place: u32,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Calls may still come.
    Open,
    /// `follow_up.completed` was said.
    Sealed { at: Time, verdict: Verdict },
}

/// How a round ended, as its seal says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Content,
    Unhappy(Consequence),
    NotReached,
    NoneDue,
}

/// A call, letter or visit that a rule of the playbook made due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallBack {
    pub id: Id,
    pub rule: String,
    pub kind: FollowUpKind,
    /// Who makes it.
    pub role: String,
    pub cycle: u32,
    pub round: u32,
    pub scheduled_at: Time,
    /// The first try that was planned.
    pub try_at: Time,
    pub due_at: Time,
    pub attempts: Vec<Attempt>,
    pub state: CallBackState,
    /// What was said, for people.
    pub text: Option<Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallBackState {
    Scheduled {
        next_try: Time,
    },
    Recorded {
        at: Time,
        by: String,
        answers: Facts,
        unhappy: bool,
        consequence: Consequence,
    },
    GivenUp {
        at: Time,
    },
    /// A new cycle, or the closing, made it pointless.
    Cancelled {
        at: Time,
    },
}

/// A try that did not reach the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: Time,
    pub by: String,
    pub outcome: NotReached,
    /// Made about when it was planned. Three calls within a minute are one attempt: the others
    /// are on record and use nothing up.
    pub counts: bool,
    pub text: Option<Sealed>,
}

impl Case {
    pub(crate) fn new(ticket: Id) -> Case {
        Case { ticket, known: None, aside: Vec::new(), heard: BTreeMap::new() }
    }

    /// Takes note of an event's place; false if that place was heard before.
    pub(crate) fn is_news(&mut self, at: Position) -> bool {
        let place = (at.epoch, at.seq);
        let newest = self.heard.entry(at.service).or_insert((0, 0));
        let news = place > *newest;
        *newest = place.max(*newest);
        news
    }
}

impl Known {
    /// The calls of the present round, whatever became of them.
    pub fn this_round(&self) -> impl Iterator<Item = &CallBack> {
        let (cycle, round) = (self.matter.cycle, self.round);
        self.call_backs.iter().filter(move |c| c.cycle == cycle && c.round == round)
    }

    pub fn open(&self) -> impl Iterator<Item = &CallBack> {
        self.call_backs.iter().filter(|c| c.next_try().is_some())
    }

    pub fn call_back(&self, id: Id) -> Option<&CallBack> {
        self.call_backs.iter().find(|c| c.id == id)
    }

    pub(crate) fn call_back_mut(&mut self, id: Id) -> Option<&mut CallBack> {
        self.call_backs.iter_mut().find(|c| c.id == id)
    }

    pub(crate) fn cancel_open(&mut self, at: Time) {
        for call in self.call_backs.iter_mut().filter(|c| c.next_try().is_some()) {
            call.state = CallBackState::Cancelled { at };
        }
    }

    /// The open call that is to be tried first.
    fn next(&self) -> Option<(Time, &CallBack)> {
        self.open().filter_map(|call| Some((call.next_try()?, call))).min_by_key(|(at, call)| (*at, call.id))
    }

    fn state(&self) -> &'static str {
        match (&self.phase, self.next()) {
            (_, Some(_)) => "due",
            (Phase::Open, None) => "waiting",
            (Phase::Sealed { .. }, None) => "sealed",
        }
    }
}

impl CallBack {
    /// When to try next, while it is open.
    pub fn next_try(&self) -> Option<Time> {
        match self.state {
            CallBackState::Scheduled { next_try } => Some(next_try),
            CallBackState::Recorded { .. }
            | CallBackState::GivenUp { .. }
            | CallBackState::Cancelled { .. } => None,
        }
    }

    /// Attempts that use up the playbook's maximum.
    pub fn counted(&self) -> u32 {
        u32::try_from(self.attempts.iter().filter(|a| a.counts).count()).unwrap_or(u32::MAX)
    }

    /// As the contract names it.
    pub fn state_code(&self) -> &'static str {
        match self.state {
            CallBackState::Scheduled { .. } => "scheduled",
            CallBackState::Recorded { .. } => "recorded",
            CallBackState::GivenUp { .. } => "given_up",
            CallBackState::Cancelled { .. } => "cancelled",
        }
    }

    pub fn kind_code(&self) -> &'static str {
        match self.kind {
            FollowUpKind::Call => "call",
            FollowUpKind::Letter => "letter",
            FollowUpKind::Visit => "visit",
            FollowUpKind::Survey => "survey",
        }
    }
}

impl Verdict {
    pub fn outcome(self) -> &'static str {
        match self {
            Verdict::Content => "content",
            Verdict::Unhappy(_) => "unhappy",
            Verdict::NotReached => "not_reached",
            Verdict::NoneDue => "none_due",
        }
    }

    pub fn consequence(self) -> Consequence {
        match self {
            Verdict::Unhappy(consequence) => consequence,
            Verdict::Content | Verdict::NotReached | Verdict::NoneDue => Consequence::Nothing,
        }
    }
}

impl Aggregate for Case {
    const TABLE: &'static Table = TABLE;

    fn id(&self) -> Id {
        self.ticket
    }

    fn columns(&self) -> Vec<Value> {
        let Some(known) = &self.known else {
            return vec!["early".into(), Value::Null, Value::Null, Value::Null, Value::Words(Vec::new())];
        };
        let next = known.next();
        vec![
            known.state().into(),
            known.matter.branch.as_str().into(),
            next.map(|(at, _)| at).into(),
            next.map(|(_, call)| call.role.clone()).into(),
            Value::Words(known.barred.iter().cloned().collect()),
        ]
    }
}
