//! What becomes of a notice.

mod support;

use chassis_core::{Actor, Aggregate, Grant, RefusalKind, Value};
use notify_core::{Command, Notice, NoticeState, Outcome, Report};
use proto::Time;
use support::{House, failed, sent};

/// A notice to the CR manager, queued.
fn queued() -> (House, Notice) {
    let mut house = House::opened();
    house.dispatch();
    let notice = house.only();
    (house, notice)
}

#[test]
fn a_notice_that_was_sent_is_over() {
    let (mut house, notice) = queued();
    house.report(notice.id, sent()).unwrap();
    assert_eq!(house.said(), ["dispatched sent to cr double=false"]);
    let notice = house.notice(notice.id);
    assert_eq!((notice.state_code(), notice.tries), ("sent", 1));
    assert_eq!(house.rehearsal.next_due(), None);
}

#[test]
fn what_may_be_double_says_so() {
    let (mut house, notice) = queued();
    house.report(notice.id, Outcome::Sent { text: None, to: None, may_be_double: true }).unwrap();
    assert_eq!(house.said(), ["dispatched sent to cr double=true"]);
}

#[test]
fn a_failed_try_is_repeated_after_a_while() {
    let (mut house, notice) = queued();
    house.report(notice.id, failed("unreachable")).unwrap();
    assert_eq!(house.said(), ["dispatched to cr failed: unreachable final=false"]);
    assert_eq!(house.notice(notice.id).state_code(), "queued");
    house.after(29 * Time::SECOND);
    assert_eq!(house.said(), Vec::<String>::new());
    house.after(Time::SECOND);
    assert_eq!(house.said(), ["dispatched -> cr (cr-manager, sms)"]);
    house.report(notice.id, sent()).unwrap();
    assert_eq!(house.notice(notice.id).tries, 2);
}

#[test]
fn the_fifth_failure_is_final_and_somebody_is_told() {
    let (mut house, notice) = queued();
    for _ in 0..4 {
        house.report(notice.id, failed("unreachable")).unwrap();
        assert_eq!(house.said(), ["dispatched to cr failed: unreachable final=false"]);
        let due = house.rehearsal.next_due().unwrap();
        house.rehearsal.advance(due);
        assert_eq!(house.said(), ["dispatched -> cr (cr-manager, sms)"]);
    }
    house.report(notice.id, failed("unreachable")).unwrap();
    assert_eq!(house.said(), ["dispatched to cr failed: unreachable final=true", "lost -> gm (gm, file)"]);
    assert_eq!((house.notice(notice.id).state_code(), house.notice(notice.id).tries), ("failed", 5));
    assert_eq!(house.rehearsal.next_due(), None);
}

#[test]
fn the_waits_grow() {
    let (mut house, notice) = queued();
    let mut waits = Vec::new();
    for _ in 0..4 {
        house.report(notice.id, failed("unreachable")).unwrap();
        let due = house.rehearsal.next_due().unwrap();
        waits.push((due.0 - house.rehearsal.now().0) / Time::SECOND);
        house.rehearsal.advance(due);
    }
    assert_eq!(waits, [30, 120, 600, 1800]);
}

#[test]
fn a_failure_for_good_is_not_repeated() {
    let (mut house, notice) = queued();
    house.report(notice.id, Outcome::Failed { reason: "no-address".into(), for_good: true }).unwrap();
    assert_eq!(house.said()[0], "dispatched to cr failed: no-address final=true");
    assert_eq!(house.rehearsal.next_due(), None);
}

#[test]
fn a_report_about_an_earlier_try_changes_nothing() {
    let (mut house, notice) = queued();
    let NoticeState::Queued { since: first } = notice.state else { panic!("queued") };
    house.report(notice.id, failed("unreachable")).unwrap();
    house.after(Time::MINUTE);
    house.said();
    let before = house.notice(notice.id);
    house.report_of(notice.id, first, sent()).unwrap();
    assert_eq!(house.notice(notice.id), before);
    assert_eq!(house.said(), Vec::<String>::new());
}

#[test]
fn a_report_that_comes_twice_changes_nothing() {
    let (mut house, notice) = queued();
    let NoticeState::Queued { since } = notice.state else { panic!("queued") };
    house.report_of(notice.id, since, sent()).unwrap();
    house.said();
    house.report_of(notice.id, since, failed("unreachable")).unwrap();
    assert_eq!(house.said(), Vec::<String>::new());
    assert_eq!(house.notice(notice.id).state_code(), "sent");
}

#[test]
fn a_bar_that_comes_while_a_message_waits_stops_it() {
    let (mut house, notice) = queued();
    house.report(notice.id, failed("unreachable")).unwrap();
    house.bar("cr");
    house.said();
    house.after(Time::MINUTE);
    assert_eq!(house.said()[0], "dispatched to cr failed: barred final=true");
}

#[test]
fn only_the_executor_reports() {
    let (mut house, notice) = queued();
    let grants = vec![Grant { role: "ceo".into(), node: "G".into() }];
    let report = Report { notice: notice.id, queued_at: notice.queued_at, outcome: sent() };
    for actor in [
        Actor::Person { code: "chief".into(), grants: grants.clone() },
        Actor::System { code: "import".into(), grants },
    ] {
        let command = Command::Report(report.clone());
        let refusal = house.rehearsal.command(&actor, notice.id.shard(), &command).unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Denied, "executor-only"));
    }
    assert_eq!(house.notice(notice.id).state_code(), "queued");
}

#[test]
fn the_columns_say_to_whom_and_how_it_stands() {
    let (mut house, notice) = queued();
    let wanted = |state: &str| {
        [state, &house.ticket.to_string(), "B1", "cr", "dispatched", "sms"].map(Value::from).to_vec()
    };
    let (before, after) = (wanted("queued"), wanted("sent"));
    assert_eq!(notice.columns()[..6], before);
    house.report(notice.id, sent()).unwrap();
    assert_eq!(house.notice(notice.id).columns()[..6], after);
}
