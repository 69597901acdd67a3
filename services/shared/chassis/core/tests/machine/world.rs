//! The world around two nodes: clocks, the stream, the directory, clients that
//! ask again until they are answered. Everything may fail while it is faulty;
//! then it is left in peace and has to come to rest.

mod operator;
mod wants;

use std::{collections::HashMap, sync::Arc, time::Duration};

use chassis_core::{
    Actor, Answer, Ask, Entry, Happening, Incoming, Limits, RefusalKind,
    store::{Head, RequestKey},
};
use proto::{Bucket, Event, Id, Service, Shard, Time, directory::v1::DirectoryChanged};

use crate::{
    dice::Dice,
    node::Node,
    toys::{Add, MIRROR_POISON, MIRROR_UNSTORABLE, Mirror, POISON, Till, UNSTORABLE, VISIT_POISON, mend},
};

const COUNTERS: usize = 4;
/// Turns in which things go wrong.
const FAULTY: usize = 500;
/// Turns within which everything must have come to rest after that.
const CALM: usize = 60_000;

pub struct Request {
    pub key: RequestKey,
    pub add: Add,
    /// What it was answered, the first time.
    pub answered: Option<Result<Answer, RefusalKind>>,
}

/// Sent, not answered yet.
struct Waiting {
    request: usize,
    /// Sent with other content under the same id.
    forged: bool,
}

struct Barrier {
    until: Time,
    /// What to tell the mirror, once the till has answered.
    heads: Option<Vec<Head>>,
    asked: Option<u64>,
}

pub struct World {
    pub dice: Dice,
    pub till: Node<Till>,
    pub mirror: Node<Mirror>,
    pub counters: Vec<Id>,
    pub requests: Vec<Request>,
    pub repeats: usize,
    pub crashes: usize,
    now: Duration,
    clock: i64,
    skews: [i64; 2],
    stream: Vec<Entry>,
    directory: Vec<Incoming>,
    waiting: HashMap<u64, Waiting>,
    tokens: u64,
    barrier: Option<Barrier>,
    faulty: bool,
    pub operator: operator::Operator,
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let all: Vec<Shard> = Shard::all().collect();
        let owned = [all[0], all[15]];
        let limits = Limits {
            timers: 1 + dice.below(4),
            commands: 1 + dice.below(6),
            events: 1 + dice.below(12),
            waiting_commands: 6,
            waiting_events: 8 + dice.below(40),
            cached_rows: 1 + dice.below(40),
            ..Limits::default()
        };
        let counters = (0..COUNTERS)
            .map(|n| Id::of_hash([n as u8; 16], Bucket::first_of(owned[n % owned.len()])))
            .collect();
        let till = Node::new(&owned, limits, &mut dice);
        let mirror = Node::new(&owned, limits, &mut dice);
        World {
            dice,
            till,
            mirror,
            counters,
            requests: Vec::new(),
            repeats: 0,
            crashes: 0,
            now: Duration::from_secs(5),
            clock: 1_000_000 * Time::SECOND,
            skews: [0, 0],
            stream: Vec::new(),
            directory: Vec::new(),
            waiting: HashMap::new(),
            tokens: 0,
            barrier: None,
            faulty: true,
            operator: operator::Operator::default(),
        }
    }

    pub fn play(&mut self) {
        for turn in 0..FAULTY {
            // Now and then the program is mended for a while, so that what is redriven fails or does not.
            if turn % 100 == 0 {
                mend(self.dice.chance(300));
            }
            self.turn();
            crate::checks::nothing_overtakes(self);
        }
        self.faulty = false;
        mend(true);
        for turn in 0..CALM {
            self.turn();
            if turn % 64 == 0 && self.is_at_rest() {
                return;
            }
        }
        let left: Vec<_> =
            self.till.store.set_aside().into_iter().chain(self.mirror.store.set_aside()).collect();
        let unanswered = self.requests.iter().filter(|request| request.answered.is_none()).count();
        panic!(
            "it did not come to rest: {unanswered} unanswered, {} and {} timers, orders {}, quarantine {left:#?}",
            self.till.store.armed_timers(),
            self.mirror.store.armed_timers(),
            self.operator.is_busy()
        );
    }

    fn turn(&mut self) {
        self.start_the_dead();
        self.pass_time();
        match self.dice.below(13) {
            12 => self.see_to_quarantine(),
            0 if self.faulty => self.ask(),
            0 | 1 => self.repeat(),
            2 | 3 => self.publish(),
            4 | 5 => self.read(),
            6 => self.announce(),
            7 => self.move_directory(),
            8 => self.carry_barrier(),
            _ => self.work(),
        }
    }

    fn start_the_dead(&mut self) {
        if !self.till.is_alive() {
            self.crashes += 1;
            self.waiting.clear();
            if let Some(barrier) = &mut self.barrier {
                barrier.asked = None;
            }
            self.till.start(self.now);
        }
        if !self.mirror.is_alive() {
            self.crashes += 1;
            self.barrier = None;
            self.mirror.start(self.now);
        }
    }

    /// Monotonic time goes on; the two databases' clocks err and leap.
    fn pass_time(&mut self) {
        let leap = if self.dice.chance(15) { 1_500_000 } else { 12_000 };
        let micros = self.dice.below(leap) as u64;
        self.now += Duration::from_micros(micros);
        self.clock += micros as i64;
        if self.faulty && self.dice.chance(10) {
            self.skews = [0, 1].map(|_| self.dice.below(8_000_000) as i64 - 4_000_000);
        }
        self.till.store.set_clock(Time(self.clock + self.skews[0]));
        self.mirror.store.set_clock(Time(self.clock + self.skews[1]));
        if self.till.wake_at(self.now).is_some_and(|at| at <= self.now) {
            self.till.hear(Happening::Tick, self.now);
        }
        if self.mirror.wake_at(self.now).is_some_and(|at| at <= self.now) {
            self.mirror.hear(Happening::Tick, self.now);
        }
    }

    /// A new request.
    fn ask(&mut self) {
        let entropy = [0; 9].map(|_: u8| self.dice.roll() as u8);
        let counter = self.counters[self.dice.below(COUNTERS)];
        let amount = match self.dice.below(20) {
            0 => -5,
            1 => POISON,
            2 => MIRROR_POISON,
            3 => UNSTORABLE,
            4 => MIRROR_UNSTORABLE,
            5 => VISIT_POISON,
            _ => 1 + self.dice.below(9) as i64,
        };
        let visited = self.counters[self.dice.below(COUNTERS)];
        let ring = (self.dice.below(900_000) as i64, self.dice.below(3) as i64 * 200_000);
        let add = Add {
            counter,
            amount,
            visit: self.dice.chance(400).then_some(visited),
            ring: self.dice.chance(400).then_some(ring),
        };
        let id = Id::mint(Time(self.clock), counter.bucket(), entropy);
        let key = RequestKey { caller: "person:T1".to_owned(), id };
        self.requests.push(Request { key, add, answered: None });
        self.send(self.requests.len() - 1, false);
    }

    /// A client that has no answer asks again, and one that has one may too.
    fn repeat(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let request = self.dice.below(self.requests.len());
        let unanswered = self.requests.iter().position(|request| request.answered.is_none());
        match unanswered {
            Some(first) if !self.faulty || self.dice.chance(500) => self.send(first, false),
            _ if self.faulty => {
                let forged = self.requests[request].answered.is_some() && self.dice.chance(200);
                self.send(request, forged);
            }
            _ => {}
        }
    }

    fn send(&mut self, request: usize, forged: bool) {
        self.tokens += 1;
        self.waiting.insert(self.tokens, Waiting { request, forged });
        let Request { key, add, .. } = &self.requests[request];
        let actor = Actor::Person { code: "T1".to_owned(), grants: Vec::new() };
        let ask =
            Ask { request: key.clone(), content: [u8::from(forged); 16], actor, traceparent: String::new() };
        let command = Happening::Command {
            token: self.tokens,
            home: add.counter.shard(),
            ask: Arc::new(ask),
            command: Arc::new(add.clone()),
        };
        self.till.hear(command, self.now);
    }

    fn publish(&mut self) {
        for _ in 0..3 {
            let till = self.till.publish(&mut self.dice, self.faulty, self.now);
            let mirror = self.mirror.publish(&mut self.dice, self.faulty, self.now);
            self.stream.extend(till.into_iter().chain(mirror));
        }
    }

    fn read(&mut self) {
        for _ in 0..4 {
            self.till.read(&self.stream, &mut self.dice, self.faulty);
            self.mirror.read(&self.stream, &mut self.dice, self.faulty);
        }
    }

    fn announce(&mut self) {
        if self.faulty && self.dice.chance(700) {
            return;
        }
        let (till, mirror) = (self.till.heads(), self.mirror.heads());
        self.till.announce(mirror.into_iter(), Service::Dispatch, self.now);
        self.mirror.announce(till.into_iter(), Service::Intake, self.now);
        let seq = self.directory.len() as u64;
        self.till.hear(Happening::DirectoryAnnounced { epoch: 1, seq }, self.now);
        self.mirror.hear(Happening::DirectoryAnnounced { epoch: 1, seq }, self.now);
    }

    /// The directory says something; either node may miss it.
    fn move_directory(&mut self) {
        if !self.faulty || self.directory.len() > 30 {
            return;
        }
        let seq = self.directory.len() as u64 + 1;
        let entry = directory_entry(seq, Time(self.clock));
        if self.dice.chance(600) {
            self.till.feed(Happening::DirectoryHeard { entry: entry.clone() });
        }
        if self.dice.chance(300) {
            self.mirror.feed(Happening::DirectoryHeard { entry: entry.clone() });
        }
        self.directory.push(entry);
    }

    fn work(&mut self) {
        for _ in 0..6 {
            let crash = if self.faulty { 6 } else { 0 };
            let (_, out) = self.till.turn(&mut self.dice, crash, self.now);
            self.till_wants(out);
            let (_, out) = self.mirror.turn(&mut self.dice, crash, self.now);
            self.mirror_wants(out);
            self.start_the_dead();
        }
    }

    /// Everybody is answered, everything is heard, nothing is armed.
    fn is_at_rest(&mut self) -> bool {
        let unanswered = self.requests.iter().any(|request| request.answered.is_none());
        if unanswered || self.till.store.armed_timers() > 0 || self.mirror.store.armed_timers() > 0 {
            return false;
        }
        if self.operator.is_busy() || !self.is_quarantine_seen_to() {
            return false;
        }
        let pairs_heard = self.till.store.pairs().all(|(from, to, seq)| {
            self.till.store.cursors().any(|(source, cursor)| {
                source.peer && (source.from, source.to) == (from, to) && cursor.seq == seq
            })
        });
        pairs_heard
            && is_heard(&self.till.heads(), Service::Intake, &self.mirror.store)
            && is_heard(&self.mirror.heads(), Service::Dispatch, &self.till.store)
    }
}

fn is_heard(heads: &[Head], service: Service, by: &chassis_core::memory::Memory) -> bool {
    heads.iter().all(|head| {
        head.seq == 0
            || by.cursors().any(|(source, cursor)| {
                !source.peer
                    && source.service == service
                    && source.from == head.shard
                    && cursor.seq == head.seq
            })
    })
}

pub fn directory_entry(seq: u64, at: Time) -> Incoming {
    Incoming {
        epoch: 1,
        seq,
        pair_seq: 0,
        kind: DirectoryChanged::TYPE.into(),
        payload: Vec::new(),
        subject: None,
        branch: None,
        actor: "person:T0".to_owned(),
        cause: "operator".to_owned(),
        hops: 0,
        directory_seq: seq,
        recorded_at: at,
        occurred_at: None,
        to: None,
        traceparent: String::new(),
        hash: Vec::new(),
        stream_seq: 0,
    }
}
