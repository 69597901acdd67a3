//! Other services' events, reduced to what a telling can be about.

use std::collections::BTreeSet;

use chassis_core::Heard;
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Event, Id, Time,
    common::v1::{Money, PlaybookRef, TicketRef},
    dispatch::v1 as work,
    follow_up::v1 as calls,
    intake::v1 as register,
    sla_watchdog::v1 as chase,
};
use serde::{Deserialize, Serialize};

/// The case that an event is about, as rows keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matter {
    pub number: String,
    pub cycle: u32,
    pub branch: String,
    pub playbook: String,
    pub version: u32,
    pub case_type: String,
}

impl Matter {
    pub(crate) fn of(ticket: &TicketRef) -> Matter {
        let (playbook, version) =
            ticket.playbook.as_ref().map(|p| (p.id.clone(), p.version)).unwrap_or_default();
        Matter {
            number: ticket.number.clone(),
            cycle: ticket.cycle,
            branch: ticket.branch.clone(),
            playbook,
            version,
            case_type: ticket.case_type.clone(),
        }
    }

    /// As every event of the ticket carries it.
    pub fn to_ref(&self, ticket: Id) -> TicketRef {
        TicketRef {
            ticket_id: ticket.to_string(),
            number: self.number.clone(),
            cycle: self.cycle,
            branch: self.branch.clone(),
            playbook: Some(PlaybookRef { id: self.playbook.clone(), version: self.version }),
            case_type: self.case_type.clone(),
        }
    }
}

/// Something that happened to a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Signal {
    /// `work.step_done`, as playbooks name it.
    pub name: String,
    /// The step, clock or follow-up rule that it is about.
    pub subject: Option<String>,
    /// The rules of the call-backs that a seal is about.
    #[serde(default)]
    pub round: Vec<String>,
    pub cycle: u32,
    pub at: Time,
    pub facts: Facts,
    /// Persons who may take no part from here on.
    #[serde(default)]
    pub barred: Vec<String>,
    /// The fact `outcome`, which holds for this event only.
    pub outcome: Option<String>,
    /// One stage of several: the step is not settled by it.
    pub in_between: bool,
    /// Facts that a re-classification changed; `None` for every other event.
    pub changed: Option<BTreeSet<String>>,
    /// Persons whom the watchdog found.
    pub told: Vec<String>,
    pub moves: Move,
    /// Who holds what the event is about, if it says so.
    pub holder: Option<String>,
    pub clock: Option<String>,
    pub due_at: Option<Time>,
    pub rung: Option<u32>,
    pub action: Option<String>,
    pub late: bool,
    pub role: Option<String>,
    pub attempts: Option<u32>,
    /// The place in an approval's chain, from 1.
    pub stage: Option<u32>,
    pub amount: Option<(String, i64)>,
}

/// How an event changes who holds what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Move {
    Nothing,
    /// The work as a whole goes to somebody, or to nobody yet.
    Work(Option<String>),
    Step {
        step: String,
        holder: String,
    },
    Asked {
        step: String,
        approver: String,
        requester: String,
    },
    Withdrawn {
        step: Option<String>,
        from: String,
    },
}

const WANTED: &[&str] = &[
    register::TicketOpened::TYPE,
    register::TicketReclassified::TYPE,
    register::TicketMoved::TYPE,
    register::TicketLinked::TYPE,
    register::TicketNoted::TYPE,
    register::TicketClosed::TYPE,
    register::TicketReopened::TYPE,
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
    chase::ClockStarted::TYPE,
    chase::ClockWarned::TYPE,
    chase::ClockBreached::TYPE,
    chase::ClockMet::TYPE,
    chase::ClockVerdictCorrected::TYPE,
    chase::EscalationRaised::TYPE,
    chase::ClockExtensionAsked::TYPE,
    chase::ClockExtensionDecided::TYPE,
    calls::FollowUpScheduled::TYPE,
    calls::FollowUpAttempted::TYPE,
    calls::FollowUpRecorded::TYPE,
    calls::FollowUpCompleted::TYPE,
    calls::SurveyAnswered::TYPE,
];

pub(crate) fn wants(kind: &str) -> bool {
    WANTED.contains(&kind)
}

/// The ticket that an event is about.
pub(crate) fn ticket_id(heard: &Heard) -> Option<Id> {
    heard.event.ticket()?.ticket_id.parse().ok()
}

impl Signal {
    pub fn named(name: &str, subject: Option<&str>, cycle: u32, at: Time) -> Signal {
        Signal {
            name: name.to_owned(),
            subject: subject.and_then(filled),
            round: Vec::new(),
            cycle,
            at,
            facts: Facts::new(),
            barred: Vec::new(),
            outcome: None,
            in_between: false,
            changed: None,
            stage: None,
            told: Vec::new(),
            moves: Move::Nothing,
            holder: None,
            clock: None,
            due_at: None,
            rung: None,
            action: None,
            late: false,
            role: None,
            attempts: None,
            amount: None,
        }
    }

    /// `None` for an event that is about no case, or that nobody is told of.
    pub fn of(heard: &Heard) -> Option<Signal> {
        let cycle = heard.event.ticket()?.cycle;
        let at = heard.recorded_at;
        of_register(&heard.event, cycle, at)
            .or_else(|| of_work(&heard.event, cycle, at))
            .or_else(|| of_chase(&heard.event, cycle, at))
            .or_else(|| of_calls(&heard.event, cycle, at))
    }

    /// The facts of the case while this event is looked at.
    pub fn seen_with(&self, facts: &Facts) -> Facts {
        let mut facts = facts.clone();
        if let Some(outcome) = &self.outcome {
            facts.set("outcome", Value::code(outcome));
        }
        facts
    }

    fn holder(mut self, person: &str) -> Signal {
        self.holder = filled(person);
        self
    }

    fn outcome(mut self, code: &str) -> Signal {
        self.outcome = filled(code);
        self
    }

    fn role(mut self, role: &str) -> Signal {
        self.role = filled(role);
        self
    }

    fn clock(mut self, clock: &str, due_at: i64) -> Signal {
        self.clock = filled(clock);
        self.due_at = Time(due_at).set();
        self
    }

    fn told(mut self, told: &[String]) -> Signal {
        self.told = told.to_vec();
        self
    }
}

fn new<E: Event>(subject: &str, cycle: u32, at: Time) -> Signal {
    Signal::named(E::NAME, Some(subject), cycle, at)
}

fn of_register(event: &AnyEvent, cycle: u32, at: Time) -> Option<Signal> {
    Some(match event {
        AnyEvent::TicketOpened(_) => new::<register::TicketOpened>("", cycle, at),
        AnyEvent::TicketReclassified(_) => new::<register::TicketReclassified>("", cycle, at),
        AnyEvent::TicketMoved(_) => new::<register::TicketMoved>("", cycle, at),
        AnyEvent::TicketLinked(_) => new::<register::TicketLinked>("", cycle, at),
        AnyEvent::TicketNoted(_) => new::<register::TicketNoted>("", cycle, at),
        AnyEvent::TicketClosed(_) => new::<register::TicketClosed>("", cycle, at),
        AnyEvent::TicketReopened(_) => new::<register::TicketReopened>("", cycle, at),
        _ => return None,
    })
}

fn of_work(event: &AnyEvent, cycle: u32, at: Time) -> Option<Signal> {
    Some(match event {
        AnyEvent::WorkDispatched(e) => {
            let signal = new::<work::WorkDispatched>("", cycle, at).holder(&e.assignee).role(&e.role);
            signal.moving(Move::Work(filled(&e.assignee)))
        }
        AnyEvent::WorkAcknowledged(e) => {
            new::<work::WorkAcknowledged>("", cycle, at).holder(&e.by).moving(Move::Work(filled(&e.by)))
        }
        AnyEvent::WorkRefused(_) => new::<work::WorkRefused>("", cycle, at).moving(Move::Work(None)),
        // A hand-off that nobody was found for has its holder now: to be told as he would have been.
        AnyEvent::WorkAssigned(e) if e.step.is_empty() => {
            let signal = new::<work::WorkDispatched>("", cycle, at).holder(&e.assignee).role(&e.role);
            signal.moving(Move::Work(filled(&e.assignee)))
        }
        AnyEvent::WorkAssigned(e) => {
            let signal = new::<work::WorkAssigned>(&e.step, cycle, at).holder(&e.assignee).role(&e.role);
            signal.moving(Move::Step { step: e.step.clone(), holder: e.assignee.clone() })
        }
        AnyEvent::WorkStepReady(e) => {
            let signal = new::<work::WorkStepReady>(&e.step, cycle, at).holder(&e.assignee).role(&e.role);
            signal.moving(Move::Step { step: e.step.clone(), holder: e.assignee.clone() })
        }
        AnyEvent::WorkStepDone(e) => {
            let mut signal = new::<work::WorkStepDone>(&e.step, cycle, at).holder(&e.by);
            signal.facts = organisation::facts::from_proto(&e.facts);
            signal.barred.clone_from(&e.barred);
            signal
        }
        AnyEvent::WorkWithdrawn(e) => {
            let moves = Move::Withdrawn { step: filled(&e.step), from: e.from.clone() };
            new::<work::WorkWithdrawn>("", cycle, at).moving(moves)
        }
        AnyEvent::WorkCompleted(_) => new::<work::WorkCompleted>("", cycle, at),
        AnyEvent::ApprovalAsked(e) => asked(e, cycle, at),
        AnyEvent::ApprovalDecided(e) => {
            let outcome = if e.decision == "approved" { "approved" } else { "refused" };
            let mut signal = new::<work::ApprovalDecided>(&e.step, cycle, at).holder(&e.by).outcome(outcome);
            signal.in_between = !e.r#final;
            signal
        }
        AnyEvent::ApprovalVerbal(e) => {
            new::<work::ApprovalVerbal>(&e.step, cycle, at).holder(&e.by).role(&e.role)
        }
        AnyEvent::ApprovalConfirmed(e) => {
            let outcome = if e.decision == "approved" { "approved" } else { "refused" };
            new::<work::ApprovalConfirmed>(&e.step, cycle, at).holder(&e.by).outcome(outcome)
        }
        _ => return None,
    })
}

fn asked(e: &work::ApprovalAsked, cycle: u32, at: Time) -> Signal {
    let mut signal = new::<work::ApprovalAsked>(&e.step, cycle, at).holder(&e.approver).role(&e.role);
    signal.stage = Some(e.stage);
    signal.amount = e.amount.as_ref().map(|Money { currency, minor }| (currency.clone(), *minor));
    signal.moving(Move::Asked {
        step: e.step.clone(),
        approver: e.approver.clone(),
        requester: e.requester.clone(),
    })
}

fn of_chase(event: &AnyEvent, cycle: u32, at: Time) -> Option<Signal> {
    Some(match event {
        AnyEvent::ClockStarted(e) => {
            new::<chase::ClockStarted>(&e.clock, cycle, at).clock(&e.clock, e.due_at)
        }
        AnyEvent::ClockWarned(e) => {
            new::<chase::ClockWarned>(&e.clock, cycle, at).clock(&e.clock, e.due_at).told(&e.told)
        }
        AnyEvent::ClockBreached(e) => {
            new::<chase::ClockBreached>(&e.clock, cycle, at).clock(&e.clock, e.due_at).holder(&e.holder)
        }
        AnyEvent::ClockMet(e) => new::<chase::ClockMet>(&e.clock, cycle, at).clock(&e.clock, e.due_at),
        AnyEvent::ClockVerdictCorrected(e) => {
            let signal = new::<chase::ClockVerdictCorrected>(&e.clock, cycle, at).clock(&e.clock, 0);
            signal.told(&e.told).outcome(&e.to)
        }
        AnyEvent::EscalationRaised(e) => {
            let signal = new::<chase::EscalationRaised>(&e.clock, cycle, at).clock(&e.clock, e.due_at);
            let mut signal = signal.told(&e.told).role(&e.role);
            signal.rung = Some(e.rung);
            signal.action = filled(&e.action);
            signal.late = e.late;
            signal
        }
        AnyEvent::ClockExtensionAsked(e) => {
            let signal = new::<chase::ClockExtensionAsked>(&e.clock, cycle, at).clock(&e.clock, e.due_at);
            signal.told(&e.told).role(&e.role)
        }
        AnyEvent::ClockExtensionDecided(e) => {
            let outcome = if e.granted { "approved" } else { "refused" };
            let signal = new::<chase::ClockExtensionDecided>(&e.clock, cycle, at).clock(&e.clock, e.due_at);
            let mut signal = signal.told(&e.told).outcome(outcome);
            signal.action = Some(outcome.to_owned());
            signal
        }
        _ => return None,
    })
}

fn of_calls(event: &AnyEvent, cycle: u32, at: Time) -> Option<Signal> {
    Some(match event {
        AnyEvent::FollowUpScheduled(e) => {
            let mut signal = new::<calls::FollowUpScheduled>(&e.rule, cycle, at).role(&e.role);
            signal.due_at = Time(e.due_at).set();
            signal
        }
        AnyEvent::FollowUpAttempted(e) => {
            let outcome = if e.outcome == "reached" { "reached" } else { "unreached" };
            let mut signal =
                new::<calls::FollowUpAttempted>(&e.rule, cycle, at).holder(&e.by).outcome(outcome);
            signal.attempts = Some(e.attempt);
            signal
        }
        AnyEvent::FollowUpRecorded(e) => new::<calls::FollowUpRecorded>(&e.rule, cycle, at).holder(&e.by),
        AnyEvent::FollowUpCompleted(e) => {
            let outcome = match e.outcome.as_str() {
                "content" => "happy",
                "unhappy" => "unhappy",
                "not_reached" => "given_up",
                _ => "",
            };
            let mut signal = new::<calls::FollowUpCompleted>("", cycle, at).outcome(outcome);
            signal.round.clone_from(&e.rules);
            signal
        }
        AnyEvent::SurveyAnswered(e) => {
            let outcome = if e.unhappy { "unhappy" } else { "happy" };
            let mut signal = new::<calls::SurveyAnswered>(&e.rule, cycle, at).outcome(outcome);
            signal.facts = organisation::facts::from_proto(&e.answers);
            signal
        }
        _ => return None,
    })
}

impl Signal {
    fn moving(mut self, moves: Move) -> Signal {
        self.moves = moves;
        self
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
