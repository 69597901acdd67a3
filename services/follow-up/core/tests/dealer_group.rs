//! The dealer group's own rule book: who is called back, by whom, and what is asked.

mod support;

use follow_up_core::Consequence;
use playbook::{Facts, Playbook, Value};
use support::{House, agent, holder, shop_with};

const TEXT: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");

/// A complaint taken by the call centre or at the shop.
fn complaint(source: &str) -> House {
    let book = Playbook::load(&[("playbook.yaml", TEXT)]).unwrap_or_else(|problems| panic!("{problems:?}"));
    let directory = shop_with(&book.id, book.version, TEXT);
    let mut house = House::under(&book.id, book.version, directory, "complaint");
    house.open(Facts::new().with("source", Value::code(source)), &[]);
    house
}

#[test]
fn the_group_calls_after_the_feedback_of_what_it_passed_on() {
    let mut house = complaint("call_centre");
    house.step_done("carry_out");
    assert_eq!(house.said(), Vec::<String>::new());
    house.step_done("feedback");
    assert_eq!(house.said(), ["scheduled call_back"], "DG-09");
    let call = house.call_of("call_back");
    let answers = [("satisfaction", "5"), ("handling", "4"), ("settled", "yes")];
    assert_eq!(house.record(&agent("agent"), call, &answers).unwrap(), (false, Consequence::Nothing));
    assert_eq!(house.said().last().unwrap(), "completed content [] cycle 1");
}

#[test]
fn what_the_shop_took_itself_is_asked_by_the_shop() {
    let mut house = complaint("shop");
    house.step_done("feedback");
    assert_eq!(house.said(), Vec::<String>::new(), "A-06: by the letter only those from the call centre");
    house.step_done("carry_out");
    assert_eq!(house.said(), ["scheduled shop_call"], "DC-08");
    let call = house.call_of("shop_call");
    let specialist = holder("spec", "cr-specialist", "B1");
    let answers = [("satisfaction", "5"), ("settled", "no")];
    assert_eq!(
        house.record(&specialist, call, &answers).unwrap(),
        (true, Consequence::Reopen),
        "not settled is not content"
    );
    assert_eq!(house.said().last().unwrap(), "completed unhappy [reopen] cycle 1");
}

#[test]
fn the_person_complained_about_does_not_call() {
    let mut house = complaint("call_centre");
    house.bar("agent");
    house.step_done("feedback");
    let call = house.call_of("call_back");
    let answers = [("satisfaction", "5"), ("handling", "5"), ("settled", "yes")];
    assert_eq!(house.record(&agent("agent"), call, &answers).unwrap_err().rule.as_deref(), Some("DG-03"));
}
