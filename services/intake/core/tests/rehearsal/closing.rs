//! Evidence, seals, closing, and the next cycle.

use intake_core::state::{Link, State};
use playbook::{Facts, Value};
use proto::{AnyEvent, follow_up::v1::FollowUpRecorded};

use crate::world::{DAY, World, agent, gate};

#[test]
fn a_case_closes_by_itself_when_everything_is_on_record() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    assert!(world.ticket(id).is_open(), "the call-back is not done");
    world.said();
    world.follow_up_completed(id, "content", "");
    assert_eq!(world.said(), ["closed"]);
    assert!(matches!(world.ticket(id).state, State::Closed { ref outcome, .. } if outcome == "content"));
}

#[test]
fn seals_and_marks_may_come_in_any_order() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.follow_up_completed(id, "none_due", "");
    world.work_completed(id);
    world.step_done(id, "carry_out", &["resolved"], Facts::new());
    assert!(world.ticket(id).is_open());
    world.step_done(id, "tell", &["told", "answered"], Facts::new());
    assert!(matches!(world.ticket(id).state, State::Closed { ref outcome, .. } if outcome == "resolved"));
}

#[test]
fn nothing_closes_without_being_told_though_both_seals_are_there() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.step_done(id, "tell", &["answered"], Facts::new());
    world.step_done(id, "carry_out", &["resolved"], Facts::new());
    world.work_completed(id);
    world.follow_up_completed(id, "content", "");
    assert!(world.ticket(id).is_open());
    let refusal = world.close(&agent(), id).expect_err("not told");
    assert_eq!((refusal.gate.as_str(), refusal.rule.as_deref()), ("needs-telling", Some("DG-14")));
    assert!(refusal.zh.contains("告知"), "{}", refusal.zh);
}

#[test]
fn a_person_who_closes_learns_everything_that_is_missing() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let refusal = world.close(&agent(), id).expect_err("nothing is done");
    assert_eq!(refusal.gate, "needs-answer");
    for word in ["no answer", "not resolved", "not been told", "work is not complete", "call-back"] {
        assert!(refusal.en.contains(word), "{word}: {}", refusal.en);
    }
    assert_eq!(world.ticket(id).progress().marks.len(), 0);
}

#[test]
fn the_callback_may_be_what_tells_the_customer() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.step_done(id, "tell", &["answered"], Facts::new());
    world.step_done(id, "carry_out", &["resolved"], Facts::new());
    world.work_completed(id);
    let reference = world.ticket(id).reference();
    world.intake.hear(FollowUpRecorded {
        ticket: Some(reference),
        marks: vec!["told".into()],
        ..Default::default()
    });
    world.follow_up_completed(id, "content", "");
    assert!(!world.ticket(id).is_open());
}

#[test]
fn evidence_twice_changes_nothing_and_closes_once() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    world.work(id);
    world.follow_up_completed(id, "content", "");
    let closed = world.ticket(id);
    world.said();
    world.work(id);
    world.follow_up_completed(id, "unhappy", "reopen");
    assert!(world.said().is_empty());
    assert_eq!(world.ticket(id), closed);
}

#[test]
fn an_unhappy_customer_gets_a_second_cycle_at_once() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    world.said();
    world.follow_up_completed(id, "unhappy", "reopen");
    assert_eq!(world.said(), ["reopened"], "it was never closed");
    let ticket = world.ticket(id);
    assert_eq!((ticket.cycle, ticket.is_open(), ticket.past.len()), (2, true, 1));
    assert!(ticket.progress().marks.is_empty(), "answered, resolved and told count anew");
    assert_eq!((ticket.facts.int("cycle"), ticket.facts.flag("reopened")), (Some(2), true));
    world.work(id);
    world.follow_up_completed(id, "content", "");
    assert!(!world.ticket(id).is_open());
}

#[test]
fn evidence_of_the_first_cycle_has_no_effect_on_the_second() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let first = world.ticket(id).reference();
    world.work(id);
    world.follow_up_completed(id, "unhappy", "reopen");
    let before = world.ticket(id);
    world.step_done_of(first.clone(), "tell", &["answered", "told", "resolved"], Facts::new());
    world.work_completed_of(first.clone());
    world.follow_up_completed_of(first, "content", "");
    assert_eq!(world.ticket(id), before);
}

#[test]
fn a_person_reopens_within_the_window_only() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    assert_eq!(gate(world.reopen(&agent(), id)), "open");
    world.work(id);
    world.follow_up_completed(id, "content", "");
    world.wait(15 * DAY);
    assert_eq!(world.reopen(&agent(), id), Ok(2));
    assert_eq!(world.identify("p1", None).open_tickets, [id]);
    world.work(id);
    world.follow_up_completed(id, "content", "");
    world.wait(16 * DAY);
    assert_eq!(gate(world.reopen(&agent(), id)), "reopen-window");
}

#[test]
fn reasons_and_outcomes_are_codes_because_events_carry_them() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.work(id);
    world.follow_up_completed(id, "content", "");
    let words = intake_core::Command::Reopen(intake_core::command::Reopen {
        ticket: id,
        reason: "王先生又来电".into(),
    });
    assert_eq!(crate::world::fields(world.command(&agent(), words)), ["reason"]);
}

#[test]
fn after_the_window_what_is_left_becomes_a_linked_case() {
    let mut world = World::new();
    let older = world.case("p1", "car").ticket;
    world.work(older);
    world.said();
    world.follow_up_completed(older, "unhappy", "link");
    assert_eq!(
        world.said(),
        ["opened", "asset complained", "linked", "linked", "closed", "asset repeat found"]
    );
    let old = world.ticket(older);
    let newer = old.links[0].other;
    assert_eq!(old.links, [Link::new(newer, "unhappy")]);
    let new = world.ticket(newer);
    assert!(new.links.contains(&Link::new(older, "unhappy")));
    assert_eq!((new.cycle, new.customer, new.judged.severity.as_str()), (1, old.customer, "major"));
    assert_eq!(new.personal, old.personal, "what is known comes along");
}

#[test]
fn what_the_shop_judges_is_judged_here_too() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.said();
    world.step_done(id, "judge", &[], Facts::new().with("judged_nature", Value::code("major")));
    assert_eq!(world.said(), ["reclassified"]);
    assert_eq!(world.ticket(id).judged.reason_codes(), ["judged_major"]);
    world.step_done(id, "judge", &[], Facts::new().with("judged_nature", Value::code("major")));
    assert!(world.said().is_empty(), "nothing new");
}

#[test]
fn what_no_table_reads_is_left_to_dispatch() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    let before = world.ticket(id);
    world.step_done(id, "judge", &[], Facts::new().with("mood", Value::code("better")));
    assert_eq!(world.ticket(id), before);
}

#[test]
fn facts_of_steps_are_never_said_again() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.said();
    world.step_done(
        id,
        "judge",
        &[],
        Facts::new().with("judged_nature", Value::code("major")).with("branch", Value::code("B2")),
    );
    let said = world.intake.take_said();
    let [AnyEvent::TicketReclassified(event)] = said.as_slice() else { panic!("{said:?}") };
    let facts = organisation::facts::from_proto(&event.facts);
    assert_eq!((facts.get("judged_nature"), facts.code("branch")), (None, Some("B1")));
}

#[test]
fn a_case_does_not_get_lighter_by_coming_back() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.step_done(id, "judge", &[], Facts::new().with("judged_nature", Value::code("major")));
    world.work(id);
    world.follow_up_completed(id, "unhappy", "reopen");
    let ticket = world.ticket(id);
    assert_eq!(
        (ticket.judged.severity.as_str(), ticket.judged.reason_codes()),
        ("major", vec!["carried_over".to_owned()])
    );
}

#[test]
fn a_rung_raises_the_severity_to_what_the_playbook_says() {
    let mut world = World::new();
    let id = world.case("p1", "car").ticket;
    world.said();
    world.escalated(id, 1, "");
    assert_eq!(world.ticket(id).judged.severity, "general");
    world.escalated(id, 2, "raise");
    assert_eq!(world.said(), ["reclassified"]);
    assert_eq!(world.ticket(id).judged.severity, "serious");
    world.escalated(id, 2, "raise");
    assert!(world.said().is_empty(), "heard twice, raised once");
}
