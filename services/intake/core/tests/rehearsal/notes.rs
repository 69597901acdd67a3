//! Notes, waits and new facts on an open case.

use intake_core::command::{Note, Reclassify};
use playbook::{Facts, Value};
use proto::{AnyEvent, Id};

use crate::world::{HOUR, World, agent, fields, gate, sealed};

fn chaser(ticket: Id) -> Note {
    Note { ticket, kind: "chaser".into(), text: Some(sealed("again")), wait_begun: None, wait_ended: None }
}

fn begin(ticket: Id, wait: &str) -> Note {
    Note { ticket, kind: "wait".into(), text: None, wait_begun: Some(wait.into()), wait_ended: None }
}

fn end(ticket: Id, wait: &str) -> Note {
    Note { ticket, kind: "wait".into(), text: None, wait_begun: None, wait_ended: Some(wait.into()) }
}

fn facts(ticket: Id, facts: Facts) -> Reclassify {
    Reclassify { ticket, facts, personal: Default::default(), about_persons: vec![], tokens: vec![] }
}

#[test]
fn a_chaser_is_noted_and_opens_nothing() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.said();
    world.note(&agent(), chaser(id)).expect("it is open");
    assert_eq!(world.said(), ["noted"]);
    let note = &world.ticket(id).notes[0];
    assert_eq!((note.kind.as_str(), note.actor.as_str()), ("chaser", "person:P-AGENT"));
}

#[test]
fn a_note_of_unknown_kind_or_without_text_is_refused() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    assert_eq!(fields(world.note(&agent(), Note { kind: "poem".into(), ..chaser(id) })), ["kind"]);
    assert_eq!(fields(world.note(&agent(), Note { text: None, ..chaser(id) })), ["text"]);
    assert_eq!(
        fields(world.note(&agent(), Note { wait_begun: Some("parts".into()), ..chaser(id) })),
        ["wait_begun"]
    );
    assert_eq!(fields(world.note(&agent(), Note { kind: "wait".into(), ..chaser(id) })), ["wait_begun"]);
}

#[test]
fn only_waits_of_the_playbook_begin_and_only_running_ones_end() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    assert_eq!(fields(world.note(&agent(), begin(id, "weather"))), ["wait_begun"]);
    assert_eq!(gate(world.note(&agent(), end(id, "parts"))), "not-waiting");
    world.note(&agent(), begin(id, "parts")).expect("it begins");
    assert_eq!(gate(world.note(&agent(), begin(id, "parts"))), "waiting");
    world.note(&agent(), end(id, "parts")).expect("it ends");
    assert!(world.ticket(id).waits.is_empty());
    assert_eq!(world.intake.next_due(), None);
}

#[test]
fn a_wait_ends_by_itself_when_its_time_is_up() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.note(&agent(), begin(id, "parts")).expect("it begins");
    world.note(&agent(), begin(id, "customer")).expect("it begins");
    world.intake.take_said();
    world.wait(48 * HOUR - 1);
    assert!(world.said().is_empty());
    world.wait(1);
    let said = world.intake.take_said();
    let [AnyEvent::TicketNoted(event)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(event.wait_ended, "customer");
    world.wait(24 * HOUR);
    assert_eq!(world.said(), ["noted"]);
    assert!(world.ticket(id).waits.is_empty());
}

#[test]
fn closing_and_reopening_end_all_waits() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.note(&agent(), begin(id, "parts")).expect("it begins");
    world.work(id);
    world.follow_up_completed(id, "unhappy", "reopen");
    assert!(world.ticket(id).waits.is_empty());
    assert_eq!(world.intake.next_due(), None);
}

#[test]
fn a_closed_case_takes_neither_notes_nor_facts() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    world.follow_up_completed(id, "content", "");
    assert_eq!(gate(world.note(&agent(), chaser(id))), "closed");
    let blocked = Facts::new().with("door_blocked", Value::Bool(true));
    assert_eq!(gate(world.reclassify(&agent(), facts(id, blocked))), "closed");
    assert_eq!(gate(world.close(&agent(), id)), "closed");
}

#[test]
fn a_trigger_on_day_three_makes_it_major_then() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.wait(72 * HOUR);
    world.said();
    let judged = world
        .reclassify(&agent(), facts(id, Facts::new().with("door_blocked", Value::Bool(true))))
        .expect("it is open");
    assert_eq!((judged.severity.as_str(), judged.reasons), ("major", vec!["door_blocked".to_owned()]));
    assert_eq!(world.said(), ["reclassified"]);
    assert_eq!(world.ticket(id).playbook.version, 1);
}

#[test]
fn nobody_raises_the_severity_once_the_work_is_complete() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    let before = world.ticket(id);
    world.said();
    let blocked = || facts(id, Facts::new().with("door_blocked", Value::Bool(true)));
    let refusal = world.reclassify(&agent(), blocked()).expect_err("nobody would hold the meeting");
    assert_eq!((refusal.gate.as_str(), refusal.rule.as_deref()), ("work-complete", Some("DG-14")));
    assert!(refusal.zh.contains("重大") && refusal.zh.contains("重新打开"), "{}", refusal.zh);
    assert!(refusal.en.contains("\"major\"") && refusal.en.contains("Re-open"), "{}", refusal.en);
    assert_eq!((world.ticket(id), world.said()), (before, vec![]), "nothing was changed");

    let service = facts(id, Facts::new().with("category", Value::code("service")));
    let judged = world.reclassify(&agent(), service).expect("as grave as before");
    assert_eq!((judged.category.as_str(), judged.severity.as_str()), ("service", "general"));

    world.follow_up_completed(id, "content", "");
    world.reopen(&agent(), id).expect("as the refusal says");
    assert_eq!(world.reclassify(&agent(), blocked()).expect("a new cycle").severity, "major");
}

#[test]
fn what_others_say_after_the_work_counts_from_the_next_cycle_on() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    world.escalated(id, 2, "raise");
    world.step_done(id, "judge", &[], Facts::new().with("judged_nature", Value::code("major")));
    let ticket = world.ticket(id);
    assert_eq!(
        (ticket.judged.severity.as_str(), ticket.facts.code("severity")),
        ("general", Some("general"))
    );
    let note = facts(id, Facts::new().with("explained", Value::Bool(false)));
    world.reclassify(&agent(), note).expect("it adds nothing to what was held back");
    world.follow_up_completed(id, "unhappy", "reopen");
    assert_eq!(world.ticket(id).judged.severity, "serious", "the rung's floor");
}

#[test]
fn the_same_facts_again_say_nothing() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let again = facts(id, Facts::new().with("category", Value::code("repair")));
    world.said();
    world.reclassify(&agent(), again).expect("it is open");
    assert!(world.said().is_empty());
}

#[test]
fn facts_of_another_form_and_empty_ones_are_refused() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let unknown = facts(id, Facts::new().with("severity", Value::code("general")));
    assert_eq!(fields(world.reclassify(&agent(), unknown)), ["form.severity"]);
    assert_eq!(fields(world.reclassify(&agent(), facts(id, Facts::new()))), ["form"]);
}

#[test]
fn a_ticket_that_does_not_exist_is_not_found() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let other = Id::mint(world.intake.now(), id.bucket(), [7; 9]);
    assert_eq!(gate(world.note(&agent(), chaser(other))), "not-found");
    assert_eq!(gate(world.reopen(&agent(), other)), "not-found");
}
