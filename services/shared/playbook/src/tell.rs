//! Messages: on which event, to whom, through which channel, in which words. Placeholders are impersonal.

use serde::{Deserialize, Serialize};

use crate::{
    clock::Trigger,
    condition::Condition,
    facts::Facts,
    role::Recipient,
    text::{Lang, Text},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Sms,
    Mail,
    File,
    Webhook,
}

/// What a template may say. Anything else is refused when the playbook is loaded.
pub const PLACEHOLDERS: &[&str] = &[
    "number",
    "branch",
    "type",
    "category",
    "severity",
    "step",
    "due",
    "clock",
    "rung",
    "late_by",
    "reasons",
    "role",
    "brand",
    "opened_at",
    "link",
    "amount",
    "attempts",
    "rules",
];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tell {
    pub id: String,
    pub types: Vec<String>,
    pub on: Trigger,
    pub when: Option<Condition>,
    pub to: Vec<Recipient>,
    pub channel: Channel,
    pub template: Text,
    pub rules: Vec<String>,
}

impl Tell {
    pub fn applies_to(&self, case_type: &str) -> bool {
        crate::duty::applies(&self.types, case_type)
    }

    pub fn is_due(&self, event: &str, subject: Option<&str>, facts: &Facts) -> bool {
        self.on.matches(event, subject, facts) && Condition::met(self.when.as_ref(), facts)
    }

    /// The message, with each placeholder replaced by what `lookup` says; unknown ones become `?`.
    pub fn render(&self, lang: Lang, lookup: impl Fn(&str) -> Option<String>) -> String {
        render(self.template.get(lang), lookup)
    }
}

/// Replaces `{name}`; a brace without a partner stays as it is.
pub fn render(template: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        out.push_str(&lookup(name).unwrap_or_else(|| "?".to_owned()));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Placeholders of a template, in order.
pub fn placeholders(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            break;
        };
        names.push(name);
        rest = tail;
    }
    names
}
