//! A week of cases in few words.
#![allow(dead_code)]

use chassis_core::rehearsal::Rehearsal;
use organisation::Snapshot;
use playbook::Playbook;
use proto::{
    AnyEvent, Bucket, Id, Time,
    common::v1::{Fact, PlaybookRef, TicketRef, fact::Value},
    directory::v1 as directory,
    dispatch::v1 as dispatch,
    follow_up::v1 as follow_up,
    intake::v1 as intake,
    sla_watchdog::v1 as watchdog,
};
use reporting_core::{Reporting, Row};

pub const RULES: &str = include_str!("../complaints.yaml");

pub fn playbook() -> Playbook {
    Playbook::load(&[("complaints.yaml", RULES)]).expect("the test's playbook loads")
}

/// Monday, 2 March 2026, 00:00 in Shanghai: the first instant of 2026-W10.
pub fn monday() -> Time {
    at("2026-03-01T16:00:00Z")
}

pub fn at(text: &str) -> Time {
    Time::from(text.parse::<jiff::Timestamp>().expect("an instant"))
}

pub fn hour(hours: i64) -> Time {
    monday().plus(hours * Time::HOUR)
}

pub fn directory() -> Snapshot {
    let node = |code: &str, parent: &str, level: &str, name: &str| directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        name: name.into(),
        ..Default::default()
    };
    let nodes = vec![
        node("G", "", "group", "集团"),
        node("B1", "G", "branch", "城东店"),
        node("B2", "G", "branch", "=城西店"),
    ];
    let mut snapshot = Snapshot::default();
    snapshot
        .apply(1, &AnyEvent::DirectoryChanged(directory::DirectoryChanged { nodes, ..Default::default() }))
        .unwrap();
    snapshot
}

/// One case and what is said of it.
#[derive(Clone)]
pub struct Case {
    pub id: Id,
    pub ticket: TicketRef,
}

pub fn case(number: u8, branch: &str) -> Case {
    let id = Id::mint(monday(), Bucket::of_hash(u64::from(number) * 64), [number; 9]);
    let ticket = TicketRef {
        ticket_id: id.to_string(),
        number: format!("T{number:03}"),
        cycle: 1,
        branch: branch.into(),
        playbook: Some(PlaybookRef { id: "complaints".into(), version: 3 }),
        case_type: "complaint".into(),
    };
    Case { id, ticket }
}

pub fn score(score: i64) -> Fact {
    Fact { name: "satisfied".into(), value: Some(Value::Integer(score)) }
}

impl Case {
    pub fn cycle(mut self, cycle: u32) -> Case {
        self.ticket.cycle = cycle;
        self
    }

    fn ticket(&self) -> Option<TicketRef> {
        Some(self.ticket.clone())
    }

    pub fn opened(&self, category: &str, severity: &str, at: Time) -> (AnyEvent, Time) {
        let event = intake::TicketOpened {
            ticket: self.ticket(),
            channel: "phone".into(),
            category: category.into(),
            severity: severity.into(),
            opened_at: at.0,
            barred: vec!["P9".into()],
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn reclassified(&self, severity: &str, at: Time) -> (AnyEvent, Time) {
        let event = intake::TicketReclassified {
            ticket: self.ticket(),
            category: "product".into(),
            severity: severity.into(),
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn closed(&self, at: Time) -> (AnyEvent, Time) {
        let event =
            intake::TicketClosed { ticket: self.ticket(), outcome: "resolved".into(), closed_at: at.0 };
        (event.into(), at)
    }

    pub fn reopened(&self, at: Time) -> (AnyEvent, Time) {
        let event = intake::TicketReopened {
            ticket: self.ticket(),
            category: "service".into(),
            severity: "general".into(),
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn dispatched(&self, role: &str, at: Time) -> (AnyEvent, Time) {
        (
            dispatch::WorkDispatched {
                ticket: self.ticket(),
                role: role.into(),
                hand_off: 1,
                ..Default::default()
            }
            .into(),
            at,
        )
    }

    pub fn acknowledged(&self, by: &str, at: Time) -> (AnyEvent, Time) {
        (
            dispatch::WorkAcknowledged {
                ticket: self.ticket(),
                by: by.into(),
                hand_off: 1,
                ..Default::default()
            }
            .into(),
            at,
        )
    }

    pub fn refused(&self, by: &str, at: Time) -> (AnyEvent, Time) {
        (
            dispatch::WorkRefused {
                ticket: self.ticket(),
                by: by.into(),
                reason: "not-ours".into(),
                ..Default::default()
            }
            .into(),
            at,
        )
    }

    pub fn ready(&self, step: &str, assignee: &str, at: Time) -> (AnyEvent, Time) {
        let event = dispatch::WorkStepReady {
            ticket: self.ticket(),
            step: step.into(),
            assignee: assignee.into(),
            role: "manager".into(),
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn done(&self, step: &str, marks: &[&str], at: Time) -> (AnyEvent, Time) {
        let marks = marks.iter().map(|m| (*m).to_owned()).collect();
        (
            dispatch::WorkStepDone { ticket: self.ticket(), step: step.into(), marks, ..Default::default() }
                .into(),
            at,
        )
    }

    /// A step bars somebody.
    pub fn barred(&self, person: &str, at: Time) -> (AnyEvent, Time) {
        let barred = vec![person.to_owned()];
        (dispatch::WorkStepDone { ticket: self.ticket(), barred, ..Default::default() }.into(), at)
    }

    pub fn completed(&self, at: Time) -> (AnyEvent, Time) {
        (dispatch::WorkCompleted { ticket: self.ticket(), ..Default::default() }.into(), at)
    }

    pub fn started(&self, due: Time, at: Time) -> (AnyEvent, Time) {
        let event = watchdog::ClockStarted {
            ticket: self.ticket(),
            clock: "feedback".into(),
            started_at: at.0,
            due_at: due.0,
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn paused(&self, paused: bool, due: Time, at: Time) -> (AnyEvent, Time) {
        let event = watchdog::ClockPaused {
            ticket: self.ticket(),
            clock: "feedback".into(),
            paused,
            due_at: due.0,
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn breached(&self, holder: &str, due: Time) -> (AnyEvent, Time) {
        self.missed("feedback", holder, due)
    }

    pub fn missed(&self, clock: &str, holder: &str, due: Time) -> (AnyEvent, Time) {
        let event = watchdog::ClockBreached {
            ticket: self.ticket(),
            clock: clock.into(),
            due_at: due.0,
            holder: holder.into(),
            ..Default::default()
        };
        (event.into(), due)
    }

    pub fn met(&self, due: Time, at: Time, late: bool, cancelled: bool) -> (AnyEvent, Time) {
        let event = watchdog::ClockMet {
            ticket: self.ticket(),
            clock: "feedback".into(),
            due_at: due.0,
            met_at: at.0,
            late,
            cancelled,
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn corrected(&self, to: &str, at: Time) -> (AnyEvent, Time) {
        let event = watchdog::ClockVerdictCorrected {
            ticket: self.ticket(),
            clock: "feedback".into(),
            to: to.into(),
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn escalated(&self, rung: u32, at: Time) -> (AnyEvent, Time) {
        (
            watchdog::EscalationRaised {
                ticket: self.ticket(),
                clock: "feedback".into(),
                rung,
                role: "manager".into(),
                ..Default::default()
            }
            .into(),
            at,
        )
    }

    pub fn surveyed(&self, answer: i64, at: Time) -> (AnyEvent, Time) {
        let event = follow_up::SurveyAnswered {
            ticket: self.ticket(),
            rule: "call".into(),
            answers: vec![score(answer)],
            unhappy: answer <= 2,
            ..Default::default()
        };
        (event.into(), at)
    }

    pub fn followed_up(&self, outcome: &str, at: Time) -> (AnyEvent, Time) {
        (
            follow_up::FollowUpCompleted {
                ticket: self.ticket(),
                outcome: outcome.into(),
                ..Default::default()
            }
            .into(),
            at,
        )
    }
}

/// Hears events in the order given.
pub fn hear(events: impl IntoIterator<Item = (AnyEvent, Time)>) -> Rehearsal<Reporting> {
    let mut core = Rehearsal::new(directory(), monday());
    for (event, at) in events {
        core.hear_any(event, at);
    }
    core
}

pub fn row_of(case: &Case, events: impl IntoIterator<Item = (AnyEvent, Time)>) -> Row {
    hear(events).get(case.id).expect("the case was heard of")
}
