//! Roles and where in the organisation tree their holders are looked for. Persons are found at the moment of use
//! (vacant: the next level up; absent: the deputy); a playbook never names a person.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A level of the organisation tree, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Branch,
    Area,
    Division,
    Group,
}

impl Level {
    pub const ALL: [Level; 4] = [Level::Branch, Level::Area, Level::Division, Level::Group];

    pub fn as_str(self) -> &'static str {
        match self {
            Level::Branch => "branch",
            Level::Area => "area",
            Level::Division => "division",
            Level::Group => "group",
        }
    }
}

/// A role that the playbook uses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Role {
    pub id: String,
    pub name: Text,
    /// Where its holder sits.
    pub level: Level,
    /// Every branch (or node of its level) must have a holder or an heir further up.
    pub required: bool,
    pub rules: Vec<String>,
}

/// A role together with the level at which its holder is looked for, seen from the ticket's branch upwards.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoleAt {
    pub role: String,
    pub level: Level,
}

/// A person known by the part he plays in this case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CasePerson {
    /// Holds the work (or the step, approval or call-back that the clock watches).
    Holder,
    /// Took the call.
    Taker,
    /// Follows the case to the end (DC-18).
    Follower,
    /// Asked for the approval.
    Requester,
    /// The customer; only messages to the outside name him.
    Customer,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    Role(RoleAt),
    Person(CasePerson),
}
