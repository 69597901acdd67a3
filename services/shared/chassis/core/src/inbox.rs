//! What a shard has heard from one source: in order, without gaps, exactly once.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use proto::{Id, Shard, Time, envelope::Position};

use crate::{
    entry::{Chained, Entry},
    epoch::{self, Place, Rewinding},
    store::{Cursor, Source},
};

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
    pub cause: String,
    pub hops: u8,
    pub directory_seq: u64,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
    /// The home that it is addressed to.
    pub to: Option<Shard>,
    pub traceparent: String,
    /// The entry's hash as far as it came along: whole out of a journal, its
    /// first bytes over the stream. Empty: not told.
    pub hash: Vec<u8>,
    /// Where it stood in the stream; 0 when it came from the journal.
    pub stream_seq: u64,
}

impl Incoming {
    /// An entry as it travels; number 0: out of a journal.
    pub fn of(entry: &Entry, stream_seq: u64) -> Incoming {
        Incoming {
            epoch: entry.at.epoch,
            seq: entry.at.seq,
            pair_seq: entry.to.map_or(0, |(_, pair)| pair),
            kind: entry.kind.clone(),
            payload: entry.payload.clone(),
            subject: entry.about.subject,
            branch: entry.about.branch.clone(),
            actor: entry.actor.clone(),
            cause: entry.cause.clone(),
            hops: entry.hops,
            directory_seq: entry.directory_seq,
            recorded_at: entry.recorded_at,
            occurred_at: entry.about.occurred_at,
            to: entry.to.map(|(to, _)| to),
            traceparent: entry.traceparent.clone(),
            // The stream tells its first bytes, a journal the whole.
            hash: entry.hash[..if stream_seq == 0 { 32 } else { 8 }].to_vec(),
            stream_seq,
        }
    }

    /// The hash of this entry over the one before it, as its source counts it.
    fn chained(&self, source: &Source, previous: &[u8; 32]) -> [u8; 32] {
        let parts = Chained {
            at: Position { service: source.service, shard: source.from, epoch: self.epoch, seq: self.seq },
            kind: &self.kind,
            payload: &self.payload,
            subject: self.subject,
            branch: self.branch.as_deref(),
            occurred_at: self.occurred_at,
            actor: &self.actor,
            cause: &self.cause,
            hops: self.hops,
            directory_seq: self.directory_seq,
            recorded_at: self.recorded_at,
            to: self.to.map(|to| (to, self.pair_seq)),
        };
        parts.over(previous)
    }
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
        self.notice_epoch(place.0);
        if place <= self.tail || self.may_be_withdrawn(&entry) {
            self.watch(now);
            return;
        }
        if self.queue.len() >= WAITING {
            self.announced = self.announced.max(place);
        } else if self.is_next(place, &entry) {
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

    /// The source says that its head is here. One that has said nothing yet names no entry that could be missing.
    pub fn announced(&mut self, epoch: u32, seq: u64, now: Duration) {
        if seq == 0 {
            return;
        }
        self.notice_epoch(epoch);
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

    /// Nothing is in it, nothing is missing, and the store knows how far it came.
    pub fn is_at_rest(&self) -> bool {
        self.is_quiet() && self.cursor == self.saved
    }

    /// Nothing is in it, nothing is missing, and what was taken out has taken effect.
    pub fn is_quiet(&self) -> bool {
        self.has_nothing() && !self.has_unapplied()
    }

    /// Nothing is in it and nothing is missing.
    pub fn has_nothing(&self) -> bool {
        self.is_empty() && self.ahead.is_empty() && !self.is_waiting()
    }

    pub fn front(&self) -> Option<&Incoming> {
        self.queue.front()
    }

    /// The next one, taken out; `hash`: its own, as `follows` found it.
    pub fn pop(&mut self, hash: [u8; 32]) -> Option<Incoming> {
        let entry = self.queue.pop_front()?;
        let (epoch, seq) = self.place(&entry);
        let stream_seq = self.cursor.stream_seq.max(entry.stream_seq);
        self.cursor = Cursor { epoch, seq, stream_seq, hash };
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

    /// The hash of the next entry if it chains on the last applied one; an
    /// error if history was changed without an epoch.
    pub fn follows(&self, source: &Source, entry: &Incoming) -> Result<[u8; 32], String> {
        if self.peer {
            // Entries for others stand in between.
            return Ok([0; 32]);
        }
        let mut previous = self.cursor.hash;
        if entry.epoch > self.cursor.epoch
            && let Some(rewound) = epoch::rewound(&entry.kind, &entry.payload)
        {
            let from: [u8; 32] = rewound.from_hash.try_into().unwrap_or_default();
            let is_at = (self.cursor.epoch, self.cursor.seq) == (rewound.from_epoch, rewound.from_seq);
            if is_at && previous != [0; 32] && previous != from {
                return Err(format!(
                    "it follows another {}.{} than was heard here",
                    rewound.from_epoch, rewound.from_seq
                ));
            }
            previous = from;
        }
        if previous == [0; 32] && self.cursor.seq > 0 {
            // Nothing to compare with; what a journal tells whole is where to begin.
            return Ok(entry.hash.as_slice().try_into().unwrap_or_default());
        }
        let hash = entry.chained(source, &previous);
        if hash.starts_with(&entry.hash) {
            return Ok(hash);
        }
        Err(format!("it does not chain on {}.{}", self.cursor.epoch, self.cursor.seq))
    }

    /// What was applied here and is withdrawn by this entry, if it is one that
    /// opens an epoch.
    pub fn withdrawn_by(&self, source: &Source, entry: &Incoming) -> Option<Rewinding> {
        let from = self.rewound_from(entry).filter(|_| entry.epoch > self.cursor.epoch)?;
        let to = (self.cursor.epoch, self.cursor.seq);
        let at = self.place(entry);
        (to > from && to.1 > 0).then_some(Rewinding { source: *source, own: false, at, from, to })
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

    /// In the same epoch by number; into another one over the entry that opens
    /// it, if all that this one follows was heard (or never was anything).
    fn is_next(&self, (epoch, seq): Place, entry: &Incoming) -> bool {
        if let Some(from) = self.rewound_from(entry)
            && epoch > self.tail.0
        {
            return from.1 == 0 || from <= self.tail;
        }
        let same_epoch = epoch == self.tail.0 || self.tail == (0, 0);
        same_epoch && seq == self.tail.1 + 1
    }

    /// Where the entry says that it follows, as this inbox counts.
    fn rewound_from(&self, entry: &Incoming) -> Option<Place> {
        let said = epoch::rewound(&entry.kind, &entry.payload)?;
        Some((said.from_epoch, if self.peer { said.from_pair_seq } else { said.from_seq }))
    }

    fn next_ahead(&self) -> Option<Place> {
        let (place, entry) = self.ahead.iter().next()?;
        self.is_next(*place, entry).then_some(*place)
    }

    fn enqueue(&mut self, entry: Incoming, place: Place) {
        self.tail = place;
        self.queue.push_back(entry);
    }

    /// A newer epoch exists: what waits here may be withdrawn, and is read from
    /// the source's journal, which does not hold what was.
    fn notice_epoch(&mut self, epoch: u32) {
        if epoch <= self.announced.0 || epoch <= self.tail.0 {
            return;
        }
        self.announced = self.announced.max((epoch, 0));
        if self.tail.0 > 0 || !self.queue.is_empty() {
            self.queue.clear();
            self.tail = (self.cursor.epoch, self.cursor.seq);
        }
        self.ahead.retain(|place, _| place.0 >= epoch);
    }

    /// Out of the stream, and of an older epoch than the newest one known.
    fn may_be_withdrawn(&self, entry: &Incoming) -> bool {
        entry.stream_seq > 0 && entry.epoch < self.announced.0
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
mod tests;
