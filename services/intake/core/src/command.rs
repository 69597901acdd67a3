//! What people and systems ask of intake, and what it answers. Personal text is sealed already.

use std::collections::BTreeMap;

use chassis_core::{RowKey, Sealed};
use playbook::Facts;
use proto::{Bucket, Id, Time};
use serde::{Deserialize, Serialize};

use crate::{
    keys,
    state::{Almanac, Counter, Customer, FileCheck, PhoneBook, Ticket},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    Identify(Box<Identify>),
    Open(Box<Open>),
    PlanDuties(PlanDuties),
    Note(Note),
    Reclassify(Reclassify),
    Close(Close),
    Reopen(Reopen),
    Move(Move),
    SetMessages(SetMessages),
}

/// Finds or creates the customer of a phone, and names the asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identify {
    /// Keyed token of the whole phone: decides the home.
    pub phone_token: String,
    /// Under whom name, plate and model were sealed: the customer on file, else the id that a new
    /// one is to get.
    pub owner: Id,
    pub phone: Sealed,
    pub name: Option<Sealed>,
    /// Keyed search tokens of phone and name.
    pub tokens: Vec<String>,
    pub asset: Option<AssetGiven>,
}

/// At least one of the two tokens is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssetGiven {
    pub plate_token: Option<String>,
    pub vin_token: Option<String>,
    pub plate: Option<Sealed>,
    pub vin: Option<Sealed>,
    pub model: Option<Sealed>,
    /// Keyed search tokens of plate and VIN.
    pub tokens: Vec<String>,
    pub brand: Option<String>,
}

/// Opens a case (立项).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// `None`: the case lives at its branch.
    pub customer: Option<Id>,
    pub asset: Option<Id>,
    pub playbook: String,
    pub case_type: String,
    pub branch: String,
    pub channel: String,
    /// The form's impersonal fields, parsed.
    pub facts: Facts,
    /// The form's personal fields and free text.
    pub personal: BTreeMap<String, Sealed>,
    pub about_persons: Vec<String>,
    /// Keyed search tokens of what the form says.
    pub tokens: Vec<String>,
    /// When it was said, if not now (imports).
    pub occurred_at: Option<Time>,
}

impl Open {
    /// Where the ticket will live.
    pub fn bucket(&self) -> Bucket {
        self.customer.map_or_else(|| keys::branch_bucket(&self.branch), Id::bucket)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub ticket: Id,
    /// chaser, contact, internal, wait
    pub kind: String,
    pub text: Option<Sealed>,
    pub wait_begun: Option<String>,
    pub wait_ended: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reclassify {
    pub ticket: Id,
    pub facts: Facts,
    pub personal: BTreeMap<String, Sealed>,
    pub about_persons: Vec<String>,
    pub tokens: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Close {
    pub ticket: Id,
    pub outcome: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reopen {
    pub ticket: Id,
    pub reason: String,
}

/// Moves an open case to the active version of its rule book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub ticket: Id,
    pub version: u32,
    /// Why, as a code.
    pub reason: String,
}

/// Whether a customer wants messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetMessages {
    pub customer: Id,
    pub wanted: bool,
}

/// The duties of a branch are looked up in the rule book that is active now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDuties {
    pub playbook: String,
    pub branch: String,
}

impl Command {
    /// The home that decides it.
    pub fn home(&self) -> proto::Shard {
        match self {
            Command::Identify(command) => keys::phone_book(&command.phone_token).shard(),
            Command::Open(command) => command.bucket().shard(),
            Command::PlanDuties(command) => keys::almanac(&command.playbook, &command.branch).shard(),
            Command::SetMessages(SetMessages { customer, .. }) => customer.shard(),
            Command::Note(Note { ticket, .. })
            | Command::Reclassify(Reclassify { ticket, .. })
            | Command::Close(Close { ticket, .. })
            | Command::Move(Move { ticket, .. })
            | Command::Reopen(Reopen { ticket, .. }) => ticket.shard(),
        }
    }

    pub(crate) fn keys(&self) -> Vec<RowKey> {
        match self {
            Command::Identify(command) => vec![
                RowKey::of::<PhoneBook>(keys::phone_book(&command.phone_token)),
                RowKey::of::<Customer>(command.owner),
            ],
            Command::Open(command) => {
                let mut wanted = vec![RowKey::of::<Counter>(keys::counter(self.home()))];
                wanted.extend(command.customer.map(RowKey::of::<Customer>));
                wanted
            }
            Command::PlanDuties(PlanDuties { playbook, branch }) => {
                vec![RowKey::of::<Almanac>(keys::almanac(playbook, branch))]
            }
            Command::SetMessages(SetMessages { customer, .. }) => vec![RowKey::of::<Customer>(*customer)],
            Command::Note(Note { ticket, .. })
            | Command::Reclassify(Reclassify { ticket, .. })
            | Command::Close(Close { ticket, .. })
            | Command::Move(Move { ticket, .. })
            | Command::Reopen(Reopen { ticket, .. }) => vec![RowKey::of::<Ticket>(*ticket)],
        }
    }
}

/// Ids and codes only: replies are remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    Identified(Identified),
    Opened(Opened),
    /// Explained and done: no case was opened.
    Contacted(Contacted),
    Noted,
    Planned,
    Reclassified(Reclassified),
    Closed,
    Reopened {
        cycle: u32,
    },
    Moved(Moved),
    MessagesSet,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identified {
    pub customer: Id,
    pub asset: Option<Id>,
    pub created: bool,
    pub file_check: FileCheck,
    /// A call about one of these is noted on it, not opened anew.
    pub open_tickets: Vec<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub ticket: Id,
    pub number: String,
    pub category: String,
    pub severity: String,
    pub reasons: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacted {
    pub contact: Id,
    pub category: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub from: u32,
    pub category: String,
    pub severity: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclassified {
    pub category: String,
    pub severity: String,
    pub reasons: Vec<String>,
}
