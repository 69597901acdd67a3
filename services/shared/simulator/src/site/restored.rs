//! A schema is put back to an older copy, as a backup is; what others know beyond it is lost.

use std::collections::BTreeMap;

use chassis_core::{Happening, Lost, Opening, epoch::judge, memory::Memory, store::Head};
use proto::Shard;

use super::Site;
use crate::{ground::Ground, order::Takes, plan::SECOND};

#[derive(Clone)]
pub(super) struct Copy {
    store: Memory,
    read_from: Option<u64>,
    published_to: BTreeMap<Shard, u64>,
}

impl<C: Takes> Site<C> {
    pub(super) fn keep_copy(&mut self) {
        self.copy = Some(Copy {
            store: self.store.clone(),
            read_from: self.read_from,
            published_to: self.published_to.clone(),
        });
    }

    pub(super) fn take_copy(&mut self, ground: &mut Ground) {
        let Some(copy) = self.copy.take() else { return };
        for replica in 0..2 {
            let pause = ground.dice.between(SECOND, 10 * SECOND);
            self.die(replica, pause, ground);
        }
        self.store = copy.store;
        (self.read_from, self.published_to) = (copy.read_from, copy.published_to);
    }

    /// On taking shards: does the store still have all that others heard from it?
    pub(super) fn lost(&self, heads: &[Head], ground: &Ground) -> Vec<Lost> {
        let Some(known) = &ground.known else { return Vec::new() };
        let judged = heads.iter().filter_map(|head| {
            judge(head, known.get(&(self.place, head.shard))?, |(epoch, seq)| {
                let entry = self.store.journal(head.shard, seq.checked_sub(1)?).next()?;
                (entry.at.epoch == epoch && entry.at.seq == seq).then_some(entry.hash)
            })
        });
        judged.collect()
    }

    pub(super) fn open_epoch(&mut self, replica: usize, opening: Opening, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        life.tokens += 1;
        let token = life.tokens;
        life.openings.insert(token);
        self.tell(replica, Happening::OpenEpoch { token, opening }, ground);
    }
}
