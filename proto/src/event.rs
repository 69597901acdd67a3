//! Events: the closed list of them, generated from the descriptors.

use thiserror::Error;

use crate::intake::v1::{TicketMoved, TicketReclassified};

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

impl TicketMoved {
    /// What the new version makes of the case, as a judgement made anew says it.
    pub fn judgement(&self) -> TicketReclassified {
        TicketReclassified {
            ticket: self.ticket.clone(),
            category: self.category.clone(),
            severity: self.severity.clone(),
            reasons: self.reasons.clone(),
            tags: self.tags.clone(),
            facts: self.facts.clone(),
            barred: self.barred.clone(),
        }
    }

    /// The version from here on.
    pub fn version(&self) -> u32 {
        let book = self.ticket.as_ref().and_then(|ticket| ticket.playbook.as_ref());
        book.map_or(self.from_version, |book| book.version)
    }
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
