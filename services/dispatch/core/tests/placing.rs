//! Whom a step is given to: its role, those who stand beside and behind it, and who may never have it.

mod shop;

use chassis_core::{Actor, Grant};
use dispatch_core::{Command, Report};
use playbook::ProofKind;
use shop::{Shop, actor, gate, judgement, name, proof, solution};

#[test]
fn work_moves_only_if_the_new_route_excludes_its_holder() {
    let mut shop = Shop::running();
    shop.judge();
    shop.core.take_said();
    assert!(shop.reclassify(|event| event.category = "repair".into()).is_empty());
    let said = shop.reclassify(|event| event.category = "sale".into());
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["assigned"]);
    assert_eq!(shop.assignee("propose").as_deref(), Some("SALES"));
    assert_eq!(shop.work().unit, "sales");
    assert_eq!(gate(shop.complete("SERVICE", "propose", solution(1))), "role");
    shop.complete("SALES", "propose", solution(1)).unwrap();
}

#[test]
fn helpers_of_the_route_stand_beside_the_handler() {
    let mut shop = Shop::running();
    shop.judge();
    assert_eq!(shop.work().open["propose"].helpers, ["TECH"]);
    assert!(shop.work().holders().contains("TECH"));
}

#[test]
fn a_step_is_given_to_somebody_of_the_branch() {
    let mut shop = Shop::running();
    shop.judge();
    shop.core.take_said();
    shop.assign("SERVICE", "propose", "TECH").unwrap();
    assert_eq!(shop.names(), ["assigned"], "the step goes on: only its holder changed");
    assert_eq!(shop.assignee("propose").as_deref(), Some("TECH"));
    shop.complete("TECH", "propose", solution(1)).unwrap();
}

#[test]
fn a_step_is_not_given_to_who_cannot_take_it() {
    let mut shop = Shop::running();
    shop.judge();
    shop.bar("SALES");
    shop.send_away("TECH");
    for (to, expected) in [
        ("NOBODY", "invalid"),
        ("SALES", "barred"),
        ("TECH", "absent"),
        ("CRM2", "other-branch"),
        ("SERVICE", "already-assigned"),
    ] {
        assert_eq!(gate(shop.assign("SERVICE", "propose", to)), expected, "{to}");
    }
    assert_eq!(gate(shop.assign("AGENT", "propose", "CRS")), "role");
    assert_eq!(gate(shop.assign("SERVICE", "approve", "CRS")), "needs-step");
}

#[test]
fn a_step_whose_holder_is_silent_goes_to_the_role_of_the_rung() {
    let mut shop = Shop::running();
    shop.judge();
    shop.core.take_said();
    let said = shop.escalate("waiting", "propose", 1, "reroute");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["assigned"]);
    assert_eq!(shop.assignee("propose").as_deref(), Some("GM"));
    assert!(shop.escalate("waiting", "judge", 1, "reroute").is_empty(), "done steps stay done");
}

#[test]
fn a_vacant_performer_is_replaced_by_who_decides_after_a_refusal() {
    let mut shop = Shop::without(&["SERVICE"]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.judge();
    assert_eq!(shop.assignee("propose").as_deref(), Some("GM"));
    assert_eq!(shop.work().open["propose"].wanted.role, "service-manager");
}

#[test]
fn where_the_one_who_decides_is_out_too_the_ladder_says_who_is_next() {
    let mut shop = Shop::running();
    shop.bar("GM");
    shop.reclassify(|event| event.severity = "major".into());
    assert_eq!(shop.assignee("meeting").as_deref(), Some("AREA"));
    let minutes = Report { proofs: vec![proof(ProofKind::Document)], ..Report::default() };
    shop.complete("AREA", "meeting", minutes).unwrap();
}

#[test]
fn a_step_that_nobody_can_do_is_offered_again() {
    let mut shop = Shop::without(&["SERVICE", "GM", "AREA"]);
    shop.open(&[]);
    shop.acknowledge("CRM").unwrap();
    shop.judge();
    assert_eq!(shop.assignee("propose"), None);
    let due = shop.core.next_due().expect("a search is due");
    shop.change(shop::person("SERVICE"));
    shop.core.take_said();
    shop.core.advance(due);
    assert_eq!(shop.names(), ["assigned"]);
    assert_eq!(shop.assignee("propose").as_deref(), Some("SERVICE"));
    assert_eq!(shop.core.next_due(), None);
}

#[test]
fn a_system_does_what_an_agent_may_and_no_more() {
    let mut shop = Shop::running();
    let system = |node: &str| Actor::System {
        code: "import".into(),
        grants: vec![Grant { role: "system".into(), node: node.into() }],
    };
    let complete = |step: &str, report| Command::CompleteStep {
        ticket: shop::ticket_id(3),
        cycle: 1,
        step: step.into(),
        report,
    };
    assert_eq!(gate(shop.command(&system("G"), &complete("judge", judgement()))), "role");
    assert_eq!(gate(shop.command(&system("B2"), &complete("note", Report::default()))), "other-branch");
    shop.command(&system("G"), &complete("note", Report::default())).unwrap();
    assert_eq!(shop.work().done_step("note").unwrap().by, "system:import");
}

#[test]
fn a_service_commands_nothing() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let service = Actor::Service { name: "intake".into() };
    let command = Command::Acknowledge { ticket: shop.ticket, cycle: 1 };
    assert_eq!(gate(shop.command(&service, &command)), "other-branch");
    shop.command(&actor("CRM"), &command).unwrap();
}
