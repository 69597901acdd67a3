//! What the directory keeps. Everything has a code of its own, and lives in
//! the one shard that this service has.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use proto::{Bucket, Id, Shard, Time, directory::v1 as said};
use serde::{Deserialize, Serialize};

use crate::{
    command::Kept,
    level::NodeLevel,
    personal::{Sessions, Settings},
};

pub(crate) const TABLES: &[&Table] = &[
    NodeRow::TABLE,
    PersonRow::TABLE,
    Account::TABLE,
    PlaybookRow::TABLE,
    CalendarRow::TABLE,
    Catalogue::TABLE,
    TimeRule::TABLE,
    Sessions::TABLE,
    Settings::TABLE,
];

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnKind::Text }
}

/// The directory's only shard.
pub fn home() -> Shard {
    Shard::new(0).expect("there is a first shard")
}

/// The id of something with a code: same kind and code, same id.
pub fn id_of(kind: &str, code: &str) -> Id {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(code.as_bytes());
    let mut hash = [0; 16];
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    Id::of_hash(hash, Bucket::first_of(home()))
}

/// A node of the organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    pub code: String,
    pub parent: Option<String>,
    pub level: NodeLevel,
    /// The name of an organisation, not of a person.
    pub name: String,
    pub calendar: Option<String>,
    pub zone: Option<String>,
    pub closed: bool,
    pub phone: Option<Kept>,
    pub address: Option<Kept>,
}

impl NodeRow {
    pub fn key(code: &str) -> Id {
        id_of("node", code)
    }

    /// As contracts and events say it.
    pub fn says(&self) -> said::Node {
        said::Node {
            code: self.code.clone(),
            parent: self.parent.clone().unwrap_or_default(),
            level: self.level.as_str().to_owned(),
            name: self.name.clone(),
            calendar: self.calendar.clone().unwrap_or_default(),
            zone: self.zone.clone().unwrap_or_default(),
            closed: self.closed,
        }
    }
}

impl Aggregate for NodeRow {
    const TABLE: &'static Table = &Table {
        name: "node",
        columns: &[
            text("code"),
            text("parent"),
            text("level"),
            text("name"),
            Column { name: "closed", kind: ColumnKind::Bool },
        ],
    };

    fn id(&self) -> Id {
        NodeRow::key(&self.code)
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.code.as_str().into(),
            self.parent.clone().into(),
            self.level.as_str().into(),
            self.name.as_str().into(),
            self.closed.into(),
        ]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RoleHeld {
    pub role: String,
    pub node: String,
}

/// A person: who he is stays sealed, what he may do does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PersonRow {
    pub code: String,
    pub name: Option<Kept>,
    pub phone: Option<Kept>,
    pub mail: Option<Kept>,
    /// Sorted, without repetition.
    pub roles: Vec<RoleHeld>,
    pub deputy: Option<String>,
    /// From (included) to (excluded), sorted.
    pub absences: Vec<(Time, Time)>,
    pub disabled: bool,
    /// What he is good at, as codes; sorted, without repetition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skills: Vec<String>,
}

impl PersonRow {
    pub fn key(code: &str) -> Id {
        id_of("person", code)
    }

    /// As contracts and events say it.
    pub fn says(&self) -> said::Person {
        said::Person {
            code: self.code.clone(),
            roles: self
                .roles
                .iter()
                .map(|r| said::Role { role: r.role.clone(), node: r.node.clone() })
                .collect(),
            deputy: self.deputy.clone().unwrap_or_default(),
            absences: self
                .absences
                .iter()
                .map(|(from, to)| said::Absence { from_at: from.0, to_at: to.0 })
                .collect(),
            disabled: self.disabled,
            skills: self.skills.clone(),
        }
    }

    /// What lists are filtered by: `gm`, `@B1`, `gm@B1`.
    fn role_words(&self) -> Vec<String> {
        let words = self.roles.iter().flat_map(|held| {
            [held.role.clone(), format!("@{}", held.node), format!("{}@{}", held.role, held.node)]
        });
        words.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

impl Aggregate for PersonRow {
    const TABLE: &'static Table = &Table {
        name: "person",
        columns: &[
            text("code"),
            Column { name: "roles", kind: ColumnKind::Words },
            text("deputy"),
            Column { name: "disabled", kind: ColumnKind::Bool },
        ],
    };

    fn id(&self) -> Id {
        PersonRow::key(&self.code)
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.code.as_str().into(),
            Value::Words(self.role_words()),
            self.deputy.clone().into(),
            self.disabled.into(),
        ]
    }
}

/// Apart from the person, so that reading one never reads the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub code: String,
    /// PHC format: algorithm, parameters, salt and hash.
    pub hash: String,
}

impl Account {
    pub fn key(code: &str) -> Id {
        id_of("account", code)
    }
}

impl Aggregate for Account {
    const TABLE: &'static Table = &Table { name: "account", columns: &[text("code")] };

    fn id(&self) -> Id {
        Account::key(&self.code)
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.code.as_str().into()]
    }
}

/// The versions of one playbook; their text is in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaybookRow {
    pub playbook: String,
    /// Version and BLAKE3 of its files.
    pub versions: BTreeMap<u32, String>,
    pub activated_at: Time,
}

impl PlaybookRow {
    pub fn key(playbook: &str) -> Id {
        id_of("playbook", playbook)
    }

    pub fn newest(&self) -> u32 {
        self.versions.keys().next_back().copied().unwrap_or_default()
    }
}

impl Aggregate for PlaybookRow {
    const TABLE: &'static Table = &Table {
        name: "playbook",
        columns: &[
            text("playbook"),
            Column { name: "version", kind: ColumnKind::Int },
            Column { name: "activated_at", kind: ColumnKind::Time },
        ],
    };

    fn id(&self) -> Id {
        PlaybookRow::key(&self.playbook)
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.playbook.as_str().into(), self.newest().into(), self.activated_at.into()]
    }
}

/// A calendar in force, with its text: others inherit from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalendarRow {
    pub calendar: String,
    pub version: u32,
    pub source: String,
    pub activated_at: Time,
}

impl CalendarRow {
    pub fn key(calendar: &str) -> Id {
        id_of("calendar", calendar)
    }
}

impl Aggregate for CalendarRow {
    const TABLE: &'static Table = &Table {
        name: "calendar",
        columns: &[
            text("calendar"),
            Column { name: "version", kind: ColumnKind::Int },
            Column { name: "activated_at", kind: ColumnKind::Time },
        ],
    };

    fn id(&self) -> Id {
        CalendarRow::key(&self.calendar)
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.calendar.as_str().into(), self.version.into(), self.activated_at.into()]
    }
}

/// What exists, in one row: whether a parent, a deputy or a calendar is there
/// must be known without a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    pub nodes: BTreeMap<String, Placed>,
    pub persons: BTreeSet<String>,
    pub calendars: BTreeSet<String>,
}

/// Where a node stands in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    pub parent: Option<String>,
    pub level: NodeLevel,
}

impl Catalogue {
    pub fn key() -> Id {
        id_of("catalogue", "")
    }

    /// The node without a parent.
    pub fn root(&self) -> Option<&str> {
        self.nodes.iter().find(|(_, placed)| placed.parent.is_none()).map(|(code, _)| code.as_str())
    }
}

impl Aggregate for Catalogue {
    const TABLE: &'static Table = &Table {
        name: "catalogue",
        columns: &[
            Column { name: "nodes", kind: ColumnKind::Int },
            Column { name: "persons", kind: ColumnKind::Int },
        ],
    };

    fn id(&self) -> Id {
        Catalogue::key()
    }

    fn columns(&self) -> Vec<Value> {
        vec![Value::Int(self.nodes.len() as i64), Value::Int(self.persons.len() as i64)]
    }
}

/// How business time runs: the last `time.moved`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeRule {
    pub mode: String,
    pub business_at: Time,
    pub database_at: Time,
    pub factor_milli: u64,
}

impl TimeRule {
    pub fn key() -> Id {
        id_of("time", "")
    }

    pub(crate) fn says(&self) -> said::TimeMoved {
        said::TimeMoved {
            mode: self.mode.clone(),
            business_at: self.business_at.0,
            database_at: self.database_at.0,
            factor_milli: self.factor_milli,
        }
    }
}

impl Aggregate for TimeRule {
    const TABLE: &'static Table = &Table {
        name: "time_rule",
        columns: &[text("mode"), Column { name: "business_at", kind: ColumnKind::Time }],
    };

    fn id(&self) -> Id {
        TimeRule::key()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.mode.as_str().into(), self.business_at.into()]
    }
}
