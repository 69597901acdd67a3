//! Named waits: who honours them, how far they move a deadline, and that each has an end.

use chassis_core::{Actor, Aggregate, Value};
use sla_watchdog_core::{Command, Reply, uncovered};

use crate::desk::{Desk, at};

const SOLVE: &str = "
  solve:
    name: { zh: 解决, en: solve }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 4 working hours
    pauses: [customer]
    ladder:
      - { after: 0, tell: head }
  outer:
    name: { zh: 全程, en: whole }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 24h
    calendar: wall
    ladder:
      - { after: 0, tell: gm }
";

fn opened(clocks: &str) -> Desk {
    let desk = Desk::with(clocks);
    desk.until(at(1, 9, 0)).hear(desk.opened("general"));
    desk
}

#[test]
fn working_hours_leave_out_lunch_and_night() {
    let desk = opened(SOLVE);
    assert_eq!(desk.said(), ["started solve due 1 14:00", "started outer due 2 09:00"]);
}

#[test]
fn a_pause_across_lunch_moves_by_its_open_time_only() {
    let desk = opened(SOLVE);
    desk.said();
    // From eleven till half past one: an hour before lunch and half an hour after it.
    desk.until(at(1, 11, 0)).hear(desk.waiting("customer", ""));
    assert_eq!(desk.said(), ["paused solve for customer"]);
    desk.until(at(1, 13, 30)).hear(desk.waiting("", "customer"));
    assert_eq!(desk.said(), ["moved solve due 1 15:30"]);
    desk.until(at(1, 16, 0));
    assert_eq!(desk.said(), ["breached solve due 1 15:30", "rung 1 of solve -> head1 as head@B1"]);
}

#[test]
fn a_paused_clock_does_not_breach_and_others_run_on() {
    let desk = opened(SOLVE);
    desk.until(at(1, 11, 0)).hear(desk.waiting("customer", ""));
    desk.said();
    desk.until(at(2, 12, 0));
    assert_eq!(desk.said(), ["breached outer due 2 09:00", "rung 1 of outer -> gm1 as gm@B1"]);
    assert_eq!(desk.state("solve", ""), "paused");
}

#[test]
fn a_wait_that_a_clock_does_not_honour_leaves_it_alone() {
    let desk = opened(SOLVE);
    desk.said();
    desk.until(at(1, 10, 0)).hear(desk.waiting("parts", "")).until(at(1, 13, 59));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.state("solve", ""), "running");
}

#[test]
fn a_wait_after_the_deadline_comes_too_late() {
    let desk = opened(SOLVE);
    desk.until(at(1, 15, 0));
    desk.said();
    desk.hear(desk.waiting("customer", ""));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.state("solve", ""), "breached");
}

#[test]
fn met_while_paused_is_in_time() {
    let desk = opened(SOLVE);
    desk.until(at(1, 11, 0)).hear(desk.waiting("customer", "")).until(at(1, 17, 0)).hear(desk.completed());
    assert_eq!(desk.state("solve", ""), "met");
}

#[test]
fn a_wait_that_nobody_ends_ends_by_itself() {
    let clocks = SOLVE.replace("pauses: [customer]", "pauses: [parts]");
    let desk = opened(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.waiting("parts", ""));
    desk.said();
    // At most 24 hours: from Tuesday ten on three working hours are left.
    desk.until(at(2, 10, 0));
    assert_eq!(desk.said()[2..], ["moved solve due 2 14:00"]);
    desk.until(at(2, 15, 0));
    assert_eq!(desk.state("solve", ""), "breached");
}

#[test]
fn a_wait_that_is_open_already_goes_on_as_it_was() {
    let desk = opened(SOLVE);
    desk.until(at(1, 10, 0))
        .hear(desk.waiting("customer", ""))
        .until(at(1, 11, 0))
        .hear(desk.waiting("customer", ""));
    desk.until(at(1, 12, 0)).hear(desk.waiting("", "customer"));
    assert_eq!(desk.clock("solve", "").due, Some(at(1, 16, 0)));
    assert_eq!(desk.clock("solve", "").suspensions.len(), 1);
}

#[test]
fn a_wait_goes_on_for_clocks_that_start_within_it() {
    let clocks = SOLVE.replace(
        "start: [ticket.opened]\n    stop: [work.completed]\n    limit: 4",
        "start: [work.acknowledged]\n    stop: [work.completed]\n    limit: 4",
    );
    let desk = opened(&clocks);
    desk.until(at(1, 9, 30)).hear(desk.waiting("customer", "")).until(at(1, 10, 0));
    desk.said();
    desk.hear(desk.acknowledged(1));
    assert_eq!(desk.said(), ["started solve due -", "paused solve for customer"]);
    desk.until(at(1, 11, 0)).hear(desk.waiting("", "customer"));
    assert_eq!(desk.said(), ["moved solve due 1 16:00"]);
}

#[test]
fn an_open_case_is_covered_by_a_clock_or_a_named_wait() {
    let only = "
  outer:
    name: { zh: 全程, en: whole }
    start: [ticket.opened]
    stop: [work.acknowledged]
    limit: 24h
    ladder:
      - { after: 0, tell: gm }
";
    let desk = opened(only);
    assert!(!uncovered(&desk.case()));
    desk.hear(desk.acknowledged(1));
    assert!(uncovered(&desk.case()));
    assert_eq!(desk.case().columns()[3], Value::from("uncovered"));
    desk.hear(desk.waiting("parts", ""));
    assert!(!uncovered(&desk.case()));
    desk.until(at(2, 9, 0));
    assert!(uncovered(&desk.case()), "the wait has run out");
    desk.hear(desk.closed());
    assert!(!uncovered(&desk.case()));
}

#[test]
fn the_columns_name_what_is_due_first() {
    let desk = opened(SOLVE);
    let columns = |desk: &Desk| desk.case().columns();
    let words = |words: &[&str]| Value::Words(words.iter().map(|word| (*word).to_owned()).collect());
    let (barred, calendars) = (words(&[]), words(&["always-open@1", "shop@1"]));
    let first = ["B1".into(), Value::Time(at(1, 14, 0)), "solve".into(), "open".into(), barred, calendars];
    assert_eq!(columns(&desk), first);
    desk.until(at(1, 11, 0)).hear(desk.waiting("customer", ""));
    assert_eq!(columns(&desk)[1..3], [Value::Time(at(2, 9, 0)), "outer".into()]);
    desk.hear(desk.completed()).hear(desk.waiting("", "customer"));
    assert_eq!(columns(&desk)[1..4], [Value::Null, Value::Null, "uncovered".into()]);
    assert_eq!(columns(&desk)[5], words(&[]));
}

#[test]
fn looking_again_changes_nothing_that_did_not_change() {
    let desk = opened(SOLVE);
    desk.said();
    let actor = Actor::System { code: "bulk".into(), grants: Vec::new() };
    let command = Command::Reproject { ticket: desk.ticket };
    let home = desk.ticket.shard();
    let reply = desk.rehearsal.borrow_mut().command(&actor, home, &command).unwrap();
    assert_eq!(reply, Reply::Reprojected { next_due: Some(at(1, 14, 0)) });
    assert_eq!(desk.said(), [""; 0]);
}
