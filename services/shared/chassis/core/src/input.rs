//! What waits to be decided, and what becomes of it.

use std::sync::Arc;

use proto::{AnyEvent, Service, Shard, Time, envelope::Position};

use crate::{
    actor::Actor,
    aggregate::RowKey,
    core::{Core, Due, Heard},
    inbox::Incoming,
    refusal::Refusal,
    store::{RequestKey, Source, TimerRow},
};

/// Who asks, under which request id, and what for as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub request: RequestKey,
    pub content: [u8; 16],
    pub actor: Actor,
    pub traceparent: String,
}

/// The answer to an accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The core's reply, encoded.
    pub reply: Vec<u8>,
    pub at: Position,
}

pub type Outcome = Result<Answer, Refusal>;

/// One thing to decide.
pub(crate) enum Input<C: Core> {
    Command { token: u64, home: Shard, ask: Arc<Ask>, command: Arc<C::Command> },
    Heard { source: Source, heard: Heard, traceparent: String },
    Timer(Due),
}

impl<C: Core> Input<C> {
    pub fn heard(source: Source, entry: Incoming, event: AnyEvent) -> Input<C> {
        let heard = Heard {
            at: Position { service: source.service, shard: source.from, epoch: entry.epoch, seq: entry.seq },
            event,
            subject: entry.subject,
            branch: entry.branch,
            actor: entry.actor,
            hops: entry.hops,
            recorded_at: entry.recorded_at,
            occurred_at: entry.occurred_at,
        };
        Input::Heard { source, heard, traceparent: entry.traceparent }
    }

    pub fn timer(row: TimerRow, silent: Vec<Service>) -> Input<C> {
        Input::Timer(Due { name: row.name, id: row.id, due: row.due, silent })
    }

    pub fn home(&self) -> Shard {
        match self {
            Input::Command { home, .. } => *home,
            Input::Heard { source, .. } => source.to,
            Input::Timer(due) => due.id.shard(),
        }
    }

    pub fn keys(&self) -> Vec<RowKey> {
        match self {
            Input::Command { command, .. } => C::command_keys(command),
            Input::Heard { heard, .. } => C::event_keys(heard),
            Input::Timer(due) => C::timer_keys(due),
        }
    }

    pub fn request(&self) -> Option<&RequestKey> {
        match self {
            Input::Command { ask, .. } => Some(&ask.request),
            Input::Heard { .. } | Input::Timer(_) => None,
        }
    }

    /// Nothing that it causes may be stamped before this.
    pub fn after(&self) -> Option<Time> {
        match self {
            Input::Heard { heard, .. } => Some(heard.recorded_at),
            Input::Timer(due) => Some(due.due),
            Input::Command { .. } => None,
        }
    }

    pub fn cause(&self) -> String {
        match self {
            Input::Command { ask, .. } => format!("request:{}", ask.request.id),
            Input::Heard { heard, .. } => format!("event:{}", heard.at),
            Input::Timer(due) => format!("timer:{}:{}", due.name, due.id),
        }
    }

    pub fn hops(&self) -> u8 {
        match self {
            Input::Heard { heard, .. } => heard.hops.saturating_add(1),
            Input::Command { .. } | Input::Timer(_) => 0,
        }
    }

    pub fn traceparent(&self) -> &str {
        match self {
            Input::Command { ask, .. } => &ask.traceparent,
            Input::Heard { traceparent, .. } => traceparent,
            Input::Timer(_) => "",
        }
    }

    /// Same input, same seed: ids minted by a replay are the same.
    pub fn seed(&self) -> [u8; 32] {
        match self {
            Input::Timer(due) => {
                *blake3::hash(format!("{}:{}", self.cause(), due.due.0).as_bytes()).as_bytes()
            }
            Input::Command { ask, .. } => {
                *blake3::hash(format!("{}:{}", ask.request.caller, self.cause()).as_bytes()).as_bytes()
            }
            Input::Heard { .. } => *blake3::hash(self.cause().as_bytes()).as_bytes(),
        }
    }
}
