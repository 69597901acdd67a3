//! Hearing: from the events of intake, dispatch and follow-up to signals.

use chassis_core::Heard;
use playbook::Value;
use proto::{AnyEvent, Event, Time, dispatch::v1 as work, follow_up::v1 as call, intake::v1 as intake};

use super::{Moved, Name, Part, Signal, WaitMove};

impl Signal {
    /// `None` for events that no clock reacts to.
    pub(crate) fn of(heard: &Heard) -> Option<Signal> {
        let mut signal = heard_now(heard);
        let event = &heard.event;
        if !(signal.of_register(event, heard) || signal.of_work(event) || signal.of_calls(event)) {
            return None;
        }
        signal.cycle = event.ticket().map_or(0, |ticket| ticket.cycle);
        Some(signal)
    }

    fn of_register(&mut self, event: &AnyEvent, heard: &Heard) -> bool {
        match event {
            AnyEvent::TicketOpened(e) => self.opened(e, heard),
            AnyEvent::TicketReclassified(e) => self.reclassified(e),
            AnyEvent::TicketMoved(e) => self.moved(e),
            AnyEvent::TicketLinked(_) => self.named::<intake::TicketLinked>(3),
            AnyEvent::TicketNoted(e) => self.noted(e),
            AnyEvent::TicketClosed(_) => self.named::<intake::TicketClosed>(4),
            AnyEvent::TicketReopened(e) => self.reopened(e),
            _ => return false,
        }
        true
    }

    fn of_work(&mut self, event: &AnyEvent) -> bool {
        match event {
            AnyEvent::WorkDispatched(e) => self.dispatched(e),
            AnyEvent::WorkAcknowledged(e) => {
                self.named::<work::WorkAcknowledged>(1);
                self.keys.hand_off = Some(e.hand_off);
                self.held_by(&e.by, "");
            }
            AnyEvent::WorkRefused(e) => {
                self.named::<work::WorkRefused>(1);
                self.keys.hand_off = Some(e.hand_off);
                self.part = Some(Part::Released);
            }
            AnyEvent::WorkAssigned(e) => self.at_step::<work::WorkAssigned>(&e.step, &e.assignee, &e.role),
            AnyEvent::WorkStepReady(e) => self.at_step::<work::WorkStepReady>(&e.step, &e.assignee, &e.role),
            AnyEvent::WorkStepDone(e) => self.step_done(e),
            AnyEvent::WorkWithdrawn(e) => self.withdrawn(e),
            AnyEvent::WorkCompleted(_) => self.named::<work::WorkCompleted>(1),
            AnyEvent::ApprovalAsked(e) => self.approval_asked(e),
            AnyEvent::ApprovalDecided(e) => self.approval_decided(e),
            AnyEvent::ApprovalVerbal(e) => {
                self.named::<work::ApprovalVerbal>(1);
                self.stage_of(&e.step, &e.kind, e.stage);
                // The paper is his to bring.
                self.held_by(&e.by, &e.role);
            }
            AnyEvent::ApprovalConfirmed(e) => {
                self.named::<work::ApprovalConfirmed>(1);
                self.stage_of(&e.step, &e.kind, e.stage);
                self.part = Some(Part::Done);
                self.outcome = Some(if e.decision == "approved" { "approved" } else { "refused" }.to_owned());
            }
            _ => return false,
        }
        true
    }

    fn of_calls(&mut self, event: &AnyEvent) -> bool {
        match event {
            AnyEvent::FollowUpScheduled(e) => {
                self.called::<call::FollowUpScheduled>(&e.rule, &e.follow_up_id);
                self.held_by("", &e.role);
            }
            AnyEvent::FollowUpAttempted(e) => {
                self.called::<call::FollowUpAttempted>(&e.rule, &e.follow_up_id);
                self.outcome = Some(if e.outcome == "reached" { "reached" } else { "unreached" }.to_owned());
                self.held_by(&e.by, "");
            }
            AnyEvent::FollowUpRecorded(e) => self.called::<call::FollowUpRecorded>(&e.rule, &e.follow_up_id),
            AnyEvent::SurveyAnswered(e) => {
                self.called::<call::SurveyAnswered>(&e.rule, &e.follow_up_id);
                self.facts = organisation::facts::from_proto(&e.answers);
                self.outcome = Some(if e.unhappy { "unhappy" } else { "happy" }.to_owned());
            }
            AnyEvent::FollowUpCompleted(e) => {
                self.named::<call::FollowUpCompleted>(2);
                self.keys.round.clone_from(&e.rules);
                self.outcome = completed_as(&e.outcome).map(str::to_owned);
            }
            _ => return false,
        }
        true
    }

    fn step_done(&mut self, event: &work::WorkStepDone) {
        self.named::<work::WorkStepDone>(1);
        self.about_step(&event.step);
        self.facts = organisation::facts::from_proto(&event.facts);
        self.barred.clone_from(&event.barred);
        self.part = Some(Part::Done);
        self.happened(Time(event.occurred_at).set());
    }

    fn withdrawn(&mut self, event: &work::WorkWithdrawn) {
        if event.reason == "barred" && !event.step.is_empty() {
            // A step goes on with another holder: its clocks run on, or it would wait without one (P9).
            return self.at_step::<work::WorkAssigned>(&event.step, "", "");
        }
        self.named::<work::WorkWithdrawn>(1);
        self.keys.step = filled(&event.step);
        self.part = Some(Part::Released);
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

    fn moved(&mut self, event: &intake::TicketMoved) {
        self.reclassified(&event.judgement());
        self.named::<intake::TicketMoved>(3);
        self.moved = Some(Moved { from: event.from_version, to: event.version() });
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
        intake::TicketMoved::TYPE,
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
        work::ApprovalVerbal::TYPE,
        work::ApprovalConfirmed::TYPE,
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
