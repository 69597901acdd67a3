//! Hand-offs, steps, approvals and call-backs each have clocks of their own.

use crate::desk::{Desk, at};

fn opened(clocks: &str) -> Desk {
    let desk = Desk::with(clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk
}

#[test]
fn silence_after_a_hand_off_reroutes() {
    let desk = opened("");
    desk.hear(desk.dispatched(1)).until(at(1, 11, 30));
    assert_eq!(
        desk.said(),
        [
            "started silence/1 due 1 10:30",
            "breached silence/1 due 1 10:30",
            "rung 1 of silence/1 -> head1 as head@B1",
            "rung 2 of silence/1 -> gm1 as gm@B1 reroute",
        ]
    );
}

#[test]
fn an_acknowledgement_meets_the_clock_of_its_own_hand_off() {
    let desk = opened("");
    desk.hear(desk.dispatched(1)).until(at(1, 10, 20)).hear(desk.dispatched(2));
    assert_eq!(
        desk.said(),
        ["started silence/1 due 1 10:30", "started silence/2 due 1 10:50", "cancelled silence/1 at 1 10:20"]
    );
    desk.until(at(1, 10, 25)).hear(desk.acknowledged(1));
    assert_eq!(desk.said(), [""; 0]);
    desk.until(at(1, 10, 50)).hear(desk.acknowledged(2));
    assert_eq!(desk.said(), ["met silence/2 at 1 10:50"]);
}

#[test]
fn a_refused_hand_off_is_cancelled() {
    let desk = opened("");
    let refused =
        proto::dispatch::v1::WorkRefused { ticket: desk.r#ref(), hand_off: 1, ..Default::default() };
    desk.hear(desk.dispatched(1)).until(at(1, 10, 20)).hear(refused);
    assert_eq!(desk.said()[1..], ["cancelled silence/1 at 1 10:20"]);
}

const STEPS: &str = "
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
  propose_due:
    name: { zh: 方案, en: proposal }
    scope: step
    start: [work.step_done(judge), { on: approval.decided(propose), when: outcome == 'refused' }]
    stop: [work.step_done(propose)]
    limit: 4h
    calendar: wall
    ladder:
      - { after: 0, tell: holder }
";

#[test]
fn each_step_has_its_own_clock() {
    let desk = opened(STEPS);
    desk.hear(desk.ready("judge")).hear(desk.ready("propose")).until(at(1, 11, 0)).hear(desk.done("judge"));
    assert_eq!(desk.state("step_due", "judge"), "met");
    assert_eq!(desk.state("step_due", "propose"), "running");
}

#[test]
fn a_step_done_again_has_a_clock_again() {
    let desk = opened(STEPS);
    desk.hear(desk.ready("judge")).until(at(1, 11, 0)).hear(desk.done("judge"));
    desk.until(at(1, 12, 0)).hear(desk.ready("judge")).until(at(1, 15, 0));
    assert_eq!(desk.state("step_due", "judge"), "met");
    assert_eq!(desk.state("step_due", "judge#2"), "breached");
    assert_eq!(desk.clock("step_due", "judge#2").breached, Some(at(1, 14, 0)));
}

#[test]
fn a_clock_watches_the_step_that_stops_it_whatever_started_it() {
    let desk = opened(STEPS);
    desk.hear(desk.done("judge")).hear(desk.assigned("propose", "head1"));
    assert_eq!(desk.said(), ["started propose_due/propose due 1 14:00"]);
    desk.until(at(1, 11, 0)).hear(desk.done("propose")).until(at(1, 12, 0)).hear(desk.decided(1, "rejected"));
    assert_eq!(
        desk.said(),
        ["met propose_due/propose at 1 11:00", "started propose_due/propose#2 due 1 16:00"]
    );
    desk.until(at(1, 17, 0));
    let said = desk.said();
    assert_eq!(said[1], "rung 1 of propose_due/propose#2 -> head1 as holder@");
}

#[test]
fn work_withdrawn_from_a_step_cancels_the_clock_of_that_step_only() {
    let desk = opened(STEPS);
    let withdrawn = proto::dispatch::v1::WorkWithdrawn {
        ticket: desk.r#ref(),
        step: "judge".into(),
        ..Default::default()
    };
    desk.hear(desk.ready("judge")).hear(desk.ready("propose")).until(at(1, 10, 30)).hear(withdrawn);
    assert_eq!(desk.state("step_due", "judge"), "cancelled");
    assert_eq!(desk.state("step_due", "propose"), "running");
}

const APPROVAL: &str = "
  stage_due:
    name: { zh: 审批, en: approval }
    scope: approval
    start: [approval.asked]
    stop: [approval.decided]
    limit: 4h
    calendar: wall
    warn: [{ share: 50, tell: [holder, requester] }]
    ladder:
      - { after: 0, tell: [requester, taker] }
";

#[test]
fn each_stage_of_an_approval_has_its_own_clock() {
    let desk = opened(APPROVAL);
    desk.hear(desk.asked(1, "gm1"))
        .until(at(1, 11, 0))
        .hear(desk.decided(1, "approved"))
        .hear(desk.asked(2, "area1"));
    desk.until(at(1, 15, 30));
    assert_eq!(
        desk.said(),
        [
            "started stage_due/propose/1 due 1 14:00",
            "met stage_due/propose/1 at 1 11:00",
            "started stage_due/propose/2 due 1 15:00",
            "warned stage_due/propose/2 -> area1 clerk1",
            "breached stage_due/propose/2 due 1 15:00",
            "rung 1 of stage_due/propose/2 -> clerk1 as requester@",
        ]
    );
}

#[test]
fn only_the_whole_chain_approves() {
    let clocks = STEPS.replace("outcome == 'refused'", "outcome == 'approved' && 'propose' in done");
    let desk = opened(&clocks);
    desk.hear(desk.decided(1, "approved"));
    assert_eq!(desk.said(), [""; 0]);
    desk.hear(desk.decided(2, "approved"));
    assert_eq!(desk.said(), ["started propose_due/propose due 1 14:00"]);
}

#[test]
fn a_clock_may_ask_what_is_done_already() {
    let clocks = STEPS.replace(
        "start: [work.step_done(judge), { on: approval.decided(propose), when: outcome == 'refused' }]",
        "start: [{ on: ticket.reclassified, when: \"severity == 'major' && !('judge' in done)\" }]",
    );
    let desk = opened(&clocks);
    desk.until(at(1, 11, 0)).hear(desk.done("judge")).until(at(1, 12, 0)).hear(desk.reclassified("major"));
    assert_eq!(desk.said(), [""; 0]);
    let desk = opened(&clocks);
    desk.until(at(1, 12, 0)).hear(desk.reclassified("major"));
    assert_eq!(desk.said(), ["started propose_due/propose due 1 16:00"]);
}

const CALL_BACK: &str = "
  call_due:
    name: { zh: 回访, en: call-back }
    scope: call_back
    start: [follow_up.scheduled]
    stop: [follow_up.recorded]
    limit: 24h
    calendar: call_centre
    ladder:
      - { after: 0, tell: holder }
";

#[test]
fn each_call_back_of_a_series_has_its_own_clock() {
    let desk = opened(CALL_BACK);
    desk.hear(desk.scheduled("a")).until(at(1, 11, 0)).hear(desk.scheduled("b"));
    desk.until(at(1, 12, 0)).hear(desk.recorded("a")).until(at(2, 12, 0));
    assert_eq!(
        desk.said(),
        [
            "started call_due/content due 2 10:00",
            "started call_due/content#2 due 2 11:00",
            "met call_due/content at 1 12:00",
            "breached call_due/content#2 due 2 11:00",
            "rung 1 of call_due/content#2 -> desk1 as desk@G",
        ]
    );
}

const PLAN: &str = "
  answer:
    name: { zh: 答复, en: answer }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 4h
    calendar: wall
    ladder:
      - { after: 0, tell: head, ask_plan: true }
  plan:
    name: { zh: 计划, en: plan }
    start: [clock.breached(answer)]
    stop: [work.step_done(judge)]
    limit: 2h
    calendar: wall
    ladder:
      - { after: 0, tell: gm }
";

#[test]
fn a_clock_may_start_when_another_is_breached() {
    let desk = opened(PLAN);
    desk.until(at(1, 16, 0));
    assert_eq!(
        desk.said(),
        [
            "started answer due 1 14:00",
            "breached answer due 1 14:00",
            "rung 1 of answer -> head1 as head@B1 plan",
            "started plan due 1 16:00+",
        ]
    );
    desk.hear(desk.done("judge"));
    assert_eq!(desk.said(), ["met plan at 1 16:00"]);
}
