//! Events: the closed list of them, generated from the descriptors.

use thiserror::Error;

/// A fact that a service said: past tense, immutable, without personal data.
pub trait Event: prost::Message + Default + Into<AnyEvent> {
    /// The protobuf name, `hotline.intake.v1.TicketOpened`; `ce-type` on the wire.
    const TYPE: &'static str;
    /// `ticket`
    const THING: &'static str;
    /// `opened`
    const EVENT: &'static str;
    /// `ticket.opened`, as playbooks name it.
    const NAME: &'static str;
}

/// A payload that cannot be read.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Written by a newer program: upgrade readers before writers.
    #[error("event type {0} is unknown to this program")]
    UnknownType(String),
    #[error("the payload does not fit its type")]
    Malformed(#[from] prost::DecodeError),
}

/// Somebody to whom an event is handed as the type that it is.
pub trait Listener {
    type Answer;

    fn take<E: Event>(&mut self, event: E) -> Self::Answer;
}

/// `ticket.opened` of a `ce-type`, if the type is known.
pub fn name_of(kind: &str) -> Option<(&'static str, &'static str)> {
    EVENTS.iter().find(|(full, _, _)| *full == kind).map(|(_, thing, event)| (*thing, *event))
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
