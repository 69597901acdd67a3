//! One service of the simulated world: a store that survives, locks on its shards, and two replicas that do not.
//!
//! What the chassis' shell does with Postgres and NATS is done here in memory, action by action, and between any two of
//! them a fault may strike:
//!
//! ```text
//! Poll --locks--> Life (machine, session, reader, publisher)
//! on(happening) -> actions --act.rs--> database.rs (load, commit, beat) | wire.rs (publish, read) | answers, questions
//! ```

mod act;
mod database;
mod place;
mod restored;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use chassis_core::{
    Action, Ask, Happening, Machine, Outcome, Refusal, RefusalKind, memory::Memory, store::Source,
};
use proto::{SHARDS, Service, Shard};
use uuid::Uuid;

use crate::{
    event::{Event, Question, Told, Who},
    fault::Kind,
    ground::Ground,
    order::Takes,
    plan::SECOND,
    spy::{Spied, Tally},
};
use chassis_core::Aggregate;
use database::Flight;
pub use place::Place;

/// Somebody who waits for an answer.
#[derive(Clone)]
pub struct Caller {
    pub request: usize,
    pub attempt: u32,
    pub ask: Arc<Ask>,
}

pub struct Site<C: Takes> {
    place: usize,
    store: Memory,
    replicas: [Replica<C>; 2],
    /// Which replica's session holds the shard.
    locks: [Option<usize>; SHARDS as usize],
    /// The stream's life as the readers and, per shard, the publishers knew it last; kept in the schema.
    read_from: Option<u64>,
    published_to: BTreeMap<Shard, u64>,
    /// As the schema was when all were copied.
    copy: Option<restored::Copy>,
}

struct Replica<C: Takes> {
    wanted: Vec<Shard>,
    lives: u64,
    /// A process outlives its sessions; dying it ends.
    process: u64,
    life: Option<Life<Spied<C>>>,
    frozen_until: u64,
    /// It is being stopped in order.
    stopping: bool,
}

/// What does not survive.
struct Life<C: Takes> {
    machine: Machine<C>,
    owned: Vec<Shard>,
    actions: VecDeque<Action>,
    flight: Option<Flight<C>>,
    /// The database still knows it.
    session: bool,
    wake_at: Option<u64>,
    callers: BTreeMap<u64, Caller>,
    barriers: BTreeMap<u64, u64>,
    /// Orders to open an epoch that are not answered.
    openings: BTreeSet<u64>,
    tokens: u64,
    repairing: BTreeSet<Source>,
    repairing_directory: bool,
    reader: wire::Reader,
    publisher: wire::Publisher,
}

impl<C: Takes> Site<C> {
    pub fn new(place: usize, ground: &Ground) -> Site<C> {
        let wanted = |replica: usize| {
            let numbers = &ground.profile.wanted[place][replica];
            let all = numbers.iter().filter_map(|number| Shard::new(*number));
            // The directory has one shard; both replicas want it.
            if C::SERVICE == Service::Directory { Shard::all().take(1).collect() } else { all.collect() }
        };
        let replica = |number| Replica {
            wanted: wanted(number),
            lives: 0,
            process: 1 + number as u64,
            life: None,
            frozen_until: 0,
            stopping: false,
        };
        Site {
            place,
            store: Memory::new::<C>(ground.database_time(place), ground.profile.timers_held)
                .with_table(Tally::TABLE),
            replicas: [replica(0), replica(1)],
            locks: [None; SHARDS as usize],
            read_from: None,
            published_to: BTreeMap::new(),
            copy: None,
        }
    }

    fn living(&self, replica: usize) -> Option<&Life<Spied<C>>> {
        self.replicas[replica].life.as_ref()
    }

    fn name(&self, replica: usize) -> String {
        format!("{}.{replica}", C::SERVICE)
    }

    /// A life begins as a stranger, with what the store holds.
    fn begin(&mut self, replica: usize, owned: Vec<Shard>, ground: &mut Ground) {
        self.store.set_clock(ground.database_time(self.place));
        let mut found = self.store.find(&owned);
        found.aside = self.store.take(&owned, Uuid::from_u64_pair(1, self.replicas[replica].process));
        let position = found.cursors.iter().map(|(_, cursor)| cursor.stream_seq).max().unwrap_or(0);
        let marks = found.published.iter().copied().collect();
        found.lost = self.lost(&found.heads, ground);
        let machine = match Machine::new(ground.profile.limits, found, ground.monotonic()) {
            Ok(machine) => machine,
            Err(why) => return ground.violation(format!("{} cannot begin: {why}", C::SERVICE)),
        };
        ground.restarts += 1;
        let state = &mut self.replicas[replica];
        state.lives += 1;
        state.stopping = false;
        state.life = Some(Life {
            machine,
            owned,
            actions: VecDeque::new(),
            flight: None,
            session: true,
            wake_at: None,
            callers: BTreeMap::new(),
            barriers: BTreeMap::new(),
            openings: BTreeSet::new(),
            tokens: 0,
            repairing: BTreeSet::new(),
            repairing_directory: false,
            reader: wire::Reader::new(position),
            publisher: wire::Publisher::new(marks),
        });
        let who = Who { service: self.place, replica, life: state.lives };
        ground.trace.say(ground.now, || {
            format!("{} begins with {:?}", self.name(replica), self.living(replica).map(|l| l.owned.len()))
        });
        self.ask_around(who, ground);
        self.tell(replica, Happening::Tick, ground);
    }

    /// What a beginning replica does at once: read, publish what was left, ask all sources for their heads.
    fn ask_around(&mut self, who: Who, ground: &mut Ground) {
        self.replicas[who.replica].life.iter_mut().for_each(|life| life.reader.pumping = true);
        self.wake_publisher(who.replica, ground);
        ground.soon(Event::To(who, Told::Pump));
        ground.soon(Event::Pairs(self.place));
        let own = (C::SERVICE != Service::Directory).then_some(Service::Directory);
        for service in C::SOURCES.iter().copied().chain(own) {
            ground.soon(Event::Ask(who, Question::Heads(index(service), 0)));
        }
    }

    /// The life is over, with all it knew; its locks are free.
    fn end(&mut self, replica: usize, restart_after: u64, ground: &mut Ground) {
        self.replicas[replica].life = None;
        self.replicas[replica].stopping = false;
        self.release(replica, ground);
        ground.after(restart_after, Event::Poll(self.place, replica));
    }

    /// The same, and the process with it.
    fn die(&mut self, replica: usize, restart_after: u64, ground: &mut Ground) {
        self.replicas[replica].process += 2;
        self.end(replica, restart_after, ground);
    }

    /// What its session held is free; the other replica will notice.
    fn release(&mut self, replica: usize, ground: &mut Ground) {
        self.locks.iter_mut().filter(|lock| **lock == Some(replica)).for_each(|lock| *lock = None);
        let other = 1 - replica;
        let delay = ground.dice.between(1_000, 3 * SECOND);
        match self.who(other) {
            Some(who) => ground.after(delay, Event::To(who, Told::MoreShards)),
            None => ground.after(delay / 3, Event::Poll(self.place, other)),
        }
    }

    fn free(&self, replica: usize) -> Vec<Shard> {
        let is_free = |shard: &&Shard| self.locks[usize::from(shard.number())].is_none();
        self.replicas[replica].wanted.iter().filter(is_free).copied().collect()
    }

    fn lock(&mut self, replica: usize, shards: &[Shard]) {
        for shard in shards {
            self.locks[usize::from(shard.number())] = Some(replica);
        }
    }

    /// Shards that came free are taken over: the machine begins anew with all of them.
    fn take_more(&mut self, who: Who, ground: &mut Ground) {
        let more = self.free(who.replica);
        let Some(life) = self.replicas[who.replica].life.as_ref() else { return };
        if more.is_empty() || !life.session || ground.weather.is(Kind::DatabaseDown, self.place, ground.now) {
            return;
        }
        if life.flight.is_some() || !life.actions.is_empty() {
            return ground.after(SECOND / 10, Event::To(who, Told::MoreShards));
        }
        let mut owned = [life.owned.as_slice(), &more].concat();
        owned.sort_unstable();
        self.lock(who.replica, &more);
        self.begin(who.replica, owned, ground);
    }

    fn refuse(&self, caller: &Caller, ground: &mut Ground) {
        let refusal = Refusal::new(RefusalKind::Unavailable, "no-owner", "请稍后重试。", "Try again.");
        self.answer(caller, Err(refusal), ground);
    }

    fn answer(&self, caller: &Caller, outcome: Outcome, ground: &mut Ground) {
        if ground.weather.is(Kind::AnswersLost, self.place, ground.now) && ground.dice.chance(600) {
            return;
        }
        ground.soon(Event::Answered { request: caller.request, attempt: caller.attempt, outcome });
    }
}

/// The place of a service in `Service::ALL`.
pub fn index(service: Service) -> usize {
    Service::ALL.iter().position(|other| *other == service).expect("it is one of all")
}
