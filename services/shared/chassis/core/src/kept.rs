//! An input as it is kept in quarantine: whole, so that it can be decided
//! later though the stream has forgotten it.

use proto::{AnyEvent, Event, Id, Service, Time, envelope::Position, event::Listener};
use serde::{Deserialize, Serialize};

use crate::{
    core::{Core, Due, Heard},
    input::Input,
    store::Source,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    Event {
        to: proto::Shard,
        peer: bool,
        at: Position,
        kind: String,
        payload: Vec<u8>,
        subject: Option<Id>,
        branch: Option<String>,
        actor: String,
        hops: u8,
        recorded_at: Time,
        occurred_at: Option<Time>,
        traceparent: String,
    },
    Timer {
        name: String,
        id: Id,
        due: Time,
        silent: Vec<Service>,
    },
    /// The core's command, encoded with field names; what is personal in it is sealed.
    Command(Vec<u8>),
}

impl Kept {
    /// `None` for what an operator orders.
    pub(crate) fn of<C: Core>(input: &Input<C>) -> Option<Kept> {
        Some(match input {
            Input::Command { command, .. } => {
                Kept::Command(rmp_serde::to_vec_named(&**command).unwrap_or_default())
            }
            Input::Timer(due) => {
                Kept::Timer { name: due.name.clone(), id: due.id, due: due.due, silent: due.silent.clone() }
            }
            Input::Heard { source, heard, traceparent } => {
                let (kind, payload) = heard.event.clone().hand_to(&mut Encoder);
                Kept::Event {
                    to: source.to,
                    peer: source.peer,
                    at: heard.at,
                    kind: kind.to_owned(),
                    payload,
                    subject: heard.subject,
                    branch: heard.branch.clone(),
                    actor: heard.actor.clone(),
                    hops: heard.hops,
                    recorded_at: heard.recorded_at,
                    occurred_at: heard.occurred_at,
                    traceparent: traceparent.clone(),
                }
            }
            Input::Again { input, .. } => return Kept::of(input),
            Input::Order { .. } => return None,
        })
    }

    /// An event's type, a timer's name, `command`.
    pub fn kind(&self) -> &str {
        match self {
            Kept::Event { kind, .. } => kind,
            Kept::Timer { name, .. } => name,
            Kept::Command(_) => "command",
        }
    }

    pub fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).expect("plain data always encodes")
    }

    /// # Errors
    /// What cannot be read: it was written by another program than this.
    pub fn decode(payload: &[u8]) -> Result<Kept, String> {
        rmp_serde::from_slice(payload).map_err(|error| error.to_string())
    }

    pub(crate) fn input<C: Core>(self) -> Result<Input<C>, String> {
        match self {
            Kept::Command(_) => Err("a command is its caller's to repeat".to_owned()),
            Kept::Timer { name, id, due, silent } => Ok(Input::Timer(Due { name, id, due, silent })),
            Kept::Event {
                to,
                peer,
                at,
                kind,
                payload,
                subject,
                branch,
                actor,
                hops,
                recorded_at,
                occurred_at,
                traceparent,
            } => {
                let event = AnyEvent::decode(&kind, &payload).map_err(|error| error.to_string())?;
                let source = Source { service: at.service, from: at.shard, to, peer };
                let heard = Heard { at, event, subject, branch, actor, hops, recorded_at, occurred_at };
                Ok(Input::Heard { source, heard, traceparent })
            }
        }
    }
}

struct Encoder;

impl Listener for Encoder {
    type Answer = (&'static str, Vec<u8>);

    fn take<E: Event>(&mut self, event: E) -> Self::Answer {
        (E::TYPE, event.encode_to_vec())
    }
}
