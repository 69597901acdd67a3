//! The end of some worlds: all databases are put back to copies of the last day, as from a backup, and the stream knows
//! more.
//!
//! Every shard that others know further stands still until an administrator gives up what it has lost, shard by shard,
//! in any order; then everything goes on. At rest whatever was accepted and is gone stands in a stretch that is on
//! record as withdrawn, and everything else is as it must be.

use std::collections::BTreeMap;

use chassis_core::{
    Opening,
    epoch::{Known, Place},
    store::RequestKey,
};
use proto::{Bucket, Id, Service, Shard, envelope::Position};

use super::World;
use crate::{
    event::{Event, Told},
    founding,
    ground::Ground,
    plan::{HOUR, MINUTE},
    quiet,
};

/// So long nobody does anything about it.
const WAITING: u64 = 10 * MINUTE;
/// Within so long everything is given up.
const ORDERS: u64 = 20 * MINUTE;
/// Who gave the order looks after so long whether it was carried out.
const LOOK: u64 = MINUTE;
const CALLS: usize = 12;

impl World {
    /// What was planned for a world that is no more.
    pub(super) fn is_over(&self, event: &Event) -> bool {
        let of_plan = matches!(
            event,
            Event::Repeat { .. }
                | Event::Burst { .. }
                | Event::Reorganise(_)
                | Event::Fault(_)
                | Event::Impatient(_)
        );
        of_plan && self.ground.known.is_some()
    }

    pub(super) fn put_back(&mut self) {
        if self.plan.profile.copied_at.is_none() {
            return;
        }
        self.ground.known = Some(known_by_stream(&self.ground));
        self.watch.figures.put_back += 1;
        for site in &mut self.sites {
            site.put_back(&mut self.ground);
        }
        let before = self.heads();
        if !self.run(self.ground.now + WAITING) {
            return;
        }
        self.nothing_goes_on(&before);
        self.plan_orders();
        if self.run(self.ground.now + ORDERS + HOUR) && self.come_to_rest(quiet::look_after_copies) {
            self.what_is_gone_is_listed();
        }
    }

    fn heads(&self) -> BTreeMap<(usize, Shard), Place> {
        let places =
            (0..self.sites.len()).flat_map(|service| Shard::all().map(move |shard| (service, shard)));
        let head = |(service, shard): (usize, Shard)| {
            let head = self.sites[service].store().head(shard);
            ((service, shard), (head.epoch, head.seq))
        };
        places.map(head).collect()
    }

    /// Exactly the shards that others know further wait, and nothing is said for them.
    fn nothing_goes_on(&mut self, before: &BTreeMap<(usize, Shard), Place>) {
        let now = self.heads();
        let known = self.ground.known.clone().unwrap_or_default();
        for (place, head) in before {
            let is_behind = known.get(place).is_some_and(|known| known.iter().any(|known| known.at > *head));
            let waits = self.waiting(place.0, place.1).is_some();
            let name = format!("{} shard {}", Service::ALL[place.0], place.1);
            if is_behind != waits {
                self.ground.violation(format!("{name}: others know more: {is_behind}; it waits: {waits}"));
            }
            if waits && now[place] != *head {
                self.ground.violation(format!("{name} goes on after {head:?} though it has lost its tail"));
            }
        }
    }

    /// Which replica waits with this shard, and what is known beyond it.
    fn waiting(&self, service: usize, shard: Shard) -> Option<(usize, Place)> {
        (0..2).find_map(|replica| {
            let lost = self.sites[service].lost_shards(replica);
            let lost = lost.into_iter().find(|lost| lost.shard == shard)?;
            Some((replica, lost.known))
        })
    }

    fn plan_orders(&mut self) {
        for service in 0..self.sites.len() {
            for shard in Shard::all() {
                let delay = self.ground.dice.between(1, ORDERS);
                self.ground.after(delay, Event::GiveUp { service, shard });
            }
        }
        for call in 0..CALLS.min(self.plan.calls.len()) {
            let delay = self.ground.dice.between(1, ORDERS + HOUR / 2);
            self.ground.after(delay, Event::Call(call));
        }
    }

    /// As often as it takes: a replica that begins anew forgets what it was told.
    pub(super) fn give_up(&mut self, service: usize, shard: Shard) {
        let Some((replica, known)) = self.waiting(service, shard) else { return };
        self.ground.after(LOOK, Event::GiveUp { service, shard });
        let Some(who) = self.sites[service].who(replica) else { return };
        let actor = founding::administrator().code();
        let id = Id::mint(self.ground.time(), Bucket::first_of(shard), self.cast.dice.bytes());
        let opening = Opening {
            shard,
            actor: actor.clone(),
            request: RequestKey { caller: actor, id },
            content: [0; 16],
            reason: "restored".to_owned(),
            withdraw: Some(known),
        };
        self.ground.soon(Event::To(who, Told::OpenEpoch(Box::new(opening))));
    }

    /// Nothing is skipped silently (P1).
    fn what_is_gone_is_listed(&mut self) {
        let accepted: Vec<Position> = self
            .requests
            .iter()
            .filter_map(|request| Some(request.outcome.as_ref()?.as_ref().ok()?.at))
            .collect();
        let known = self.ground.known.clone().unwrap_or_default();
        for at in accepted.into_iter().filter(|at| at.seq > 0) {
            let store = self.store(at.service);
            let entry = store.journal(at.shard, at.seq - 1).next();
            if entry.is_some_and(|entry| entry.at == at) {
                continue;
            }
            let place = (at.epoch, at.seq);
            // A stream that was trimmed to nothing knows nothing either.
            let of_shard = known.get(&(crate::site::index(at.service), at.shard));
            if !of_shard.is_some_and(|known| known.iter().any(|known| known.at >= place)) {
                continue;
            }
            let holds = |stretch: &&chassis_core::epoch::Rewinding| {
                stretch.own
                    && !stretch.source.peer
                    && stretch.source.from == at.shard
                    && stretch.from < place
                    && place <= stretch.to
            };
            if store.rewindings().iter().any(|stretch| holds(&stretch)) {
                self.watch.figures.given_up += 1;
            } else {
                self.ground.violation(format!("P1: what was accepted at {at} is gone, and nobody says so"));
            }
        }
        let stretches = Service::ALL.into_iter().flat_map(|service| self.store(service).rewindings());
        let withdrawn = stretches.filter(|stretch| stretch.own && !stretch.source.peer);
        self.watch.figures.withdrawn += withdrawn.map(|stretch| stretch.to.1 - stretch.from.1).sum::<u64>();
    }
}

/// The newest message of each shard.
fn known_by_stream(ground: &Ground) -> BTreeMap<(usize, Shard), Vec<Known>> {
    let mut newest: BTreeMap<(usize, Shard), Known> = BTreeMap::new();
    for entry in ground.bus.messages() {
        let place = (entry.at.epoch, entry.at.seq);
        let known = Known {
            by: "stream".to_owned(),
            at: place,
            hash: entry.hash[..8].to_vec(),
            recorded_at: Some(entry.recorded_at),
        };
        let of_shard = (crate::site::index(entry.at.service), entry.at.shard);
        if newest.get(&of_shard).is_none_or(|newest| newest.at < place) {
            newest.insert(of_shard, known);
        }
    }
    newest.into_iter().map(|(place, known)| (place, vec![known])).collect()
}
