//! What intake owns: customers by phone, assets, tickets, counters.

mod almanac;
mod asset;
mod customer;
mod ticket;

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use proto::{Id, Shard};
use serde::{Deserialize, Serialize};

use crate::{keys, number};

pub use almanac::Almanac;
pub use asset::{Asset, Opening};
pub use customer::{Customer, CustomerContact, CustomerTicket, FileCheck, KnownAsset, PhoneBook};
pub use ticket::{
    Floor, FollowUpSeal, Judged, Link, Note, PastCycle, PlaybookVersion, Progress, State, Ticket, Wait, Why,
};

pub const TABLES: &[&Table] =
    &[Ticket::TABLE, Customer::TABLE, PhoneBook::TABLE, Asset::TABLE, Counter::TABLE, Almanac::TABLE];

/// Counts the tickets of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    pub shard: Shard,
    /// The sequence given last.
    pub last: u64,
}

impl Counter {
    pub fn new(shard: Shard) -> Counter {
        Counter { shard, last: 0 }
    }

    /// The next ticket's number.
    pub fn next_number(&mut self) -> String {
        self.last += 1;
        number::format(self.shard, self.last)
    }
}

impl Aggregate for Counter {
    const TABLE: &'static Table =
        &Table { name: "counter", columns: &[Column { name: "last", kind: ColumnKind::Int }] };

    fn id(&self) -> Id {
        keys::counter(self.shard)
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::Int(i64::try_from(self.last).unwrap_or(i64::MAX))]
    }
}
