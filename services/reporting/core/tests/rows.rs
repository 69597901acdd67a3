//! What a row shows of a case.

mod week;

use chassis_core::Aggregate;
use reporting_core::{Outcome, State, row::NO_DEADLINE};
use week::*;

#[test]
fn a_row_follows_its_case() {
    let c = case(1, "B1");
    let story = [
        (c.opened("service", "general", hour(1)), State::Opened),
        (c.dispatched("manager", hour(1)), State::Dispatched),
        (c.acknowledged("P1", hour(2)), State::Working),
        (c.ready("handle", "P1", hour(2)), State::Working),
        (c.done("handle", &["answered"], hour(3)), State::Working),
        (c.completed(hour(4)), State::WorkDone),
        (c.followed_up("content", hour(5)), State::FollowedUp),
        (c.closed(hour(6)), State::Closed),
    ];
    for length in 1..=story.len() {
        let row = row_of(&c, story[..length].iter().map(|(event, _)| event.clone()));
        assert_eq!(row.state(), story[length - 1].1, "after {length} events");
    }
}

#[test]
fn a_refused_hand_off_waits_to_be_routed_again() {
    let c = case(1, "B1");
    let row = row_of(
        &c,
        [c.opened("service", "general", hour(1)), c.dispatched("manager", hour(1)), c.refused("P1", hour(2))],
    );
    assert_eq!(row.state(), State::Opened);
    assert_eq!(row.log.last().unwrap().word.as_deref(), Some("not-ours"));
}

#[test]
fn the_holder_is_the_person_else_the_role() {
    let c = case(1, "B1");
    let opened = c.opened("service", "general", hour(1));
    let waiting = row_of(&c, [opened.clone(), c.dispatched("manager", hour(1))]);
    assert_eq!((waiting.holder(), waiting.step()), (Some("manager"), None));
    let working =
        row_of(&c, [opened.clone(), c.dispatched("manager", hour(1)), c.ready("handle", "P1", hour(2))]);
    assert_eq!((working.holder(), working.step()), (Some("P1"), Some("handle")));
    let closed =
        row_of(&c, [opened, c.ready("handle", "P1", hour(2)), c.completed(hour(3)), c.closed(hour(4))]);
    assert_eq!((closed.holder(), closed.step()), (None, None));
}

#[test]
fn events_before_the_opening_are_kept_and_not_shown() {
    let c = case(1, "B1");
    let early = row_of(&c, [c.dispatched("manager", hour(1)), c.started(hour(25), hour(1))]);
    assert!(!early.is_shown());
    assert_eq!(early.columns()[10], chassis_core::Value::Null, "opened_at");
    let row = row_of(
        &c,
        [
            c.dispatched("manager", hour(1)),
            c.started(hour(25), hour(1)),
            c.opened("service", "general", hour(1)),
        ],
    );
    assert!(row.is_shown());
    assert_eq!((row.state(), row.next_clock()), (State::Dispatched, Some(("feedback", hour(25)))));
}

#[test]
fn the_order_of_sources_leaves_no_trace() {
    let c = case(1, "B1");
    let intake =
        [c.opened("service", "general", hour(1)), c.reclassified("major", hour(3)), c.closed(hour(9))];
    let dispatch = [
        c.dispatched("manager", hour(1)),
        c.ready("handle", "P1", hour(2)),
        c.done("handle", &["answered", "told"], hour(4)),
        c.completed(hour(5)),
    ];
    let watchdog =
        [c.started(hour(2), hour(1)), c.breached("P1", hour(2)), c.met(hour(2), hour(5), true, false)];
    let follow_up = [c.surveyed(2, hour(6)), c.surveyed(5, hour(7)), c.followed_up("content", hour(7))];
    let sources: [&[_]; 4] = [&intake, &dispatch, &watchdog, &follow_up];
    let orders = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]];
    let rows = orders.map(|order| row_of(&c, order.iter().flat_map(|source| sources[*source].to_vec())));
    for row in &rows {
        assert_eq!(*row, rows[0]);
        assert_eq!(row.columns(), rows[0].columns());
    }
    assert_eq!(rows[0].marks["answered"], hour(4));
    assert_eq!(rows[0].satisfaction().as_deref(), Some("5"));
}

#[test]
fn a_new_cycle_shows_only_what_is_its_own() {
    let c = case(1, "B1");
    let again = c.clone().cycle(2);
    let row = row_of(
        &c,
        [
            c.opened("service", "general", hour(1)),
            c.ready("handle", "P1", hour(2)),
            c.started(hour(3), hour(1)),
            c.breached("P1", hour(3)),
            c.completed(hour(4)),
            c.closed(hour(5)),
            again.reopened(hour(6)),
            again.started(hour(30), hour(6)),
        ],
    );
    assert_eq!((row.cycle, row.state(), row.closed_at(), row.holder()), (2, State::Opened, None, None));
    assert_eq!(row.next_clock(), Some(("feedback", hour(30))));
    assert_eq!(row.breaches(), 1, "what was missed stays on record");
}

#[test]
fn a_late_word_about_an_old_cycle_changes_nothing_shown() {
    let c = case(1, "B1");
    let again = c.clone().cycle(2);
    let base = vec![
        c.opened("service", "general", hour(1)),
        c.closed(hour(5)),
        again.reopened(hour(6)),
        again.dispatched("manager", hour(6)),
    ];
    let before = row_of(&c, base.clone());
    let after = row_of(&c, base.into_iter().chain([c.ready("handle", "P1", hour(7)), c.completed(hour(7))]));
    assert_eq!(
        (after.state(), after.holder(), after.step()),
        (before.state(), before.holder(), before.step())
    );
    assert_eq!(after.log.len(), before.log.len() + 2);
}

#[test]
fn the_board_sorts_by_what_runs_out_first() {
    let c = case(1, "B1");
    let opened = c.opened("service", "general", hour(1));
    let rank = |row: &reporting_core::Row| row.columns()[12].clone();
    let idle = row_of(&c, [opened.clone()]);
    assert_eq!(rank(&idle), NO_DEADLINE.into());
    let running = row_of(&c, [opened.clone(), c.started(hour(25), hour(1))]);
    assert_eq!(rank(&running), hour(25).into());
    let paused = row_of(&c, [opened.clone(), c.started(hour(25), hour(1)), c.paused(true, hour(0), hour(2))]);
    assert_eq!(rank(&paused), NO_DEADLINE.into());
    let resumed = row_of(
        &c,
        [
            opened.clone(),
            c.started(hour(25), hour(1)),
            c.paused(true, hour(0), hour(2)),
            c.paused(false, hour(30), hour(7)),
        ],
    );
    assert_eq!(rank(&resumed), hour(30).into());
    let missed = row_of(&c, [opened, c.started(hour(25), hour(1)), c.breached("P1", hour(25))]);
    assert_eq!(rank(&missed), hour(25).into(), "a missed deadline is still owed");
}

#[test]
fn verdicts_are_taken_over_as_judged() {
    let c = case(1, "B1");
    let opened = c.opened("service", "general", hour(1));
    let met =
        row_of(&c, [opened.clone(), c.started(hour(25), hour(1)), c.met(hour(25), hour(20), false, false)]);
    assert_eq!((met.verdicts[0].outcome, met.breaches(), met.clocks.len()), (Outcome::Met, 0, 0));
    let late = row_of(
        &c,
        [
            opened.clone(),
            c.started(hour(25), hour(1)),
            c.breached("P1", hour(25)),
            c.met(hour(25), hour(27), true, false),
        ],
    );
    assert_eq!((late.verdicts.len(), late.breaches(), late.clocks.len()), (1, 1, 0));
    assert_eq!(late.verdicts[0].delay(hour(99)), 2 * 3600);
    let cancelled =
        row_of(&c, [opened.clone(), c.started(hour(25), hour(1)), c.met(hour(25), hour(20), false, true)]);
    assert_eq!((cancelled.verdicts[0].outcome, cancelled.breaches()), (Outcome::Cancelled, 0));
    let missed_then_cancelled = row_of(
        &c,
        [
            opened,
            c.started(hour(25), hour(1)),
            c.breached("P1", hour(25)),
            c.met(hour(25), hour(30), false, true),
        ],
    );
    assert_eq!((missed_then_cancelled.verdicts.len(), missed_then_cancelled.breaches()), (1, 1));
    let missed = &missed_then_cancelled.verdicts[0];
    assert_eq!(missed.delay(hour(99)), 5 * 3600, "nobody is late with what was taken from him");
    assert_eq!(missed.done_at, None, "nor has he done it");
}

#[test]
fn a_corrected_verdict_accuses_nobody_and_stays_in_the_log() {
    let c = case(1, "B1");
    let row = row_of(
        &c,
        [
            c.opened("service", "general", hour(1)),
            c.started(hour(25), hour(1)),
            c.breached("P1", hour(25)),
            c.escalated(1, hour(25)),
            c.corrected("met", hour(40)),
        ],
    );
    assert_eq!((row.breaches(), row.rungs(), row.clocks.len()), (0, 1, 0));
    assert!(row.verdicts[0].corrected);
    assert!(row.log.iter().any(|moment| moment.event() == "clock.breached"));
}

#[test]
fn a_verdict_taken_back_accuses_nobody_either() {
    let c = case(1, "B1");
    for to in ["running", "cancelled"] {
        let row = row_of(
            &c,
            [
                c.opened("service", "general", hour(1)),
                c.started(hour(25), hour(1)),
                c.breached("P1", hour(25)),
                c.corrected(to, hour(26)),
            ],
        );
        assert_eq!((row.breaches(), row.verdicts[0].outcome), (0, Outcome::Cancelled), "{to}");
    }
}

#[test]
fn barred_persons_stand_in_a_column() {
    let c = case(1, "B1");
    let row = row_of(&c, [c.opened("service", "general", hour(1))]);
    assert_eq!(row.columns()[9], chassis_core::Value::Words(vec!["P9".into()]));
    assert!(row.is_barred("P9") && !row.is_barred("P1"));
    let reclassified =
        row_of(&c, [c.opened("service", "general", hour(1)), c.reclassified("major", hour(2))]);
    assert!(reclassified.is_barred("P9"), "nothing said lifts no bar");
}

#[test]
fn who_is_barred_by_a_step_stands_there_too() {
    let c = case(1, "B1");
    let (opened, barred) = (c.opened("service", "general", hour(1)), c.barred("P1", hour(2)));
    for events in [[opened.clone(), barred.clone()], [barred, opened]] {
        let row = row_of(&c, events);
        assert_eq!(row.columns()[9], chassis_core::Value::Words(vec!["P1".into(), "P9".into()]));
        assert!(row.is_barred("P1") && row.is_barred("P9"));
    }
}

#[test]
fn every_column_has_a_value() {
    let c = case(1, "B1");
    let row = row_of(&c, [c.opened("service", "general", hour(1))]);
    assert_eq!(row.columns().len(), reporting_core::Row::TABLE.columns.len());
}
