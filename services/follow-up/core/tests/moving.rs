//! A case is moved to another version of its rule book while its customer is still to be called.

mod support;

use follow_up_core::{CallBackState, Case, Change, Difference, preview};
use playbook::Facts;
use proto::{
    Time,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    intake::v1::TicketMoved,
};
use support::House;

const BOOK: &str = include_str!("support/playbook.yaml");

fn second(old: &str, new: &str) -> String {
    let changed = BOOK.replacen(old, new, 1);
    assert_ne!(changed, BOOK, "{old} stands in the rule book");
    changed.replacen("version: 1", "version: 2", 1)
}

fn activate(house: &mut House, text: String) {
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    let event = directory::PlaybookActivated { id: "shop".into(), version: 2, files };
    let seq = house.rehearsal.directory.seq() + 1;
    house.rehearsal.directory.apply(seq, &event.into()).unwrap_or_else(|problem| panic!("{problem}"));
}

fn foreseen(house: &House) -> Vec<Change> {
    let case: Case = house.rehearsal.get(house.ticket).expect("the case is there");
    preview(&case, &house.rehearsal.directory, 2, &Facts::new(), house.rehearsal.now()).expect("it is known")
}

fn to_second(house: &mut House) {
    let playbook = Some(PlaybookRef { id: "shop".into(), version: 2 });
    house.rehearsal.hear(TicketMoved {
        ticket: Some(TicketRef { playbook, ..house.ticket_ref() }),
        from_version: 1,
        reason: "new_rules".into(),
        severity: "general".into(),
        ..Default::default()
    });
}

/// The customer of a complaint is to be called within a working day.
fn called() -> House {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.said();
    house
}

#[test]
fn an_open_call_gets_the_new_limit_from_the_same_occasion() {
    let mut house = called();
    let before = house.known().call_backs[0].due_at;
    activate(&mut house, second("due: 1 working day", "due: 2 working days"));
    house.after(1);
    let changes = foreseen(&house);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].difference, changes[0].old), (Difference::Moved, Some(before)));
    to_second(&mut house);
    let after = house.known().call_backs[0].due_at;
    assert_eq!((Some(after), after.0 - before.0), (changes[0].new, 24 * Time::HOUR));
    assert!(house.said().is_empty(), "it is still one call");
}

#[test]
fn a_call_that_the_new_version_does_not_make_is_dropped_and_the_round_can_end() {
    let mut house = called();
    activate(&mut house, second("types: [complaint]", "types: [return]"));
    assert_eq!(foreseen(&house)[0].difference, Difference::Removed);
    to_second(&mut house);
    assert!(matches!(house.known().call_backs[0].state, CallBackState::Cancelled { .. }));
    house.work_completed();
    assert_eq!(house.said(), ["completed none_due [] cycle 1"]);
}

#[test]
fn a_call_that_only_the_new_version_makes_comes_if_its_occasion_has_been() {
    let rule = "follow_ups:
  courtesy:
    name: {zh: 致意, en: Courtesy call}
    kind: call
    types: [complaint]
    after: work.step_done(feedback)
    due: 1 day
    by: call-centre-agent
    attempts: {max: 1, every: 2h}
    script: {zh: 您好, en: Good day}
";
    let mut house = called();
    activate(&mut house, second("follow_ups:\n", rule));
    house.after(2);
    let changes = foreseen(&house);
    assert_eq!(
        (changes.len(), changes[0].rule.as_str(), changes[0].difference),
        (1, "courtesy", Difference::Added)
    );
    to_second(&mut house);
    assert_eq!(house.said(), ["scheduled courtesy"]);
    assert_eq!(house.known().open().count(), 2);

    let mut waiting = House::opened("complaint");
    activate(&mut waiting, second("follow_ups:\n", rule));
    assert!(foreseen(&waiting).is_empty(), "nothing was fed back yet");
    to_second(&mut waiting);
    waiting.said();
    waiting.step_done("feedback");
    assert_eq!(waiting.said().len(), 2, "both are made when it is");
}
