//! What a sound journal may still break: closing without evidence, persons who take part and may not.

use super::*;

#[test]
fn closing_without_evidence_breaks_p4() {
    let mut world = World::default();
    world.open(1, &[]).done("request:d", 1, &["answered", "told"]);
    world.service(
        Service::Intake,
        "event:dispatch/3/1.1",
        intake::TicketClosed { ticket: ticket(1, 1), ..Default::default() },
    );
    let audit = world.audit();
    assert_eq!(found(&audit), [(Class::Promise, "closed-without-evidence", 1)]);
    assert!(audit.findings.examples()[0].text.contains("resolved"), "{:?}", audit.findings.examples());
}

#[test]
fn deciding_ones_own_request_breaks_p5() {
    let asked = |id: &str| dispatch::ApprovalAsked {
        ticket: ticket(1, 1),
        approval_id: id.into(),
        requester: "P7".into(),
        ..Default::default()
    };
    let decided = |id: &str, by: &str| dispatch::ApprovalDecided {
        ticket: ticket(1, 1),
        approval_id: id.into(),
        by: by.into(),
        ..Default::default()
    };
    let mut world = World::default();
    let dispatch = Service::Dispatch;
    world.open(1, &[]).service(dispatch, "request:1", asked("a")).service(
        dispatch,
        "request:2",
        decided("a", "P8"),
    );
    assert_eq!(world.found(), []);
    world.service(dispatch, "request:3", asked("b")).service(dispatch, "request:4", decided("b", "P7"));
    world.service(dispatch, "request:5", decided("a", "P9"));
    assert_eq!(
        world.found(),
        [(Class::Doubled, "approval-decided-twice", 1), (Class::Promise, "own-request-decided", 1)]
    );
}

#[test]
fn a_denied_paper_decides_its_stage_once_more() {
    let decided = |decision: &str| dispatch::ApprovalDecided {
        ticket: ticket(1, 1),
        approval_id: "a".into(),
        stage: 1,
        by: "P8".into(),
        decision: decision.into(),
        ..Default::default()
    };
    let paper = |decision: &str| dispatch::ApprovalConfirmed {
        ticket: ticket(1, 1),
        approval_id: "a".into(),
        stage: 1,
        by: "P8".into(),
        decision: decision.into(),
        ..Default::default()
    };
    let dispatch = Service::Dispatch;
    let after = |said: &str| {
        let mut world = World::default();
        world.open(1, &[]).service(dispatch, "request:1", decided("approved"));
        world.service(dispatch, "request:2", paper(said));
        world.service(dispatch, "request:2", decided("rejected"));
        world.found()
    };
    assert_eq!(after("denied"), []);
    assert_eq!(after("approved"), [(Class::Doubled, "approval-decided-twice", 1)]);
}

#[test]
fn a_barred_person_who_acts_or_is_given_it_breaks_p5() {
    let assigned =
        |to: &str| dispatch::WorkAssigned { ticket: ticket(1, 1), assignee: to.into(), ..Default::default() };
    let mut world = World::default();
    let dispatch = Service::Dispatch;
    world.open(1, &["P1"]).service(dispatch, "event:intake/3/1.1", assigned("P2"));
    assert_eq!(world.found(), []);
    world.service(dispatch, "request:1", assigned("P1")).done("request:2", 1, &[]);
    assert_eq!(
        world.found(),
        [(Class::Promise, "barred-person-acted", 1), (Class::Promise, "barred-person-given-it", 1)]
    );
}

#[test]
fn a_later_bar_is_not_held_against_who_acted_before_it_was_heard() {
    let later =
        intake::TicketReclassified { ticket: ticket(1, 1), barred: vec!["P1".into()], ..Default::default() };
    let withdrawn = dispatch::WorkWithdrawn { ticket: ticket(1, 1), from: "P1".into(), ..Default::default() };
    let mut world = World::default();
    world.open(1, &[]).say(Service::Intake, "request:bar", "person:AGENT", later);
    world.done("request:1", 1, &[]);
    assert_eq!(world.found(), []);
    world.service(Service::Dispatch, "event:intake/3/1.2", withdrawn).done("request:2", 1, &[]);
    assert_eq!(world.found(), [(Class::Promise, "barred-person-acted", 1)]);
}
