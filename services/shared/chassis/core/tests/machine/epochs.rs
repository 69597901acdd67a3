//! A store that was restored to an older copy, in memory: the shard waits, an order opens the next epoch, readers cross.

use std::time::Duration;

use chassis_core::{
    Action, Entry, Happening, Incoming, Limits, Machine, Opening,
    epoch::{Known, judge},
    memory::Memory,
    store::{Cursor, RequestKey, Source},
};
use proto::{Event, Id, Service, Time, journal::v1::HistoryRewound};

use crate::{
    scenes::{START, add, begin, counter, home, settle},
    toys::{Image, Mirror, Till},
};

/// What the stream would tell of the newest of these entries.
fn told(entries: &[Entry]) -> Known {
    let newest = entries.iter().max_by_key(|entry| (entry.at.epoch, entry.at.seq)).expect("there are some");
    Known {
        by: "stream".to_owned(),
        at: (newest.at.epoch, newest.at.seq),
        hash: newest.hash[..8].to_vec(),
        recorded_at: Some(newest.recorded_at),
    }
}

/// As the shell takes a shard: with what others know of it.
fn take(store: &mut Memory, known: &Known) -> Machine<Till> {
    let mut found = store.find(&[home()]);
    let own: Vec<Entry> = store.journal(home(), 0).collect();
    let hash_at = |place| own.iter().find(|e| (e.at.epoch, e.at.seq) == place).map(|e| e.hash);
    found.lost = judge(&found.heads[0], std::slice::from_ref(known), hash_at).into_iter().collect();
    Machine::new(Limits::default(), found, Duration::from_secs(1)).expect("the directory folds")
}

fn opening(withdraw: Option<(u32, u64)>, number: u8) -> Happening<Till> {
    let id = Id::mint(START, counter().bucket(), [number; 9]);
    let opening = Opening {
        shard: home(),
        actor: "person:ADMIN".to_owned(),
        request: RequestKey { caller: "person:ADMIN".to_owned(), id },
        content: [0; 16],
        reason: "restored-backup".to_owned(),
        withdraw,
    };
    Happening::OpenEpoch { token: 900, opening }
}

/// Two entries, a copy, two more: what was said, and the store as it was copied.
fn restored() -> (Memory, Vec<Entry>) {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    settle(&mut machine, &mut store, add(1), Duration::from_secs(1));
    settle(&mut machine, &mut store, add(2), Duration::from_secs(1));
    let copy = store.clone();
    settle(&mut machine, &mut store, add(3), Duration::from_secs(1));
    settle(&mut machine, &mut store, add(4), Duration::from_secs(1));
    (copy, store.journal(home(), 0).collect())
}

fn gates(actions: &[Action]) -> Vec<&str> {
    let gate = |action| match action {
        &Action::Answer { outcome: Err(ref refusal), .. } => Some(refusal.gate.as_str()),
        _ => None,
    };
    actions.iter().filter_map(gate).collect()
}

#[test]
fn a_shard_that_lost_its_tail_waits_for_the_order_and_goes_on_above_it() {
    let (mut store, said) = restored();
    let known = told(&said);
    let mut machine = take(&mut store, &known);
    assert!(!machine.owns(home()) && machine.lost().count() == 1);
    let actions = settle(&mut machine, &mut store, add(5), Duration::from_secs(2));
    assert_eq!(gates(&actions), ["lost-tail"], "it accepts nothing");
    let asked = Happening::AskedPassed { token: 1, until: START };
    let actions = settle(&mut machine, &mut store, asked, Duration::from_secs(2));
    let [Action::AnswerPassed { heads, .. }] = &actions[..] else { panic!("{actions:?}") };
    assert!(heads.is_empty(), "it promises nothing");
    assert_eq!(machine.cursors().count(), 0, "it hears nobody");

    let actions = settle(&mut machine, &mut store, opening(Some((1, 99)), 1), Duration::from_secs(3));
    assert_eq!(gates(&actions), ["known-more"]);
    let kept = store.head(home()).seq;
    let actions = settle(&mut machine, &mut store, opening(Some(known.at), 2), Duration::from_secs(3));
    assert!(actions.iter().any(|action| matches!(action, Action::StartOver)), "{actions:?}");
    let answered = |action: &Action| matches!(action, Action::Answer { token: 900, outcome: Ok(_) });
    assert!(actions.iter().any(answered) && actions.iter().any(|a| matches!(a, Action::Publish(_))));
    assert_eq!(store.rewindings().iter().filter(|r| r.own).count(), 17);

    let mut machine = take(&mut store, &known);
    assert_eq!(machine.lost().count(), 0, "the stream's newest is withdrawn now");
    let actions = settle(&mut machine, &mut store, add(5), Duration::from_secs(4));
    assert_eq!(gates(&actions), Vec::<&str>::new());
    let journal: Vec<Entry> = store.journal(home(), 0).collect();
    let mut hash = [0; 32];
    for entry in &journal {
        assert_eq!(entry.hash, entry.chained(&hash), "the chain goes on at {}", entry.at);
        hash = entry.hash;
    }
    let opened = journal.iter().find(|entry| *entry.kind == *HistoryRewound::TYPE).expect("it was said");
    assert_eq!((opened.at.epoch, opened.at.seq), (2, known.at.1 + 1));
    let reused = journal.iter().filter(|e| e.at.seq > kept && e.at.seq <= known.at.1).count();
    assert_eq!(reused, 0, "no number is given twice");
    assert!(opened.recorded_at > said.last().expect("some").recorded_at, "never before what was heard");
}

#[test]
fn an_order_opens_an_epoch_of_a_sound_shard_and_nothing_is_lost_then() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    settle(&mut machine, &mut store, add(1), Duration::from_secs(1));
    let head = store.head(home());
    let refused = settle(&mut machine, &mut store, opening(Some((1, 9)), 1), Duration::from_secs(2));
    assert_eq!(gates(&refused), ["nothing-lost"]);
    assert_eq!(store.head(home()), head);
    settle(&mut machine, &mut store, opening(None, 2), Duration::from_secs(2));
    let after = store.head(home());
    assert_eq!((after.epoch, after.seq), (2, head.seq + 17));
    let first = store.journal(home(), head.seq).next().expect("it was said");
    assert_eq!((first.actor.as_str(), first.recorded_at > head.stamp), ("person:ADMIN", true));
}

fn heard(entry: &Entry, stream_seq: u64) -> Happening<Mirror> {
    let source = Source { service: Service::Intake, from: home(), to: home(), peer: false };
    Happening::Heard { source, entry: Incoming::of(entry, stream_seq) }
}

fn mirror_cursor(store: &Memory) -> Cursor {
    store.cursors().find(|(source, _)| !source.peer).expect("it hears the till").1
}

#[test]
fn a_reader_crosses_over_the_entry_and_writes_down_what_it_had_heard() {
    let (mut store, said) = restored();
    let known = told(&said);
    let mut till = take(&mut store, &known);
    settle(&mut till, &mut store, opening(Some(known.at), 2), Duration::from_secs(3));
    let mut till = take(&mut store, &known);
    settle(&mut till, &mut store, add(6), Duration::from_secs(4));

    let mut mirror_store = Memory::new::<Mirror>(START, 100);
    let mut mirror = begin::<Mirror>(&mut mirror_store, Limits::default());
    for (place, entry) in said.iter().enumerate() {
        settle(&mut mirror, &mut mirror_store, heard(entry, place as u64 + 1), Duration::from_secs(5));
    }
    let body = |store: &Memory| store.body(chassis_core::RowKey::of::<Image>(counter())).expect("heard");
    let image: Image = rmp_serde::from_slice(&body(&mirror_store)).expect("an image");
    assert_eq!(image.heard.len(), 4, "ghosts too: nobody could know");
    let journal: Vec<Entry> = store.journal(home(), 0).collect();
    let mut alarms = Vec::new();
    for entry in journal.iter().filter(|entry| entry.at.epoch == 2) {
        let actions = settle(&mut mirror, &mut mirror_store, heard(entry, 0), Duration::from_secs(7));
        alarms.extend(actions.into_iter().filter_map(|action| match action {
            Action::Alarm(why) => Some(why),
            _ => None,
        }));
    }
    assert!(alarms.len() == 1 && alarms[0].contains("withdrew"), "{alarms:?}");
    let noted = mirror_store.rewindings();
    assert_eq!(noted.len(), 1);
    assert_eq!((noted[0].own, noted[0].to), (false, known.at));
    let image: Image = rmp_serde::from_slice(&body(&mirror_store)).expect("an image");
    assert_eq!(image.heard.len(), 5, "and what was said since");
    let cursor = mirror_cursor(&mirror_store);
    assert_eq!((cursor.epoch, cursor.hash), (2, journal.last().expect("some").hash));
}

#[test]
fn history_changed_without_an_epoch_stops_its_reader() {
    let (_, said) = restored();
    let mut store = Memory::new::<Mirror>(START, 100);
    let mut mirror = begin::<Mirror>(&mut store, Limits::default());
    settle(&mut mirror, &mut store, heard(&said[0], 1), Duration::from_secs(1));
    let Happening::Heard { source, entry } = heard(&said[1], 2) else { panic!("heard") };
    let changed = Incoming { actor: "person:X".to_owned(), ..entry };
    let changed = Happening::Heard { source, entry: changed };
    let actions = settle(&mut mirror, &mut store, changed, Duration::from_secs(3));
    assert!(
        actions.iter().any(|action| matches!(action, Action::Alarm(why) if why.contains("does not chain"))),
        "{actions:?}"
    );
    assert_eq!(mirror.cursor(&source).map(|cursor| cursor.seq), Some(1), "it stays before it");
}

#[test]
fn old_answers_are_forgotten_in_portions() {
    let mut store = Memory::new::<Till>(START, 100);
    let mut machine = begin::<Till>(&mut store, Limits::default());
    for number in 1..=5 {
        settle(&mut machine, &mut store, add(number), Duration::from_secs(1));
    }
    store.set_clock(START.plus(80 * Time::HOUR));
    settle(&mut machine, &mut store, add(6), Duration::from_secs(2));
    let before = START.plus(7 * Time::HOUR);
    assert_eq!((store.prune(before, 3), store.remembered()), (3, 3));
    assert_eq!((store.prune(before, 3), store.prune(before, 3)), (2, 0));
    let again = settle(&mut machine, &mut store, add(6), Duration::from_secs(3));
    assert!(again.iter().any(|action| matches!(action, Action::Answer { outcome: Ok(_), .. })));
    assert_eq!(store.remembered(), 1, "the young one is still known");
}
