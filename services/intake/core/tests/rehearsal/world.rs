//! A small invented organisation, a small playbook, and short words for what happens to a case.

use std::collections::BTreeMap;

use chassis_core::{Actor, Refusal, Sealed, rehearsal::Rehearsal};
use intake_core::{
    Command, Intake, Reply, Ticket,
    command::{
        AssetGiven, Close, Identified, Identify, Note, Open, Opened, Reclassified, Reclassify, Reopen,
    },
    keys,
};
use playbook::{Facts, Value};
use proto::{
    AnyEvent, Bucket, Id, Time, common::v1::TicketRef, dispatch::v1 as dispatch, follow_up::v1 as follow_up,
    sla_watchdog::v1 as watchdog,
};

pub use crate::office::{agent, importer, person};

pub const HOUR: i64 = Time::HOUR;
pub const DAY: i64 = 24 * HOUR;

pub struct World {
    pub intake: Rehearsal<Intake>,
    calls: u8,
}

pub fn sealed(text: &str) -> Sealed {
    Sealed::parse(&format!("s1.{text}")).expect("begins as the vault writes")
}

pub fn at(text: &str) -> Time {
    text.parse::<jiff::Timestamp>().expect("an instant").into()
}

/// 2 March 2026, 10:00 in Shanghai.
pub fn start() -> Time {
    at("2026-03-02T02:00:00Z")
}

/// An open call: what the form says, with everything required.
pub fn complaint(customer: &Identified) -> Open {
    Open {
        customer: Some(customer.customer),
        asset: customer.asset,
        playbook: "test".into(),
        case_type: "complaint".into(),
        branch: "B1".into(),
        channel: "phone".into(),
        facts: Facts::new().with("category", Value::code("repair")),
        personal: BTreeMap::from([
            ("customer_name".into(), sealed("name")),
            ("plate".into(), sealed("plate")),
        ]),
        about_persons: Vec::new(),
        tokens: vec!["t-plate".into()],
        occurred_at: None,
    }
}

impl World {
    pub fn new() -> World {
        World { intake: Rehearsal::new(crate::office::organisation(), start()), calls: 0 }
    }

    pub fn wait(&mut self, micros: i64) {
        self.intake.advance(self.intake.now().plus(micros));
    }

    pub fn command(&mut self, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        self.intake.command(actor, command.home(), &command)
    }

    /// The words that an agent's console would send for this caller.
    pub fn caller(&mut self, phone: &str, plate: Option<&str>) -> Identify {
        self.calls += 1;
        let home = keys::phone_book(phone);
        let owner = self.intake.get::<intake_core::PhoneBook>(home).map_or_else(
            || Id::mint(self.intake.now(), home.bucket(), [self.calls; 9]),
            |book| book.customer,
        );
        Identify {
            phone_token: phone.into(),
            owner,
            phone: sealed(phone),
            name: Some(sealed("name")),
            tokens: vec![format!("t-{phone}")],
            asset: plate.map(|plate| AssetGiven {
                plate_token: Some(plate.into()),
                plate: Some(sealed(plate)),
                ..Default::default()
            }),
        }
    }

    pub fn send_identify(&mut self, command: Identify) -> Identified {
        match self.command(&agent(), Command::Identify(Box::new(command))) {
            Ok(Reply::Identified(identified)) => identified,
            other => panic!("identified, not {other:?}"),
        }
    }

    pub fn identify(&mut self, phone: &str, plate: Option<&str>) -> Identified {
        let command = self.caller(phone, plate);
        self.send_identify(command)
    }

    pub fn try_open(&mut self, actor: &Actor, open: Open) -> Result<Opened, Refusal> {
        self.command(actor, Command::Open(Box::new(open))).map(|reply| match reply {
            Reply::Opened(opened) => opened,
            other => panic!("opened, not {other:?}"),
        })
    }

    pub fn open(&mut self, open: Open) -> Opened {
        self.try_open(&agent(), open).expect("it is opened")
    }

    /// A complaint of a fresh caller about his car.
    pub fn case(&mut self, phone: &str, plate: &str) -> Opened {
        let customer = self.identify(phone, Some(plate));
        self.open(complaint(&customer))
    }

    pub fn ticket(&self, id: Id) -> Ticket {
        self.intake.get(id).expect("the ticket is there")
    }

    pub fn note(&mut self, actor: &Actor, note: Note) -> Result<(), Refusal> {
        self.command(actor, Command::Note(note)).map(|_| ())
    }

    pub fn reclassify(&mut self, actor: &Actor, command: Reclassify) -> Result<Reclassified, Refusal> {
        self.command(actor, Command::Reclassify(command)).map(|reply| match reply {
            Reply::Reclassified(judged) => judged,
            other => panic!("reclassified, not {other:?}"),
        })
    }

    pub fn close(&mut self, actor: &Actor, ticket: Id) -> Result<(), Refusal> {
        self.command(actor, Command::Close(Close { ticket, outcome: "settled".into() })).map(|_| ())
    }

    pub fn reopen(&mut self, actor: &Actor, ticket: Id) -> Result<u32, Refusal> {
        self.command(actor, Command::Reopen(Reopen { ticket, reason: "came_back".into() })).map(|reply| {
            match reply {
                Reply::Reopened { cycle } => cycle,
                other => panic!("reopened, not {other:?}"),
            }
        })
    }

    pub fn step_done(&mut self, ticket: Id, step: &str, marks: &[&str], facts: Facts) {
        let reference = self.ticket(ticket).reference();
        self.step_done_of(reference, step, marks, facts);
    }

    pub fn step_done_of(&mut self, ticket: TicketRef, step: &str, marks: &[&str], facts: Facts) {
        self.intake.hear(dispatch::WorkStepDone {
            ticket: Some(ticket),
            step: step.into(),
            by: "P-CR1".into(),
            facts: organisation::facts::to_proto(&facts),
            marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
            ..Default::default()
        });
    }

    /// A step finds out who is responsible, and bars them.
    pub fn step_bars(&mut self, ticket: Id, persons: &[&str]) {
        let reference = self.ticket(ticket).reference();
        self.step_bars_of(reference, persons);
    }

    pub fn step_bars_of(&mut self, ticket: TicketRef, persons: &[&str]) {
        self.intake.hear(dispatch::WorkStepDone {
            ticket: Some(ticket),
            step: "judge".into(),
            barred: persons.iter().map(|person| (*person).to_owned()).collect(),
            ..Default::default()
        });
    }

    pub fn work_completed(&mut self, ticket: Id) {
        let reference = self.ticket(ticket).reference();
        self.work_completed_of(reference);
    }

    pub fn work_completed_of(&mut self, ticket: TicketRef) {
        self.intake.hear(dispatch::WorkCompleted { ticket: Some(ticket), ..Default::default() });
    }

    pub fn follow_up_completed(&mut self, ticket: Id, outcome: &str, consequence: &str) {
        let reference = self.ticket(ticket).reference();
        self.follow_up_completed_of(reference, outcome, consequence);
    }

    pub fn follow_up_completed_of(&mut self, ticket: TicketRef, outcome: &str, consequence: &str) {
        self.intake.hear(follow_up::FollowUpCompleted {
            ticket: Some(ticket),
            outcome: outcome.into(),
            consequence: consequence.into(),
            ..Default::default()
        });
    }

    pub fn escalated(&mut self, ticket: Id, rung: u32, action: &str) {
        let reference = self.ticket(ticket).reference();
        self.intake.hear(watchdog::EscalationRaised {
            ticket: Some(reference),
            clock: "overall".into(),
            rung,
            action: action.into(),
            ..Default::default()
        });
    }

    /// Answered, told and resolved by the branch, and dispatch's seal.
    pub fn work(&mut self, ticket: Id) {
        self.step_done(ticket, "tell", &["answered", "told"], Facts::new());
        self.step_done(ticket, "carry_out", &["resolved"], Facts::new());
        self.work_completed(ticket);
    }

    /// The names of everything said since the last look.
    pub fn said(&mut self) -> Vec<String> {
        self.intake.take_said().iter().map(name).collect()
    }

    /// The ids of another shard than this one, for callers elsewhere.
    pub fn phone_elsewhere(than: Bucket) -> String {
        (0..)
            .map(|n| format!("1390000{n:04}"))
            .find(|phone| keys::phone_book(phone).shard() != than.shard())
            .expect("phones spread")
    }
}

fn name(event: &AnyEvent) -> String {
    match event {
        AnyEvent::TicketOpened(_) => "opened",
        AnyEvent::TicketReclassified(_) => "reclassified",
        AnyEvent::TicketLinked(_) => "linked",
        AnyEvent::TicketNoted(_) => "noted",
        AnyEvent::TicketClosed(_) => "closed",
        AnyEvent::TicketReopened(_) => "reopened",
        AnyEvent::AssetComplained(_) => "asset complained",
        AnyEvent::AssetAnswered(_) => "asset answered",
        AnyEvent::AssetRepeatFound(_) => "asset repeat found",
        other => panic!("intake does not say {other:?}"),
    }
    .to_owned()
}

/// The gate of a refusal.
pub fn gate<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.expect_err("it is refused").gate
}

/// The fields that a refusal names.
pub fn fields<T: std::fmt::Debug>(result: Result<T, Refusal>) -> Vec<String> {
    let mut fields: Vec<String> =
        result.expect_err("it is refused").violations.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}
