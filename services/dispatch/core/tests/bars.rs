//! DG-03: whoever is complained about takes no part, in any role, before or after it is known.

mod shop;

use std::collections::BTreeSet;

use chassis_core::RefusalKind;
use dispatch_core::{Report, allowed_actions};
use playbook::ProofKind;
use proto::AnyEvent;
use shop::{STAFF, Shop, actor, gate, inspection, judgement, name, photo, proof, sealed, solution};

/// Everybody named in what dispatch said.
fn named(said: &[AnyEvent]) -> BTreeSet<String> {
    said.iter()
        .flat_map(|event| match event {
            AnyEvent::WorkDispatched(e) => vec![e.assignee.clone()],
            AnyEvent::WorkAssigned(e) => vec![e.assignee.clone()],
            AnyEvent::WorkStepReady(e) => vec![e.assignee.clone()],
            AnyEvent::WorkStepDone(e) => vec![e.by.clone()],
            AnyEvent::WorkAcknowledged(e) => vec![e.by.clone()],
            AnyEvent::ApprovalAsked(e) => vec![e.approver.clone(), e.requester.clone()],
            AnyEvent::ApprovalDecided(e) => vec![e.by.clone()],
            _ => vec![],
        })
        .filter(|person| !person.is_empty())
        .collect()
}

/// Tries everything with everybody until nothing moves any more.
fn let_everybody_try(shop: &mut Shop) -> bool {
    let steps = ["judge", "meeting", "propose", "repair", "inspect", "tell", "note"];
    for _ in 0..steps.len() * 2 {
        for (who, ..) in STAFF {
            let _ = shop.acknowledge(who);
            for step in steps {
                let mut report = match step {
                    "judge" => judgement(),
                    "propose" => solution(60_000),
                    "inspect" => inspection("passed"),
                    "repair" => photo(),
                    _ => Report::default(),
                };
                if step == "meeting" {
                    report.proofs.push(proof(ProofKind::Photo));
                }
                let _ = shop.complete(who, step, report);
            }
            if shop.work().open_approvals().next().is_some() {
                let _ = shop.decide(who, true);
            }
        }
    }
    shop.work().state.code() == "sealed"
}

#[test]
fn whoever_is_barred_the_case_is_finished_without_him() {
    for (barred, ..) in STAFF {
        let mut shop = Shop::new();
        let event = proto::intake::v1::TicketOpened { severity: "major".into(), ..shop.opening(&[barred]) };
        shop.core.hear(event);
        let finished = let_everybody_try(&mut shop);
        let said = shop.core.take_said();
        assert!(!named(&said).contains(*barred), "{barred} took part: {said:?}");
        let work = shop.work();
        assert!(!work.holders().contains(barred));
        if *barred == "CEO" {
            // Nobody is left above for 60,000 yuan: it waits for a successor, who is looked for again and again.
            assert!(!finished && shop.core.next_due().is_some());
        } else {
            assert!(finished, "{barred}: {work:?}");
        }
    }
}

#[test]
fn a_barred_person_is_refused_everything_by_its_rule() {
    let mut shop = Shop::new();
    shop.open(&["CRM"]);
    for refusal in [
        shop.acknowledge("CRM").unwrap_err(),
        shop.refuse("CRM", "no_time").unwrap_err(),
        shop.assign("CRM", "judge", "CRS").unwrap_err(),
        shop.complete("CRM", "judge", judgement()).unwrap_err(),
        shop.decide_stage("CRM", shop::ticket_id(9), 1, true).unwrap_err(),
    ] {
        assert_eq!(
            (refusal.kind, refusal.gate.as_str(), refusal.rule.as_deref()),
            (RefusalKind::Denied, "barred", Some("DG-03"))
        );
    }
}

#[test]
fn the_deputy_of_a_barred_person_is_not_neutral() {
    let mut shop = Shop::new();
    shop.send_away("CRM");
    shop.open(&["CRM"]);
    assert_eq!(shop.work().hand_off.assignee.as_deref(), Some("GM"), "not his deputy: further up");
    assert_eq!(gate(shop.acknowledge("CRS")), "role");
}

#[test]
fn a_receiver_barred_before_he_answers_loses_the_hand_off() {
    let mut shop = Shop::new();
    shop.open(&[]);
    let said = shop.bar("CRM");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["withdrawn", "dispatched"]);
    let AnyEvent::WorkWithdrawn(withdrawn) = &said[0] else { panic!("withdrawn first") };
    assert_eq!((withdrawn.from.as_str(), withdrawn.reason.as_str()), ("CRM", "barred"));
    assert_eq!(shop.work().hand_off.number, 2);
    shop.acknowledge("GM").unwrap();
}

#[test]
fn a_later_bar_takes_open_work_away_and_gives_it_to_another() {
    let mut shop = Shop::running();
    let said = shop.bar("CRM");
    assert_eq!(said.iter().map(name).collect::<Vec<_>>(), ["withdrawn", "assigned"]);
    assert_eq!(shop.assignee("judge").as_deref(), Some("GM"));
    assert_eq!(gate(shop.complete("CRM", "judge", judgement())), "barred");
    shop.complete("GM", "judge", judgement()).unwrap();
}

#[test]
fn a_bar_on_somebody_without_work_changes_nothing_else() {
    let mut shop = Shop::running();
    assert!(shop.bar("SALES").is_empty());
    assert!(shop.work().barred.contains("SALES"));
}

#[test]
fn a_barred_helper_helps_no_more() {
    let mut shop = Shop::running();
    shop.judge();
    shop.bar("TECH");
    assert!(shop.work().open["propose"].helpers.is_empty());
}

#[test]
fn a_bar_found_in_a_step_is_said_and_nothing_is_given_to_him_in_between() {
    let mut shop = Shop::running();
    shop.judge();
    shop.core.take_said();
    let report = Report { bars: vec!["GM".into()], ..solution(1) };
    shop.complete("SERVICE", "propose", report).unwrap();
    let said = shop.core.take_said();
    let AnyEvent::WorkStepDone(done) = &said[0] else { panic!("{said:?}") };
    assert_eq!(done.barred, ["GM"]);
    let rest = named(&said[1..]);
    assert!(!rest.contains("GM") && rest.contains("AREA"), "{said:?}");
}

#[test]
fn a_person_found_responsible_in_a_step_is_barred_from_there_on() {
    let mut shop = Shop::running();
    shop.judge();
    let report = Report { bars: vec!["GM".into()], ..solution(1) };
    shop.complete("SERVICE", "propose", report).unwrap();
    assert_eq!(shop.approver().as_deref(), Some("AREA"));
    let unknown = Report { bars: vec!["NOBODY".into()], ..solution(1) };
    let mut other = Shop::running();
    other.judge();
    assert_eq!(other.complete("SERVICE", "propose", unknown).unwrap_err().kind, RefusalKind::Invalid);
}

#[test]
fn a_bar_survives_a_reopening_that_does_not_repeat_it() {
    let mut shop = Shop::running();
    shop.bar("CRM");
    shop.reopen();
    assert_eq!(shop.work().hand_off.assignee.as_deref(), Some("GM"));
}

#[test]
fn buttons_promise_exactly_what_commands_keep() {
    for stage in 0..4 {
        for (who, ..) in STAFF {
            let make = || {
                let mut shop = Shop::new();
                shop.open(&["SALES"]);
                if stage > 0 {
                    shop.acknowledge("CRM").unwrap();
                }
                if stage > 1 {
                    shop.propose(20_000);
                }
                if stage > 2 {
                    shop.decide("GM", true).unwrap();
                    shop.decide("AREA", true).unwrap();
                    shop.finish();
                }
                shop
            };
            let shop = make();
            let work = shop.work();
            let actions = allowed_actions(&work, &shop.core.directory, &actor(who), shop.core.now()).unwrap();
            assert!(actions.len() >= 2);
            for action in actions {
                let mut shop = make();
                let outcome = match action.action.as_str() {
                    "acknowledge" => shop.acknowledge(who),
                    "refuse" => shop.refuse(who, "no_time"),
                    "assign" => shop.assign(who, &action.target, "GM2"),
                    "complete_step" => {
                        let mut report = solution(1);
                        report.sealed.insert("findings".into(), sealed());
                        shop.complete(who, &action.target, report)
                    }
                    "decide_approval" => {
                        let id = action.target.parse().unwrap();
                        shop.decide_stage(who, id, shop.work().approval(id).unwrap().turn(), true)
                    }
                    other => panic!("unknown action {other}"),
                };
                let refused = outcome.err().map(|refusal| refusal.gate).unwrap_or_default();
                let later = ["invalid", "needs-field", "needs-proof", "other-branch"];
                if action.allowed {
                    assert!(
                        refused.is_empty() || later.contains(&refused.as_str()),
                        "{who} {action:?}: {refused}"
                    );
                } else {
                    assert_eq!(action.gate, refused, "{who} {action:?}");
                    assert!(!action.reason_zh.is_empty() && !action.reason_en.is_empty());
                }
            }
        }
    }
}
