//! Other services' events, reduced to what a rule can react to.

use chassis_core::Heard;
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Event, Id, Time,
    common::v1::{PlaybookRef, TicketRef},
    dispatch::v1 as work,
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

/// Something that happened to the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Signal {
    /// `work.step_done`, as playbooks name it.
    pub name: String,
    /// The step or the follow-up rule that it is about.
    pub subject: Option<String>,
    pub cycle: u32,
    /// When its source recorded it, which is when it counts.
    pub at: Time,
    /// What became known with it.
    pub facts: Facts,
    /// Persons who may take no part from here on.
    #[serde(default)]
    pub barred: Vec<String>,
    /// The fact `outcome`, which holds for this event only.
    pub outcome: Option<String>,
    /// One stage of several: the step is not settled by it.
    pub in_between: bool,
}

impl Signal {
    pub fn new<E: Event>(subject: Option<&str>, cycle: u32, at: Time) -> Signal {
        Signal {
            name: E::NAME.to_owned(),
            subject: subject.filter(|s| !s.is_empty()).map(str::to_owned),
            cycle,
            at,
            facts: Facts::new(),
            barred: Vec::new(),
            outcome: None,
            in_between: false,
        }
    }

    /// The facts of the case while this event is looked at.
    pub fn seen_with(&self, facts: &Facts) -> Facts {
        let mut facts = facts.clone();
        if let Some(outcome) = &self.outcome {
            facts.set("outcome", Value::code(outcome));
        }
        facts
    }

    #[must_use]
    pub fn with_outcome(mut self, outcome: &str) -> Signal {
        self.outcome = Some(outcome.to_owned());
        self
    }

    /// What dispatch said; `None` for every other event.
    pub fn of_work(heard: &Heard) -> Option<Signal> {
        let cycle = heard.event.ticket()?.cycle;
        let at = heard.recorded_at;
        Some(match &heard.event {
            AnyEvent::WorkDispatched(_) => Signal::new::<work::WorkDispatched>(None, cycle, at),
            AnyEvent::WorkAcknowledged(_) => Signal::new::<work::WorkAcknowledged>(None, cycle, at),
            AnyEvent::WorkRefused(_) => Signal::new::<work::WorkRefused>(None, cycle, at),
            AnyEvent::WorkWithdrawn(_) => Signal::new::<work::WorkWithdrawn>(None, cycle, at),
            AnyEvent::WorkCompleted(_) => Signal::new::<work::WorkCompleted>(None, cycle, at),
            AnyEvent::WorkAssigned(e) => Signal::new::<work::WorkAssigned>(Some(&e.step), cycle, at),
            AnyEvent::WorkStepReady(e) => Signal::new::<work::WorkStepReady>(Some(&e.step), cycle, at),
            AnyEvent::WorkStepDone(e) => {
                // Dispatch passes on the doer's word only where the playbook takes it.
                let done_at = Time(e.occurred_at).set().unwrap_or(at);
                let mut signal = Signal::new::<work::WorkStepDone>(Some(&e.step), cycle, done_at);
                signal.facts = organisation::facts::from_proto(&e.facts);
                signal.barred.clone_from(&e.barred);
                signal
            }
            AnyEvent::ApprovalAsked(e) => Signal::new::<work::ApprovalAsked>(Some(&e.step), cycle, at),
            AnyEvent::ApprovalDecided(e) => {
                let outcome = if e.decision == "approved" { "approved" } else { "refused" };
                let mut signal =
                    Signal::new::<work::ApprovalDecided>(Some(&e.step), cycle, at).with_outcome(outcome);
                signal.in_between = !e.r#final;
                signal
            }
            AnyEvent::ApprovalVerbal(e) => Signal::new::<work::ApprovalVerbal>(Some(&e.step), cycle, at),
            AnyEvent::ApprovalConfirmed(e) => {
                let outcome = if e.decision == "approved" { "approved" } else { "refused" };
                Signal::new::<work::ApprovalConfirmed>(Some(&e.step), cycle, at).with_outcome(outcome)
            }
            _ => return None,
        })
    }
}

/// The ticket that an event is about.
pub(crate) fn ticket_id(heard: &Heard) -> Option<Id> {
    heard.event.ticket()?.ticket_id.parse().ok()
}
