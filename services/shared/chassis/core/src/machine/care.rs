//! Care: one input at a time when something near is known to fail.
//!
//! After an owner who did not leave in order each input is marked in the store
//! before it is tried, so that whoever comes after its death knows the killer.
//! A batch that the store does not take is taken back, and its inputs come
//! again alone. In normal running nothing of this costs anything.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use proto::{Service, Shard};

use super::{Action, Machine, Phase, Settling};
use crate::{
    aside::{self, Changes, Fault, FoundAside, Order, Trying, Wish},
    batch::OpenBatch,
    core::Core,
    input::{Input, Outcome},
    store::{Batch, TimerRow},
};

/// Care ends after so long in any case.
const CARE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Care {
    /// Inputs that are still to be marked before they are tried.
    careful: usize,
    until: Duration,
    /// The inputs of a refused batch, by their names.
    suspects: BTreeSet<String>,
    /// The one that the store refused alone.
    condemned: Option<String>,
    /// Whose turn it is among timers, commands and events.
    turn: usize,
    /// Where something is marked as being tried.
    marked: BTreeSet<Shard>,
}

impl Care {
    /// As many inputs as one batch may have had when the owner before died.
    pub fn new(found: &FoundAside, batch: usize, now: Duration) -> Care {
        let careful = if found.unclean { batch } else { 0 };
        Care { careful, until: now + CARE, ..Care::default() }
    }

    fn is_careful(&self, now: Duration) -> bool {
        self.careful > 0 && now < self.until
    }

    /// One input at a time.
    pub fn is_alone(&self, now: Duration) -> bool {
        (self.careful > 0 || !self.suspects.is_empty()) && now < self.until
    }
}

impl<C: Core> Machine<C> {
    /// An operator's order, or a queue that nobody holds up any more.
    pub(super) fn next_order(&mut self) -> Option<Input<C>> {
        if let Some((token, ask, order)) = self.orders.pop_front() {
            return Some(Input::Order { order, asked: Some((token, ask)) });
        }
        if self.ward.is_empty() {
            return None;
        }
        let id = self.ward.unfinished()?;
        let order = Order { id, wish: Wish::Redrive, reason: String::new() };
        Some(Input::Order { order, asked: None })
    }

    /// The kinds take turns, so that none hides behind another.
    pub(super) fn gather_one(&mut self, now: Duration, actions: &mut Vec<Action>) -> VecDeque<Input<C>> {
        let mut inputs = VecDeque::new();
        for place in 0..3 {
            match (self.care.turn + place) % 3 {
                0 => self.gather_timers(now, 1, &mut inputs, actions),
                1 => self.commands.take(1, now, &mut inputs),
                _ => self.gather_events(1, &mut inputs, actions),
            }
            if !inputs.is_empty() {
                break;
            }
        }
        self.care.turn = self.care.turn.wrapping_add(1);
        inputs
    }

    /// Writes down what is going to be tried; gives it back if that is not called for.
    pub(super) fn mark(
        &mut self,
        inputs: VecDeque<Input<C>>,
        open: OpenBatch,
        now: Duration,
        actions: &mut Vec<Action>,
    ) -> Option<(VecDeque<Input<C>>, OpenBatch)> {
        let Some(input) = inputs.front().filter(|_| self.care.is_careful(now)) else {
            return Some((inputs, open));
        };
        let (shard, name) = (input.home(), input.name());
        if !self.owns(shard) {
            return Some((inputs, open));
        }
        self.care.marked.insert(shard);
        let trying = vec![self.trying(shard, Some(name))];
        let aside = Changes { trying, ..Changes::default() };
        actions.push(Action::Commit(Box::new(Batch { aside, ..Batch::default() })));
        self.phase = Phase::Marking { inputs, open };
        None
    }

    fn trying(&self, shard: Shard, now: Option<String>) -> Trying {
        let killers = self.ward.killers.get(&shard).cloned().unwrap_or_default();
        Trying { shard, now, killers }
    }

    /// The mark goes with what the input did.
    pub(super) fn unmark(&mut self, batch: &mut Batch, killers_met: &BTreeSet<Shard>) {
        let mut shards = killers_met.clone();
        shards.extend(&self.care.marked);
        batch.aside.trying = shards.into_iter().map(|shard| self.trying(shard, None)).collect();
    }

    /// They have been decided, and nothing happened.
    pub(super) fn let_go_of_taken(&mut self) {
        if self.care.careful > 0 || !self.care.suspects.is_empty() {
            self.care.careful = self.care.careful.saturating_sub(self.taken.len());
            for input in &self.taken {
                let name = input.name();
                self.care.suspects.remove(&name);
                self.care.condemned.take_if(|condemned| *condemned == name);
            }
        }
        self.taken.clear();
        self.care.marked.clear();
    }

    /// The store does not take the batch: everything is as it was before, and its inputs come again, alone.
    pub(super) fn refused(&mut self, why: &str, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Committing(settling) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            actions.push(Action::Stop(format!("the database refuses what no input asked for: {why}")));
            return;
        };
        let taken = std::mem::take(&mut self.taken);
        let opened = refuse_openings(&settling);
        self.take_back(*settling, now);
        let is_only_openings = taken.is_empty() && !opened.is_empty();
        actions.extend(opened);
        if is_only_openings {
            actions.push(Action::Alarm(format!("the database refuses that an epoch is opened: {why}")));
            return;
        }
        let is_one = taken.iter().filter(|input| !matches!(input, Input::Order { .. })).count() <= 1;
        let Some(first) = taken.first() else {
            actions.push(Action::Stop(format!("the database refuses what no input asked for: {why}")));
            return;
        };
        let name = first.name();
        if is_one {
            if self.care.condemned.as_ref() == Some(&name) {
                let text = format!("the database refuses even that {name} is set aside: {why}");
                actions.push(Action::Stop(text));
                return;
            }
            self.ward.barred.insert(name.clone(), (Fault::Store, format!("the database refuses it: {why}")));
            self.care.condemned = Some(name.clone());
        }
        actions.push(Action::Alarm(format!(
            "the database refuses a batch of {} inputs, {name} among them: {why}",
            taken.len()
        )));
        // What comes out of a queue comes with its order.
        let suspects = taken.iter().filter(|input| !matches!(input, Input::Again { .. }));
        self.care.suspects.extend(suspects.map(Input::name));
        self.care.until = now + CARE;
        self.give_back(taken, now);
    }

    fn take_back(&mut self, settling: Settling, now: Duration) {
        self.rows.clear();
        for (shard, before) in settling.undo.heads {
            if let Some(head) = self.heads.get_mut(&shard) {
                // Stamps may have gaps; what was promised about them stays promised.
                *head = crate::store::Head { stamp: head.stamp, ..before };
            }
        }
        self.pairs.extend(settling.undo.pairs);
        for (shard, waits) in settling.undo.lost {
            self.heads.remove(&shard);
            self.lost.insert(shard, waits);
        }
        if let Some(ward) = settling.undo.ward {
            self.ward = *ward;
        }
        if let Some(directory) = self.directory_before.take().filter(|_| C::SERVICE == Service::Directory) {
            self.directory = directory;
        }
        self.unsaved_directory = settling.directory;
        for (shard, seq) in settling.published {
            let mark = self.published.entry(shard).or_default();
            *mark = seq.max(*mark);
        }
        self.barriers.extend(settling.asked);
        self.timers = self
            .timers_by_key
            .iter()
            .map(|((name, id), due)| TimerRow { due: *due, name: name.clone(), id: *id })
            .collect();
        self.inboxes.for_each_moving(|_, inbox| inbox.rewind(now));
    }

    /// Timers and events are met again by themselves.
    fn give_back(&mut self, taken: Vec<Input<C>>, now: Duration) {
        for input in taken.into_iter().rev() {
            match input {
                Input::Command { token, home, ask, command } => {
                    self.commands.put_back(token, home, ask, command, now)
                }
                Input::Order { order, asked: Some((token, ask)) } => {
                    self.orders.push_front((token, ask, order))
                }
                Input::Order { asked: None, .. }
                | Input::Heard { .. }
                | Input::Timer(_)
                | Input::Again { .. } => {}
            }
        }
    }
}

/// Who orders an epoch is told, and orders it again: the batch may have been refused because of others.
fn refuse_openings(settling: &Settling) -> Vec<Action> {
    let ordered = settling.answers.iter().filter(|(token, _)| settling.openings.contains(token));
    let refusal = |outcome: &Outcome| match outcome {
        Ok(_) => Err(aside::not_stored()),
        Err(refusal) => Err(refusal.clone()),
    };
    ordered.map(|(token, outcome)| Action::Answer { token: *token, outcome: refusal(outcome) }).collect()
}
