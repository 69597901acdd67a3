//! The event stream in memory: messages in the order of their arrival, numbered from 1, until the broker loses them.

use std::{collections::VecDeque, sync::Arc};

use chassis_core::Entry;

#[derive(Debug)]
pub struct Bus {
    /// Tells one life of the broker from another.
    pub created: u64,
    /// The number of the oldest message kept.
    first: u64,
    messages: VecDeque<Arc<Entry>>,
}

impl Default for Bus {
    fn default() -> Bus {
        Bus { created: 1, first: 1, messages: VecDeque::new() }
    }
}

impl Bus {
    pub fn append(&mut self, entry: Arc<Entry>) {
        self.messages.push_back(entry);
    }

    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of the newest message.
    pub fn last(&self) -> u64 {
        self.first + self.messages.len() as u64 - 1
    }

    pub fn get(&self, number: u64) -> Option<&Arc<Entry>> {
        self.messages.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    pub fn messages(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.messages.iter()
    }

    /// Everything is gone, and numbers begin again.
    pub fn wipe(&mut self) {
        *self = Bus { created: self.created + 1, ..Bus::default() };
    }

    /// The oldest are dropped; so many stay.
    pub fn trim(&mut self, keep: usize) {
        let dropped = self.messages.len().saturating_sub(keep);
        self.messages.drain(..dropped);
        self.first += dropped as u64;
    }
}

#[cfg(test)]
mod tests {
    use chassis_core::About;
    use proto::{Service, Shard, Time, envelope::Position};

    use super::*;

    fn entry(seq: u64) -> Arc<Entry> {
        Arc::new(Entry {
            at: Position {
                service: Service::Intake,
                shard: Shard::new(0).expect("the first"),
                epoch: 1,
                seq,
            },
            hash: [0; 32],
            kind: "x".into(),
            payload: Vec::new(),
            about: About::default(),
            actor: String::new(),
            cause: String::new(),
            hops: 0,
            directory_seq: 0,
            recorded_at: Time(0),
            to: None,
            traceparent: String::new(),
        })
    }

    #[test]
    fn numbers_stay_when_the_oldest_go_and_begin_again_when_all_go() {
        let mut bus = Bus::default();
        (1..=5).for_each(|seq| bus.append(entry(seq)));
        bus.trim(2);
        assert_eq!((bus.first(), bus.last()), (4, 5));
        assert!(bus.get(3).is_none() && bus.get(0).is_none());
        assert_eq!(bus.get(4).map(|entry| entry.at.seq), Some(4));
        bus.wipe();
        bus.append(entry(9));
        assert_eq!((bus.created, bus.last()), (2, 1));
        assert_eq!(bus.get(1).map(|entry| entry.at.seq), Some(9));
    }
}
