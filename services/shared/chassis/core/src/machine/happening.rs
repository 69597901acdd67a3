//! What a machine is told, and what it wants done.

use std::sync::Arc;

use proto::{Service, Shard, Time};

use crate::{
    aside::Order,
    core::Core,
    entry::Entry,
    epoch::Opening,
    inbox::Incoming,
    input::{Ask, Outcome},
    store::{Batch, Head, LoadPlan, Loaded, Source, Timers},
};

/// What the machine is told.
pub enum Happening<C: Core> {
    Command {
        token: u64,
        home: Shard,
        ask: Arc<Ask>,
        command: Arc<C::Command>,
    },
    /// Somebody sees to what is in quarantine.
    Order {
        token: u64,
        ask: Arc<Ask>,
        order: Order,
    },
    Heard {
        source: Source,
        entry: Incoming,
    },
    DirectoryHeard {
        entry: Incoming,
    },
    Announced {
        source: Source,
        epoch: u32,
        seq: u64,
    },
    DirectoryAnnounced {
        epoch: u32,
        seq: u64,
    },
    Loaded(Loaded),
    Committed {
        database_now: Time,
    },
    /// The store does not take the batch, and never will: nothing of it was written.
    Refused {
        why: String,
    },
    Beaten {
        database_now: Time,
    },
    Timers(Timers),
    /// Somebody judges, and asks whether this moment has passed here.
    AskedPassed {
        token: u64,
        until: Time,
    },
    /// Our own question was answered.
    Passed {
        until: Time,
        heads: Vec<(Service, Shard, u32, u64)>,
        silent: Vec<Service>,
    },
    Published(Vec<(Shard, u64)>),
    /// An operator opens the next epoch of a shard.
    OpenEpoch {
        token: u64,
        opening: Opening,
    },
    Tick,
}

/// What the shell is to do. At most one of Load, Commit, Beat, LoadTimers is under way.
#[derive(Debug)]
pub enum Action {
    Load(LoadPlan),
    Commit(Box<Batch>),
    Beat,
    LoadTimers,
    Answer {
        token: u64,
        outcome: Outcome,
    },
    Publish(Vec<Arc<Entry>>),
    AskPassed {
        until: Time,
    },
    AnswerPassed {
        token: u64,
        heads: Vec<Head>,
    },
    Repair {
        source: Source,
        after: (u32, u64),
    },
    RepairDirectory {
        after: u64,
    },
    /// Something an operator should know.
    Alarm(String),
    /// An epoch was opened: all that is held in memory belongs to the one before.
    StartOver,
    /// A broken invariant: this writer must not go on.
    Stop(String),
}
