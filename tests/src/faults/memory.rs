//! Resident memory of each process, looked at all the time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::faults::crew::{Crew, Seat};

const EVERY: Duration = Duration::from_secs(1);
/// Each process, in kilobytes. Bounded queues hold a few thousand inputs; what grows without end passes this soon.
pub const MOST: u64 = 400 << 10;

/// The most that each held, in kilobytes.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<BTreeMap<Seat, u64>>>);

impl Memory {
    /// For ever.
    pub async fn watch(self, crew: Arc<Crew>) {
        loop {
            self.note(crew.resident());
            tokio::time::sleep(EVERY).await;
        }
    }

    fn note(&self, sample: Vec<(Seat, u64)>) {
        let mut most = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (seat, now) in sample {
            let before = most.entry(seat).or_default();
            *before = now.max(*before);
        }
    }

    pub fn most(&self) -> BTreeMap<Seat, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who held too much.
    pub fn breaches(&self) -> Vec<String> {
        let too_much = self.most().into_iter().filter(|(_, most)| *most > MOST);
        too_much.map(|(seat, most)| format!("{seat} held {} MB", most >> 10)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_kept_and_judged() {
        let memory = Memory::default();
        let [first, second] = [0, 1].map(|place| Seat::all().nth(place).expect("there are fourteen"));
        memory.note(vec![(first, 90_000), (second, MOST + 1)]);
        memory.note(vec![(first, 80_000), (second, 7)]);
        assert_eq!(memory.most()[&first], 90_000);
        assert_eq!(memory.breaches().len(), 1);
    }
}
