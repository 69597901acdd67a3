//! A site as the world sees it, whatever its core.

use chassis_core::{Entry, Happening, Lost, memory::Memory, store::Source};
use organisation::Snapshot;
use proto::{Service, Shard};

use super::{Caller, Life, Site};
use crate::{
    event::{Event, Told, Who},
    fault::Kind,
    ground::Ground,
    order::{Order, Takes},
    plan::SECOND,
    spy::{Spied, Tally, tally_id},
};
/// A service, whatever its core.
pub trait Place {
    fn service(&self) -> Service;
    fn sources(&self) -> &'static [Service];
    fn store(&self) -> &Memory;
    fn poll(&mut self, replica: usize, ground: &mut Ground);
    fn told(&mut self, who: Who, told: Told, ground: &mut Ground);
    /// A caller's request comes to a replica.
    fn deliver(&mut self, replica: usize, caller: Caller, order: &Order, ground: &mut Ground);
    fn thaw(&mut self, replica: usize, ground: &mut Ground);
    /// Every replica that reads learns that the stream has grown.
    fn wake_readers(&mut self, ground: &mut Ground);
    /// Whose session holds the shard.
    fn owner(&self, shard: Shard) -> Option<usize>;
    /// The replica, if it lives and owns anything.
    fn who(&self, replica: usize) -> Option<Who>;
    fn owned(&self, replica: usize) -> &[Shard];
    fn frozen_until(&self, replica: usize) -> u64;
    /// How far the replica has taken in a source.
    fn reached(&self, replica: usize, source: &Source) -> Option<(u32, u64)>;
    fn directory(&self, replica: usize) -> Option<&Snapshot>;
    fn announced(&mut self, replica: usize);
    fn copy(&mut self);
    /// The schema is what it was when it was copied; whoever worked on it dies.
    fn put_back(&mut self, ground: &mut Ground);
    fn lost_shards(&self, replica: usize) -> Vec<Lost>;
    /// Nothing is under way: nothing waits, nothing is asked of the store, everything is published.
    fn is_idle(&self) -> bool;
    /// Sources of which not exactly the journal was heard.
    /// Sources of which not exactly the journal was heard. Cases of which something was taken back do not count: it may
    /// have been heard before.
    fn misheard(
        &self,
        journal: &dyn Fn(Service, Shard) -> Vec<Entry>,
        withdrawn: &dyn Fn(Service, Shard) -> Vec<Entry>,
    ) -> Vec<String>;
}

impl<C: Takes> Place for Site<C> {
    fn service(&self) -> Service {
        C::SERVICE
    }

    fn sources(&self) -> &'static [Service] {
        C::SOURCES
    }

    fn store(&self) -> &Memory {
        &self.store
    }

    fn poll(&mut self, replica: usize, ground: &mut Ground) {
        if self.living(replica).is_some() {
            return;
        }
        if ground.weather.is(Kind::DatabaseDown, self.place, ground.now) {
            let delay = ground.dice.between(SECOND / 2, SECOND);
            return ground.after(delay, Event::Poll(self.place, replica));
        }
        let shards = self.free(replica);
        if !shards.is_empty() {
            self.lock(replica, &shards);
            self.begin(replica, shards, ground);
        }
    }

    fn told(&mut self, who: Who, told: Told, ground: &mut Ground) {
        if self.who(who.replica) != Some(who) {
            return;
        }
        if let Told::SessionEnds = told {
            return self.session_ends(who.replica, ground);
        }
        let frozen_until = self.replicas[who.replica].frozen_until;
        if frozen_until > ground.now && !matches!(told, Told::Reach) {
            return ground.queue.plan(frozen_until + 1, Event::To(who, told));
        }
        self.listen(who, told, ground);
    }

    fn deliver(&mut self, replica: usize, caller: Caller, order: &Order, ground: &mut Ground) {
        let home = order.home();
        let Some(life) = self.replicas[replica].life.as_mut() else { return self.refuse(&caller, ground) };
        let token = life.tokens + 1;
        let ask = caller.ask.clone();
        let happening = match order {
            Order::Quarantine(_, order) => Happening::Order { token, ask, order: order.clone() },
            _ => {
                let Some(command) = C::take(order) else { return };
                Happening::Command { token, home, ask, command }
            }
        };
        life.tokens = token;
        life.callers.insert(token, caller);
        self.tell(replica, happening, ground);
    }

    fn thaw(&mut self, replica: usize, ground: &mut Ground) {
        self.drive(replica, ground);
    }

    fn wake_readers(&mut self, ground: &mut Ground) {
        for replica in 0..2 {
            let Some(who) = self.who(replica) else { continue };
            // Publishers look at the stream now and then: one that was wiped is refilled, also by those with nothing new.
            if self.published_to.values().any(|created| *created != ground.bus.created) {
                self.wake_publisher(replica, ground);
            }
            let Some(life) = self.replicas[replica].life.as_mut() else { continue };
            if !std::mem::replace(&mut life.reader.pumping, true) {
                ground.soon(Event::To(who, Told::Pump));
            }
        }
    }

    fn owner(&self, shard: Shard) -> Option<usize> {
        self.locks[usize::from(shard.number())]
    }

    fn who(&self, replica: usize) -> Option<Who> {
        let life = self.replicas[replica].lives;
        self.living(replica).map(|_| Who { service: self.place, replica, life })
    }

    fn owned(&self, replica: usize) -> &[Shard] {
        self.living(replica).map_or(&[], |life| &life.owned)
    }

    fn frozen_until(&self, replica: usize) -> u64 {
        self.replicas[replica].frozen_until
    }

    fn reached(&self, replica: usize, source: &Source) -> Option<(u32, u64)> {
        self.living(replica)?.machine.cursor(source).map(|cursor| (cursor.epoch, cursor.seq))
    }

    fn directory(&self, replica: usize) -> Option<&Snapshot> {
        self.living(replica).map(|life| life.machine.directory())
    }

    fn announced(&mut self, replica: usize) {
        self.replicas[replica].life.iter_mut().for_each(|life| life.publisher.announcing = false);
    }

    fn copy(&mut self) {
        self.keep_copy();
    }

    fn put_back(&mut self, ground: &mut Ground) {
        self.take_copy(ground);
    }

    fn lost_shards(&self, replica: usize) -> Vec<Lost> {
        self.living(replica).map_or_else(Vec::new, |life| life.machine.lost().cloned().collect())
    }

    fn is_idle(&self) -> bool {
        let everything_is_owned = self
            .replicas
            .iter()
            .flat_map(|replica| &replica.wanted)
            .all(|shard| self.owner(*shard).is_some());
        let is_idle = |life: &Life<Spied<C>>| {
            life.session
                && life.actions.is_empty()
                && life.flight.is_none()
                && life.machine.waiting_commands() == 0
        };
        everything_is_owned
            && self
                .replicas
                .iter()
                .filter_map(|replica| replica.life.as_ref())
                .all(|life| is_idle(life) && life.publisher.is_done(|shard| self.store.head(shard).seq))
    }

    fn misheard(
        &self,
        journal: &dyn Fn(Service, Shard) -> Vec<Entry>,
        withdrawn: &dyn Fn(Service, Shard) -> Vec<Entry>,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |source: Source| {
            let entries = journal(source.service, source.from);
            let expected = Tally::expected::<C>(&source, entries.into_iter());
            let ghosts = Tally::expected::<C>(&source, withdrawn(source.service, source.from).into_iter());
            for (case, expected) in expected.into_iter().filter(|(case, _)| !ghosts.contains_key(case)) {
                let heard = self.store.body(chassis_core::RowKey::of::<Tally>(tally_id(&source, case)));
                let heard: Option<Tally> = heard.and_then(|body| rmp_serde::from_slice(&body).ok());
                if heard != Some(expected) {
                    wrong.push(format!(
                        "P3: {} of {source:?} for {case:?}: {heard:?}, the journal has {expected:?}",
                        C::SERVICE
                    ));
                }
            }
        };
        for shard in Shard::all() {
            for service in C::SOURCES.iter().filter(|service| **service != Service::Directory) {
                compare(Source { service: *service, from: shard, to: shard, peer: false });
            }
        }
        for (from, to, _) in self.store.pairs() {
            compare(Source { service: C::SERVICE, from, to, peer: true });
        }
        wrong
    }
}
