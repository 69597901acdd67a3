//! What the exploration found, in words.

use super::{Findings, explore::Trouble, universe::Costs};

/// Facts named as the ones that make a type too large.
const NAMED: usize = 5;

pub(super) fn too_large(found: &mut Findings<'_>, place: &str, costs: &Costs) {
    let facts = costs.iter().take(NAMED).map(|(name, values)| format!("{name} ({values})"));
    let facts = facts.collect::<Vec<_>>().join(", ");
    let (mut zh, mut en) = (
        "流程太大，无法逐一走查；请拆分或减少条件".to_owned(),
        "too large to explore: split the type, or let its conditions read fewer facts".to_owned(),
    );
    if !facts.is_empty() {
        zh.push_str(&format!("；取值最多的事实：{facts}"));
        en.push_str(&format!("; those with the most values are {facts}"));
    }
    found.error("PB0505", place, zh, en);
}

/// Place, Chinese and English of one trouble.
pub(super) fn words(case_type: &str, trouble: &Trouble, facts: &str) -> (String, String, String) {
    let of_type = format!("types/{case_type}");
    let step = format!("types/{case_type}/steps/{}", trouble.subject);
    let subject = &trouble.subject;
    match trouble.code {
        "PB0506" => (
            format!("types/{case_type}/closing"),
            format!("有的情况下结案时没有“{subject}”：{facts}"),
            format!("a case can end without being {subject}: {facts}"),
        ),
        "PB0508" => (
            step,
            format!("等待“{subject}”时没有它的时钟在走：{facts}"),
            format!("`{subject}` waits while none of its clocks runs: {facts}"),
        ),
        "PB0509" => (
            of_type,
            format!("派单后没有人接时，时钟“{subject}”不在走：{facts}"),
            format!("after the hand-off the clock `{subject}` does not run: {facts}"),
        ),
        "PB0510" => (
            format!("types/{case_type}/closing"),
            format!("结案要等回访，但这种情况没有回访：{facts}"),
            format!("closing waits for a follow-up, and none comes for: {facts}"),
        ),
        "PB0511" => (
            of_type,
            format!("等待回访时没有时钟在走：{facts}"),
            format!("no clock runs while a follow-up is waited for: {facts}"),
        ),
        "PB0512" => (
            if subject.is_empty() { of_type } else { step },
            format!("从“{subject}”出发走不到结案：{facts}"),
            format!("a case stuck at `{subject}` never ends: {facts}"),
        ),
        "PB0611" => (
            format!("clocks/{subject}"),
            format!("时钟“{subject}”在走，而能让它停下的步骤已经做完：{facts}"),
            format!("the clock `{subject}` runs although the step that stops it is done: {facts}"),
        ),
        _ => (
            format!("clocks/{subject}"),
            format!("结案后时钟“{subject}”还在走：{facts}"),
            format!("the clock `{subject}` still runs after the case is closed: {facts}"),
        ),
    }
}
