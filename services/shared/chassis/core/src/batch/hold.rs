//! Holding back: what cannot be decided is set aside, what comes later for the
//! same aggregate queues behind it, and orders of an operator bring it back.

use std::collections::{BTreeMap, VecDeque};

use proto::{
    Bucket, Id, Service, Shard, Time,
    journal::v1::{QuarantineDiscarded, QuarantineRedriven},
};

use super::{Ground, OpenBatch, not_mine, repeat_answer, stamp};
use crate::{
    aside::{self, Fault, Handled, Held, Order, SetAside, Ward, Wish},
    core::{Core, Due},
    entry::{About, Said},
    epoch::lost_tail,
    input::{Ask, Input, timer_name},
    kept::Kept,
    refusal::Refusal,
    store::Head,
};

/// So many are decided again in one batch; the others follow by themselves.
pub(crate) const PAGE: usize = 64;
/// The program's own words are cut here.
const REASON: usize = 2_000;

/// A queue that is being worked off.
pub(super) struct Run {
    aggregate: Option<Id>,
    home: Shard,
    asked: Option<(u64, std::sync::Arc<Ask>)>,
    /// What is left of the queue, as far as it was loaded.
    rest: VecDeque<(Id, Option<Fault>)>,
    /// Timers of the aggregate were moved or taken away: what is left may be less than `rest`.
    is_shorter: bool,
    applied: u32,
    failed: Option<Id>,
}

impl OpenBatch {
    /// What is known of quarantine, to be changed: as it was is kept for the undoing.
    fn ward<'g>(&mut self, ground: &'g mut Ground<'_>) -> &'g mut Ward {
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
    fn strike_off_killers(&mut self, name: &str, home: Shard, ground: &mut Ground<'_>) -> bool {
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

    fn failed_again(&mut self, aside: &SetAside, fault: Fault, reason: &str, ground: &mut Ground<'_>) -> Id {
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
    fn drop_first(&mut self, id: Id, ground: &mut Ground<'_>) {
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

    /// An operator's order, or what is left of one: what is to be decided again now.
    pub fn begin<C: Core>(&mut self, input: &Input<C>, ground: &mut Ground<'_>) -> Vec<Input<C>> {
        let Input::Order { order, asked } = input else { return Vec::new() };
        let home = order.id.shard();
        let mut rows = VecDeque::from(std::mem::take(&mut self.queue));
        if let Some((token, ask)) = asked
            && let Some(known) = self.known.get(&ask.request)
        {
            self.answers.push((*token, repeat_answer::<C>(known, &ask.content)));
            return Vec::new();
        }
        let Some(head) = ground.heads.get(&home) else {
            let waits = ground.lost.contains(&home);
            self.refuse(input, if waits { lost_tail(home) } else { not_mine(home) });
            return Vec::new();
        };
        let stamp = stamp(head.stamp, None, ground.business_now);
        if let Some((fault, reason)) = ground.ward.barred.get(&input.name()).cloned() {
            self.give_up(input, fault, &reason, rows.front(), ground);
            return Vec::new();
        }
        if asked.is_none() && rows.front().is_none_or(|first| first.fault.is_some()) {
            self.look_again(order.id, rows.front(), ground);
            return Vec::new();
        }
        if asked.is_some()
            && let Err(refusal) = check(order, rows.front())
        {
            self.refuse(input, refusal);
            return Vec::new();
        }
        let first = rows[0].clone();
        if asked.is_some() {
            self.say_order(input, order, &first, stamp, ground);
        }
        self.run = Some(Run {
            aggregate: first.aggregate,
            home,
            asked: asked.clone(),
            rest: rows.iter().map(|row| (row.id, row.fault)).collect(),
            is_shorter: false,
            applied: 0,
            failed: None,
        });
        let is_dropped = order.wish == Wish::Discard || first.aggregate.is_none() && first.kind == COMMAND;
        if is_dropped {
            self.ward(ground).barred.remove(&first.cause);
            self.drop_first(first.id, ground);
            rows.pop_front();
        }
        let limit = match (ground.alone, is_dropped) {
            (false, _) => PAGE,
            (true, dropped) => usize::from(!dropped),
        };
        self.again(rows, limit, is_dropped, ground)
    }

    /// The queue is not as it was thought to be: a timer in it was taken away.
    fn look_again(&mut self, aggregate: Id, first: Option<&SetAside>, ground: &mut Ground<'_>) {
        let held = &mut self.ward(ground).held;
        match first {
            Some(first) => {
                held.entry(aggregate).and_modify(|held| (held.head, held.fault) = (first.id, first.fault));
            }
            None => {
                held.remove(&aggregate);
            }
        }
    }

    /// The first one in any case, then those that merely waited.
    fn again<C: Core>(
        &mut self,
        rows: VecDeque<SetAside>,
        limit: usize,
        is_dropped: bool,
        ground: &mut Ground<'_>,
    ) -> Vec<Input<C>> {
        let mut inputs = Vec::new();
        for (place, aside) in rows.into_iter().take(limit).enumerate() {
            if aside.fault.is_some() && (is_dropped || place > 0) {
                break;
            }
            match Kept::decode(&aside.payload).and_then(Kept::input::<C>) {
                Ok(input) => inputs.push(Input::Again { aside, input: Box::new(input) }),
                // Those before it are decided first: it is met again as the head, and stops there.
                Err(_) if !inputs.is_empty() => break,
                Err(why) => {
                    self.failed_again(&aside, Fault::Refused, &format!("it cannot be read: {why}"), ground);
                    break;
                }
            }
        }
        inputs
    }

    /// An order on which the process died, or that the database does not take.
    fn give_up<C: Core>(
        &mut self,
        input: &Input<C>,
        fault: Fault,
        reason: &str,
        first: Option<&SetAside>,
        ground: &mut Ground<'_>,
    ) {
        let name = input.name();
        self.ward(ground).barred.remove(&name);
        self.strike_off_killers(&name, input.home(), ground);
        if let Some(first) = first {
            self.failed_again(first, fault, reason, ground);
        }
        self.refuse(input, aside::not_stored());
    }

    fn say_order<C: Core>(
        &mut self,
        input: &Input<C>,
        order: &Order,
        first: &SetAside,
        stamp: Time,
        ground: &mut Ground<'_>,
    ) {
        let about = About { subject: first.aggregate, ..About::default() };
        let quarantine_id = order.id.to_string();
        let aggregate_id = first.aggregate.map(|id| id.to_string()).unwrap_or_default();
        let fault = first.fault.map_or("waits", Fault::code).to_owned();
        let (input_type, reason) = (first.kind.clone(), order.reason.clone());
        let said = match order.wish {
            Wish::Redrive => Said::new(
                about,
                None,
                QuarantineRedriven { quarantine_id, aggregate_id, input_type, fault, reason },
            ),
            Wish::Discard => Said::new(
                about,
                None,
                QuarantineDiscarded { quarantine_id, aggregate_id, input_type, fault, reason },
            ),
        };
        let home = order.id.shard();
        // The directory folds its own entries as it writes them; of this one it takes the number only.
        if self.write::<C>(input, home, stamp, said, ground).is_ok()
            && let Some(head) = ground.heads.get_mut(&home)
        {
            head.stamp = stamp;
        }
    }

    /// What became of an order, once all of it is decided.
    pub(super) fn answer_order(&mut self, service: Service, heads: &BTreeMap<Shard, Head>) {
        let Some(run) = self.run.take() else { return };
        let Some((token, ask)) = run.asked else { return };
        let more = run.failed.is_none()
            && run.rest.front().is_some_and(|(_, fault)| fault.is_none() || run.is_shorter);
        let handled = Handled { applied: run.applied, failed: run.failed, more };
        let reply = rmp_serde::to_vec_named(&handled).expect("replies are plain data");
        self.accept(service, token, &ask, reply, &heads[&run.home]);
    }
}

const COMMAND: &str = "command";

/// Only the first of a queue, and no command that was answered.
fn check(order: &Order, first: Option<&SetAside>) -> Result<(), Refusal> {
    let first = first.ok_or_else(|| aside::not_there(order.id))?;
    if first.id != order.id {
        return Err(aside::not_first(order.id, first.id));
    }
    let is_answered = first.aggregate.is_none() && first.kind == COMMAND && first.fault != Some(Fault::Died);
    if order.wish == Wish::Redrive && is_answered {
        return Err(aside::answered_already(order.id));
    }
    Ok(())
}

/// As a database takes it, and not without end.
fn sayable(reason: &str) -> String {
    reason.chars().filter(|letter| *letter != '\0').take(REASON).collect()
}
