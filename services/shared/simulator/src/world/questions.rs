//! What services ask each other: heads, entries that were missed, whether a moment has passed.

use std::collections::BTreeMap;

use chassis_core::{Incoming, store::Source};
use proto::{SHARDS, Service, Shard, Time};

use super::World;
use crate::{
    event::{Event, Question, Told, Who},
    fault::Kind,
    plan::SECOND,
    site::index,
};

/// A source that stays silent so long is named in the verdict.
const SILENCE: u64 = 30 * SECOND;
const ANNOUNCE_LAST: u64 = 30 * SECOND;
const PAIRS: u64 = 5 * SECOND;
/// The page of a journal that one repair reads.
const PAGE: usize = 1_000;
/// A page may break off while messages are lost.
const BROKEN_OFF: u64 = 300;

/// Somebody judges and waits until a moment has passed everywhere.
pub(super) struct Barrier {
    asker: Who,
    until: Time,
    begun: u64,
    /// By service: the heads of its shards so far.
    heads: BTreeMap<usize, BTreeMap<Shard, (u32, u64)>>,
}

impl Barrier {
    fn is_open(&self, service: usize) -> bool {
        self.heads.get(&service).is_some_and(|heads| heads.len() < usize::from(SHARDS))
    }
}

impl World {
    pub(super) fn ask(&mut self, who: Who, question: Question) {
        match question {
            Question::Heads(service, tries) => self.ask_heads(who, service, tries),
            Question::Repair(source, after) => self.repair(who, source, after),
            Question::RepairDirectory(after) => self.repair_directory(who, after),
            Question::Passed(until) => self.begin_barrier(who, until),
        }
    }

    /// Whether a call to this service comes through.
    fn is_reachable(&self, service: usize) -> bool {
        let is = |kind| self.ground.weather.is(kind, service, self.ground.now);
        !is(Kind::Partition) && !is(Kind::DatabaseDown)
    }

    fn ask_heads(&mut self, who: Who, service: usize, tries: u32) {
        if self.sites[who.service].who(who.replica) != Some(who) {
            return;
        }
        if !self.is_reachable(service) {
            let wait = ((SECOND / 5) << tries.min(6)).min(10 * SECOND);
            return self.ground.after(wait, Event::Ask(who, Question::Heads(service, tries + 1)));
        }
        for shard in Shard::all() {
            self.announce_to(service, shard, who);
        }
    }

    /// Tells one reader where a journal ends, if it is not there yet. True if it was told.
    fn announce_to(&mut self, service: usize, shard: Shard, reader: Who) -> bool {
        let from = Service::ALL[service];
        let head = self.sites[service].store().head(shard);
        if head.seq == 0 {
            return false;
        }
        let told = if from == Service::Directory {
            let seq =
                self.sites[reader.service].directory(reader.replica).map_or(0, |directory| directory.seq());
            (seq < head.seq).then_some(Told::DirectoryAnnounced(head.epoch, head.seq))
        } else {
            let source = Source { service: from, from: shard, to: shard, peer: false };
            let reached = self.sites[reader.service].reached(reader.replica, &source);
            let is_behind = reached.is_some_and(|reached| reached < (head.epoch, head.seq));
            is_behind.then_some(Told::Announced(source, head.epoch, head.seq))
        };
        let Some(told) = told else { return false };
        self.ground.soon(Event::To(reader, told));
        true
    }

    /// A replica says where its journals end, as long as somebody is not there yet.
    pub(super) fn announce(&mut self, who: Who, wait: u64) {
        if self.sites[who.service].who(who.replica) != Some(who) {
            return;
        }
        let mut anybody = false;
        let is_down = self.ground.weather.is(Kind::BrokerDown, who.service, self.ground.now);
        let owned = self.sites[who.service].owned(who.replica).to_vec();
        for reader in self.readers_of(Service::ALL[who.service]) {
            for shard in &owned {
                // Announcements are lost like any other message.
                let is_lost = is_down
                    || (self.ground.weather.is(Kind::MessagesLost, reader.service, self.ground.now)
                        && self.ground.dice.chance(500));
                anybody |= is_lost || self.announce_to(who.service, *shard, reader);
            }
        }
        if anybody {
            self.ground.after(wait, Event::Announce(who, (wait * 2).min(ANNOUNCE_LAST)));
        } else {
            self.sites[who.service].announced(who.replica);
        }
    }

    fn readers_of(&self, service: Service) -> Vec<Who> {
        let reads = |site: &dyn crate::site::Place| {
            let is_directory = service == Service::Directory && site.service() != Service::Directory;
            is_directory || site.sources().contains(&service)
        };
        let reading = self.sites.iter().filter(|site| reads(site.as_ref()));
        reading.flat_map(|site| [site.who(0), site.who(1)]).flatten().collect()
    }

    /// The last numbers of pairs stand in the service's own schema.
    pub(super) fn look_at_pairs(&mut self, service: usize) {
        let site = &self.sites[service];
        let peers: Vec<(Source, (u32, u64))> = site
            .store()
            .pairs()
            .map(|(from, to, seq)| {
                let source = Source { service: site.service(), from, to, peer: true };
                (source, (site.store().head(from).epoch, seq))
            })
            .collect();
        let mut anybody = false;
        for replica in 0..2 {
            let Some(who) = self.sites[service].who(replica) else { continue };
            for (source, head) in &peers {
                let reached = self.sites[service].reached(replica, source);
                if reached.is_some_and(|reached| reached < *head) {
                    anybody = true;
                    self.ground.soon(Event::To(who, Told::Announced(*source, head.0, head.1)));
                }
            }
        }
        if anybody {
            self.ground.after(PAIRS, Event::Pairs(service));
        }
    }

    fn repair(&mut self, who: Who, source: Source, after: (u32, u64)) {
        let service = index(source.service);
        let mut entries: Vec<Incoming> = Vec::new();
        // Its own journal it reads by itself.
        if service == who.service || self.is_reachable(service) {
            let store = self.sites[service].store();
            let is_wanted = |entry: &chassis_core::Entry| match source.peer {
                true => entry.to.is_some_and(|(to, pair)| to == source.to && (entry.at.epoch, pair) > after),
                false => true,
            };
            let first = if source.peer { 0 } else { after.1 };
            let found = store.journal(source.from, first).filter(is_wanted).take(PAGE);
            entries = found.map(|entry| Incoming::of(&entry, 0)).collect();
        }
        self.break_off(who.service, &mut entries);
        self.ground.soon(Event::To(who, Told::Repaired(source, entries)));
    }

    fn repair_directory(&mut self, who: Who, after: u64) {
        let directory = index(Service::Directory);
        let mut entries: Vec<Incoming> = Vec::new();
        if self.is_reachable(directory) {
            let first = Shard::all().next().expect("there are shards");
            let store = self.sites[directory].store();
            entries = store.journal(first, after).take(PAGE).map(|entry| Incoming::of(&entry, 0)).collect();
        }
        self.break_off(who.service, &mut entries);
        self.ground.soon(Event::To(who, Told::DirectoryRepaired(entries)));
    }

    fn break_off(&mut self, service: usize, entries: &mut Vec<Incoming>) {
        let is_lossy = self.ground.weather.is(Kind::MessagesLost, service, self.ground.now);
        if is_lossy && self.ground.dice.chance(BROKEN_OFF) {
            let keep = self.ground.dice.below(entries.len() as u64 + 1);
            entries.truncate(keep as usize);
        }
    }

    fn begin_barrier(&mut self, asker: Who, until: Time) {
        self.barrier_numbers += 1;
        let sources = self.sites[asker.service].sources();
        let heads = sources.iter().filter(|service| **service != Service::Directory);
        let barrier = Barrier {
            asker,
            until,
            begun: self.ground.now,
            heads: heads.map(|service| (index(*service), BTreeMap::new())).collect(),
        };
        self.barriers.insert(self.barrier_numbers, barrier);
        self.barrier_round(self.barrier_numbers, SECOND / 5);
    }

    /// Asks everybody who has not answered yet, once more.
    pub(super) fn barrier_round(&mut self, number: u64, wait: u64) {
        let Some(barrier) = self.barriers.get(&number) else { return };
        if self.sites[barrier.asker.service].who(barrier.asker.replica) != Some(barrier.asker) {
            self.barriers.remove(&number);
            return;
        }
        if self.ground.now >= barrier.begun + SILENCE {
            return self.finish_barrier(number);
        }
        let until = barrier.until;
        let open: Vec<usize> =
            barrier.heads.keys().copied().filter(|service| barrier.is_open(*service)).collect();
        for service in open {
            if self.ground.weather.is(Kind::Partition, service, self.ground.now) {
                continue;
            }
            for who in [self.sites[service].who(0), self.sites[service].who(1)].into_iter().flatten() {
                self.ground.soon(Event::To(who, Told::AskedPassed { barrier: number, until }));
            }
        }
        self.ground.after(wait, Event::BarrierRound(number, (wait * 2).min(SECOND)));
    }

    pub(super) fn barrier_answer(&mut self, number: u64, service: usize, answered: Vec<(Shard, u32, u64)>) {
        if self.ground.weather.is(Kind::Partition, service, self.ground.now) {
            return;
        }
        let Some(barrier) = self.barriers.get_mut(&number) else { return };
        let heads = barrier.heads.entry(service).or_default();
        for (shard, epoch, seq) in answered {
            heads.insert(shard, (epoch, seq));
        }
        if !barrier.heads.keys().any(|service| barrier.is_open(*service)) {
            self.finish_barrier(number);
        }
    }

    /// Everybody has answered, or was silent for too long.
    fn finish_barrier(&mut self, number: u64) {
        let Some(barrier) = self.barriers.remove(&number) else { return };
        let (silent, answered): (Vec<usize>, Vec<usize>) =
            barrier.heads.keys().copied().partition(|service| barrier.is_open(*service));
        let heads = answered.iter().flat_map(|service| {
            let of_it = barrier.heads[service].iter();
            of_it.map(|(shard, (epoch, seq))| (Service::ALL[*service], *shard, *epoch, *seq))
        });
        let passed = Told::Passed {
            until: barrier.until,
            heads: heads.collect(),
            silent: silent.into_iter().map(|service| Service::ALL[service]).collect(),
        };
        self.ground.soon(Event::To(barrier.asker, passed));
    }

    pub(super) fn is_anybody_judging(&self) -> bool {
        let is_waited_for = |barrier: &Barrier| {
            self.sites[barrier.asker.service].who(barrier.asker.replica) == Some(barrier.asker)
        };
        self.barriers.values().any(is_waited_for)
    }
}
