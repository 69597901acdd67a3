//! A shop, its people, and a case that can be told what happened.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;

use chassis_core::{Actor, Grant, Refusal, rehearsal::Rehearsal};
use follow_up_core::command::{RecordAttempt, RecordCall};
use follow_up_core::{Case, Command, Consequence, FollowUp, Known, NotReached, Reply};
use organisation::Snapshot;
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Bucket, Id, Shard, Time,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    dispatch::v1 as work,
    follow_up::v1 as said,
    intake::v1 as register,
};

/// Monday 2 March 2026, 10:00 in Shanghai.
pub const MONDAY_10: Time = Time(1_772_416_800_000_000);

const CENTRE: &str = "id: call-centre\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"09:00-18:00\"]\n";
const SHOP: &str =
    "id: shop\nversion: 1\nzone: Asia/Shanghai\nweek:\n  weekdays: [\"08:30-12:00\", \"13:00-17:30\"]\n";

pub struct House {
    pub rehearsal: Rehearsal<FollowUp>,
    pub ticket: Id,
    pub cycle: u32,
    case_type: &'static str,
    playbook: PlaybookRef,
}

fn node(code: &str, parent: &str, level: &str, calendar: &str) -> directory::Node {
    directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        calendar: calendar.into(),
        zone: "Asia/Shanghai".into(),
        ..Default::default()
    }
}

fn person(code: &str, role: &str, at: &str) -> directory::Person {
    let roles = vec![directory::Role { role: role.into(), node: at.into() }];
    directory::Person { code: code.into(), roles, ..Default::default() }
}

pub fn shop() -> Snapshot {
    shop_with("shop", 1, include_str!("playbook.yaml"))
}

/// The shop under another rule book.
pub fn shop_with(playbook: &str, version: u32, text: &str) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (seq, entry) in entries(playbook, version, text).iter().enumerate() {
        snapshot.apply(seq as u64 + 1, entry).unwrap_or_else(|problem| panic!("{problem}"));
    }
    snapshot
}

/// What the directory says of the shop.
pub fn entries(playbook: &str, version: u32, text: &str) -> Vec<AnyEvent> {
    let people = directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group", ""),
            node("B1", "G", "branch", "shop"),
            node("B2", "G", "branch", "shop"),
        ],
        persons: vec![
            person("agent", "call-centre-agent", "G"),
            person("other-agent", "call-centre-agent", "G"),
            person("cr", "cr-manager", "B1"),
            person("cr2", "cr-manager", "B2"),
            person("gm", "gm", "B1"),
            person("spec", "cr-specialist", "B1"),
        ],
        ..Default::default()
    };
    let calendar = |id: &str, source: &str| {
        AnyEvent::from(directory::CalendarActivated { id: id.into(), version: 1, source: source.into() })
    };
    let book = directory::PlaybookActivated {
        id: playbook.into(),
        version,
        files: vec![directory::DocumentFile { path: "playbook.yaml".into(), text: text.to_owned() }],
    };
    vec![people.into(), calendar("call-centre", CENTRE), calendar("shop", SHOP), book.into()]
}

pub fn agent(code: &str) -> Actor {
    holder(code, "call-centre-agent", "G")
}

pub fn holder(code: &str, role: &str, node: &str) -> Actor {
    Actor::Person { code: code.into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
}

impl House {
    /// A case that nobody has heard of yet.
    pub fn new(case_type: &'static str) -> House {
        House::under("shop", 1, shop(), case_type)
    }

    pub fn under(playbook: &str, version: u32, directory: Snapshot, case_type: &'static str) -> House {
        let bucket = Bucket::first_of(Shard::new(5).expect("there are sixteen"));
        let ticket = Id::mint(MONDAY_10, bucket, [7; 9]);
        let playbook = PlaybookRef { id: playbook.into(), version };
        House { rehearsal: Rehearsal::new(directory, MONDAY_10), ticket, cycle: 1, case_type, playbook }
    }

    /// A case just opened.
    pub fn opened(case_type: &'static str) -> House {
        let mut house = House::new(case_type);
        house.open(Facts::new(), &[]);
        house
    }

    pub fn ticket_ref(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.ticket.to_string(),
            number: "05-00001-8".into(),
            cycle: self.cycle,
            branch: "B1".into(),
            playbook: Some(self.playbook.clone()),
            case_type: self.case_type.into(),
        }
    }

    pub fn open(&mut self, facts: Facts, barred: &[&str]) {
        self.open_as(facts, barred, "general");
    }

    pub fn open_as(&mut self, facts: Facts, barred: &[&str], severity: &str) {
        self.rehearsal.hear(register::TicketOpened {
            ticket: Some(self.ticket_ref()),
            severity: severity.into(),
            channel: "phone".into(),
            barred: barred.iter().map(|b| (*b).to_owned()).collect(),
            facts: organisation::facts::to_proto(&facts),
            opened_at: self.rehearsal.now().0,
            ..Default::default()
        });
    }

    pub fn reopen(&mut self) {
        self.cycle += 1;
        self.rehearsal.hear(register::TicketReopened {
            ticket: Some(self.ticket_ref()),
            reason: "unhappy".into(),
            ..Default::default()
        });
    }

    pub fn bar(&mut self, person: &str) {
        let barred = vec![person.to_owned()];
        self.rehearsal.hear(register::TicketReclassified {
            ticket: Some(self.ticket_ref()),
            severity: "general".into(),
            barred,
            ..Default::default()
        });
    }

    pub fn close(&mut self) {
        let closed_at = self.rehearsal.now().0;
        self.rehearsal.hear(register::TicketClosed {
            ticket: Some(self.ticket_ref()),
            closed_at,
            ..Default::default()
        });
    }

    pub fn step_done(&mut self, step: &str) {
        let event =
            work::WorkStepDone { ticket: Some(self.ticket_ref()), step: step.into(), ..Default::default() };
        self.rehearsal.hear(event);
    }

    /// A step finds out who is responsible, and bars him.
    pub fn step_bars(&mut self, step: &str, person: &str) {
        self.rehearsal.hear(work::WorkStepDone {
            ticket: Some(self.ticket_ref()),
            step: step.into(),
            barred: vec![person.to_owned()],
            ..Default::default()
        });
    }

    pub fn work_completed(&mut self) {
        self.rehearsal.hear(work::WorkCompleted { ticket: Some(self.ticket_ref()), ..Default::default() });
    }

    pub fn known(&self) -> Known {
        let case: Case = self.rehearsal.get(self.ticket).expect("the case is there");
        case.known.expect("it was opened")
    }

    /// The open call of a rule.
    pub fn call_of(&self, rule: &str) -> Id {
        self.known().open().find(|c| c.rule == rule).unwrap_or_else(|| panic!("no open {rule}")).id
    }

    pub fn attempt(
        &mut self,
        actor: &Actor,
        rule: &str,
        outcome: NotReached,
    ) -> Result<Option<Time>, Refusal> {
        let call_back = self.call_of(rule);
        let ask = RecordAttempt { ticket: self.ticket, cycle: self.cycle, call_back, outcome, text: None };
        match self.rehearsal.command(actor, self.ticket.shard(), &Command::RecordAttempt(ask))? {
            Reply::Attempted { next_at } => Ok(next_at),
            other => panic!("{other:?}"),
        }
    }

    pub fn record(
        &mut self,
        actor: &Actor,
        call: Id,
        answers: &[(&str, &str)],
    ) -> Result<(bool, Consequence), Refusal> {
        let answers: BTreeMap<String, String> =
            answers.iter().map(|(q, a)| ((*q).to_owned(), (*a).to_owned())).collect();
        let ask = RecordCall { ticket: self.ticket, cycle: self.cycle, call_back: call, text: None, answers };
        match self.rehearsal.command(actor, self.ticket.shard(), &Command::RecordCall(ask))? {
            Reply::Recorded { unhappy, consequence } => Ok((unhappy, consequence)),
            other => panic!("{other:?}"),
        }
    }

    /// Names of everything said since the last look, with rule, outcome or verdict.
    pub fn said(&mut self) -> Vec<String> {
        self.rehearsal.take_said().iter().map(word).collect()
    }

    pub fn scheduled(&mut self) -> said::FollowUpScheduled {
        let found = self.rehearsal.take_said().into_iter().find_map(|event| match event {
            AnyEvent::FollowUpScheduled(event) => Some(event),
            _ => None,
        });
        found.expect("something was scheduled")
    }

    /// Moves to a moment after Monday 10:00.
    pub fn after(&mut self, hours: i64) {
        self.rehearsal.advance(MONDAY_10.plus(hours * Time::HOUR));
    }
}

fn word(event: &AnyEvent) -> String {
    match event {
        AnyEvent::FollowUpScheduled(e) => format!("scheduled {}", e.rule),
        AnyEvent::FollowUpAttempted(e) => format!("attempted {} {} #{}", e.rule, e.outcome, e.attempt),
        AnyEvent::FollowUpRecorded(e) => format!("recorded {} by {}", e.rule, e.by),
        AnyEvent::SurveyAnswered(e) => format!("answered {} unhappy={}", e.rule, e.unhappy),
        AnyEvent::FollowUpCompleted(e) => format!(
            "completed {} [{}] cycle {}",
            e.outcome,
            e.consequence,
            e.ticket.as_ref().map_or(0, |t| t.cycle)
        ),
        other => format!("{other:?}"),
    }
}

/// A window that the customer prefers, in hours after Monday 10:00.
pub fn preferring(from: i64, to: i64) -> Facts {
    let at = |hours: i64| Value::Instant(MONDAY_10.plus(hours * Time::HOUR).0);
    Facts::new().with("preferred_from", at(from)).with("preferred_to", at(to))
}
