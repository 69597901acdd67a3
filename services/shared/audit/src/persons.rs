//! Persons complained about take no part (DG-03, P5). A bar counts in another service from the
//! entry on by which it had heard of it, so what was under way before is not held against anybody.

use std::collections::HashMap;

use chassis_core::Entry;
use proto::{AnyEvent, Id, Service, Shard, envelope::Position};

use crate::{Class, Findings};

/// A person, and the number of intake's entry that bars him.
#[derive(Clone, Debug)]
struct Bar {
    person: Box<str>,
    since: u64,
}

#[derive(Default)]
pub(super) struct Persons {
    bars: HashMap<Id, Vec<Bar>>,
    /// How far each shard of a service is known to have heard its own shard of intake.
    heard: HashMap<(Service, Shard), u64>,
}

impl Persons {
    pub(super) fn take(&mut self, entry: &Entry, event: &AnyEvent, findings: &mut Findings) {
        let knows = self.knows(entry);
        let Some(id) = event.ticket().and_then(|ticket| ticket.ticket_id.parse::<Id>().ok()) else { return };
        if let Some(bars) = self.bars.get(&id) {
            let barred = |person: &str| bars.iter().any(|bar| bar.since <= knows && *bar.person == *person);
            if let Some(person) = entry.actor.strip_prefix("person:").filter(|person| barred(person)) {
                let text = format!("P5: {person} is complained about and acted ({})", entry.kind);
                findings.add(Class::Promise, "barred-person-acted", entry.at, text);
            }
            for person in named(event).filter(|person| barred(person)) {
                let text = format!("P5: {person} is complained about and was given it ({})", entry.kind);
                findings.add(Class::Promise, "barred-person-given-it", entry.at, text);
            }
        }
        let barred = match event {
            AnyEvent::TicketOpened(event) => &event.barred,
            AnyEvent::TicketReclassified(event) => &event.barred,
            AnyEvent::TicketReopened(event) => &event.barred,
            AnyEvent::TicketMoved(event) => &event.barred,
            _ => return,
        };
        let known = self.bars.entry(id).or_default();
        for person in barred {
            if known.iter().all(|bar| *bar.person != **person) {
                known.push(Bar { person: person.as_str().into(), since: entry.at.seq });
            }
        }
        if known.is_empty() {
            self.bars.remove(&id);
        }
    }

    /// Up to which of intake's entries the writer of this one had heard.
    fn knows(&mut self, entry: &Entry) -> u64 {
        if entry.at.service == Service::Intake {
            // The entry that bars is not against its own bar.
            return entry.at.seq - 1;
        }
        let heard = self.heard.entry((entry.at.service, entry.at.shard)).or_default();
        let cause = entry.cause.strip_prefix("event:").and_then(|at| at.parse::<Position>().ok());
        if let Some(at) = cause.filter(|at| at.service == Service::Intake && at.shard == entry.at.shard) {
            *heard = at.seq.max(*heard);
        }
        *heard
    }
}

/// Who is given work or told of the case.
fn named(event: &AnyEvent) -> impl Iterator<Item = &str> {
    let (one, many): (&str, &[String]) = match event {
        AnyEvent::WorkDispatched(event) => (&event.assignee, &[]),
        AnyEvent::WorkAssigned(event) => (&event.assignee, &[]),
        AnyEvent::WorkStepReady(event) => (&event.assignee, &[]),
        AnyEvent::ApprovalAsked(event) => (&event.approver, &[]),
        AnyEvent::NoticeQueued(event) => (&event.recipient, &[]),
        AnyEvent::ClockWarned(event) => ("", &event.told),
        AnyEvent::EscalationRaised(event) => ("", &event.told),
        _ => ("", &[]),
    };
    std::iter::once(one).chain(many.iter().map(String::as_str)).filter(|person| !person.is_empty())
}
