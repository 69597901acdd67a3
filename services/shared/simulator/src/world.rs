//! The whole system in memory: seven services, callers, a cast, and the faults of a plan.
//!
//! ```text
//! plan --> queue --Event--> World::happen --> sites (replicas act) | callers ask again | the cast does its work
//!                                 '--committed batches--> watch.rs (what must never be), cast (whose turn it is)
//! once a day nothing goes wrong for two hours: everything must come to rest, then quiet.rs looks at the whole
//! ```

mod calls;
mod quarantine;
mod questions;
mod rest;
mod restored;

use std::collections::BTreeMap;

use chassis_core::memory::Memory;
use dispatch_core::Dispatch;
use follow_up_core::FollowUp;
use intake_core::Intake;
use notify_core::Notify;
use proto::{Id, Service};
use reporting_core::Reporting;
use sla_watchdog_core::Watchdog;

use crate::{
    callers::Request,
    cast::Cast,
    event::{Event, Told, Who},
    fault::{Act, Coverage, Kind},
    founding,
    ground::Ground,
    plan::{DAY, HOUR, LULL, MINUTE, Plan, SECOND},
    quiet,
    site::{Place, Site, index},
    trace::Listening,
    watch::Watch,
};
use questions::Barrier;

/// A fault waits so long for its action before any will do; for one that is seldom carried out, longer.
const IMPATIENT: u64 = 20 * MINUTE;
const PATIENT: u64 = 4 * HOUR;
/// The organisation is in place long before the first call.
const FOUNDED: u64 = 20 * MINUTE;

pub struct World {
    pub(crate) sites: Vec<Box<dyn Place>>,
    pub(crate) ground: Ground,
    pub(crate) requests: Vec<Request>,
    pub(crate) cast: Cast,
    pub(crate) watch: Watch,
    barriers: BTreeMap<u64, Barrier>,
    barrier_numbers: u64,
    plan: Plan,
    founding: Vec<crate::order::Order>,
    is_founded: bool,
    /// What is being redriven, and by which request.
    redriving: BTreeMap<Id, usize>,
}

/// What became of a world.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The first things that must not have been, with when they were seen.
    pub violations: Vec<String>,
    pub trace: u64,
    pub coverage: Coverage,
    pub simulated: u64,
    pub figures: Figures,
    pub last_lines: Vec<String>,
}

/// How much went on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub tickets: u64,
    pub closed: u64,
    pub entries: u64,
    pub breaches: u64,
    pub requests: u64,
    pub attempts: u64,
    pub restarts: u64,
    pub faults: u64,
    /// Worlds whose databases were put back to older copies, what was withdrawn then, and what of it had been accepted.
    pub put_back: u64,
    pub withdrawn: u64,
    pub given_up: u64,
}

impl Figures {
    pub fn add(&mut self, more: &Figures) {
        let fields = [
            (&mut self.tickets, more.tickets),
            (&mut self.closed, more.closed),
            (&mut self.entries, more.entries),
            (&mut self.breaches, more.breaches),
            (&mut self.requests, more.requests),
            (&mut self.attempts, more.attempts),
            (&mut self.restarts, more.restarts),
            (&mut self.faults, more.faults),
            (&mut self.put_back, more.put_back),
            (&mut self.withdrawn, more.withdrawn),
            (&mut self.given_up, more.given_up),
        ];
        fields.into_iter().for_each(|(sum, more)| *sum += more);
    }
}

impl World {
    pub fn new(plan: Plan, listening: Listening) -> World {
        let mut ground = Ground::new(plan.options.seed, plan.profile.clone());
        ground.trace.listening = listening;
        let sites: Vec<Box<dyn Place>> = vec![
            Box::new(Site::<Intake>::new(index(Service::Intake), &ground)),
            Box::new(Site::<Dispatch>::new(index(Service::Dispatch), &ground)),
            Box::new(Site::<Watchdog>::new(index(Service::SlaWatchdog), &ground)),
            Box::new(Site::<FollowUp>::new(index(Service::FollowUp), &ground)),
            Box::new(Site::<Reporting>::new(index(Service::Reporting), &ground)),
            Box::new(Site::<Notify>::new(index(Service::Notify), &ground)),
            Box::new(Site::<directory_core::Directory>::new(index(Service::Directory), &ground)),
        ];
        World {
            cast: Cast::new(plan.options.seed, plan.profile.haste, plan.options.days * plan.options.tickets),
            sites,
            ground,
            requests: Vec::new(),
            watch: Watch::default(),
            barriers: BTreeMap::new(),
            barrier_numbers: 0,
            founding: founding::orders(),
            is_founded: false,
            redriving: BTreeMap::new(),
            plan,
        }
    }

    /// From the founding of the organisation to the last lull.
    pub fn play(mut self) -> Outcome {
        self.found();
        for day in 0..self.plan.options.days {
            if !self.run((day + 1) * DAY - LULL) || !self.come_to_rest(quiet::look) {
                return self.outcome();
            }
        }
        self.put_back();
        self.outcome()
    }

    fn found(&mut self) {
        for service in 0..self.sites.len() {
            for replica in 0..2 {
                let delay = self.ground.dice.between(1_000, 2 * SECOND);
                self.ground.after(delay, Event::Poll(service, replica));
            }
        }
        self.found_on();
        self.run(FOUNDED);
        if !self.is_founded {
            self.ground.violation("the organisation could not be put in place");
        }
        for (place, call) in self.plan.calls.iter().enumerate() {
            self.ground.queue.plan(call.at, Event::Call(place));
        }
        for (place, (_, fault)) in self.plan.faults.iter().enumerate() {
            self.ground.queue.plan(fault.at, Event::Fault(place));
        }
        if let Some(at) = self.plan.profile.copied_at {
            self.ground.queue.plan(at.max(FOUNDED), Event::Copy);
        }
        for number in 0..self.plan.options.days * 72 {
            self.ground.queue.plan(FOUNDED + number * 20 * MINUTE, Event::SeeToQuarantine);
        }
        for number in 0..self.plan.options.days * 6 {
            self.ground.queue.plan(FOUNDED + number * 4 * 60 * MINUTE, Event::Reorganise(number));
        }
    }

    /// Everything up to a moment; false as soon as something must not be.
    fn run(&mut self, until: u64) -> bool {
        while self.ground.violations.is_empty() {
            let Some((at, event)) = self.ground.queue.next(until) else {
                self.ground.now = until;
                return true;
            };
            self.ground.now = at;
            self.happen(event);
            self.look();
        }
        false
    }

    fn happen(&mut self, event: Event) {
        let (weather, now) = (&self.ground.weather, self.ground.now);
        crate::spy::poison(std::array::from_fn(|service| weather.is(Kind::Poisoned, service, now)));
        if self.is_over(&event) {
            return;
        }
        match event {
            Event::Poll(service, replica) => {
                let frozen_until = self.sites[service].frozen_until(replica);
                if frozen_until > self.ground.now {
                    self.ground.queue.plan(frozen_until + 1, Event::Poll(service, replica));
                } else {
                    self.sites[service].poll(replica, &mut self.ground);
                }
            }
            Event::To(who, told) => self.tell(who, told),
            Event::Thaw(service, replica) => self.sites[service].thaw(replica, &mut self.ground),
            Event::Ask(who, question) => self.ask(who, question),
            Event::Announce(who, wait) => self.announce(who, wait),
            Event::Pairs(service) => self.look_at_pairs(service),
            Event::BarrierRound(barrier, wait) => self.barrier_round(barrier, wait),
            Event::BarrierAnswer { barrier, service, heads } => self.barrier_answer(barrier, service, heads),
            Event::Try(request) => self.try_request(request),
            Event::Deliver { request, attempt, service, replica } => {
                self.deliver(request, attempt, service, replica)
            }
            Event::Answered { request, attempt, outcome } => self.answered(request, attempt, outcome),
            Event::Patience { request, attempt } => self.lose_patience(request, attempt),
            Event::Repeat { request, forged } => self.repeat(request, forged),
            Event::Burst { service, count } => self.burst(service, count),
            Event::Call(call) => self.call(self.plan.calls[call].place),
            Event::Deed(task) => self.deed(*task),
            Event::Reorganise(number) => self.reorganise(number),
            Event::Tell { notice, since, shard, again } => self.tell_person(notice, since, shard, again),
            Event::Fault(place) => self.lie_in_wait(place),
            Event::Impatient(number) => self.ground.weather.grow_impatient(number),
            Event::ClockRight(service) => self.ground.skews[service] = 0,
            Event::SeeToQuarantine => self.see_to_quarantine(),
            Event::Copy => self.sites.iter_mut().for_each(|site| site.copy()),
            Event::GiveUp { service, shard } => self.give_up(service, shard),
        }
    }

    /// Who waits at a repair takes along what makes repairs needed: messages get lost, and for the directory's there
    /// have to be some.
    fn lie_in_wait(&mut self, place: usize) {
        let (number, fault) = self.plan.faults[place].clone();
        let (service, act) = (fault.service, fault.act);
        if matches!(act, Act::Repair | Act::RepairDirectory) {
            self.ground.weather.begin(Kind::MessagesLost, service, self.ground.now + 10 * MINUTE);
        }
        if act == Act::RepairDirectory {
            for change in 0..5 {
                let number = 1_000 + place as u64 * 5 + change;
                self.ground.after(MINUTE + change * 20 * SECOND, Event::Reorganise(number));
            }
        }
        let is_frequent = matches!(act, Act::Load | Act::Commit | Act::Beat | Act::Answer | Act::Publish);
        self.ground.weather.lie_in_wait(number, fault);
        self.ground.after(if is_frequent { IMPATIENT } else { PATIENT }, Event::Impatient(number));
    }

    pub(crate) fn tell(&mut self, who: Who, told: Told) {
        self.sites[who.service].told(who, told, &mut self.ground);
    }

    /// What was committed just now is checked, and shows the cast whose turn it is.
    fn look(&mut self) {
        if std::mem::take(&mut self.ground.bus_moved) {
            for site in &mut self.sites {
                site.wake_readers(&mut self.ground);
            }
        }
        for (service, batch) in std::mem::take(&mut self.ground.committed) {
            if self.ground.known.is_none() {
                self.watch.committed(service, &batch, &mut self.ground);
            } else {
                crate::watch::nothing_fails(service, &batch, &mut self.ground);
            }
            self.cast.notice(service, &batch, &mut self.ground);
            if !batch.pairs.is_empty() {
                self.ground.after(5 * SECOND, Event::Pairs(service));
            }
        }
    }

    pub(crate) fn store(&self, service: Service) -> &Memory {
        self.sites[index(service)].store()
    }

    fn outcome(self) -> Outcome {
        let ground = self.ground;
        let figures = Figures {
            requests: self.requests.len() as u64,
            attempts: self.requests.iter().map(|request| u64::from(request.attempts)).sum(),
            restarts: ground.restarts,
            faults: Kind::ALL.into_iter().map(|kind| ground.weather.coverage.struck(kind)).sum(),
            ..self.watch.figures
        };
        Outcome {
            violations: ground
                .violations
                .iter()
                .map(|violation| format!("{} {violation}", crate::trace::clock(ground.now)))
                .collect(),
            trace: ground.trace.hash(),
            coverage: ground.weather.coverage.clone(),
            simulated: ground.now,
            figures,
            last_lines: ground.trace.last_lines().map(str::to_owned).collect(),
        }
    }
}
