//! What has been said of one run of a clock: never taken back, only corrected.

use std::collections::BTreeSet;

use proto::Time;
use serde::{Deserialize, Serialize};

/// One run of one clock, as journal and people know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    pub clock: String,
    /// Which hand-off, step, approval stage or call-back; a second run of the same is `inspect#2`. Empty: the ticket.
    pub instance: String,
    pub started_at: Time,
    /// As announced last; `None` while paused.
    pub due: Option<Time>,
    /// The newest deadline there was, also while paused.
    pub last_due: Time,
    /// The limit in the playbook's words, and the calendar version used.
    pub limit: String,
    pub calendar: String,
    pub suspensions: Vec<Span>,
    /// Warnings given, by their place in the playbook.
    pub warned: BTreeSet<u32>,
    /// When the last reminder of a repeating clock was due.
    pub repeated: Option<Time>,
    /// The deadline that was missed, while that is the verdict.
    pub breached: Option<Time>,
    /// `clock.breached` was said, whatever came after.
    pub breach_said: bool,
    /// Sources that had not answered when it was judged.
    pub silent: Vec<String>,
    pub rungs: Vec<RungFired>,
    /// Everybody told of anything.
    pub told: BTreeSet<String>,
    pub ended: Option<Ended>,
    pub corrections: Vec<Correction>,
    /// Late evidence says that it should never have run.
    pub retracted: bool,
    /// What the verdict rests on.
    pub(crate) judged_on: Option<Basis>,
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
    pub at: Time,
    pub how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    Met,
    /// Without a verdict: the case was closed, the work withdrawn, the case judged otherwise.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    pub anchor: Time,
    pub limit: String,
    pub pauses: Vec<(Time, Option<Time>)>,
    pub due: Time,
    pub calendar: String,
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
