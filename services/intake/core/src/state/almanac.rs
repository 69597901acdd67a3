//! Which duties of a branch are opened next. One per rule book and branch, at the branch's home.

use std::collections::BTreeMap;

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use jiff::civil::Date;
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Almanac {
    pub id: Id,
    pub playbook: String,
    pub branch: String,
    /// By duty: the day whose case is opened next.
    pub next: BTreeMap<String, Date>,
    /// As armed last.
    pub timer: Option<Time>,
}

impl Aggregate for Almanac {
    const TABLE: &'static Table = &Table {
        name: "almanac",
        columns: &[
            Column { name: "playbook", kind: ColumnKind::Text },
            Column { name: "branch", kind: ColumnKind::Text },
        ],
    };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.playbook.as_str().into(), self.branch.as_str().into()]
    }
}
