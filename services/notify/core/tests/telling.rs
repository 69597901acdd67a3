//! Who is told, of what.

mod support;

use notify_core::Case;
use playbook::Facts;
use proto::{
    AnyEvent, Time, dispatch::v1 as work, follow_up::v1 as calls, intake::v1 as register,
    sla_watchdog::v1 as chase,
};
use support::{House, MONDAY_10};

const NOTHING: Vec<String> = Vec::new();

#[test]
fn the_cr_manager_is_told_at_the_hand_off() {
    let mut house = House::opened();
    assert_eq!(house.said(), NOTHING);
    house.dispatch();
    let said = house.rehearsal.take_said();
    let [AnyEvent::NoticeQueued(queued)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!(
        (queued.recipient.as_str(), queued.rule.as_str(), queued.channel.as_str()),
        ("cr", "dispatched", "sms")
    );
    assert!(support::is_about(queued, &house));
    let id: proto::Id = queued.notice_id.parse().unwrap();
    assert_eq!(id.bucket(), house.ticket.bucket(), "at the ticket's home");
}

#[test]
fn a_major_complaint_reaches_division_legal_department_and_gm() {
    let mut house = House::new();
    house.open("major", Facts::new(), &[]);
    assert_eq!(
        house.said(),
        [
            "prewarn -> brand (brand-division, mail)",
            "prewarn -> law1 (legal, mail)",
            "prewarn -> law2 (legal, mail)",
            "at_once -> svc (service-manager, sms)",
            "at_once -> gm (gm, sms)",
        ]
    );
}

#[test]
fn who_holds_two_of_the_roles_is_told_once() {
    let mut house = House::opened();
    house.rehearsal.hear(register::TicketClosed { ticket: Some(house.ticket_ref()), ..Default::default() });
    assert_eq!(house.said(), ["closed -> rehearsal (taker, sms)", "closed -> spec (cr-specialist, sms)"]);
}

#[test]
fn everybody_whom_the_ladder_found_is_told() {
    let mut house = House::opened();
    let raised = house.escalate(2, &["gm", "cr"]);
    house.rehearsal.hear(raised);
    assert_eq!(house.said(), ["ladder-raised -> gm (gm, sms)", "ladder-raised -> cr (gm, sms)"]);
}

#[test]
fn a_warning_and_a_correction_reach_those_told() {
    let mut house = House::opened();
    let ticket = Some(house.ticket_ref());
    let told = vec!["cr".to_owned(), "cr".to_owned()];
    let clock = "feedback_24h".to_owned();
    house.rehearsal.hear(chase::ClockWarned {
        ticket: ticket.clone(),
        clock: clock.clone(),
        told: told.clone(),
        ..Default::default()
    });
    assert_eq!(house.said(), ["ladder-warned -> cr (, sms)"], "once, though named twice");
    house.rehearsal.hear(chase::ClockVerdictCorrected { ticket, clock, told, ..Default::default() });
    assert_eq!(house.said(), ["ladder-corrected -> cr (, sms)"]);
}

#[test]
fn a_correction_reaches_those_told_even_after_a_reopening() {
    let mut house = House::opened();
    let old = Some(house.ticket_ref());
    house.reopen();
    let event = |told: &str| chase::ClockVerdictCorrected {
        ticket: old.clone(),
        clock: "feedback_24h".into(),
        told: vec![told.to_owned()],
        ..Default::default()
    };
    house.rehearsal.hear(event("gm"));
    assert_eq!(house.said(), ["ladder-corrected -> gm (, sms)"]);
    let raised =
        chase::EscalationRaised { ticket: old, rung: 1, told: vec!["gm".into()], ..Default::default() };
    house.rehearsal.hear(raised);
    assert_eq!(house.said(), NOTHING, "an old rung is history");
}

#[test]
fn nobody_complained_about_is_told() {
    let mut house = House::new();
    house.open("major", Facts::new(), &["gm", "law1"]);
    let said = house.said();
    assert!(said.iter().all(|s| !s.contains("-> gm ") && !s.contains("-> law1 ")), "{said:?}");
    assert!(said.contains(&"prewarn -> law2 (legal, mail)".to_owned()), "{said:?}");
    let raised = house.escalate(1, &["gm", "cr"]);
    house.rehearsal.hear(raised);
    assert_eq!(house.said(), ["ladder-raised -> cr (gm, sms)"]);
}

#[test]
fn a_role_that_is_vacant_all_the_way_up_is_on_record() {
    let mut house = House::new();
    house.open("major", Facts::new(), &["brand"]);
    let said = house.said();
    assert_eq!(said[..2], ["prewarn to  failed: vacant final=true", "lost -> gm (gm, file)"]);
}

#[test]
fn the_deputy_is_told_while_the_holder_is_away() {
    let mut house = House::new();
    house.after(150 * Time::HOUR);
    house.open("major", Facts::new(), &[]);
    assert_eq!(house.said().last().unwrap(), "at_once -> deputy (gm, sms)");
}

#[test]
fn the_requester_hears_of_a_refusal_and_not_of_an_approval() {
    let mut house = House::opened();
    let ticket = Some(house.ticket_ref());
    house.rehearsal.hear(work::ApprovalAsked {
        ticket: ticket.clone(),
        step: "propose".into(),
        requester: "svc".into(),
        approver: "gm".into(),
        ..Default::default()
    });
    assert_eq!(house.said(), ["wanted -> gm (holder, sms)"]);
    let decided = |decision: &str| work::ApprovalDecided {
        ticket: ticket.clone(),
        step: "propose".into(),
        by: "gm".into(),
        decision: decision.into(),
        ..Default::default()
    };
    house.rehearsal.hear(decided("approved"));
    assert_eq!(house.said(), NOTHING);
    house.rehearsal.hear(decided("rejected"));
    assert_eq!(house.said(), ["refused -> svc (requester, sms)"]);
}

#[test]
fn the_holder_of_the_step_is_told() {
    let mut house = House::opened();
    house.dispatch();
    house.said();
    let ready = work::WorkStepReady {
        ticket: Some(house.ticket_ref()),
        step: "propose".into(),
        role: "service-manager".into(),
        assignee: "svc".into(),
        ..Default::default()
    };
    house.rehearsal.hear(ready);
    assert_eq!(house.said(), ["step_ready -> svc (holder, sms)"]);
}

#[test]
fn an_outcome_holds_for_its_own_event_only() {
    let mut house = House::opened();
    house.dispatch();
    house.said();
    let attempted = |house: &House, outcome: &str| calls::FollowUpAttempted {
        ticket: Some(house.ticket_ref()),
        rule: "call_back".into(),
        outcome: outcome.into(),
        ..Default::default()
    };
    house.rehearsal.hear(attempted(&house, "reached"));
    assert_eq!(house.said(), NOTHING);
    house.rehearsal.hear(attempted(&house, "busy"));
    assert_eq!(house.said(), ["not_reached -> rehearsal (taker, file)"]);
    house.rehearsal.hear(calls::FollowUpRecorded { ticket: Some(house.ticket_ref()), ..Default::default() });
    assert_eq!(house.said(), NOTHING);
    let completed = |outcome: &str, rules: &[&str]| calls::FollowUpCompleted {
        ticket: Some(house.ticket_ref()),
        outcome: outcome.into(),
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        ..Default::default()
    };
    let content = completed("content", &["call_back"]);
    let another = completed("not_reached", &["visit"]);
    let given_up = completed("not_reached", &["visit", "call_back"]);
    house.rehearsal.hear(content);
    house.rehearsal.hear(another);
    assert_eq!(house.said(), NOTHING);
    house.rehearsal.hear(given_up);
    assert_eq!(house.said(), ["given_up -> cr (holder, file)"]);
}

#[test]
fn a_case_becomes_major_once() {
    let mut house = House::opened();
    let change = |house: &mut House, severity: &str, blocked: bool| {
        let facts =
            organisation::facts::to_proto(&Facts::new().with("door_blocked", playbook::Value::Bool(blocked)));
        let ticket = Some(house.ticket_ref());
        house.rehearsal.hear(register::TicketReclassified {
            ticket,
            severity: severity.into(),
            facts,
            ..Default::default()
        });
        house.said()
    };
    assert_eq!(change(&mut house, "general", false), NOTHING);
    assert_eq!(change(&mut house, "major", false), ["became_major -> gm (gm, sms)"]);
    assert_eq!(
        change(&mut house, "major", true),
        ["any_change -> svc (service-manager, file)"],
        "it was major before"
    );
    assert_eq!(
        change(&mut house, "major", true),
        ["any_change -> svc (service-manager, file)"],
        "not about the class"
    );
    assert_eq!(change(&mut house, "general", false), NOTHING);
    assert_eq!(change(&mut house, "major", false), ["became_major -> gm (gm, sms)"]);
}

#[test]
fn a_step_is_done_when_its_last_stage_is_decided() {
    let mut house = House::opened();
    let decided = |house: &House, last: bool| work::ApprovalDecided {
        ticket: Some(house.ticket_ref()),
        step: "approve".into(),
        decision: "approved".into(),
        r#final: last,
        ..Default::default()
    };
    let noted = |house: &mut House| {
        let ticket = Some(house.ticket_ref());
        house.rehearsal.hear(register::TicketNoted { ticket, ..Default::default() });
        house.said()
    };
    house.rehearsal.hear(decided(&house, false));
    assert_eq!(noted(&mut house), NOTHING);
    house.rehearsal.hear(decided(&house, true));
    assert_eq!(noted(&mut house), ["after_proposal -> gm (gm, file)"]);
}

#[test]
fn answers_become_facts_of_the_cycle() {
    let mut house = House::opened();
    let answers = organisation::facts::to_proto(&Facts::new().with("satisfied", playbook::Value::Int(1)));
    let answered = calls::SurveyAnswered {
        ticket: Some(house.ticket_ref()),
        rule: "call_back".into(),
        answers,
        unhappy: true,
        ..Default::default()
    };
    house.rehearsal.hear(answered);
    assert_eq!(house.said(), ["unhappy -> chief (ceo, webhook)"]);
}

#[test]
fn a_case_without_a_customer_has_nobody_to_tell_and_that_is_on_record() {
    let mut house = House::opened();
    house.rehearsal.hear(work::WorkCompleted { ticket: Some(house.ticket_ref()), ..Default::default() });
    assert_eq!(house.said(), ["outside to  failed: no-customer final=true", "lost -> gm (gm, file)"]);
}

#[test]
fn the_customer_is_told_without_anybody_knowing_his_number_here() {
    let mut house = House::new();
    house.rehearsal.hear(register::TicketOpened {
        ticket: Some(house.ticket_ref()),
        customer_id: house.ticket.to_string(),
        severity: "general".into(),
        ..Default::default()
    });
    house.said();
    house.rehearsal.hear(work::WorkCompleted { ticket: Some(house.ticket_ref()), ..Default::default() });
    assert_eq!(house.said(), ["outside -> customer (customer, sms)"]);
}

#[test]
fn evidence_before_the_opening_is_told_with_it() {
    let mut house = House::new();
    house.dispatch();
    let raised = house.escalate(1, &["gm"]);
    house.rehearsal.hear(raised);
    assert_eq!(house.said(), NOTHING);
    assert!(house.rehearsal.get::<Case>(house.ticket).unwrap().known.is_none());
    house.open("general", Facts::new(), &["gm"]);
    assert_eq!(
        house.said(),
        ["dispatched -> cr (cr-manager, sms)"],
        "and the bar counts for what came before it"
    );
}

#[test]
fn evidence_of_the_next_cycle_waits_and_of_an_older_one_has_no_effect() {
    let mut house = House::opened();
    house.cycle = 2;
    house.dispatch();
    assert_eq!(house.said(), NOTHING);
    house.cycle = 1;
    house.reopen();
    assert_eq!(house.said(), ["dispatched -> cr (cr-manager, sms)"]);
    house.cycle = 1;
    house.dispatch();
    assert_eq!(house.said(), NOTHING);
}

#[test]
fn a_withdrawn_step_has_no_holder() {
    let mut house = House::opened();
    let ticket = Some(house.ticket_ref());
    house.dispatch();
    let assigned = work::WorkAssigned {
        ticket: ticket.clone(),
        step: "propose".into(),
        assignee: "svc".into(),
        ..Default::default()
    };
    house.rehearsal.hear(assigned);
    house.rehearsal.hear(work::WorkWithdrawn {
        ticket: ticket.clone(),
        step: "propose".into(),
        from: "svc".into(),
        ..Default::default()
    });
    house.said();
    house.rehearsal.hear(work::WorkStepReady { ticket, step: "propose".into(), ..Default::default() });
    assert_eq!(house.said(), ["step_ready -> cr (holder, sms)"], "back to whoever has the work");
}

#[test]
fn a_message_about_a_lost_message_is_not_told_of_in_turn() {
    let mut house = House::opened();
    house.dispatch();
    let notice = house.only();
    house
        .report(notice.id, notify_core::Outcome::Failed { reason: "no-address".into(), for_good: true })
        .unwrap();
    assert_eq!(house.said(), ["dispatched to cr failed: no-address final=true", "lost -> gm (gm, file)"]);
    let lost = {
        house
            .rehearsal
            .hear(register::TicketNoted { ticket: Some(house.ticket_ref()), ..Default::default() });
        house.dispatch();
        let again = house.only();
        house
            .report(again.id, notify_core::Outcome::Failed { reason: "no-address".into(), for_good: true })
            .unwrap();
        house.only()
    };
    assert_eq!(lost.rule, "lost");
    house
        .report(lost.id, notify_core::Outcome::Failed { reason: "no-address".into(), for_good: true })
        .unwrap();
    assert_eq!(house.said(), ["lost to gm failed: no-address final=true"]);
}

#[test]
fn the_same_event_heard_twice_tells_once() {
    use chassis_core::{Core, Frame, Heard, RowKey, Rows, Step};
    use notify_core::Notify;
    let house = House::opened();
    let heard = Heard {
        at: "dispatch/5/1.9".parse().unwrap(),
        event: work::WorkDispatched {
            ticket: Some(house.ticket_ref()),
            assignee: "cr".into(),
            ..Default::default()
        }
        .into(),
        subject: Some(house.ticket),
        branch: None,
        actor: String::new(),
        hops: 0,
        recorded_at: MONDAY_10,
        occurred_at: None,
    };
    let case: Case = house.rehearsal.get(house.ticket).unwrap();
    let mut rows =
        Rows::from([(RowKey::of::<Case>(house.ticket), Some(rmp_serde::to_vec_named(&case).unwrap()))]);
    let mut told = Vec::new();
    for _ in 0..2 {
        let actor = support::executor();
        let frame = Frame {
            service: Notify::SERVICE,
            shard: house.ticket.shard(),
            now: MONDAY_10,
            actor: &actor,
            directory: &house.rehearsal.directory,
            seed: [0; 32],
        };
        let mut step = Step::new(frame, &rows);
        Notify::event(&heard, &mut step).unwrap();
        let effects = step.finish();
        told.push(effects.said.len());
        rows.extend(effects.rows.into_iter().map(|(key, change)| (key, change.put.map(|(body, _)| body))));
    }
    assert_eq!(told, [1, 0]);
}
