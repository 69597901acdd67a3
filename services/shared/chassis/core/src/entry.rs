//! Journal entries: what was said, by whom, why, chained by hash.

use std::sync::Arc;

use proto::{AnyEvent, Event, Id, Shard, Time, envelope::Position};

/// What an entry is about, apart from its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The aggregate, a ticket mostly: `ce-subject`.
    pub subject: Option<Id>,
    /// The branch concerned, as a header for those who filter by it.
    pub branch: Option<String>,
    /// When it happened, if the playbook lets somebody say so.
    pub occurred_at: Option<Time>,
}

impl About {
    pub fn ticket(id: Id, branch: &str) -> About {
        About { subject: Some(id), branch: Some(branch.to_owned()), occurred_at: None }
    }
}

/// An entry as a step says it; place, hash and stamp come with the batch.
#[derive(Clone, Debug)]
pub struct Said {
    pub kind: &'static str,
    pub payload: Vec<u8>,
    pub about: About,
    /// Addressed to one other home of the same service.
    pub to: Option<Shard>,
    pub event: AnyEvent,
}

impl Said {
    pub fn new<E: Event>(about: About, to: Option<Shard>, event: E) -> Said {
        Said { kind: E::TYPE, payload: event.encode_to_vec(), about, to, event: event.into() }
    }
}

/// An entry in its place: the truth, the outbox and the audit trail in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Position,
    pub hash: [u8; 32],
    pub kind: Arc<str>,
    pub payload: Vec<u8>,
    pub about: About,
    pub actor: String,
    /// `request:<id>`, `event:<position>`, `timer:<name>`, `operator`.
    pub cause: String,
    pub hops: u8,
    pub directory_seq: u64,
    pub recorded_at: Time,
    /// The other home, and the gapless number of this pair.
    pub to: Option<(Shard, u64)>,
    pub traceparent: String,
}

/// What the hash of an entry is made of.
pub struct Chained<'a> {
    pub at: Position,
    pub kind: &'a str,
    pub payload: &'a [u8],
    pub subject: Option<Id>,
    pub branch: Option<&'a str>,
    pub occurred_at: Option<Time>,
    pub actor: &'a str,
    pub cause: &'a str,
    pub hops: u8,
    pub directory_seq: u64,
    pub recorded_at: Time,
    pub to: Option<(Shard, u64)>,
}

impl Entry {
    /// The hash of this entry over the one before it.
    pub fn chained(&self, previous: &[u8; 32]) -> [u8; 32] {
        let parts = Chained {
            at: self.at,
            kind: &self.kind,
            payload: &self.payload,
            subject: self.about.subject,
            branch: self.about.branch.as_deref(),
            occurred_at: self.about.occurred_at,
            actor: &self.actor,
            cause: &self.cause,
            hops: self.hops,
            directory_seq: self.directory_seq,
            recorded_at: self.recorded_at,
            to: self.to,
        };
        parts.over(previous)
    }
}

impl Chained<'_> {
    /// Every field that says something takes part, each with its length.
    pub fn over(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(previous);
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(self.at.to_string().as_bytes());
        part(self.kind.as_bytes());
        part(self.payload);
        part(self.subject.map(|id| id.uuid().into_bytes()).unwrap_or_default().as_slice());
        part(self.branch.unwrap_or_default().as_bytes());
        part(&self.occurred_at.unwrap_or_default().0.to_le_bytes());
        part(self.actor.as_bytes());
        part(self.cause.as_bytes());
        part(&[self.hops]);
        part(&self.directory_seq.to_le_bytes());
        part(&self.recorded_at.0.to_le_bytes());
        let (to, pair) = self.to.map_or((u64::MAX, 0), |(shard, pair)| (shard.number().into(), pair));
        part(&to.to_le_bytes());
        part(&pair.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}
