//! A case is moved to another version of its rule book while work is open.

mod shop;

use dispatch_core::{Kind, preview};
use playbook::Facts;
use proto::{
    AnyEvent,
    common::v1::{PlaybookRef, TicketRef},
    directory::v1 as directory,
    intake::v1::TicketMoved,
};
use shop::{PLAYBOOK, Shop, gate, name};

/// The second version, with one thing otherwise.
fn second(old: &str, new: &str) -> String {
    let changed = PLAYBOOK.replace(old, new);
    assert_ne!(changed, PLAYBOOK, "{old} stands in the rule book");
    changed.replacen("version: 1", "version: 2", 1)
}

fn activate(shop: &mut Shop, text: String) {
    let files = vec![directory::DocumentFile { path: "playbook.yaml".into(), text }];
    shop.directory(directory::PlaybookActivated { id: "shop".into(), version: 2, files });
}

fn foreseen(shop: &Shop) -> Vec<(Kind, String, Vec<String>)> {
    let changes = preview(&shop.work(), &shop.core.directory, 2, &Facts::new()).expect("it could be moved");
    changes.into_iter().map(|change| (change.kind, change.step, change.after)).collect()
}

fn to_second(shop: &mut Shop) -> Vec<AnyEvent> {
    let playbook = Some(PlaybookRef { id: "shop".into(), version: 2 });
    let event = TicketMoved {
        ticket: Some(TicketRef { playbook, ..shop.named() }),
        from_version: 1,
        reason: "new_rules".into(),
        category: "repair".into(),
        severity: "general".into(),
        ..Default::default()
    };
    shop.core.hear(event);
    shop.core.take_said()
}

#[test]
fn an_approval_with_another_chain_is_asked_anew() {
    let mut shop = Shop::proposed(4_000);
    activate(&mut shop, second("up_to: 5000, chain: [gm]", "up_to: 5000, chain: [gm, area-manager]"));
    let approval = shop.work().approvals[0].id;
    assert_eq!(
        foreseen(&shop),
        [(Kind::ApprovalChanged, "approve".to_owned(), vec!["gm".to_owned(), "area-manager".to_owned()])]
    );
    shop.core.take_said();
    let said = to_second(&mut shop);
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["withdrawn", "ready", "asked"]);
    let AnyEvent::ApprovalAsked(asked) = &said[2] else { panic!("asked, not {said:?}") };
    assert_eq!(
        (asked.stages, asked.ticket.as_ref().and_then(|t| t.playbook.clone()).map(|p| p.version)),
        (2, Some(2))
    );
    assert_eq!(gate(shop.decide_stage("GM", approval, 1, true)), "stale-stage");
    shop.decide("GM", true).expect("the first of two");
    shop.decide("AREA", true).expect("the second");
}

#[test]
fn an_approval_with_the_same_chain_goes_on() {
    let mut shop = Shop::proposed(20_000);
    shop.decide("GM", true).expect("the first stage");
    activate(&mut shop, second("up_to: 5000, chain: [gm]", "up_to: 4000, chain: [gm]"));
    assert!(foreseen(&shop).is_empty());
    shop.core.take_said();
    assert!(to_second(&mut shop).is_empty(), "nothing is asked again");
    shop.decide("AREA", true).expect("the second stage is still his");
    assert_eq!(shop.work().version, 2);
}

#[test]
fn a_step_that_is_now_somebody_elses_goes_to_him_and_a_new_one_opens() {
    let mut shop = Shop::running();
    let text = second(
        "  note:
        name: { zh: 登记, en: note it }
        by: call-centre-agent",
        "  pledge:
        name: { zh: 承诺, en: promise }
        by: gm
        clocks: [waiting]
      note:
        name: { zh: 登记, en: note it }
        by: cr-specialist",
    );
    activate(&mut shop, text);
    let seen = foreseen(&shop);
    assert!(seen.contains(&(Kind::StepAdded, "pledge".to_owned(), vec!["gm".to_owned()])), "{seen:?}");
    assert!(
        seen.contains(&(Kind::StepChanged, "note".to_owned(), vec!["cr-specialist".to_owned()])),
        "{seen:?}"
    );
    assert_eq!(seen.len(), 2, "{seen:?}");
    to_second(&mut shop);
    assert_eq!(
        (shop.assignee("note").as_deref(), shop.assignee("pledge").as_deref()),
        (Some("CRS"), Some("GM"))
    );
    assert_eq!(shop.assignee("judge").as_deref(), Some("CRM"), "what is the same stays with whom it is");
}

#[test]
fn a_step_done_by_report_that_now_wants_an_approval_is_asked_for() {
    let mut shop = Shop::running();
    let text = second(
        "        by: call-centre-agent
        clocks: [waiting]
    closing:",
        "        by: gm
        clocks: [asked]
        approval: { matrix: compensation, kind: make_good, asked_by: receiver, refused_to: note }
    closing:",
    );
    activate(&mut shop, text);
    to_second(&mut shop);
    assert!(shop.work().open["note"].approval.is_some());
}

#[test]
fn a_case_whose_step_is_gone_cannot_be_moved_and_loses_nothing_if_it_is() {
    let mut shop = Shop::running();
    activate(&mut shop, second("      note:\n", "      register:\n"));
    let refused = preview(&shop.work(), &shop.core.directory, 2, &Facts::new()).map(|_| ());
    assert_eq!(gate(refused), "no-step");
    to_second(&mut shop);
    let work = shop.work();
    assert!(work.open.contains_key("register") && !work.open.contains_key("note"), "{:?}", work.open);
    assert!(work.open.contains_key("judge"));
}

#[test]
fn a_case_that_could_never_be_closed_is_not_moved() {
    let mut shop = Shop::running();
    shop.judge();
    // The only step that would have answered is done, and did not say so under the version of then.
    let text = second("        marks: [answered, told]", "        marks: [told]");
    let text = text.replacen(
        "        clocks: [waiting]\n        rules: [DC-03]",
        "        clocks: [waiting]\n        marks: [answered]\n        rules: [DC-03]",
        1,
    );
    activate(&mut shop, text);
    let refused = preview(&shop.work(), &shop.core.directory, 2, &Facts::new()).map(|_| ());
    assert_eq!(gate(refused), "mark-lost");
}

#[test]
fn what_is_over_stays_as_it_ended() {
    let mut shop = Shop::proposed(1_000);
    shop.decide("GM", true).expect("he may");
    shop.finish();
    activate(&mut shop, second("        by: call-centre-agent", "        by: cr-specialist"));
    shop.core.take_said();
    assert!(foreseen(&shop).is_empty() && to_second(&mut shop).is_empty());
}
