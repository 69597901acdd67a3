//! Attempts, calls, answers, and who may make them.

mod support;

use chassis_core::{Actor, Grant, RefusalKind};
use follow_up_core::{
    Consequence, NotReached,
    command::{Command, RecordCall},
    may_see,
};
use playbook::Facts;
use proto::Time;
use support::{House, MONDAY_10, agent, holder};

/// A complaint whose call is due.
fn due() -> House {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.said();
    house
}

#[test]
fn an_attempt_is_followed_by_the_next_one() {
    let mut house = due();
    let next = house.attempt(&agent("agent"), "call_back", NotReached::NoAnswer).unwrap();
    assert_eq!(next, Some(MONDAY_10.plus(2 * Time::HOUR)));
    assert_eq!(house.said(), ["attempted call_back no_answer #1"]);
}

#[test]
fn the_next_try_does_not_ring_at_night() {
    let mut house = due();
    house.after(7);
    let next = house.attempt(&agent("agent"), "call_back", NotReached::Busy).unwrap();
    assert_eq!(next, Some(MONDAY_10.plus(23 * Time::HOUR)), "17:00 + 2 h is past closing: Tuesday 09:00");
}

#[test]
fn after_the_last_attempt_it_is_given_up() {
    let mut house = due();
    house.work_completed();
    for hour in [0, 2] {
        house.after(hour);
        assert!(house.attempt(&agent("agent"), "call_back", NotReached::NoAnswer).unwrap().is_some());
    }
    house.after(4);
    house.said();
    assert_eq!(house.attempt(&agent("agent"), "call_back", NotReached::WrongNumber).unwrap(), None);
    assert_eq!(house.said(), ["attempted call_back wrong_number #3", "completed not_reached [] cycle 1"]);
    assert_eq!(house.known().call_backs[0].state_code(), "given_up");
}

#[test]
fn three_calls_within_a_minute_are_one_attempt() {
    let mut house = due();
    let planned = house.attempt(&agent("agent"), "call_back", NotReached::NoAnswer).unwrap();
    for _ in 0..5 {
        assert_eq!(house.attempt(&agent("agent"), "call_back", NotReached::NoAnswer).unwrap(), planned);
    }
    let call = house.known().call_backs[0].clone();
    assert_eq!((call.attempts.len(), call.counted(), call.state_code()), (6, 1, "scheduled"));
}

#[test]
fn who_wants_no_call_is_not_rung_again() {
    let mut house = due();
    assert_eq!(house.attempt(&agent("agent"), "call_back", NotReached::Declined).unwrap(), None);
    assert_eq!(house.said().last().unwrap(), "completed not_reached [] cycle 1");
}

#[test]
fn a_content_customer_is_recorded_and_the_survey_apart() {
    let mut house = due();
    let call = house.call_of("call_back");
    let done = house.record(
        &agent("agent"),
        call,
        &[("satisfied", "5"), ("would_return", "yes"), ("reason", "price")],
    );
    assert_eq!(done.unwrap(), (false, Consequence::Nothing));
    assert_eq!(
        house.said(),
        [
            "attempted call_back reached #1",
            "recorded call_back by agent",
            "answered call_back unhappy=false",
            "completed content [] cycle 1",
        ]
    );
}

#[test]
fn an_unhappy_customer_asks_for_a_new_cycle() {
    let mut house = due();
    let call = house.call_of("call_back");
    assert_eq!(
        house.record(&agent("agent"), call, &[("satisfied", "2")]).unwrap(),
        (true, Consequence::Reopen)
    );
    assert_eq!(house.said().last().unwrap(), "completed unhappy [reopen] cycle 1");
}

#[test]
fn the_boundary_of_the_scale_belongs_to_it() {
    for (answer, fits) in
        [("0", false), ("1", true), ("5", true), ("6", false), ("4.5", false), ("five", false)]
    {
        let mut house = due();
        let call = house.call_of("call_back");
        let done = house.record(&agent("agent"), call, &[("satisfied", answer)]);
        assert_eq!(done.is_ok(), fits, "{answer}");
    }
}

#[test]
fn every_answer_that_does_not_fit_is_named_at_once() {
    let mut house = due();
    let call = house.call_of("call_back");
    let refusal = house
        .record(
            &agent("agent"),
            call,
            &[("would_return", "perhaps"), ("reason", "weather"), ("colour", "red")],
        )
        .unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Invalid);
    let mut fields: Vec<&str> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["answers.colour", "answers.reason", "answers.satisfied", "answers.would_return"]);
    assert_eq!(house.said(), Vec::<String>::new(), "and nothing was recorded");
    assert_eq!(house.known().call_backs[0].state_code(), "scheduled");
}

#[test]
fn the_person_complained_about_makes_no_call() {
    let mut house = House::new("complaint");
    house.open(Facts::new(), &["agent"]);
    house.step_done("feedback");
    let call = house.call_of("call_back");
    for refusal in [
        house.record(&agent("agent"), call, &[("satisfied", "5")]).unwrap_err(),
        house.attempt(&agent("agent"), "call_back", NotReached::NoAnswer).unwrap_err(),
    ] {
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Denied, "barred"));
        assert_eq!(refusal.rule.as_deref(), Some("DG-03"));
    }
    assert!(house.record(&agent("other-agent"), call, &[("satisfied", "5")]).is_ok());
}

#[test]
fn a_bar_that_comes_later_counts_at_the_moment_of_use() {
    let mut house = due();
    assert!(may_see(&house.known(), &agent("agent"), &house.rehearsal.directory));
    house.bar("agent");
    let call = house.call_of("call_back");
    assert_eq!(house.record(&agent("agent"), call, &[("satisfied", "5")]).unwrap_err().gate, "barred");
    assert!(!may_see(&house.known(), &agent("agent"), &house.rehearsal.directory));
}

#[test]
fn who_is_barred_by_a_step_makes_no_call_and_sees_none() {
    for early in [false, true] {
        let mut house = House::new("complaint");
        if early {
            house.step_bars("feedback", "agent");
            house.open(Facts::new(), &[]);
        } else {
            house.open(Facts::new(), &[]);
            house.step_bars("feedback", "agent");
        }
        let call = house.call_of("call_back");
        assert_eq!(house.record(&agent("agent"), call, &[("satisfied", "5")]).unwrap_err().gate, "barred");
        assert!(!may_see(&house.known(), &agent("agent"), &house.rehearsal.directory));
        assert!(house.record(&agent("other-agent"), call, &[("satisfied", "5")]).is_ok());
    }
}

#[test]
fn only_the_role_of_the_rule_records() {
    let mut house = due();
    let call = house.call_of("call_back");
    let refusal = house.record(&holder("gm", "gm", "B1"), call, &[("satisfied", "5")]).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Denied, "not-your-role"));
}

#[test]
fn another_branch_cannot_record_nor_see() {
    let mut house = House::opened("repair");
    house.step_done("feedback");
    let call = house.call_of("shop_call");
    let stranger = holder("cr2", "cr-manager", "B2");
    assert_eq!(house.record(&stranger, call, &[("runs_well", "yes")]).unwrap_err().gate, "other-branch");
    assert!(!may_see(&house.known(), &stranger, &house.rehearsal.directory));
    assert!(house.record(&holder("cr", "cr-manager", "B1"), call, &[("runs_well", "yes")]).is_ok());
}

#[test]
fn a_system_at_the_root_may_record_what_an_agent_may() {
    let system = |node: &str| Actor::System {
        code: "import".into(),
        grants: vec![Grant { role: "system".into(), node: node.into() }],
    };
    let mut house = due();
    let call = house.call_of("call_back");
    assert_eq!(house.record(&system("B2"), call, &[("satisfied", "5")]).unwrap_err().gate, "not-your-role");
    assert!(house.record(&system("G"), call, &[("satisfied", "5")]).is_ok());
}

#[test]
fn a_call_is_recorded_once() {
    let mut house = due();
    let call = house.call_of("call_back");
    house.record(&agent("agent"), call, &[("satisfied", "5")]).unwrap();
    let refusal = house.record(&agent("agent"), call, &[("satisfied", "1")]).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "call-back-over"));
}

#[test]
fn what_was_never_scheduled_cannot_be_recorded() {
    let mut house = House::opened("complaint");
    let refusal = house.record(&agent("agent"), house.ticket, &[("satisfied", "5")]).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);
    let unheard = House::new("complaint");
    let mut house = House::new("complaint");
    assert_eq!(house.record(&agent("agent"), unheard.ticket, &[]).unwrap_err().kind, RefusalKind::NotFound);
}

#[test]
fn a_command_names_the_cycle_it_saw() {
    let mut house = due();
    let call = house.call_of("call_back");
    house.reopen();
    let ask = |cycle| {
        let answers = [("satisfied".to_owned(), "5".to_owned())].into();
        Command::RecordCall(RecordCall { ticket: house.ticket, cycle, call_back: call, text: None, answers })
    };
    let shard = house.ticket.shard();
    let (old, ahead) = (ask(1), ask(3));
    let stale = house.rehearsal.command(&agent("agent"), shard, &old).unwrap_err();
    assert_eq!((stale.kind, stale.gate.as_str()), (RefusalKind::Aborted, "stale-cycle"));
    let ahead = house.rehearsal.command(&agent("agent"), shard, &ahead).unwrap_err();
    assert_eq!(ahead.kind, RefusalKind::Unavailable);
    assert!(ahead.retry_after_ms.is_some());
}
