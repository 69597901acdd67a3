//! What the cast writes into forms: invented codes and figures, sealed words.

use std::collections::BTreeMap;

use dispatch_core::{Proof, Report};
use playbook::{Facts, ProofKind, Value};
use proto::Time;

use super::turns::words;
use crate::dice::Dice;

/// Fen, within each band of the authority matrix.
const BANDS: [(u64, u64, u64); 3] = [(740, 200, 4_800), (850, 5_500, 40_000), (1_000, 55_000, 150_000)];

pub fn usual_minutes(step: &str) -> (u64, u64) {
    match step {
        "judge" | "tell_customer" => (15, 150),
        "crisis_meeting" => (30, 200),
        "propose" | "negotiate" | "report_up" => (30, 260),
        "approve_improvement" => (15, 180),
        "feedback" => (10, 300),
        "prewarn" | "manufacturer_prewarn" => (40, 600),
        "carry_out" | "improve" | "check_improvement" => (60, 480),
        _ => (20, 240),
    }
}

/// A step's form. `before`: how often it was done in this cycle; nobody goes on for ever.
pub fn report(step: &str, before: u32, dice: &mut Dice, now: Time) -> Report {
    let first = before == 0;
    let mut report = Report { proofs: proofs(step), ..Report::default() };
    let mut sealed: Vec<&str> = Vec::new();
    let facts = &mut report.facts;
    match step {
        "judge" => {
            sealed.extend(["findings", "named_handler"]);
            facts.set("judged_nature", Value::code(if dice.chance(60) { "major" } else { "general" }));
            facts.set("judged_category_right", Value::Bool(dice.chance(950)));
            facts.set("grounds_sufficient", Value::Bool(dice.chance(900)));
            facts.set("demand_reasonable", Value::Bool(dice.chance(750)));
        }
        "crisis_meeting" => sealed.push("meeting_outcome"),
        "prewarn" => {
            facts.set("prewarned_to", Value::code("brand_division"));
        }
        "report_up" => sealed.push("support_given"),
        "propose" => {
            sealed.extend(["cause", "solution"]);
            let departments =
                ["service_department", "sales_department", "parts_department", "maker", "nobody"];
            facts.set("responsible_department", Value::code(*dice.pick(&departments)));
            facts.set("amount", amount(dice));
        }
        "negotiate" => {
            let agreed = !(first && dice.chance(120));
            facts.set("negotiated", Value::code(if agreed { "agreed" } else { "not_agreed" }));
        }
        "tell_customer" => {
            let accepts = !(first && dice.chance(80));
            facts.set("reaction", Value::code(if accepts { "accepts" } else { "rejects" }));
        }
        "feedback" => sealed.push("result"),
        "improve" => {
            sealed.extend(["summary", "action", "action_owner"]);
            let due = now.plus(10 * 24 * Time::HOUR).to_timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
            facts.set("action_due", Value::Date(due));
        }
        "approve_improvement" => {
            sealed.push("supervisor");
            facts.set("improvement_approved", Value::Bool(!(first && dice.chance(50))));
        }
        "check_improvement" => {
            facts.set("improvement_carried_out", Value::Bool(!(first && dice.chance(50))));
        }
        _ => {}
    }
    report.sealed = sealed.into_iter().filter_map(|name| Some((name.to_owned(), words()?))).collect();
    report
}

/// Answers to a call-back's questions; of a second cycle fewer are unhappy.
pub fn answers(rule: &str, cycle: u32, dice: &mut Dice) -> BTreeMap<String, String> {
    let unhappy = dice.chance(if cycle == 1 { 100 } else { 10 });
    let score = if unhappy { dice.between(1, 3) } else { dice.between(3, 6) };
    let mut answers = BTreeMap::from([
        ("satisfaction".to_owned(), score.to_string()),
        ("settled".to_owned(), if unhappy { "no" } else { "yes" }.to_owned()),
    ]);
    if rule == "call_back" {
        answers.insert("handling".to_owned(), dice.between(if unhappy { 1 } else { 3 }, 6).to_string());
    }
    answers
}

fn amount(dice: &mut Dice) -> Value {
    let band = dice.below(1_000);
    let (_, low, high) = BANDS.into_iter().find(|(up_to, ..)| band < *up_to).unwrap_or(BANDS[0]);
    Value::money("CNY", dice.between(low, high) as i64 * 100)
}

/// Where the evidence would be kept.
fn proofs(step: &str) -> Vec<Proof> {
    let kind = match step {
        "crisis_meeting" | "manufacturer_prewarn" => ProofKind::Document,
        "carry_out" => ProofKind::Signature,
        _ => return Vec::new(),
    };
    vec![Proof { kind, reference: format!("simulated/{step}"), digest: vec![7; 32] }]
}

/// The facts of a complaint's form.
pub fn complaint(dice: &mut Dice) -> Facts {
    let mut facts = Facts::new();
    let categories = [
        "product_quality",
        "new_car_contract",
        "repair_quality",
        "repair_quality",
        "service_quality",
        "suggestion",
    ];
    let category = *dice.pick(&categories);
    facts.set("category", Value::code(category));
    if matches!(category, "service_quality" | "suggestion") {
        facts.set("department", Value::code(*dice.pick(&["sales", "after_sales"])));
    }
    for flag in ["manufacturer_complaint", "door_blocked", "return_demanded", "media_report", "vile"] {
        if dice.chance(40) {
            facts.set(flag, Value::Bool(true));
        }
    }
    if dice.chance(300) {
        facts.set("brand", Value::code(*dice.pick(&["brand_a", "brand_b"])));
    }
    if dice.chance(400) {
        facts.set("claimed_amount", amount(dice));
    }
    facts
}
