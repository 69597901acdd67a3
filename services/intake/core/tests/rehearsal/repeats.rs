//! Repeats by customer and by asset.

use intake_core::{Asset, command::Reclassify, state::Link};
use playbook::{Facts, Value};
use proto::{AnyEvent, Id, dispatch::v1::WorkStepDone};

use crate::world::{DAY, World, agent, complaint};

fn answer(world: &mut World, ticket: Id) {
    world.step_done(ticket, "tell", &["answered", "told"], Facts::new());
}

#[test]
fn the_same_customer_about_the_same_matter_again_is_major() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    world.wait(DAY);
    world.intake.take_said();
    let customer = world.identify("p1", Some("other"));
    let second = world.open(complaint(&customer));
    assert_eq!((second.severity.as_str(), second.reasons), ("major", vec!["repeat".to_owned()]));
    assert_eq!(world.ticket(second.ticket).links, [Link::new(first.ticket, "repeat")]);
    let said = world.intake.take_said();
    let Some(AnyEvent::TicketOpened(event)) = said.first() else { panic!("{said:?}") };
    assert_eq!(event.repeats, first.ticket.to_string());
}

#[test]
fn an_impatient_call_about_an_open_case_is_no_repeat() {
    let mut world = World::new();
    world.case("p1", "car");
    assert_eq!(world.case("p1", "car").severity, "general");
}

#[test]
fn another_category_is_no_repeat() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    let customer = world.identify("p1", Some("car"));
    let mut open = complaint(&customer);
    open.facts.set("category", Value::code("service"));
    assert_eq!(world.open(open).severity, "general");
}

#[test]
fn day_ninety_is_within_and_day_ninety_one_is_not() {
    for (days, severity) in [(90, "major"), (91, "general")] {
        let mut world = World::new();
        let first = world.case("p1", "car");
        answer(&mut world, first.ticket);
        world.wait(days * DAY);
        assert_eq!(world.case("p1", "car").severity, severity, "{days} days");
    }
}

#[test]
fn another_caller_about_the_same_car_is_found_by_the_cars_home() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    world.wait(DAY);
    let elsewhere = World::phone_elsewhere(first.ticket.bucket());
    world.intake.take_said();
    let second = world.case(&elsewhere, "car");
    assert_eq!(second.severity, "general", "the customer's file knows nothing of it");
    let ticket = world.ticket(second.ticket);
    assert_eq!(ticket.judged.severity, "major");
    assert_eq!(ticket.judged.reason_codes(), ["repeat"]);
    assert_eq!(ticket.links, [Link::new(first.ticket, "repeat")]);
    assert_eq!(world.said(), ["opened", "asset complained", "asset repeat found", "linked", "reclassified"]);
}

/// The word that a case was answered comes after the next complaint, though it happened before.
fn answered_before_but_heard_after(newer_phone: &str) -> (World, Id) {
    let mut world = World::new();
    let first = world.case("p1", "car");
    let answered_at = world.intake.now();
    world.wait(DAY);
    let second = world.case(newer_phone, "car");
    assert_eq!(world.ticket(second.ticket).judged.severity, "general");
    let late = WorkStepDone {
        ticket: Some(world.ticket(first.ticket).reference()),
        step: "tell".into(),
        marks: vec!["answered".into()],
        ..Default::default()
    };
    world.intake.hear_any(AnyEvent::WorkStepDone(late), answered_at);
    (world, second.ticket)
}

#[test]
fn both_homes_find_a_repeat_whatever_they_hear_first() {
    for phone in ["p1", &World::phone_elsewhere(intake_core::keys::phone_book("p1").bucket())] {
        let (world, second) = answered_before_but_heard_after(phone);
        let ticket = world.ticket(second);
        assert_eq!((ticket.judged.severity.as_str(), ticket.links.len()), ("major", 1), "{phone}");
    }
}

#[test]
fn an_answer_after_the_next_complaint_makes_no_repeat() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    let (second, third) = (world.case("p1", "car"), world.case("p2", "car"));
    world.wait(DAY);
    answer(&mut world, first.ticket);
    for id in [second.ticket, third.ticket] {
        assert_eq!(world.ticket(id).judged.severity, "general");
    }
    let asset: Asset = world.intake.get(world.ticket(first.ticket).asset.expect("a car")).expect("known");
    assert!(asset.openings.iter().all(|opening| opening.repeats.is_none()));
}

#[test]
fn the_cars_own_opening_is_not_its_repeat() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    assert_eq!(world.ticket(first.ticket).judged.severity, "general");
    assert!(world.ticket(first.ticket).links.is_empty());
}

#[test]
fn a_new_category_is_looked_up_anew_at_both_homes() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    world.wait(DAY);
    let customer = world.identify("p2", Some("car"));
    let mut open = complaint(&customer);
    open.facts.set("category", Value::code("service"));
    let second = world.open(open);
    assert_eq!(world.ticket(second.ticket).judged.severity, "general");
    let changed = Reclassify {
        ticket: second.ticket,
        facts: Facts::new().with("category", Value::code("repair")),
        personal: Default::default(),
        about_persons: vec![],
        tokens: vec![],
    };
    world.reclassify(&agent(), changed).expect("it is open");
    let ticket = world.ticket(second.ticket);
    assert_eq!((ticket.judged.category.as_str(), ticket.judged.severity.as_str()), ("repair", "major"));
}

#[test]
fn a_repeat_found_twice_is_said_once() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    answer(&mut world, first.ticket);
    world.wait(DAY);
    let second = world.case("p2", "car");
    world.intake.take_said();
    world.intake.hear(proto::intake::v1::AssetRepeatFound {
        ticket: Some(world.ticket(second.ticket).reference()),
        asset_id: String::new(),
        earlier_id: first.ticket.to_string(),
    });
    assert!(world.said().is_empty());
}
