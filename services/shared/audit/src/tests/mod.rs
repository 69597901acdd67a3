//! The audit against journals made by hand: each fault has to be found, and nothing else.

use std::collections::HashMap;

use chassis_core::{About, Entry};
use proto::{
    Bucket, Event, Id, Service, Shard, Time,
    common::v1::TicketRef,
    dispatch::v1 as dispatch,
    envelope::Position,
    follow_up::v1 as follow_up,
    intake::v1 as intake,
    notify::v1 as notify,
    sla_watchdog::v1::{self as watchdog, ClockStarted},
};

use super::{
    chain::Message,
    seen::{self, Seen},
    *,
};

mod doubled;
mod promises;
mod services;
mod stream;
mod withdrawn;

/// Journals under construction, all in one shard.
#[derive(Default)]
struct World {
    heads: HashMap<Service, Head>,
    entries: Vec<Entry>,
}

fn shard() -> Shard {
    Shard::new(3).unwrap()
}

fn id(number: u8) -> Id {
    Id::mint(Time(1_700_000_000_000_000), Bucket::first_of(shard()), [number; 9])
}

fn ticket(number: u8, cycle: u32) -> Option<TicketRef> {
    Some(TicketRef {
        ticket_id: id(number).to_string(),
        number: format!("03-0000{number}-1"),
        cycle,
        ..TicketRef::default()
    })
}

impl World {
    fn say<E: Event>(&mut self, service: Service, cause: &str, actor: &str, event: E) -> &mut Self {
        let head = self.heads.entry(service).or_insert(Head { epoch: 1, seq: 0, hash: [0; 32] });
        head.seq += 1;
        let mut entry = Entry {
            at: Position { service, shard: shard(), epoch: 1, seq: head.seq },
            hash: [0; 32],
            kind: E::TYPE.into(),
            payload: event.encode_to_vec(),
            about: About::default(),
            actor: actor.to_owned(),
            cause: cause.to_owned(),
            hops: 0,
            directory_seq: 1,
            recorded_at: Time(1_700_000_000_000_000 + i64::try_from(head.seq).unwrap()),
            to: None,
            traceparent: String::new(),
        };
        entry.hash = entry.chained(&head.hash);
        head.hash = entry.hash;
        self.entries.push(entry);
        self
    }

    fn open(&mut self, number: u8, barred: &[&str]) -> &mut Self {
        let opened = intake::TicketOpened {
            ticket: ticket(number, 1),
            barred: barred.iter().map(|person| (*person).to_owned()).collect(),
            ..Default::default()
        };
        self.say(Service::Intake, &format!("request:open-{number}"), "person:AGENT", opened)
    }

    fn service(&mut self, service: Service, cause: &str, event: impl Event) -> &mut Self {
        self.say(service, cause, &format!("service:{service}"), event)
    }

    fn clock(&mut self, cause: &str, number: u8) -> &mut Self {
        self.service(
            Service::SlaWatchdog,
            cause,
            ClockStarted { ticket: ticket(number, 1), clock: "overall".into(), ..Default::default() },
        )
    }

    fn done(&mut self, cause: &str, number: u8, marks: &[&str]) -> &mut Self {
        let marks = marks.iter().map(|mark| (*mark).to_owned()).collect();
        let done = dispatch::WorkStepDone { ticket: ticket(number, 1), marks, ..Default::default() };
        self.say(Service::Dispatch, cause, "person:P1", done)
    }

    /// A sound life: opened, worked on, told, closed.
    fn life(&mut self, number: u8) -> &mut Self {
        let dispatched = dispatch::WorkDispatched { ticket: ticket(number, 1), ..Default::default() };
        let called = follow_up::FollowUpRecorded {
            ticket: ticket(number, 1),
            marks: vec!["told".into()],
            ..Default::default()
        };
        let met =
            watchdog::ClockMet { ticket: ticket(number, 1), clock: "overall".into(), ..Default::default() };
        let closed = intake::TicketClosed { ticket: ticket(number, 1), ..Default::default() };
        let cause = |what: &str| format!("request:{what}-{number}");
        self.open(number, &[]);
        self.service(Service::Dispatch, &format!("event:intake/3/1.{number}"), dispatched);
        self.clock(&format!("event:intake/3/1.{number}"), number);
        self.done(&cause("done"), number, &["answered", "resolved"]);
        self.say(Service::FollowUp, &cause("call"), "person:AGENT", called);
        self.service(Service::SlaWatchdog, &cause("met"), met);
        self.service(Service::Intake, &cause("closed"), closed)
    }

    fn heads(&self) -> Heads {
        self.heads.iter().map(|(service, head)| ((*service, shard()), *head)).collect()
    }

    /// Reads all entries and what `heard` lets through of them as messages, then settles.
    fn audit_with(&self, heard: impl Fn(&Entry) -> Vec<Entry>) -> Audit {
        let mut audit = Audit::default();
        self.entries.iter().for_each(|entry| audit.entry(entry));
        self.entries.iter().flat_map(&heard).for_each(|entry| send(&mut audit, &entry));
        audit.settle_heads(&self.heads(), &self.heads());
        audit.settle_stream(false);
        audit.settle_cases();
        audit
    }

    fn audit(&self) -> Audit {
        self.audit_with(|entry| vec![entry.clone()])
    }

    fn found(&self) -> Vec<(Class, &'static str, u64)> {
        self.audit().findings.counts().collect()
    }
}

fn send(audit: &mut Audit, entry: &Entry) {
    audit.message(&Message {
        at: entry.at,
        kind: &entry.kind,
        payload: &entry.payload,
        subject: "",
        actor: &entry.actor,
        cause: &entry.cause,
        hops: entry.hops,
        directory_seq: entry.directory_seq,
        recorded_at: entry.recorded_at.0,
        occurred_at: 0,
        to: None,
        pair_seq: 0,
        hash: *entry.hash.first_chunk().unwrap(),
    });
}

fn found(audit: &Audit) -> Vec<(Class, &'static str, u64)> {
    audit.findings.counts().collect()
}
