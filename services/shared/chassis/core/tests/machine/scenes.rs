//! Single scenes, for what a random world meets too seldom.

use std::{sync::Arc, time::Duration};

use chassis_core::{
    Action, Actor, Ask, Core, Entry, Happening, Incoming, Limits, Machine,
    memory::{CommitError, Memory},
    store::{Batch, RequestKey, Source},
};
use proto::{
    AnyEvent, Bucket, Event, Id, Service, Shard, Time,
    common::v1::TicketRef,
    directory::v1::TimeMoved,
    intake::v1::{TicketLinked, TicketNoted},
};

use crate::{
    toys::{Add, Counter, Image, Mirror, Till, ledger_id},
    world::directory_entry,
};

pub const START: Time = Time(1_000_000 * Time::SECOND);

#[test]
fn who_has_something_to_do_says_what_and_time_begins_where_it_was_founded() {
    let founded = Time(START.0 - 24 * Time::HOUR);
    let mut store = Memory::new::<Till>(START, 100);
    let limits = Limits { founded_at: Some(founded), ..Limits::default() };
    let mut machine: Machine<Till> = begin(&mut store, limits);
    let now = Duration::from_secs(1);
    assert_eq!(machine.business_now(now), founded, "nothing was said yet");
    settle(&mut machine, &mut store, Happening::Tick, now);
    let rest = machine.rest(now);
    assert_eq!((rest.busy, rest.business_now, rest.next_due), (None, founded, None));
    let source = machine.cursors().next().map(|(source, _)| *source).expect("it hears somebody");
    machine.on(Happening::Announced { source, epoch: 1, seq: 3 }, now);
    assert_eq!(machine.rest(now).busy, Some("events"), "three entries are somewhere on their way");
}

pub fn home() -> Shard {
    Shard::all().next().expect("there are shards")
}

pub fn counter() -> Id {
    Id::of_hash([1; 16], Bucket::first_of(home()))
}

/// Carries out all that the machine wants; keeps what is not for the store.
pub fn settle<C: Core>(
    machine: &mut Machine<C>,
    store: &mut Memory,
    first: Happening<C>,
    now: Duration,
) -> Vec<Action> {
    let mut left = Vec::new();
    let mut actions: std::collections::VecDeque<Action> = machine.on(first, now).into();
    while let Some(action) = actions.pop_front() {
        let answer = match action {
            Action::Load(plan) => Happening::Loaded(store.load(&plan)),
            Action::Commit(batch) => {
                Happening::Committed { database_now: store.commit(&batch).expect("sound") }
            }
            Action::Beat => Happening::Beaten { database_now: store.beat() },
            Action::LoadTimers => Happening::Timers(store.timers(&[home()])),
            other => {
                left.push(other);
                continue;
            }
        };
        actions.extend(machine.on(answer, now));
    }
    left
}

/// Carries out what is wanted of the store; what the machine says then, or `None` if nothing is.
fn carried<C: Core>(
    machine: &mut Machine<C>,
    store: &mut Memory,
    actions: &[Action],
    now: Duration,
) -> Option<Vec<Action>> {
    let answer = actions.iter().find_map(|action| match action {
        Action::Load(plan) => Some(Happening::Loaded(store.load(plan))),
        Action::Commit(batch) => {
            Some(Happening::Committed { database_now: store.commit(batch).expect("sound") })
        }
        Action::Beat => Some(Happening::Beaten { database_now: store.beat() }),
        _ => None,
    })?;
    Some(machine.on(answer, now))
}

pub fn begin<C: Core>(store: &mut Memory, limits: Limits) -> Machine<C> {
    let found = store.find(&[home()]);
    Machine::new(limits, found, Duration::from_secs(1)).expect("the directory folds")
}

pub fn add(number: u8) -> Happening<Till> {
    let id = Id::mint(START, counter().bucket(), [number; 9]);
    let actor = Actor::System { code: "t".to_owned(), grants: Vec::new() };
    let request = RequestKey { caller: actor.code(), id };
    Happening::Command {
        token: number.into(),
        home: home(),
        ask: Arc::new(Ask { request, content: [0; 16], actor, traceparent: String::new() }),
        command: Arc::new(Add { counter: counter(), amount: 1, visit: None, ring: None }),
    }
}

/// Entries as the till would say them.
fn said<E: Event>(seq: u64, directory_seq: u64) -> Happening<Mirror> {
    let shard = home();
    let entry = Entry {
        at: proto::envelope::Position { service: Service::Intake, shard, epoch: 1, seq },
        hash: [0; 32],
        kind: E::TYPE.into(),
        payload: TicketNoted { ticket: Some(Default::default()), ..Default::default() }.encode(),
        about: chassis_core::About::ticket(counter(), "A1"),
        actor: "person:T1".to_owned(),
        cause: "operator".to_owned(),
        hops: 0,
        directory_seq,
        recorded_at: START.plus(seq as i64),
        to: None,
        traceparent: String::new(),
    };
    let source = Source { service: Service::Intake, from: shard, to: shard, peer: false };
    // Made up, so it chains on nothing and tells no hash.
    let entry = Incoming { hash: Vec::new(), ..Incoming::of(&entry, seq) };
    Happening::Heard { source, entry }
}

/// A note of this amount.
pub fn note(seq: u64, amount: i64) -> Happening<Mirror> {
    let Happening::Heard { source, mut entry } = said::<TicketNoted>(seq, 0) else { panic!("heard") };
    let ticket = Some(TicketRef { cycle: amount as u32, ..TicketRef::default() });
    entry.payload = TicketNoted { ticket, ..TicketNoted::default() }.encode();
    Happening::Heard { source, entry }
}

trait Encode {
    fn encode(&self) -> Vec<u8>;
}

impl<E: Event> Encode for E {
    fn encode(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

#[test]
fn a_promise_not_to_stamp_below_a_moment_outlives_its_writer() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    let moved = TimeMoved { mode: "manual".to_owned(), business_at: START.0, ..TimeMoved::default() };
    let mut entry = directory_entry(1, START);
    (entry.kind, entry.payload) = (TimeMoved::TYPE.into(), moved.encode());
    settle(&mut machine, &mut store, Happening::DirectoryHeard { entry }, Duration::from_secs(1));
    let asked = Happening::AskedPassed { token: 1, until: START };
    let actions = settle(&mut machine, &mut store, asked, Duration::from_secs(2));
    assert!(matches!(&actions[..], [Action::AnswerPassed { token: 1, .. }]), "{actions:?}");

    let mut next = begin::<Till>(&mut store, Limits::default());
    settle(&mut next, &mut store, add(1), Duration::from_secs(3));
    let entry = store.journal(home(), 0).next().expect("the command was accepted");
    assert!(entry.recorded_at > START, "manual time stands still, stamps do not");
}

#[test]
fn events_without_effects_are_read_at_one_go() {
    let mut store = Memory::new::<Mirror>(START, 100);
    let limits = Limits { events: 8, ..Limits::default() };
    let mut machine = begin::<Mirror>(&mut store, limits);
    // The first comes last: all the others wait for it.
    for seq in (1..=300).rev() {
        settle(&mut machine, &mut store, said::<TicketLinked>(seq, 0), Duration::from_secs(1));
    }
    let reached = machine.committed_cursors().next().expect("it hears the till").1.seq;
    assert_eq!(reached, 300, "and whoever waits to read his own write waits no longer than that");
}

#[test]
fn a_full_source_that_waits_for_the_directory_does_not_keep_it_out() {
    let mut store = Memory::new::<Mirror>(START, 100);
    let limits = Limits { waiting_events: 10, ..Limits::default() };
    let mut machine = begin::<Mirror>(&mut store, limits);
    for seq in 1..=20 {
        settle(&mut machine, &mut store, said::<TicketNoted>(seq, 1), Duration::from_secs(1));
    }
    assert_eq!(
        store.body(chassis_core::RowKey::of::<Image>(counter())),
        None,
        "no case before its rule book"
    );
    assert!(machine.has_room_for_events(), "the directory may come by the same way");
    let heard = Happening::DirectoryHeard { entry: directory_entry(1, START) };
    settle(&mut machine, &mut store, heard, Duration::from_secs(1));
    let body = store.body(chassis_core::RowKey::of::<Image>(counter())).expect("heard now");
    assert_eq!(rmp_serde::from_slice::<Image>(&body).expect("an image").heard.len(), 20);
}

#[test]
fn an_unknown_event_stops_its_own_source_with_an_alarm() {
    let mut store = Memory::new::<Mirror>(START, 100);
    let mut machine = begin::<Mirror>(&mut store, Limits { waiting_events: 10, ..Limits::default() });
    let Happening::Heard { source, mut entry } = said::<TicketNoted>(1, 0) else { panic!("heard") };
    entry.kind = "hotline.intake.v9.Unheard".into();
    let unknown = Happening::Heard { source, entry };
    let actions = settle(&mut machine, &mut store, unknown, Duration::from_secs(1));
    assert!(matches!(&actions[..], [Action::Alarm(why)] if why.contains("upgrade readers before writers")));
    for seq in 2..=40 {
        settle(&mut machine, &mut store, said::<TicketNoted>(seq, 0), Duration::from_secs(1));
    }
    assert!(machine.has_room_for_events(), "the others are read on");
    assert_eq!(machine.committed_cursors().next().expect("it hears the till").1.seq, 0);
}

#[test]
fn overload_is_refused_with_a_delay_and_a_foreign_shard_names_itself() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits { waiting_commands: 1, ..Limits::default() });
    let _loading = machine.on(add(1), Duration::from_secs(1));
    machine.on(add(2), Duration::from_secs(1));
    let actions = machine.on(add(3), Duration::from_secs(1));
    let [Action::Answer { token: 3, outcome: Err(refusal) }] = &actions[..] else { panic!("{actions:?}") };
    assert!(refusal.retry_after_ms.is_some());

    let mut machine = begin::<Till>(&mut store, Limits::default());
    let Happening::Command { token, ask, command, .. } = add(4) else { panic!("a command") };
    let foreign = Shard::all().last().expect("there are shards");
    let elsewhere = Happening::Command { token, home: foreign, ask, command };
    let actions = settle(&mut machine, &mut store, elsewhere, Duration::from_secs(1));
    assert!(
        matches!(&actions[..], [Action::Answer { outcome: Err(refusal), .. }] if refusal.gate == "no-owner")
    );
}

#[test]
fn nobody_joins_a_crowd_that_does_not_move() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits { commands: 4, ..Limits::default() });
    let at = |ms: u64| Duration::from_secs(1) + Duration::from_millis(ms);
    let is_refused = |actions: Vec<Action>| match &actions[..] {
        [Action::Answer { outcome: Err(refusal), .. }] => refusal.retry_after_ms,
        _ => None,
    };
    let mut under_way = machine.on(add(0), at(0));
    for token in 1..=31 {
        assert_eq!(is_refused(machine.on(add(token), at(1))), None, "a few may wait: {token}");
    }
    assert_eq!(is_refused(machine.on(add(32), at(500))), None, "however slow it is");
    assert!(is_refused(machine.on(add(33), at(500))).is_some_and(|after| after >= 100), "but no crowd");
    let mut now = 500;
    while machine.waiting_commands() > 0 {
        now += 10;
        under_way = carried(&mut machine, &mut store, &under_way, at(now)).expect("something is under way");
    }
    assert_eq!(is_refused(machine.on(add(34), at(now))), None, "the crowd is gone");
}

#[test]
fn a_heap_is_measured_by_what_commands_took_lately() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits { commands: 1, ..Limits::default() });
    // Each takes 100 ms.
    for token in 0..3 {
        let at = Duration::from_secs(1 + u64::from(token));
        let later = at + Duration::from_millis(100);
        let mut actions = machine.on(add(token), at);
        while let Some(next) = carried(&mut machine, &mut store, &actions, later) {
            actions = next;
        }
    }
    let at = Duration::from_secs(9);
    let answers = (10..110).map(|token| machine.on(add(token), at));
    let refused: Vec<Option<u32>> = answers
        .filter_map(|actions| match &actions[..] {
            [Action::Answer { outcome: Err(refusal), .. }] => Some(refusal.retry_after_ms),
            _ => None,
        })
        .collect();
    assert_eq!(refused.len(), 100 - 1 - 32, "one is under way, a few wait");
    assert!(
        refused.iter().all(|after| after.is_some_and(|after| (3_000..=5_000).contains(&after))),
        "{refused:?}"
    );
}

#[test]
fn nothing_is_answered_before_a_round_trip() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    let Happening::Command { token, home, ask, command } = add(1) else { panic!("a command") };
    let refused = Arc::new(Add { amount: -1, ..(*command).clone() });
    let asked = Happening::Command { token, home, ask, command: refused };
    let [Action::Load(plan)] = &machine.on(asked, Duration::from_secs(1))[..] else { panic!("a load") };
    let actions = machine.on(Happening::Loaded(store.load(plan)), Duration::from_secs(1));
    assert!(matches!(&actions[..], [Action::Beat]), "a refusal waits for the session too: {actions:?}");
    let database_now = store.beat();
    let actions = machine.on(Happening::Beaten { database_now }, Duration::from_secs(1));
    assert!(matches!(&actions[..], [Action::Answer { outcome: Err(_), .. }]), "{actions:?}");
    store.set_clock(START);
}

#[test]
fn the_store_writes_a_batch_whole_or_not_at_all() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    settle(&mut machine, &mut store, add(1), Duration::from_secs(1));
    let head = store.head(home());
    let body = store.body(chassis_core::RowKey::of::<Counter>(counter()));
    let mut stale = begin::<Till>(&mut store, Limits::default());
    settle(&mut machine, &mut store, add(2), Duration::from_secs(1));

    // A deposed writer that wakes up.
    let [Action::Load(plan)] = &stale.on(add(3), Duration::from_secs(1))[..] else { panic!("a load") };
    let actions = stale.on(Happening::Loaded(store.load(plan)), Duration::from_secs(1));
    let actions = match &actions[..] {
        [Action::Load(plan)] => stale.on(Happening::Loaded(store.load(plan)), Duration::from_secs(1)),
        _ => actions,
    };
    let [Action::Commit(batch)] = &actions[..] else { panic!("{actions:?}") };
    let before = (store.head(home()), store.body(chassis_core::RowKey::of::<Counter>(counter())));
    assert_eq!(store.commit(batch), Err(CommitError::MovedHead { shard: home(), expected: head.seq }));
    assert_ne!(before.1, body, "the second command counted");
    assert_eq!(before, (store.head(home()), store.body(chassis_core::RowKey::of::<Counter>(counter()))));

    let mut twice = Batch { replies: batch.replies.clone(), ..Batch::default() };
    twice.replies.push(twice.replies[0].clone());
    assert!(matches!(store.commit(&twice), Err(CommitError::DoubleReply(_))));
}

#[test]
fn what_stands_in_the_journal_comes_back_as_it_was_said() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    let actions = settle(&mut machine, &mut store, add(1), Duration::from_secs(1));
    let published: Vec<Entry> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Publish(entries) => Some(entries.iter().map(|entry| (**entry).clone())),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(published, store.journal(home(), 0).collect::<Vec<_>>());
    assert!(AnyEvent::decode(&published[0].kind, &published[0].payload).is_ok());
    assert!(store.body(chassis_core::RowKey::of::<crate::toys::Ledger>(ledger_id(home()))).is_some());
}
