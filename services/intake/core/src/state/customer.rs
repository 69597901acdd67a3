//! Customers. One phone, one customer; the phone book beside it answers a second call with the
//! same number at the same writer.

use std::{collections::BTreeMap, fmt};

use chassis_core::{Aggregate, Column, ColumnKind, Sealed, Table, Value};
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

/// How many cases a customer's file keeps; the tickets themselves stay.
const KEPT_TICKETS: usize = 200;
/// And how many contacts, the newest; the journal has them all.
const KEPT_CONTACTS: usize = 50;

/// Which customer a phone belongs to. Its id is made from the phone's keyed token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneBook {
    pub id: Id,
    pub customer: Id,
}

impl Aggregate for PhoneBook {
    const TABLE: &'static Table =
        &Table { name: "phone_book", columns: &[Column { name: "customer", kind: ColumnKind::Text }] };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.customer.into()]
    }
}

/// What the customer file said about phone and plate while the call lasted (DG-05).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCheck {
    /// This phone has had a case about this asset.
    Match,
    /// This phone is on file with another asset.
    Mismatch,
    /// Nothing on file to compare with.
    Unknown,
}

impl FileCheck {
    pub fn as_str(self) -> &'static str {
        match self {
            FileCheck::Match => "match",
            FileCheck::Mismatch => "mismatch",
            FileCheck::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FileCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A vehicle, product or flat that the customer called about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownAsset {
    pub id: Id,
    /// Keyed tokens of the whole plate and VIN.
    pub plate_token: Option<String>,
    pub vin_token: Option<String>,
    pub plate: Option<Sealed>,
    pub vin: Option<Sealed>,
    pub model: Option<Sealed>,
    /// Keyed search tokens of plate and VIN; copied to each ticket about it.
    pub tokens: Vec<String>,
    /// A code, impersonal.
    pub brand: Option<String>,
    /// A case was opened about it. Until then it proves nothing: an agent who asks twice in one
    /// call must get the same answer twice.
    pub confirmed: bool,
}

/// A case as the customer's file remembers it, for repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerTicket {
    pub id: Id,
    pub number: String,
    pub playbook: String,
    pub case_type: String,
    pub category: String,
    pub branch: String,
    pub opened_at: Time,
    pub answered_at: Option<Time>,
    pub closed: bool,
}

/// A call that was settled on the spot and opened no case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerContact {
    pub id: Id,
    pub playbook: String,
    pub case_type: String,
    pub category: String,
    pub branch: String,
    pub channel: String,
    pub at: Time,
    pub by: String,
    pub personal: BTreeMap<String, Sealed>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub id: Id,
    pub phone: Sealed,
    pub name: Option<Sealed>,
    /// Keyed search tokens of phone and name; copied to each ticket.
    pub tokens: Vec<String>,
    pub assets: Vec<KnownAsset>,
    pub tickets: Vec<CustomerTicket>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<CustomerContact>,
    /// Wants no messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_messages: bool,
    pub since: Time,
}

impl Customer {
    pub(crate) fn remember_contact(&mut self, contact: CustomerContact) {
        self.contacts.push(contact);
        let surplus = self.contacts.len().saturating_sub(KEPT_CONTACTS);
        self.contacts.drain(..surplus);
    }

    pub fn asset(&self, id: Id) -> Option<&KnownAsset> {
        self.assets.iter().find(|asset| asset.id == id)
    }

    pub fn file_check(&self, asset: Option<Id>) -> FileCheck {
        let Some(asset) = asset else { return FileCheck::Unknown };
        match self.asset(asset) {
            Some(known) if known.confirmed => FileCheck::Match,
            _ if self.assets.iter().any(|other| other.confirmed) => FileCheck::Mismatch,
            _ => FileCheck::Unknown,
        }
    }

    pub fn open_tickets(&self) -> Vec<Id> {
        self.tickets.iter().filter(|ticket| !ticket.closed).map(|ticket| ticket.id).collect()
    }

    /// Remembers a new case; the oldest closed ones make room.
    pub fn remember(&mut self, ticket: CustomerTicket) {
        self.tickets.push(ticket);
        while self.tickets.len() > KEPT_TICKETS {
            let Some(oldest) = self.tickets.iter().position(|old| old.closed) else { break };
            self.tickets.remove(oldest);
        }
    }

    pub fn ticket_mut(&mut self, id: Id) -> Option<&mut CustomerTicket> {
        self.tickets.iter_mut().find(|ticket| ticket.id == id)
    }
}

impl Aggregate for Customer {
    const TABLE: &'static Table = &Table {
        name: "customer",
        columns: &[
            Column { name: "since", kind: ColumnKind::Time },
            Column { name: "tokens", kind: ColumnKind::Words },
        ],
    };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.since.into(), Value::Words(self.tokens.clone())]
    }
}
