//! Assets: a vehicle, a product, a flat. Lives at its own home, whose writer sees all openings
//! about it in one order, whoever called.

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use proto::{Id, Time, common::v1::TicketRef};
use serde::{Deserialize, Serialize};

use crate::state::PlaybookVersion;

/// How many openings are kept: the repeat rule looks back some months.
const KEPT_OPENINGS: usize = 100;

/// A case about this asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub ticket: Id,
    pub number: String,
    pub branch: String,
    pub playbook: PlaybookVersion,
    pub case_type: String,
    pub cycle: u32,
    pub category: String,
    pub opened_at: Time,
    pub answered_at: Option<Time>,
    /// The earlier case it was found to repeat.
    pub repeats: Option<Id>,
}

impl Opening {
    pub fn reference(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.ticket.to_string(),
            number: self.number.clone(),
            cycle: self.cycle,
            branch: self.branch.clone(),
            playbook: Some((&self.playbook).into()),
            case_type: self.case_type.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    pub id: Id,
    /// In the order in which this home learnt of them.
    pub openings: Vec<Opening>,
}

impl Asset {
    pub fn new(id: Id) -> Asset {
        Asset { id, openings: Vec::new() }
    }

    /// Takes in an opening, or the newer category of a known one.
    pub fn take_in(&mut self, opening: Opening) {
        match self.openings.iter_mut().find(|known| known.ticket == opening.ticket) {
            Some(known) => {
                known.cycle = known.cycle.max(opening.cycle);
                if known.category != opening.category {
                    known.category = opening.category;
                    known.repeats = None;
                }
            }
            None => self.openings.push(opening),
        }
        if self.openings.len() > KEPT_OPENINGS {
            self.openings.remove(0);
        }
    }
}

impl Aggregate for Asset {
    const TABLE: &'static Table =
        &Table { name: "asset", columns: &[Column { name: "openings", kind: ColumnKind::Int }] };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::Int(self.openings.len() as i64)]
    }
}
