//! What happens once, and is found when it happens again.

use super::*;

#[test]
fn the_same_number_twice_is_doubled() {
    let mut world = World::default();
    world.open(1, &[]);
    world.entries.push(world.entries[0].clone());
    assert!(world.audit().findings.of("journal-number-twice") == 1);
}

#[test]
fn one_request_that_opens_two_tickets_is_doubled() {
    let mut world = World::default();
    world.open(1, &[]);
    let twice = intake::TicketOpened { ticket: ticket(2, 1), ..Default::default() };
    world.say(Service::Intake, "request:open-1", "person:AGENT", twice.clone());
    assert_eq!(world.found(), [(Class::Doubled, "request-opened-two-tickets", 1)]);
    let mut others = World::default();
    others.open(1, &[]);
    others.say(Service::Intake, "request:open-1", "person:OTHER", twice);
    assert_eq!(others.found(), [], "request ids are the caller's own");
}

#[test]
fn an_input_that_takes_effect_again_later_is_doubled() {
    let mut world = World::default();
    world.clock("event:intake/3/1.1", 1).clock("event:intake/3/1.1", 2).clock("event:intake/3/1.2", 3);
    world.clock("event:intake/3/1.1", 4).open(1, &[]).open(2, &[]).open(3, &[]).open(4, &[]);
    assert_eq!(world.found(), [(Class::Doubled, "event-applied-twice", 1)]);
    let mut timers = World::default();
    timers.open(1, &[]).clock("timer:due:x", 1).clock("timer:due:y", 1).clock("timer:due:x", 1);
    assert_eq!(timers.found(), [], "a timer fires again under its name");
}

#[test]
fn breaches_and_rungs_come_once_and_in_order() {
    let breach = |instance: &str| watchdog::ClockBreached {
        ticket: ticket(1, 1),
        clock: "c".into(),
        instance: instance.into(),
        ..Default::default()
    };
    let rung = |rung| watchdog::EscalationRaised {
        ticket: ticket(1, 1),
        clock: "c".into(),
        rung,
        ..Default::default()
    };
    let mut world = World::default();
    let watchdog = Service::SlaWatchdog;
    world.open(1, &[]);
    world.service(watchdog, "timer:a", breach("1")).service(watchdog, "timer:a", breach("2"));
    world.service(watchdog, "timer:a", rung(1)).service(watchdog, "timer:a", rung(2));
    assert_eq!(world.found(), []);
    world.service(watchdog, "timer:a", breach("1")).service(watchdog, "timer:a", rung(2)).service(
        watchdog,
        "timer:a",
        rung(1),
    );
    assert_eq!(
        world.found(),
        [
            (Class::Doubled, "clock-breached-twice", 1),
            (Class::Doubled, "rung-raised-twice", 1),
            (Class::Promise, "rungs-out-of-order", 1)
        ]
    );
}

#[test]
fn a_person_is_told_once_of_each_event() {
    let told = |recipient: &str| notify::NoticeQueued {
        ticket: ticket(1, 1),
        rule: "r".into(),
        recipient: recipient.into(),
        ..Default::default()
    };
    let sent = |may_be_double| notify::NoticeSent {
        ticket: ticket(1, 1),
        notice_id: "n".into(),
        may_be_double,
        ..Default::default()
    };
    let mut world = World::default();
    let notify = Service::Notify;
    world.open(1, &[]);
    world.service(notify, "event:intake/3/1.1", told("P1")).service(notify, "event:intake/3/1.1", told("P2"));
    world.service(notify, "event:intake/3/1.2", told("P1"));
    world.service(notify, "request:1", sent(false)).service(notify, "request:2", sent(true));
    assert_eq!(world.found(), []);
    world.service(notify, "event:intake/3/1.3", told("P1")).service(notify, "event:intake/3/1.3", told("P1"));
    world.service(notify, "request:3", sent(false));
    assert_eq!(
        world.found(),
        [(Class::Doubled, "notice-queued-twice", 1), (Class::Doubled, "notice-sent-twice", 1)]
    );
}
