//! What the cast writes into forms: invented, without anybody's data.

use std::collections::BTreeMap;

use proto::{Time, dispatch::v1::Proof};

use crate::demo::draw::{Draw, Draws};

const FINDINGS: [&str; 4] = [
    "已查看车辆并向经手人了解情况，客户所述基本属实。",
    "查阅了维修记录，返修两次未彻底解决。",
    "与客户通话核实，接待时解释不清。",
    "检查后确认为零件早期磨损，属质保范围。",
];
const SOLUTIONS: [&str; 4] = [
    "免费更换相关零件并延长质保三个月。",
    "重新维修，主管全程跟进，赠送保养一次。",
    "当面致歉，退还多收费用。",
    "协调厂家技术支持，给予交通补贴。",
];
const ACTIONS: [&str; 3] =
    ["组织一次专项培训并抽查。", "交车前增加一道复检。", "更新接待话术，纳入月度考核。"];
/// Whole yuan, within each band of the usual matrix.
const BANDS: [(f64, i64, i64); 3] = [(0.74, 200, 4_800), (0.85, 5_500, 40_000), (1.1, 55_000, 150_000)];

/// A form that is filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paper {
    pub fields: BTreeMap<String, String>,
    pub proofs: Vec<Proof>,
}

/// Who is named in forms.
pub struct Named<'a> {
    /// Responsible for handling, for correcting.
    pub handler: &'a str,
    pub supervisor: &'a str,
}

/// Fills in a step's form. `before`: how often it was done in this cycle.
pub fn fill(
    draws: Draws,
    identity: &str,
    cycle: u32,
    step: &str,
    before: u32,
    named: &Named<'_>,
    now: Time,
) -> Paper {
    let mut draw = draws.of(&[identity, &cycle.to_string(), "paper", step, &before.to_string()]);
    let first = before == 0;
    let mut paper = Paper::default();
    let mut set = |name: &str, value: &str| {
        paper.fields.insert(name.to_owned(), value.to_owned());
    };
    match step {
        "judge" => {
            set("findings", text(&mut draw, &FINDINGS));
            set("judged_nature", if draw.happens(0.03) { "major" } else { "general" });
            set("judged_category_right", yes_no(draw.happens(0.95)));
            set("grounds_sufficient", yes_no(draw.happens(0.9)));
            set("demand_reasonable", yes_no(draw.happens(0.75)));
            set("named_handler", named.handler);
        }
        "crisis_meeting" => set("meeting_outcome", "成立小组，今日内给出方案草案，由总经理牵头。"),
        "prewarn" => set("prewarned_to", "brand_division"),
        "report_up" => set("support_given", "事业部派技术支持，法务待命。"),
        "propose" => {
            set("cause", text(&mut draw, &FINDINGS));
            let departments =
                ["service_department", "sales_department", "parts_department", "maker", "nobody"];
            set("responsible_department", text(&mut draw, &departments));
            set("solution", text(&mut draw, &SOLUTIONS));
            set("amount", &amount(&mut draw));
        }
        "negotiate" => set("negotiated", if first && draw.happens(0.12) { "not_agreed" } else { "agreed" }),
        "tell_customer" => set("reaction", if first && draw.happens(0.08) { "rejects" } else { "accepts" }),
        "feedback" => set("result", "方案已落实，客户已验车。"),
        "improve" => {
            set("summary", "处理及时性尚可，根因在过程检查不足。");
            set("action", text(&mut draw, &ACTIONS));
            set("action_owner", named.handler);
            set("action_due", &date(now.plus(10 * 24 * Time::HOUR)));
            if draw.happens(0.15) {
                set("loss_amount", &amount(&mut draw));
            }
        }
        "approve_improvement" => {
            set("improvement_approved", yes_no(!(first && draw.happens(0.05))));
            set("supervisor", named.supervisor);
        }
        "check_improvement" => set("improvement_carried_out", yes_no(!(first && draw.happens(0.05)))),
        _ => {}
    }
    paper.proofs = proofs(step, identity);
    paper
}

/// Answers to a call-back's questions; of a second cycle fewer are unhappy.
pub fn answers(draws: Draws, identity: &str, cycle: u32, rule: &str) -> BTreeMap<String, String> {
    let mut draw = draws.of(&[identity, &cycle.to_string(), "answers", rule]);
    let unhappy = draw.happens(if cycle == 1 { 0.08 } else { 0.01 });
    let score = if unhappy { draw.between(1, 3) } else { draw.between(3, 6) };
    let mut answers = BTreeMap::from([
        ("satisfaction".to_owned(), score.to_string()),
        ("settled".to_owned(), yes_no(!unhappy).to_owned()),
    ]);
    if rule == "call_back" {
        answers.insert("handling".to_owned(), draw.between(if unhappy { 1 } else { 3 }, 6).to_string());
    }
    answers
}

fn text<'a>(draw: &mut Draw, of: &[&'a str]) -> &'a str {
    draw.pick(of).copied().unwrap_or_default()
}

fn yes_no(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
}

fn amount(draw: &mut Draw) -> String {
    let band = draw.between(0, 1_000) as f64 / 1_000.0;
    let (_, low, high) = BANDS.into_iter().find(|(up_to, ..)| band < *up_to).unwrap_or(BANDS[0]);
    draw.between(low, high).to_string()
}

fn date(at: Time) -> String {
    at.to_timestamp().strftime("%Y-%m-%d").to_string()
}

/// Where the evidence would be kept.
fn proofs(step: &str, identity: &str) -> Vec<Proof> {
    let kind = match step {
        "crisis_meeting" | "manufacturer_prewarn" => "document",
        "carry_out" => "signature",
        _ => return Vec::new(),
    };
    let reference = format!("demo/{step}/{}", &blake3::hash(identity.as_bytes()).to_hex()[..16]);
    let digest = blake3::hash(reference.as_bytes()).as_bytes().to_vec();
    vec![Proof { kind: kind.to_owned(), reference, digest }]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: Named<'static> = Named { handler: "SVM", supervisor: "CRM" };

    fn of(step: &str, row: u32, before: u32) -> Paper {
        fill(Draws(7), &row.to_string(), 1, step, before, &NAMED, Time(0))
    }

    #[test]
    fn a_form_is_filled_in_alike_every_time() {
        assert_eq!(of("judge", 1, 0), of("judge", 1, 0));
        let judged = of("judge", 1, 0);
        assert_eq!(judged.fields["named_handler"], "SVM");
        assert!(judged.proofs.is_empty());
        assert_eq!(of("carry_out", 1, 0).proofs.len(), 1);
        assert_eq!(of("improve", 1, 0).fields["action_due"], "1970-01-11");
    }

    #[test]
    fn every_band_is_asked_for_and_loops_end() {
        let amounts: Vec<i64> =
            (0..300).map(|row| of("propose", row, 0).fields["amount"].parse().unwrap()).collect();
        for (low, high) in [(0, 5_000), (5_000, 50_000), (50_000, 200_000)] {
            assert!(amounts.iter().any(|amount| (low..high).contains(amount)), "{low}");
        }
        let reactions = |before| {
            (0..300).filter(|row| of("tell_customer", *row, before).fields["reaction"] == "rejects").count()
        };
        assert!(reactions(0) > 5);
        assert_eq!(reactions(1), 0, "nobody goes on for ever");
    }

    #[test]
    fn some_customers_are_unhappy() {
        let unhappy = |cycle| {
            (0..400)
                .filter(|row: &u32| {
                    answers(Draws(7), &row.to_string(), cycle, "shop_call")["settled"] == "false"
                })
                .count()
        };
        assert!((10..70).contains(&unhappy(1)) && unhappy(2) < 12, "{} {}", unhappy(1), unhappy(2));
        assert!(!answers(Draws(1), "1", 1, "shop_call").contains_key("handling"));
    }
}
