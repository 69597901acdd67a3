//! What notify keeps of a ticket, to know whom to tell what.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use playbook::Facts;
use proto::{Id, Service, envelope::Position};
use serde::{Deserialize, Serialize};

use crate::signal::{Matter, Signal};

pub(crate) const TABLE: &Table = &Table {
    name: "notify_case",
    columns: &[
        Column { name: "branch", kind: ColumnKind::Text },
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
    /// The newest (epoch, seq) that had an effect, of each source.
    heard: BTreeMap<Service, (u32, u64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub matter: Matter,
    /// Whose key seals what was sent.
    pub customer: Option<Id>,
    pub barred: BTreeSet<String>,
    pub(crate) intake_facts: Facts,
    pub(crate) facts: Facts,
    /// Why it has its severity, as codes of the playbook.
    pub(crate) reasons: Vec<String>,
    /// Who took the call.
    pub(crate) taker: Option<String>,
    /// Who has the work as a whole.
    pub(crate) holder: Option<String>,
    /// Who has a step, or is asked for its approval.
    pub(crate) step_holders: BTreeMap<String, String>,
    /// Who asked for the approval of a step.
    pub(crate) requesters: BTreeMap<String, String>,
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
    /// Whoever an event is about: the holder of its step, else of the work.
    pub(crate) fn holder_of(&self, step: Option<&str>) -> Option<&str> {
        step.and_then(|step| self.step_holders.get(step)).or(self.holder.as_ref()).map(String::as_str)
    }

    pub(crate) fn requester_of(&self, step: Option<&str>) -> Option<&str> {
        step.and_then(|step| self.requesters.get(step)).map(String::as_str)
    }

    pub(crate) fn forget_holders(&mut self) {
        self.holder = None;
        self.step_holders.clear();
        self.requesters.clear();
    }
}

impl Aggregate for Case {
    const TABLE: &'static Table = TABLE;

    fn id(&self) -> Id {
        self.ticket
    }

    fn columns(&self) -> Vec<Value> {
        let branch = self.known.as_ref().map(|known| known.matter.branch.clone());
        let barred = self.known.iter().flat_map(|known| known.barred.iter().cloned()).collect();
        vec![branch.into(), Value::Words(barred)]
    }
}
