//! What a batch may change of quarantine: queues grow, fail again and shrink as the loop has them do.

use chassis_core::{
    aside::{Fault, SetAside, Trying},
    memory::Memory,
    store::Batch,
};
use proto::{Bucket, Id, Shard};
use rand::RngExt;

use super::Draw;

impl Draw {
    pub(super) fn asides(&mut self, batch: &mut Batch, memory: &Memory, held: &[Shard]) {
        let to = held[self.below(held.len() as u64) as usize];
        let known = memory.set_aside();
        if self.chance(2) {
            let aside = self.aside(memory, to);
            batch.aside.put.push(aside);
        }
        for aside in known {
            match self.below(8) {
                0 => batch.aside.put.push(SetAside { fault: self.fault(), reason: self.text(), ..aside }),
                1 => batch.aside.gone.push(aside.id),
                2 => batch.aside.gone_timers.extend(aside.aggregate.map(|of| (of, aside.cause))),
                _ => {}
            }
        }
        // What is put stays, whatever else is said of it: the loop never says both.
        let put: Vec<(Id, String)> = batch
            .aside
            .put
            .iter()
            .filter_map(|aside| Some((aside.aggregate?, aside.cause.clone())))
            .collect();
        batch.aside.gone_timers.retain(|timer| !put.contains(timer));
        let gone = batch.aside.gone.clone();
        batch.aside.gone_timers.retain(|(of, cause)| {
            let is_it = |aside: &SetAside| aside.aggregate == Some(*of) && aside.cause == *cause;
            !memory.set_aside().iter().any(|aside| is_it(aside) && gone.contains(&aside.id))
        });
        if self.chance(4) {
            let now = self.chance(2).then(|| self.name());
            let killers = (0..self.below(3)).map(|_| self.name()).collect();
            batch.aside.trying.push(Trying { shard: to, now, killers });
        }
    }

    /// One more at the end of a queue, or one that holds nothing.
    fn aside(&mut self, memory: &Memory, to: Shard) -> SetAside {
        let aggregate = (!self.chance(4)).then(|| self.id());
        let bucket = aggregate.map_or_else(|| Bucket::first_of(to), Id::bucket);
        let last = aggregate.and_then(|id| memory.queue(id, 1_000).pop()).map_or(0, |last| last.place);
        SetAside {
            id: Id::mint(self.time(), bucket, self.dice.random()),
            aggregate,
            place: if aggregate.is_some() { last + 1 } else { 0 },
            cause: self.name(),
            kind: self.text(),
            payload: self.bytes(),
            fault: self.fault(),
            reason: self.text(),
            at: self.time(),
        }
    }

    fn fault(&mut self) -> Option<Fault> {
        Fault::ALL.get(self.below(Fault::ALL.len() as u64 + 1) as usize).copied()
    }

    /// What names an input: one line.
    fn name(&mut self) -> String {
        format!("request:{} {}", self.below(6), self.text().replace('\n', ""))
    }

    /// The queue of something that is held, of an input in it, or of nothing.
    pub(super) fn queue(&mut self, memory: &Memory) -> Option<(Id, usize)> {
        let known = memory.set_aside();
        let limit = 1 + self.below(4) as usize;
        let place = self.below(known.len() as u64 + 1) as usize;
        Some(match known.get(place) {
            Some(aside) if self.chance(2) => (aside.aggregate.unwrap_or(aside.id), limit),
            Some(aside) => (aside.id, limit),
            None if self.chance(2) => return None,
            None => (self.id(), limit),
        })
    }
}
