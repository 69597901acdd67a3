//! Budgets by facts, re-classification, appointments, reminders, and calendars that change.

use proto::{AnyEvent, directory::v1 as directory};

use crate::desk::{Desk, at, visit_at};

const MAJOR: &str = "
  prewarn:
    name: { zh: 预警, en: pre-warning }
    start: [ticket.opened]
    stop: [work.step_done(judge)]
    when: severity == 'major'
    limit: 24h
    calendar: wall
    ladder:
      - { after: 0, tell: gm }
  answer:
    name: { zh: 答复, en: answer }
    start: [ticket.opened]
    stop: [work.completed]
    limit:
      - { when: severity == 'major', limit: 4h }
      - { limit: 24h }
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 1h, tell: gm }
";

fn opened(severity: &str) -> Desk {
    let desk = Desk::with(MAJOR);
    desk.until(at(1, 10, 0)).hear(desk.opened(severity));
    desk
}

#[test]
fn the_budget_goes_by_the_facts() {
    assert_eq!(opened("general").said(), ["started answer due 2 10:00"]);
    assert_eq!(opened("major").said(), ["started prewarn due 2 10:00", "started answer due 1 14:00"]);
}

#[test]
fn found_to_be_major_on_day_three_the_prewarning_starts_then() {
    let desk = opened("general");
    desk.said();
    desk.until(at(1, 12, 0)).hear(desk.reclassified("major"));
    assert_eq!(desk.said(), ["moved answer due 1 14:00", "started prewarn due 2 12:00"]);
    assert_eq!(desk.clock("answer", "").started_at, at(1, 10, 0), "start and ledger stay");
}

#[test]
fn no_longer_major_the_prewarning_is_cancelled_and_budgets_are_taken_again() {
    let desk = opened("major");
    desk.said();
    desk.until(at(1, 11, 0)).hear(desk.reclassified("general"));
    assert_eq!(desk.said(), ["moved answer due 2 10:00", "cancelled prewarn at 1 11:00"]);
    desk.until(at(1, 12, 0)).hear(desk.reclassified("major"));
    assert_eq!(desk.said(), ["moved answer due 1 14:00", "started prewarn/#2 due 2 12:00"]);
}

#[test]
fn judged_major_again_is_no_new_reason_to_start() {
    let desk = opened("major");
    desk.until(at(1, 11, 0)).hear(desk.done("judge"));
    desk.said();
    desk.until(at(1, 12, 0)).hear(desk.reclassified("major")).until(at(5, 0, 0));
    assert!(desk.said().iter().all(|line| !line.contains("prewarn")));
}

#[test]
fn a_start_that_names_the_reclassification_looks_for_the_change() {
    let clocks = MAJOR.replace(
        "start: [ticket.opened]\n    stop: [work.step_done(judge)]\n    when: severity == 'major'",
        "start:\n      - { on: ticket.opened, when: severity == 'major' }\n      - { on: ticket.reclassified, when: severity == 'major' }\n    stop: [work.step_done(judge)]",
    );
    let desk = Desk::with(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("major")).until(at(1, 11, 0)).hear(desk.done("judge"));
    desk.until(at(1, 12, 0)).hear(desk.reclassified("major"));
    assert!(desk.said().iter().all(|line| !line.contains("prewarn/#2")));
    desk.until(at(1, 12, 5))
        .hear(desk.reclassified("general"))
        .until(at(1, 12, 10))
        .hear(desk.reclassified("major"));
    assert!(desk.said().contains(&"started prewarn/#2 due 2 12:10".to_owned()));
}

#[test]
fn a_budget_cut_below_what_is_used_up_is_missed_when_it_is_cut() {
    let desk = opened("general");
    desk.until(at(1, 18, 0));
    desk.said();
    desk.hear(desk.reclassified("major")).until(at(1, 18, 30));
    let said = desk.said();
    assert_eq!(said[2..], ["breached answer due 1 14:00", "rung 1 of answer -> head1 as head@B1"]);
    desk.until(at(1, 19, 1));
    assert_eq!(desk.said(), ["rung 2 of answer -> gm1 as gm@B1"], "the ladder counts from when it was cut");
}

#[test]
fn more_time_after_the_breach_leaves_it_on_record_and_moves_the_rungs() {
    let desk = opened("major");
    desk.until(at(1, 14, 30));
    desk.said();
    desk.hear(desk.reclassified("general")).until(at(2, 9, 0));
    assert_eq!(desk.said(), ["cancelled prewarn at 1 14:30"]);
    assert_eq!(desk.state("answer", ""), "breached");
    desk.until(at(2, 11, 1));
    assert_eq!(desk.said(), ["rung 2 of answer -> gm1 as gm@B1"]);
}

const VISIT: &str = "
  leave:
    name: { zh: 出发, en: leave for the visit }
    start: [ticket.opened]
    stop: [work.step_done(judge)]
    limit: 30m before visit_from
    ladder:
      - { after: 0, tell: head }
  arrive:
    name: { zh: 到达, en: arrive }
    start:
      - { on: work.acknowledged, from: visit_from }
    stop: [work.step_done(propose)]
    limit: 10m
    calendar: wall
    ladder:
      - { after: 0, tell: head }
";

#[test]
fn a_clock_before_an_appointment_starts_when_the_appointment_is_known() {
    let desk = Desk::with(VISIT);
    desk.until(at(1, 9, 0)).hear(desk.opened("general"));
    assert_eq!(desk.said(), [""; 0]);
    let mut agreed = desk.reclassified("general");
    agreed.facts = visit_at(at(1, 15, 0));
    desk.until(at(1, 10, 0)).hear(agreed);
    assert_eq!(desk.said(), ["started leave due 1 14:30"]);
}

#[test]
fn an_appointment_moved_moves_its_clocks() {
    let desk = Desk::with(VISIT);
    let mut opened = desk.opened("general");
    opened.facts = visit_at(at(1, 15, 0));
    desk.until(at(1, 9, 0)).hear(opened).hear(desk.acknowledged(1));
    assert_eq!(desk.said(), ["started leave due 1 14:30", "started arrive due 1 15:10"]);
    let mut moved = desk.reclassified("general");
    moved.facts = visit_at(at(2, 11, 0));
    desk.until(at(1, 10, 0)).hear(moved).until(at(1, 10, 1)).hear(desk.acknowledged(2));
    assert_eq!(desk.said(), ["moved leave due 2 10:30", "moved arrive due 2 11:10"]);
}

#[test]
fn ten_minutes_and_no_second_after_the_appointment_is_in_time() {
    let desk = Desk::with(VISIT);
    let mut opened = desk.opened("general");
    opened.facts = visit_at(at(1, 15, 0));
    desk.until(at(1, 9, 0))
        .hear(opened)
        .hear(desk.acknowledged(1))
        .until(at(1, 15, 10))
        .hear(desk.done("propose"));
    assert_eq!(desk.state("arrive", ""), "met");
}

const PROGRESS: &str = "
  progress:
    name: { zh: 进展, en: progress }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 30 days
    pauses: [customer]
    repeat: { every: 1 working day, tell: clerk }
    ladder:
      - { after: 0, tell: head }
";

#[test]
fn a_repeating_clock_reminds_until_it_is_stopped() {
    let desk = Desk::with(PROGRESS);
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(4, 9, 0));
    assert_eq!(desk.said()[1..], ["warned progress -> clerk1", "warned progress -> clerk1"]);
    desk.until(at(4, 10, 0).plus(-1)).hear(desk.completed());
    desk.said();
    desk.until(at(9, 0, 0));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn reminders_keep_quiet_during_a_wait_and_over_the_weekend() {
    let desk = Desk::with(PROGRESS);
    desk.until(at(1, 10, 0))
        .hear(desk.opened("general"))
        .until(at(1, 11, 0))
        .hear(desk.waiting("customer", ""));
    desk.said();
    desk.until(at(4, 11, 0));
    assert_eq!(desk.said(), [""; 0]);
    desk.hear(desk.waiting("", "customer")).until(at(5, 10, 0));
    assert_eq!(desk.said()[1..], ["warned progress -> clerk1"]);
    desk.until(at(8, 9, 59));
    assert_eq!(desk.said(), [""; 0]);
}

fn closed_on_tuesday(desk: &Desk) {
    let source = "id: shop\nversion: 2\nzone: Asia/Shanghai\nweek:\n  weekdays: [\"08:30-12:00\", \"13:00-17:30\"]\noverrides:\n  - { date: 2026-03-03, closed: true }\n";
    let entry = directory::CalendarActivated { id: "shop".into(), version: 2, source: source.into() };
    let directory = &mut desk.rehearsal.borrow_mut().directory;
    let next = directory.seq() + 1;
    directory.apply(next, &AnyEvent::CalendarActivated(entry)).unwrap();
}

const ONE_DAY: &str = "
  whole:
    name: { zh: 全程, en: whole }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 1 working day
    ladder:
      - { after: 0, tell: head }
      - { after: 8 working hours, tell: gm }
";

#[test]
fn a_new_calendar_moves_clocks_that_run() {
    let desk = Desk::with(ONE_DAY);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    assert_eq!(desk.said(), ["started whole due 2 10:00"]);
    closed_on_tuesday(&desk);
    desk.until(at(2, 12, 0));
    assert_eq!(desk.said(), ["moved whole due 3 10:00"]);
    assert_eq!(desk.clock("whole", "").calendar, "shop@2");
}

#[test]
fn what_was_judged_keeps_the_calendar_it_was_judged_under() {
    let desk = Desk::with(ONE_DAY);
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(2, 10, 30));
    desk.said();
    closed_on_tuesday(&desk);
    desk.hear(desk.reclassified("general")).until(at(2, 12, 0));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.state("whole", ""), "breached");
    assert_eq!(desk.clock("whole", "").calendar, "shop@1");
}

#[test]
fn a_branch_without_a_calendar_runs_on_the_groups() {
    let mut desk = Desk::with(ONE_DAY);
    desk.branch = "nowhere";
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    assert_eq!(desk.said(), ["started whole due 2 10:00"]);
    assert_eq!(desk.clock("whole", "").calendar, "shop@1");
}
