//! A core over journals alone: what it must have made of them, whenever it heard them.

use std::collections::BTreeMap;

use chassis_core::{Actor, Core, Due, Entry, Frame, Halt, Heard, RowKey, Rows, Step};
use organisation::Snapshot;
use proto::{AnyEvent, Id, Shard, Time};

pub struct Replay<'d, C> {
    directory: &'d Snapshot,
    pub rows: Rows,
    timers: BTreeMap<(String, Id), Time>,
    core: std::marker::PhantomData<C>,
}

impl<'d, C: Core> Replay<'d, C> {
    pub fn new(directory: &'d Snapshot) -> Replay<'d, C> {
        Replay { directory, rows: Rows::new(), timers: BTreeMap::new(), core: std::marker::PhantomData }
    }

    /// An entry of another service, heard in its own moment.
    pub fn hear(&mut self, entry: &Entry) -> Result<(), String> {
        if !C::wants(&entry.kind) {
            return Ok(());
        }
        let event = AnyEvent::decode(&entry.kind, &entry.payload).map_err(|error| error.to_string())?;
        let heard = Heard {
            at: entry.at,
            event,
            subject: entry.about.subject,
            branch: entry.about.branch.clone(),
            actor: entry.actor.clone(),
            hops: entry.hops,
            recorded_at: entry.recorded_at,
            occurred_at: entry.about.occurred_at,
        };
        self.run(entry.at.shard, entry.recorded_at, |step| C::event(&heard, step))
    }

    /// Fires what is due before a moment, in order.
    pub fn fire_before(&mut self, moment: Time) -> Result<(), String> {
        loop {
            let first = self.timers.iter().min_by_key(|(key, due)| (**due, (*key).clone()));
            let Some(((name, id), due)) = first.map(|(key, due)| (key.clone(), *due)) else { return Ok(()) };
            if due >= moment {
                return Ok(());
            }
            self.timers.remove(&(name.clone(), id));
            let due = Due { name, id, due, silent: Vec::new() };
            self.run(id.shard(), due.due, |step| C::timer(&due, step))?;
        }
    }

    /// The bodies of a table.
    pub fn bodies(&self, table: &str) -> BTreeMap<Id, &[u8]> {
        let of_table = self.rows.iter().filter(|(key, _)| key.table == table);
        of_table.filter_map(|(key, body)| Some((key.id, body.as_deref()?))).collect()
    }

    fn run(
        &mut self,
        shard: Shard,
        now: Time,
        mut decide: impl FnMut(&mut Step<'_>) -> Result<(), Halt>,
    ) -> Result<(), String> {
        let actor = Actor::Service { name: C::SERVICE.name().to_owned() };
        loop {
            let frame = Frame {
                service: C::SERVICE,
                shard,
                now,
                actor: &actor,
                directory: self.directory,
                seed: [0; 32],
            };
            let mut step = Step::new(frame, &self.rows);
            match decide(&mut step) {
                Ok(()) => {
                    let effects = step.finish();
                    for (key, change) in effects.rows {
                        self.rows.insert(key, change.put.map(|(body, _)| body));
                    }
                    for (key, due) in effects.timers {
                        match due {
                            Some(due) => self.timers.insert(key, due),
                            None => self.timers.remove(&key),
                        };
                    }
                    return Ok(());
                }
                Err(Halt::Need(key)) => {
                    let key: RowKey = key;
                    self.rows.insert(key, None);
                }
                Err(Halt::Refuse(refusal)) => return Err(refusal.to_string()),
            }
        }
    }
}
