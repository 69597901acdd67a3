//! Requests on their way: sent, answered, lost, sent again.

use std::sync::Arc;

use chassis_core::{Actor, Answer, Refusal, RefusalKind};
use proto::{Id, Service, Shard, Time};

use super::World;
use crate::{
    callers::{Purpose, Request},
    cast::{Task, openings},
    event::Event,
    founding,
    order::Order,
    plan::{HOUR, SECOND},
    site::{Caller, index},
};

const PATIENCE: u64 = 10 * SECOND;
/// Ids of requests that are older are refused.
const REMEMBERED: i64 = 72 * Time::HOUR;

impl World {
    pub(crate) fn send(&mut self, request: Request) {
        self.requests.push(request);
        self.ground.soon(Event::Try(self.requests.len() - 1));
    }

    pub(super) fn request(&mut self, actor: Actor, order: Order, purpose: Purpose) {
        let at = self.ground.time();
        let request = Request::new(actor, order, purpose, at, &mut self.cast.dice);
        self.send(request);
    }

    pub(super) fn try_request(&mut self, number: usize) {
        if self.requests[number].outcome.is_none() {
            self.go(number);
        }
    }

    /// One more attempt, at the owner mostly; who was told of an earlier one asks the wrong replica.
    fn go(&mut self, number: usize) {
        let request = &mut self.requests[number];
        request.attempts += 1;
        let (attempt, home) = (request.attempts, request.home());
        let service = index(request.order.service());
        let owner = self.sites[service].owner(home);
        let replica = match owner {
            Some(owner) if self.ground.dice.chance(960) => owner,
            _ => self.ground.dice.below(2) as usize,
        };
        self.ground.soon(Event::Deliver { request: number, attempt, service, replica });
        self.ground.after(PATIENCE, Event::Patience { request: number, attempt });
    }

    pub(super) fn deliver(&mut self, number: usize, attempt: u32, service: usize, replica: usize) {
        let frozen_until = self.sites[service].frozen_until(replica);
        if frozen_until > self.ground.now {
            let event = Event::Deliver { request: number, attempt, service, replica };
            return self.ground.queue.plan(frozen_until + 1, event);
        }
        if self.is_too_old(number, service) {
            return self.turn_away(number, attempt);
        }
        let request = &self.requests[number];
        let ask = if request.forged.contains(&attempt) { request.forgery() } else { request.ask.clone() };
        let order = request.order.clone();
        self.sites[service].deliver(
            replica,
            Caller { request: number, attempt, ask },
            &order,
            &mut self.ground,
        );
    }

    /// The services' edge takes no id that is older than what they remember. The executor of messages comes not over
    /// the edge, and asks nothing again that was accepted.
    fn is_too_old(&self, number: usize, service: usize) -> bool {
        let request = &self.requests[number];
        let minted = request.ask.request.id.uuid().get_timestamp().map_or(0, |at| at.to_unix().0 as i64);
        let age = self.ground.database_time(service).0 - minted * Time::SECOND;
        let comes_over_the_edge = request.ask.actor.code() != crate::cast::executor().code();
        age > REMEMBERED && (comes_over_the_edge || request.is_accepted())
    }

    /// What was accepted stays accepted: whoever asks for it so late has to look.
    fn turn_away(&mut self, number: usize, attempt: u32) {
        if !self.requests[number].is_accepted() {
            let refusal = Refusal::field("request_id", "已过期。", "older than 72 hours");
            self.answered(number, attempt, Err(refusal));
        }
    }

    pub(super) fn lose_patience(&mut self, number: usize, attempt: u32) {
        let request = &self.requests[number];
        if request.outcome.is_none() && request.attempts == attempt {
            self.go(number);
        }
    }

    pub(super) fn repeat(&mut self, number: usize, forged: bool) {
        if forged {
            let attempt = self.requests[number].attempts + 1;
            self.requests[number].forged.push(attempt);
        }
        self.go(number);
    }

    pub(super) fn answered(&mut self, number: usize, attempt: u32, outcome: Result<Answer, Refusal>) {
        let is_forged = self.requests[number].forged.contains(&attempt);
        let kind = outcome.as_ref().err().map(|refusal| refusal.kind);
        if matches!(kind, Some(RefusalKind::Unavailable | RefusalKind::Exhausted)) {
            let delay = self.ground.dice.between(SECOND / 4, 2 * SECOND);
            if !is_forged {
                self.ground.after(delay, Event::Try(number));
            }
            return;
        }
        if kind == Some(RefusalKind::Internal) {
            let text = outcome.err().map(|refusal| refusal.to_string()).unwrap_or_default();
            return self.ground.violation(format!("a request met a fault of ours: {text}"));
        }
        let request = &mut self.requests[number];
        match (&request.outcome, outcome) {
            (_, Ok(_)) if is_forged => {
                self.ground.violation("P1: a request id was accepted with other content");
            }
            (_, Err(refusal)) if is_forged => {
                if refusal.kind != RefusalKind::AlreadyExists {
                    self.ground
                        .violation(format!("P1: other content under a known id was answered {refusal}"));
                }
            }
            (Some(Ok(first)), Ok(again)) if *first == again => {}
            (Some(Ok(first)), again) => {
                let text = format!("P1: request {} was accepted at {}", request.ask.request.id, first.at);
                self.ground.violation(format!("{text} and then answered {again:?}"));
            }
            (Some(Err(_)), Err(_)) => {}
            // A copy of it, under way for longer, was refused first: refusals are not remembered.
            (Some(Err(_)), Ok(answer)) => request.outcome = Some(Ok(answer)),
            (None, outcome) => self.settled(number, outcome),
        }
    }

    fn settled(&mut self, number: usize, outcome: Result<Answer, Refusal>) {
        self.requests[number].outcome = Some(outcome.clone());
        let purpose = self.requests[number].purpose.clone();
        match (purpose, outcome) {
            (Purpose::Alone, _) | (Purpose::Deed(_), Ok(_)) => {}
            (Purpose::Founding, Ok(answer)) => match founding::left_out(&answer.reply) {
                None => self.found_on(),
                Some(why) => self.ground.violation(format!("the founding is incomplete: {why}")),
            },
            (Purpose::Founding, Err(refusal)) => {
                self.ground.violation(format!("the founding was refused: {refusal}"))
            }
            (Purpose::Identify(call), Ok(answer)) => self.open(call, &answer),
            (Purpose::Open(call), Ok(answer)) => self.opened(call, &answer),
            (Purpose::Identify(call) | Purpose::Open(call), Err(refusal)) => {
                // A person who is barred or away by now takes no call; anything else is a fault of the cast.
                let text = format!("call {call} was refused: {refusal}");
                self.ground.trace.say(self.ground.now, || text);
            }
            (Purpose::Deed(task), Err(refusal)) => self.cast.turned_away(*task, &refusal, &mut self.ground),
        }
        if self.requests[number].is_accepted() && self.ground.dice.chance(60) {
            let forged = self.ground.dice.chance(300);
            let delay = self.ground.dice.between(SECOND, HOUR);
            self.ground.after(delay, Event::Repeat { request: number, forged });
        }
    }

    /// The next part of the organisation is put in place.
    pub(super) fn found_on(&mut self) {
        let mut orders = std::mem::take(&mut self.founding).into_iter();
        match orders.next() {
            Some(order) => self.request(founding::administrator(), order, Purpose::Founding),
            None => self.is_founded = true,
        }
        self.founding = orders.collect();
    }

    pub(super) fn call(&mut self, call: usize) {
        let Some((actor, order)) = openings::identify(&self.cast, call, self.ground.time()) else { return };
        self.request(actor, order, Purpose::Identify(call));
    }

    fn open(&mut self, call: usize, answer: &Answer) {
        let Ok(intake_core::Reply::Identified(identified)) = rmp_serde::from_slice(&answer.reply) else {
            return;
        };
        let Some((actor, order)) = openings::open(&self.cast, call, &identified, self.ground.time()) else {
            return;
        };
        self.request(actor, order, Purpose::Open(call));
    }

    fn opened(&mut self, call: usize, answer: &Answer) {
        let Ok(intake_core::Reply::Opened(opened)) = rmp_serde::from_slice(&answer.reply) else { return };
        self.cast.came_from(opened.ticket, call, &mut self.ground);
    }

    /// Somebody does what he has to do, if it is still to be done.
    pub(super) fn deed(&mut self, task: Task) {
        let now = self.ground.time();
        let Some((actor, order)) = self.cast.carry_out(&task, now, |service, table, id| {
            let table = chassis_core::RowKey { table, id };
            self.sites[index(service)].store().body(table)
        }) else {
            return;
        };
        self.request(actor, order, Purpose::Deed(Box::new(task)));
    }

    pub(super) fn reorganise(&mut self, number: u64) {
        let second_version = self.plan.profile.second_version_at.filter(|at| *at <= self.ground.now);
        if second_version.is_some() {
            self.plan.profile.second_version_at = None;
            return self.request(founding::administrator(), founding::second_version(), Purpose::Alone);
        }
        if let Some(order) = self.cast.reorganise(number, self.ground.time()) {
            self.request(founding::administrator(), order, Purpose::Alone);
        }
    }

    /// A message goes out and its outcome is reported; after a crash in between it goes out again.
    pub(super) fn tell_person(&mut self, notice: Id, since: Time, shard: Shard, again: bool) {
        let body = self.store(Service::Notify).body(chassis_core::RowKey::of::<notify_core::Notice>(notice));
        let Some(report) = self.cast.send_out(notice, since, again, body, &mut self.ground) else { return };
        debug_assert_eq!(notice.shard(), shard);
        let order = Order::Notify(Arc::new(notify_core::Command::Report(report)));
        let id = Id::mint(since, notice.bucket(), crate::cast::entropy_of(notice, since));
        self.send(Request::under(id, crate::cast::executor(), order, Purpose::Alone));
    }

    /// Everybody asks at once: what is known already, and what is new.
    pub(super) fn burst(&mut self, service: usize, count: u64) {
        let known: Vec<usize> = (0..self.requests.len())
            .filter(|number| index(self.requests[*number].order.service()) == service)
            .filter(|number| self.requests[*number].is_accepted())
            .rev()
            .take(200)
            .collect();
        for _ in 0..count {
            if !known.is_empty() {
                let request = *self.ground.dice.pick(&known);
                self.ground.soon(Event::Repeat { request, forged: false });
            }
        }
        if Service::ALL[service] == Service::SlaWatchdog {
            for ticket in self.cast.some_tickets(count as usize) {
                let order = Order::Watchdog(Arc::new(sla_watchdog_core::Command::Reproject { ticket }));
                self.request(founding::administrator(), order, Purpose::Alone);
            }
        }
    }
}
