//! The dealer group's playbook says what the rules say.

use std::sync::OnceLock;

use playbook::{
    CasePerson, CaseType, DoneSteps, Facts, FigureKind, Lang, Mark, Performer, Playbook, ProofKind,
    Recipient, Required, Unhappy, Value, render_all,
};

const TEXT: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");

fn playbook() -> &'static Playbook {
    static PLAYBOOK: OnceLock<Playbook> = OnceLock::new();
    PLAYBOOK.get_or_init(|| match Playbook::load(&[("playbook.yaml", TEXT)]) {
        Ok(playbook) => playbook,
        Err(found) => panic!("{}", render_all(&found, Lang::En)),
    })
}

fn complaint() -> &'static CaseType {
    playbook().case_type("complaint").expect("the complaint is declared")
}

fn facts(pairs: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::new();
    for (name, value) in pairs {
        let value = match *value {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            code => Value::code(code),
        };
        facts.set(*name, value);
    }
    facts
}

fn ready(done: &[&str], facts: &Facts) -> Vec<&'static str> {
    let done: DoneSteps = done.iter().map(|s| (*s).to_owned()).collect();
    complaint().ready_steps(&done, facts).into_iter().map(|s| s.id.as_str()).collect()
}

fn approvers(yuan: i64) -> Vec<&'static str> {
    let matrix = playbook().matrix("compensation").expect("declared");
    let chain = matrix.chain("make_good", yuan, &Facts::new()).expect("every amount has a band");
    chain.iter().map(|a| a.role.role.as_str()).collect()
}

fn told(event: &str, subject: Option<&str>, facts: &Facts) -> Vec<String> {
    let tells = playbook().tells_on("complaint", event, subject, facts);
    let mut roles: Vec<String> = tells
        .iter()
        .flat_map(|t| &t.to)
        .filter_map(|r| match r {
            Recipient::Role(role) => Some(role.role.clone()),
            Recipient::Person(_) => None,
        })
        .collect();
    roles.sort();
    roles.dedup();
    roles
}

#[test]
fn nothing_is_questionable_about_it() {
    let found = playbook().check();
    assert!(found.is_empty(), "{}", render_all(&found, Lang::En));
    let lacking = playbook().unsupported();
    assert!(lacking.is_empty(), "{}", render_all(&lacking, Lang::En));
}

#[test]
fn every_rule_of_both_packs_is_named() {
    let json = playbook().to_json().to_string();
    let missing: Vec<String> = (1..=20)
        .map(|n| format!("DG-{n:02}"))
        .chain((1..=18).map(|n| format!("DC-{n:02}")))
        .filter(|rule| !json.contains(&format!("\"{rule}\"")))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn dg_04_five_fields_are_required_and_personal() {
    for name in ["customer_name", "phone", "model", "plate", "content"] {
        let field = complaint().field(name).expect(name);
        assert_eq!((&field.required, field.personal), (&Required::Always, true), "{name}");
    }
}

#[test]
fn a_plain_complaint_is_general_without_reasons() {
    let judged = complaint().classify(&facts(&[("category", "service_quality"), ("source", "shop")]));
    assert_eq!((judged.severity.as_str(), judged.category.as_deref()), ("general", Some("service_quality")));
    assert!(judged.reasons.is_empty());
}

#[test]
fn dg_10_each_trigger_alone_makes_it_major() {
    for trigger in [
        "manufacturer_complaint",
        "door_blocked",
        "disturbance",
        "return_demanded",
        "media_report",
        "wide_impact",
        "vile",
        "repeat",
    ] {
        let judged = complaint().classify(&facts(&[("category", "repair_quality"), (trigger, "true")]));
        assert_eq!(judged.severity, "major", "{trigger}");
        assert_eq!(judged.reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), [trigger]);
        assert_eq!(judged.reasons[0].rule.as_deref(), Some("DG-10"), "{trigger}");
    }
}

#[test]
fn dg_10_every_trigger_is_recorded() {
    let judged =
        complaint().classify(&facts(&[("door_blocked", "true"), ("vile", "true"), ("repeat", "true")]));
    let codes: Vec<&str> = judged.reasons.iter().map(|r| r.code.as_str()).collect();
    assert_eq!(codes, ["repeat", "door_blocked", "vile"]);
}

#[test]
fn dc_03_the_shops_judgement_makes_it_major() {
    assert_eq!(complaint().classify(&facts(&[("judged_nature", "major")])).severity, "major");
    assert_eq!(complaint().classify(&facts(&[("judged_nature", "general")])).severity, "general");
}

#[test]
fn a_08_a_repeat_is_the_same_customer_or_car_within_ninety_days() {
    let repeat = complaint().repeat.as_ref().expect("declared");
    assert_eq!((repeat.within_days, repeat.by.len(), repeat.same_category, repeat.ours), (90, 2, true, true));
}

#[test]
fn dc_04_the_category_decides_the_department() {
    for (category, department, handler, unit) in [
        ("product_quality", "sales", "service-manager", "after-sales"),
        ("repair_quality", "sales", "service-manager", "after-sales"),
        ("new_car_contract", "after_sales", "sales-manager", "sales"),
        ("service_quality", "sales", "sales-manager", "sales"),
        ("service_quality", "after_sales", "service-manager", "after-sales"),
        ("suggestion", "", "service-manager", "after-sales"),
    ] {
        let mut given = facts(&[("category", category)]);
        if !department.is_empty() {
            given.set("department", Value::code(department));
        }
        let route = complaint().route(&given).expect(category);
        assert_eq!(
            (route.handler.role.as_str(), route.unit.as_str()),
            (handler, unit),
            "{category} {department}"
        );
        assert_eq!(route.receiver.role, "cr-manager");
        assert_eq!(route.follower.as_ref().map(|r| r.role.as_str()), Some("cr-specialist"), "DC-18");
        assert_eq!(route.on_silence.as_deref(), Some("hand_off"));
        assert!(route.rules.iter().any(|r| r == "DC-04"));
    }
}

#[test]
fn a_general_complaint_goes_through_its_steps() {
    let general = facts(&[("severity", "general"), ("source", "call_centre")]);
    assert_eq!(ready(&[], &general), ["judge"]);
    assert_eq!(ready(&["judge"], &general), ["propose"]);
    assert_eq!(ready(&["judge", "propose"], &general), ["approve_solution"]);
    assert_eq!(ready(&["judge", "propose", "approve_solution"], &general), ["tell_customer"]);
    let carried = ["judge", "propose", "approve_solution", "tell_customer", "carry_out"];
    assert_eq!(ready(&carried, &general), ["feedback", "improve"]);
    let shop = facts(&[("severity", "general"), ("source", "shop")]);
    assert_eq!(ready(&carried, &shop), ["improve"], "A-06: only what the call centre passed on is fed back");
}

#[test]
fn dc_16_nobody_negotiates_before_the_emergency_meeting() {
    let major = facts(&[("severity", "major"), ("source", "shop"), ("brand", "brand_b")]);
    assert_eq!(ready(&[], &major), ["judge", "crisis_meeting", "prewarn"]);
    assert!(!ready(&["judge", "prewarn"], &major).contains(&"propose"));
    assert!(ready(&["judge", "crisis_meeting", "prewarn"], &major).contains(&"propose"));
    let everything =
        ["judge", "propose", "approve_solution", "negotiate", "tell_customer", "carry_out", "improve"];
    let rest = ["approve_improvement", "check_improvement", "prewarn", "report_up"];
    let done: DoneSteps = everything.iter().chain(&rest).map(|s| (*s).to_owned()).collect();
    assert!(!complaint().work_complete(&done, &major), "DG-14: not without the meeting");
}

#[test]
fn dg_15_only_a_brand_with_a_rule_gets_the_second_pre_warning() {
    let steps = |brand| ready(&[], &facts(&[("severity", "major"), ("brand", brand)]));
    assert!(steps("brand_a").contains(&"manufacturer_prewarn"));
    assert!(!steps("brand_b").contains(&"manufacturer_prewarn"));
}

#[test]
fn a_complaint_found_major_on_day_three_gets_its_meeting_then() {
    let done = ["judge", "propose", "approve_solution", "tell_customer"];
    let now = ready(&done, &facts(&[("severity", "major")]));
    assert!(now.contains(&"crisis_meeting") && now.contains(&"prewarn"), "{now:?}");
}

#[test]
fn a_customer_who_rejects_sends_it_back_to_the_proposal() {
    let again = complaint().loops_back("tell_customer", &facts(&[("reaction", "rejects")]));
    assert_eq!(again.first(), Some(&"propose"));
    assert!(again.contains(&"tell_customer") && !again.contains(&"judge"));
    assert!(complaint().loops_back("tell_customer", &facts(&[("reaction", "accepts")])).is_empty());
    assert_eq!(complaint().refused_back("approve_solution").first(), Some(&"propose"));
}

#[test]
fn what_is_done_follows_the_events() {
    let mut seen = facts(&[("severity", "major")]);
    let done = |facts: &Facts| match facts.get("done") {
        Some(Value::Codes(codes)) => codes.clone(),
        other => panic!("{other:?}"),
    };
    for step in ["judge", "prewarn", "propose"] {
        complaint().observe("work.step_done", Some(step), &mut seen);
    }
    seen.set("outcome", Value::code("approved"));
    complaint().observe("approval.decided", Some("approve_solution"), &mut seen);
    assert_eq!(done(&seen), ["judge", "prewarn", "propose", "approve_solution"]);
    seen.set("reaction", Value::code("rejects"));
    complaint().observe("work.step_done", Some("tell_customer"), &mut seen);
    assert_eq!(done(&seen), ["judge", "prewarn"], "sent back to the proposal");
    complaint().observe("ticket.reopened", None, &mut seen);
    assert!(done(&seen).is_empty());
}

#[test]
fn a_second_reclassification_does_not_start_the_pre_warning_again() {
    let mut seen = facts(&[("severity", "major")]);
    complaint().observe("work.step_done", Some("prewarn"), &mut seen);
    let moves = playbook().clock_moves("complaint", "ticket.reclassified", None, &seen);
    assert!(moves.start.iter().all(|c| c.id != "prewarn_24h"));
    assert!(moves.start.iter().any(|c| c.id == "crisis_meeting_due"), "the meeting is still to be held");
}

#[test]
fn p4_each_mark_has_its_step() {
    assert_eq!(complaint().marks_of("tell_customer"), [Mark::Answered, Mark::Told]);
    assert_eq!(complaint().marks_of("carry_out"), [Mark::Resolved]);
}

#[test]
fn carrying_out_needs_a_photo_or_a_signature() {
    let step = complaint().step("carry_out").expect("declared");
    assert_eq!(step.missing_proofs(&[ProofKind::Document].into()).len(), 1);
    assert!(step.missing_proofs(&[ProofKind::Signature].into()).is_empty());
    assert_eq!(step.by, Performer::Handler);
}

#[test]
fn dg_18_the_matrix_has_a_chain_for_every_amount() {
    assert_eq!(approvers(0), ["gm"]);
    assert_eq!(approvers(500_000), ["gm"], "5,000.00 is still the GM's alone");
    assert_eq!(approvers(500_001), ["gm", "area-manager"]);
    assert_eq!(approvers(5_000_000), ["gm", "area-manager"]);
    assert_eq!(approvers(5_000_001), ["gm", "brand-division", "ceo"]);
    assert_eq!(approvers(i64::MAX), ["gm", "brand-division", "ceo"]);
}

#[test]
fn dg_08_the_feedback_clock_runs_for_the_call_centres_cases_only() {
    let book = playbook();
    let moves = |source: &str| {
        let moves =
            book.clock_moves("complaint", "work.step_done", Some("carry_out"), &facts(&[("source", source)]));
        moves.start.iter().any(|c| c.id == "feedback_24h")
    };
    assert!(moves("call_centre") && !moves("shop"));
    let clock = book.clock("feedback_24h").expect("declared");
    assert_eq!(clock.limit.limit(&Facts::new()).map(ToString::to_string).as_deref(), Some("24h"));
    assert!(clock.stopped_by("work.step_done", Some("feedback"), &Facts::new()));
    assert!(!clock.stopped_by("work.step_done", Some("carry_out"), &Facts::new()));
    let rungs: Vec<String> =
        clock.ladder.iter().map(|r| r.after.as_ref().map_or("0".into(), ToString::to_string)).collect();
    assert_eq!(rungs, ["0", "2h", "4h", "8h"]);
    assert!(!clock.ours, "24 h is the source's own figure");
}

#[test]
fn dg_11_the_pre_warning_clock_starts_when_the_trigger_is_on_record() {
    let book = playbook();
    let starts = |event, severity| {
        let moves = book.clock_moves("complaint", event, None, &facts(&[("severity", severity)]));
        moves.start.iter().any(|c| c.id == "prewarn_24h")
    };
    assert!(starts("ticket.opened", "major") && starts("ticket.reclassified", "major"));
    assert!(!starts("ticket.opened", "general"));
}

#[test]
fn major_complaints_are_told_at_once() {
    let major = facts(&[("severity", "major"), ("category", "new_car_contract")]);
    assert_eq!(told("ticket.opened", None, &major), ["cr-manager", "gm", "sales-manager"], "DG-13");
    let repair = facts(&[("severity", "major"), ("category", "repair_quality")]);
    assert_eq!(told("ticket.opened", None, &repair), ["cr-manager", "gm", "service-manager"]);
    assert!(told("ticket.opened", None, &facts(&[("severity", "general")])).is_empty());
    assert_eq!(told("work.step_done", Some("prewarn"), &major), ["brand-division", "legal"], "DG-11");
    assert_eq!(told("work.step_done", Some("report_up"), &major), ["ceo", "operations-vp"], "DG-12");
}

/// The CR manager is who receives; when he cannot, the message follows the hand-off.
#[test]
fn dg_07_whoever_receives_the_complaint_is_told() {
    let tell = playbook().tells.iter().find(|tell| tell.rules.iter().any(|rule| rule == "DG-07"));
    let tell = tell.expect("DG-07 is carried by a message");
    assert_eq!((tell.on.event.as_str(), &tell.on.when), ("work.dispatched", &None));
    assert_eq!(tell.to, [Recipient::Person(CasePerson::Holder)]);
    assert_eq!(complaint().routing.receiver.role, "cr-manager");
}

#[test]
fn dg_09_the_group_calls_back_after_the_feedback() {
    let book = playbook();
    let after = |step: &str, source: &str| -> Vec<&str> {
        let due =
            book.follow_ups_after("complaint", "work.step_done", Some(step), &facts(&[("source", source)]));
        due.into_iter().map(|f| f.id.as_str()).collect()
    };
    assert_eq!(after("feedback", "call_centre"), ["call_back"]);
    assert_eq!(after("carry_out", "call_centre"), Vec::<&str>::new());
    assert_eq!(after("carry_out", "shop"), ["shop_call"]);
    let call = book.follow_up("call_back").expect("declared");
    assert_eq!((call.attempts.max, call.by.role.as_str()), (3, "call-centre-agent"));
    assert_eq!(call.on_unhappy, Unhappy::Reopen { within_days: 15 });
    let answered = |score, settled| {
        call.is_unhappy(
            &Facts::new().with("satisfaction", Value::Int(score)).with("settled", Value::Bool(settled)),
        )
    };
    assert!(answered(2, true) && answered(5, false) && !answered(3, true));
    assert!(!call.is_unhappy(&Facts::new()), "nobody reached is not unhappy");
}

/// DG-16: who let the manufacturer's pre-warning slip, and nothing else that the same cases missed.
#[test]
fn the_list_of_missing_prewarnings_is_about_the_manufacturers_clock() {
    let figure = playbook().figure("prewarning_missed").expect("declared");
    let FigureKind::List { on, clock, .. } = &figure.kind else { panic!("{:?}", figure.kind) };
    assert_eq!((on.as_str(), clock.as_deref()), ("clock.breached", Some("manufacturer_prewarn_due")));
}

#[test]
fn messages_are_rendered_without_names() {
    let tell = playbook().tells.iter().find(|t| t.id == "new_hand_off").expect("declared");
    let text = tell.render(Lang::Zh, |name| (name == "number").then(|| "TS-7".to_owned()));
    assert!(text.starts_with("新投诉 TS-7（?，?）已转到 ?"), "{text}");
}

#[test]
fn it_reads_as_a_document_in_both_languages() {
    insta::assert_snapshot!("dealer_group_en", playbook().show(Lang::En));
    insta::assert_snapshot!("dealer_group_zh", playbook().show(Lang::Zh));
}
