//! Who may act: the own part of the organisation, and nobody complained about (DG-03).

use chassis_core::Refusal;
use intake_core::{
    access, allowed_actions,
    command::{Note, Reclassify},
};
use playbook::{Facts, Value};
use proto::{AnyEvent, Id};

use crate::world::{World, agent, complaint, gate, person, sealed};

fn about(world: &mut World, persons: &[&str]) -> Id {
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.about_persons = persons.iter().map(|code| (*code).to_owned()).collect();
    world.open(open).ticket
}

fn note(ticket: Id) -> Note {
    Note { ticket, kind: "contact".into(), text: Some(sealed("hello")), wait_begun: None, wait_ended: None }
}

fn add(ticket: Id, about: &[&str]) -> Reclassify {
    Reclassify {
        ticket,
        facts: Facts::new(),
        personal: Default::default(),
        about_persons: about.iter().map(|code| (*code).to_owned()).collect(),
        tokens: vec![],
    }
}

fn is_barred<T: std::fmt::Debug>(result: Result<T, Refusal>) {
    let refusal = result.expect_err("he is complained about");
    assert_eq!((refusal.gate.as_str(), refusal.rule.as_deref()), ("barred", Some("DG-03")));
}

#[test]
fn the_person_complained_about_takes_no_part() {
    let mut world = World::new();
    let id = about(&mut world, &["P-CR1"]);
    let manager = person("P-CR1", "cr-manager", "B1");
    is_barred(world.note(&manager, note(id)));
    let facts = Facts::new().with("door_blocked", Value::Bool(true));
    is_barred(world.reclassify(&manager, Reclassify { facts, ..add(id, &[]) }));
    is_barred(world.close(&manager, id));
    is_barred(world.reopen(&manager, id));
    is_barred(access::may_touch(&world.intake.directory, &manager, &world.ticket(id)));
    let colleague = person("P-GM1", "gm", "B1");
    assert!(world.note(&colleague, note(id)).is_ok());
}

#[test]
fn nobody_registers_a_complaint_about_himself() {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    open.about_persons = vec!["P-AGENT".into()];
    is_barred(world.try_open(&agent(), open));
}

#[test]
fn the_bar_rides_on_the_opening() {
    let mut world = World::new();
    about(&mut world, &["P-CR1"]);
    let said = world.intake.take_said();
    let [AnyEvent::TicketOpened(event)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(event.barred, ["P-CR1"]);
}

#[test]
fn a_later_bar_holds_from_then_on_and_is_said() {
    let mut world = World::new();
    let id = about(&mut world, &[]);
    let manager = person("P-CR1", "cr-manager", "B1");
    world.note(&manager, note(id)).expect("not barred yet");
    world.intake.take_said();
    world.reclassify(&agent(), add(id, &["P-CR1"])).expect("it becomes known");
    let said = world.intake.take_said();
    let [AnyEvent::TicketReclassified(event)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(event.barred, ["P-CR1"]);
    is_barred(world.note(&manager, note(id)));
}

#[test]
fn a_bar_survives_the_next_cycle() {
    let mut world = World::new();
    let id = about(&mut world, &["P-CR1"]);
    world.work(id);
    world.said();
    world.follow_up_completed(id, "unhappy", "reopen");
    is_barred(world.note(&person("P-CR1", "cr-manager", "B1"), note(id)));
}

#[test]
fn a_bar_found_in_a_step_holds_here_and_is_said_to_everybody() {
    let mut world = World::new();
    let id = about(&mut world, &[]);
    let manager = person("P-CR1", "cr-manager", "B1");
    world.note(&manager, note(id)).expect("not barred yet");
    world.intake.take_said();
    world.step_bars(id, &["P-CR1"]);
    let said = world.intake.take_said();
    let [AnyEvent::TicketReclassified(event)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((event.barred.as_slice(), event.severity.as_str()), (&["P-CR1".to_owned()][..], "general"));
    is_barred(world.note(&manager, note(id)));
    world.step_bars(id, &["P-CR1"]);
    assert!(world.said().is_empty(), "known");
}

#[test]
fn a_bar_found_in_a_step_is_the_cases_and_not_the_cycles() {
    let mut world = World::new();
    let id = about(&mut world, &[]);
    let first = world.ticket(id).reference();
    world.work(id);
    world.follow_up_completed(id, "unhappy", "reopen");
    world.step_bars_of(first, &["P-CR1"]);
    is_barred(world.note(&person("P-CR1", "cr-manager", "B1"), note(id)));
    assert!(world.ticket(id).progress().marks.is_empty(), "the rest of it has no effect");
}

#[test]
fn another_branch_has_no_say_and_those_above_have() {
    let mut world = World::new();
    let id = about(&mut world, &[]);
    let other = person("P-CR2", "cr-manager", "B2");
    assert_eq!(gate(world.note(&other, note(id))), "other-branch");
    assert_eq!(gate(world.close(&other, id)), "other-branch");
    let customer = world.identify("p1", None);
    assert_eq!(gate(world.try_open(&other, complaint(&customer))), "other-branch");
    assert!(world.note(&person("P-AREA", "area-manager", "A"), note(id)).is_ok());
}

#[test]
fn the_buttons_say_what_the_commands_say() {
    let mut world = World::new();
    let id = about(&mut world, &["P-CR1"]);
    let gates = |world: &World, actor| -> Vec<String> {
        allowed_actions(&world.ticket(id), &world.intake.directory, &actor, world.intake.now())
            .into_iter()
            .map(|action| {
                format!("{} {}", action.action, action.refusal.map_or("ok".into(), |refusal| refusal.gate))
            })
            .collect()
    };
    assert_eq!(gates(&world, agent()), ["note ok", "reclassify ok", "close needs-answer", "reopen open"]);
    assert_eq!(gates(&world, person("P-CR1", "cr-manager", "B1"))[0], "note barred");
    assert_eq!(gates(&world, person("P-CR2", "cr-manager", "B2"))[3], "reopen other-branch");
    world.work(id);
    world.follow_up_completed(id, "content", "");
    assert_eq!(gates(&world, agent()), ["note closed", "reclassify closed", "close closed", "reopen ok"]);
}
