//! A replica's session with the database: one action at a time, and nobody knows what became of the last one when it
//! ends.

use chassis_core::{
    Happening,
    store::{Batch, LoadPlan},
};

use proto::Time;

use super::Site;
use crate::{
    event::{Event, Told, Who},
    fault::Kind,
    ground::Ground,
    order::Takes,
    plan::SECOND,
    spy::Spied,
};

/// A store action that takes longer puts the session in doubt.
const PATIENCE: u64 = 20 * SECOND;

/// As in the services: longer than a request's own stamp is accepted.
const REMEMBERED: i64 = 73 * Time::HOUR;
const PRUNED_AT_ONCE: usize = 500;

pub(super) enum Op {
    Load(LoadPlan),
    Commit(Box<Batch>),
    Beat,
    Timers,
}

/// What the database was asked to do.
pub(super) struct Flight<C: Takes> {
    /// Not carried out yet.
    op: Option<Op>,
    /// On its way back; `None` once carried out: the session is gone.
    answer: Option<Happening<C>>,
}

impl<C: Takes> Site<C> {
    pub(super) fn fly(&mut self, who: Who, op: Op, ground: &mut Ground) {
        let is_slow = ground.weather.is(Kind::DatabaseSlow, self.place, ground.now);
        let (low, high) = if is_slow { (SECOND / 2, 25 * SECOND) } else { (200, 2_000) };
        let delay = ground.dice.between(low, high);
        let Some(life) = self.replicas[who.replica].life.as_mut() else { return };
        if life.flight.is_some() {
            return ground.violation(format!("{} wants two things of the database at once", C::SERVICE));
        }
        life.flight = Some(Flight { op: Some(op), answer: None });
        if delay < PATIENCE {
            ground.after(delay / 2, Event::To(who, Told::Reach));
        }
        ground.after(delay.min(PATIENCE), Event::To(who, Told::Return));
    }

    /// The database carries out what it was asked, if it still knows the session.
    pub(super) fn reach(&mut self, replica: usize, ground: &mut Ground) {
        let Some(life) = self.replicas[replica].life.as_mut() else { return };
        if !life.session {
            return;
        }
        let Some(op) = life.flight.as_mut().and_then(|flight| flight.op.take()) else { return };
        let answer = self.carry_out_there(replica, op, ground);
        if let Some(flight) = self.replicas[replica].life.as_mut().and_then(|life| life.flight.as_mut()) {
            flight.answer = answer;
        }
    }

    fn carry_out_there(
        &mut self,
        replica: usize,
        op: Op,
        ground: &mut Ground,
    ) -> Option<Happening<Spied<C>>> {
        self.store.set_clock(ground.database_time(self.place));
        Some(match op {
            Op::Load(plan) => Happening::Loaded(self.store.load(&plan)),
            Op::Beat => {
                // Idle, so there is time to forget answers that nobody may ask for again.
                let database_now = self.store.beat();
                self.store.prune(database_now.plus(-REMEMBERED), PRUNED_AT_ONCE);
                Happening::Beaten { database_now }
            }
            Op::Timers => Happening::Timers(self.store.timers(&self.living(replica)?.owned)),
            Op::Commit(batch) => {
                let strange = batch
                    .heads
                    .iter()
                    .find(|head| self.locks[usize::from(head.shard.number())] != Some(replica));
                if let Some(head) = strange {
                    let shard = head.shard;
                    ground.violation(format!(
                        "{} writes to shard {shard} without its lock",
                        self.name(replica)
                    ));
                }
                match self.store.commit(&batch) {
                    Ok(database_now) => {
                        for entry in &batch.entries {
                            let hash = u64::from_le_bytes(*entry.hash.first_chunk().unwrap_or(&[0; 8]));
                            ground.trace.mark(50, hash);
                        }
                        ground.committed.push((self.place, batch));
                        Happening::Committed { database_now }
                    }
                    Err(error) => {
                        ground.violation(format!("{} was refused a batch: {error}", self.name(replica)));
                        return None;
                    }
                }
            }
        })
    }

    /// The answer, or the certainty that there will be none.
    pub(super) fn returned(&mut self, replica: usize, ground: &mut Ground) {
        let Some(flight) = self.replicas[replica].life.as_mut().and_then(|life| life.flight.take()) else {
            return;
        };
        if let Some(answer) = flight.answer {
            return self.tell(replica, answer, ground);
        }
        // In doubt: whatever it knew is dropped. What was under way may still be carried out before the lock is free.
        if let Some(life) = self.replicas[replica].life.as_mut() {
            life.flight = Some(flight);
        }
        if ground.dice.chance(500) {
            self.reach(replica, ground);
        }
        self.end(replica, SECOND / 20, ground);
    }

    /// The backend is gone. What was under way was carried out just before, or was not.
    pub(super) fn session_ends(&mut self, replica: usize, ground: &mut Ground) {
        if self.living(replica).is_none_or(|life| !life.session) {
            return;
        }
        if ground.dice.chance(500) {
            self.reach(replica, ground);
        }
        if let Some(life) = self.replicas[replica].life.as_mut() {
            life.session = false;
            if let Some(flight) = life.flight.as_mut() {
                flight.answer = None;
            }
        }
        ground.trace.say(ground.now, || format!("{} loses its session", self.name(replica)));
        self.release(replica, ground);
    }
}
