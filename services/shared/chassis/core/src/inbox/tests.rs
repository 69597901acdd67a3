//! Order, gaps, epochs.

use proto::{Event, Service, journal::v1::HistoryRewound};

use super::*;
use crate::entry::About;
use crate::entry::Said;

fn entry(seq: u64) -> Incoming {
    Incoming {
        epoch: 1,
        seq,
        pair_seq: 0,
        kind: "x".into(),
        payload: Vec::new(),
        subject: None,
        branch: None,
        actor: String::new(),
        cause: String::new(),
        hops: 0,
        directory_seq: 0,
        recorded_at: Time(0),
        occurred_at: None,
        to: None,
        traceparent: String::new(),
        hash: Vec::new(),
        stream_seq: seq + 100,
    }
}

fn drain(inbox: &mut Inbox) -> Vec<u64> {
    std::iter::from_fn(|| inbox.pop([0; 32])).map(|e| e.seq).collect()
}

#[test]
fn repeats_are_skipped_and_disorder_is_mended() {
    let mut inbox = Inbox::new(Cursor::default(), false);
    for seq in [1, 2, 2, 4, 5, 1, 3, 5, 6] {
        inbox.take(entry(seq), Duration::ZERO);
    }
    assert_eq!(drain(&mut inbox), [1, 2, 3, 4, 5, 6]);
    assert!(!inbox.is_waiting());
    assert_eq!(inbox.cursor.stream_seq, 106);
}

#[test]
fn a_source_without_entries_holds_nobody_up() {
    let mut inbox = Inbox::new(Cursor::default(), false);
    assert!(inbox.has_reached(1, 0) && !inbox.has_reached(1, 1));
    inbox.announced(1, 0, Duration::ZERO);
    assert!(!inbox.is_waiting(), "its journal would be read for ever");
}

#[test]
fn a_gap_asks_for_repair_after_half_a_second() {
    let mut inbox = Inbox::new(Cursor { epoch: 1, seq: 9, stream_seq: 0, hash: [0; 32] }, false);
    inbox.take(entry(11), Duration::ZERO);
    assert_eq!(inbox.wants_repair(Duration::from_millis(400)), None);
    assert_eq!(inbox.wants_repair(Duration::from_millis(600)), Some((1, 9)));
    assert_eq!(inbox.wants_repair(Duration::from_millis(700)), None, "asked already");
    inbox.take(entry(10), Duration::from_millis(800));
    assert_eq!(drain(&mut inbox), [10, 11]);
    assert_eq!(inbox.wants_repair(Duration::from_secs(9)), None);
}

#[test]
fn a_source_that_stands_still_is_bounded_and_read_again() {
    let mut inbox = Inbox::new(Cursor::default(), false);
    (1..=WAITING as u64 + 9).for_each(|seq| inbox.take(entry(seq), Duration::ZERO));
    assert_eq!(inbox.len(), WAITING);
    assert_eq!(inbox.wants_repair(Duration::from_secs(1)), None, "there is no room for it yet");
    inbox.pop([0; 32]);
    assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, WAITING as u64)));
}

#[test]
fn a_lost_tail_is_found_by_the_announced_head() {
    let mut inbox = Inbox::new(Cursor { epoch: 1, seq: 5, stream_seq: 0, hash: [0; 32] }, false);
    inbox.announced(1, 7, Duration::ZERO);
    assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, 5)));
    inbox.take(entry(6), Duration::from_secs(1));
    inbox.take(entry(7), Duration::from_secs(1));
    assert!(!inbox.is_waiting());
}

/// The entry that opens an epoch, said after `from`.
fn rewound(epoch: u32, seq: u64, from: Place) -> Incoming {
    let said = HistoryRewound { epoch, from_epoch: from.0, from_seq: from.1, ..HistoryRewound::default() };
    Incoming {
        epoch,
        kind: HistoryRewound::TYPE.into(),
        payload: Said::new(About::default(), None, said).payload,
        ..entry(seq)
    }
}

fn of_epoch(epoch: u32, seq: u64) -> Incoming {
    Incoming { epoch, ..entry(seq) }
}

fn source() -> Source {
    let shard = Shard::new(3).expect("one");
    Source { service: Service::Intake, from: shard, to: shard, peer: false }
}

fn heard(seqs: std::ops::RangeInclusive<u64>) -> Inbox {
    let mut inbox = Inbox::new(Cursor::default(), false);
    seqs.for_each(|seq| inbox.take(entry(seq), Duration::ZERO));
    inbox
}

#[test]
fn an_epoch_is_crossed_over_its_own_entry_only() {
    let mut inbox = heard(1..=5);
    drain(&mut inbox);
    inbox.take(of_epoch(2, 10), Duration::ZERO);
    assert!(inbox.is_empty(), "another epoch, and nothing says why");
    inbox.take(rewound(2, 9, (1, 6)), Duration::ZERO);
    assert!(inbox.is_empty(), "1.6 is kept and was not heard");
    assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, 5)));
    inbox.take(Incoming { stream_seq: 0, ..entry(6) }, Duration::from_secs(1));
    inbox.take(rewound(2, 9, (1, 6)), Duration::from_secs(1));
    let front = inbox.queue[1].clone();
    assert_eq!(inbox.withdrawn_by(&source(), &front), None, "nothing that was heard is withdrawn");
    assert_eq!(drain(&mut inbox), [6, 9, 10]);
    assert!(!inbox.is_waiting());
}

#[test]
fn what_was_heard_and_is_withdrawn_is_told() {
    let mut inbox = heard(1..=5);
    drain(&mut inbox);
    let opening = rewound(3, 9, (1, 2));
    inbox.take(opening.clone(), Duration::ZERO);
    let withdrawn = inbox.withdrawn_by(&source(), &opening).expect("1.3 to 1.5");
    assert_eq!((withdrawn.from, withdrawn.to, withdrawn.at), ((1, 2), (1, 5), (3, 9)));
    assert_eq!(drain(&mut inbox), [9]);
    inbox.take(entry(6), Duration::ZERO);
    inbox.take(of_epoch(2, 10), Duration::ZERO);
    assert!(inbox.is_empty(), "a ghost that comes late");
}

#[test]
fn what_waits_when_an_epoch_is_announced_is_read_from_the_journal() {
    let mut inbox = heard(1..=3);
    inbox.pop([0; 32]);
    inbox.announced(2, 11, Duration::ZERO);
    assert!(inbox.is_empty(), "1.2 and 1.3 may be withdrawn");
    inbox.take(entry(2), Duration::ZERO);
    assert!(inbox.is_empty(), "the stream cannot tell");
    assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, 1)));
    inbox.take(Incoming { stream_seq: 0, ..entry(2) }, Duration::from_secs(1));
    inbox.take(rewound(2, 10, (1, 2)), Duration::from_secs(1));
    inbox.take(of_epoch(2, 11), Duration::from_secs(1));
    assert_eq!(drain(&mut inbox), [2, 10, 11]);
    assert!(!inbox.is_waiting());
}

#[test]
fn addressed_entries_cross_by_the_number_of_their_pair() {
    let mut inbox = Inbox::new(Cursor { epoch: 1, seq: 7, ..Cursor::default() }, true);
    let mut opening = rewound(2, 40, (1, 30));
    let said = HistoryRewound { from_epoch: 1, from_seq: 30, from_pair_seq: 5, ..HistoryRewound::default() };
    (opening.payload, opening.pair_seq) = (Said::new(About::default(), None, said).payload, 6);
    inbox.take(opening.clone(), Duration::ZERO);
    assert_eq!(inbox.withdrawn_by(&source(), &opening).map(|w| (w.from, w.to)), Some(((1, 5), (1, 7))));
    inbox.take(Incoming { pair_seq: 7, ..of_epoch(2, 41) }, Duration::ZERO);
    assert_eq!(drain(&mut inbox), [40, 41]);
    assert_eq!((inbox.cursor.epoch, inbox.cursor.seq), (2, 7));
}

#[test]
fn a_chain_is_followed_and_a_break_is_told() {
    let mut inbox = heard(1..=3);
    let mut previous = [0; 32];
    for _ in 1..=2 {
        let next = inbox.front().expect("one").clone();
        previous = inbox.follows(&source(), &next).expect("nothing is told against it");
        assert_eq!(previous, next.chained(&source(), &inbox.cursor.hash));
        inbox.pop(previous);
    }
    let next = inbox.front().expect("the third").clone();
    let hash = next.chained(&source(), &previous);
    let told = |hash: &[u8]| Incoming { hash: hash.to_vec(), ..next.clone() };
    assert_eq!(inbox.follows(&source(), &told(&hash[..8])), Ok(hash), "the stream tells eight bytes");
    assert!(inbox.follows(&source(), &told(&[1; 8])).unwrap_err().contains("does not chain on 1.2"));
    let other = Incoming { actor: "person:X".to_owned(), ..told(&hash) };
    assert!(inbox.follows(&source(), &other).is_err(), "changed underneath");
    let mut unknown = Inbox::new(Cursor { epoch: 1, seq: 2, ..Cursor::default() }, false);
    unknown.take(told(&hash), Duration::ZERO);
    assert_eq!(unknown.follows(&source(), &told(&hash)), Ok(hash), "a journal's whole hash is a beginning");
}
