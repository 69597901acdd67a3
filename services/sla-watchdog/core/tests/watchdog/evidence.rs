//! Sources are heard in any order.

use chassis_core::{Aggregate, Core, Value};
use proto::{Event, Id, intake::v1 as intake, notify::v1 as notify};
use sla_watchdog_core::{Case, Watchdog};

use crate::{
    desk::{Desk, at},
    verdicts::FEEDBACK,
};

#[test]
fn what_is_heard_before_the_opening_is_kept_aside() {
    let desk = Desk::with(FEEDBACK);
    desk.until(at(1, 12, 0)).hear_of(at(1, 11, 0), desk.completed());
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.case().columns()[3], Value::from("early"));
    desk.hear_of(at(1, 10, 0), desk.opened("general"));
    assert_eq!(desk.said(), ["started feedback due 2 10:00", "met feedback at 1 11:00"]);
}

#[test]
fn a_stop_heard_before_its_start_counts() {
    let desk = Desk::with("");
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(1, 11, 0));
    desk.hear_of(at(1, 10, 20), desk.acknowledged(1))
        .hear_of(at(1, 10, 5), desk.dispatched(1))
        .until(at(1, 12, 0));
    assert_eq!(desk.said(), ["started silence/1 due 1 10:35", "met silence/1 at 1 10:20"]);
}

#[test]
fn a_stop_from_before_the_start_does_not_count() {
    let desk = Desk::with("");
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(1, 10, 10));
    desk.hear_of(at(1, 10, 2), desk.acknowledged(1)).hear(desk.dispatched(1)).until(at(1, 10, 45));
    assert_eq!(desk.state("silence", "1"), "breached");
}

#[test]
fn a_wait_heard_late_lifts_the_breach_and_the_clock_runs_on() {
    let clocks = FEEDBACK.replace("calendar: wall", "calendar: wall\n    pauses: [customer]");
    let desk = Desk::with(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(2, 10, 30));
    desk.said();
    desk.hear_of(at(2, 9, 0), desk.waiting("customer", ""));
    assert_eq!(
        desk.said(),
        ["corrected feedback breached->running (late-evidence) -> head1", "paused feedback for customer"]
    );
    desk.until(at(2, 12, 0)).hear(desk.waiting("", "customer")).until(at(2, 15, 0));
    // The second breach is a correction: `clock.breached` was said already, and the first rung has fired.
    assert_eq!(
        desk.said(),
        ["moved feedback due 2 13:00", "corrected feedback running->breached (late-evidence) -> head1"]
    );
    desk.until(at(2, 15, 1));
    assert_eq!(desk.said(), ["rung 2 of feedback -> gm1 as gm@B1"]);
}

#[test]
fn a_budget_cut_heard_late_turns_met_into_breached() {
    let clocks =
        FEEDBACK.replace("limit: 24h", "limit: [{ when: severity == 'major', limit: 4h }, { limit: 24h }]");
    let desk = Desk::with(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(1, 15, 0)).hear(desk.completed());
    desk.said();
    desk.hear_of(at(1, 12, 0), desk.reclassified("major")).until(at(1, 15, 1));
    assert_eq!(
        desk.said(),
        [
            "corrected feedback met->breached (late-evidence) -> ",
            "rung 1 of feedback -> head1 as head@B1 late"
        ]
    );
    assert_eq!(desk.state("feedback", ""), "met_late");
}

#[test]
fn a_start_that_late_evidence_forbids_is_taken_back() {
    let clocks = FEEDBACK
        .replace("start: [ticket.opened]", "start: [work.acknowledged]")
        .replace("limit: 24h", "when: severity == 'major'\n    limit: 24h");
    let desk = Desk::with(&clocks);
    desk.until(at(1, 10, 0)).hear(desk.opened("major")).until(at(1, 11, 0)).hear(desk.acknowledged(1));
    desk.said();
    desk.until(at(1, 12, 0)).hear_of(at(1, 10, 30), desk.reclassified("general"));
    assert_eq!(desk.said(), ["cancelled feedback at 1 12:00"]);
    desk.until(at(3, 0, 0));
    assert_eq!(desk.said(), [""; 0]);
}

/// They are kept, for a clock of another version may react to them (see `moved`), but nothing comes of them.
#[test]
fn events_that_no_clock_reacts_to_change_no_clock() {
    let desk = Desk::with(FEEDBACK);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    let before = desk.case();
    desk.said();
    desk.until(at(1, 11, 0)).hear(desk.recorded("a"));
    assert_eq!((desk.case().clocks, desk.case().waits), (before.clocks, before.waits));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn it_wants_the_events_that_it_reads_and_no_others() {
    assert!(Watchdog::wants(intake::TicketOpened::TYPE));
    assert!(!Watchdog::wants(intake::AssetRepeatFound::TYPE));
    assert!(!Watchdog::wants(notify::NoticeSent::TYPE));
}

#[test]
fn a_case_is_kept_under_its_tickets_id() {
    let desk = Desk::with(FEEDBACK);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    let case: Case = desk.case();
    assert_eq!(case.id(), desk.ticket);
    assert_eq!(case.to_ref().ticket_id.parse::<Id>(), Ok(desk.ticket));
}

#[test]
fn reporting_again_what_the_playbook_does_not_know_is_a_fault() {
    let desk = Desk::with(FEEDBACK);
    let mut opened = desk.opened("general");
    if let Some(playbook) = opened.ticket.as_mut().and_then(|ticket| ticket.playbook.as_mut()) {
        playbook.version = 9;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        desk.hear(opened);
    }));
    assert!(outcome.is_err());
}
