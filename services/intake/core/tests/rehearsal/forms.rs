//! Forms against the playbook.

use playbook::{Facts, Value};

use crate::world::{World, agent, complaint, fields, sealed};

fn refused(change: impl FnOnce(&mut intake_core::command::Open)) -> Vec<String> {
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    change(&mut open);
    fields(world.try_open(&agent(), open))
}

#[test]
fn every_missing_field_is_named_at_once() {
    let missing = refused(|open| {
        open.facts = Facts::new();
        open.personal.clear();
    });
    assert_eq!(missing, ["form.category", "form.customer_name", "form.plate"]);
}

#[test]
fn a_field_may_be_required_by_another() {
    let amount = |open: &mut intake_core::command::Open| {
        open.facts.set("claimed_amount", Value::money("CNY", 100));
    };
    assert_eq!(refused(amount), ["form.account"]);
    let mut world = World::new();
    let customer = world.identify("p1", None);
    let mut open = complaint(&customer);
    amount(&mut open);
    open.personal.insert("account".into(), sealed("account"));
    assert!(world.try_open(&agent(), open).is_ok());
}

#[test]
fn fields_that_the_form_does_not_have_are_refused() {
    let unknown = refused(|open| {
        open.facts.set("mood", Value::code("bad"));
        open.personal.insert("shoe_size".into(), sealed("44"));
    });
    assert_eq!(unknown, ["form.mood", "form.shoe_size"]);
}

#[test]
fn a_value_of_another_kind_or_outside_its_choices_is_refused() {
    let wrong = refused(|open| {
        open.facts.set("category", Value::code("weather"));
        open.facts.set("door_blocked", Value::Int(1));
    });
    assert_eq!(wrong, ["form.category", "form.door_blocked"]);
}

#[test]
fn an_impersonal_field_cannot_be_hidden_in_a_seal() {
    assert_eq!(
        refused(|open| drop(open.personal.insert("door_blocked".into(), sealed("true")))),
        ["form.door_blocked"]
    );
}

#[test]
fn persons_complained_about_must_be_on_the_staff_list() {
    assert_eq!(refused(|open| open.about_persons = vec!["P-NOBODY".into()]), ["about_persons"]);
}
