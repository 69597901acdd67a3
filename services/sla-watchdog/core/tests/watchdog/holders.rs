//! Who holds what, and what happens to clocks when that changes: a bar, another approver, absence.

use proto::{AnyEvent, dispatch::v1 as work};

use crate::desk::{Desk, at};

/// In step, hand-off and approval: ends with what withdraws it, tells whoever holds it.
const CLOCKS: &str = "
  step_due:
    name: { zh: 步骤, en: step }
    scope: step
    start: [work.step_ready]
    stop: [work.step_done]
    cancel: [work.withdrawn]
    limit: 2h
    calendar: wall
    ladder:
      - { after: 0, tell: holder }
      - { after: 1h, tell: gm }
  stage_due:
    name: { zh: 审批, en: approval }
    scope: approval
    start: [approval.asked]
    stop: [approval.decided]
    cancel: [work.withdrawn]
    limit: 4h
    calendar: wall
    warn: [{ share: 50, tell: [holder] }]
    ladder:
      - { after: 0, tell: [holder, requester] }
";

fn opened() -> Desk {
    opened_on(1)
}

fn opened_on(day: i64) -> Desk {
    let desk = Desk::with(CLOCKS);
    desk.until(at(day, 10, 0)).hear(desk.opened("general"));
    desk
}

fn ready(desk: &Desk, step: &str, assignee: &str) -> work::WorkStepReady {
    work::WorkStepReady { assignee: assignee.into(), role: String::new(), ..desk.ready(step) }
}

/// Who held what was missed, by the events.
fn blamed(desk: &Desk) -> Vec<(String, String)> {
    let said = desk.rehearsal.borrow_mut().take_said();
    let breach = |event: AnyEvent| match event {
        AnyEvent::ClockBreached(breach) => Some((breach.clock, breach.holder)),
        _ => None,
    };
    said.into_iter().filter_map(breach).collect()
}

#[test]
fn a_step_taken_from_a_barred_holder_goes_on_under_its_clock() {
    let desk = opened();
    desk.hear(ready(&desk, "judge", "clerk1")).until(at(1, 11, 0));
    desk.hear(desk.withdrawn("judge", "clerk1", "barred")).hear(desk.assigned("judge", "head1"));
    assert_eq!(desk.said(), ["started step_due/judge due 1 12:00"], "neither cancelled nor begun anew");
    desk.until(at(1, 12, 30));
    assert_eq!(
        desk.said(),
        ["breached step_due/judge due 1 12:00", "rung 1 of step_due/judge -> head1 as holder@"]
    );
    desk.hear(desk.done("judge"));
    assert_eq!(desk.said(), ["met late step_due/judge at 1 12:30"]);
}

#[test]
fn while_nobody_has_the_step_after_a_bar_nobody_is_blamed_and_the_next_rung_hears_of_it() {
    let desk = opened();
    desk.hear(ready(&desk, "judge", "clerk1")).until(at(1, 11, 0));
    desk.hear(desk.withdrawn("judge", "clerk1", "barred")).until(at(1, 12, 30));
    assert_eq!(
        desk.said(),
        [
            "started step_due/judge due 1 12:00",
            "breached step_due/judge due 1 12:00",
            "rung 1 of step_due/judge -> gm1 as gm@B1",
        ]
    );
    let desk = opened();
    desk.hear(ready(&desk, "judge", "clerk1")).until(at(1, 11, 0));
    desk.hear(desk.withdrawn("judge", "clerk1", "barred")).until(at(1, 12, 30));
    assert_eq!(blamed(&desk), [("step_due".to_owned(), String::new())]);
}

/// The same event with every other reason ends the step, and its clock.
#[test]
fn a_step_withdrawn_for_another_reason_is_over() {
    for reason in ["not-applicable", "sent-back", "closed", ""] {
        let desk = opened();
        desk.hear(ready(&desk, "judge", "clerk1")).until(at(1, 11, 0));
        desk.hear(desk.withdrawn("judge", "clerk1", reason));
        assert_eq!(desk.said()[1..], ["cancelled step_due/judge at 1 11:00"], "{reason}");
    }
}

/// No step is named: the hand-off itself is taken away, and the next one has a clock of its own.
#[test]
fn a_hand_off_taken_from_a_barred_receiver_is_cancelled() {
    let clocks = CLOCKS.replace(
        "  step_due:",
        "  taking:
    name: { zh: 接单, en: taking }
    scope: hand_off
    start: [work.dispatched]
    stop: [work.acknowledged]
    cancel: [work.withdrawn]
    limit: 30m
    calendar: wall
    ladder:
      - { after: 0, tell: holder }
  step_due:",
    );
    let desk = Desk::with(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk.hear(work::WorkDispatched { assignee: "clerk1".into(), ..desk.dispatched(1) }).until(at(1, 10, 10));
    desk.hear(desk.withdrawn("", "clerk1", "barred"));
    assert_eq!(desk.state("taking", "1"), "cancelled");
    desk.hear(work::WorkDispatched { assignee: "gm1".into(), ..desk.dispatched(2) }).until(at(1, 10, 50));
    assert_eq!(desk.state("taking", "2"), "breached");
    assert_eq!(desk.clock("taking", "2").rungs[0].told, ["gm1"]);
}

#[test]
fn who_is_found_later_for_a_hand_off_holds_it() {
    let desk = opened();
    desk.hear(desk.dispatched(1)).until(at(1, 10, 10)).hear(desk.assigned("", "clerk1")).until(at(1, 10, 40));
    assert_eq!(blamed(&desk), [("silence".to_owned(), "clerk1".to_owned())]);
}

#[test]
fn a_stage_asked_of_another_runs_on_and_is_his_from_then_on() {
    let desk = opened();
    desk.hear(desk.asked(1, "gm1")).until(at(1, 11, 0)).hear(desk.asked(1, "area1")).until(at(1, 14, 30));
    assert_eq!(
        desk.said(),
        [
            "started stage_due/propose/1 due 1 14:00",
            "warned stage_due/propose/1 -> area1",
            "breached stage_due/propose/1 due 1 14:00",
            "rung 1 of stage_due/propose/1 -> area1 clerk1 as gm@",
        ]
    );
}

#[test]
fn the_second_approver_is_not_blamed_for_the_time_of_the_first() {
    let desk = opened();
    desk.hear(desk.asked(1, "gm1")).until(at(1, 15, 0)).hear(desk.decided(1, "approved"));
    desk.hear(desk.asked(2, "area1"));
    assert_eq!(blamed(&desk), [("stage_due".to_owned(), "gm1".to_owned())]);
    assert_eq!(desk.state("stage_due", "propose/1"), "met_late");
    desk.until(at(1, 18, 59));
    assert_eq!(desk.state("stage_due", "propose/2"), "running");
    desk.until(at(1, 19, 1));
    assert_eq!(blamed(&desk), [("stage_due".to_owned(), "area1".to_owned())]);
}

#[test]
fn an_approval_sent_back_ends_the_clocks_of_all_its_stages() {
    let desk = opened();
    desk.hear(desk.asked(1, "gm1")).until(at(1, 11, 0)).hear(desk.decided(1, "approved"));
    desk.hear(desk.asked(2, "area1")).until(at(1, 12, 0));
    desk.hear(desk.withdrawn("propose", "area1", "sent-back"));
    assert_eq!(desk.state("stage_due", "propose/1"), "met");
    assert_eq!(desk.state("stage_due", "propose/2"), "cancelled");
}

/// The manager is away on days 10 and 11; whoever stands in for him is told, and he is on record as the holder.
#[test]
fn the_deputy_of_an_absent_holder_is_told() {
    let desk = opened_on(10);
    desk.hear(ready(&desk, "judge", "gm1")).hear(desk.asked(1, "gm1")).until(at(10, 14, 30));
    assert_eq!(
        desk.said(),
        [
            "started step_due/judge due 10 12:00",
            "started stage_due/propose/1 due 10 14:00",
            "warned stage_due/propose/1 -> head1",
            "breached step_due/judge due 10 12:00",
            "rung 1 of step_due/judge -> head1 as holder@",
            "rung 2 of step_due/judge -> head1 as gm@B1",
            "breached stage_due/propose/1 due 10 14:00",
            "rung 1 of stage_due/propose/1 -> head1 clerk1 as gm@",
        ]
    );
}

#[test]
fn a_barred_deputy_does_not_stand_in() {
    let desk = Desk::with(CLOCKS);
    let mut opened = desk.opened("general");
    opened.barred = vec!["head1".into()];
    desk.until(at(10, 10, 0)).hear(opened).hear(ready(&desk, "judge", "gm1")).until(at(10, 13, 30));
    let said = desk.said();
    assert!(said.iter().all(|line| !line.contains("head1")), "{said:?}");
    assert!(said.contains(&"rung 1 of step_due/judge -> gm-area as gm@A".to_owned()), "{said:?}");
}
