//! What a shard has heard from one source: in order, without gaps, exactly once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use proto::{Id, Time};

use crate::store::Cursor;

/// An entry as it came over the stream or out of the source's journal.
#[derive(Clone, Debug)]
pub struct Incoming {
    pub epoch: u32,
    /// The source's sequence.
    pub seq: u64,
    /// On entries addressed to one home: the number within the pair.
    pub pair_seq: u64,
    pub kind: Arc<str>,
    pub payload: Vec<u8>,
    pub subject: Option<Id>,
    pub branch: Option<String>,
    pub actor: String,
    pub hops: u8,
    pub directory_seq: u64,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
    pub traceparent: String,
    /// Where it stood in the stream; 0 when it came from the journal.
    pub stream_seq: u64,
}

/// How far entries may run ahead of a gap before they are dropped: they are
/// read again from the journal when the gap is mended.
const AHEAD: usize = 2_048;
/// How many wait to be applied; what comes on top is read again later, so a
/// source that stands still does not fill the memory.
const WAITING: usize = 4_096;
/// How long a gap or an unreached head is left to mend itself.
const PATIENCE: Duration = Duration::from_millis(500);

/// One source of one shard.
#[derive(Debug)]
pub struct Inbox {
    /// Applied and committed (or being committed).
    pub cursor: Cursor,
    /// What the store knows.
    pub saved: Cursor,
    /// Applied with everything it did committed; entries without effects count at once.
    pub applied: Cursor,
    /// In order, not applied yet.
    queue: VecDeque<Incoming>,
    /// The last one in `queue`, else the cursor.
    tail: (u32, u64),
    /// Behind a gap.
    ahead: BTreeMap<(u32, u64), Incoming>,
    announced: (u32, u64),
    wanting_since: Option<Duration>,
    peer: bool,
}

impl Inbox {
    pub fn new(cursor: Cursor, peer: bool) -> Inbox {
        let place = (cursor.epoch, cursor.seq);
        Inbox {
            cursor,
            saved: cursor,
            applied: cursor,
            queue: VecDeque::new(),
            tail: place,
            ahead: BTreeMap::new(),
            announced: place,
            wanting_since: None,
            peer,
        }
    }

    /// Known: skipped. Next: queued. Later: kept aside until the gap is mended.
    pub fn take(&mut self, entry: Incoming, now: Duration) {
        let place = self.place(&entry);
        if place <= self.tail {
            return;
        }
        if self.queue.len() >= WAITING {
            self.announced = self.announced.max(place);
        } else if self.is_next(place) {
            self.enqueue(entry, place);
            while let Some(next) = self.next_ahead() {
                let entry = self.ahead.remove(&next).expect("just found");
                self.enqueue(entry, next);
            }
        } else if self.ahead.len() < AHEAD {
            self.ahead.insert(place, entry);
        } else {
            self.announced = self.announced.max(place);
        }
        self.watch(now);
    }

    /// The source says that its head is here.
    pub fn announced(&mut self, epoch: u32, seq: u64, now: Duration) {
        self.announced = self.announced.max((epoch, seq));
        self.watch(now);
    }

    /// From where to read the journal, if something has been missing too long.
    pub fn wants_repair(&mut self, now: Duration) -> Option<(u32, u64)> {
        let since = self.wanting_since.filter(|_| self.queue.len() < WAITING)?;
        if now.saturating_sub(since) < PATIENCE {
            return None;
        }
        self.wanting_since = Some(now);
        Some(self.tail)
    }

    /// Taken out, with what it does not committed (or not known to do nothing).
    pub fn has_unapplied(&self) -> bool {
        self.applied != self.cursor
    }

    pub fn is_waiting(&self) -> bool {
        self.wanting_since.is_some()
    }

    pub fn front(&self) -> Option<&Incoming> {
        self.queue.front()
    }

    pub fn pop(&mut self) -> Option<Incoming> {
        let entry = self.queue.pop_front()?;
        let (epoch, seq) = self.place(&entry);
        let stream_seq = self.cursor.stream_seq.max(entry.stream_seq);
        self.cursor = Cursor { epoch, seq, stream_seq };
        Some(entry)
    }

    /// What was taken out and did not take effect is to come again: it is read from the source's journal.
    pub fn rewind(&mut self, now: Duration) {
        if !self.has_unapplied() {
            return;
        }
        let ahead = self.ahead.keys().next_back().copied().unwrap_or_default();
        self.announced = self.announced.max(self.tail).max(ahead);
        self.cursor = self.applied;
        self.tail = (self.cursor.epoch, self.cursor.seq);
        self.queue.clear();
        self.ahead.clear();
        self.watch(now);
    }

    /// Everything up to this place has been applied. A source that has said nothing yet names no entry that could come.
    pub fn has_reached(&self, epoch: u32, seq: u64) -> bool {
        seq == 0 || (self.cursor.epoch, self.cursor.seq) >= (epoch, seq)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn place(&self, entry: &Incoming) -> (u32, u64) {
        (entry.epoch, if self.peer { entry.pair_seq } else { entry.seq })
    }

    fn is_next(&self, (epoch, seq): (u32, u64)) -> bool {
        let same_epoch = epoch == self.tail.0 || self.tail == (0, 0);
        same_epoch && seq == self.tail.1 + 1
    }

    fn next_ahead(&self) -> Option<(u32, u64)> {
        let first = *self.ahead.keys().next()?;
        self.is_next(first).then_some(first)
    }

    fn enqueue(&mut self, entry: Incoming, place: (u32, u64)) {
        self.tail = place;
        self.queue.push_back(entry);
    }

    fn watch(&mut self, now: Duration) {
        let missing = !self.ahead.is_empty() || self.announced > self.tail;
        match (missing, self.wanting_since) {
            (false, _) => self.wanting_since = None,
            (true, None) => self.wanting_since = Some(now),
            (true, Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            hops: 0,
            directory_seq: 0,
            recorded_at: Time(0),
            occurred_at: None,
            traceparent: String::new(),
            stream_seq: seq + 100,
        }
    }

    fn drain(inbox: &mut Inbox) -> Vec<u64> {
        std::iter::from_fn(|| inbox.pop()).map(|e| e.seq).collect()
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
        let inbox = Inbox::new(Cursor::default(), false);
        assert!(inbox.has_reached(1, 0) && !inbox.has_reached(1, 1));
    }

    #[test]
    fn a_gap_asks_for_repair_after_half_a_second() {
        let mut inbox = Inbox::new(Cursor { epoch: 1, seq: 9, stream_seq: 0 }, false);
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
        inbox.pop();
        assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, WAITING as u64)));
    }

    #[test]
    fn a_lost_tail_is_found_by_the_announced_head() {
        let mut inbox = Inbox::new(Cursor { epoch: 1, seq: 5, stream_seq: 0 }, false);
        inbox.announced(1, 7, Duration::ZERO);
        assert_eq!(inbox.wants_repair(Duration::from_secs(1)), Some((1, 5)));
        inbox.take(entry(6), Duration::from_secs(1));
        inbox.take(entry(7), Duration::from_secs(1));
        assert!(!inbox.is_waiting());
    }
}
