//! Which run of a clock an event is about: hand-offs, steps, approval stages and call-backs have clocks of their own.

use playbook::{Clock, Scope, Trigger};
use proto::{Event, dispatch::v1::WorkStepDone};
use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// What an event says of instances: which hand-off, step, approval stage or call-back it concerns; of our own events,
/// which clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<u32>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Rules of the call-backs that a seal is about.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub round: Vec<String>,
}

impl Keys {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Keys::default()
    }
}

/// What of a clock's instances an event concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    All,
    One { base: String, exact: String },
}

impl Reach {
    /// Whether an instance with this key is concerned. A key that ends in `/` stands for all that begin with it.
    pub fn covers(&self, key: &str) -> bool {
        match self {
            Reach::All => true,
            Reach::One { exact, .. } => {
                key.is_empty()
                    || key == exact
                    || (exact.ends_with('/') && key.starts_with(exact.as_str()))
                    || (key.ends_with('/') && exact.starts_with(key))
            }
        }
    }
}

/// The instance that a start begins, as people read it and as it is told apart. A clock of a step watches the step
/// whose end stops it, whatever started it: judging starts the clock of proposing.
pub(crate) fn begun(clock: &Clock, signal: &Signal) -> (String, String) {
    if clock.scope == Scope::Step {
        let ends = clock.stop.iter().filter(|t| t.event == WorkStepDone::NAME);
        let mut awaited = ends.filter_map(|t| t.subject.as_deref());
        if let Some(step) = awaited.next()
            && awaited.all(|other| other == step)
        {
            return (step.to_owned(), step.to_owned());
        }
    }
    match reach(&signal.keys, clock.scope) {
        Reach::All => (String::new(), String::new()),
        Reach::One { base, exact } => (base, exact),
    }
}

/// Which instances a trigger concerns: those of the event's own step, call-back or hand-off; but a trigger that names
/// a step of which the clock has no instances (started at `judge`, stopped at `propose`) concerns them all.
pub(crate) fn concerned(clock: &Clock, trigger: &Trigger, signal: &Signal) -> Reach {
    let own = |t: &Trigger| t.subject.is_none() || t.subject == trigger.subject;
    if trigger.subject.is_some() && !clock.start.iter().any(own) {
        return Reach::All;
    }
    reach(&signal.keys, clock.scope)
}

/// The instances of clocks of this scope that an event concerns; `base` is the name that people read.
fn reach(keys: &Keys, scope: Scope) -> Reach {
    let one = |base: &str, exact: String| Reach::One { base: base.to_owned(), exact };
    match scope {
        Scope::Ticket => Reach::All,
        Scope::HandOff => keys.hand_off.map_or(Reach::All, |n| one(&n.to_string(), n.to_string())),
        Scope::Step => keys.step.as_ref().map_or(Reach::All, |step| one(step, step.clone())),
        Scope::Approval => match (&keys.step, keys.stage) {
            (Some(step), Some(stage)) => one(&format!("{step}/{stage}"), format!("{step}/{stage}")),
            (Some(step), None) => one(step, format!("{step}/")),
            (None, _) => Reach::All,
        },
        Scope::CallBack => match (&keys.rule, &keys.follow_up) {
            (Some(rule), Some(id)) => one(rule, id.clone()),
            _ => Reach::All,
        },
    }
}
