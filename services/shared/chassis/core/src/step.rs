//! One step: what a core may see and say while it decides on one input.

use std::collections::{BTreeMap, HashMap};

use organisation::Snapshot;
use proto::{Bucket, Event, Id, Service, Shard, Time};

use crate::{
    actor::Actor,
    aggregate::{Aggregate, RowKey, Table, Value},
    entry::{About, Said},
    refusal::{Halt, Refusal},
};

/// Rows in memory: loaded ones and those known to be absent. The machine's
/// batch and its cache are such a map.
pub type Rows = HashMap<RowKey, Option<Vec<u8>>>;

/// A row as it will be written.
#[derive(Clone, Debug, PartialEq)]
pub struct RowChange {
    pub table: &'static Table,
    /// Body and columns; `None` deletes.
    pub put: Option<(Vec<u8>, Vec<Value>)>,
}

/// One timer row per (name, id): set anew or taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerChange {
    pub name: String,
    pub id: Id,
    pub due: Option<Time>,
}

/// All that a step did; dropped whole when it halts.
#[derive(Debug, Default)]
pub struct Effects {
    pub rows: BTreeMap<RowKey, RowChange>,
    pub said: Vec<Said>,
    /// By (name, id): the last one counts.
    pub timers: BTreeMap<(String, Id), Option<Time>>,
}

/// What surrounds a step.
pub struct Frame<'a> {
    pub service: Service,
    pub shard: Shard,
    /// The stamp of everything that this step says.
    pub now: Time,
    pub actor: &'a Actor,
    pub directory: &'a Snapshot,
    /// Seeds the ids minted here: the same input mints the same ids.
    pub seed: [u8; 32],
}

/// What a core decides through.
pub struct Step<'a> {
    frame: Frame<'a>,
    rows: &'a Rows,
    effects: Effects,
    minted: u64,
}

impl<'a> Step<'a> {
    pub fn new(frame: Frame<'a>, rows: &'a Rows) -> Step<'a> {
        Step { frame, rows, effects: Effects::default(), minted: 0 }
    }

    pub fn now(&self) -> Time {
        self.frame.now
    }

    pub fn shard(&self) -> Shard {
        self.frame.shard
    }

    /// Whoever commands; for events and timers the service itself.
    pub fn actor(&self) -> &'a Actor {
        self.frame.actor
    }

    /// The directory as far as this shard has read it.
    pub fn directory(&self) -> &'a Snapshot {
        self.frame.directory
    }

    /// The aggregate, as this step has left it so far.
    pub fn get<T: Aggregate>(&self, id: Id) -> Result<Option<T>, Halt> {
        let key = RowKey::of::<T>(id);
        let body = match self.effects.rows.get(&key) {
            Some(change) => change.put.as_ref().map(|(body, _)| body),
            None => self.rows.get(&key).ok_or(Halt::Need(key))?.as_ref(),
        };
        body.map(|body| decode(body, key)).transpose()
    }

    /// The aggregate, or the refusal that says it does not exist.
    pub fn need<T: Aggregate>(&self, id: Id, zh: &str, en: &str) -> Result<T, Halt> {
        self.get(id)?.ok_or_else(|| Refusal::not_found(zh, en, id).into())
    }

    pub fn put<T: Aggregate>(&mut self, aggregate: &T) {
        let id = aggregate.id();
        debug_assert_eq!(id.shard(), self.frame.shard, "an aggregate is written by its own home only");
        let body = rmp_serde::to_vec_named(aggregate).expect("aggregates are plain data and always encode");
        let columns = aggregate.columns();
        assert_eq!(columns.len(), T::TABLE.columns.len(), "columns of {}", T::TABLE.name);
        self.effects
            .rows
            .insert(RowKey::of::<T>(id), RowChange { table: T::TABLE, put: Some((body, columns)) });
    }

    pub fn delete<T: Aggregate>(&mut self, id: Id) {
        self.effects.rows.insert(RowKey::of::<T>(id), RowChange { table: T::TABLE, put: None });
    }

    /// Says an event: a journal entry of this home.
    pub fn say<E: Event>(&mut self, about: About, event: E) {
        self.effects.said.push(Said::new(about, None, event));
    }

    /// Says an event to one home of this service; if it is this one, it comes
    /// back as an event all the same, in its order.
    pub fn say_to<E: Event>(&mut self, home: Shard, about: About, event: E) {
        self.effects.said.push(Said::new(about, Some(home), event));
    }

    /// Sets the one timer of this name and id.
    pub fn arm(&mut self, name: &str, id: Id, due: Time) {
        self.effects.timers.insert((name.to_owned(), id), Some(due));
    }

    pub fn disarm(&mut self, name: &str, id: Id) {
        self.effects.timers.insert((name.to_owned(), id), None);
    }

    /// A fresh id in this bucket. Deterministic in the input.
    pub fn mint(&mut self, bucket: Bucket) -> Id {
        self.minted += 1;
        let mut hasher = blake3::Hasher::new_keyed(&self.frame.seed);
        hasher.update(&self.minted.to_le_bytes());
        let mut entropy = [0; 9];
        hasher.finalize_xof().fill(&mut entropy);
        Id::mint(self.frame.now, bucket, entropy)
    }

    pub fn finish(self) -> Effects {
        self.effects
    }
}

/// A body that does not decode is a broken invariant: it was written by us.
fn decode<T: Aggregate>(body: &[u8], key: RowKey) -> Result<T, Halt> {
    match rmp_serde::from_slice(body) {
        Ok(aggregate) => Ok(aggregate),
        Err(error) => panic!("the body of {} {} cannot be read: {error}", key.table, key.id),
    }
}
