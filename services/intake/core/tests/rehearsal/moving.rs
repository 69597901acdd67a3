//! A running case is moved to the active version of its rule book.

use chassis_core::Actor;
use intake_core::{Command, Reply, command::Move, moving};
use playbook::{Facts, Value};
use proto::{AnyEvent, Id, directory::v1 as directory};

use crate::world::{World, agent, complaint, person};

/// The second version: claims about repairs are serious.
fn second() -> String {
    let text = include_str!("playbook.yaml").replacen("version: 1", "version: 2", 1);
    let changed = text.replacen("otherwise: general", "otherwise: serious", 1);
    assert_ne!(changed, text);
    changed
}

fn activate(world: &mut World, text: String) {
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    let event = directory::PlaybookActivated { id: "test".into(), version: 2, files };
    let seq = world.intake.directory.seq() + 1;
    world.intake.directory.apply(seq, &event.into()).expect("the second version fits");
}

fn administrator() -> Actor {
    person("P-ADMIN", "administrator", "G")
}

fn to(world: &mut World, actor: &Actor, ticket: Id, version: u32) -> Result<Reply, String> {
    let command = Command::Move(Move { ticket, version, reason: "new_rules".into() });
    world.command(actor, command).map_err(|refusal| refusal.gate)
}

#[test]
fn it_is_judged_anew_and_says_who_and_why() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    activate(&mut world, second());
    assert_eq!(world.ticket(id).playbook.version, 1, "a ticket stays where it was opened");
    let seen = moving::under(&world.ticket(id), 2, &world.intake.directory).expect("it could be moved");
    assert_eq!(
        (seen.judged.severity.as_str(), world.ticket(id).judged.severity.as_str()),
        ("serious", "general")
    );
    world.intake.take_said();
    let Ok(Reply::Moved(moved)) = to(&mut world, &administrator(), id, 2) else { panic!("it is moved") };
    assert_eq!((moved.from, moved.severity.as_str()), (1, "serious"));
    assert_eq!(world.ticket(id), seen, "what was shown is what was done");
    let said = world.intake.take_said();
    let [AnyEvent::TicketMoved(event)] = said.as_slice() else { panic!("one event, not {said:?}") };
    assert_eq!((event.version(), event.from_version, event.by.as_str()), (2, 1, "P-ADMIN"));
    assert_eq!((event.reason.as_str(), event.severity.as_str()), ("new_rules", "serious"));
    assert_eq!(to(&mut world, &administrator(), id, 2), Err("not-newer".into()), "once is enough");
}

#[test]
fn only_an_administrator_of_the_group_moves_and_only_to_what_is_active() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    assert_eq!(to(&mut world, &administrator(), id, 2), Err("not-active".into()));
    activate(&mut world, second());
    assert_eq!(to(&mut world, &agent(), id, 2), Err("not-administrator".into()));
    let of_branch = person("P-B", "administrator", "B1");
    assert_eq!(to(&mut world, &of_branch, id, 2), Err("not-administrator".into()));
    assert_eq!(to(&mut world, &administrator(), id, 1), Err("not-active".into()));
    assert_eq!(world.ticket(id).playbook.version, 1);
}

#[test]
fn nobody_complained_about_moves_his_own_case() {
    let mut world = World::new();
    let customer = world.identify("p1", Some("car"));
    let mut open = complaint(&customer);
    open.about_persons = vec!["P-GM1".into()];
    let id = world.open(open).ticket;
    activate(&mut world, second());
    let barred = person("P-GM1", "administrator", "G");
    assert_eq!(to(&mut world, &barred, id, 2), Err("barred".into()));
}

#[test]
fn a_case_whose_wait_or_type_the_version_lacks_stays() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let begun = intake_core::command::Note {
        ticket: id,
        kind: "wait".into(),
        text: None,
        wait_begun: Some("parts".into()),
        wait_ended: None,
    };
    world.note(&agent(), begun).expect("parts are waited for");
    let renamed = second().replace("  parts: {", "  spares: {");
    activate(&mut world, renamed);
    assert_eq!(to(&mut world, &administrator(), id, 2), Err("unknown-wait".into()));
}

#[test]
fn sealed_and_closed_cases_end_under_the_version_that_they_have() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    activate(&mut world, second());
    let reference = world.ticket(id).reference();
    world.step_done_of(reference.clone(), "tell", &["answered", "told", "resolved"], Facts::new());
    world.work_completed_of(reference.clone());
    assert_eq!(to(&mut world, &administrator(), id, 2), Err("work-complete".into()));
    world.follow_up_completed_of(reference, "content", "");
    assert!(!world.ticket(id).is_open());
    assert_eq!(to(&mut world, &administrator(), id, 2), Err("closed".into()));
}

#[test]
fn what_a_step_found_out_is_judged_by_the_new_version_too() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let reference = world.ticket(id).reference();
    let found = Facts::new().with("judged_nature", Value::code("major"));
    world.step_done_of(reference, "judge", &[], found);
    assert_eq!(world.ticket(id).judged.severity, "major");
    activate(&mut world, second());
    let Ok(Reply::Moved(moved)) = to(&mut world, &administrator(), id, 2) else { panic!("it is moved") };
    assert_eq!(moved.severity, "major");
}
