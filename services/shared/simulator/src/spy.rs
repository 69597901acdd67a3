//! A core with somebody watching from inside of its steps.
//!
//! Every event that reaches the core is counted in a row of the source that it came from, in the same step and so in
//! the same transaction as what the core does about it. When the world is at rest the rows are compared with the
//! sources' journals: an event that was lost, applied twice or applied out of order shows, whatever the core made of
//! it (P3).

use std::{cell::Cell, collections::BTreeMap, fmt, marker::PhantomData};

use chassis_core::{
    Aggregate, Core, Due, Entry, Halt, Heard, Refusal, RowKey, Step, Table, Value, store::Source,
};
use proto::{AnyEvent, Bucket, Id, Service, Shard, envelope::Position};
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
    pub fn new(source: &Source, case: Option<Id>) -> Tally {
        Tally { id: tally_id(source, case), count: 0, seq: 0, digest: 0 }
    }

    pub fn take(&mut self, at: Position) {
        self.count += 1;
        self.seq = at.seq;
        let place = (u64::from(at.epoch) << 48) ^ at.seq;
        self.digest = (self.digest.rotate_left(7) ^ place).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    /// What a reader of these entries must have heard of each case, in this order: what one case holds back
    /// holds up no other.
    pub fn expected<C: Core>(
        source: &Source,
        entries: impl Iterator<Item = Entry>,
    ) -> BTreeMap<Option<Id>, Tally> {
        let mut tallies = BTreeMap::new();
        let is_for_it = |entry: &Entry| !source.peer || entry.to.is_some_and(|(to, _)| to == source.to);
        for entry in entries.filter(|entry| C::wants(&entry.kind) && is_for_it(entry)) {
            let Ok(event) = AnyEvent::decode(&entry.kind, &entry.payload) else { continue };
            let heard = Heard {
                at: entry.at,
                event,
                subject: entry.about.subject,
                branch: entry.about.branch,
                actor: entry.actor,
                hops: entry.hops,
                recorded_at: entry.recorded_at,
                occurred_at: entry.about.occurred_at,
            };
            let case = case_of::<C>(&heard);
            tallies.entry(case).or_insert_with(|| Tally::new(source, case)).take(heard.at);
        }
        tallies
    }
}

/// What the loop holds back together.
fn case_of<C: Core>(heard: &Heard) -> Option<Id> {
    C::event_keys(heard).first().map(|key| key.id).or(heard.subject)
}

thread_local! {
    /// Which services fail now; a world plays on one thread.
    static POISONED: Cell<[bool; Service::ALL.len()]> = const { Cell::new([false; Service::ALL.len()]) };
}

pub fn poison(services: [bool; Service::ALL.len()]) {
    POISONED.set(services);
}

/// In the words of what is set aside for it.
pub const POISON: &str = "poisoned, as planned";

/// A quarter of what comes, always the same.
fn fails<C: Core>(what: &str) -> Result<(), Halt> {
    let is_poisoned = POISONED.get()[crate::site::index(C::SERVICE)];
    if is_poisoned && blake3::hash(what.as_bytes()).as_bytes()[0].is_multiple_of(4) {
        return Err(Refusal::precondition("poison", POISON, POISON).into());
    }
    Ok(())
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

/// Where the tally of a source and a case is kept: at the shard that reads it.
pub fn tally_id(source: &Source, case: Option<Id>) -> Id {
    let hash = blake3::hash(format!("{source:?} {case:?}").as_bytes());
    Id::of_hash(*hash.as_bytes().first_chunk().unwrap_or(&[0; 16]), Bucket::first_of(source.to))
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
        fails::<C>(&heard.at.to_string())?;
        C::event(heard, step)?;
        let source = source_of(C::SERVICE, heard, step.shard());
        let case = case_of::<C>(heard);
        let tally = step.get::<Tally>(tally_id(&source, case))?;
        let mut tally = tally.unwrap_or_else(|| Tally::new(&source, case));
        tally.take(heard.at);
        step.put(&tally);
        Ok(())
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        fails::<C>(&format!("{} {} {}", due.name, due.id, due.due.0))?;
        C::timer(due, step)
    }
}
