//! Hand-offs: given, taken, given back, taken away by silence, never lost.

mod shop;

use chassis_core::{Actor, Grant, RefusalKind};
use dispatch_core::{Command, Reply, State};
use proto::{AnyEvent, Time};
use shop::{Shop, actor, gate, name, person, sealed};

fn dispatched(said: &[AnyEvent]) -> (u32, String, String) {
    let last = said.iter().rev().find_map(|event| match event {
        AnyEvent::WorkDispatched(event) => Some((event.hand_off, event.role.clone(), event.assignee.clone())),
        _ => None,
    });
    last.expect("work was dispatched")
}

fn to(number: u32, role: &str, person: &str) -> (u32, String, String) {
    (number, role.to_owned(), person.to_owned())
}

#[test]
fn an_opened_ticket_goes_to_the_receiver_of_its_branch() {
    let mut shop = Shop::new();
    let said = shop.open(&[]);
    assert_eq!(dispatched(&said), to(1, "cr-manager", "CRM"));
    let work = shop.work();
    assert_eq!((work.state, work.unit.as_str()), (State::Dispatched, "after-sales"));
    assert!(work.open.is_empty(), "nothing is ready before it is acknowledged");
    assert_eq!(shop.core.next_due(), None);
}

#[test]
fn an_opening_heard_twice_changes_nothing() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let before = shop.work();
    assert!(shop.open(&[]).is_empty());
    assert_eq!(shop.work(), before);
}

#[test]
fn acknowledging_makes_the_first_steps_ready() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let reply = shop.acknowledge("CRM").unwrap();
    assert_eq!(reply, Reply::Ready { steps: vec!["judge".into(), "note".into()] });
    assert_eq!(shop.names(), ["acknowledged", "assigned", "ready", "assigned", "ready"]);
    assert_eq!(shop.assignee("judge").as_deref(), Some("CRM"));
    assert_eq!(shop.assignee("note").as_deref(), Some("AGENT"));
}

#[test]
fn acknowledging_twice_is_refused() {
    let mut shop = Shop::running();
    let before = shop.work();
    assert_eq!(gate(shop.acknowledge("CRM")), "acknowledged");
    assert_eq!(gate(shop.refuse("CRM", "wrong_branch")), "acknowledged");
    assert_eq!(shop.work(), before);
    assert!(shop.core.take_said().is_empty());
}

#[test]
fn a_refusal_with_its_reason_goes_to_the_general_manager() {
    let mut shop = Shop::new();
    shop.open(&[]);
    shop.refuse("CRM", "wrong_branch").unwrap();
    let said = shop.core.take_said();
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["refused", "dispatched"]);
    let AnyEvent::WorkRefused(refused) = &said[0] else { panic!("refused first") };
    assert_eq!((refused.reason.as_str(), refused.by.as_str(), refused.hand_off), ("wrong_branch", "CRM", 1));
    assert_eq!(dispatched(&said), to(2, "gm", "GM"));
    assert_eq!(shop.work().given_back[0].text, Some(sealed()));
    assert_eq!(gate(shop.acknowledge("CRM")), "role");
    shop.acknowledge("GM").unwrap();
}

#[test]
fn a_refusal_needs_a_reason_code() {
    let mut shop = Shop::new();
    shop.open(&[]);
    for reason in ["", "Because I do not want to", "Wrong"] {
        let refusal = shop.refuse("CRM", reason).unwrap_err();
        assert_eq!((refusal.kind, refusal.violations[0].field.as_str()), (RefusalKind::Invalid, "reason"));
    }
    assert_eq!(shop.work().hand_off.number, 1);
}

#[test]
fn the_last_one_up_cannot_hand_it_back() {
    let mut shop = Shop::new();
    shop.open(&[]);
    shop.refuse("CRM", "wrong_branch").unwrap();
    assert_eq!(gate(shop.refuse("GM", "no_time")), "last-resort");
    assert_eq!(shop.work().hand_off.number, 2);
}

#[test]
fn who_holds_another_role_or_another_branch_is_turned_away() {
    let mut shop = Shop::new();
    shop.open(&[]);
    assert_eq!(gate(shop.acknowledge("SERVICE")), "role");
    assert_eq!(gate(shop.acknowledge("CRM2")), "other-branch");
    assert_eq!(gate(shop.refuse("CRM2", "no_time")), "other-branch");
    let refusal = shop.acknowledge("GM2").unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Denied);
}

#[test]
fn an_unknown_ticket_is_not_found() {
    let mut shop = Shop::new();
    assert_eq!(shop.acknowledge("CRM").unwrap_err().kind, RefusalKind::NotFound);
}

#[test]
fn silence_takes_the_work_to_the_role_of_the_rung() {
    let mut shop = Shop::new();
    shop.open(&[]);
    assert!(shop.escalate("hand_off", "1", 1, "").is_empty(), "a rung that only tells changes nothing");
    let said = shop.escalate("hand_off", "1", 2, "reroute");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["withdrawn", "dispatched"]);
    assert_eq!(dispatched(&said), to(2, "gm", "GM"));
    shop.acknowledge("GM").unwrap();
}

#[test]
fn a_rung_that_comes_after_the_answer_is_void() {
    let mut shop = Shop::running();
    assert!(shop.escalate("hand_off", "1", 2, "reroute").is_empty());
    let mut shop = Shop::new();
    shop.open(&[]);
    shop.refuse("CRM", "wrong_branch").unwrap();
    shop.core.take_said();
    assert!(
        shop.escalate("hand_off", "1", 2, "reroute").is_empty(),
        "hand-off 1 was answered by the refusal"
    );
    assert_eq!(shop.work().hand_off.number, 2);
}

#[test]
fn silence_of_the_last_one_does_not_take_the_work_to_nobody() {
    let mut shop = Shop::new();
    shop.open(&[]);
    shop.escalate("hand_off", "1", 2, "reroute");
    assert!(shop.escalate("hand_off", "2", 2, "reroute").is_empty());
    assert_eq!(shop.work().hand_off.assignee.as_deref(), Some("GM"));
}

#[test]
fn a_rung_of_a_ticket_that_nobody_knows_is_harmless() {
    let mut shop = Shop::new();
    assert!(shop.escalate("hand_off", "1", 2, "reroute").is_empty());
}

#[test]
fn a_vacant_receiver_is_found_further_up() {
    let mut shop = Shop::without(&["CRM"]);
    let said = shop.open(&[]);
    assert_eq!(dispatched(&said), to(1, "gm", "GM"));
    shop.acknowledge("GM").unwrap();
    assert_eq!(shop.assignee("judge").as_deref(), Some("GM"), "the receiver is who acknowledged");
}

#[test]
fn work_that_nobody_can_take_has_its_clock_and_is_offered_again() {
    let mut shop = Shop::without(&["CRM", "GM"]);
    let said = shop.open(&[]);
    assert_eq!(dispatched(&said), to(1, "cr-manager", ""), "silence counts from here (P9)");
    assert_eq!(shop.work().state.code(), "unplaced");
    let first = shop.core.next_due().expect("a search is due");
    assert_eq!(first, shop::START.plus(Time::HOUR));
    shop.core.advance(first);
    assert!(shop.core.take_said().is_empty());
    let second = shop.core.next_due().expect("it goes on");
    assert_eq!(second, first.plus(Time::HOUR));
    shop.change(person("CRM"));
    shop.core.advance(second);
    let said = shop.core.take_said();
    let AnyEvent::WorkAssigned(assigned) = &said[0] else { panic!("assigned, was {said:?}") };
    assert_eq!((assigned.assignee.as_str(), assigned.step.as_str()), ("CRM", ""));
    assert_eq!(shop.work().hand_off.number, 1, "the clock of silence is not set back");
    assert_eq!(shop.core.next_due(), None);
    shop.acknowledge("CRM").unwrap();
}

#[test]
fn whoever_holds_the_role_by_then_may_take_unplaced_work() {
    let mut shop = Shop::without(&["CRM", "GM"]);
    shop.open(&[]);
    shop.change(person("CRM"));
    shop.acknowledge("CRM").unwrap();
    assert_eq!(shop.core.next_due(), None, "nobody is looked for any more");
}

#[test]
fn the_deputy_receives_while_the_holder_is_away() {
    let mut shop = Shop::new();
    shop.send_away("CRM");
    let said = shop.open(&[]);
    assert_eq!(dispatched(&said), to(1, "cr-manager", "CRS"));
    shop.acknowledge("CRS").unwrap();
}

#[test]
fn a_deputy_of_somebody_present_may_not() {
    let mut shop = Shop::new();
    shop.open(&[]);
    assert_eq!(gate(shop.acknowledge("CRS")), "role");
}

#[test]
fn a_disabled_person_may_nothing() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let mut gone = person("CRM");
    gone.disabled = true;
    shop.change(gone);
    assert_eq!(gate(shop.acknowledge("CRM")), "disabled");
}

#[test]
fn a_person_whom_the_directory_does_not_know_yet_acts_by_his_token() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let grant = |node: &str| Grant { role: "cr-manager".into(), node: node.into() };
    let command = Command::Acknowledge { ticket: shop.ticket, cycle: 1 };
    let elsewhere = Actor::Person { code: "NEW".into(), grants: vec![grant("B2")] };
    assert_eq!(gate(shop.command(&elsewhere, &command)), "other-branch");
    let here = Actor::Person { code: "NEW".into(), grants: vec![grant("B1")] };
    shop.command(&here, &command).unwrap();
}

#[test]
fn a_command_for_another_cycle_is_refused() {
    let mut shop = Shop::running();
    shop.reopen();
    let old = Command::Acknowledge { ticket: shop.ticket, cycle: 1 };
    let refusal = shop.command(&actor("CRM"), &old).unwrap_err();
    assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Aborted, "stale-cycle"));
    let early = Command::Acknowledge { ticket: shop.ticket, cycle: 3 };
    let refusal = shop.command(&actor("CRM"), &early).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unavailable);
    assert!(refusal.retry_after_ms.is_some());
}

#[test]
fn a_reopening_heard_twice_begins_one_cycle() {
    let mut shop = Shop::proposed(100);
    shop.reopen();
    let once = shop.work();
    shop.cycle -= 1;
    assert_eq!(shop.reopen().len(), 0, "it is known");
    assert_eq!(format!("{:?}", shop.work()), format!("{once:?}"));
}

#[test]
fn a_new_cycle_starts_over_and_keeps_what_was() {
    let mut shop = Shop::proposed(100);
    let order = shop.work().order;
    let said = shop.reopen();
    assert_eq!(dispatched(&said), to(1, "cr-manager", "CRM"));
    let work = shop.work();
    assert_ne!(work.order, order);
    assert!(work.done.is_empty() && work.open.is_empty() && work.open_approvals().next().is_none());
    assert_eq!(work.earlier.len(), 2);
    assert!(
        work.facts.get("amount").is_none(),
        "what steps of an older cycle found out does not decide this one"
    );
    assert!(work.facts.flag("reopened"));
    shop.acknowledge("CRM").unwrap();
    assert_eq!(shop.assignee("judge").as_deref(), Some("CRM"));
}

#[test]
fn events_of_an_older_cycle_have_no_effect() {
    let mut shop = Shop::running();
    shop.reopen();
    let before = shop.work();
    shop.cycle = 1;
    assert!(shop.bar("CRM").is_empty());
    assert!(shop.escalate("hand_off", "1", 2, "reroute").is_empty());
    shop.core.hear(proto::intake::v1::TicketClosed { ticket: Some(shop.named()), ..Default::default() });
    shop.cycle = 1;
    let again = proto::intake::v1::TicketReopened { ticket: Some(shop.named()), ..Default::default() };
    shop.core.hear(again);
    assert_eq!(shop.work(), before);
}

#[test]
fn a_closed_ticket_takes_its_open_work_away() {
    let mut shop = Shop::proposed(100);
    shop.core.take_said();
    shop.core.hear(proto::intake::v1::TicketClosed { ticket: Some(shop.named()), ..Default::default() });
    assert_eq!(shop.names(), ["withdrawn"]);
    assert_eq!(shop.work().state.code(), "withdrawn");
    assert!(shop.work().holders().is_empty());
    assert_eq!(gate(shop.complete("AGENT", "note", Default::default())), "withdrawn");
    shop.reopen();
    shop.acknowledge("CRM").unwrap();
}

#[test]
fn several_holders_share_by_the_ticket() {
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..20 {
        let mut shop = Shop::new();
        let mut second = person("SECOND");
        second.roles = vec![proto::directory::v1::Role { role: "cr-manager".into(), node: "B1".into() }];
        shop.change(second);
        shop.ticket = shop::ticket_id(number);
        let said = shop.open(&[]);
        seen.insert(dispatched(&said).2);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["CRM", "SECOND"]);
}
