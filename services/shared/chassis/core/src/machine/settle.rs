//! From decided to committed, and what follows from it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use proto::{Service, Shard};

use super::{Action, Machine, Phase, Settling};
use crate::{
    aggregate::RowKey,
    batch::{Decided, Ground, OpenBatch},
    core::Core,
    input::Input,
    step::TimerChange,
    store::{Batch, Head, LoadPlan, Loaded, TimerRow, Timers},
};

/// Cursors that are all that changed are saved at most this often.
const CURSOR_SAVE: Duration = Duration::from_secs(1);

impl<C: Core> Machine<C> {
    pub(super) fn loaded(&mut self, loaded: Loaded, now: Duration, actions: &mut Vec<Action>) {
        self.clock.heard(loaded.database_now, now);
        self.last_trip = now;
        let Phase::Loading { waiting, mut open, asked } = std::mem::replace(&mut self.phase, Phase::Idle)
        else {
            actions.push(Action::Stop("rows were loaded that nobody had asked for".to_owned()));
            return;
        };
        // What was asked for and not found is known to be absent.
        for key in asked {
            self.rows.entry(key).or_insert(None);
        }
        for (key, body) in loaded.rows {
            self.rows.insert(key, Some(body));
        }
        open.remember(loaded.replies);
        open.queue = loaded.queue;
        self.decide(waiting, open, now, actions);
    }

    pub(super) fn decide(
        &mut self,
        mut waiting: VecDeque<Input<C>>,
        mut open: OpenBatch,
        now: Duration,
        actions: &mut Vec<Action>,
    ) {
        let business_now = self.business_now(now);
        let alone = self.care.is_alone(now);
        if C::SERVICE == Service::Directory && self.taken.is_empty() {
            self.directory_before = Some(self.directory.clone());
        }
        let lost = self.lost_shards();
        while let Some(input) = waiting.front() {
            let mut ground = Ground {
                lost: &lost,
                rows: &mut self.rows,
                heads: &mut self.heads,
                pairs: &mut self.pairs,
                directory: &mut self.directory,
                ward: &mut self.ward,
                business_now,
                alone,
            };
            if let Input::Order { .. } = input {
                let again = open.begin::<C>(input, &mut ground);
                self.taken.extend(waiting.pop_front());
                waiting.extend(again);
                continue;
            }
            match open.decide::<C>(input, &mut ground) {
                Decided::Done => self.taken.extend(waiting.pop_front()),
                Decided::Needs(key) => return self.load_more(key, waiting, open, actions),
                Decided::Broken(error) => {
                    actions.push(Action::Stop(format!("the directory's own entry does not fold: {error}")));
                    return;
                }
            }
        }
        self.finish(open, now, actions);
    }

    fn load_more(
        &mut self,
        key: RowKey,
        waiting: VecDeque<Input<C>>,
        open: OpenBatch,
        actions: &mut Vec<Action>,
    ) {
        if self.rows.contains_key(&key) {
            actions.push(Action::Stop(format!("{} {} is known and asked for again", key.table, key.id)));
            return;
        }
        self.phase = Phase::Loading { waiting, open, asked: vec![key] };
        actions.push(Action::Load(LoadPlan { rows: vec![key], ..LoadPlan::default() }));
    }

    /// Closes the batch: commit it, or make the round trip that answers need.
    fn finish(&mut self, open: OpenBatch, now: Duration, actions: &mut Vec<Action>) {
        let killers_met = open.killers_met.clone();
        let (mut batch, mut answers, mut undo) = open.close(C::SERVICE, &self.heads, &self.pairs);
        self.unmark(&mut batch, &killers_met);
        let asked = self.barriers.clone();
        let opened = self.open_epochs(&mut batch, &mut undo, now);
        let openings = opened.iter().map(|(token, _)| *token).collect();
        let starts_over = opened.iter().any(|(_, outcome)| outcome.is_ok());
        answers.extend(opened);
        let barriers = self.pass_barriers(&mut batch);
        self.add_marks(&mut batch, now);
        let settling = Settling {
            answers,
            entries: batch.entries.clone(),
            barriers,
            cursors: batch.cursors.clone(),
            timers: batch.timers.clone(),
            undo,
            directory: batch.directory.clone(),
            published: batch.published.clone(),
            asked,
            openings,
            starts_over,
        };
        let is_quiet = settling.answers.is_empty() && settling.barriers.is_empty();
        if !batch.is_empty() {
            actions.push(Action::Commit(Box::new(batch)));
        } else if !is_quiet || now.saturating_sub(self.last_trip) >= self.limits.beat {
            actions.push(Action::Beat);
        } else {
            self.count_applied();
            self.let_go_of_taken();
            return;
        }
        self.phase = Phase::Committing(Box::new(settling));
    }

    /// From here on everything is stamped above the moments asked about. The
    /// promise is written down, for the next owner must keep it and a clock may
    /// stand still (manual time), run behind the asker's, or be set back.
    fn pass_barriers(&mut self, batch: &mut Batch) -> Vec<(u64, Vec<Head>)> {
        let barriers = std::mem::take(&mut self.barriers);
        let Some(until) = barriers.iter().map(|(_, until)| *until).max() else {
            return Vec::new();
        };
        for head in self.heads.values_mut() {
            head.stamp = head.stamp.max(until);
            match batch.heads.iter_mut().find(|written| written.shard == head.shard) {
                Some(written) => written.stamp = head.stamp,
                // Also one that is above already: steps without entries moved it in memory only.
                None => {
                    batch.heads.push(head.clone());
                    batch.heads_before.push(head.seq);
                }
            }
        }
        let heads: Vec<Head> = self.heads.values().cloned().collect();
        barriers.into_iter().map(|(token, _)| (token, heads.clone())).collect()
    }

    fn count_applied(&mut self) {
        self.inboxes.for_each_moving(|_, inbox| inbox.applied = inbox.cursor);
    }

    /// Cursors and published marks ride along; alone they wait up to a second.
    fn add_marks(&mut self, batch: &mut Batch, now: Duration) {
        let is_time = now.saturating_sub(self.last_cursor_save) >= CURSOR_SAVE || !self.rewindings.is_empty();
        if batch.is_empty() && !is_time {
            return;
        }
        batch.cursors = self
            .inboxes
            .moving()
            .filter(|(_, inbox)| inbox.cursor != inbox.saved)
            .map(|(source, inbox)| (*source, inbox.cursor))
            .collect();
        batch.rewindings.append(&mut self.rewindings);
        // A shard's row is written once in a batch: marks of the others only.
        let is_written = |shard: &Shard| batch.heads.iter().any(|head| head.shard == *shard);
        batch.published = self.published.extract_if(.., |shard, _| !is_written(shard)).collect();
        self.last_cursor_save = now;
    }

    /// The store has answered: what was marked is tried, what was committed is told.
    pub(super) fn written(&mut self, now: Duration, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Marking { inputs, open } => self.begin_batch(inputs, open, now, actions),
            other => {
                self.phase = other;
                self.settled(now, actions);
            }
        }
    }

    fn settled(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Phase::Committing(settling) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            actions.push(Action::Stop("the store answered a batch that was not given to it".to_owned()));
            return;
        };
        self.commands.carried_out(now);
        self.inboxes.saved(settling.cursors);
        self.count_applied();
        self.let_go_of_taken();
        self.note_timers(&settling.timers);
        if !settling.entries.is_empty() {
            actions.push(Action::Publish(settling.entries));
        }
        actions
            .extend(settling.answers.into_iter().map(|(token, outcome)| Action::Answer { token, outcome }));
        actions.extend(
            settling.barriers.into_iter().map(|(token, heads)| Action::AnswerPassed { token, heads }),
        );
        if settling.starts_over {
            actions.push(Action::StartOver);
        }
        if self.rows.len() > self.limits.cached_rows {
            self.rows.clear();
        }
    }

    /// Asks the journals for what has been missing too long.
    pub(super) fn watch_sources(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let blocked = &self.blocked;
        self.inboxes.for_each_moving(|source, inbox| {
            if !blocked.contains(source)
                && let Some(after) = inbox.wants_repair(now)
            {
                actions.push(Action::Repair { source: *source, after });
            }
        });
        if let Some((_, after)) = self.directory_inbox.wants_repair(now) {
            actions.push(Action::RepairDirectory { after });
        }
    }

    pub(super) fn wants_timers(&self) -> bool {
        self.timers_until.is_some() && self.timers.is_empty()
    }

    pub(super) fn hold_timers(&mut self, timers: Timers) {
        let lost = self.lost_shards();
        let mut timers = timers;
        timers.rows.retain(|row| !lost.contains(&row.id.shard()));
        self.timers_until = timers.more.then(|| timers.rows.last().map(|row| row.due)).flatten();
        self.timers_by_key = timers.rows.iter().map(|row| ((row.name.clone(), row.id), row.due)).collect();
        self.timers = timers.rows.into_iter().collect();
    }

    fn note_timers(&mut self, changes: &[TimerChange]) {
        for change in changes {
            let key = (change.name.clone(), change.id);
            if let Some(due) = self.timers_by_key.remove(&key) {
                self.timers.remove(&TimerRow { due, name: key.0.clone(), id: key.1 });
            }
            if let Some(due) = change.due
                && self.timers_until.is_none_or(|until| due <= until)
            {
                self.timers.insert(TimerRow { due, name: key.0.clone(), id: key.1 });
                self.timers_by_key.insert(key, due);
            }
        }
    }
}

/// Timers held in memory, by what names them.
pub(super) type TimersByKey = BTreeMap<(String, proto::Id), proto::Time>;
