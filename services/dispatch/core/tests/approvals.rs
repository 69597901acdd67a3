//! Approvals: stages along the matrix, never by who asked, back on refusal.

mod shop;

use chassis_core::{Refusal, RefusalKind};
use dispatch_core::{ApprovalState, Reply};
use playbook::{Facts, Value};
use proto::{AnyEvent, directory::v1::Role, dispatch::v1::ApprovalAsked};
use shop::{PLAYBOOK, Shop, gate, name, person, solution};

fn asked(said: &[AnyEvent]) -> Vec<&ApprovalAsked> {
    said.iter()
        .filter_map(|event| match event {
            AnyEvent::ApprovalAsked(asked) => Some(asked),
            _ => None,
        })
        .collect()
}

fn decided(result: Result<Reply, Refusal>) -> bool {
    match result {
        Ok(Reply::Decided { last }) => last,
        other => panic!("decided, was {other:?}"),
    }
}

/// A service manager who is also the only general manager.
fn proposed_by_the_gm(yuan: i64) -> Shop {
    let mut shop = Shop::without(&["GM"]);
    let mut both = person("SERVICE");
    both.roles.push(Role { role: "gm".into(), node: "B1".into() });
    shop.change(both);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.core.take_said();
    shop.propose(yuan);
    shop
}

#[test]
fn the_amount_picks_the_chain() {
    for (yuan, stages) in [(0, 1), (5_000, 1), (5_001, 2), (50_000, 2), (50_001, 3)] {
        let mut shop = Shop::proposed(yuan);
        let said = shop.core.take_said();
        let asked = asked(&said);
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].stage, asked[0].stages, asked[0].role.as_str()), (1, stages, "gm"), "{yuan}");
        assert_eq!(asked[0].amount.as_ref().map(|money| money.minor), Some(yuan * 100));
        assert_eq!((asked[0].requester.as_str(), asked[0].approver.as_str()), ("SERVICE", "GM"));
    }
}

#[test]
fn an_approval_step_is_not_completed_by_a_report() {
    let mut shop = Shop::proposed(1);
    assert_eq!(gate(shop.complete("GM", "approve", solution(1))), "needs-approval");
    assert_eq!(gate(shop.assign("GM", "approve", "SALES")), "needs-approval");
}

#[test]
fn two_approvers_decide_one_after_another() {
    let mut shop = Shop::proposed(20_000);
    shop.core.take_said();
    assert_eq!(gate(shop.decide("AREA", true)), "role", "it is not his turn yet");
    assert!(!decided(shop.decide("GM", true)));
    let said = shop.core.take_said();
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["decided", "asked"]);
    assert_eq!((asked(&said)[0].stage, asked(&said)[0].approver.as_str()), (2, "AREA"));
    assert!(shop.work().done_step("approve").is_none());
    assert_eq!(gate(shop.decide("GM", true)), "decided-before");
    assert!(decided(shop.decide("AREA", true)));
    assert_eq!(shop.names(), ["decided", "done", "assigned", "ready"]);
    let work = shop.work();
    assert_eq!(work.done_step("approve").unwrap().by, "AREA");
    assert!(matches!(work.approvals[0].state, ApprovalState::Approved { .. }));
}

#[test]
fn nobody_approves_his_own_request() {
    let mut shop = Shop::running();
    shop.judge();
    shop.assign("SERVICE", "propose", "GM").unwrap();
    shop.complete("GM", "propose", solution(1)).unwrap();
    let refusal = shop.decide("GM", true).unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.gate.as_str(), refusal.rule.as_deref()),
        (RefusalKind::Denied, "own-request", Some("DG-18"))
    );
    assert!(shop.work().approvals[0].is_open());
}

#[test]
fn who_asks_in_place_of_the_gm_does_not_approve_in_his_place() {
    let mut shop = Shop::running();
    shop.judge();
    shop.send_away("GM");
    shop.assign("SERVICE", "propose", "SALES").unwrap();
    shop.complete("SALES", "propose", solution(1)).unwrap();
    assert_eq!(shop.approver().as_deref(), Some("AREA"), "the deputy asked: further up");
    assert_eq!(gate(shop.decide("SALES", true)), "own-request");
    shop.decide("AREA", true).unwrap();
}

#[test]
fn a_request_of_the_only_gm_goes_further_up() {
    let mut shop = proposed_by_the_gm(1);
    assert_eq!(shop.approver().as_deref(), Some("AREA"));
    let said = shop.core.take_said();
    assert_eq!(asked(&said)[0].role, "area-manager");
    assert_eq!(gate(shop.decide("SERVICE", true)), "own-request");
    assert!(decided(shop.decide("AREA", true)));
}

#[test]
fn two_stages_are_two_persons_even_when_the_first_went_up() {
    let mut shop = proposed_by_the_gm(20_000);
    assert_eq!(shop.approver().as_deref(), Some("AREA"));
    assert!(!decided(shop.decide("AREA", true)));
    assert_eq!(shop.approver().as_deref(), Some("CEO"), "the area manager has decided: the next one up");
    assert_eq!(gate(shop.decide("AREA", true)), "decided-before");
    assert!(decided(shop.decide("CEO", true)));
}

#[test]
fn a_place_whose_only_holders_have_approved_is_passed_over() {
    let mut shop = proposed_by_the_gm(60_000);
    assert!(!decided(shop.decide("AREA", true)), "in the place of the general manager");
    assert!(decided(shop.decide("CEO", true)), "his own place, the third, has nobody else");
    assert!(shop.work().done_step("approve").is_some());
}

#[test]
fn one_person_is_never_two_approvers() {
    let mut shop = Shop::without(&["GM", "CEO"]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.propose(20_000);
    assert!(!decided(shop.decide("AREA", true)));
    assert_eq!(shop.approver(), None, "it waits for a second person");
    assert!(shop.core.next_due().is_some());
}

#[test]
fn a_vacant_approver_is_replaced_by_the_next_in_the_matrix() {
    let mut shop = Shop::without(&["GM"]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.propose(1);
    assert_eq!(shop.approver().as_deref(), Some("AREA"));
    shop.decide("AREA", true).unwrap();
}

#[test]
fn an_approval_that_nobody_may_give_is_asked_and_looked_for_again() {
    let mut shop = Shop::without(&["GM", "AREA", "CEO"]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.propose(1);
    let said = shop.core.take_said();
    assert_eq!((asked(&said)[0].role.as_str(), asked(&said)[0].approver.as_str()), ("gm", ""));
    let due = shop.core.next_due().expect("a search is due");
    shop.change(person("CEO"));
    shop.core.advance(due);
    let said = shop.core.take_said();
    assert_eq!((asked(&said)[0].stage, asked(&said)[0].approver.as_str()), (1, "CEO"));
    assert_eq!(shop.core.next_due(), None);
    assert!(decided(shop.decide("CEO", true)));
}

#[test]
fn a_rejection_sends_the_work_back() {
    let mut shop = Shop::proposed(20_000);
    shop.decide("GM", true).unwrap();
    shop.core.take_said();
    assert!(decided(shop.decide("AREA", false)));
    let said = shop.core.take_said();
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["decided", "assigned", "ready"]);
    let AnyEvent::ApprovalDecided(verdict) = &said[0] else { panic!("decided first") };
    assert_eq!((verdict.decision.as_str(), verdict.r#final, verdict.stage), ("rejected", true, 2));
    let work = shop.work();
    assert!(work.done_step("propose").is_none() && !work.open.contains_key("approve"));
    assert_eq!(shop.assignee("propose").as_deref(), Some("SERVICE"));
    shop.complete("SERVICE", "propose", solution(100)).unwrap();
    let work = shop.work();
    assert_eq!(work.approvals.len(), 2);
    assert_ne!(work.approvals[0].id, work.approvals[1].id);
    shop.decide("GM", true).unwrap();
}

#[test]
fn a_stage_that_has_moved_on_is_out_of_date() {
    let mut shop = Shop::proposed(20_000);
    let id = shop.work().approvals[0].id;
    shop.decide("GM", true).unwrap();
    for (stage, who) in [(1, "GM"), (1, "AREA"), (3, "AREA")] {
        let refusal = shop.decide_stage(who, id, stage, true).unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Aborted, "stale-stage"));
    }
    shop.decide_stage("AREA", id, 2, true).unwrap();
    assert_eq!(gate(shop.decide_stage("AREA", id, 2, true)), "stale-stage");
}

#[test]
fn another_amount_is_asked_about_anew_though_the_same_decide_it() {
    let claimed = "      door_blocked: { kind: bool";
    let book = PLAYBOOK.replace("amount: amount, asked_by", "amount: claimed, asked_by").replace(
        claimed,
        &format!("      claimed: {{ kind: money, label: {{ zh: 索赔, en: claimed }} }}\n{claimed}"),
    );
    let mut shop = Shop::with(&book, &[]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.propose(0);
    shop.core.take_said();
    let first = shop.work().approvals[0].id;
    let facts = organisation::facts::to_proto(&Facts::new().with("claimed", Value::money("CNY", 100_000)));
    let said = shop.reclassify(|event| event.facts = facts);
    assert_eq!(asked(&said)[0].amount.as_ref().map(|money| money.minor), Some(100_000));
    assert_eq!(asked(&said)[0].stages, 1, "the chain is the same");
    let id = shop.work().open_approvals().next().unwrap().id;
    assert_ne!(id, first);
    assert_eq!(gate(shop.decide_stage("GM", first, 1, true)), "stale-stage");
    shop.decide_stage("GM", id, 1, true).unwrap();
}

#[test]
fn an_approval_of_an_older_cycle_is_over() {
    let mut shop = Shop::proposed(1);
    let id = shop.work().approvals[0].id;
    shop.reopen();
    assert_eq!(gate(shop.decide_stage("GM", id, 1, true)), "stale-stage");
}

#[test]
fn an_approval_that_does_not_exist_is_not_found() {
    let mut shop = Shop::proposed(1);
    let refusal = shop.decide_stage("GM", shop::ticket_id(9), 1, true).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::NotFound);
}

#[test]
fn a_deputy_decides_for_an_absent_approver_if_the_matrix_says_so() {
    let away = |deputies: &str| {
        let mut shop = Shop::with(&PLAYBOOK.replace("deputies: true", deputies), &[]);
        shop.open(&[]);
        shop.acknowledge("CRM").unwrap();
        shop.send_away("GM");
        shop.propose(1);
        shop
    };
    let mut with = away("deputies: true");
    assert_eq!(with.approver().as_deref(), Some("SALES"));
    with.decide("SALES", true).unwrap();
    let mut without = away("deputies: false");
    assert_eq!(without.approver().as_deref(), Some("AREA"));
    assert_eq!(gate(without.decide("SALES", true)), "role");
}

#[test]
fn an_approver_who_is_barred_meanwhile_is_replaced() {
    let mut shop = Shop::proposed(1);
    shop.core.take_said();
    let said = shop.bar("GM");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["asked"]);
    assert_eq!((asked(&said)[0].stage, asked(&said)[0].approver.as_str()), (1, "AREA"));
    assert_eq!(gate(shop.decide("GM", true)), "barred");
    shop.decide("AREA", true).unwrap();
}

#[test]
fn silence_asks_only_whom_the_matrix_gives_authority() {
    let mut shop = Shop::proposed(1);
    shop.core.take_said();
    assert!(
        shop.escalate("asked", "approve/1", 2, "reroute").is_empty(),
        "a CR manager is not in the matrix"
    );
    assert!(shop.escalate("asked", "approve/2", 1, "reroute").is_empty(), "another stage");
    let said = shop.escalate("asked", "approve/1", 1, "reroute");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["asked"]);
    assert_eq!(shop.approver().as_deref(), Some("AREA"));
    shop.decide("AREA", true).unwrap();
}

#[test]
fn who_proposed_last_is_the_requester() {
    let mut shop = Shop::proposed(1);
    shop.decide("GM", false).unwrap();
    shop.assign("SERVICE", "propose", "GM").unwrap();
    shop.complete("GM", "propose", solution(1)).unwrap();
    assert_eq!(shop.work().approval_of("approve").unwrap().requesters, ["GM"]);
    assert_eq!(gate(shop.decide("GM", true)), "own-request");
}
