//! The learned limits as a rule book: sound, complete, and the smallest that can run; what a newcomer goes on from.

use std::{collections::BTreeMap, fmt::Write as _};

use super::Learnt;
use crate::recorded::code_of;

/// How the rule book calls what the table has.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    pub playbook: &'a str,
    pub case_type: &'a str,
    /// The field of the form that says which kind it is.
    pub field: &'a str,
    pub clock: &'a str,
}

/// A playbook in which every kind has its limit. Kinds whose words give the same code share the one that explains more.
pub fn rule_book(names: &Names<'_>, learnt: &BTreeMap<String, Learnt>) -> String {
    let mut kinds: BTreeMap<String, (&str, &Learnt)> = BTreeMap::new();
    for (kind, found) in learnt {
        let code = code_of(kind);
        let better = |known: &(&str, &Learnt)| known.1.explained >= found.explained;
        if !code.is_empty() && !kinds.get(&code).is_some_and(better) {
            kinds.insert(code, (kind, found));
        }
    }
    let (mut options, mut limits) = (String::new(), String::new());
    for (code, (kind, found)) in &kinds {
        let name = serde_json::Value::from(*kind);
        let _ = writeln!(options, "          {code}: {{ zh: {name}, en: {name} }}");
        let row = format!("      - {{ when: \"{} == '{code}'\", limit: {} }}", names.field, found.limit);
        let _ = writeln!(limits, "{row} # explains {} of {} rows", found.explained, found.rows);
    }
    let Names { playbook, case_type, field, clock } = names;
    TEMPLATE
        .replace("{playbook}", playbook)
        .replace("{type}", case_type)
        .replace("{field}", field)
        .replace("{clock}", clock)
        .replace("{options}", options.trim_end_matches('\n'))
        .replace("{limits}", limits.trim_end_matches('\n'))
}

const TEMPLATE: &str = include_str!("rule_book.yaml");
