//! Other services' events, reduced to what a clock can react to.

mod heard;

use playbook::{Facts, Trigger};
use proto::{
    Event, Time, dispatch::v1 as work, follow_up::v1 as call, intake::v1 as intake, sla_watchdog::v1 as own,
};
use serde::{Deserialize, Serialize};

use crate::instance::Keys;

pub(crate) use heard::is_heard;

/// Something that happened to the case. A case keeps dozens and is written with every one, so names are short in the
/// store and what is empty is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// When it counts: when its source recorded it, or when it happened, if the playbook let somebody say so.
    #[serde(rename = "a")]
    pub at: Time,
    /// Orders what counts at the same microsecond: a cycle begins before all else and ends after it (a service stamps
    /// what it says no earlier than its cause, but perhaps as early), then by the place at the source.
    #[serde(rename = "p")]
    pub place: (u8, u32, u64),
    #[serde(rename = "y")]
    pub cycle: u32,
    #[serde(rename = "n")]
    pub name: Name,
    /// The step, follow-up rule or clock that it is about, and its instance.
    #[serde(rename = "k", default, skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
    /// What became known with it, for good.
    #[serde(rename = "f", default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
    /// How it came out: the fact `outcome` while this signal is looked at.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<WaitMove>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub longer: Option<Longer>,
    /// The case goes on under another version of its rule book.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Moved>,
    /// Taken out when the case learns it: parts are not evidence.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// It was reported later than it counts (an offline report).
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub reported_later: bool,
}

/// An event's name, `work.step_done` as playbooks have it, by its place in [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(u8);

/// In the store by place: new names go to the end.
const NAMES: &[&str] = &[
    intake::TicketOpened::NAME,
    intake::TicketReclassified::NAME,
    intake::TicketLinked::NAME,
    intake::TicketNoted::NAME,
    intake::TicketClosed::NAME,
    intake::TicketReopened::NAME,
    work::WorkDispatched::NAME,
    work::WorkAcknowledged::NAME,
    work::WorkRefused::NAME,
    work::WorkAssigned::NAME,
    work::WorkStepReady::NAME,
    work::WorkStepDone::NAME,
    work::WorkWithdrawn::NAME,
    work::WorkCompleted::NAME,
    work::ApprovalAsked::NAME,
    work::ApprovalDecided::NAME,
    call::FollowUpScheduled::NAME,
    call::FollowUpAttempted::NAME,
    call::FollowUpRecorded::NAME,
    call::SurveyAnswered::NAME,
    call::FollowUpCompleted::NAME,
    own::ClockStarted::NAME,
    own::ClockWarned::NAME,
    own::ClockBreached::NAME,
    own::ClockMet::NAME,
    own::EscalationRaised::NAME,
    own::ClockExtensionAsked::NAME,
    own::ClockExtensionDecided::NAME,
    work::ApprovalVerbal::NAME,
    work::ApprovalConfirmed::NAME,
    intake::TicketMoved::NAME,
];

impl Name {
    fn of<E: Event>() -> Name {
        let place = NAMES.iter().position(|name| *name == E::NAME);
        Name(
            place
                .and_then(|place| u8::try_from(place).ok())
                .expect("every event that becomes a signal is listed"),
        )
    }

    pub fn text(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

/// A named wait begins, ends, or gives way to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitMove {
    pub begun: Option<String>,
    pub ended: Option<String>,
}

/// More time was granted to a run of a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Longer {
    pub clock: String,
    pub instance: String,
    /// A limit as playbooks write it.
    pub by: String,
}

/// From one version of the rule book to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub from: u32,
    pub to: u32,
}

/// Who plays a part from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Took the call.
    Taker(String),
    /// Holds the work, the step, the approval or the call-back that the keys name.
    Holder { person: Option<String>, role: Option<String>, requester: Option<String> },
    /// Nobody holds it, nor the work, any more.
    Released,
    /// It is done: nobody need hold it.
    Done,
}

impl Signal {
    pub(crate) fn new<E: Event>(cycle: u32, at: Time, place: (u8, u32, u64)) -> Signal {
        Signal {
            at,
            place,
            cycle,
            name: Name::of::<E>(),
            keys: Keys::default(),
            facts: Facts::new(),
            outcome: None,
            barred: Vec::new(),
            branch: None,
            wait: None,
            longer: None,
            moved: None,
            part: None,
            reported_later: false,
        }
    }

    /// What a trigger may name in brackets.
    pub(crate) fn subject(&self) -> Option<&str> {
        let keys = &self.keys;
        keys.clock.as_deref().or(keys.step.as_deref()).or(keys.rule.as_deref())
    }

    /// Whether a trigger names it. The seal of a round is about each of its call-backs.
    pub(crate) fn sets_off(&self, trigger: &Trigger, facts: &Facts) -> bool {
        let about = |subject| trigger.matches(self.name.text(), subject, facts);
        about(self.subject()) || self.keys.round.iter().any(|rule| about(Some(rule)))
    }

    /// Its place in the evidence.
    pub(crate) fn order(&self) -> (Time, (u8, u32, u64)) {
        (self.at, self.place)
    }

    /// Whether a cycle begins with it.
    pub(crate) fn begins(&self) -> bool {
        matches!(self.name.text(), intake::TicketOpened::NAME | intake::TicketReopened::NAME)
    }

    /// A move to another version, at a moment when nothing else happens.
    pub(crate) fn move_at(at: Time, cycle: u32, moved: Moved, facts: Facts) -> Signal {
        let mut signal = Signal::new::<intake::TicketMoved>(cycle, at, (u8::MAX, u32::MAX, u64::MAX));
        (signal.moved, signal.facts) = (Some(moved), facts);
        signal
    }

    /// Conditions are asked again and budgets taken again.
    pub(crate) fn judges_anew(&self) -> bool {
        matches!(self.name.text(), intake::TicketReclassified::NAME | intake::TicketMoved::NAME)
    }

    pub(crate) fn closes(&self) -> bool {
        self.name.text() == intake::TicketClosed::NAME
    }

    /// The fact `done` changes with it.
    pub(crate) fn settles_a_step(&self) -> bool {
        matches!(self.name.text(), work::WorkStepDone::NAME | work::ApprovalDecided::NAME)
    }

    pub(crate) fn hands_off(&self) -> bool {
        self.name.text() == work::WorkDispatched::NAME
    }

    /// Said twice: the same thing at the same microsecond.
    pub(crate) fn repeats(&self, other: &Signal) -> bool {
        (self.at, self.name, &self.keys) == (other.at, other.name, &other.keys)
            && (&self.wait, &self.outcome, &self.facts) == (&other.wait, &other.outcome, &other.facts)
            && (&self.longer, self.moved) == (&other.longer, other.moved)
    }

    /// Whether the fold needs it though no trigger names it.
    pub(crate) fn tells_something(&self) -> bool {
        !self.facts.is_empty()
            || !self.barred.is_empty()
            || self.wait.is_some()
            || self.settles_a_step()
            || self.begins()
            || self.closes()
            || self.judges_anew()
    }
}
