//! The seal: when it is said, and what it says.

mod support;

use follow_up_core::{Consequence, NotReached, Phase, Verdict};
use playbook::Facts;
use proto::{AnyEvent, Time};
use support::{House, MONDAY_10, agent, holder};

const NOTHING: Vec<String> = Vec::new();

#[test]
fn without_a_rule_the_end_of_the_work_is_the_seal() {
    let mut house = House::opened("enquiry");
    house.step_done("feedback");
    assert_eq!(house.said(), NOTHING);
    house.work_completed();
    assert_eq!(house.said(), ["completed none_due [] cycle 1"]);
}

#[test]
fn work_that_ends_without_the_step_leaves_nothing_due() {
    let mut house = House::opened("complaint");
    house.work_completed();
    assert_eq!(house.said(), ["completed none_due [] cycle 1"]);
}

#[test]
fn the_seal_waits_for_an_open_call_after_the_work() {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.work_completed();
    assert_eq!(house.said(), ["scheduled call_back"]);
    let call = house.call_of("call_back");
    house.record(&agent("agent"), call, &[("satisfied", "4")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "completed content [] cycle 1");
}

#[test]
fn the_seal_does_not_wait_for_improvement_work() {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    let call = house.call_of("call_back");
    house.record(&agent("agent"), call, &[("satisfied", "4")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "completed content [] cycle 1");
    house.step_done("improve");
    house.work_completed();
    assert_eq!(house.said(), NOTHING, "a cycle is sealed once");
}

#[test]
fn a_sealed_cycle_schedules_nothing_more() {
    let mut house = House::opened("complaint");
    house.work_completed();
    house.said();
    house.step_done("feedback");
    assert_eq!(house.said(), NOTHING);
}

#[test]
fn every_cycle_has_its_own_seal() {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    let call = house.call_of("call_back");
    house.record(&agent("agent"), call, &[("satisfied", "1")]).unwrap();
    house.reopen();
    house.said();
    house.step_done("feedback");
    house.work_completed();
    let again = house.call_of("call_back");
    house.record(&agent("agent"), again, &[("satisfied", "5")]).unwrap();
    assert_eq!(
        house.said().last().unwrap(),
        "completed content [] cycle 2",
        "the answers of cycle 1 are history"
    );
}

#[test]
fn a_second_rule_holds_the_seal_back() {
    let mut house = House::new("repair");
    house.open_as(Facts::new(), &[], "major");
    house.step_done("feedback");
    house.work_completed();
    house.said();
    let call = house.call_of("shop_call");
    house.record(&holder("cr", "cr-manager", "B1"), call, &[("runs_well", "yes")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "scheduled visit", "the call makes the visit due");
    let visit = house.call_of("visit");
    house.record(&holder("gm", "gm", "B1"), visit, &[]).unwrap();
    assert_eq!(
        house.said(),
        ["attempted visit reached #1", "recorded visit by gm", "completed content [] cycle 1"],
        "without questions there is no survey"
    );
}

#[test]
fn a_rule_that_does_not_apply_is_not_waited_for() {
    let mut house = House::opened("repair");
    house.step_done("feedback");
    let call = house.call_of("shop_call");
    house.record(&holder("cr", "cr-manager", "B1"), call, &[("runs_well", "yes")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "completed content [] cycle 1");
}

#[test]
fn the_worst_counts() {
    let mut house = House::new("repair");
    house.open_as(Facts::new(), &[], "major");
    house.step_done("feedback");
    let call = house.call_of("shop_call");
    let done = house.record(&holder("cr", "cr-manager", "B1"), call, &[("runs_well", "no")]).unwrap();
    assert_eq!(done, (true, Consequence::Link));
    assert_eq!(house.said().last().unwrap(), "scheduled visit", "a linked case does not end this one");
    assert_eq!(house.attempt(&holder("gm", "gm", "B1"), "visit", NotReached::Declined).unwrap(), None);
    assert_eq!(house.said().last().unwrap(), "completed unhappy [link] cycle 1");
    let Phase::Sealed { verdict, .. } = house.known().phase else { panic!("sealed") };
    assert_eq!(verdict, Verdict::Unhappy(Consequence::Link));
}

#[test]
fn closing_without_our_seal_does_not_spare_the_call() {
    let mut house = House::opened("return");
    house.step_done("feedback");
    house.work_completed();
    assert_eq!(house.said(), NOTHING, "the seal waits for the call after closing");
    house.close();
    assert_eq!(house.said(), ["scheduled confirm"]);
    let call = house.call_of("confirm");
    house.record(&agent("agent"), call, &[("confirmed", "yes")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "completed content [] cycle 1");
}

#[test]
fn a_call_that_the_closing_does_not_bring_is_not_waited_for() {
    let mut house = House::opened("return");
    house.work_completed();
    assert_eq!(house.said(), ["completed none_due [] cycle 1"], "no feedback, so nothing to confirm");
}

#[test]
fn a_closing_that_needed_our_seal_may_bring_a_further_round() {
    let mut house = House::opened("cancellation");
    house.work_completed();
    assert_eq!(house.said(), ["completed none_due [] cycle 1"], "else it could never close");
    house.close();
    assert_eq!(house.said(), ["scheduled confirm"]);
    let call = house.call_of("confirm");
    house.record(&agent("agent"), call, &[("confirmed", "no")]).unwrap();
    assert_eq!(house.said().last().unwrap(), "completed unhappy [reopen] cycle 1", "which has its own end");
}

#[test]
fn unhappy_after_closing_is_a_new_cycle_within_the_days_and_a_linked_case_later() {
    for (hours, wanted) in [
        (15 * 24, Consequence::Reopen),
        (15 * 24 + 13, Consequence::Reopen),
        (15 * 24 + 14, Consequence::Link),
    ] {
        let mut house = House::opened("return");
        house.step_done("feedback");
        house.work_completed();
        house.close();
        house.after(hours);
        // 10:00 + 14 h is midnight, which is the last instant in time.
        let late = hours == 15 * 24 + 14;
        if late {
            house.rehearsal.advance(MONDAY_10.plus(hours * Time::HOUR + 1));
        }
        let call = house.call_of("confirm");
        assert_eq!(
            house.record(&agent("agent"), call, &[("confirmed", "no")]).unwrap(),
            (true, wanted),
            "{hours}"
        );
    }
}

#[test]
fn an_event_heard_twice_has_no_second_effect() {
    use chassis_core::{Core, Frame, Heard, Rows, Step};
    use follow_up_core::FollowUp;
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.said();
    let case: follow_up_core::Case = house.rehearsal.get(house.ticket).unwrap();
    let mut rows = Rows::new();
    let key = chassis_core::RowKey::of::<follow_up_core::Case>(house.ticket);
    rows.insert(key, Some(rmp_serde::to_vec_named(&case).unwrap()));
    let heard = Heard {
        at: "follow-up/5/1.1".parse().unwrap(),
        event: proto::dispatch::v1::WorkCompleted { ticket: Some(house.ticket_ref()), ..Default::default() }
            .into(),
        subject: Some(house.ticket),
        branch: None,
        actor: String::new(),
        hops: 0,
        recorded_at: MONDAY_10,
        occurred_at: None,
    };
    let actor = agent("agent");
    let frame = Frame {
        service: FollowUp::SERVICE,
        shard: house.ticket.shard(),
        now: MONDAY_10,
        actor: &actor,
        directory: &house.rehearsal.directory,
        seed: [0; 32],
    };
    let mut step = Step::new(frame, &rows);
    FollowUp::event(&heard, &mut step).unwrap();
    let effects = step.finish();
    assert!(effects.said.is_empty() && effects.rows.is_empty());
}

#[test]
fn the_seal_names_the_rules_of_its_call_backs() {
    let mut house = House::new("repair");
    house.open_as(Facts::new(), &[], "major");
    house.step_done("feedback");
    let call = house.call_of("shop_call");
    house.record(&holder("cr", "cr-manager", "B1"), call, &[("runs_well", "yes")]).unwrap();
    let visit = house.call_of("visit");
    house.record(&holder("gm", "gm", "B1"), visit, &[]).unwrap();
    let sealed = house.rehearsal.take_said().into_iter().find_map(|event| match event {
        AnyEvent::FollowUpCompleted(sealed) => Some(sealed.rules),
        _ => None,
    });
    assert_eq!(sealed, Some(vec!["shop_call".to_owned(), "visit".to_owned()]));
}
