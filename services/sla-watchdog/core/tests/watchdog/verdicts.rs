//! In time, late, on the dot, twice, and found out afterwards.

use proto::{AnyEvent, Service, Time};

use crate::{
    bench::Bench,
    desk::{Desk, at, group, line},
};

pub const FEEDBACK: &str = "
  feedback:
    name: { zh: 反馈, en: feedback }
    start: [ticket.opened]
    stop: [work.completed]
    limit: 24h
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 2h, tell: gm }
";

fn opened() -> Desk {
    let desk = Desk::with(FEEDBACK);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk
}

#[test]
fn a_clock_starts_with_its_event_and_says_when_it_is_due() {
    let desk = opened();
    assert_eq!(desk.said(), ["started feedback due 2 10:00"]);
    let clock = desk.clock("feedback", "");
    assert_eq!((clock.limit.as_str(), clock.started_at), ("24h", at(1, 10, 0)));
    assert!(clock.calendar.starts_with("always-open@1"), "{}", clock.calendar);
}

#[test]
fn met_before_the_deadline_is_in_time() {
    let desk = opened();
    desk.until(at(2, 9, 0)).hear(desk.completed());
    assert_eq!(desk.said()[1..], ["met feedback at 2 09:00"]);
    desk.until(at(9, 0, 0));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.state("feedback", ""), "met");
}

#[test]
fn the_due_instant_itself_is_in_time() {
    let desk = opened();
    desk.until(at(2, 10, 0)).hear(desk.completed()).until(at(3, 0, 0));
    assert_eq!(desk.said()[1..], ["met feedback at 2 10:00"]);
}

#[test]
fn a_microsecond_later_is_late() {
    let desk = opened();
    let late = at(2, 10, 0).plus(1);
    desk.until(at(2, 10, 0)).hear_of(late, desk.completed());
    // It waits for its turn: another source may still have something to say about the due instant.
    assert_eq!(desk.said()[1..], [""; 0]);
    desk.until(at(2, 10, 1));
    assert_eq!(
        desk.said(),
        [
            "breached feedback due 2 10:00",
            "rung 1 of feedback -> head1 as head@B1",
            "met late feedback at 2 10:00+"
        ]
    );
    assert_eq!(desk.state("feedback", ""), "met_late");
}

#[test]
fn a_clock_waits_for_its_own_moment_though_another_is_judged_just_before() {
    let later = format!(
        "{FEEDBACK}
  answer:
    name: {{ zh: 答复, en: answer }}
    start: [work.dispatched]
    stop: [work.completed]
    limit: 24h
    calendar: wall
    ladder:
      - {{ after: 1h, tell: head }}
"
    );
    let desk = Desk::with(&later);
    desk.until(at(1, 10, 0)).hear(desk.opened("general"));
    desk.until(at(1, 10, 0).plus(30 * Time::SECOND)).hear(desk.dispatched(1));
    desk.until(at(2, 9, 0)).said();
    desk.until(at(2, 10, 0).plus(Time::SECOND));
    assert_eq!(desk.said(), ["breached feedback due 2 10:00", "rung 1 of feedback -> head1 as head@B1"]);
    assert_eq!(desk.state("answer", ""), "running");
    desk.until(at(2, 10, 1));
    assert_eq!(desk.state("answer", ""), "breached");
}

#[test]
fn a_breach_is_said_once_and_stays_open_until_met() {
    let desk = opened();
    desk.until(at(2, 10, 0));
    assert_eq!(desk.said().len(), 1);
    desk.until(at(2, 11, 0));
    assert_eq!(desk.said(), ["breached feedback due 2 10:00", "rung 1 of feedback -> head1 as head@B1"]);
    assert_eq!(desk.state("feedback", ""), "breached");
    desk.hear(desk.completed());
    assert_eq!(desk.said(), ["met late feedback at 2 11:00"]);
    desk.until(at(9, 0, 0));
    assert_eq!(desk.said(), [""; 0]);
}

#[test]
fn evidence_from_before_the_deadline_corrects_the_verdict_and_everybody_told_hears_it() {
    let desk = opened();
    desk.until(at(2, 13, 0));
    assert_eq!(desk.said().len(), 4);
    desk.hear_of(at(2, 9, 30), desk.completed());
    assert_eq!(
        desk.said(),
        ["corrected feedback breached->met (late-evidence) -> gm1 head1", "met feedback at 2 09:30"]
    );
    assert_eq!(desk.state("feedback", ""), "met");
    assert_eq!(desk.clock("feedback", "").corrections.len(), 1);
}

#[test]
fn after_a_correction_the_rungs_not_yet_fired_are_off() {
    let desk = opened();
    desk.until(at(2, 11, 0)).hear_of(at(2, 10, 0), desk.completed());
    desk.said();
    desk.until(at(9, 0, 0));
    assert_eq!(desk.said(), [""; 0]);
    assert_eq!(desk.clock("feedback", "").rungs.len(), 1);
}

#[test]
fn a_correction_reaches_a_clock_that_was_met_late_too() {
    let desk = opened();
    desk.until(at(2, 11, 0)).hear(desk.completed());
    desk.said();
    desk.hear_of(at(2, 8, 0), desk.completed());
    assert_eq!(desk.said(), ["corrected feedback breached->met (late-evidence) -> head1"]);
    assert_eq!(desk.clock("feedback", "").ended.unwrap().at, at(2, 8, 0));
}

#[test]
fn an_offline_report_counts_from_when_it_was_done() {
    let desk = Desk::with(&FEEDBACK.replace("work.completed", "work.step_done(propose)"));
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(2, 12, 30));
    let mut done = desk.done("propose");
    done.occurred_at = at(2, 9, 0).0;
    desk.said();
    desk.hear(done);
    assert_eq!(
        desk.said(),
        ["corrected feedback breached->met (reported-later) -> gm1 head1", "met feedback at 2 09:00"]
    );
}

#[test]
fn nobody_puts_his_lateness_right_with_a_moment_yet_to_come() {
    let desk = Desk::with(&FEEDBACK.replace("work.completed", "work.step_done(propose)"));
    desk.until(at(1, 10, 0)).hear(desk.opened("general")).until(at(1, 12, 0));
    let mut done = desk.done("propose");
    done.occurred_at = at(5, 9, 0).0;
    desk.hear(done);
    assert_eq!(desk.clock("feedback", "").ended.unwrap().at, at(1, 12, 0));
}

#[test]
fn redelivered_evidence_changes_nothing() {
    let desk = opened();
    desk.hear_of(at(1, 10, 0), desk.opened("general")).until(at(2, 9, 0)).hear(desk.completed());
    desk.hear_of(at(2, 9, 0), desk.completed())
        .hear_of(at(1, 10, 0), desk.opened("general"))
        .until(at(5, 0, 0));
    assert_eq!(desk.said(), ["started feedback due 2 10:00", "met feedback at 2 09:00"]);
}

#[test]
fn a_silent_source_is_named_in_the_verdict_and_its_word_still_counts() {
    let desk = Desk::with(FEEDBACK);
    let mut bench = Bench::new(group(FEEDBACK), at(1, 10, 0));
    bench.hear(at(1, 10, 0), Service::Intake, at(1, 10, 0), desk.opened("general").into());
    bench.wake(at(2, 10, 1), &[Service::Dispatch]);
    let AnyEvent::ClockBreached(breached) = &bench.said[1] else { panic!("{}", line(&bench.said[1])) };
    assert_eq!(breached.silent, ["dispatch"]);
    bench.hear(at(2, 10, 5), Service::Dispatch, at(2, 9, 59), desk.completed().into());
    let corrected = bench.said.iter().map(line).find(|line| line.starts_with("corrected"));
    assert_eq!(corrected.unwrap(), "corrected feedback breached->met (silent-source) -> head1");
}

#[test]
fn an_event_without_a_ticket_id_is_a_fault() {
    let desk = opened();
    let mut stray = desk.completed();
    stray.ticket.as_mut().unwrap().ticket_id = "none".into();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        desk.hear(stray);
    }));
    assert!(outcome.is_err());
}
