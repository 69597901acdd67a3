//! What services show of a ticket, against journals made by hand.

use super::*;

fn sound(open: bool) -> Seen {
    Seen {
        ticket: Some(seen::Ticket { open, cycle: 1, told_of: !open }),
        work: Some(seen::Work { state: if open { "acknowledged" } else { "sealed" }.into(), held: true }),
        chase: Some(seen::Chase { live: open, running: open }),
        row: Some(seen::Row { state: if open { "working" } else { "closed" }.into(), cycle: 1 }),
    }
}

fn compared(seen: &Seen, world: &World) -> Vec<(Class, &'static str, u64)> {
    let audit = world.audit();
    let mut findings = Findings::default();
    seen.compare("x", audit.cases.get(id(1)).unwrap(), &mut findings);
    findings.counts().collect()
}

#[test]
fn services_that_agree_are_left_in_peace() {
    let (mut open, mut closed) = (World::default(), World::default());
    open.open(1, &[]).clock("timer:x", 1);
    closed.life(1);
    assert_eq!(compared(&sound(true), &open), []);
    assert_eq!(compared(&sound(false), &closed), []);
}

#[test]
fn a_ticket_missing_anywhere_is_lost() {
    let mut world = World::default();
    world.open(1, &[]).clock("timer:x", 1);
    let nowhere = Seen { work: None, chase: None, row: None, ..sound(true) };
    let lost =
        [(Class::Lost, "no-row", 1), (Class::Lost, "no-work-order", 1), (Class::Lost, "not-watched", 1)];
    assert_eq!(compared(&nowhere, &world), lost);
    assert_eq!(compared(&Seen::default(), &world), [(Class::Lost, "ticket-not-stored", 1)]);
}

#[test]
fn states_that_differ_and_things_left_open_are_named() {
    let mut world = World::default();
    world.life(1);
    let mut seen = sound(false);
    seen.row = Some(seen::Row { state: "working".into(), cycle: 1 });
    seen.work = Some(seen::Work { state: "dispatched".into(), held: true });
    seen.chase = Some(seen::Chase { live: true, running: true });
    assert_eq!(
        compared(&seen, &world),
        [
            (Class::Promise, "closed-with-open-work", 1),
            (Class::Promise, "closed-with-running-clock", 1),
            (Class::Differs, "state-differs", 1)
        ]
    );
}

#[test]
fn an_open_case_without_clock_wait_or_owner_breaks_p9() {
    let mut world = World::default();
    world.open(1, &[]).clock("timer:x", 1);
    world.service(
        Service::SlaWatchdog,
        "timer:y",
        watchdog::ClockMet { ticket: ticket(1, 1), clock: "overall".into(), ..Default::default() },
    );
    let mut seen = sound(true);
    seen.chase = Some(seen::Chase { live: false, running: false });
    assert_eq!(compared(&seen, &world), [(Class::Promise, "stranded", 1)]);
    seen.work = Some(seen::Work { state: "unplaced".into(), held: false });
    assert_eq!(
        compared(&seen, &world),
        [(Class::Promise, "nobody-holds-it", 1), (Class::Promise, "stranded", 1)]
    );
    let waits =
        intake::TicketNoted { ticket: ticket(1, 1), wait_begun: "parts".into(), ..Default::default() };
    world.say(Service::Intake, "request:wait", "person:P2", waits);
    assert_eq!(compared(&Seen { work: sound(true).work, ..seen }, &world), [], "a named wait");
}

#[test]
fn the_clock_of_a_call_back_may_run_on_after_the_closing_until_the_calls_are_over() {
    let mut world = World::default();
    world.life(1);
    let call = follow_up::FollowUpScheduled { ticket: ticket(1, 1), ..Default::default() };
    world.service(Service::FollowUp, "event:closed", call);
    let mut seen = sound(false);
    seen.chase = Some(seen::Chase { live: true, running: true });
    assert_eq!(compared(&seen, &world), []);
    let over = follow_up::FollowUpCompleted { ticket: ticket(1, 1), ..Default::default() };
    world.service(Service::FollowUp, "request:called", over);
    assert_eq!(compared(&seen, &world), [(Class::Promise, "closed-with-running-clock", 1)]);
}
