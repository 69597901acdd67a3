//! The machine and epochs: shards that wait, the entry that ends their waiting.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proto::Shard;

use super::Machine;
use crate::{
    batch::{Undo, not_mine},
    core::Core,
    epoch::{self, Lost, Opening},
    input::{Answer, Outcome},
    store::{Batch, DirectoryEntry, Head, Source},
};

type Waiting = BTreeMap<Shard, (Head, Lost)>;

/// Shards that wait, and those that work.
pub(super) fn apart(heads: Vec<Head>, lost: Vec<Lost>) -> (Waiting, BTreeMap<Shard, Head>) {
    let mut heads: BTreeMap<Shard, Head> = heads.into_iter().map(|head| (head.shard, head)).collect();
    let waiting = lost.into_iter().filter_map(|lost| Some((lost.shard, (heads.remove(&lost.shard)?, lost))));
    let waiting = waiting.collect();
    (waiting, heads)
}

/// The epoch in which the directory's newest entry was said.
pub(super) fn of_directory(entries: &[DirectoryEntry]) -> u32 {
    let opened = entries.iter().rev().find_map(|entry| epoch::rewound(&entry.kind, &entry.payload));
    opened.map_or(1, |said| said.epoch)
}

impl<C: Core> Machine<C> {
    /// What this service's own shards addressed to each other stands in its own
    /// store: nothing of an older epoch is taken from the stream.
    pub(super) fn announce_pairs(&mut self, now: Duration) {
        for ((from, to), seq) in &self.pairs {
            let head = self.heads.get(from).or_else(|| self.lost.get(from).map(|(head, _)| head));
            let source = Source { service: C::SERVICE, from: *from, to: *to, peer: true };
            if let (Some(head), Some(inbox)) = (head, self.inboxes.get_mut(&source)) {
                inbox.announced(head.epoch, *seq, now);
            }
        }
    }

    /// Writes the orders that wait into the batch; what they are answered once it is committed.
    pub(super) fn open_epochs(
        &mut self,
        batch: &mut Batch,
        undo: &mut Undo,
        now: Duration,
    ) -> Vec<(u64, Outcome)> {
        let openings = std::mem::take(&mut self.openings);
        let open = |(token, opening)| (token, self.open_epoch(&opening, batch, undo, now));
        openings.into_iter().map(open).collect()
    }

    fn open_epoch(
        &mut self,
        opening: &Opening,
        batch: &mut Batch,
        undo: &mut Undo,
        now: Duration,
    ) -> Outcome {
        let shard = opening.shard;
        let lost = self.lost.get(&shard).map(|(_, lost)| lost);
        let Some(head) = self.heads.get(&shard).or_else(|| self.lost.get(&shard).map(|(head, _)| head))
        else {
            return Err(not_mine(shard));
        };
        opening.check(lost)?;
        let pair = |to: Shard| self.pairs.get(&(shard, to)).copied().unwrap_or_default();
        let stamp = (self.business_now(now), self.directory.seq());
        let opened = epoch::open(C::SERVICE, head, lost, opening, pair, stamp);
        let before = head.seq;
        let at = opened.entries[0].at;
        match batch.heads.iter_mut().find(|written| written.shard == shard) {
            Some(written) => *written = opened.head.clone(),
            None => {
                batch.heads.push(opened.head.clone());
                batch.heads_before.push(before);
            }
        }
        batch.entries.extend(opened.entries.into_iter().map(Arc::new));
        batch.rewindings.extend(opened.rewindings);
        batch.replies.push(opening.remembered(at));
        for (to, seq) in opened.pairs {
            let known = self.pairs.insert((shard, to), seq).unwrap_or_default();
            undo.pairs.entry((shard, to)).or_insert(known);
            batch.pairs.retain(|(from, other, _)| (*from, *other) != (shard, to));
            batch.pairs.push((shard, to, seq));
        }
        if let Some(waited) = self.lost.remove(&shard) {
            undo.lost.insert(shard, waited);
        }
        if let Some(known) = self.heads.insert(shard, opened.head) {
            undo.heads.entry(shard).or_insert(known);
        }
        Ok(Answer { reply: Vec::new(), at })
    }

    /// For a shard that has no head here: it waits, or is somebody else's.
    pub(super) fn lost_shards(&self) -> Vec<Shard> {
        self.lost.keys().copied().collect()
    }
}
