//! Closing, opening again, and what belongs to an older cycle.

use proto::Time;

use crate::desk::{Desk, at, sealed};

const WHOLE: &str = "
  whole:
    name: { zh: 全程, en: whole }
    start: [ticket.opened, ticket.reopened]
    stop: [work.completed]
    cancel: [ticket.closed]
    limit: 24h
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 2h, tell: gm }
  call_due:
    name: { zh: 回访, en: call-back }
    scope: call_back
    start: [follow_up.scheduled]
    stop: [follow_up.recorded]
    limit: 24h
    calendar: call_centre
    ladder:
      - { after: 0, tell: desk }
";

fn opened() -> Desk {
    let desk = Desk::with(WHOLE);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk.said();
    desk
}

#[test]
fn closing_cancels_what_still_runs() {
    let desk = opened();
    desk.until(at(1, 12, 0)).hear(desk.closed());
    assert_eq!(desk.said(), [""; 0], "another source may still have met it");
    desk.until(at(1, 12, 0));
    assert_eq!(desk.said(), ["cancelled whole at 1 12:00"]);
}

#[test]
fn work_completed_before_the_closing_counts_though_heard_after_it() {
    let desk = opened();
    desk.until(at(1, 12, 0)).hear(desk.closed()).hear_of(at(1, 11, 59), desk.completed()).until(at(2, 12, 0));
    assert_eq!(desk.said(), ["met whole at 1 11:59"]);
}

#[test]
fn reopening_begins_a_new_cycle_and_keeps_the_old_one_on_record() {
    let desk = opened();
    desk.until(at(2, 13, 0)).hear(desk.completed()).hear(desk.closed()).until(at(2, 14, 0));
    desk.said();
    let reopened = desk.reopened();
    desk.until(at(5, 9, 0)).hear(reopened).until(at(5, 9, 1));
    assert_eq!(desk.said(), ["started whole due 6 09:00"]);
    let case = desk.case();
    let states: Vec<_> =
        case.all_clocks().map(|(cycle, l)| (cycle, l.clock.as_str(), l.state().name())).collect();
    assert_eq!(states, [(1, "whole", "met_late"), (2, "whole", "running")]);
    desk.until(at(6, 12, 0));
    let said = desk.said();
    assert_eq!(said.len(), 3, "every rung again in the new cycle: {said:?}");
}

#[test]
fn reopened_while_open_the_old_clocks_end_with_their_cycle() {
    let desk = opened();
    let reopened = desk.reopened();
    desk.until(at(1, 15, 0)).hear(reopened).until(at(1, 15, 1));
    assert_eq!(desk.said(), ["cancelled whole at 1 15:00", "started whole due 2 15:00"]);
}

#[test]
fn what_belongs_to_an_older_cycle_has_no_effect() {
    let desk = opened();
    let stale = desk.completed();
    let reopened = desk.reopened();
    desk.until(at(1, 15, 0)).hear(reopened).until(at(1, 16, 0));
    desk.said();
    desk.hear(stale).until(at(1, 17, 0));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.state("whole", ""), "running");
}

#[test]
fn evidence_of_the_next_cycle_waits_for_its_beginning() {
    let desk = opened();
    let reopened = desk.reopened();
    desk.until(at(1, 15, 30)).hear_of(at(1, 15, 20), desk.completed());
    assert_eq!(desk.said(), [""; 0]);
    desk.hear_of(at(1, 15, 0), reopened).until(at(1, 16, 0));
    assert_eq!(
        desk.said(),
        ["cancelled whole at 1 15:00", "started whole due 2 15:00", "met whole at 1 15:20"]
    );
}

#[test]
fn a_call_back_after_closing_is_watched_too() {
    let desk = opened();
    desk.until(at(1, 12, 0))
        .hear(desk.completed())
        .hear(desk.closed())
        .until(at(1, 12, 1))
        .hear(desk.scheduled("a"));
    desk.said();
    desk.until(at(2, 13, 0));
    assert_eq!(
        desk.said(),
        ["breached call_due/content due 2 12:01", "rung 1 of call_due/content -> desk1 as desk@G"]
    );
}

#[test]
fn three_days_after_closing_evidence_is_put_away_and_call_backs_still_start() {
    let desk = opened();
    desk.until(at(1, 12, 0))
        .hear(desk.completed())
        .hear(desk.closed())
        .until(at(1, 12, 1))
        .hear(desk.scheduled("a"));
    desk.until(at(1, 13, 0)).hear(desk.recorded("a")).until(at(9, 0, 0));
    desk.said();
    assert_eq!(desk.rehearsal.borrow().next_due(), None);
    assert!(desk.case().clocks.is_empty());
    assert_eq!(desk.case().all_clocks().count(), 2);
    desk.until(at(40, 9, 0)).hear(desk.scheduled("b")).until(at(42, 9, 0));
    assert_eq!(
        desk.said(),
        [
            "started call_due/content#2 due 41 09:00",
            "breached call_due/content#2 due 41 09:00",
            "rung 1 of call_due/content#2 -> desk1 as desk@G",
        ]
    );
}

#[test]
fn an_outage_over_the_reopening_does_not_swallow_a_breach() {
    let desk = opened();
    desk.until(at(1, 11, 0));
    let reopened = desk.reopened();
    // Heard at once on waking: the old cycle's deadline passed before its end.
    desk.hear_of(at(2, 11, 0), reopened).until(at(2, 11, 0).plus(Time::MINUTE));
    assert_eq!(
        desk.said(),
        [
            "breached whole due 2 10:00",
            "rung 1 of whole -> head1 as head@B1",
            "cancelled whole at 2 11:00",
            "started whole due 3 11:00",
        ]
    );
}

/// The desk that records nothing but the closing: its clock is met by it, or met late.
#[test]
fn a_clock_that_closing_stops_is_met_by_it() {
    let stopped =
        WHOLE.replacen("stop: [work.completed]\n    cancel: [ticket.closed]", "stop: [ticket.closed]", 1);
    assert_ne!(stopped, WHOLE);
    let closed_at = |day: i64| {
        let desk = Desk::with(&stopped);
        desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(day, 12, 0)).hear(desk.closed());
        desk.until(at(day, 13, 0));
        desk.state("whole", "")
    };
    assert_eq!((closed_at(1), closed_at(3)), ("met", "met_late"));
}

/// Opened, worked on, a call planned, and closed without waiting for it.
fn closed_before_the_call(desk: Desk) -> Desk {
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk.until(at(1, 12, 0)).hear(desk.completed()).hear(desk.scheduled("a"));
    desk.until(at(1, 13, 0)).hear(desk.closed()).until(at(1, 13, 1));
    desk.said();
    desk
}

#[test]
fn a_call_that_the_closing_does_not_wait_for_is_watched_on() {
    let desk = closed_before_the_call(Desk::impatient(WHOLE));
    desk.until(at(2, 13, 0));
    assert_eq!(
        desk.said(),
        ["breached call_due/content due 2 12:00", "rung 1 of call_due/content -> desk1 as desk@G"]
    );
    desk.hear(desk.recorded("a")).until(at(2, 14, 0));
    assert_eq!(desk.state("call_due", "content"), "met_late");
}

#[test]
fn the_closing_ends_the_clock_of_a_call_where_it_waits_for_the_calls_or_the_clock_names_it() {
    let desk = closed_before_the_call(Desk::with(WHOLE));
    assert_eq!(desk.state("call_due", "content"), "cancelled");
    let named = WHOLE.replacen(
        "stop: [follow_up.recorded]",
        "stop: [follow_up.recorded]\n    cancel: [ticket.closed]",
        1,
    );
    let desk = closed_before_the_call(Desk::impatient(&named));
    assert_eq!(desk.state("call_due", "content"), "cancelled");
}

#[test]
fn re_opening_ends_the_clock_of_a_call_that_nobody_makes_any_more() {
    let desk = closed_before_the_call(Desk::impatient(WHOLE));
    let reopened = desk.reopened();
    desk.until(at(1, 15, 0)).hear(reopened).until(at(1, 15, 1));
    assert_eq!(desk.said(), ["cancelled call_due/content at 1 15:00", "started whole due 2 15:00"]);
}

#[test]
fn the_seal_of_a_round_stops_the_clocks_of_the_call_backs_that_it_names() {
    let clocks = WHOLE.replacen("stop: [follow_up.recorded]", "stop: [follow_up.completed(content)]", 1);
    let desk = closed_before_the_call(Desk::impatient(&clocks));
    desk.hear(sealed(&desk, &["survey"])).until(at(1, 14, 0));
    assert_eq!(desk.state("call_due", "content"), "running", "the seal is about another call-back");
    desk.hear(sealed(&desk, &["content", "survey"])).until(at(1, 15, 0));
    assert_eq!(desk.state("call_due", "content"), "met");
}
