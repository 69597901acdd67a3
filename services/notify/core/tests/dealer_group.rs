//! The dealer group's own rule book: whom each rule of the catalogue tells.

mod support;

use std::collections::BTreeSet;

use playbook::{Facts, Lang, Playbook};
use proto::{Time, dispatch::v1 as work, intake::v1 as register};
use support::{House, group_with};

const TEXT: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");

fn book() -> Playbook {
    Playbook::load(&[("playbook.yaml", TEXT)]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn house() -> House {
    let book = book();
    House::under(&book.id, book.version, group_with(&book.id, book.version, TEXT))
}

/// Persons told since the last look by rules that carry this number.
fn told(house: &mut House, rule: &str) -> BTreeSet<String> {
    let book = book();
    let carries = |id: &str| book.tells.iter().any(|t| t.id == id && t.rules.iter().any(|r| r == rule));
    house.queued().into_iter().filter(|n| carries(&n.rule)).map(|n| n.recipient).collect()
}

fn set(persons: &[&str]) -> BTreeSet<String> {
    persons.iter().map(|p| (*p).to_owned()).collect()
}

#[test]
fn the_shops_cr_manager_hears_of_a_complaint_passed_on() {
    let mut house = house();
    house.open("general", Facts::new(), &[]);
    house.dispatch();
    assert_eq!(told(&mut house, "DG-07"), set(&["cr"]));
}

/// The CR manager is complained about, gives it back, or stays silent: then it is not his to take over.
#[test]
fn whoever_gets_the_hand_off_instead_hears_of_it() {
    let mut house = house();
    house.open("general", Facts::new(), &["cr"]);
    house.dispatch_to("gm", 1);
    assert_eq!(told(&mut house, "DG-07"), set(&["gm"]));

    let mut house = self::house();
    house.open("general", Facts::new(), &[]);
    house.dispatch();
    house.queued();
    house.dispatch_to("gm", 2);
    assert_eq!(told(&mut house, "DG-07"), set(&["gm"]));
}

#[test]
fn a_hand_off_without_anybody_is_on_record_and_who_is_found_later_hears_of_it() {
    let mut house = house();
    house.open("general", Facts::new(), &[]);
    house.dispatch_to("", 1);
    assert_eq!(house.said(), ["new_hand_off to  failed: nobody final=true"]);
    house.assign("", "gm");
    assert_eq!(told(&mut house, "DG-07"), set(&["gm"]));
    house.assign("judge", "svc");
    assert_eq!(told(&mut house, "DG-07"), set(&[]), "a step is no hand-off");
}

#[test]
fn division_and_legal_are_pre_warned_of_a_major_complaint() {
    let mut house = house();
    house.open("major", Facts::new(), &[]);
    house.queued();
    house.rehearsal.hear(work::WorkStepDone {
        ticket: Some(house.ticket_ref()),
        step: "prewarn".into(),
        ..Default::default()
    });
    assert_eq!(told(&mut house, "DG-11"), set(&["brand", "law1", "law2"]));
    house.rehearsal.hear(work::WorkStepDone {
        ticket: Some(house.ticket_ref()),
        step: "report_up".into(),
        ..Default::default()
    });
    assert_eq!(told(&mut house, "DG-12"), set(&["chief", "vp"]));
}

#[test]
fn head_and_gm_are_told_at_once_of_a_major_complaint() {
    let mut house = house();
    house.open("major", Facts::new(), &[]);
    let persons = told(&mut house, "DG-13");
    assert!(persons.is_superset(&set(&["gm", "svc"])), "{persons:?}");
    house.dispatch();
    house.queued();
    house.rehearsal.hear(work::WorkAcknowledged {
        ticket: Some(house.ticket_ref()),
        by: "cr".into(),
        ..Default::default()
    });
    let persons = told(&mut house, "DC-11");
    assert!(persons.is_superset(&set(&["gm", "svc"])), "{persons:?}");
}

#[test]
fn a_trigger_on_day_three_tells_once_that_the_case_has_become_major() {
    let mut house = house();
    house.open("general", Facts::new(), &[]);
    house.after(72 * Time::HOUR);
    let change = |house: &mut House| {
        let ticket = Some(house.ticket_ref());
        house.rehearsal.hear(register::TicketReclassified {
            ticket,
            severity: "major".into(),
            ..Default::default()
        });
        told(house, "DG-13")
    };
    assert!(change(&mut house).contains("gm"));
    assert_eq!(change(&mut house), set(&[]), "it was major before");
}

#[test]
fn every_message_has_words_in_both_languages() {
    let mut house = house();
    house.open("major", Facts::new(), &[]);
    house.dispatch();
    house.rehearsal.hear(work::ApprovalAsked {
        ticket: Some(house.ticket_ref()),
        step: "approve_solution".into(),
        stage: 1,
        approver: "gm".into(),
        ..Default::default()
    });
    let notices = house.queued();
    assert!(notices.len() >= 4, "{}", notices.len());
    for notice in notices {
        for lang in [Lang::Zh, Lang::En] {
            let text = house.text(&notice, lang);
            assert!(text.contains("05-00001-8") && !text.contains('?') && !text.contains('{'), "{text}");
        }
    }
}
