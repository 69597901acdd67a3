//! The store in memory: what Postgres keeps for a service, for the simulator
//! and for tests of the loop. It keeps the promises the loop leans on (a batch
//! is written whole or not at all, a head that moved aborts it, a request is
//! remembered once) and passes every value through an encoding, so that
//! nothing survives here that would be lost there.

mod aside;
mod dump;
mod kept;
mod prune;

use std::collections::{BTreeMap, BTreeSet};

use proto::{Id, Service, Shard, Time, envelope::Position};
use serde_bytes::{ByteBuf, Bytes};
use thiserror::Error;

use self::kept::{Kept, decode, decode_entry, encode, encode_entry, fits, id_of, shard_of};
use crate::{
    aggregate::{RowKey, Table, Value},
    core::Core,
    entry::Entry,
    epoch::Rewinding,
    step::RowChange,
    store::{
        Batch, Cursor, DirectoryEntry, Found, Head, LoadPlan, Loaded, Remembered, Source, TimerRow, Timers,
    },
};

/// Why a batch was refused; nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    #[error("shard {shard} is not where the writer left it ({expected})")]
    MovedHead { shard: Shard, expected: u64 },
    #[error("entry {0} exists already")]
    DoubleEntry(Position),
    #[error("request {0} is remembered already")]
    DoubleReply(Id),
    #[error("{0} is not a table of this service")]
    UnknownTable(&'static str),
    #[error("column {column} of {table} cannot hold {value:?}")]
    ColumnKind { table: &'static str, column: &'static str, value: Value },
}

type Bytes16 = [u8; 16];

/// The key of a remembered answer: request and caller.
type ReplyKey = (Bytes16, String);

/// The key of a cursor: to, service, from, peer.
type CursorKey = (u16, &'static str, u16, bool);

/// One service's schema. A clone is a copy to go back to.
#[derive(Clone, Debug)]
pub struct Memory {
    service: Service,
    tables: BTreeMap<&'static str, &'static Table>,
    now: Time,
    timers_held: usize,
    heads: BTreeMap<u16, Head>,
    published: BTreeMap<u16, u64>,
    journal: BTreeMap<(u16, u64), Vec<u8>>,
    rows: BTreeMap<(&'static str, Bytes16), Vec<u8>>,
    timers: BTreeMap<(Bytes16, String), i64>,
    cursors: BTreeMap<CursorKey, Vec<u8>>,
    pairs: BTreeMap<(u16, u16), u64>,
    replies: BTreeMap<ReplyKey, Vec<u8>>,
    /// The replies by when they were remembered, as an index finds them.
    remembered: BTreeSet<(i64, ReplyKey)>,
    directory: BTreeMap<u64, Vec<u8>>,
    quarantine: aside::Quarantine,
    rewindings: Vec<Rewinding>,
}

impl Memory {
    /// `timers_held`: how many timers one look into the store brings.
    pub fn new<C: Core>(now: Time, timers_held: usize) -> Memory {
        Memory {
            service: C::SERVICE,
            tables: C::TABLES.iter().map(|table| (table.name, *table)).collect(),
            now,
            timers_held,
            heads: BTreeMap::new(),
            published: BTreeMap::new(),
            journal: BTreeMap::new(),
            rows: BTreeMap::new(),
            timers: BTreeMap::new(),
            cursors: BTreeMap::new(),
            pairs: BTreeMap::new(),
            replies: BTreeMap::new(),
            remembered: BTreeSet::new(),
            directory: BTreeMap::new(),
            quarantine: aside::Quarantine::default(),
            rewindings: Vec::new(),
        }
    }

    /// With one more table, for those who watch a service from inside of its steps.
    #[must_use]
    pub fn with_table(mut self, table: &'static Table) -> Memory {
        self.tables.insert(table.name, table);
        self
    }

    /// The database's clock; it may be set back, as clocks are.
    pub fn set_clock(&mut self, now: Time) {
        self.now = now;
    }

    /// A round trip.
    pub fn beat(&self) -> Time {
        self.now
    }

    /// All that a stranger needs to go on with these shards.
    pub fn find(&mut self, held: &[Shard]) -> Found {
        for shard in held {
            self.heads.entry(shard.number()).or_insert_with(|| fresh_head(*shard));
        }
        Found {
            heads: held.iter().map(|shard| self.head(*shard)).collect(),
            published: held.iter().map(|shard| (*shard, self.published(*shard))).collect(),
            cursors: self.cursors().filter(|(source, _)| held.contains(&source.to)).collect(),
            pairs: self.pairs().filter(|(from, _, _)| held.contains(from)).collect(),
            directory: self.found_directory(),
            timers: self.timers(held),
            aside: crate::aside::FoundAside::default(),
            database_now: self.now,
            lost: Vec::new(),
        }
    }

    /// The soonest timers of these shards.
    pub fn timers(&self, held: &[Shard]) -> Timers {
        let mut rows: Vec<TimerRow> = self
            .timers
            .iter()
            .map(|((id, name), due)| TimerRow { due: Time(*due), name: name.clone(), id: id_of(*id) })
            .filter(|row| held.contains(&row.id.shard()))
            .collect();
        rows.sort();
        rows.truncate(self.timers_held);
        Timers { more: rows.len() == self.timers_held, rows }
    }

    pub fn load(&self, plan: &LoadPlan) -> Loaded {
        let row = |key: &RowKey| {
            let kept = self.rows.get(&(key.table, *key.id.uuid().as_bytes()))?;
            let (body, _): (ByteBuf, Vec<Option<Kept>>) = decode(kept);
            Some((*key, body.into_vec()))
        };
        let reply = |key: &crate::store::RequestKey| {
            let kept = self.replies.get(&(*key.id.uuid().as_bytes(), key.caller.clone()))?;
            let (shard, content, reply, epoch, seq, _): (_, _, ByteBuf, _, _, Time) = decode(kept);
            let reply = reply.into_vec();
            Some(Remembered { shard: shard_of(shard), request: key.clone(), content, reply, epoch, seq })
        };
        Loaded {
            rows: plan.rows.iter().filter_map(row).collect(),
            replies: plan.requests.iter().filter_map(reply).collect(),
            queue: plan.queue.map_or_else(Vec::new, |(id, limit)| self.queue(id, limit)),
            database_now: self.now,
        }
    }

    /// All or nothing.
    pub fn commit(&mut self, batch: &Batch) -> Result<Time, CommitError> {
        self.check(batch)?;
        for head in &batch.heads {
            self.heads.insert(head.shard.number(), head.clone());
        }
        for entry in &batch.entries {
            self.journal.insert((entry.at.shard.number(), entry.at.seq), encode_entry(entry));
        }
        for (key, change) in &batch.rows {
            let place = (change.table.name, *key.id.uuid().as_bytes());
            match &change.put {
                Some((body, columns)) => {
                    let columns: Vec<Option<Kept>> = columns.iter().map(Kept::of).collect();
                    self.rows.insert(place, encode(&(Bytes::new(body), columns)))
                }
                None => self.rows.remove(&place),
            };
        }
        for timer in &batch.timers {
            let key = (*timer.id.uuid().as_bytes(), timer.name.clone());
            match timer.due {
                Some(due) => self.timers.insert(key, due.0),
                None => self.timers.remove(&key),
            };
        }
        self.commit_marks(batch);
        Ok(self.now)
    }

    fn commit_marks(&mut self, batch: &Batch) {
        for (source, cursor) in &batch.cursors {
            let key = (source.to.number(), source.service.name(), source.from.number(), source.peer);
            self.cursors.insert(key, encode(&(cursor.epoch, cursor.seq, cursor.stream_seq, cursor.hash)));
        }
        for (from, to, seq) in &batch.pairs {
            self.pairs.insert((from.number(), to.number()), *seq);
        }
        for reply in &batch.replies {
            let key = (*reply.request.id.uuid().as_bytes(), reply.request.caller.clone());
            let said = Bytes::new(&reply.reply);
            let row = (reply.shard.number(), reply.content, said, reply.epoch, reply.seq, self.now);
            self.remembered.insert((self.now.0, key.clone()));
            self.replies.insert(key, encode(&row));
        }
        for entry in &batch.directory {
            let row = (&*entry.kind, Bytes::new(&entry.payload), entry.recorded_at);
            self.directory.entry(entry.seq).or_insert_with(|| encode(&row));
        }
        self.quarantine.commit(&batch.aside);
        self.rewindings.extend(batch.rewindings.iter().cloned());
        for (shard, seq) in &batch.published {
            let mark = self.published.entry(shard.number()).or_default();
            *mark = (*mark).max(*seq);
        }
    }

    fn check(&self, batch: &Batch) -> Result<(), CommitError> {
        for (head, before) in batch.heads.iter().zip(&batch.heads_before) {
            if !self.heads.contains_key(&head.shard.number()) || self.head(head.shard).seq != *before {
                return Err(CommitError::MovedHead { shard: head.shard, expected: *before });
            }
        }
        let mut places = BTreeSet::new();
        for entry in &batch.entries {
            let place = (entry.at.shard.number(), entry.at.seq);
            if self.journal.contains_key(&place) || !places.insert(place) {
                return Err(CommitError::DoubleEntry(entry.at));
            }
        }
        let mut requests = BTreeSet::new();
        for reply in &batch.replies {
            let key = (*reply.request.id.uuid().as_bytes(), reply.request.caller.clone());
            if self.replies.contains_key(&key) || !requests.insert(key) {
                return Err(CommitError::DoubleReply(reply.request.id));
            }
        }
        batch.rows.iter().try_for_each(|(key, change)| self.check_row(key, change))
    }

    fn check_row(&self, key: &RowKey, change: &RowChange) -> Result<(), CommitError> {
        let table = self.tables.get(key.table).ok_or(CommitError::UnknownTable(key.table))?;
        let values = change.put.iter().flat_map(|(_, values)| values);
        for (column, value) in table.columns.iter().zip(values) {
            if !fits(column.kind, value) {
                let (table, column) = (table.name, column.name);
                return Err(CommitError::ColumnKind { table, column, value: value.clone() });
            }
        }
        Ok(())
    }

    /// The end of a shard's journal; a shard that nobody ever took is at 0.
    pub fn head(&self, shard: Shard) -> Head {
        self.heads.get(&shard.number()).cloned().unwrap_or_else(|| fresh_head(shard))
    }

    /// Entries up to here are acknowledged by the stream.
    pub fn published(&self, shard: Shard) -> u64 {
        self.published.get(&shard.number()).copied().unwrap_or_default()
    }

    /// Entries of a shard after a sequence number, in order.
    pub fn journal(&self, shard: Shard, after: u64) -> impl Iterator<Item = Entry> {
        let number = shard.number();
        self.journal
            .range((number, after + 1)..=(number, u64::MAX))
            .map(|((shard, seq), kept)| decode_entry(self.service, *shard, *seq, kept))
    }

    pub fn cursors(&self) -> impl Iterator<Item = (Source, Cursor)> {
        self.cursors.iter().map(|((to, service, from, peer), kept)| {
            let service = Service::parse(service).expect("written from a service");
            let source = Source { service, from: shard_of(*from), to: shard_of(*to), peer: *peer };
            let (epoch, seq, stream_seq, hash) = decode(kept);
            (source, Cursor { epoch, seq, stream_seq, hash })
        })
    }

    /// (from, to) and the last number of the pair.
    pub fn pairs(&self) -> impl Iterator<Item = (Shard, Shard, u64)> {
        self.pairs.iter().map(|((from, to), seq)| (shard_of(*from), shard_of(*to), *seq))
    }

    /// The body of one row.
    pub fn body(&self, key: RowKey) -> Option<Vec<u8>> {
        self.load(&LoadPlan { rows: vec![key], ..LoadPlan::default() }).rows.pop().map(|(_, body)| body)
    }

    /// All rows of a table, by id.
    pub fn rows(&self, table: &'static str) -> impl Iterator<Item = (Id, Vec<u8>)> {
        let (first, last) = ((table, [0; 16]), (table, [u8::MAX; 16]));
        self.rows.range(first..=last).map(|((_, id), kept)| {
            let (body, _): (ByteBuf, Vec<Option<Kept>>) = decode(kept);
            (id_of(*id), body.into_vec())
        })
    }

    /// Stretches of history that were taken back.
    pub fn rewindings(&self) -> &[Rewinding] {
        &self.rewindings
    }

    pub fn armed_timers(&self) -> usize {
        self.timers.len()
    }

    /// The directory reads its own journal, everybody else the kept copy.
    fn found_directory(&self) -> Vec<DirectoryEntry> {
        if self.service == Service::Directory {
            let first = Shard::all().next().expect("there are shards");
            return self
                .journal(first, 0)
                .map(|entry| DirectoryEntry {
                    seq: entry.at.seq,
                    kind: entry.kind,
                    payload: entry.payload,
                    recorded_at: entry.recorded_at,
                })
                .collect();
        }
        let entry = |(seq, kept): (&u64, &Vec<u8>)| {
            let (kind, payload, recorded_at): (String, ByteBuf, _) = decode(kept);
            DirectoryEntry { seq: *seq, kind: kind.into(), payload: payload.into_vec(), recorded_at }
        };
        self.directory.iter().map(entry).collect()
    }
}

/// Before the first entry.
fn fresh_head(shard: Shard) -> Head {
    Head { shard, epoch: 1, seq: 0, hash: [0; 32], stamp: Time(0) }
}
