//! Steps: their order, what they need, loops and the seal.

mod shop;

use chassis_core::RefusalKind;
use dispatch_core::{Proof, Reply, Report};
use playbook::{Facts, ProofKind, Value};
use proto::{AnyEvent, Time};
use shop::{Shop, fact, gate, inspection, judgement, name, photo, proof, sealed, solution};

#[test]
fn a_step_waits_for_the_steps_before_it() {
    let mut shop = Shop::running();
    let refusal = shop.complete("SERVICE", "propose", solution(1)).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "needs-step"));
    assert!(refusal.en.contains("\"judge\"") && refusal.zh.contains("“判定”"), "{refusal:?}");
    assert_eq!(gate(shop.complete("SERVICE", "repair", photo())), "needs-step");
    shop.judge();
    assert_eq!(shop.complete("SERVICE", "propose", solution(1)).map(|_| ()), Ok(()));
}

#[test]
fn nothing_is_done_before_the_work_is_acknowledged() {
    let mut shop = Shop::new();
    shop.open(&[]);
    assert_eq!(gate(shop.complete("CRM", "judge", judgement())), "not-acknowledged");
    assert_eq!(gate(shop.assign("CRM", "judge", "CRS")), "not-acknowledged");
}

#[test]
fn a_step_that_does_not_exist_or_apply_is_refused() {
    let mut shop = Shop::running();
    assert_eq!(shop.complete("CRM", "dance", Report::default()).unwrap_err().kind, RefusalKind::Invalid);
    assert_eq!(gate(shop.complete("GM", "meeting", Report::default())), "not-applicable");
}

#[test]
fn missing_fields_are_named() {
    let mut shop = Shop::running();
    let refusal = shop.complete("CRM", "judge", Report::default()).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "needs-field"));
    assert!(refusal.en.contains("findings") && refusal.en.contains("grounds"), "{}", refusal.en);
    let mut words = Report::default();
    words.sealed.insert("findings".into(), sealed());
    assert!(!shop.complete("CRM", "judge", words).unwrap_err().en.contains("findings"));
}

#[test]
fn a_field_required_by_a_fact_is_required_then() {
    let mut shop = Shop::running();
    shop.judge();
    let mut report = solution(1);
    report.facts = Facts::new();
    assert_eq!(gate(shop.complete("SERVICE", "propose", report.clone())), "needs-field");
    let mut shop = Shop::running();
    let mut groundless = judgement();
    groundless.facts.set("grounds", Value::Bool(false));
    shop.complete("CRM", "judge", groundless).unwrap();
    shop.complete("SERVICE", "propose", report).unwrap();
}

#[test]
fn missing_proofs_are_named_and_any_of_their_kinds_will_do() {
    let mut shop = Shop::proposed(1);
    shop.decide("GM", true).unwrap();
    for report in
        [Report::default(), Report { proofs: vec![proof(ProofKind::Recording)], ..Report::default() }]
    {
        let refusal = shop.complete("SERVICE", "repair", report).unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "needs-proof"));
        assert!(refusal.en.contains("photo or signature") && refusal.zh.contains("照片或签字"));
    }
    let signed = Report { proofs: vec![proof(ProofKind::Signature)], ..Report::default() };
    shop.complete("SERVICE", "repair", signed).unwrap();
    assert_eq!(shop.work().done_step("repair").unwrap().proofs.len(), 1);
}

#[test]
fn a_proof_without_place_or_digest_is_none() {
    let mut shop = Shop::proposed(1);
    shop.decide("GM", true).unwrap();
    for bad in [
        Proof { reference: String::new(), ..proof(ProofKind::Photo) },
        Proof { digest: vec![], ..proof(ProofKind::Photo) },
    ] {
        let refusal = shop
            .complete("SERVICE", "repair", Report { proofs: vec![bad], ..Report::default() })
            .unwrap_err();
        assert_eq!(refusal.violations[0].field, "proofs[0]");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_all_at_once() {
    let mut shop = Shop::running();
    shop.judge();
    let mut report = solution(1);
    report.facts.set("amount", Value::money("EUR", 1)).set("weather", Value::Int(3));
    report.sealed.insert("secret".into(), sealed());
    report.occurred_at = Some(shop.core.now().plus(1));
    let refusal = shop.complete("SERVICE", "propose", report).unwrap_err();
    let mut fields: Vec<_> = refusal.violations.iter().map(|v| v.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["fields.amount", "fields.secret", "fields.weather", "occurred_at"]);
    assert!(shop.work().done_step("propose").is_none());
}

#[test]
fn a_claimed_moment_rides_on_the_event_but_lies_within_the_case() {
    let mut shop = Shop::running();
    let opened = shop.core.now();
    shop.core.advance(opened.plus(Time::HOUR));
    let at = |moment: Time| Report { occurred_at: Some(moment), ..judgement() };
    assert!(shop.complete("CRM", "judge", at(opened.plus(-1))).is_err());
    shop.complete("CRM", "judge", at(opened.plus(Time::MINUTE))).unwrap();
    let said = shop.core.take_said();
    let AnyEvent::WorkStepDone(done) = &said[0] else { panic!("done first, was {said:?}") };
    assert_eq!(done.occurred_at, opened.plus(Time::MINUTE).0);
    assert_eq!(shop.work().done_step("judge").unwrap().at, opened.plus(Time::HOUR));
}

#[test]
fn a_done_step_says_its_facts_and_marks_and_no_words() {
    let mut shop = Shop::proposed(120);
    let said = shop.core.take_said();
    let done = said.iter().rev().find_map(|event| match event {
        AnyEvent::WorkStepDone(done) => Some(done),
        _ => None,
    });
    let done = done.expect("the proposal was said");
    assert_eq!((done.step.as_str(), done.by.as_str()), ("propose", "SERVICE"));
    assert_eq!(fact(done, "amount"), Some(Value::money("CNY", 12_000)));
    assert_eq!(done.facts.len(), 1);
    shop.decide("GM", true).unwrap();
    shop.core.take_said();
    shop.finish();
    let marks: Vec<String> = shop
        .core
        .take_said()
        .into_iter()
        .filter_map(|event| match event {
            AnyEvent::WorkStepDone(done) => Some(done.marks),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(marks, ["resolved", "answered", "told"]);
}

#[test]
fn a_step_is_done_once() {
    let mut shop = Shop::running();
    shop.judge();
    let refusal = shop.complete("CRM", "judge", judgement()).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "step-done"));
}

#[test]
fn a_step_is_for_its_role() {
    let mut shop = Shop::running();
    assert_eq!(gate(shop.complete("SALES", "judge", judgement())), "role");
    assert_eq!(gate(shop.complete("CRM2", "judge", judgement())), "other-branch");
    shop.judge();
    assert_eq!(gate(shop.complete("SALES", "propose", solution(1))), "role");
}

#[test]
fn the_deputy_works_while_the_holder_is_away_and_only_then() {
    let mut shop = Shop::running();
    shop.judge();
    assert_eq!(gate(shop.complete("TECH", "propose", solution(1))), "role");
    shop.send_away("SERVICE");
    shop.complete("TECH", "propose", solution(1)).unwrap();
    assert_eq!(shop.work().done_step("propose").unwrap().by, "TECH");
}

#[test]
fn a_failed_inspection_leads_back_to_the_repair() {
    let mut shop = Shop::proposed(1);
    shop.decide("GM", true).unwrap();
    shop.complete("SERVICE", "repair", photo()).unwrap();
    shop.core.take_said();
    let reply = shop.complete("CRM", "inspect", inspection("failed")).unwrap();
    assert_eq!(reply, Reply::Ready { steps: vec!["note".into(), "repair".into()] });
    assert_eq!(shop.names(), ["done", "assigned", "ready"]);
    let work = shop.work();
    assert!(work.done_step("repair").is_none() && work.done_step("approve").is_some());
    assert_eq!(work.earlier.len(), 2, "what was done stays on record");
    assert_eq!(gate(shop.complete("CRM", "inspect", inspection("passed"))), "needs-step");
    shop.finish();
    assert_eq!(shop.work().state.code(), "sealed");
}

#[test]
fn a_round_that_leaves_a_field_out_forgets_its_old_value() {
    let mut shop = Shop::running();
    let mut groundless = judgement();
    groundless.facts.set("grounds", Value::Bool(false));
    shop.complete("CRM", "judge", groundless).unwrap();
    shop.complete("SERVICE", "propose", solution(90_000)).unwrap();
    assert_eq!(shop.work().approval_of("approve").unwrap().chain.len(), 3);
    shop.decide("GM", false).unwrap();
    let mut without = solution(0);
    without.facts = Facts::new();
    shop.complete("SERVICE", "propose", without).unwrap();
    assert_eq!(shop.work().approval_of("approve").unwrap().chain.len(), 1);
}

#[test]
fn the_last_step_seals_and_nothing_is_taken_after_it() {
    let mut shop = Shop::proposed(1);
    shop.decide("GM", true).unwrap();
    shop.core.take_said();
    shop.finish();
    let said = shop.core.take_said();
    assert_eq!(said.iter().map(name).filter(|name| *name == "completed").count(), 1);
    assert_eq!(said.last().map(name), Some("completed"));
    let before = shop.work();
    for refusal in [
        shop.acknowledge("CRM"),
        shop.refuse("CRM", "late"),
        shop.assign("CRM", "judge", "CRS"),
        shop.complete("CRM", "judge", judgement()),
        shop.decide("GM", false),
    ] {
        let refusal = refusal.unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Precondition, "completed"));
        assert_eq!(refusal.en, "completed; re-open first");
    }
    assert!(shop.reclassify(|event| event.severity = "major".into()).is_empty(), "the seal stands");
    assert_eq!(shop.work().done, before.done);
    shop.core.hear(proto::intake::v1::TicketClosed { ticket: Some(shop.named()), ..Default::default() });
    assert!(shop.core.take_said().is_empty());
}

#[test]
fn a_case_found_major_on_the_way_needs_its_meeting() {
    let mut shop = Shop::running();
    shop.judge();
    shop.core.take_said();
    let said = shop.reclassify(|event| event.severity = "major".into());
    assert_eq!(
        said.iter().map(name).collect::<Vec<_>>(),
        ["assigned", "ready"],
        "the proposal's clock runs on"
    );
    assert!(!shop.work().open.contains_key("propose"));
    assert_eq!(gate(shop.complete("SERVICE", "propose", solution(1))), "needs-step");
    let minutes = Report { proofs: vec![proof(ProofKind::Document)], ..Report::default() };
    shop.complete("GM", "meeting", minutes).unwrap();
    shop.complete("SERVICE", "propose", solution(1)).unwrap();
}

#[test]
fn a_meeting_that_is_not_needed_after_all_is_withdrawn() {
    let mut shop = Shop::running();
    shop.reclassify(|event| event.severity = "major".into());
    let said = shop.reclassify(|event| event.severity = "general".into());
    let AnyEvent::WorkWithdrawn(withdrawn) = &said[0] else { panic!("withdrawn, was {said:?}") };
    assert_eq!((withdrawn.step.as_str(), withdrawn.reason.as_str()), ("meeting", "not-applicable"));
    assert_eq!((said.len(), withdrawn.from.as_str()), (1, "GM"));
}

#[test]
fn an_approval_of_what_changed_is_withdrawn_and_asked_anew() {
    let mut shop = Shop::proposed(1);
    shop.core.take_said();
    let said = shop.reclassify(|event| event.severity = "major".into());
    let names: Vec<_> = said.iter().map(name).collect();
    assert_eq!(names, ["withdrawn", "assigned", "ready", "ready", "asked"], "a meeting, and two who approve");
    let work = shop.work();
    assert_eq!(work.approvals[0].state.code(), "withdrawn");
    assert_eq!(work.approval_of("approve").unwrap().chain.len(), 2);
    assert!(shop.reclassify(|event| event.severity = "major".into()).is_empty());
}

#[test]
fn what_intake_repeats_of_a_step_does_not_undo_what_the_step_found() {
    let mut shop = Shop::proposed(1);
    let old =
        Facts::new().with("amount", Value::money("CNY", 9_000_000)).with("inspection", Value::code("failed"));
    let facts = organisation::facts::to_proto(&old);
    shop.core.take_said();
    assert!(shop.reclassify(|event| event.facts = facts.clone()).is_empty());
    assert_eq!(shop.work().facts.minor("amount"), Some(100));
    shop.cycle += 1;
    let again = proto::intake::v1::TicketReopened { ticket: Some(shop.named()), facts, ..Default::default() };
    shop.core.hear(again);
    assert!(shop.work().facts.get("amount").is_none() && shop.work().facts.get("inspection").is_none());
}
