//! Other services' events, reduced to what a clock can react to.

use chassis_core::Heard;
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Event, Time, dispatch::v1 as work, follow_up::v1 as call, intake::v1 as intake,
    sla_watchdog::v1 as own,
};
use serde::{Deserialize, Serialize};

use crate::instance::Keys;

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
            part: None,
            reported_later: false,
        }
    }

    /// What a trigger may name in brackets.
    pub(crate) fn subject(&self) -> Option<&str> {
        let keys = &self.keys;
        keys.clock.as_deref().or(keys.step.as_deref()).or(keys.rule.as_deref())
    }

    /// `None` for events that no clock reacts to.
    pub(crate) fn of(heard: &Heard) -> Option<Signal> {
        let mut signal = heard_now(heard);
        match &heard.event {
            AnyEvent::TicketOpened(e) => signal.opened(e, heard),
            AnyEvent::TicketReclassified(e) => signal.reclassified(e),
            AnyEvent::TicketLinked(_) => signal.named::<intake::TicketLinked>(3),
            AnyEvent::TicketNoted(e) => signal.noted(e),
            AnyEvent::TicketClosed(_) => signal.named::<intake::TicketClosed>(4),
            AnyEvent::TicketReopened(e) => signal.reopened(e),
            AnyEvent::WorkDispatched(e) => signal.dispatched(e),
            AnyEvent::WorkAcknowledged(e) => {
                signal.named::<work::WorkAcknowledged>(1);
                signal.keys.hand_off = Some(e.hand_off);
                signal.held_by(&e.by, "");
            }
            AnyEvent::WorkRefused(e) => {
                signal.named::<work::WorkRefused>(1);
                signal.keys.hand_off = Some(e.hand_off);
                signal.part = Some(Part::Released);
            }
            AnyEvent::WorkAssigned(e) => signal.at_step::<work::WorkAssigned>(&e.step, &e.assignee, &e.role),
            AnyEvent::WorkStepReady(e) => {
                signal.at_step::<work::WorkStepReady>(&e.step, &e.assignee, &e.role)
            }
            AnyEvent::WorkStepDone(e) => {
                signal.named::<work::WorkStepDone>(1);
                signal.about_step(&e.step);
                signal.facts = organisation::facts::from_proto(&e.facts);
                signal.part = Some(Part::Done);
                signal.happened(Time(e.occurred_at).set());
            }
            // A step goes on with another holder: its clocks run on, or it would wait without one (P9).
            AnyEvent::WorkWithdrawn(e) if e.reason == "barred" && !e.step.is_empty() => {
                signal.at_step::<work::WorkAssigned>(&e.step, "", "");
            }
            AnyEvent::WorkWithdrawn(e) => {
                signal.named::<work::WorkWithdrawn>(1);
                signal.keys.step = filled(&e.step);
                signal.part = Some(Part::Released);
            }
            AnyEvent::WorkCompleted(_) => signal.named::<work::WorkCompleted>(1),
            AnyEvent::ApprovalAsked(e) => signal.approval_asked(e),
            AnyEvent::ApprovalDecided(e) => signal.approval_decided(e),
            AnyEvent::FollowUpScheduled(e) => {
                signal.called::<call::FollowUpScheduled>(&e.rule, &e.follow_up_id);
                signal.held_by("", &e.role);
            }
            AnyEvent::FollowUpAttempted(e) => {
                signal.called::<call::FollowUpAttempted>(&e.rule, &e.follow_up_id);
                signal.outcome =
                    Some(if e.outcome == "reached" { "reached" } else { "unreached" }.to_owned());
                signal.held_by(&e.by, "");
            }
            AnyEvent::FollowUpRecorded(e) => {
                signal.called::<call::FollowUpRecorded>(&e.rule, &e.follow_up_id)
            }
            AnyEvent::SurveyAnswered(e) => {
                signal.called::<call::SurveyAnswered>(&e.rule, &e.follow_up_id);
                signal.facts = organisation::facts::from_proto(&e.answers);
                signal.outcome = Some(if e.unhappy { "unhappy" } else { "happy" }.to_owned());
            }
            AnyEvent::FollowUpCompleted(e) => {
                signal.named::<call::FollowUpCompleted>(2);
                signal.outcome = completed_as(&e.outcome).map(str::to_owned);
            }
            _ => return None,
        }
        signal.cycle = heard.event.ticket().map_or(0, |ticket| ticket.cycle);
        Some(signal)
    }

    /// Whether a cycle begins with it.
    pub(crate) fn begins(&self) -> bool {
        matches!(self.name.text(), intake::TicketOpened::NAME | intake::TicketReopened::NAME)
    }

    pub(crate) fn is_reclassification(&self) -> bool {
        self.name.text() == intake::TicketReclassified::NAME
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
    }

    /// Whether the fold needs it though no trigger names it.
    pub(crate) fn tells_something(&self) -> bool {
        !self.facts.is_empty()
            || !self.barred.is_empty()
            || self.wait.is_some()
            || self.settles_a_step()
            || self.begins()
            || self.closes()
            || self.is_reclassification()
    }

    fn named<E: Event>(&mut self, rank: u8) {
        self.name = Name::of::<E>();
        self.place.0 = rank;
    }

    fn about_step(&mut self, step: &str) {
        self.keys.step = filled(step);
    }

    fn at_step<E: Event>(&mut self, step: &str, assignee: &str, role: &str) {
        self.named::<E>(1);
        self.about_step(step);
        self.held_by(assignee, role);
    }

    fn called<E: Event>(&mut self, rule: &str, follow_up: &str) {
        self.named::<E>(2);
        self.keys.rule = filled(rule);
        self.keys.follow_up = filled(follow_up);
    }

    fn held_by(&mut self, person: &str, role: &str) {
        self.part = Some(Part::Holder { person: filled(person), role: filled(role), requester: None });
    }

    /// An earlier moment counts if its source says so; a later one never does.
    fn happened(&mut self, occurred: Option<Time>) {
        if let Some(occurred) = occurred.filter(|at| *at < self.at) {
            self.at = occurred;
            self.reported_later = true;
        }
    }

    fn opened(&mut self, event: &intake::TicketOpened, heard: &Heard) {
        self.named::<intake::TicketOpened>(0);
        let opened_at = Time(event.opened_at).set().unwrap_or(heard.recorded_at);
        self.facts = organisation::facts::from_proto(&event.facts);
        self.judged_as(&event.category, &event.severity, &event.tags);
        self.facts.set("channel", Value::code(&event.channel)).set("opened_at", Value::Instant(opened_at.0));
        self.facts.set("reopened", Value::Bool(false));
        if !event.repeats.is_empty() {
            self.facts.set("repeat", Value::Bool(true));
        }
        self.of_ticket(heard);
        self.barred.clone_from(&event.barred);
        self.part = heard.actor.strip_prefix("person:").map(|code| Part::Taker(code.to_owned()));
    }

    fn reclassified(&mut self, event: &intake::TicketReclassified) {
        self.named::<intake::TicketReclassified>(3);
        self.facts = organisation::facts::from_proto(&event.facts);
        self.judged_as(&event.category, &event.severity, &event.tags);
        self.branch = event.ticket.as_ref().map(|ticket| ticket.branch.clone());
        self.barred.clone_from(&event.barred);
    }

    fn reopened(&mut self, event: &intake::TicketReopened) {
        self.named::<intake::TicketReopened>(0);
        self.facts = organisation::facts::from_proto(&event.facts);
        self.judged_as(&event.category, &event.severity, &event.tags);
        self.facts.set("reopened", Value::Bool(true));
        if let Some(ticket) = &event.ticket {
            self.facts.set("cycle", Value::Int(ticket.cycle.into()));
            self.branch = Some(ticket.branch.clone());
        }
        self.barred.clone_from(&event.barred);
    }

    fn noted(&mut self, event: &intake::TicketNoted) {
        self.named::<intake::TicketNoted>(3);
        let (begun, ended) = (filled(&event.wait_begun), filled(&event.wait_ended));
        if begun.is_some() || ended.is_some() {
            self.wait = Some(WaitMove { begun, ended });
        }
    }

    fn dispatched(&mut self, event: &work::WorkDispatched) {
        self.named::<work::WorkDispatched>(1);
        self.keys.hand_off = Some(event.hand_off);
        self.held_by(&event.assignee, &event.role);
    }

    fn approval_asked(&mut self, event: &work::ApprovalAsked) {
        self.named::<work::ApprovalAsked>(1);
        self.stage_of(&event.step, &event.kind, event.stage);
        let (person, role) = (filled(&event.approver), filled(&event.role));
        self.part = Some(Part::Holder { person, role, requester: filled(&event.requester) });
    }

    fn approval_decided(&mut self, event: &work::ApprovalDecided) {
        self.named::<work::ApprovalDecided>(1);
        self.stage_of(&event.step, &event.kind, event.stage);
        self.part = Some(Part::Done);
        // One stage of several that approves decides nothing yet.
        self.outcome = match event.decision.as_str() {
            "approved" if event.r#final => Some("approved".to_owned()),
            "approved" => None,
            _ => Some("refused".to_owned()),
        };
    }

    /// An approval outside of any step is known by its kind.
    fn stage_of(&mut self, step: &str, kind: &str, stage: u32) {
        self.keys.step = filled(step).or_else(|| filled(kind));
        self.keys.stage = Some(stage);
    }

    fn of_ticket(&mut self, heard: &Heard) {
        let Some(ticket) = heard.event.ticket() else { return };
        self.facts
            .set("type", Value::code(&ticket.case_type))
            .set("branch", Value::code(&ticket.branch))
            .set("cycle", Value::Int(ticket.cycle.into()));
        self.branch = Some(ticket.branch.clone());
    }

    fn judged_as(&mut self, category: &str, severity: &str, tags: &[String]) {
        for (name, code) in [("category", category), ("severity", severity)] {
            if !code.is_empty() {
                self.facts.set(name, Value::code(code));
            }
        }
        self.facts.set("tags", Value::Codes(tags.to_vec()));
    }
}

/// Whether an event of this type becomes a signal.
pub(crate) fn is_heard(kind: &str) -> bool {
    const HEARD: &[&str] = &[
        intake::TicketOpened::TYPE,
        intake::TicketReclassified::TYPE,
        intake::TicketLinked::TYPE,
        intake::TicketNoted::TYPE,
        intake::TicketClosed::TYPE,
        intake::TicketReopened::TYPE,
        work::WorkDispatched::TYPE,
        work::WorkAcknowledged::TYPE,
        work::WorkRefused::TYPE,
        work::WorkAssigned::TYPE,
        work::WorkStepReady::TYPE,
        work::WorkStepDone::TYPE,
        work::WorkWithdrawn::TYPE,
        work::WorkCompleted::TYPE,
        work::ApprovalAsked::TYPE,
        work::ApprovalDecided::TYPE,
        call::FollowUpScheduled::TYPE,
        call::FollowUpAttempted::TYPE,
        call::FollowUpRecorded::TYPE,
        call::SurveyAnswered::TYPE,
        call::FollowUpCompleted::TYPE,
    ];
    HEARD.contains(&kind)
}

fn heard_now(heard: &Heard) -> Signal {
    let place = (0, heard.at.epoch, heard.at.seq);
    let mut signal = Signal::new::<intake::TicketNoted>(0, heard.recorded_at, place);
    signal.happened(heard.occurred_at);
    signal
}

/// The word that playbooks have for it.
fn completed_as(outcome: &str) -> Option<&'static str> {
    match outcome {
        "content" => Some("happy"),
        "unhappy" => Some("unhappy"),
        "not_reached" => Some("given_up"),
        _ => None,
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
