//! Warnings before, rungs after, and who hears them.

use proto::{Service, Time};

use crate::{
    bench::Bench,
    desk::{Desk, at, group, line},
};

const THREE_RUNGS: &str = "
  feedback:
    name: { zh: 反馈, en: feedback }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 24h
    calendar: wall
    warn:
      - { share: 50, tell: clerk }
      - { before: 2h, tell: [holder, follower] }
    ladder:
      - { after: 0, tell: [holder, clerk] }
      - { after: 1h, tell: head }
      - { after: 2h, tell: gm, raise: major, ask_plan: true }
";

fn opened(clocks: &str) -> Desk {
    let desk = Desk::with(clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk
}

#[test]
fn a_deadline_missed_climbs_three_rungs_to_the_manager() {
    let desk = opened(THREE_RUNGS);
    desk.until(at(3, 0, 0));
    assert_eq!(
        desk.said(),
        [
            "started feedback due 2 10:00",
            "warned feedback -> clerk1",
            "warned feedback -> clerk1",
            "breached feedback due 2 10:00",
            "rung 1 of feedback -> clerk1 as clerk@B1",
            "rung 2 of feedback -> head1 as head@B1",
            "rung 3 of feedback -> gm1 as gm@B1 raise,plan",
        ]
    );
    assert_eq!(desk.rehearsal.borrow().next_due(), None);
}

#[test]
fn warnings_come_at_their_share_and_distance() {
    let desk = opened(THREE_RUNGS);
    desk.said();
    desk.until(at(1, 22, 0).plus(-1));
    assert_eq!(desk.said(), [""; 0]);
    desk.until(at(1, 22, 0));
    assert_eq!(desk.said(), ["warned feedback -> clerk1"]);
    desk.until(at(2, 8, 0).plus(-1));
    assert_eq!(desk.said(), [""; 0]);
    desk.until(at(2, 8, 0));
    assert_eq!(desk.said().len(), 1);
}

#[test]
fn the_second_rung_waits_for_its_offset_and_for_the_clock_to_stay_unmet() {
    let desk = opened(THREE_RUNGS);
    desk.until(at(2, 10, 30));
    desk.said();
    desk.until(at(2, 11, 0));
    assert_eq!(desk.said(), [""; 0]);
    desk.hear(desk.completed()).until(at(4, 0, 0));
    assert_eq!(desk.said(), ["met late feedback at 2 11:00"]);
}

#[test]
fn a_vacant_rung_goes_up() {
    let mut desk = Desk::with(THREE_RUNGS);
    desk.branch = "B2";
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(3, 0, 0));
    assert_eq!(desk.said().last().unwrap(), "rung 3 of feedback -> gm-area as gm@A raise,plan");
}

#[test]
fn for_an_absent_manager_the_deputy_is_told() {
    let desk = Desk::with(THREE_RUNGS);
    desk.until(at(10, 10, 0)).hear(desk.opened("general")).until(at(12, 0, 0).plus(-1));
    assert_eq!(desk.said().last().unwrap(), "rung 3 of feedback -> head1 as gm@B1 raise,plan");
}

#[test]
fn nobody_barred_is_told_and_the_rung_reaches_further() {
    let desk = Desk::with(THREE_RUNGS);
    let mut opened = desk.opened("general");
    opened.barred = vec!["head1".into()];
    desk.until(at(1, 10, 0)).hear(opened).until(at(3, 0, 0));
    let said = desk.said();
    assert!(said.iter().all(|line| !line.contains("head1")), "{said:?}");
    // The second rung has nobody else at the branch: the third is reached for.
    assert_eq!(said[5], "rung 2 of feedback -> gm1 as gm@B1");
}

#[test]
fn a_bar_that_comes_later_holds_from_then_on() {
    let desk = opened(THREE_RUNGS);
    desk.until(at(2, 10, 30));
    desk.said();
    let mut reclassified = desk.reclassified("general");
    reclassified.barred = vec!["gm1".into()];
    desk.hear(reclassified).until(at(3, 0, 0));
    assert_eq!(
        desk.said(),
        ["rung 2 of feedback -> head1 as head@B1", "rung 3 of feedback -> gm-area as gm@A raise,plan"]
    );
}

#[test]
fn who_is_barred_by_a_step_climbs_no_rung_from_then_on() {
    let desk = opened(THREE_RUNGS);
    desk.until(at(2, 10, 30));
    desk.said();
    let done = proto::dispatch::v1::WorkStepDone { barred: vec!["gm1".into()], ..desk.done("judge") };
    desk.hear(done).until(at(3, 0, 0));
    assert_eq!(
        desk.said(),
        ["rung 2 of feedback -> head1 as head@B1", "rung 3 of feedback -> gm-area as gm@A raise,plan"]
    );
}

#[test]
fn the_holder_is_who_holds_the_work_when_it_fires() {
    let desk = opened(THREE_RUNGS);
    desk.hear(desk.assigned("judge", "clerk1")).until(at(2, 9, 0)).hear(desk.assigned("propose", "head1"));
    desk.until(at(2, 10, 30));
    let said = desk.said();
    assert_eq!(said.last().unwrap(), "rung 1 of feedback -> head1 clerk1 as holder@");
    assert!(desk.clock("feedback", "").told.contains("head1"));
}

fn asleep_since_ten() -> (Desk, Bench) {
    let desk = Desk::with(THREE_RUNGS);
    let mut bench = Bench::new(group(THREE_RUNGS), at(1, 10, 0));
    bench.hear(at(1, 10, 0), Service::Intake, at(1, 10, 0), desk.opened("general").into());
    bench.said.clear();
    (desk, bench)
}

#[test]
fn after_an_outage_missed_rungs_fire_in_order_marked_late() {
    let (desk, mut bench) = asleep_since_ten();
    bench.hear(at(2, 12, 30), Service::Dispatch, at(2, 11, 15), desk.completed().into());
    bench.wake(at(2, 12, 30), &[]);
    let said: Vec<String> = bench.said.iter().map(line).collect();
    assert_eq!(
        said,
        [
            "breached feedback due 2 10:00",
            "rung 1 of feedback -> clerk1 as clerk@B1 late",
            "rung 2 of feedback -> head1 as head@B1 late",
            "met late feedback at 2 11:15",
        ]
    );
}

#[test]
fn a_rung_less_than_a_minute_behind_is_not_late() {
    let (_, mut bench) = asleep_since_ten();
    bench.wake(at(2, 10, 0).plus(50 * Time::SECOND), &[]);
    let said: Vec<String> = bench.said.iter().map(line).collect();
    assert_eq!(said, ["breached feedback due 2 10:00", "rung 1 of feedback -> clerk1 as clerk@B1"]);
}

#[test]
fn a_case_met_during_an_outage_is_not_accused() {
    let (desk, mut bench) = asleep_since_ten();
    bench.hear(at(3, 0, 0), Service::Dispatch, at(2, 9, 0), desk.completed().into());
    bench.wake(at(3, 0, 0), &[]);
    let said: Vec<String> = bench.said.iter().map(line).collect();
    assert_eq!(said, ["met feedback at 2 09:00"]);
}
