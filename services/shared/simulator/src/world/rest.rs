//! Once a day nothing goes wrong: everything that was said arrives, everybody is answered, and then nothing moves
//! until the next timer.

use chassis_core::store::Source;
use proto::{Service, Shard};

use super::World;
use crate::{
    plan::{LULL, MINUTE, SECOND},
    site::index,
};

/// Within so long of the lull's beginning everything has come to rest.
const PATIENCE: u64 = LULL - 15 * MINUTE;

impl World {
    /// Ends all faults and waits; then looks. False if something is wrong.
    pub(super) fn come_to_rest(&mut self, look: fn(&mut World)) -> bool {
        self.ground.weather.clear();
        self.ground.skews = [0; 7];
        let begun = self.ground.now;
        self.ground.trace.say(begun, || "the lull begins".to_owned());
        // Whoever was frozen wakes up, and clocks are believed again after the next round trip.
        let mut wait = 6 * MINUTE;
        loop {
            if !self.run(self.ground.now + wait) {
                return false;
            }
            self.see_to_quarantine();
            let Some(unrest) = self.unrest() else { break };
            if self.ground.now > begun + PATIENCE {
                self.ground.violation(format!("it does not come to rest: {unrest}"));
                return false;
            }
            wait = 10 * SECOND;
        }
        look(self);
        self.ground.violations.is_empty()
    }

    /// What is still under way.
    fn unrest(&self) -> Option<String> {
        if let Some(request) = self.requests.iter().find(|request| request.outcome.is_none()) {
            return Some(format!("request {} is not answered", request.ask.request.id));
        }
        if let Some(site) = self.sites.iter().find(|site| !site.store().set_aside().is_empty()) {
            return Some(format!("{} has something in quarantine", site.service()));
        }
        if let Some(site) = self.sites.iter().find(|site| !site.is_idle()) {
            return Some(format!("{} is at work", site.service()));
        }
        if self.is_anybody_judging() {
            return Some("a moment is waited for".to_owned());
        }
        if let Some(late) = self.late_timer() {
            return Some(late);
        }
        self.unheard()
    }

    /// A timer that should have fired.
    fn late_timer(&self) -> Option<String> {
        let all: Vec<Shard> = Shard::all().collect();
        self.sites.iter().enumerate().find_map(|(place, site)| {
            let first = site.store().timers(&all).rows.into_iter().next()?;
            let now = self.ground.database_time(place);
            (first.due <= now)
                .then(|| format!("{} of {} is due since {:?}", first.name, site.service(), first.due))
        })
    }

    /// An entry that somebody has not taken in.
    fn unheard(&self) -> Option<String> {
        let directory = self.sites[index(Service::Directory)].store();
        let first = Shard::all().next().expect("there are shards");
        let rules = directory.head(first).seq;
        for site in &self.sites {
            for replica in 0..2 {
                let Some(known) = site.directory(replica) else { continue };
                if known.seq() != rules {
                    return Some(format!(
                        "{} knows the directory up to {} of {rules}",
                        site.service(),
                        known.seq()
                    ));
                }
                for shard in site.owned(replica) {
                    let mut sources = site.sources().iter().filter(|service| **service != Service::Directory);
                    let behind = sources.find(|service| {
                        let source = Source { service: **service, from: *shard, to: *shard, peer: false };
                        let head = self.store(**service).head(*shard);
                        head.seq > 0
                            && site.reached(replica, &source).is_none_or(|at| at < (head.epoch, head.seq))
                    });
                    if let Some(service) = behind {
                        return Some(format!("{} has not heard {service} shard {shard}", site.service()));
                    }
                }
            }
            let pairs: Vec<_> = site.store().pairs().collect();
            for (from, to, seq) in pairs {
                let source = Source { service: site.service(), from, to, peer: true };
                let reached = site.owner(to).and_then(|owner| site.reached(owner, &source));
                let head = (site.store().head(from).epoch, seq);
                if reached.is_none_or(|reached| reached < head) {
                    return Some(format!("{} shard {to} has not heard its shard {from}", site.service()));
                }
            }
        }
        None
    }
}
