//! What has been said of one run of a clock: never taken back, only corrected.

use std::collections::BTreeSet;

use proto::Time;
use serde::{Deserialize, Serialize};

/// One run of one clock, as journal and people know it. Short in the store, like `Signal`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    #[serde(rename = "c")]
    pub clock: String,
    /// Which hand-off, step, approval stage or call-back; a second run of the same is `inspect#2`. Empty: the ticket.
    #[serde(rename = "i", default, skip_serializing_if = "String::is_empty")]
    pub instance: String,
    #[serde(rename = "s")]
    pub started_at: Time,
    /// As announced last; `None` while paused.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// The newest deadline there was, also while paused.
    #[serde(rename = "n")]
    pub last_due: Time,
    /// The limit in the playbook's words, and the calendar version used.
    #[serde(rename = "l")]
    pub limit: String,
    #[serde(rename = "k")]
    pub calendar: String,
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub suspensions: Vec<Span>,
    /// Warnings given, by their place in the playbook.
    #[serde(rename = "w", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub warned: BTreeSet<u32>,
    /// When the last reminder of a repeating clock was due.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<Time>,
    /// The deadline that was missed, while that is the verdict.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub breached: Option<Time>,
    /// `clock.breached` was said, whatever came after.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub breach_said: bool,
    /// Sources that had not answered when it was judged.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub rungs: Vec<RungFired>,
    /// Everybody told of anything.
    #[serde(rename = "t", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
    /// Late evidence says that it should never have run.
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    pub retracted: bool,
    /// Requests for more time, in order.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extended>,
    /// What the verdict rests on.
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    pub(crate) judged_on: Option<Basis>,
}

/// More time that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// From 1.
    pub number: u32,
    pub asked_at: Time,
    pub asked_by: String,
    /// How much longer, in the playbook's words.
    pub longer: String,
    pub reason: String,
    /// The deadline as it stood.
    pub due: Option<Time>,
    pub decision: Option<Decision>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub at: Time,
    pub by: String,
    pub granted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RungFired {
    /// 1 is the first.
    pub rung: u32,
    pub fired_at: Time,
    pub role: String,
    pub told: Vec<String>,
    /// More than a minute after its moment.
    pub late: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    #[serde(rename = "a")]
    pub at: Time,
    #[serde(rename = "h")]
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    #[serde(rename = "m")]
    Met,
    /// Without a verdict: the case was closed, the work withdrawn, the case judged otherwise.
    #[serde(rename = "c")]
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    pub at: Time,
    pub from: String,
    pub to: String,
    pub reason: String,
}

/// A stretch in which the clock stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub wait: String,
    pub from: Time,
    /// `None` while it lasts.
    pub to: Option<Time>,
}

/// What a verdict was computed from: while it stays the same, a new version of the calendar changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    #[serde(rename = "d")]
    pub due: Time,
    /// Of start, limit and pauses before the deadline.
    #[serde(rename = "h")]
    pub hash: u64,
}

/// As the contracts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    Paused,
    Breached,
    Met,
    MetLate,
    Cancelled,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Paused => "paused",
            State::Breached => "breached",
            State::Met => "met",
            State::MetLate => "met_late",
            State::Cancelled => "cancelled",
        }
    }
}

impl Ledger {
    pub fn state(&self) -> State {
        match (self.ended.map(|ended| ended.how), self.breached) {
            (Some(How::Cancelled), _) => State::Cancelled,
            (Some(How::Met), Some(_)) => State::MetLate,
            (Some(How::Met), None) => State::Met,
            (None, Some(_)) => State::Breached,
            (None, None) if self.due.is_none() => State::Paused,
            (None, None) => State::Running,
        }
    }

    /// Runs, stands still, or is late and not done yet.
    pub fn is_live(&self) -> bool {
        self.ended.is_none()
    }

    /// The deadline that people see: the one missed, once it is.
    pub fn shown_due(&self) -> Option<Time> {
        self.breached.or(if self.ended.is_some() { Some(self.last_due) } else { self.due })
    }

    /// What stands as the verdict.
    pub(crate) fn verdict(&self) -> &'static str {
        verdict(self.breached.is_some(), self.ended.map(|ended| ended.how))
    }
}

/// A breach stays the verdict of a clock that is met later.
pub(crate) fn verdict(breached: bool, ended: Option<How>) -> &'static str {
    match (breached, ended) {
        (true, _) => "breached",
        (false, Some(How::Met)) => "met",
        (false, Some(How::Cancelled)) => "cancelled",
        (false, None) => "running",
    }
}
