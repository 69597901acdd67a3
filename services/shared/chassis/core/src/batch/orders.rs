//! Orders of an operator: what was set aside is decided again, or never will be.

use std::collections::{BTreeMap, VecDeque};

use proto::{
    Id, Service, Shard, Time,
    journal::v1::{QuarantineDiscarded, QuarantineRedriven},
};

use super::{Ground, OpenBatch, PAGE, hold::Run, not_mine, stamp};
use crate::{
    aside::{self, Fault, Handled, Order, SetAside, Wish},
    core::Core,
    entry::{About, Said},
    epoch::lost_tail,
    input::Input,
    kept::Kept,
    refusal::Refusal,
    store::Head,
};

impl OpenBatch {
    /// An operator's order, or what is left of one: what is to be decided again now.
    pub fn begin<C: Core>(&mut self, input: &Input<C>, ground: &mut Ground<'_>) -> Vec<Input<C>> {
        let Input::Order { order, asked } = input else { return Vec::new() };
        let home = order.id.shard();
        let mut rows = VecDeque::from(std::mem::take(&mut self.queue));
        if let Some((token, ask)) = asked
            && let Some(known) = self.known.get(&ask.request)
        {
            self.answers.push((*token, known.answer(C::SERVICE, &ask.content)));
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
