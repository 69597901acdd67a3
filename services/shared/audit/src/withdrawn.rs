//! What was said and then taken back: listed, not counted. An operator confirmed it, and it is on record as
//! `history.rewound`; which cases it concerns is for people to look at.

use std::collections::{BTreeMap, HashSet};

use chassis_core::Entry;
use proto::{AnyEvent, Id, envelope::Position};

use crate::chain::Message;

/// Ghosts in the stream, and the cases that they, or what others did because of them, are about.
#[derive(Default)]
pub struct Withdrawn {
    /// Type, and the case if it was about one.
    ghosts: BTreeMap<Position, (String, Option<Id>)>,
    concerned: HashSet<Id>,
    /// What an event caused, by its place: looked up when that turns out to be withdrawn.
    effects: BTreeMap<Position, Vec<Id>>,
}

impl Withdrawn {
    pub(super) fn effect(&mut self, entry: &Entry, event: &AnyEvent) {
        let cause = entry.cause.strip_prefix("event:").and_then(|at| at.parse::<Position>().ok());
        let id = event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok());
        if let (Some(cause), Some(id)) = (cause, id) {
            let caused = self.effects.entry(cause).or_default();
            if !caused.contains(&id) {
                caused.push(id);
            }
        }
    }

    pub(super) fn message(&mut self, message: &Message<'_>) {
        let event = AnyEvent::decode(message.kind, message.payload).ok();
        let of_event =
            event.as_ref().and_then(AnyEvent::ticket).and_then(|ticket| ticket.ticket_id.parse().ok());
        let id = of_event.or_else(|| message.subject.parse::<Id>().ok());
        self.concerned.extend(id);
        self.concerned.extend(self.effects.get(&message.at).into_iter().flatten());
        self.ghosts.insert(message.at, (message.kind.to_owned(), id));
    }

    pub fn concerns(&self, id: Id) -> bool {
        self.concerned.contains(&id)
    }

    /// Place, type and case of every withdrawn entry that the stream still tells.
    pub fn ghosts(&self) -> impl Iterator<Item = (Position, &str, Option<Id>)> {
        self.ghosts.iter().map(|(at, (kind, id))| (*at, kind.as_str(), *id))
    }

    pub fn len(&self) -> usize {
        self.ghosts.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ghosts.is_empty()
    }

    pub fn cases(&self) -> usize {
        self.concerned.len()
    }
}
