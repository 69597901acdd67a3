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

mod services;

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

#[test]
fn a_sound_system_has_no_findings_however_often_the_stream_repeats() {
    let mut world = World::default();
    world.life(1).life(2);
    let audit = world.audit_with(|entry| vec![entry.clone(), entry.clone()]);
    assert_eq!(found(&audit), []);
    assert_eq!(report::verdict(&audit.findings), "lost 0, doubled 0");
    assert_eq!((audit.entries, audit.messages), (14, 28));
}

#[test]
fn an_entry_that_never_came_is_lost() {
    let mut world = World::default();
    world.life(1);
    let audit = world.audit_with(|entry| if entry.at.seq == 2 { Vec::new() } else { vec![entry.clone()] });
    assert_eq!(found(&audit), [(Class::Lost, "not-in-stream", 3)], "the second of three journals");
    assert!(audit.findings.examples().iter().any(|finding| finding.place == "intake/3/2"));
}

#[test]
fn what_a_stream_dropped_by_age_is_not_lost_and_what_follows_is() {
    let mut world = World::default();
    (1..5).for_each(|number| {
        world.open(number, &[]);
    });
    let mut audit = Audit::default();
    world.entries.iter().for_each(|entry| audit.entry(entry));
    for entry in [&world.entries[1], &world.entries[3]] {
        send(&mut audit, entry);
    }
    assert_eq!(audit.missing(), 2);
    audit.settle_stream(true);
    assert_eq!(found(&audit), [(Class::Lost, "not-in-stream", 1)]);
}

#[test]
fn a_message_that_tells_it_differently_is_lost() {
    let mut world = World::default();
    world.open(1, &[]);
    let other = |entry: &Entry| vec![Entry { payload: vec![], ..entry.clone() }];
    assert_eq!(found(&world.audit_with(other)), [(Class::Lost, "other-content", 1)]);
    let actor = |entry: &Entry| vec![entry.clone(), Entry { actor: "person:X".into(), ..entry.clone() }];
    assert_eq!(found(&world.audit_with(actor)), [(Class::Lost, "other-content", 1)]);
}

#[test]
fn a_stream_beyond_its_journal_means_a_journal_that_lost() {
    let mut world = World::default();
    world.open(1, &[]).open(2, &[]);
    let ghost = world.entries.pop().unwrap();
    let known = world.entries[0].clone();
    world.heads.insert(Service::Intake, Head { epoch: 1, seq: 1, hash: known.hash });
    let audit = world.audit_with(|entry| vec![entry.clone(), ghost.clone()]);
    assert_eq!(found(&audit), [(Class::Lost, "said-but-not-on-record", 1)]);
}

#[test]
fn a_journal_with_a_gap_or_a_changed_entry_is_lost() {
    let mut world = World::default();
    world.open(1, &[]).open(2, &[]).open(3, &[]);
    let mut gap = World { heads: world.heads.clone(), entries: world.entries.clone() };
    gap.entries.remove(1);
    assert_eq!(gap.found(), [(Class::Lost, "journal-gap", 1)]);
    let mut changed = World { heads: world.heads.clone(), entries: world.entries.clone() };
    changed.entries[1].actor = "person:SOMEBODY".into();
    assert_eq!(changed.found(), [(Class::Lost, "hash-chain-broken", 1)]);
    world.entries.pop();
    assert_eq!(world.found(), [(Class::Lost, "journal-tail", 1)]);
}

#[test]
fn the_same_number_twice_is_doubled() {
    let mut world = World::default();
    world.open(1, &[]);
    world.entries.push(world.entries[0].clone());
    assert!(world.audit().findings.of("journal-number-twice") == 1);
}

#[test]
fn one_request_that_opens_two_tickets_is_doubled() {
    let mut world = World::default();
    world.open(1, &[]);
    let twice = intake::TicketOpened { ticket: ticket(2, 1), ..Default::default() };
    world.say(Service::Intake, "request:open-1", "person:AGENT", twice.clone());
    assert_eq!(world.found(), [(Class::Doubled, "request-opened-two-tickets", 1)]);
    let mut others = World::default();
    others.open(1, &[]);
    others.say(Service::Intake, "request:open-1", "person:OTHER", twice);
    assert_eq!(others.found(), [], "request ids are the caller's own");
}

#[test]
fn an_input_that_takes_effect_again_later_is_doubled() {
    let mut world = World::default();
    world.clock("event:intake/3/1.1", 1).clock("event:intake/3/1.1", 2).clock("event:intake/3/1.2", 3);
    world.clock("event:intake/3/1.1", 4).open(1, &[]).open(2, &[]).open(3, &[]).open(4, &[]);
    assert_eq!(world.found(), [(Class::Doubled, "event-applied-twice", 1)]);
    let mut timers = World::default();
    timers.open(1, &[]).clock("timer:due:x", 1).clock("timer:due:y", 1).clock("timer:due:x", 1);
    assert_eq!(timers.found(), [], "a timer fires again under its name");
}

#[test]
fn breaches_and_rungs_come_once_and_in_order() {
    let breach = |instance: &str| watchdog::ClockBreached {
        ticket: ticket(1, 1),
        clock: "c".into(),
        instance: instance.into(),
        ..Default::default()
    };
    let rung = |rung| watchdog::EscalationRaised {
        ticket: ticket(1, 1),
        clock: "c".into(),
        rung,
        ..Default::default()
    };
    let mut world = World::default();
    let watchdog = Service::SlaWatchdog;
    world.open(1, &[]);
    world.service(watchdog, "timer:a", breach("1")).service(watchdog, "timer:a", breach("2"));
    world.service(watchdog, "timer:a", rung(1)).service(watchdog, "timer:a", rung(2));
    assert_eq!(world.found(), []);
    world.service(watchdog, "timer:a", breach("1")).service(watchdog, "timer:a", rung(2)).service(
        watchdog,
        "timer:a",
        rung(1),
    );
    assert_eq!(
        world.found(),
        [
            (Class::Doubled, "clock-breached-twice", 1),
            (Class::Doubled, "rung-raised-twice", 1),
            (Class::Promise, "rungs-out-of-order", 1)
        ]
    );
}

#[test]
fn a_person_is_told_once_of_each_event() {
    let told = |recipient: &str| notify::NoticeQueued {
        ticket: ticket(1, 1),
        rule: "r".into(),
        recipient: recipient.into(),
        ..Default::default()
    };
    let sent = |may_be_double| notify::NoticeSent {
        ticket: ticket(1, 1),
        notice_id: "n".into(),
        may_be_double,
        ..Default::default()
    };
    let mut world = World::default();
    let notify = Service::Notify;
    world.open(1, &[]);
    world.service(notify, "event:intake/3/1.1", told("P1")).service(notify, "event:intake/3/1.1", told("P2"));
    world.service(notify, "event:intake/3/1.2", told("P1"));
    world.service(notify, "request:1", sent(false)).service(notify, "request:2", sent(true));
    assert_eq!(world.found(), []);
    world.service(notify, "event:intake/3/1.3", told("P1")).service(notify, "event:intake/3/1.3", told("P1"));
    world.service(notify, "request:3", sent(false));
    assert_eq!(
        world.found(),
        [(Class::Doubled, "notice-queued-twice", 1), (Class::Doubled, "notice-sent-twice", 1)]
    );
}

#[test]
fn closing_without_evidence_breaks_p4() {
    let mut world = World::default();
    world.open(1, &[]).done("request:d", 1, &["answered", "told"]);
    world.service(
        Service::Intake,
        "event:dispatch/3/1.1",
        intake::TicketClosed { ticket: ticket(1, 1), ..Default::default() },
    );
    let audit = world.audit();
    assert_eq!(found(&audit), [(Class::Promise, "closed-without-evidence", 1)]);
    assert!(audit.findings.examples()[0].text.contains("resolved"), "{:?}", audit.findings.examples());
}

#[test]
fn deciding_ones_own_request_breaks_p5() {
    let asked = |id: &str| dispatch::ApprovalAsked {
        ticket: ticket(1, 1),
        approval_id: id.into(),
        requester: "P7".into(),
        ..Default::default()
    };
    let decided = |id: &str, by: &str| dispatch::ApprovalDecided {
        ticket: ticket(1, 1),
        approval_id: id.into(),
        by: by.into(),
        ..Default::default()
    };
    let mut world = World::default();
    let dispatch = Service::Dispatch;
    world.open(1, &[]).service(dispatch, "request:1", asked("a")).service(
        dispatch,
        "request:2",
        decided("a", "P8"),
    );
    assert_eq!(world.found(), []);
    world.service(dispatch, "request:3", asked("b")).service(dispatch, "request:4", decided("b", "P7"));
    world.service(dispatch, "request:5", decided("a", "P9"));
    assert_eq!(
        world.found(),
        [(Class::Doubled, "approval-decided-twice", 1), (Class::Promise, "own-request-decided", 1)]
    );
}

#[test]
fn a_barred_person_who_acts_or_is_given_it_breaks_p5() {
    let assigned =
        |to: &str| dispatch::WorkAssigned { ticket: ticket(1, 1), assignee: to.into(), ..Default::default() };
    let mut world = World::default();
    let dispatch = Service::Dispatch;
    world.open(1, &["P1"]).service(dispatch, "event:intake/3/1.1", assigned("P2"));
    assert_eq!(world.found(), []);
    world.service(dispatch, "request:1", assigned("P1")).done("request:2", 1, &[]);
    assert_eq!(
        world.found(),
        [(Class::Promise, "barred-person-acted", 1), (Class::Promise, "barred-person-given-it", 1)]
    );
}

#[test]
fn a_later_bar_is_not_held_against_who_acted_before_it_was_heard() {
    let later =
        intake::TicketReclassified { ticket: ticket(1, 1), barred: vec!["P1".into()], ..Default::default() };
    let withdrawn = dispatch::WorkWithdrawn { ticket: ticket(1, 1), from: "P1".into(), ..Default::default() };
    let mut world = World::default();
    world.open(1, &[]).say(Service::Intake, "request:bar", "person:AGENT", later);
    world.done("request:1", 1, &[]);
    assert_eq!(world.found(), []);
    world.service(Service::Dispatch, "event:intake/3/1.2", withdrawn).done("request:2", 1, &[]);
    assert_eq!(world.found(), [(Class::Promise, "barred-person-acted", 1)]);
}

#[test]
fn a_case_that_only_others_know_was_lost_by_intake() {
    let mut world = World::default();
    world.clock("timer:x", 1);
    assert_eq!(world.found(), [(Class::Lost, "case-never-opened", 1)]);
}
