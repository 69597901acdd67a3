//! Scenes about quarantine: a killer, a careful owner, a queue that is longer than a batch.

use std::{sync::Arc, time::Duration};

use chassis_core::{
    Action, Actor, Ask, Happening, Limits, Machine,
    aside::{Fault, Order, Wish},
    memory::Memory,
    store::RequestKey,
};
use proto::{Bucket, Id};
use uuid::Uuid;

use crate::{
    scenes::{START, counter, home, note, settle},
    toys::{Image, MIRROR_POISON, Mirror, mend},
};

fn begin(store: &mut Memory, process: u128) -> Machine<Mirror> {
    let mut found = store.find(&[home()]);
    found.aside = store.take(&[home()], Uuid::from_u128(process));
    Machine::new(Limits::default(), found, Duration::from_secs(1)).expect("the directory folds")
}

fn order(id: Id, wish: Wish, number: u8) -> Happening<Mirror> {
    let actor = Actor::Person { code: "T9".to_owned(), grants: Vec::new() };
    let request =
        RequestKey { caller: actor.code(), id: Id::mint(START, Bucket::first_of(home()), [number; 9]) };
    let ask = Arc::new(Ask { request, content: [0; 16], actor, traceparent: String::new() });
    Happening::Order { token: number.into(), ask, order: Order { id, wish, reason: "mended".to_owned() } }
}

fn heard(store: &Memory) -> usize {
    let body = store.body(chassis_core::RowKey::of::<Image>(counter()));
    body.map_or(0, |body| rmp_serde::from_slice::<Image>(&body).expect("an image").heard.len())
}

#[test]
fn an_owner_after_a_death_marks_what_it_tries_and_the_next_sets_the_killer_aside() {
    let mut store = Memory::new::<Mirror>(START, 100);
    begin(&mut store, 1);
    let mut careful = begin(&mut store, 2);
    let actions = careful.on(note(1, 1), Duration::from_secs(1));
    let [Action::Commit(mark)] = &actions[..] else { panic!("a mark first: {actions:?}") };
    assert!(mark.entries.is_empty() && mark.rows.is_empty());
    store.commit(mark).expect("sound");
    assert_eq!(store.trying(home()).as_deref(), Some("event:intake/0/1.1"));

    // It dies on it, and so does the next one.
    let mut third = begin(&mut store, 3);
    let actions = third.on(note(1, 1), Duration::from_secs(1));
    let [Action::Commit(mark)] = &actions[..] else { panic!("a mark first: {actions:?}") };
    store.commit(mark).expect("sound");
    let mut fourth = begin(&mut store, 4);
    for seq in 1..=3 {
        settle(&mut fourth, &mut store, note(seq, 1), Duration::from_secs(1));
    }
    let asides = store.set_aside();
    assert_eq!(asides.iter().map(|a| a.fault).collect::<Vec<_>>(), [Some(Fault::Died), None, None]);
    assert_eq!((heard(&store), store.trying(home())), (0, None), "unread, and nothing is being tried");
    settle(&mut fourth, &mut store, order(asides[0].id, Wish::Redrive, 1), Duration::from_secs(1));
    assert_eq!((heard(&store), store.set_aside().len()), (3, 0));
}

#[test]
fn an_input_on_which_one_died_by_chance_is_tried_again_and_cleared() {
    let mut store = Memory::new::<Mirror>(START, 100);
    begin(&mut store, 1);
    let mut careful = begin(&mut store, 2);
    let actions = careful.on(note(1, 1), Duration::from_secs(1));
    let [Action::Commit(mark)] = &actions[..] else { panic!("a mark first: {actions:?}") };
    store.commit(mark).expect("sound");
    // The database goes down at that moment; another process takes over.
    for owner in [3, 4] {
        let mut next = begin(&mut store, owner);
        settle(&mut next, &mut store, note(1, 1), Duration::from_secs(1));
        assert_eq!((heard(&store), store.set_aside().len()), (1, 0), "owner {owner}");
        assert!(store.take(&[home()], Uuid::from_u128(owner)).killers[0].1.is_empty(), "cleared");
    }
}

#[test]
fn who_left_in_order_or_comes_back_leaves_nobody_careful() {
    let mut store = Memory::new::<Mirror>(START, 100);
    begin(&mut store, 1);
    assert!(!store.take(&[home()], Uuid::from_u128(1)).unclean, "it lost its session, not its life");
    store.leave(&[home()]);
    assert!(!store.take(&[home()], Uuid::from_u128(2)).unclean);
    assert!(store.take(&[home()], Uuid::from_u128(3)).unclean);
}

#[test]
fn a_long_queue_is_worked_off_by_itself_in_order_and_only_its_first_is_seen_to() {
    mend(false);
    let mut store = Memory::new::<Mirror>(START, 100);
    let mut machine = begin(&mut store, 1);
    settle(&mut machine, &mut store, note(1, MIRROR_POISON), Duration::from_secs(1));
    for seq in 2..=200 {
        settle(&mut machine, &mut store, note(seq, 1), Duration::from_secs(1));
    }
    // A stranger finds all that is held.
    let mut machine = begin(&mut store, 1);
    settle(&mut machine, &mut store, note(201, 1), Duration::from_secs(1));
    let asides = store.set_aside();
    assert_eq!((asides.len(), heard(&store)), (201, 0));
    let answers =
        settle(&mut machine, &mut store, order(asides[5].id, Wish::Discard, 1), Duration::from_secs(1));
    assert!(
        matches!(&answers[..], [Action::Answer { outcome: Err(refusal), .. }] if refusal.gate == "not-first")
    );
    settle(&mut machine, &mut store, order(asides[0].id, Wish::Redrive, 2), Duration::from_secs(1));
    assert_eq!((store.set_aside().len(), heard(&store)), (201, 0), "it failed again");
    mend(true);
    settle(&mut machine, &mut store, order(asides[0].id, Wish::Redrive, 3), Duration::from_secs(1));
    assert_eq!((store.set_aside().len(), heard(&store)), (0, 201));
    settle(&mut machine, &mut store, note(202, 1), Duration::from_secs(1));
    assert_eq!(heard(&store), 202, "nothing is held any more");
    mend(false);
}
