//! A step that opens another case beside its own.

mod shop;

use proto::{AnyEvent, Id, dispatch::v1::WorkLinkAsked, intake::v1 as intake};
use shop::{PLAYBOOK, Shop, gate};

/// The repair goes on in a case of its own; `more` is asked of the step besides.
fn book(opens: &str, more: &str) -> String {
    let text = "        marks: [resolved]\n        proofs:\n          - { any: [photo, signature], name: { zh: 照片或签字, en: photo or signature } }\n";
    assert!(PLAYBOOK.contains(text));
    PLAYBOOK.replacen(text, &format!("        marks: [resolved]\n        opens: {opens}\n{more}"), 1)
}

/// Up to the step that opens it.
fn at_the_step(opens: &str, more: &str) -> (Shop, WorkLinkAsked) {
    let mut shop = Shop::with(&book(opens, more), &[]);
    shop.open(&[]);
    shop.acknowledge("CRM").expect("the receiver may");
    shop.propose(1_000);
    shop.core.take_said();
    shop.decide("GM", true).expect("he may");
    let said = shop.core.take_said();
    let asked = said.into_iter().find_map(|event| match event {
        AnyEvent::WorkLinkAsked(asked) => Some(asked),
        _ => None,
    });
    (shop, asked.expect("a case is asked for"))
}

fn other() -> Id {
    shop::ticket_id(9)
}

fn opened(shop: &mut Shop) {
    let event = intake::TicketLinked {
        ticket: Some(shop.named()),
        other_id: other().to_string(),
        relation: "opens".into(),
        step: "repair".into(),
    };
    shop.core.hear(event);
}

fn closed(shop: &mut Shop, which: Id) {
    let event = intake::TicketLinkClosed {
        ticket: Some(shop.named()),
        other_id: which.to_string(),
        step: "repair".into(),
        outcome: "resolved".into(),
    };
    shop.core.hear(event);
}

#[test]
fn it_is_asked_for_with_what_is_known_and_nobody_reports_the_step() {
    let (mut shop, asked) = at_the_step("{ type: complaint }", "");
    assert_eq!((asked.step.as_str(), asked.case_type.as_str()), ("repair", "complaint"));
    assert!(asked.facts.iter().any(|fact| fact.name == "amount"), "what a step found out goes along");
    assert_eq!(gate(shop.complete("SERVICE", "repair", shop::photo())), "needs-linked-case");
    opened(&mut shop);
    assert_eq!(gate(shop.complete("SERVICE", "repair", shop::photo())), "needs-linked-case");
}

#[test]
fn it_is_done_when_that_case_is_closed_and_not_by_another_nor_twice() {
    let (mut shop, _) = at_the_step("{ type: complaint }", "");
    opened(&mut shop);
    closed(&mut shop, shop::ticket_id(8));
    assert!(shop.work().done_step("repair").is_none(), "another case is none of its business");
    shop.core.take_said();
    closed(&mut shop, other());
    assert_eq!(shop.work().done_step("repair").map(|done| done.by.as_str()), Some("SERVICE"));
    assert_eq!(shop.names(), ["done", "assigned", "ready"]);
    closed(&mut shop, other());
    assert!(shop.core.take_said().is_empty());
}

#[test]
fn without_waiting_it_is_done_as_soon_as_the_case_is_there() {
    let (mut shop, _) = at_the_step("{ type: complaint, wait: false }", "");
    opened(&mut shop);
    assert!(shop.work().done_step("repair").is_some());
}

#[test]
fn what_the_step_has_to_prove_besides_is_reported_afterwards() {
    let proofs = "        proofs:\n          - { any: [photo], name: { zh: 照片, en: photo } }\n";
    let (mut shop, _) = at_the_step("{ type: complaint }", proofs);
    opened(&mut shop);
    closed(&mut shop, other());
    assert!(shop.work().open.contains_key("repair"));
    shop.complete("SERVICE", "repair", shop::photo()).expect("now he may");
}

#[test]
fn a_step_sent_back_asks_again() {
    let (mut shop, _) = at_the_step("{ type: complaint }", "");
    opened(&mut shop);
    closed(&mut shop, other());
    shop.core.take_said();
    shop.complete("CRM", "inspect", shop::inspection("failed")).expect("he may");
    let said = shop.core.take_said();
    assert!(said.iter().any(|event| matches!(event, AnyEvent::WorkLinkAsked(_))), "{said:?}");
}
