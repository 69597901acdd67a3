//! Quarantine in memory.

use std::collections::BTreeMap;

use proto::{Id, Shard, Time};
use uuid::Uuid;

use super::{Bytes16, Memory, decode, encode, id_of, shard_of};
use crate::aside::{Changes, Fault, FoundAside, Held, SetAside};

/// What stands in the tables `quarantine` and `tenure`.
#[derive(Clone, Debug, Default)]
pub(super) struct Quarantine {
    inputs: BTreeMap<Bytes16, Vec<u8>>,
    tenures: BTreeMap<u16, Vec<u8>>,
}

type Input = (Option<Id>, u64, String, String, Vec<u8>, Option<String>, String, Time);
/// The owner, what he tries, and what former owners died on.
type Tenure = (Uuid, Option<String>, Vec<String>);

impl Quarantine {
    pub fn commit(&mut self, changes: &Changes) {
        let gone = |id: &Id| *id.uuid().as_bytes();
        self.inputs.retain(|_, kept| {
            let (aggregate, _, cause, ..): Input = decode(kept);
            let is_it = |(of, timer): &(Id, String)| aggregate == Some(*of) && cause == *timer;
            !changes.gone_timers.iter().any(is_it)
        });
        for aside in &changes.put {
            self.inputs.insert(*aside.id.uuid().as_bytes(), encode_input(aside));
        }
        for id in &changes.gone {
            self.inputs.remove(&gone(id));
        }
        for trying in &changes.trying {
            let known = self.tenures.get(&trying.shard.number());
            let owner = known.map_or(Uuid::nil(), |kept| decode::<Tenure>(kept).0);
            let tenure: Tenure = (owner, trying.now.clone(), trying.killers.clone());
            self.tenures.insert(trying.shard.number(), encode(&tenure));
        }
    }

    fn all(&self) -> impl Iterator<Item = SetAside> {
        self.inputs.iter().map(|(id, kept)| decode_input(id_of(*id), kept))
    }
}

impl Memory {
    /// A process becomes the owner of these shards, with all that is known of what is set aside there.
    pub fn take(&mut self, held: &[Shard], process: Uuid) -> FoundAside {
        let mut found = FoundAside::default();
        for shard in held {
            let tenure = self.quarantine.tenures.get(&shard.number()).map(|kept| decode::<Tenure>(kept));
            let (owner, trying, mut killers) = tenure.unwrap_or((process, None, Vec::new()));
            if owner != process {
                found.unclean = found.unclean || owner != Uuid::nil();
                killers.extend(trying);
            }
            let mine: Tenure = (process, None, killers.clone());
            self.quarantine.tenures.insert(shard.number(), encode(&mine));
            found.killers.push((*shard, killers));
        }
        let of_it: Vec<SetAside> =
            self.quarantine.all().filter(|aside| held.contains(&aside.shard())).collect();
        found.barred = of_it
            .iter()
            .filter(|aside| aside.aggregate.is_none() && aside.fault == Some(Fault::Died))
            .map(|aside| aside.cause.clone())
            .collect();
        let mut queues: BTreeMap<Id, Vec<&SetAside>> = BTreeMap::new();
        for aside in &of_it {
            queues.entry(aside.aggregate.unwrap_or(aside.id)).or_default().push(aside);
        }
        queues.retain(|_, queue| queue[0].aggregate.is_some());
        for (aggregate, mut queue) in queues {
            queue.sort_by_key(|aside| aside.place);
            let last = queue[queue.len() - 1].place;
            found.held.push((aggregate, Held { head: queue[0].id, fault: queue[0].fault, last }));
        }
        found
    }

    /// The owner goes in order: who follows has no reason to be careful.
    pub fn leave(&mut self, held: &[Shard]) {
        for shard in held {
            if let Some(kept) = self.quarantine.tenures.get_mut(&shard.number()) {
                let (_, _, killers): Tenure = decode(kept);
                *kept = encode(&(Uuid::nil(), None::<String>, killers));
            }
        }
    }

    /// The queue that an input belongs to, or that is held with an aggregate, in order.
    pub fn queue(&self, id: Id, limit: usize) -> Vec<SetAside> {
        let input = self.quarantine.inputs.get(id.uuid().as_bytes()).map(|kept| decode_input(id, kept));
        let aggregate = match input {
            Some(aside) if aside.aggregate.is_none() => return vec![aside],
            Some(aside) => aside.aggregate.unwrap_or(id),
            None => id,
        };
        let mut queue: Vec<SetAside> =
            self.quarantine.all().filter(|other| other.aggregate == Some(aggregate)).collect();
        queue.sort_by_key(|aside| aside.place);
        queue.truncate(limit);
        queue
    }

    /// All that is in quarantine, queue by queue.
    pub fn set_aside(&self) -> Vec<SetAside> {
        let mut all: Vec<SetAside> = self.quarantine.all().collect();
        all.sort_by_key(|aside| (aside.aggregate, aside.place, aside.id));
        all
    }

    /// Shards with their owners, what these try, and what former owners died on.
    pub(super) fn tenures(&self) -> impl Iterator<Item = (Shard, Option<Uuid>, Option<String>, Vec<String>)> {
        self.quarantine.tenures.iter().map(|(shard, kept)| {
            let (owner, trying, killers): Tenure = decode(kept);
            (shard_of(*shard), (!owner.is_nil()).then_some(owner), trying, killers)
        })
    }

    /// What an owner of the shard is trying just now.
    pub fn trying(&self, shard: Shard) -> Option<String> {
        decode::<Tenure>(self.quarantine.tenures.get(&shard_of(shard.number()).number())?).1
    }
}

fn encode_input(aside: &SetAside) -> Vec<u8> {
    let fault = aside.fault.map(|fault| fault.code().to_owned());
    let SetAside { aggregate, place, cause, kind, payload, reason, at, .. } = aside.clone();
    let row: Input = (aggregate, place, cause, kind, payload, fault, reason, at);
    encode(&row)
}

fn decode_input(id: Id, kept: &[u8]) -> SetAside {
    let (aggregate, place, cause, kind, payload, fault, reason, at): Input = decode(kept);
    let fault = fault.and_then(|code| Fault::parse(&code));
    SetAside { id, aggregate, place, cause, kind, payload, fault, reason, at }
}
