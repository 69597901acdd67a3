//! An administrator who redrives what was set aside, three times an hour and before the daily rest.

use chassis_core::aside::{Order as Wanted, Wish};
use proto::Id;

use super::World;
use crate::{callers::Purpose, founding, order::Order};

impl World {
    pub(super) fn see_to_quarantine(&mut self) {
        let mut heads: Vec<(proto::Service, Id)> = Vec::new();
        for site in &self.sites {
            let mut last = None;
            // Queue by queue, each in its order: the first of each counts.
            for aside in site.store().set_aside() {
                let is_first = aside.aggregate.is_none() || aside.aggregate != last;
                last = aside.aggregate;
                if is_first && aside.fault.is_some() {
                    heads.push((site.service(), aside.id));
                }
            }
        }
        for (service, id) in heads {
            let asked = self.redriving.get(&id).map(|number| self.requests[*number].outcome.is_none());
            if asked != Some(true) {
                let order = Wanted { id, wish: Wish::Redrive, reason: "mended".to_owned() };
                self.redriving.insert(id, self.requests.len());
                self.request(founding::administrator(), Order::Quarantine(service, order), Purpose::Alone);
            }
        }
    }
}
