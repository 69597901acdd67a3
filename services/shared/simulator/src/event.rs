//! What is going to happen, in the order of time. Things of the same moment happen in the order in which they were
//! planned, so a seed has one course only.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use chassis_core::{Incoming, Opening, Outcome, store::Source};
use proto::{Service, Shard, Time};

use crate::cast::Task;

/// A replica in one of its lives. What is meant for a life that is over is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// Place in `Service::ALL`.
    pub service: usize,
    pub replica: usize,
    pub life: u64,
}

/// What one replica is told.
pub enum Told {
    Wake,
    /// What it asked of the database arrives there.
    Reach,
    /// The database's answer arrives.
    Return,
    /// There may be something to read in the stream.
    Pump,
    /// There may be something to publish.
    Send,
    Acknowledged(Vec<(Shard, u64)>),
    /// A message that was late.
    Late(Source, Box<Incoming>),
    LateDirectory(Box<Incoming>),
    Announced(Source, u32, u64),
    DirectoryAnnounced(u32, u64),
    Repaired(Source, Vec<Incoming>),
    DirectoryRepaired(Vec<Incoming>),
    AskedPassed {
        barrier: u64,
        until: Time,
    },
    Passed {
        until: Time,
        heads: Vec<(Service, Shard, u32, u64)>,
        silent: Vec<Service>,
    },
    /// Time to look for shards that came free.
    MoreShards,
    /// The database ends its session.
    SessionEnds,
    /// An administrator gives up what a shard has lost.
    OpenEpoch(Box<Opening>),
}

/// What one service asks of another.
#[derive(Clone, Copy, Debug)]
pub enum Question {
    /// All heads, once; with the number of tries so far.
    Heads(usize, u32),
    Repair(Source, (u32, u64)),
    RepairDirectory(u64),
    Passed(Time),
}

pub enum Event {
    /// A replica looks for shards to own.
    Poll(usize, usize),
    To(Who, Told),
    Ask(Who, Question),
    /// A replica says where its journals end; the second time after twice as long.
    Announce(Who, u64),
    /// A service looks for addressed entries that were lost with nothing after them.
    Pairs(usize),
    BarrierRound(u64, u64),
    BarrierAnswer {
        barrier: u64,
        service: usize,
        heads: Vec<(Shard, u32, u64)>,
    },
    /// A caller asks, or asks again.
    Try(usize),
    Deliver {
        request: usize,
        attempt: u32,
        service: usize,
        replica: usize,
    },
    Answered {
        request: usize,
        attempt: u32,
        outcome: Outcome,
    },
    /// The caller's patience ends.
    Patience {
        request: usize,
        attempt: u32,
    },
    /// An answered request is sent once more; the second time with other content.
    Repeat {
        request: usize,
        forged: bool,
    },
    Burst {
        service: usize,
        count: u64,
    },
    Call(usize),
    Deed(Box<Task>),
    /// The organisation changes.
    Reorganise(u64),
    /// A message to somebody is sent out.
    Tell {
        notice: proto::Id,
        since: Time,
        shard: Shard,
        again: bool,
    },
    Thaw(usize, usize),
    /// A fault begins to lie in wait.
    Fault(usize),
    /// It waited long enough: any action will do.
    Impatient(usize),
    ClockRight(usize),
    /// An administrator looks at what is in quarantine.
    SeeToQuarantine,
    /// All databases are copied.
    Copy,
    /// An administrator gives up what a shard has lost, if it waits for that.
    GiveUp {
        service: usize,
        shard: Shard,
    },
}

struct Planned {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Planned) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Planned) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Planned) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Everything that is planned.
#[derive(Default)]
pub struct Queue {
    heap: BinaryHeap<Reverse<Planned>>,
    numbers: u64,
}

impl Queue {
    pub fn plan(&mut self, at: u64, event: Event) {
        self.numbers += 1;
        self.heap.push(Reverse(Planned { at, number: self.numbers, event }));
    }

    /// The next one up to a moment.
    pub fn next(&mut self, until: u64) -> Option<(u64, Event)> {
        if self.heap.peek()?.0.at > until {
            return None;
        }
        self.heap.pop().map(|Reverse(planned)| (planned.at, planned.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_keeps_the_order_of_planning() {
        let mut queue = Queue::default();
        for (at, call) in [(5, 1), (3, 2), (5, 3), (3, 4)] {
            queue.plan(at, Event::Call(call));
        }
        let order: Vec<usize> = std::iter::from_fn(|| match queue.next(5)? {
            (_, Event::Call(call)) => Some(call),
            _ => None,
        })
        .collect();
        assert_eq!(order, [2, 4, 1, 3]);
        queue.plan(9, Event::Call(5));
        assert!(queue.next(8).is_none());
    }
}
