//! What goes into the next batch: the directory first, then due timers, then
//! commands, then events, each with a limit of its own.

use std::{collections::VecDeque, time::Duration};

use organisation::Snapshot;
use proto::{AnyEvent, Event, Service, Shard, event, journal::v1::HistoryRewound};

use super::{Action, Judging, Machine, Phase};
use crate::{
    batch::{OpenBatch, PAGE},
    core::Core,
    inbox::{Inbox, Incoming},
    input::Input,
    store::{DirectoryEntry, LoadPlan, Source},
};

/// Every source that the owned shards read.
pub(super) fn sources<C: Core>(owned: &[Shard]) -> impl Iterator<Item = Source> {
    owned.iter().flat_map(|to| {
        let heard = C::SOURCES
            .iter()
            .filter(|service| **service != Service::Directory)
            .map(|service| Source { service: *service, from: *to, to: *to, peer: false });
        let peers = Shard::all().map(|from| Source { service: C::SERVICE, from, to: *to, peer: true });
        heard.chain(peers.filter(|_| C::SERVICE != Service::Directory)).collect::<Vec<_>>()
    })
}

pub(super) fn apply(directory: &mut Snapshot, entry: &DirectoryEntry) -> Result<(), String> {
    let event = AnyEvent::decode(&entry.kind, &entry.payload)
        .map_err(|error| format!("directory entry {} cannot be read: {error}", entry.seq))?;
    directory.apply(entry.seq, &event).map_err(|error| error.to_string())
}

impl<C: Core> Machine<C> {
    /// Begins the next round trip, if anything calls for one. True if inputs
    /// were taken in, so that more may follow.
    pub(super) fn go_on(&mut self, now: Duration, actions: &mut Vec<Action>) -> bool {
        if self.wants_timers() {
            self.phase = Phase::LoadingTimers;
            actions.push(Action::LoadTimers);
            return false;
        }
        let mut open = OpenBatch::default();
        open.directory.append(&mut self.unsaved_directory);
        if !self.read_directory(&mut open, actions) {
            return false;
        }
        let inputs = match self.next_order() {
            Some(order) => VecDeque::from([order]),
            None if self.care.is_alone(now) => self.gather_one(now, actions),
            None => self.gather(now, actions),
        };
        let moved = !inputs.is_empty() || self.inboxes.moving().any(|(_, inbox)| inbox.has_unapplied());
        if let Some((inputs, open)) = self.mark(inputs, open, now, actions) {
            self.begin_batch(inputs, open, now, actions);
        }
        moved
    }

    /// Loads what the inputs need, or decides at once.
    pub(super) fn begin_batch(
        &mut self,
        inputs: VecDeque<Input<C>>,
        open: OpenBatch,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let mut plan = LoadPlan::default();
        for input in &inputs {
            plan.rows.extend(input.keys().into_iter().filter(|key| !self.rows.contains_key(key)));
            plan.requests.extend(input.request().cloned());
            if let Input::Order { order, .. } = input {
                plan.queue = Some((order.id, PAGE + 2));
            }
        }
        plan.rows.sort_unstable();
        plan.rows.dedup();
        if plan == LoadPlan::default() {
            self.decide(inputs, open, now, actions);
        } else {
            self.phase = Phase::Loading { waiting: inputs, open, asked: plan.rows.clone() };
            actions.push(Action::Load(plan));
        }
    }

    /// Nothing can be taken from it now: its type is unknown here, or the
    /// directory has to be read first.
    pub(super) fn stands_still(&self, source: &Source, inbox: &Inbox) -> bool {
        let needs = inbox.front().map_or(0, |entry| entry.directory_seq);
        self.blocked.contains(source) || (C::SERVICE != Service::Directory && needs > self.directory.seq())
    }

    /// Takes in what the directory said; false if it cannot be understood.
    fn read_directory(&mut self, open: &mut OpenBatch, actions: &mut Vec<Action>) -> bool {
        while let Some(entry) = self.directory_inbox.pop([0; 32]) {
            let entry = DirectoryEntry {
                seq: entry.seq,
                kind: entry.kind,
                payload: entry.payload,
                recorded_at: entry.recorded_at,
            };
            if let Err(why) = apply(&mut self.directory, &entry) {
                actions.push(Action::Stop(why));
                return false;
            }
            open.directory.push(entry);
        }
        true
    }

    fn gather(&mut self, now: Duration, actions: &mut Vec<Action>) -> VecDeque<Input<C>> {
        let mut inputs = VecDeque::new();
        self.gather_timers(now, self.limits.timers, &mut inputs, actions);
        self.commands.take(self.limits.commands, now, &mut inputs);
        self.gather_events(self.limits.events, &mut inputs, actions);
        inputs
    }

    pub(super) fn gather_timers(
        &mut self,
        now: Duration,
        limit: usize,
        inputs: &mut VecDeque<Input<C>>,
        actions: &mut Vec<Action>,
    ) {
        let business = self.business_now(now);
        let is_due = self.timers.first().is_some_and(|timer| timer.due <= business);
        if !C::JUDGES {
            while inputs.len() < limit && self.timers.first().is_some_and(|t| t.due <= business) {
                let row = self.timers.pop_first().expect("just seen");
                inputs.push_back(Input::timer(row, Vec::new()));
            }
            return;
        }
        let trusts_clock = !is_due || !self.has_leapt(actions);
        match &self.judging {
            Judging::Nothing if is_due && trusts_clock => {
                self.judging = Judging::Asking;
                actions.push(Action::AskPassed { until: business });
            }
            Judging::Ready { until, heads, silent } if self.has_reached(heads) => {
                let (until, silent) = (*until, silent.clone());
                while inputs.len() < limit && self.timers.first().is_some_and(|t| t.due <= until) {
                    let row = self.timers.pop_first().expect("just seen");
                    inputs.push_back(Input::timer(row, silent.clone()));
                }
                if self.timers.first().is_none_or(|t| t.due > until) {
                    self.judging = Judging::Nothing;
                }
            }
            Judging::Nothing | Judging::Asking | Judging::Ready { .. } => {}
        }
    }

    /// A clock that leapt is not judged by; accepting goes on.
    fn has_leapt(&mut self, actions: &mut Vec<Action>) -> bool {
        let leapt = self.clock.leapt();
        if let Some(micros) = leapt
            && !self.leap_alarmed
        {
            actions.push(Action::Alarm(format!("the database's clock leapt by {micros} us: not judging")));
        }
        self.leap_alarmed = leapt.is_some();
        leapt.is_some()
    }

    fn has_reached(&self, heads: &[(Service, Shard, u32, u64)]) -> bool {
        heads.iter().all(|(service, shard, epoch, seq)| {
            let source = Source { service: *service, from: *shard, to: *shard, peer: false };
            self.inboxes.get(&source).is_none_or(|inbox| inbox.has_reached(*epoch, *seq))
        })
    }

    /// Fairly: each batch begins with another source.
    pub(super) fn gather_events(
        &mut self,
        limit: usize,
        inputs: &mut VecDeque<Input<C>>,
        actions: &mut Vec<Action>,
    ) {
        let sources: Vec<Source> =
            self.inboxes.moving().filter(|(_, inbox)| !inbox.is_empty()).map(|(s, _)| *s).collect();
        if sources.is_empty() {
            return;
        }
        let share = (limit / sources.len()).max(8);
        let mut taken = 0;
        for turn in 0..sources.len() {
            let source = sources[(self.next_source + turn) % sources.len()];
            for _ in 0..share {
                if taken >= limit {
                    break;
                }
                match self.next_event(source, actions) {
                    Next::Nothing => break,
                    Next::Skipped => {}
                    Next::Input(input) => {
                        inputs.push_back(*input);
                        taken += 1;
                    }
                }
            }
        }
        self.next_source = self.next_source.wrapping_add(1);
    }

    fn next_event(&mut self, source: Source, actions: &mut Vec<Action>) -> Next<C> {
        if self.blocked.contains(&source) {
            return Next::Nothing;
        }
        let Some(inbox) = self.inboxes.get_mut(&source) else {
            return Next::Nothing;
        };
        let Some(front) = inbox.front() else {
            return Next::Nothing;
        };
        if C::SERVICE != Service::Directory && front.directory_seq > self.directory.seq() {
            // No ticket before its rule book: the directory is read up to there first.
            actions.push(Action::RepairDirectory { after: self.directory.seq() });
            return Next::Nothing;
        }
        let hash = match inbox.follows(&source, front) {
            Ok(hash) => hash,
            Err(why) => {
                let alarm = format!(
                    "{}.{} of {} shard {} cannot be applied: {why}; its history was changed without a new epoch, its reader stops",
                    front.epoch, front.seq, source.service, source.from
                );
                self.blocked.insert(source);
                actions.push(Action::Alarm(alarm));
                return Next::Nothing;
            }
        };
        if *front.kind == *HistoryRewound::TYPE {
            if let Some(withdrawn) = inbox.withdrawn_by(&source, front) {
                actions.push(Action::Alarm(withdrawn.heard()));
                self.rewindings.push(withdrawn);
            }
            inbox.pop(hash);
            return Next::Skipped;
        }
        if !C::wants(&front.kind) {
            if event::name_of(&front.kind).is_none() {
                self.blocked.insert(source);
                actions.push(Action::Alarm(format!(
                    "{} of {} shard {} is unknown to this program: its reader stops; upgrade readers before writers",
                    front.kind, source.service, source.from
                )));
                return Next::Nothing;
            }
            inbox.pop(hash);
            return Next::Skipped;
        }
        let entry: Incoming = inbox.pop(hash).expect("just seen");
        match AnyEvent::decode(&entry.kind, &entry.payload) {
            Ok(event) => Next::Input(Box::new(Input::heard(source, entry, event))),
            Err(error) => {
                self.blocked.insert(source);
                actions.push(Action::Stop(format!(
                    "{} at {}.{} cannot be read: {error}",
                    entry.kind, entry.epoch, entry.seq
                )));
                Next::Nothing
            }
        }
    }
}

enum Next<C: Core> {
    Nothing,
    /// Not needed here: its header moved the cursor.
    Skipped,
    Input(Box<Input<C>>),
}
