//! The result for people and for programs.

use comfy_table::{Table, presets};
use serde_json::json;

use crate::verify::{Audit, Class};

/// Withdrawn entries shown in the table; all of them are in the JSON.
const LISTED: usize = 50;

/// What was compared, and a row per finding with examples.
pub fn table(audit: &Audit) -> String {
    let mut compared = format!(
        "{} journal entries, {} messages, {} cases compared",
        audit.entries,
        audit.messages,
        audit.cases.len()
    );
    if !audit.withdrawn.is_empty() {
        compared.push('\n');
        compared.push_str(&withdrawn(audit));
    }
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

/// What was taken back, entry by entry; a long list is cut.
fn withdrawn(audit: &Audit) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["withdrawn", "type", "case"]);
    for (at, kind, id) in audit.withdrawn.ghosts().take(LISTED) {
        table.add_row([at.to_string(), kind.to_owned(), id.map(|id| id.to_string()).unwrap_or_default()]);
    }
    format!(
        "{} entries were withdrawn by history.rewound; {} cases concerned (not compared: look at them)\n{table}",
        audit.withdrawn.len(),
        audit.withdrawn.cases()
    )
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
    let withdrawn: Vec<_> = audit
        .withdrawn
        .ghosts()
        .map(|(at, kind, id)| json!({ "at": at.to_string(), "type": kind, "subject": id.map(|id| id.to_string()) }))
        .collect();
    json!({
        "entries": audit.entries,
        "messages": audit.messages,
        "cases": audit.cases.len(),
        "lost": audit.findings.count(Class::Lost),
        "doubled": audit.findings.count(Class::Doubled),
        "withdrawn": withdrawn,
        "cases_concerned": audit.withdrawn.cases(),
        "findings": counts,
        "examples": audit.findings.examples(),
    })
}
