//! Who is calling.

use intake_core::{Customer, state::FileCheck};

use crate::world::{World, agent, complaint, gate, sealed};

#[test]
fn a_new_caller_is_created_once_and_then_found() {
    let mut world = World::new();
    let first = world.identify("p1", None);
    let second = world.identify("p1", None);
    assert!(first.created && !second.created);
    assert_eq!(first.customer, second.customer);
    assert_ne!(world.identify("p2", None).customer, first.customer);
}

#[test]
fn two_agents_with_the_same_new_caller_get_the_same_customer() {
    let mut world = World::new();
    let (first, second) = (world.caller("p1", None), world.caller("p1", Some("car")));
    assert_ne!(first.owner, second.owner, "both saw no customer and proposed one");
    let (first, second) = (world.send_identify(first), world.send_identify(second));
    assert_eq!(first.customer, second.customer);
    let customer: Customer = world.intake.get(first.customer).expect("on file");
    // What the second one sealed under an owner that does not exist is not kept.
    assert!(customer.asset(second.asset.expect("named")).expect("known").plate.is_none());
}

#[test]
fn a_customer_lives_where_the_phone_is_looked_up() {
    let mut world = World::new();
    for phone in ["a", "b", "c", "d", "e"] {
        let home = intake_core::keys::phone_book(phone);
        assert_eq!(world.identify(phone, None).customer.bucket(), home.bucket());
    }
}

#[test]
fn a_missing_name_is_filled_in_later() {
    let mut world = World::new();
    let mut nameless = world.caller("p1", None);
    nameless.name = None;
    let customer = world.send_identify(nameless).customer;
    let mut named = world.caller("p1", None);
    named.name = Some(sealed("later"));
    named.tokens.push("t-name".into());
    world.send_identify(named);
    let customer: Customer = world.intake.get(customer).expect("on file");
    assert_eq!(customer.name, Some(sealed("later")));
    assert!(customer.tokens.contains(&"t-name".to_owned()));
}

#[test]
fn the_file_check_says_match_mismatch_and_unknown() {
    let mut world = World::new();
    let first = world.identify("p1", Some("car"));
    assert_eq!(first.file_check, FileCheck::Unknown, "nothing on file");
    assert_eq!(
        world.identify("p1", Some("car")).file_check,
        FileCheck::Unknown,
        "asking twice proves nothing"
    );
    world.open(complaint(&first));
    assert_eq!(world.identify("p1", Some("car")).file_check, FileCheck::Match);
    assert_eq!(world.identify("p1", Some("other")).file_check, FileCheck::Mismatch);
    assert_eq!(world.identify("p1", None).file_check, FileCheck::Unknown, "no plate given");
}

#[test]
fn the_file_check_is_on_record_with_the_ticket() {
    let mut world = World::new();
    let first = world.case("p1", "car");
    assert_eq!(world.ticket(first.ticket).file_check, FileCheck::Unknown);
    let other = world.identify("p1", Some("other"));
    let second = world.open(complaint(&other));
    assert_eq!(world.ticket(second.ticket).file_check, FileCheck::Mismatch);
    let third = world.case("p1", "other");
    assert_eq!(world.ticket(third.ticket).file_check, FileCheck::Match);
}

#[test]
fn open_cases_are_named_so_that_a_chaser_is_noted_on_them() {
    let mut world = World::new();
    let opened = world.case("p1", "car");
    assert_eq!(world.identify("p1", None).open_tickets, [opened.ticket]);
    world.work(opened.ticket);
    world.follow_up_completed(opened.ticket, "content", "");
    assert!(world.identify("p1", None).open_tickets.is_empty());
}

#[test]
fn a_car_keeps_its_id_by_vin_when_its_plate_changes() {
    let mut world = World::new();
    let mut old = world.caller("p1", Some("plate-1"));
    old.asset.as_mut().expect("given").vin_token = Some("vin".into());
    let old = world.send_identify(old);
    let mut new = world.caller("p1", Some("plate-2"));
    new.asset.as_mut().expect("given").vin_token = Some("vin".into());
    assert_eq!(world.send_identify(new).asset, old.asset);
}

#[test]
fn who_holds_no_role_learns_nothing_about_callers() {
    let mut world = World::new();
    let command = world.caller("p1", None);
    let nobody = chassis_core::Actor::Person { code: "P-X".into(), grants: vec![] };
    let asked = world.command(&nobody, intake_core::Command::Identify(Box::new(command.clone())));
    assert_eq!(gate(asked), "no-role");
    assert!(world.command(&agent(), intake_core::Command::Identify(Box::new(command))).is_ok());
}
