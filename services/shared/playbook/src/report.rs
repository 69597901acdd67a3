//! Named figures and the reports made of them.

use serde::{Deserialize, Serialize};

use crate::{condition::Condition, role::Recipient, text::Text};

/// What is counted. `On` names an event, e.g. `ticket.opened`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FigureKind {
    /// Number of events of this name.
    Count { on: String },
    /// Share of `of` for which `part` holds, in tenths of a per cent.
    Rate { on: String, part: Condition },
    /// From one event to another, median and 90th percentile, in seconds.
    Duration { from: String, to: String },
    /// Met share of a clock (all clocks when `None`).
    OnTime { clock: Option<String> },
    /// Average answer to a question of a follow-up, in hundredths.
    Average { question: String },
    /// Rows instead of a number: breaches with clock, deadline and delay (DC-14), penalties (DC-13), ...
    /// `clock`: only events of this one.
    List { on: String, clock: Option<String>, columns: Vec<String> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    Branch,
    Type,
    Severity,
    Category,
}

/// A target, in the unit of the figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    AtLeast(i64),
    AtMost(i64),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub id: String,
    pub name: Text,
    pub kind: FigureKind,
    pub filter: Option<Condition>,
    pub group_by: Vec<GroupBy>,
    pub target: Option<Target>,
    pub rules: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Daily,
    Weekly,
    Monthly,
}

impl Period {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub id: String,
    pub name: Text,
    pub period: Period,
    pub figures: Vec<String>,
    pub addressees: Vec<Recipient>,
    pub rules: Vec<String>,
}
