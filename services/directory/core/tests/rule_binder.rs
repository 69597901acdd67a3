//! Playbooks and calendars come into force.

mod desk;

use chassis_core::RefusalKind;
use desk::*;
use directory_core::{CalendarRow, PlaybookRow, Reply};

const SMALL: &str = include_str!("small.yaml");
const HOURS: &str = "id: hours\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"08:00-18:00\"]\n";

fn version(number: u32) -> String {
    SMALL.replace("version: 1", &format!("version: {number}"))
}

#[test]
fn a_playbook_comes_into_force() {
    let mut desk = Desk::sample();
    let reply = desk.ask(&playbook(SMALL)).unwrap();
    assert_eq!(reply, Reply::PlaybookActive { id: "small".into(), version: 1 });
    assert_eq!(desk.snapshot.active_playbook("small").map(|p| p.version), Some(1));
}

#[test]
fn the_same_playbook_again_says_nothing() {
    let mut desk = Desk::sample();
    desk.ask(&playbook(SMALL)).unwrap();
    let before = desk.seq();
    assert!(desk.ask(&playbook(SMALL)).is_ok());
    assert_eq!(desk.seq(), before);
}

#[test]
fn other_content_needs_a_higher_version() {
    let mut desk = Desk::sample();
    desk.ask(&playbook(&version(3))).unwrap();
    for text in [version(2), version(3).replace("小规则", "别的")] {
        let refusal = desk.ask(&playbook(&text)).unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "not-newer"));
    }
    desk.ask(&playbook(&version(4))).unwrap();
    let row: PlaybookRow = desk.core.get(PlaybookRow::key("small")).unwrap();
    assert_eq!(row.versions.keys().copied().collect::<Vec<_>>(), [3, 4]);
    assert!(desk.snapshot.playbook("small", 3).is_some(), "tickets of the old version still find it");
}

#[test]
fn a_playbook_with_mistakes_is_refused_with_all_of_them() {
    let mut desk = Desk::sample();
    let broken =
        SMALL.replace("[work.completed]", "[work.complete]").replace("receiver: manager", "receiver: manger");
    let before = desk.seq();
    let refusal = desk.ask(&playbook(&broken)).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Invalid);
    assert!(refusal.violations.len() >= 2, "{refusal:?}");
    assert!(
        refusal.violations.iter().all(|v| v.field.starts_with("small.yaml:") && !v.zh.is_empty()),
        "{refusal:?}"
    );
    assert_eq!(desk.seq(), before);
}

#[test]
fn what_the_services_do_not_carry_out_yet_is_named() {
    let mut desk = Desk::sample();
    let hook = "tells:\n  hook: {on: ticket.opened, to: manager, channel: webhook, template: {zh: '{number}', en: '{number}'}}\nprivacy:";
    let refusal = desk.ask(&playbook(&SMALL.replace("privacy:", hook))).unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.gate.as_str()),
        (RefusalKind::Precondition, "unsupported"),
        "{refusal}"
    );
    assert!(refusal.violations.iter().any(|v| v.en.contains("PB09")), "{refusal:?}");
}

#[test]
fn a_playbook_too_big_for_a_message_is_refused() {
    let mut desk = Desk::sample();
    let refusal = desk.ask(&playbook(&format!("{SMALL}\n# {}", "x".repeat(800 * 1024)))).unwrap_err();
    assert_eq!(refusal.violations[0].field, "files");
}

#[test]
fn a_calendar_comes_into_force_and_only_forwards() {
    let mut desk = Desk::sample();
    let reply = desk.ask(&calendar(HOURS)).unwrap();
    assert_eq!(reply, Reply::CalendarActive { id: "hours".into(), version: 1 });
    let before = desk.seq();
    assert!(desk.ask(&calendar(HOURS)).is_ok(), "the same text again is no change");
    assert_eq!(desk.seq(), before);
    let refusal = desk.ask(&calendar(&HOURS.replace("18:00", "20:00"))).unwrap_err();
    assert_eq!(refusal.gate, "not-newer");
    desk.ask(&calendar(&HOURS.replace("18:00", "20:00").replace("version: 1", "version: 2"))).unwrap();
    assert_eq!(desk.core.get::<CalendarRow>(CalendarRow::key("hours")).unwrap().version, 2);
}

#[test]
fn a_calendar_needs_the_one_that_it_extends() {
    let mut desk = Desk::sample();
    let shop = "id: shop\nversion: 1\nextends: hours\n";
    let refusal = desk.ask(&calendar(shop)).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Invalid);
    desk.ask(&calendar(HOURS)).unwrap();
    desk.ask(&calendar(shop)).unwrap();
    assert!(desk.snapshot.calendar("shop").is_some());
}

#[test]
fn a_change_that_would_break_an_heir_is_refused() {
    let mut desk = Desk::sample();
    let holidays = format!("{HOURS}overrides:\n  - {{date: 2026-10-01, closed: true, name: 国庆节}}\n");
    desk.ask(&calendar(&holidays)).unwrap();
    desk.ask(&calendar("id: shop\nversion: 1\nextends: hours\nobserves: [国庆节]\n")).unwrap();
    let refusal = desk.ask(&calendar(&HOURS.replace("version: 1", "version: 2"))).unwrap_err();
    assert!(refusal.violations.iter().any(|v| v.field == "source:shop"), "{refusal:?}");
}

#[test]
fn a_calendar_that_cannot_be_read_says_where() {
    let mut desk = Desk::sample();
    let refusal = desk.ask(&calendar("id: x\nversion: one\ncolour: red\n")).unwrap_err();
    assert!(refusal.violations.iter().any(|v| v.field.starts_with("source:3:")), "{refusal:?}");
}

#[test]
fn the_calendars_of_the_house_come_into_force() {
    let mut desk = Desk::sample();
    for source in [
        include_str!("../../../../deploy/calendars/china.yaml"),
        include_str!("../../../../deploy/calendars/dealer-shop.yaml"),
        include_str!("../../../../deploy/calendars/call-centre.yaml"),
    ] {
        desk.ask(&calendar(source)).unwrap();
    }
    assert!(desk.snapshot.calendar("dealer-shop").is_some());
}
