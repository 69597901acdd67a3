//! One core in memory, without the loop: for the cores' own tests, for
//! previews, and for playing scenarios in simulated time.

use std::{
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
};

use organisation::Snapshot;
use proto::{AnyEvent, Event, Id, Shard, Time, envelope::Position};

use crate::{
    actor::Actor,
    aggregate::{Aggregate, RowKey},
    core::{Core, Due, Heard},
    entry::Said,
    refusal::{Halt, Refusal},
    step::{Effects, Frame, Rows, Step},
};

/// Rows, timers and everything said, of one service.
pub struct Rehearsal<C: Core> {
    pub directory: Snapshot,
    rows: Rows,
    timers: BTreeMap<(String, Id), Time>,
    said: Vec<Said>,
    now: Time,
    inputs: u64,
    heard: HashMap<Shard, u64>,
    core: PhantomData<C>,
}

impl<C: Core> Rehearsal<C> {
    pub fn new(directory: Snapshot, now: Time) -> Self {
        Rehearsal {
            directory,
            rows: Rows::new(),
            timers: BTreeMap::new(),
            said: Vec::new(),
            now,
            inputs: 0,
            heard: HashMap::new(),
            core: PhantomData,
        }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// Carries out a command at this home, now.
    pub fn command(&mut self, actor: &Actor, home: Shard, command: &C::Command) -> Result<C::Reply, Refusal> {
        let reply = self.run(home, actor, self.now, |step| C::command(command, step))?;
        self.deliver_addressed();
        Ok(reply)
    }

    /// Hears an event of another service, recorded now.
    pub fn hear<E: Event>(&mut self, event: E) {
        self.hear_any(event.into(), self.now);
    }

    /// Hears an event that its source recorded at `recorded_at`.
    pub fn hear_any(&mut self, event: AnyEvent, recorded_at: Time) {
        self.hear_from("person:rehearsal", event, recorded_at);
    }

    /// Hears what `actor` caused at another service.
    pub fn hear_from(&mut self, actor: &str, event: AnyEvent, recorded_at: Time) {
        let subject = event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok());
        let home = subject.map_or_else(|| Shard::all().next().expect("there are shards"), Id::shard);
        self.hear_at(home, event, subject, recorded_at, actor);
        self.deliver_addressed();
    }

    /// Moves time on, firing what falls due on the way, in order.
    pub fn advance(&mut self, to: Time) {
        while let Some(((name, id), due)) = self
            .timers
            .iter()
            .filter(|(_, due)| **due <= to)
            .min_by_key(|(key, due)| (**due, (*key).clone()))
            .map(|(k, d)| (k.clone(), *d))
        {
            self.timers.remove(&(name.clone(), id));
            self.now = self.now.max(due);
            let due = Due { name, id, due, silent: Vec::new() };
            let actor = Actor::Service { name: C::SERVICE.name().to_owned() };
            self.run(id.shard(), &actor, self.now, |step| C::timer(&due, step))
                .unwrap_or_else(|refusal| panic!("timer {} was refused: {refusal}", due.name));
            self.deliver_addressed();
        }
        self.now = self.now.max(to);
    }

    /// When the next timer is due.
    pub fn next_due(&self) -> Option<Time> {
        self.timers.values().min().copied()
    }

    pub fn get<T: Aggregate>(&self, id: Id) -> Option<T> {
        let body = self.rows.get(&RowKey::of::<T>(id))?.as_ref()?;
        Some(rmp_serde::from_slice(body).expect("rows hold what steps put"))
    }

    /// Everything said since the last call.
    pub fn take_said(&mut self) -> Vec<AnyEvent> {
        self.take_entries().into_iter().map(|said| said.event).collect()
    }

    /// The same with types and subjects, for whoever passes it on.
    pub fn take_entries(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    fn hear_at(&mut self, home: Shard, event: AnyEvent, subject: Option<Id>, recorded_at: Time, actor: &str) {
        let seq = self.heard.entry(home).or_default();
        *seq += 1;
        let heard = Heard {
            at: Position { service: C::SERVICE, shard: home, epoch: 1, seq: *seq },
            branch: event.ticket().map(|ticket| ticket.branch.clone()),
            event,
            subject,
            actor: actor.to_owned(),
            hops: 0,
            recorded_at,
            occurred_at: None,
        };
        let actor = Actor::Service { name: C::SERVICE.name().to_owned() };
        self.run(home, &actor, self.now, |step| C::event(&heard, step))
            .unwrap_or_else(|refusal| panic!("{:?} was refused: {refusal}", heard.event));
    }

    fn run<T>(
        &mut self,
        home: Shard,
        actor: &Actor,
        now: Time,
        mut decide: impl FnMut(&mut Step<'_>) -> Result<T, Halt>,
    ) -> Result<T, Refusal> {
        self.inputs += 1;
        let seed = *blake3::hash(&self.inputs.to_le_bytes()).as_bytes();
        loop {
            let frame =
                Frame { service: C::SERVICE, shard: home, now, actor, directory: &self.directory, seed };
            let mut step = Step::new(frame, &self.rows);
            match decide(&mut step) {
                Ok(value) => {
                    let effects = step.finish();
                    self.keep(effects);
                    return Ok(value);
                }
                Err(Halt::Refuse(refusal)) => return Err(refusal),
                Err(Halt::Need(key)) => {
                    self.rows.insert(key, None);
                }
            }
        }
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
        self.said.extend(effects.said);
    }

    /// Entries addressed to another home come back as events there.
    fn deliver_addressed(&mut self) {
        while let Some(place) = self.said.iter().position(|said| said.to.is_some()) {
            let said = &mut self.said[place];
            let home = said.to.take().expect("found by it");
            let (event, subject) = (said.event.clone(), said.about.subject);
            self.hear_at(home, event, subject, self.now, "person:rehearsal");
        }
    }
}
