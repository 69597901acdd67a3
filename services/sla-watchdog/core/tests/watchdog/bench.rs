//! A watchdog that can sleep: unlike `Rehearsal` it fires timers only when woken, late, after whatever was heard
//! meanwhile, as after an outage; and sources can be silent.

use std::collections::BTreeMap;

use chassis_core::{Actor, Core, Due, Effects, Frame, Halt, Heard, RowKey, Rows, Step};
use organisation::Snapshot;
use proto::{AnyEvent, Id, Service, Time, envelope::Position};
use sla_watchdog_core::{Case, Watchdog};

pub struct Bench {
    directory: Snapshot,
    rows: Rows,
    timers: BTreeMap<(String, Id), Time>,
    pub said: Vec<AnyEvent>,
    now: Time,
    seq: u64,
}

impl Bench {
    pub fn new(directory: Snapshot, now: Time) -> Bench {
        Bench { directory, rows: Rows::new(), timers: BTreeMap::new(), said: Vec::new(), now, seq: 0 }
    }

    pub fn case(&self, id: Id) -> Option<Case> {
        let body = self.rows.get(&RowKey::of::<Case>(id))?.as_ref()?;
        Some(rmp_serde::from_slice(body).expect("the watchdog wrote it"))
    }

    /// Hears, no earlier than `now`, what a source recorded at `recorded_at`.
    pub fn hear(&mut self, now: Time, source: Service, recorded_at: Time, event: AnyEvent) {
        self.now = self.now.max(now);
        self.seq += 1;
        let subject =
            event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok()).expect("a ticket's event");
        let heard = Heard {
            at: Position { service: source, shard: subject.shard(), epoch: 1, seq: self.seq },
            branch: None,
            event,
            subject: Some(subject),
            actor: "person:somebody".into(),
            hops: 0,
            recorded_at,
            occurred_at: None,
        };
        self.run(subject, |step| Watchdog::event(&heard, step));
    }

    /// Wakes up: every timer due by now fires, the earliest first, each at its own moment but all of them now.
    pub fn wake(&mut self, now: Time, silent: &[Service]) {
        self.now = self.now.max(now);
        for _ in 0..10_000 {
            let soonest = self.timers.iter().filter(|(_, due)| **due <= now).min_by_key(|(_, due)| **due);
            let Some((key, due)) = soonest.map(|(key, due)| (key.clone(), *due)) else { return };
            self.timers.remove(&key);
            let due = Due { name: key.0, id: key.1, due, silent: silent.to_vec() };
            self.run(due.id, |step| Watchdog::timer(&due, step));
        }
        panic!("the timer does not come to rest");
    }

    /// Awake: every timer fires at its own moment.
    pub fn live_until(&mut self, until: Time) {
        while let Some(next) = self.timers.values().min().copied().filter(|next| *next <= until) {
            self.wake(next.max(self.now), &[]);
        }
        self.now = self.now.max(until);
    }

    fn run(&mut self, id: Id, mut decide: impl FnMut(&mut Step<'_>) -> Result<(), Halt>) {
        let actor = Actor::Service { name: "sla-watchdog".into() };
        let effects = loop {
            let frame = Frame {
                service: Service::SlaWatchdog,
                shard: id.shard(),
                now: self.now,
                actor: &actor,
                directory: &self.directory,
                seed: [0; 32],
            };
            let mut step = Step::new(frame, &self.rows);
            match decide(&mut step) {
                Ok(()) => break step.finish(),
                Err(Halt::Need(key)) => {
                    self.rows.insert(key, None);
                }
                Err(Halt::Refuse(refusal)) => panic!("{refusal}"),
            }
        };
        self.keep(effects);
    }

    fn keep(&mut self, effects: Effects) {
        for (key, change) in effects.rows {
            self.rows.insert(key, change.put.map(|(body, _)| body));
        }
        for (key, due) in effects.timers {
            match due {
                Some(due) => self.timers.insert(key, due),
                None => self.timers.remove(&key),
            };
        }
        self.said.extend(effects.said.into_iter().map(|said| said.event));
    }
}
