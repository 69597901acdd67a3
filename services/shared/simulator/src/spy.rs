//! A core with somebody watching from inside of its steps.
//!
//! Every event that reaches the core is counted in a row of the source that it came from, in the same step and so in
//! the same transaction as what the core does about it. When the world is at rest the rows are compared with the
//! sources' journals: an event that was lost, applied twice or applied out of order shows, whatever the core made of
//! it (P3).

use std::{fmt, marker::PhantomData};

use chassis_core::{Aggregate, Core, Due, Entry, Halt, Heard, RowKey, Step, Table, Value, store::Source};
use proto::{Bucket, Id, Service, Shard, envelope::Position};
use serde::{Deserialize, Serialize};

/// The core `C`, watched.
pub struct Spied<C>(PhantomData<C>);

/// What was heard from one source.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    id: Id,
    pub count: u64,
    /// The newest one.
    pub seq: u64,
    /// Over all places in their order.
    digest: u64,
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} heard, the newest {}, digest {:016x}", self.count, self.seq, self.digest)
    }
}

impl Tally {
    pub fn new(source: &Source) -> Tally {
        Tally { id: tally_id(source), count: 0, seq: 0, digest: 0 }
    }

    pub fn take(&mut self, at: Position) {
        self.count += 1;
        self.seq = at.seq;
        let place = (u64::from(at.epoch) << 48) ^ at.seq;
        self.digest = (self.digest.rotate_left(7) ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// What a reader of these entries, in this order, must have heard.
    pub fn expected<C: Core>(source: &Source, entries: impl Iterator<Item = Entry>) -> Tally {
        let mut tally = Tally::new(source);
        let is_for_it = |entry: &Entry| !source.peer || entry.to.is_some_and(|(to, _)| to == source.to);
        entries
            .filter(|entry| C::wants(&entry.kind) && is_for_it(entry))
            .for_each(|entry| tally.take(entry.at));
        tally
    }
}

impl Aggregate for Tally {
    const TABLE: &'static Table = &Table { name: "simulator_tally", columns: &[] };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Where the tally of a source is kept: at the shard that reads it.
pub fn tally_id(source: &Source) -> Id {
    let mut hash = [0; 16];
    hash[0] = source.service.name().as_bytes()[0];
    hash[1] = source.service.name().as_bytes()[1];
    hash[9] = source.from.number() as u8;
    hash[10] = source.to.number() as u8;
    hash[11] = u8::from(source.peer);
    Id::of_hash(hash, Bucket::first_of(source.to))
}

fn source_of(service: Service, heard: &Heard, to: Shard) -> Source {
    Source { service: heard.at.service, from: heard.at.shard, to, peer: heard.at.service == service }
}

impl<C: Core> Core for Spied<C> {
    type Command = C::Command;
    type Reply = C::Reply;

    const SERVICE: Service = C::SERVICE;
    const SOURCES: &'static [Service] = C::SOURCES;
    const TABLES: &'static [&'static Table] = C::TABLES;
    const JUDGES: bool = C::JUDGES;

    fn wants(kind: &str) -> bool {
        C::wants(kind)
    }

    fn command_keys(command: &Self::Command) -> Vec<RowKey> {
        C::command_keys(command)
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        C::event_keys(heard)
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        C::timer_keys(due)
    }

    fn command(command: &Self::Command, step: &mut Step<'_>) -> Result<Self::Reply, Halt> {
        C::command(command, step)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        C::event(heard, step)?;
        let source = source_of(C::SERVICE, heard, step.shard());
        let mut tally = step.get::<Tally>(tally_id(&source))?.unwrap_or_else(|| Tally::new(&source));
        tally.take(heard.at);
        step.put(&tally);
        Ok(())
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        C::timer(due, step)
    }
}
