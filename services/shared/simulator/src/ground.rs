//! What all parts of the world share: time, plans, the stream, the weather, and what they report.

use std::{collections::BTreeMap, time::Duration};

use chassis_core::{epoch::Known, store::Batch};
use proto::{Shard, Time};

use crate::{
    bus::Bus,
    dice::Dice,
    event::{Event, Queue},
    plan::Profile,
    trace::Trace,
    weather::Weather,
};

/// The world begins on Monday, 2 March 2026, 07:00 in Shanghai.
pub const BEGINNING: Time = Time(1_772_406_000_000_000);

pub struct Ground {
    /// Microseconds since the world began: monotonic for everybody.
    pub now: u64,
    pub queue: Queue,
    /// Chance of the surroundings: how long things take, what becomes of messages.
    pub dice: Dice,
    pub bus: Bus,
    /// The stream has grown: its readers are to be told.
    pub bus_moved: bool,
    pub weather: Weather,
    /// How far each service's database clock is off.
    pub skews: [i64; 7],
    pub trace: Trace,
    pub profile: Profile,
    /// Committed and not looked at yet.
    pub committed: Vec<(usize, Box<Batch>)>,
    /// What must not be, as soon as it is seen.
    pub violations: Vec<String>,
    pub restarts: u64,
    /// Databases were put back to older copies: how far the stream knew each shard then.
    pub known: Option<BTreeMap<(usize, Shard), Vec<Known>>>,
}

impl Ground {
    pub fn new(seed: u64, profile: Profile) -> Ground {
        Ground {
            now: 0,
            queue: Queue::default(),
            dice: Dice::new(seed, "surroundings"),
            bus: Bus::default(),
            bus_moved: false,
            weather: Weather::default(),
            skews: [0; 7],
            trace: Trace::default(),
            profile,
            committed: Vec::new(),
            violations: Vec::new(),
            restarts: 0,
            known: None,
        }
    }

    pub fn monotonic(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    /// True time, as the persons of the world have it.
    pub fn time(&self) -> Time {
        BEGINNING.plus(self.now as i64)
    }

    /// What the database of a service says.
    pub fn database_time(&self, service: usize) -> Time {
        self.time().plus(self.skews[service])
    }

    pub fn after(&mut self, delay: u64, event: Event) {
        self.queue.plan(self.now + delay, event);
    }

    /// After about so long as a network takes.
    pub fn soon(&mut self, event: Event) {
        let delay = self.dice.between(300, 3_000);
        self.after(delay, event);
    }

    pub fn violation(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.trace.say(self.now, || format!("VIOLATION {text}"));
        self.violations.push(text);
    }
}
