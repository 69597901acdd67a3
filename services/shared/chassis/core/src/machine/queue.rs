//! Commands that wait for the next batch, and whether one more may.
//!
//! An accepted command should be answered while its caller still listens: what would wait too long is refused at once,
//! with the time after which it is worth asking again. How long waiting takes is seen twice: by how long the first one
//! has waited (a steady load above what is carried out) and by how long commands took lately (a heap that comes at once).

use std::{collections::VecDeque, sync::Arc, time::Duration};

use proto::Shard;

use super::Limits;
use crate::{
    core::Core,
    input::{Ask, Input},
};

/// So few are no crowd, however slow the machine is.
const FEW: usize = 32;
/// A heap may take so many times the patience: it comes seldom, and its callers all came at once.
const HEAP: u32 = 10;
/// A newer measurement counts an eighth.
const INERTIA: u32 = 8;
const SOON: Duration = Duration::from_millis(100);
const LATE: Duration = Duration::from_secs(5);

struct Waiting<C: Core> {
    token: u64,
    home: Shard,
    ask: Arc<Ask>,
    command: Arc<C::Command>,
    since: Duration,
}

pub(super) struct Queue<C: Core> {
    waiting: VecDeque<Waiting<C>>,
    /// When the batch under way began, and with how many.
    batch: Option<(Duration, usize)>,
    /// What a command took lately, batches being carried out together.
    each: Option<Duration>,
}

impl<C: Core> Queue<C> {
    pub fn new() -> Queue<C> {
        Queue { waiting: VecDeque::new(), batch: None, each: None }
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether one more may wait; else after what time there may be room again.
    pub fn room(&self, limits: &Limits, now: Duration) -> Result<(), Duration> {
        let first = self.waiting.front().map_or(Duration::ZERO, |first| now.saturating_sub(first.since));
        let whole = self.each.map(|each| each * u32::try_from(self.len()).unwrap_or(u32::MAX));
        let is_crowd = self.len() >= FEW
            && (first > limits.patience || whole.is_some_and(|whole| whole > limits.patience * HEAP));
        if self.len() < limits.waiting_commands && !is_crowd {
            return Ok(());
        }
        Err(whole.unwrap_or(2 * SOON).max(first).clamp(SOON, LATE))
    }

    pub fn push(
        &mut self,
        token: u64,
        home: Shard,
        ask: Arc<Ask>,
        command: Arc<C::Command>,
        since: Duration,
    ) {
        self.waiting.push_back(Waiting { token, home, ask, command, since });
    }

    /// One that was taken and comes back.
    pub fn put_back(
        &mut self,
        token: u64,
        home: Shard,
        ask: Arc<Ask>,
        command: Arc<C::Command>,
        now: Duration,
    ) {
        self.waiting.push_front(Waiting { token, home, ask, command, since: now });
    }

    pub fn take(&mut self, limit: usize, now: Duration, inputs: &mut VecDeque<Input<C>>) {
        let count = self.len().min(limit);
        if count > 0 {
            self.batch = Some((now, count));
        }
        for Waiting { token, home, ask, command, .. } in self.waiting.drain(..count) {
            inputs.push_back(Input::Command { token, home, ask, command });
        }
    }

    /// The batch that was taken last is carried out.
    pub fn carried_out(&mut self, now: Duration) {
        let Some((began, count)) = self.batch.take() else { return };
        let sample = now.saturating_sub(began) / u32::try_from(count).unwrap_or(u32::MAX);
        self.each = Some(self.each.map_or(sample, |each| (each * (INERTIA - 1) + sample) / INERTIA));
    }
}
