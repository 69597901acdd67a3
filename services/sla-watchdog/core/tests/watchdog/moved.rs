//! A case is moved to another version of its rule book: what that would change is told before, verdicts stand, clocks
//! that run on keep their start.

use playbook::Facts;
use proto::{
    Time,
    common::v1::{PlaybookRef, TicketRef},
    intake::v1::TicketMoved,
};
use sla_watchdog_core::{Change, Difference, preview};

use crate::desk::{Desk, at};

/// A clock over the whole case.
fn whole(limit: &str, more: &str) -> String {
    format!(
        "
  whole:
    name: {{ zh: 全程, en: whole }}
    start: [ticket.opened]
    stop: [work.completed]
    limit: {limit}
    calendar: wall
    pauses: [customer]
    ladder:
      - {{ after: 0, tell: head }}
      - {{ after: 2h, tell: gm }}
{more}"
    )
}

const TAKEN: &str = "  taken:
    name: { zh: 受理, en: taken }
    start: [ticket.opened]
    stop: [work.acknowledged]
    limit: 2h
    calendar: wall
    ladder:
      - { after: 0, tell: gm }
";

fn opened(clocks: &str) -> Desk {
    let desk = Desk::with(clocks);
    desk.until(at(1, 9, 0)).hear(desk.opened("general"));
    desk.said();
    desk
}

fn to_second(desk: &Desk) -> TicketMoved {
    let playbook = Some(PlaybookRef { id: "shop".into(), version: 2 });
    TicketMoved {
        ticket: Some(TicketRef { playbook, ..desk.r#ref().expect("a ticket") }),
        from_version: 1,
        reason: "new_rules".into(),
        severity: "general".into(),
        ..Default::default()
    }
}

fn foreseen(desk: &Desk, now: Time) -> Vec<Change> {
    let directory = desk.rehearsal.borrow().directory.clone();
    preview(&desk.case(), &directory, 2, &Facts::new(), now).expect("both versions are there")
}

#[test]
fn a_running_clock_keeps_its_start_and_gets_the_new_limit() {
    let desk = opened(&whole("24h", ""));
    desk.activate_second(&whole("30h", ""));
    desk.until(at(1, 15, 0));
    let change = foreseen(&desk, at(1, 15, 0));
    assert_eq!(change.len(), 1, "{change:?}");
    assert_eq!(
        (change[0].difference, change[0].old, change[0].new, change[0].breaches),
        (Difference::Moved, Some(at(2, 9, 0)), Some(at(2, 15, 0)), false)
    );
    assert!(desk.said().is_empty(), "looking changes nothing");
    desk.hear(to_second(&desk));
    assert_eq!(desk.said(), ["moved whole due 2 15:00"]);
    assert_eq!((desk.case().version, desk.clock("whole", "").started_at), (2, at(1, 9, 0)));
    desk.until(at(2, 16, 0));
    assert_eq!(desk.said(), ["breached whole due 2 15:00", "rung 1 of whole -> head1 as head@B1"]);
}

#[test]
fn what_is_used_up_under_the_new_limit_is_missed_by_the_move_and_not_before() {
    let desk = opened(&whole("24h", ""));
    desk.activate_second(&whole("4h", ""));
    desk.until(at(1, 18, 0));
    let change = foreseen(&desk, at(1, 18, 0));
    assert_eq!((change[0].new, change[0].breaches), (Some(at(1, 13, 0)), true));
    desk.hear(to_second(&desk)).until(at(1, 19, 0));
    // The ladder counts from the move: nobody is told at once of what he could not have kept.
    assert_eq!(
        desk.said(),
        ["moved whole due 1 13:00", "breached whole due 1 13:00", "rung 1 of whole -> head1 as head@B1"]
    );
    desk.until(at(1, 20, 1));
    assert_eq!(desk.said(), ["rung 2 of whole -> gm1 as gm@B1"]);
}

#[test]
fn a_verdict_already_given_stands() {
    let desk = opened(&whole("4h", ""));
    desk.until(at(1, 13, 30));
    assert_eq!(desk.said(), ["breached whole due 1 13:00", "rung 1 of whole -> head1 as head@B1"]);
    desk.activate_second(&whole("24h", ""));
    desk.until(at(1, 14, 0)).hear(to_second(&desk));
    assert!(desk.said().is_empty(), "a longer limit makes nothing undone");
    assert_eq!(desk.state("whole", ""), "breached");
    desk.until(at(1, 15, 0)).hear(desk.completed());
    assert_eq!(desk.said(), ["met late whole at 1 15:00"]);
}

#[test]
fn a_pause_before_the_move_still_counts() {
    let desk = opened(&whole("24h", ""));
    desk.until(at(1, 10, 0)).hear(desk.waiting("customer", ""));
    desk.until(at(1, 12, 0)).hear(desk.waiting("", "customer"));
    desk.activate_second(&whole("30h", ""));
    desk.said();
    desk.until(at(1, 13, 0)).hear(to_second(&desk));
    assert_eq!(desk.said(), ["moved whole due 2 17:00"]);
}

#[test]
fn a_clock_that_only_the_new_version_has_counts_from_where_it_would_have_begun() {
    let desk = opened(&whole("24h", ""));
    desk.activate_second(&whole("24h", TAKEN));
    desk.until(at(1, 10, 0));
    let added = foreseen(&desk, at(1, 10, 0));
    assert_eq!(
        (added[0].clock.as_str(), added[0].difference, added[0].new),
        ("taken", Difference::Added, Some(at(1, 11, 0)))
    );
    desk.hear(to_second(&desk));
    assert_eq!(desk.said(), ["started taken due 1 11:00"]);
}

#[test]
fn what_was_done_before_the_move_counts_for_a_new_clock() {
    // No clock of the first version reacts to it.
    let without_silence = whole("24h", "");
    let desk = opened(&without_silence);
    desk.until(at(1, 9, 30)).hear(desk.acknowledged(1));
    desk.activate_second(&whole("24h", TAKEN));
    desk.until(at(1, 10, 0));
    assert!(foreseen(&desk, at(1, 10, 0)).is_empty());
    desk.hear(to_second(&desk));
    assert!(desk.said().is_empty(), "it was taken half an hour ago");
}

#[test]
fn a_clock_that_the_new_version_lacks_ends_without_a_verdict() {
    let desk = opened(&whole("24h", TAKEN));
    desk.activate_second(&whole("24h", ""));
    desk.until(at(1, 10, 0));
    let removed = foreseen(&desk, at(1, 10, 0));
    assert_eq!((removed[0].clock.as_str(), removed[0].difference), ("taken", Difference::Removed));
    desk.hear(to_second(&desk));
    assert_eq!(desk.said(), ["cancelled taken at 1 10:00"]);
}

#[test]
fn a_move_heard_twice_or_late_ends_the_same() {
    let case = |late: bool| {
        let desk = opened(&whole("24h", TAKEN));
        desk.activate_second(&whole("30h", ""));
        desk.until(at(1, 10, 0));
        if late {
            desk.until(at(1, 10, 30)).hear_of(at(1, 10, 20), desk.acknowledged(1));
        }
        desk.hear_of(at(1, 10, 0), to_second(&desk));
        desk.hear_of(at(1, 10, 0), to_second(&desk));
        if !late {
            desk.until(at(1, 10, 30)).hear_of(at(1, 10, 20), desk.acknowledged(1));
        }
        desk.until(at(2, 16, 0)).case()
    };
    let (early, late) = (case(false), case(true));
    let states = |case: &sla_watchdog_core::Case| -> Vec<_> {
        case.clocks.iter().map(|l| (l.clock.clone(), l.state().name(), l.breached)).collect()
    };
    assert_eq!(states(&early), states(&late));
}
