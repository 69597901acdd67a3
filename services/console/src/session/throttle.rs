//! Against trying many names from one place. The directory locks a name after
//! five failures; this is about places, and forgets by itself.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

const FAILURES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(300);
const REMEMBERED: usize = 20_000;

#[derive(Clone, Default)]
pub struct Throttle(Arc<Mutex<HashMap<IpAddr, (u32, Instant)>>>);

impl Throttle {
    pub fn is_shut(&self, place: IpAddr, now: Instant) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(&place)
            .is_some_and(|(count, since)| *count >= FAILURES && now.duration_since(*since) < WINDOW)
    }

    pub fn failed(&self, place: IpAddr, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, (_, since)| now.duration_since(*since) < WINDOW);
        }
        if known.len() >= REMEMBERED && !known.contains_key(&place) {
            return;
        }
        let (count, since) = known.entry(place).or_insert((0, now));
        if now.duration_since(*since) >= WINDOW {
            (*count, *since) = (0, now);
        }
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shut_after_twenty_failures_and_opens_again() {
        let throttle = Throttle::default();
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::now();
        (0..FAILURES).for_each(|_| throttle.failed(here, now));
        assert!(throttle.is_shut(here, now) && !throttle.is_shut(there, now));
        assert!(!throttle.is_shut(here, now + WINDOW));
    }
}
