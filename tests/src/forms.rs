//! What people write into forms. All of it is invented.

use std::collections::BTreeMap;

use proto::dispatch::v1::Proof;

pub const PHONE: &str = "13800001234";
pub const PLATE: &str = "沪A12345";
pub const NAME: &str = "示例客户";
pub const WORDS: &str = "离合器返修两次仍异响";

pub type Fields = BTreeMap<String, String>;

pub fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// A complaint about a repair, taken by the group's call centre.
pub fn complaint() -> Fields {
    fields(&[
        ("customer_name", NAME),
        ("phone", PHONE),
        ("model", "示例车型"),
        ("plate", PLATE),
        ("content", WORDS),
        ("customer_check", "unknown"),
        ("source", "call_centre"),
        ("category", "repair_quality"),
    ])
}

pub fn judgement(handler: &str) -> Fields {
    fields(&[
        ("findings", "查阅维修记录，属实。"),
        ("judged_nature", "general"),
        ("judged_category_right", "true"),
        ("grounds_sufficient", "true"),
        ("demand_reasonable", "true"),
        ("named_handler", handler),
    ])
}

/// A solution that costs so many yuan.
pub fn proposal(amount: &str) -> Fields {
    fields(&[
        ("cause", "零件早期磨损。"),
        ("responsible_department", "service_department"),
        ("solution", "更换零件并致歉。"),
        ("amount", amount),
    ])
}

pub fn improvement(owner: &str) -> Fields {
    fields(&[
        ("summary", "过程检查不足。"),
        ("action", "交车前增加一道复检。"),
        ("action_owner", owner),
        ("action_due", "2099-01-01"),
    ])
}

pub fn proof(kind: &str) -> Vec<Proof> {
    vec![Proof { kind: kind.to_owned(), reference: format!("tests/{kind}"), digest: vec![7; 32] }]
}

pub fn content_answers() -> Fields {
    fields(&[("satisfaction", "5"), ("handling", "5"), ("settled", "true")])
}

pub fn unhappy_answers() -> Fields {
    fields(&[("satisfaction", "1"), ("handling", "2"), ("settled", "false")])
}
