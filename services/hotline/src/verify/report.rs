//! The result for people and for programs.

use comfy_table::{Table, presets};
use serde_json::json;

use crate::verify::{Audit, Class};

/// What was compared, and a row per finding with examples.
pub fn table(audit: &Audit) -> String {
    let compared = format!(
        "{} journal entries, {} messages, {} cases compared",
        audit.entries,
        audit.messages,
        audit.cases.len()
    );
    if audit.findings.is_empty() {
        return compared;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["kind", "finding", "count", "for example"]);
    for (class, what, count) in audit.findings.counts() {
        let examples =
            audit.findings.examples().iter().filter(|example| example.what == what && example.class == class);
        let examples: Vec<String> =
            examples.map(|example| format!("{}: {}", example.place, example.text)).collect();
        table.add_row([name(class).to_owned(), what.to_owned(), count.to_string(), examples.join("\n")]);
    }
    format!("{compared}\n{table}")
}

fn name(class: Class) -> &'static str {
    match class {
        Class::Lost => "lost",
        Class::Doubled => "doubled",
        Class::Promise => "promise",
        Class::Differs => "differs",
        Class::Behind => "behind",
    }
}

pub fn json(audit: &Audit) -> serde_json::Value {
    let counts: Vec<_> = audit
        .findings
        .counts()
        .map(|(class, what, count)| json!({ "class": class, "what": what, "count": count }))
        .collect();
    json!({
        "entries": audit.entries,
        "messages": audit.messages,
        "cases": audit.cases.len(),
        "lost": audit.findings.count(Class::Lost),
        "doubled": audit.findings.count(Class::Doubled),
        "findings": counts,
        "examples": audit.findings.examples(),
    })
}
