//! What waits to be decided, and what becomes of it.

use std::sync::Arc;

use proto::{AnyEvent, Id, Service, Shard, Time, envelope::Position};

use crate::{
    actor::Actor,
    aggregate::RowKey,
    aside::{Order, SetAside},
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
    Command {
        token: u64,
        home: Shard,
        ask: Arc<Ask>,
        command: Arc<C::Command>,
    },
    Heard {
        source: Source,
        heard: Heard,
        traceparent: String,
    },
    Timer(Due),
    /// Somebody sees to what is in quarantine; unasked, the loop goes on with it by itself.
    Order {
        order: Order,
        asked: Option<(u64, Arc<Ask>)>,
    },
    /// Out of quarantine: an event or a timer.
    Again {
        aside: SetAside,
        input: Box<Input<C>>,
    },
}

impl<C: Core> Input<C> {
    /// What is to be decided, wherever it comes from.
    pub fn plain(&self) -> &Input<C> {
        match self {
            Input::Again { input, .. } => input,
            other => other,
        }
    }

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
            Input::Order { order, .. } => order.id.shard(),
            Input::Again { aside, .. } => aside.shard(),
        }
    }

    /// What waits with it if it cannot be decided: the first row that it names, else its subject.
    pub fn aggregate(&self) -> Option<Id> {
        let subject = match self.plain() {
            Input::Heard { heard, .. } => heard.subject,
            Input::Timer(due) => Some(due.id),
            Input::Command { .. } | Input::Order { .. } | Input::Again { .. } => None,
        };
        let first = self.keys().first().map(|key| key.id);
        first.or(subject).filter(|id| id.shard() == self.home())
    }

    /// Which input it is: the same one has the same name, whenever it comes.
    pub fn name(&self) -> String {
        match self.plain() {
            Input::Command { ask, .. } => format!("{} {}", self.cause(), ask.request.caller),
            Input::Order { asked: Some((_, ask)), .. } => format!("{} {}", self.cause(), ask.request.caller),
            _ => self.cause(),
        }
    }

    pub fn keys(&self) -> Vec<RowKey> {
        match self.plain() {
            Input::Command { command, .. } => C::command_keys(command),
            Input::Heard { heard, .. } => C::event_keys(heard),
            Input::Timer(due) => C::timer_keys(due),
            Input::Order { .. } | Input::Again { .. } => Vec::new(),
        }
    }

    pub fn request(&self) -> Option<&RequestKey> {
        self.ask().map(|ask| &ask.request)
    }

    pub fn ask(&self) -> Option<&Arc<Ask>> {
        match self {
            Input::Command { ask, .. } => Some(ask),
            Input::Order { asked, .. } => asked.as_ref().map(|(_, ask)| ask),
            Input::Heard { .. } | Input::Timer(_) | Input::Again { .. } => None,
        }
    }

    /// Nothing that it causes may be stamped before this.
    pub fn after(&self) -> Option<Time> {
        match self.plain() {
            Input::Heard { heard, .. } => Some(heard.recorded_at),
            Input::Timer(due) => Some(due.due),
            Input::Command { .. } | Input::Order { .. } | Input::Again { .. } => None,
        }
    }

    pub fn cause(&self) -> String {
        match self.plain() {
            Input::Command { ask, .. } => format!("request:{}", ask.request.id),
            Input::Heard { heard, .. } => format!("event:{}", heard.at),
            Input::Timer(due) => timer_name(&due.name, due.id),
            Input::Order { order, asked } => match asked {
                Some((_, ask)) => format!("request:{}", ask.request.id),
                None => format!("quarantine:{}", order.id),
            },
            Input::Again { .. } => unreachable!("`plain` takes it out"),
        }
    }

    pub fn hops(&self) -> u8 {
        match self.plain() {
            Input::Heard { heard, .. } => heard.hops.saturating_add(1),
            Input::Command { .. } | Input::Timer(_) | Input::Order { .. } | Input::Again { .. } => 0,
        }
    }

    pub fn traceparent(&self) -> &str {
        match self.plain() {
            Input::Heard { traceparent, .. } => traceparent,
            other => other.ask().map_or("", |ask| &ask.traceparent),
        }
    }

    /// Same input, same seed: ids minted by a replay are the same.
    pub fn seed(&self) -> [u8; 32] {
        match self.plain() {
            Input::Timer(due) => {
                *blake3::hash(format!("{}:{}", self.cause(), due.due.0).as_bytes()).as_bytes()
            }
            Input::Command { ask, .. } => {
                *blake3::hash(format!("{}:{}", ask.request.caller, self.cause()).as_bytes()).as_bytes()
            }
            Input::Heard { .. } | Input::Order { .. } | Input::Again { .. } => {
                *blake3::hash(self.cause().as_bytes()).as_bytes()
            }
        }
    }
}

/// A timer, as causes name it.
pub(crate) fn timer_name(name: &str, id: Id) -> String {
    format!("timer:{name}:{id}")
}
