//! When a call-back is made, and who hears of it first.

mod support;

use chassis_core::{Aggregate, Value as Column};
use follow_up_core::Case;
use playbook::Facts;
use proto::Time;
use support::{House, MONDAY_10, preferring};

#[test]
fn the_step_that_the_rule_names_makes_the_call_due() {
    let mut house = House::opened("complaint");
    house.step_done("improve");
    assert_eq!(house.said(), Vec::<String>::new());
    house.step_done("feedback");
    let event = house.scheduled();
    assert_eq!(
        (event.rule.as_str(), event.kind.as_str(), event.role.as_str()),
        ("call_back", "call", "call-centre-agent")
    );
    assert_eq!(event.try_at, MONDAY_10.0, "the call centre is open: now");
    assert_eq!(event.due_at, MONDAY_10.plus(24 * Time::HOUR).0, "one working day of the call centre");
    let id: proto::Id = event.follow_up_id.parse().unwrap();
    assert_eq!(id.bucket(), house.ticket.bucket(), "at the ticket's home");
}

#[test]
fn the_customer_is_called_when_he_wants() {
    let mut house = House::new("complaint");
    house.open(preferring(30, 32), &[]);
    house.step_done("feedback");
    let event = house.scheduled();
    assert_eq!(event.try_at, MONDAY_10.plus(30 * Time::HOUR).0);
    assert_eq!(event.due_at, MONDAY_10.plus(24 * Time::HOUR).0, "his wish does not move the limit");
}

#[test]
fn a_wish_that_has_passed_does_not_count() {
    let mut house = House::new("complaint");
    house.open(preferring(-3, -1), &[]);
    house.step_done("feedback");
    assert_eq!(house.scheduled().try_at, MONDAY_10.0);
}

#[test]
fn at_night_the_call_waits_for_the_morning() {
    let mut house = House::opened("complaint");
    house.after(12);
    house.step_done("feedback");
    assert_eq!(house.scheduled().try_at, MONDAY_10.plus(23 * Time::HOUR).0, "Tuesday 09:00");
}

#[test]
fn a_branch_calls_by_its_own_hours() {
    let mut house = House::opened("repair");
    house.after(2);
    house.step_done("feedback");
    let event = house.scheduled();
    assert_eq!(event.role, "cr-manager");
    assert_eq!(event.try_at, MONDAY_10.plus(3 * Time::HOUR).0, "not in the lunch break");
    assert_eq!(event.due_at, MONDAY_10.plus(7 * Time::HOUR).0, "four open hours from 13:00");
}

#[test]
fn the_moment_of_the_evidence_counts_not_its_arrival() {
    let mut house = House::opened("complaint");
    house.after(5);
    let event = proto::dispatch::v1::WorkStepDone {
        ticket: Some(house.ticket_ref()),
        step: "feedback".into(),
        ..Default::default()
    };
    house.rehearsal.hear_any(event.into(), MONDAY_10.plus(Time::HOUR));
    let event = house.scheduled();
    assert_eq!(event.due_at, MONDAY_10.plus(25 * Time::HOUR).0);
}

#[test]
fn work_heard_before_the_opening_is_taken_up_with_it() {
    let mut early = House::new("complaint");
    early.step_done("feedback");
    early.work_completed();
    let case: Case = early.rehearsal.get(early.ticket).unwrap();
    assert!(case.known.is_none());
    assert_eq!(case.columns()[0], Column::from("early"));
    assert_eq!(early.said(), Vec::<String>::new());
    early.open(Facts::new(), &[]);
    assert_eq!(early.said(), ["scheduled call_back"]);

    let mut late = House::opened("complaint");
    late.step_done("feedback");
    late.work_completed();
    let without_ids = |house: &House| {
        let known = house.known();
        let call = known.call_backs[0].clone();
        (known.phase, call.try_at, call.due_at, call.rule)
    };
    assert_eq!(without_ids(&early), without_ids(&late), "the order of arrival changes nothing");
}

#[test]
fn in_whatever_order_the_sources_arrive_the_cycle_stands_alike() {
    // Each source is in order; across them every interleaving of two and four is tried.
    let mut ends = std::collections::BTreeSet::new();
    for places in 0..64_u32 {
        if places.count_ones() != 2 {
            continue;
        }
        let mut house = House::new("complaint");
        let (mut register, mut work) = (0, 0);
        for place in 0..6 {
            if places >> place & 1 == 1 {
                house.cycle = register;
                if register == 0 {
                    house.cycle = 1;
                    house.open(Facts::new(), &[]);
                } else {
                    house.reopen();
                }
                register += 1;
            } else {
                house.cycle = 1 + work / 2;
                if work % 2 == 0 {
                    house.step_done("feedback")
                } else {
                    house.work_completed()
                }
                work += 1;
            }
        }
        let known = house.known();
        let open: Vec<_> = known.open().map(|c| (c.cycle, c.rule.clone(), c.try_at, c.due_at)).collect();
        assert_eq!((known.matter.cycle, open.len()), (2, 1), "{places:06b}");
        ends.insert(format!("{open:?} {:?}", known.phase));
    }
    assert_eq!(ends.len(), 1, "{ends:?}");
}

#[test]
fn work_of_the_next_cycle_waits_for_the_reopening() {
    let mut house = House::opened("complaint");
    house.cycle = 2;
    house.step_done("feedback");
    assert_eq!(house.said(), Vec::<String>::new());
    house.cycle = 1;
    house.reopen();
    assert_eq!(house.said(), ["scheduled call_back"]);
    assert_eq!(house.known().call_backs[0].cycle, 2);
}

#[test]
fn work_of_an_older_cycle_has_no_effect() {
    let mut house = House::opened("complaint");
    house.reopen();
    house.cycle = 1;
    house.step_done("feedback");
    house.work_completed();
    assert_eq!(house.said(), Vec::<String>::new());
}

#[test]
fn a_step_done_again_does_not_double_an_open_call() {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.step_done("feedback");
    assert_eq!(house.said(), ["scheduled call_back"]);
}

#[test]
fn reopening_cancels_what_was_open() {
    let mut house = House::opened("complaint");
    house.step_done("feedback");
    house.reopen();
    let known = house.known();
    assert_eq!(known.call_backs[0].state_code(), "cancelled");
    assert_eq!(known.open().count(), 0);
    house.said();
    house.step_done("feedback");
    assert_eq!(house.said(), ["scheduled call_back"], "the new cycle has its own");
}

#[test]
fn the_columns_say_what_is_to_be_tried_when_and_by_whom() {
    let mut house = House::opened("complaint");
    let columns = |house: &House| house.rehearsal.get::<Case>(house.ticket).unwrap().columns();
    assert_eq!(columns(&house)[..3], [Column::from("waiting"), Column::from("B1"), Column::Null]);
    house.step_done("feedback");
    let now = columns(&house);
    assert_eq!(now[0], Column::from("due"));
    assert_eq!(now[2], Column::Time(MONDAY_10));
    assert_eq!(now[3], Column::from("call-centre-agent"));
}

#[test]
fn of_a_sample_only_the_cases_drawn_are_called_and_the_others_do_not_wait() {
    let text = include_str!("support/playbook.yaml");
    let sampled = text.replacen(
        "    after: work.step_done(feedback)\n",
        "    after: work.step_done(feedback)\n    sample_percent: 40\n",
        1,
    );
    assert_ne!(sampled, text, "the first rule is the call-back");
    let directory = support::shop_with("shop", 1, &sampled);
    let drawn = |n: u8| {
        let mut house = House::under("shop", 1, directory.clone(), "complaint");
        house.ticket = proto::Id::mint(MONDAY_10.plus(i64::from(n)), house.ticket.bucket(), [n; 9]);
        house.open(Facts::new(), &[]);
        house.step_done("feedback");
        house.work_completed();
        house.said() == ["scheduled call_back"]
    };
    let called: Vec<u8> = (0..200).filter(|n| drawn(*n)).collect();
    assert!((60..=100).contains(&called.len()), "40 % of 200: {}", called.len());
    assert!(called.iter().all(|n| drawn(*n)), "the same cases whenever it is asked");
    let mut other = House::under("shop", 1, directory.clone(), "complaint");
    let n = (0..200).find(|n| !called.contains(n)).expect("some are not drawn");
    other.ticket = proto::Id::mint(MONDAY_10.plus(i64::from(n)), other.ticket.bucket(), [n; 9]);
    other.open(Facts::new(), &[]);
    other.step_done("feedback");
    other.work_completed();
    assert_eq!(other.said(), ["completed none_due [] cycle 1"]);
}
