//! DG-03: who is barred by what a step found out is told nothing from there on.

mod support;

use playbook::Facts;
use proto::dispatch::v1 as work;
use support::House;

/// He is not told of the very event that bars him, nor of anything later.
#[test]
fn who_is_barred_by_a_step_hears_nothing_from_there_on() {
    let mut house = House::opened();
    house.rehearsal.hear(work::WorkStepReady {
        ticket: Some(house.ticket_ref()),
        step: "propose".into(),
        assignee: "svc".into(),
        ..Default::default()
    });
    assert_eq!(house.said(), ["step_ready -> svc (holder, sms)"]);
    house.step_bars("propose", "gm");
    house.said();
    house.rehearsal.hear(work::ApprovalAsked {
        ticket: Some(house.ticket_ref()),
        step: "approve".into(),
        stage: 1,
        approver: "gm".into(),
        ..Default::default()
    });
    let escalation = house.escalate(1, &["gm", "brand"]);
    house.rehearsal.hear(escalation);
    let said = house.said();
    assert!(said.iter().all(|line| !line.contains("-> gm")), "{said:?}");
    assert!(said.iter().any(|line| line.contains("-> brand")), "{said:?}");
}

#[test]
fn a_bar_of_a_step_counts_whenever_it_is_heard() {
    let mut house = House::new();
    house.step_bars("propose", "cr");
    house.open("general", Facts::new(), &[]);
    house.dispatch();
    let said = house.said();
    assert!(said.iter().all(|line| !line.contains("-> cr ")), "before the opening: {said:?}");

    let mut house = House::opened();
    let first = house.ticket_ref();
    house.reopen();
    house.rehearsal.hear(work::WorkStepDone {
        ticket: Some(first),
        step: "propose".into(),
        barred: vec!["cr".into()],
        ..Default::default()
    });
    house.said();
    house.dispatch();
    let said = house.said();
    assert!(said.iter().all(|line| !line.contains("-> cr ")), "from an older cycle: {said:?}");
}
