//! A desk that makes things happen to one case.

use std::cell::{Cell, RefCell};

use chassis_core::rehearsal::Rehearsal;
use organisation::{Snapshot, facts};
use playbook::{Facts, Value};
use proto::{
    Bucket, Event, Id, Time,
    common::v1::{PlaybookRef, TicketRef},
    dispatch::v1 as work,
    follow_up::v1 as call,
    intake::v1 as intake,
};
use sla_watchdog_core::{Case, Ledger, Watchdog};

// Tests of other crates read this file from their own folders: the paths count from here.
#[path = "group.rs"]
mod group;
#[path = "line.rs"]
mod line;

pub use group::{at, group};
pub use line::line;

/// One case and everybody who does something to it.
pub struct Desk {
    /// In cells, so that one sentence can move time and ask for the next event.
    pub rehearsal: RefCell<Rehearsal<Watchdog>>,
    pub cycle: Cell<u32>,
    pub ticket: Id,
    pub branch: &'static str,
}

impl Desk {
    pub fn with(clocks: &str) -> Desk {
        Desk::of(group(clocks))
    }

    /// Where cases close without waiting for their call-backs.
    pub fn impatient(clocks: &str) -> Desk {
        Desk::of(group::impatient(clocks))
    }

    fn of(group: Snapshot) -> Desk {
        Desk {
            rehearsal: RefCell::new(Rehearsal::new(group, at(1, 0, 0))),
            cycle: Cell::new(1),
            ticket: Id::mint(at(1, 0, 0), Bucket::of_hash(7), [1; 9]),
            branch: "B1",
        }
    }

    /// A second version, with these clocks, comes into force.
    pub fn activate_second(&self, clocks: &str) {
        let mut rehearsal = self.rehearsal.borrow_mut();
        rehearsal.directory = group::second_version(rehearsal.directory.clone(), clocks);
    }

    /// Time comes to `time`; what fell due on the way has fired.
    pub fn until(&self, time: Time) -> &Self {
        self.rehearsal.borrow_mut().advance(time);
        self
    }

    pub fn hear<E: Event>(&self, event: E) -> &Self {
        self.rehearsal.borrow_mut().hear(event);
        self
    }

    /// Hears late what its source recorded at `time`.
    pub fn hear_of<E: Event>(&self, time: Time, event: E) -> &Self {
        self.rehearsal.borrow_mut().hear_any(event.into(), time);
        self
    }

    pub fn case(&self) -> Case {
        self.rehearsal.borrow().get::<Case>(self.ticket).expect("the case was heard of")
    }

    pub fn clock(&self, clock: &str, instance: &str) -> Ledger {
        let case = self.case();
        let found = case.clocks.iter().find(|l| l.clock == clock && l.instance == instance).cloned();
        found.unwrap_or_else(|| panic!("no clock {clock}/{instance} among {:?}", labels(&case)))
    }

    pub fn state(&self, clock: &str, instance: &str) -> &'static str {
        self.clock(clock, instance).state().name()
    }

    /// Everything said since the last call, one line each.
    pub fn said(&self) -> Vec<String> {
        self.rehearsal.borrow_mut().take_said().iter().map(line).collect()
    }

    pub fn r#ref(&self) -> Option<TicketRef> {
        Some(TicketRef {
            ticket_id: self.ticket.to_string(),
            number: "T-1".into(),
            cycle: self.cycle.get(),
            branch: self.branch.into(),
            playbook: Some(PlaybookRef { id: "shop".into(), version: 1 }),
            case_type: "complaint".into(),
        })
    }

    pub fn opened(&self, severity: &str) -> intake::TicketOpened {
        intake::TicketOpened {
            ticket: self.r#ref(),
            category: "service".into(),
            severity: severity.into(),
            channel: "phone".into(),
            ..Default::default()
        }
    }

    pub fn reclassified(&self, severity: &str) -> intake::TicketReclassified {
        intake::TicketReclassified { ticket: self.r#ref(), severity: severity.into(), ..Default::default() }
    }

    pub fn reopened(&self) -> intake::TicketReopened {
        self.cycle.set(self.cycle.get() + 1);
        intake::TicketReopened { ticket: self.r#ref(), severity: "general".into(), ..Default::default() }
    }

    pub fn closed(&self) -> intake::TicketClosed {
        intake::TicketClosed { ticket: self.r#ref(), ..Default::default() }
    }

    pub fn waiting(&self, begun: &str, ended: &str) -> intake::TicketNoted {
        intake::TicketNoted {
            ticket: self.r#ref(),
            kind: "wait".into(),
            wait_begun: begun.into(),
            wait_ended: ended.into(),
        }
    }

    pub fn dispatched(&self, hand_off: u32) -> work::WorkDispatched {
        work::WorkDispatched { ticket: self.r#ref(), hand_off, role: "clerk".into(), ..Default::default() }
    }

    pub fn acknowledged(&self, hand_off: u32) -> work::WorkAcknowledged {
        work::WorkAcknowledged { ticket: self.r#ref(), hand_off, by: "clerk1".into(), ..Default::default() }
    }

    pub fn ready(&self, step: &str) -> work::WorkStepReady {
        work::WorkStepReady {
            ticket: self.r#ref(),
            step: step.into(),
            role: "head".into(),
            ..Default::default()
        }
    }

    /// A step is taken from somebody.
    pub fn withdrawn(&self, step: &str, from: &str, reason: &str) -> work::WorkWithdrawn {
        work::WorkWithdrawn {
            ticket: self.r#ref(),
            step: step.into(),
            from: from.into(),
            reason: reason.into(),
            ..Default::default()
        }
    }

    pub fn assigned(&self, step: &str, assignee: &str) -> work::WorkAssigned {
        work::WorkAssigned {
            ticket: self.r#ref(),
            step: step.into(),
            assignee: assignee.into(),
            ..Default::default()
        }
    }

    pub fn done(&self, step: &str) -> work::WorkStepDone {
        work::WorkStepDone {
            ticket: self.r#ref(),
            step: step.into(),
            by: "clerk1".into(),
            ..Default::default()
        }
    }

    pub fn completed(&self) -> work::WorkCompleted {
        work::WorkCompleted { ticket: self.r#ref(), ..Default::default() }
    }

    pub fn asked(&self, stage: u32, approver: &str) -> work::ApprovalAsked {
        work::ApprovalAsked {
            ticket: self.r#ref(),
            step: "propose".into(),
            stage,
            stages: 2,
            role: "gm".into(),
            requester: "clerk1".into(),
            approver: approver.into(),
            ..Default::default()
        }
    }

    pub fn decided(&self, stage: u32, decision: &str) -> work::ApprovalDecided {
        work::ApprovalDecided {
            ticket: self.r#ref(),
            step: "propose".into(),
            stage,
            decision: decision.into(),
            r#final: stage == 2,
            ..Default::default()
        }
    }

    pub fn scheduled(&self, follow_up: &str) -> call::FollowUpScheduled {
        call::FollowUpScheduled {
            ticket: self.r#ref(),
            follow_up_id: follow_up.into(),
            rule: "content".into(),
            role: "desk".into(),
            ..Default::default()
        }
    }

    pub fn recorded(&self, follow_up: &str) -> call::FollowUpRecorded {
        call::FollowUpRecorded {
            ticket: self.r#ref(),
            follow_up_id: follow_up.into(),
            rule: "content".into(),
            ..Default::default()
        }
    }
}

/// The seal of a round with these call-backs.
pub fn sealed(desk: &Desk, rules: &[&str]) -> call::FollowUpCompleted {
    let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
    call::FollowUpCompleted { ticket: desk.r#ref(), outcome: "content".into(), rules, ..Default::default() }
}

/// The customer's visit, as facts of an event.
pub fn visit_at(time: Time) -> Vec<proto::common::v1::Fact> {
    facts::to_proto(&Facts::new().with("visit_from", Value::Instant(time.0)))
}

fn labels(case: &Case) -> Vec<(String, String)> {
    case.clocks.iter().map(|ledger| (ledger.clock.clone(), ledger.instance.clone())).collect()
}
