//! The small interface between the loop and whatever stores: one load, one
//! commit. Postgres carries it out in the services, memory in the simulator.

use std::sync::Arc;

use proto::{Id, Service, Shard, Time, envelope::Position};

use crate::{
    aggregate::RowKey,
    aside::{Changes, FoundAside, SetAside},
    entry::Entry,
    epoch::{Lost, Rewinding},
    input::{Answer, Outcome},
    refusal::{Refusal, RefusalKind},
    step::{RowChange, TimerChange},
};

/// A remembered answer to an accepted request, scoped by caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub shard: Shard,
    pub request: RequestKey,
    /// Keyed hash of the plain content.
    pub content: [u8; 16],
    /// The reply as the core gave it, encoded; ids only.
    pub reply: Vec<u8>,
    pub epoch: u32,
    pub seq: u64,
}

impl Remembered {
    /// The same content gets the same answer; other content is refused.
    pub fn answer(&self, service: Service, content: &[u8; 16]) -> Outcome {
        if self.content != *content {
            return Err(Refusal::new(
                RefusalKind::AlreadyExists,
                "request-reused",
                "这个请求号已经用于另一内容，本次没有任何改动。请换一个新的请求号。",
                "This request id was used with other content; nothing was changed. Use a new request id.",
            ));
        }
        let at = Position { service, shard: self.shard, epoch: self.epoch, seq: self.seq };
        Ok(Answer { reply: self.reply.clone(), at })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    pub caller: String,
    pub id: Id,
}

/// What a batch needs to know before it is decided: one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadPlan {
    pub rows: Vec<RowKey>,
    pub requests: Vec<RequestKey>,
    /// The queue of this input in quarantine, or of this aggregate, and at most how much of it.
    pub queue: Option<(Id, usize)>,
}

#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Rows that exist; the others asked for do not.
    pub rows: Vec<(RowKey, Vec<u8>)>,
    pub replies: Vec<Remembered>,
    /// In order; an input that holds nothing stands alone.
    pub queue: Vec<SetAside>,
    pub database_now: Time,
}

/// A shard as it stands: the end of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub shard: Shard,
    pub epoch: u32,
    pub seq: u64,
    pub hash: [u8; 32],
    /// The last stamp given: the next one is above it.
    pub stamp: Time,
}

/// Where a reader stands in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    pub service: Service,
    pub from: Shard,
    /// The shard here that reads it.
    pub to: Shard,
    /// Entries addressed to `to`, counted by pair, instead of all of `from`.
    pub peer: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub epoch: u32,
    /// For peers the pair's number.
    pub seq: u64,
    /// Where a consumer may begin to find what follows.
    pub stream_seq: u64,
    /// Of the last applied entry: what follows has to chain on it. All zero:
    /// not known (peers, whose chain has entries for others in between).
    pub hash: [u8; 32],
}

/// An entry of the directory's journal, kept in every service's own schema:
/// it starts and decides without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    pub seq: u64,
    pub kind: Arc<str>,
    pub payload: Vec<u8>,
    pub recorded_at: Time,
}

/// Everything that one batch changes: one statement, one transaction.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub heads: Vec<Head>,
    /// The sequence that each changed head had before, in the order of `heads`.
    pub heads_before: Vec<u64>,
    pub entries: Vec<Arc<Entry>>,
    pub rows: Vec<(RowKey, RowChange)>,
    pub timers: Vec<TimerChange>,
    pub cursors: Vec<(Source, Cursor)>,
    /// (from, to) -> the last number of the pair.
    pub pairs: Vec<(Shard, Shard, u64)>,
    pub replies: Vec<Remembered>,
    pub directory: Vec<DirectoryEntry>,
    /// What is set aside, and what comes back.
    pub aside: Changes,
    /// Entries up to here are acknowledged by the stream.
    pub published: Vec<(Shard, u64)>,
    /// Stretches of history that were taken back: said here, or met by a reader.
    pub rewindings: Vec<Rewinding>,
}

impl Batch {
    /// Nothing to write: a round trip is enough.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
            && self.entries.is_empty()
            && self.rows.is_empty()
            && self.timers.is_empty()
            && self.cursors.is_empty()
            && self.replies.is_empty()
            && self.directory.is_empty()
            && self.aside.is_empty()
            && self.published.is_empty()
            && self.rewindings.is_empty()
    }
}

/// A timer as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerRow {
    pub due: Time,
    pub name: String,
    pub id: Id,
}

/// What a writer finds when it takes shards.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub heads: Vec<Head>,
    pub published: Vec<(Shard, u64)>,
    pub cursors: Vec<(Source, Cursor)>,
    pub pairs: Vec<(Shard, Shard, u64)>,
    pub directory: Vec<DirectoryEntry>,
    pub timers: Timers,
    /// What is held, and how the owner before went.
    pub aside: FoundAside,
    pub database_now: Time,
    /// Shards that do not have all that others heard from them: they wait.
    pub lost: Vec<Lost>,
}

/// The soonest timers of the writer's shards.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    pub rows: Vec<TimerRow>,
    /// There are more behind the last of `rows`.
    pub more: bool,
}
