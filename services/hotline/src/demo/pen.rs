//! What the cast writes: invented, plausible at first sight, and the same for the same seed. No real person's data can
//! come in: names, numbers and plates are made from keys alone.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil, tz::TimeZone};
use playbook::{CaseType, Field, FieldKind, Playbook};
use proto::Time;
use serde_json::Value as Json;
use trial::filling::Pen;

use crate::{
    demo::draw::Draw,
    import::invent::{Invention, invent},
};

const SOURCE: &str = "demo";
const STREETS: [&str; 6] = ["示例路", "试验街", "样板巷", "虚构大道", "演示里", "测试弄"];
const MATTERS: [&str; 6] = [
    "上次处理之后问题仍未解决，请尽快安排人员查看并答复。",
    "按约定时间到场无人接待，等候较久，希望给一个说法。",
    "对收费项目有疑问，请核对明细后回电说明。",
    "使用中出现异常，已自行检查过，仍不能恢复，请上门处理。",
    "对接待人员的答复不满意，希望由负责人联系。",
    "资料已交齐，请确认办理进度和完成时间。",
];
const FINDINGS: [&str; 4] = [
    "已到现场查看并向经手人了解情况，所述基本属实。",
    "查阅了记录，前次处理不彻底。",
    "与客户通话核实，说明时解释不清。",
    "检查后确认为正常损耗，已向客户说明。",
];
const MEASURES: [&str; 4] = [
    "更换相关部件，主管全程跟进，完成后复检。",
    "当面致歉，按标准重新办理。",
    "安排专人上门处理，当日完成并请客户确认。",
    "更新操作要求，组织一次培训并抽查。",
];
const OUTCOMES: [&str; 3] = ["已办结，客户已确认。", "已按方案完成并留存记录。", "已说明，客户接受。"];
/// Which words of a label call for which texts; what nothing calls for is an outcome.
const POOLS: [(&[&str], &[&str]); 3] = [
    (&["内容", "诉求", "问题", "描述", "故障", "需求", "事项", "意见"], &MATTERS),
    (&["原因", "调查", "核实", "情况", "检查", "判断", "依据"], &FINDINGS),
    (&["方案", "措施", "计划", "建议", "改进", "安排"], &MEASURES),
];

/// What is at hand where the form is filled in.
pub struct Desk<'a> {
    pub book: &'a Playbook,
    pub case_type: &'a CaseType,
    /// The customer: the same one writes the same name and number everywhere.
    pub customer: &'a str,
    pub branch: &'a str,
    /// Whom a form may name.
    pub staff: &'a [String],
    pub now: Time,
    pub zone: TimeZone,
}

/// Somebody with a pen; chance guides it.
pub struct Chance<'a> {
    pub desk: &'a Desk<'a>,
    pub draw: Draw,
}

impl Pen for Chance<'_> {
    fn fills(&mut self, field: &Field) -> bool {
        // Whoever is named in such a field is out of the case: seldom, unless the form demands it.
        let share = if matches!(field.kind, FieldKind::Person { bars: true }) { 0.05 } else { 0.3 };
        self.draw.happens(share)
    }

    fn write(&mut self, field: &Field) -> Json {
        let (desk, draw) = (self.desk, &mut self.draw);
        let text = match &field.kind {
            // Of a yes that is asked for most are a yes; of the others few.
            FieldKind::Bool => {
                let usual = if field.is_required(&Default::default()) { 0.8 } else { 0.3 };
                return Json::from(draw.happens(usual));
            }
            FieldKind::Int { min, max } => {
                let low = min.unwrap_or(1);
                let high = max.unwrap_or(low.saturating_add(9)).min(low.saturating_add(99));
                return Json::from(draw.between(low, high.saturating_add(1)));
            }
            FieldKind::Choice(options) => {
                let usual = options.first().filter(|_| draw.happens(0.4));
                usual.or_else(|| draw.pick(options)).map(|option| option.code.clone()).unwrap_or_default()
            }
            FieldKind::Choices(options) => {
                draw.pick(options).map(|option| option.code.clone()).unwrap_or_default()
            }
            FieldKind::Money => amount(&field.name, desk, draw).to_string(),
            FieldKind::Date => day(desk, draw.between(-20, 11)).to_string(),
            FieldKind::Window => window(desk, draw),
            FieldKind::Phone => invent(Invention::Phone, SOURCE, desk.customer),
            FieldKind::Plate => invent(Invention::Plate, SOURCE, desk.customer),
            FieldKind::Vin => vin(draw),
            FieldKind::Person { .. } => draw.pick(desk.staff).cloned().unwrap_or_default(),
            FieldKind::Branch => desk.branch.to_owned(),
            FieldKind::Order => {
                format!("YS{}{:04}", day(desk, 0).strftime("%Y%m%d"), draw.between(1, 10_000))
            }
            FieldKind::Attachment(kind) => format!("demo/{kind}/{:06}", draw.between(0, 1_000_000)),
            FieldKind::Text => words(field, desk, draw),
        };
        Json::from(text)
    }
}

fn words(field: &Field, desk: &Desk<'_>, draw: &mut Draw) -> String {
    let label = &field.label.zh;
    let has = |parts: &[&str]| parts.iter().any(|part| label.contains(part));
    if has(&["姓名", "联系人", "称呼", "签收人"]) || field.name.ends_with("name") {
        return invent(Invention::Name, SOURCE, desk.customer);
    }
    if has(&["地址", "地点", "位置", "房号"]) {
        let street = draw.pick(&STREETS).copied().unwrap_or_default();
        return format!("{street} {} 号 {} 室", draw.between(1, 200), draw.between(101, 2_000));
    }
    if has(&["编号", "单号", "证号", "号码", "型号", "序列"]) {
        return format!("YS-{:05}", draw.between(0, 100_000));
    }
    let pool = POOLS.iter().find(|(parts, _)| has(parts)).map_or(&OUTCOMES[..], |(_, pool)| *pool);
    draw.pick(pool).copied().unwrap_or_default().to_owned()
}

/// Whole units; of what a matrix decides on, something in each of its bands.
fn amount(fact: &str, desk: &Desk<'_>, draw: &mut Draw) -> i64 {
    let tops = bands(desk, fact);
    if tops.is_empty() {
        return draw.between(20, 3_000);
    }
    // Small ones are usual.
    let place = if draw.happens(0.7) { 0 } else { draw.between(0, tops.len() as i64 + 1) as usize };
    let low = if place == 0 { 0 } else { tops[place - 1] };
    let high = tops.get(place).copied().unwrap_or(low.saturating_mul(3));
    draw.between(low / 100 + 1, high / 100 + 1).max(1)
}

/// The ends of the bands that this amount is measured by, in minor units, ascending.
fn bands(desk: &Desk<'_>, fact: &str) -> Vec<i64> {
    let uses = desk.case_type.steps.iter().filter_map(|step| step.approval.as_ref());
    let about = uses.filter(|use_| use_.amount.as_deref() == Some(fact));
    let ladders = about.flat_map(|use_| {
        let ladders = desk.book.matrix(&use_.matrix).into_iter().flat_map(|matrix| &matrix.ladders);
        ladders.filter(|ladder| ladder.kind == use_.kind)
    });
    let mut tops: Vec<i64> =
        ladders.flat_map(|ladder| ladder.bands.iter().filter_map(|band| band.up_to)).collect();
    tops.sort_unstable();
    tops.dedup();
    tops
}

fn day(desk: &Desk<'_>, after: i64) -> civil::Date {
    let today = desk.now.to_timestamp().to_zoned(desk.zone.clone()).date();
    today.checked_add(after.days()).unwrap_or(today)
}

/// Two hours on one of the next days.
fn window(desk: &Desk<'_>, draw: &mut Draw) -> String {
    let (day, hour) = (day(desk, draw.between(1, 4)), draw.between(9, 17));
    format!("{day}T{hour:02}:00/{day}T{:02}:00", hour + 2)
}

/// Seventeen characters without I, O and Q; no maker has the prefix.
fn vin(draw: &mut Draw) -> String {
    const SIGNS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
    let rest = (0..14).map(|_| char::from(draw.pick(SIGNS).copied().unwrap_or(b'0')));
    "ZZZ".chars().chain(rest).collect()
}

/// As the contracts take it.
pub fn on_paper(words: trial::town::Words) -> BTreeMap<String, String> {
    words.into_iter().map(|(name, word)| (name, trial::town::text(&word))).collect()
}
