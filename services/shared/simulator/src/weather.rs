//! The faults that lie in wait and those that are in effect.

use proto::Service;

use crate::fault::{Act, Coverage, Fault, Kind};

const SERVICES: usize = Service::ALL.len();

#[derive(Default)]
pub struct Weather {
    /// Lying in wait, with their places in the plan; `true`: at any action.
    traps: Vec<(usize, Fault, bool)>,
    /// Until when each kind is in effect at each service.
    until: [[u64; SERVICES]; Kind::ALL.len()],
    /// The last moment at which any is.
    last: u64,
    pub coverage: Coverage,
}

impl Weather {
    pub fn lie_in_wait(&mut self, place: usize, fault: Fault) {
        self.traps.push((place, fault, false));
    }

    /// A fault that waited long enough for its action takes any.
    pub fn grow_impatient(&mut self, place: usize) {
        for (_, _, any) in self.traps.iter_mut().filter(|(trap, ..)| *trap == place) {
            *any = true;
        }
    }

    /// A writer is about to act: the fault that strikes now, if one does.
    pub fn strike(&mut self, service: usize, act: Act, now: u64) -> Option<(usize, Fault)> {
        if now < self.last {
            for kind in Kind::ALL {
                if self.until[kind as usize][service] > now {
                    self.coverage.note(act, kind);
                }
            }
        }
        let hit =
            |(_, fault, any): &(usize, Fault, bool)| fault.service == service && (*any || fault.act == act);
        let place = self.traps.iter().position(hit)?;
        let (number, fault, _) = self.traps.remove(place);
        self.coverage.note(act, fault.kind);
        Some((number, fault))
    }

    /// A fault takes effect for its time; a broker's for everybody.
    pub fn begin(&mut self, kind: Kind, service: usize, until: u64) {
        let of_all = matches!(kind, Kind::BrokerDown | Kind::BrokerWiped | Kind::BrokerTrimmed);
        for (place, end) in self.until[kind as usize].iter_mut().enumerate() {
            if of_all || place == service {
                *end = until.max(*end);
            }
        }
        self.last = self.last.max(until);
    }

    pub fn is(&self, kind: Kind, service: usize, now: u64) -> bool {
        self.until[kind as usize][service] > now
    }

    pub fn until(&self, kind: Kind, service: usize) -> u64 {
        self.until[kind as usize][service]
    }

    /// From here on nothing goes wrong.
    pub fn clear(&mut self) {
        self.traps.clear();
        self.until = Default::default();
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Kind, act: Act) -> Fault {
        Fault { at: 0, kind, service: 2, act, lasts: 10, strength: 0 }
    }

    #[test]
    fn a_fault_strikes_once_at_its_action() {
        let mut weather = Weather::default();
        weather.lie_in_wait(4, fault(Kind::Frozen, Act::Commit));
        assert!(weather.strike(2, Act::Load, 0).is_none());
        assert!(weather.strike(1, Act::Commit, 0).is_none());
        assert_eq!(weather.strike(2, Act::Commit, 0).map(|(place, _)| place), Some(4));
        assert!(weather.strike(2, Act::Commit, 0).is_none());
        weather.lie_in_wait(5, fault(Kind::Frozen, Act::Commit));
        weather.grow_impatient(5);
        assert!(weather.strike(2, Act::Load, 0).is_some());
        assert_eq!(weather.coverage.struck(Kind::Frozen), 2);
    }

    #[test]
    fn a_broker_is_down_for_everybody_and_every_action_under_it_counts() {
        let mut weather = Weather::default();
        weather.begin(Kind::BrokerDown, 2, 50);
        weather.begin(Kind::Partition, 2, 40);
        assert!(weather.is(Kind::BrokerDown, 6, 49) && !weather.is(Kind::BrokerDown, 6, 50));
        assert!(weather.is(Kind::Partition, 2, 39) && !weather.is(Kind::Partition, 1, 39));
        assert!(weather.strike(2, Act::Load, 45).is_none());
        assert_eq!(
            (weather.coverage.struck(Kind::BrokerDown), weather.coverage.struck(Kind::Partition)),
            (1, 0)
        );
        weather.clear();
        assert!(!weather.is(Kind::BrokerDown, 6, 1));
    }
}
