//! Holding back: what cannot be decided is set aside, and what comes later for the
//! same aggregate queues behind it. Orders bring it back (`orders.rs`).

use std::collections::{BTreeMap, VecDeque};

use proto::{Bucket, Id, Shard, Time};

use super::{Ground, OpenBatch};
use crate::{
    aside::{self, Fault, Held, SetAside, Ward},
    core::{Core, Due},
    input::{Ask, Input, timer_name},
    kept::Kept,
};

/// So many are decided again in one batch; the others follow by themselves.
pub(crate) const PAGE: usize = 64;
/// The program's own words are cut here.
const REASON: usize = 2_000;

/// A queue that is being worked off.
pub(super) struct Run {
    pub aggregate: Option<Id>,
    pub home: Shard,
    pub asked: Option<(u64, std::sync::Arc<Ask>)>,
    /// What is left of the queue, as far as it was loaded.
    pub rest: VecDeque<(Id, Option<Fault>)>,
    /// Timers of the aggregate were moved or taken away: what is left may be less than `rest`.
    pub is_shorter: bool,
    pub applied: u32,
    pub failed: Option<Id>,
}

impl OpenBatch {
    /// What is known of quarantine, to be changed: as it was is kept for the undoing.
    pub(super) fn ward<'g>(&mut self, ground: &'g mut Ground<'_>) -> &'g mut Ward {
        self.undo.ward.get_or_insert_with(|| Box::new(ground.ward.clone()));
        ground.ward
    }

    /// True if the input is not to be decided now.
    pub(super) fn hold_back<C: Core>(
        &mut self,
        input: &Input<C>,
        stamp: Time,
        ground: &mut Ground<'_>,
    ) -> bool {
        if let Input::Again { .. } = input {
            return false;
        }
        if !ground.ward.barred.is_empty()
            && let Some((fault, reason)) = ground.ward.barred.get(&input.name()).cloned()
        {
            self.turn_away(input, fault, &reason, stamp, ground);
            return true;
        }
        if !ground.ward.killers.is_empty() {
            // Somebody died on it once. If this one does not, it was not the killer.
            self.strike_off_killers(&input.name(), input.home(), ground);
        }
        let held = input.aggregate().and_then(|id| Some((id, ground.ward.held.get(&id)?.clone())));
        let Some((aggregate, held)) = held else { return false };
        if let Input::Command { .. } = input {
            self.refuse(input, aside::held(held.head, held.fault));
            return true;
        }
        let place = held.last + 1;
        self.ward(ground).held.insert(aggregate, Held { last: place, ..held });
        self.put_aside(input, Some(aggregate), place, None, "", stamp);
        true
    }

    /// One that is not to be tried (again).
    fn turn_away<C: Core>(
        &mut self,
        input: &Input<C>,
        fault: Fault,
        reason: &str,
        stamp: Time,
        ground: &mut Ground<'_>,
    ) {
        let name = input.name();
        let is_new = self.strike_off_killers(&name, input.home(), ground);
        match input {
            Input::Command { .. } if fault == Fault::Died => {
                if is_new {
                    self.put_aside(input, None, 0, Some(fault), reason, stamp);
                }
                self.refuse(input, aside::barred());
            }
            Input::Command { .. } => {
                self.ward(ground).barred.remove(&name);
                self.refuse(input, aside::not_stored());
            }
            _ => {
                self.ward(ground).barred.remove(&name);
                self.fail(input, fault, reason, stamp, ground);
            }
        }
    }

    /// True if a former owner died on it and it is met for the first time since.
    pub(super) fn strike_off_killers(&mut self, name: &str, home: Shard, ground: &mut Ground<'_>) -> bool {
        let is_killer = ground.ward.killers.get(&home).is_some_and(|names| names.iter().any(|n| n == name));
        if is_killer {
            let killers = &mut self.ward(ground).killers;
            if let Some(names) = killers.get_mut(&home) {
                names.retain(|known| known != name);
            }
            self.killers_met.insert(home);
        }
        is_killer
    }

    /// An input on which the step failed, with all that it did dropped.
    pub(super) fn fail<C: Core>(
        &mut self,
        input: &Input<C>,
        fault: Fault,
        reason: &str,
        stamp: Time,
        ground: &mut Ground<'_>,
    ) {
        match input {
            Input::Again { aside, .. } => self.failed_again(aside, fault, reason, ground),
            // It holds nothing: its caller was answered, and everybody else may go on.
            Input::Command { .. } => self.put_aside(input, None, 0, Some(fault), reason, stamp),
            Input::Heard { .. } | Input::Timer(_) => {
                let aggregate = input.aggregate();
                let known = aggregate.and_then(|id| ground.ward.held.get(&id).cloned());
                let place = known.as_ref().map_or(1, |held| held.last + 1);
                let id = self.put_aside(input, aggregate, place, Some(fault), reason, stamp);
                if let Some(aggregate) = aggregate {
                    let head = Held { head: id, fault: Some(fault), last: place };
                    let held = known.map_or(head, |held| Held { last: place, ..held });
                    self.ward(ground).held.insert(aggregate, held);
                }
                id
            }
            Input::Order { .. } => return,
        };
    }

    fn put_aside<C: Core>(
        &mut self,
        input: &Input<C>,
        aggregate: Option<Id>,
        place: u64,
        fault: Option<Fault>,
        reason: &str,
        at: Time,
    ) -> Id {
        let bucket = aggregate.map_or_else(|| Bucket::first_of(input.home()), Id::bucket);
        let cause = input.name();
        let hash = blake3::hash(format!("{cause} {} {place} {}", at.0, self.aside.put.len()).as_bytes());
        let id = Id::mint(at, bucket, *hash.as_bytes().first_chunk().expect("a hash has 32 bytes"));
        if let Input::Timer(due) = input {
            self.timers.insert((due.name.clone(), due.id), None);
        }
        let kept = Kept::of(input).expect("orders are not set aside");
        self.aside.put.push(SetAside {
            id,
            aggregate,
            place,
            cause,
            kind: kept.kind().to_owned(),
            payload: kept.encode(),
            fault,
            reason: sayable(reason),
            at,
        });
        id
    }

    pub(super) fn failed_again(
        &mut self,
        aside: &SetAside,
        fault: Fault,
        reason: &str,
        ground: &mut Ground<'_>,
    ) -> Id {
        self.aside.put.push(SetAside { fault: Some(fault), reason: sayable(reason), ..aside.clone() });
        if let Some(run) = &mut self.run {
            run.failed = Some(aside.id);
        }
        if let Some(held) = aside.aggregate.and_then(|id| self.ward(ground).held.get_mut(&id)) {
            (held.head, held.fault) = (aside.id, Some(fault));
        }
        aside.id
    }

    /// One of the queue failed: those behind it stay where they are.
    pub(super) fn has_stopped(&self) -> bool {
        self.run.as_ref().is_none_or(|run| run.failed.is_some())
    }

    /// Out of quarantine and decided, or no longer to be.
    pub(super) fn passed<C: Core>(&mut self, input: &Input<C>, applied: bool, ground: &mut Ground<'_>) {
        if let Input::Again { aside, .. } = input {
            if let Some(run) = &mut self.run {
                run.applied += u32::from(applied);
            }
            self.drop_first(aside.id, ground);
        }
    }

    /// The next one is the head; after the last one nothing is held.
    pub(super) fn drop_first(&mut self, id: Id, ground: &mut Ground<'_>) {
        self.aside.gone.push(id);
        let Some(run) = &mut self.run else { return };
        run.rest.pop_front();
        let (aggregate, next, is_shorter) = (run.aggregate, run.rest.front().copied(), run.is_shorter);
        let Some(aggregate) = aggregate else { return };
        let held = &mut self.ward(ground).held;
        match next {
            Some((head, fault)) => {
                // The next one may be gone: then the queue is looked at again.
                let fault = fault.filter(|_| !is_shorter);
                held.entry(aggregate).and_modify(|held| (held.head, held.fault) = (head, fault));
            }
            None => {
                held.remove(&aggregate);
            }
        }
    }

    /// Timers in a queue that were armed anew or disarmed meanwhile do not fire, whatever they were set aside for.
    pub(super) fn forget_queued_timers<C: Core>(
        &mut self,
        timers: &BTreeMap<(String, Id), Option<Time>>,
        ground: &mut Ground<'_>,
    ) {
        if ground.ward.held.is_empty() {
            return;
        }
        for (name, id) in timers.keys() {
            let due = Due { name: name.clone(), id: *id, due: Time::default(), silent: Vec::new() };
            let Some(aggregate) = Input::<C>::Timer(due).aggregate() else { continue };
            if !ground.ward.held.contains_key(&aggregate) {
                continue;
            }
            let cause = timer_name(name, *id);
            self.aside.put.retain(|put| put.cause != cause);
            self.aside.gone_timers.push((aggregate, cause));
            match &mut self.run {
                Some(run) if run.aggregate == Some(aggregate) => run.is_shorter = true,
                // It may have been the head: the queue is looked at again.
                _ => {
                    self.ward(ground).held.entry(aggregate).and_modify(|held| held.fault = None);
                }
            }
        }
    }
}

/// As a database takes it, and not without end.
fn sayable(reason: &str) -> String {
    reason.chars().filter(|letter| *letter != '\0').take(REASON).collect()
}
