//! A step of one case opens another.

use intake_core::Ticket;
use playbook::{Facts, Value};
use proto::{AnyEvent, Id, common::v1::TicketRef, dispatch::v1::WorkLinkAsked, intake::v1 as said};

use crate::world::World;

fn asked(ticket: TicketRef, facts: &Facts) -> WorkLinkAsked {
    WorkLinkAsked {
        ticket: Some(ticket),
        step: "look_closer".into(),
        case_type: "complaint".into(),
        facts: organisation::facts::to_proto(facts),
        ..Default::default()
    }
}

fn linked(said: &[AnyEvent]) -> Vec<(String, String, String)> {
    let links = said.iter().filter_map(|event| match event {
        AnyEvent::TicketLinked(link) => Some(link),
        _ => None,
    });
    links
        .map(|link| {
            let id = link.ticket.as_ref().map(|ticket| ticket.ticket_id.clone()).unwrap_or_default();
            (id, link.relation.clone(), link.other_id.clone())
        })
        .collect()
}

fn closings(said: Vec<AnyEvent>) -> Vec<said::TicketLinkClosed> {
    let closed = said.into_iter().filter_map(|event| match event {
        AnyEvent::TicketLinkClosed(closed) => Some(closed),
        _ => None,
    });
    closed.collect()
}

/// The other case, as intake has it.
fn other(world: &World, id: Id) -> Ticket {
    let ticket = world.ticket(id);
    let link = ticket.links.iter().find(|link| link.relation == "opens").expect("it opened one");
    world.ticket(link.other)
}

#[test]
fn what_both_forms_have_is_carried_over_sealed_or_not() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.intake.take_said();
    let found =
        Facts::new().with("door_blocked", Value::Bool(true)).with("of_the_step_only", Value::Bool(true));
    let reference = world.ticket(id).reference();
    world.intake.hear(asked(reference, &found));
    let (ticket, other) = (world.ticket(id), other(&world, id));
    assert_eq!(other.personal, ticket.personal, "under the same customer's key");
    assert_eq!((other.customer, other.asset, other.id.shard()), (ticket.customer, ticket.asset, id.shard()));
    assert_eq!(other.facts.code("category"), Some("repair"));
    assert!(other.facts.flag("door_blocked") && other.facts.get("of_the_step_only").is_none());
    assert_eq!(other.judged.severity, "major", "it is judged by what is known now");
    assert_ne!(other.number, ticket.number);
    let said = world.intake.take_said();
    assert_eq!(
        linked(&said),
        [
            (other.id.to_string(), "opened_for".to_owned(), id.to_string()),
            (id.to_string(), "opens".to_owned(), other.id.to_string()),
        ]
    );
}

#[test]
fn asked_again_while_it_is_open_nothing_is_opened_twice() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let reference = world.ticket(id).reference();
    world.intake.hear(asked(reference.clone(), &Facts::new()));
    world.intake.take_said();
    world.intake.hear(asked(reference.clone(), &Facts::new()));
    let said = world.intake.take_said();
    let first = other(&world, id);
    assert_eq!(linked(&said), [(id.to_string(), "opens".to_owned(), first.id.to_string())]);
    assert!(!said.iter().any(|event| matches!(event, AnyEvent::TicketOpened(_))));
    // Once it is closed, the step that is to be done again gets a new one.
    world.work(first.id);
    world.follow_up_completed(first.id, "content", "");
    assert!(!world.ticket(first.id).is_open());
    world.intake.hear(asked(reference, &Facts::new()));
    assert_eq!(world.ticket(id).links.iter().filter(|link| link.relation == "opens").count(), 2);
}

#[test]
fn its_closing_is_told_under_the_case_that_waits() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let reference = world.ticket(id).reference();
    world.intake.hear(asked(reference, &Facts::new()));
    let child = other(&world, id).id;
    world.intake.take_said();
    world.work(child);
    world.follow_up_completed(child, "content", "");
    let told = closings(world.intake.take_said());
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].step.as_str(), told[0].other_id.as_str()),
        ("look_closer", child.to_string().as_str())
    );
    assert_eq!(told[0].ticket.as_ref().map(|ticket| ticket.ticket_id.clone()), Some(id.to_string()));
}

#[test]
fn a_case_that_is_closed_or_in_another_cycle_opens_nothing() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let early = world.ticket(id).reference();
    world.work(id);
    world.follow_up_completed(id, "content", "");
    world.intake.hear(asked(early.clone(), &Facts::new()));
    assert!(world.ticket(id).links.is_empty());
    world.reopen(&crate::world::agent(), id).expect("within the window");
    world.intake.hear(asked(early, &Facts::new()));
    assert!(world.ticket(id).links.is_empty());
}
