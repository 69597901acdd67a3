//! What a playbook declares, gathered before anything is decoded, so that parts may name each other in any order.

use std::collections::{BTreeMap, BTreeSet};

use calendar::Limit;

use super::{
    derived,
    document::Document,
    reader::{Ctx, minor_units},
};
use crate::{
    facts::{Kind, Value},
    role::Level,
    yaml::{Node, Span},
};

/// A fact's type and, for codes, what it can be.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub kind: Kind,
    /// Codes it can have; `None`: any.
    pub domain: Option<BTreeSet<String>>,
}

#[derive(Default)]
pub(crate) struct Names {
    pub roles: BTreeMap<String, Level>,
    pub limits: BTreeMap<String, Limit>,
    pub values: BTreeMap<String, Value>,
    pub waits: BTreeSet<String>,
    pub types: BTreeSet<String>,
    /// Steps of each case type.
    pub steps: BTreeMap<String, BTreeSet<String>>,
    pub severities: BTreeSet<String>,
    pub clocks: BTreeSet<String>,
    pub follow_ups: BTreeSet<String>,
    pub matrices: BTreeSet<String>,
    pub figures: BTreeSet<String>,
    pub facts: BTreeMap<String, Fact>,
    /// Fields that never become facts.
    pub sealed: BTreeSet<String>,
    /// Window fields of the forms.
    pub windows: BTreeSet<String>,
    pub currency: String,
}

impl Names {
    pub fn all_steps(&self) -> impl Iterator<Item = &str> {
        self.steps.values().flatten().map(String::as_str)
    }
}

/// What an event may tell about its outcome, as the fact `outcome`.
pub const OUTCOMES: &[&str] =
    &["approved", "refused", "reached", "unreached", "happy", "unhappy", "given_up"];

/// The fact that lists the steps done in this cycle and not sent back; see `CaseType::observe`.
pub const DONE: &str = "done";

pub(super) fn gather(ctx: &mut Ctx, document: &Document<'_>) {
    ctx.names.currency = document.scalar("currency").unwrap_or("CNY").to_owned();
    gather_words(ctx, document);
    gather_params(ctx, document);
    builtin(ctx);
    for (case_type, node) in document.named("types") {
        ctx.names.types.insert(case_type.to_owned());
        gather_type(ctx, case_type, node);
    }
    for (_, node) in document.named("follow_ups") {
        for entry in node.peek("questions").map(Node::entries).unwrap_or_default() {
            question(ctx, &entry.key, entry.key_span, &entry.node);
        }
    }
    let types = ctx.names.types.clone();
    fact(ctx, "type", Span::default(), Kind::Code, Some(types));
    let steps = ctx.names.all_steps().map(str::to_owned).collect();
    fact(ctx, DONE, Span::default(), Kind::Codes, Some(steps));
    derived::gather(ctx, document);
}

fn gather_words(ctx: &mut Ctx, document: &Document<'_>) {
    for (id, node) in document.named("roles") {
        let level = node.peek("level").and_then(Node::scalar).unwrap_or("branch");
        let level = Level::ALL.into_iter().find(|l| l.as_str() == level).unwrap_or(Level::Branch);
        ctx.names.roles.insert(id.to_owned(), level);
    }
    let ids = |section: &str| document.named(section).map(|(id, _)| id.to_owned()).collect::<BTreeSet<_>>();
    ctx.names.waits = ids("waits");
    ctx.names.clocks = ids("clocks");
    ctx.names.follow_ups = ids("follow_ups");
    ctx.names.matrices = ids("approvals");
    ctx.names.figures = ids("figures");
}

fn gather_params(ctx: &mut Ctx, document: &Document<'_>) {
    for (id, node) in document.named("params") {
        if let Some(limit) = node.peek("limit").and_then(Node::scalar).and_then(|t| Limit::parse(t).ok()) {
            ctx.names.limits.insert(id.to_owned(), limit);
        } else if let Some(value) = node.peek("value").and_then(Node::scalar).and_then(|t| t.parse().ok()) {
            ctx.names.values.insert(id.to_owned(), Value::Int(value));
        } else if let Some(minor) = node.peek("amount").and_then(Node::scalar).and_then(minor_units) {
            let currency = ctx.names.currency.clone();
            ctx.names.values.insert(id.to_owned(), Value::Money { currency, minor });
        }
    }
}

/// Facts that every case has.
fn builtin(ctx: &mut Ctx) {
    let outcomes = OUTCOMES.iter().map(|o| (*o).to_owned()).collect();
    for (name, kind) in [
        ("tags", Kind::Codes),
        ("brand", Kind::Code),
        ("branch", Kind::Code),
        ("repeat", Kind::Bool),
        ("reopened", Kind::Bool),
        ("cycle", Kind::Int),
        ("opened_at", Kind::Instant),
    ] {
        fact(ctx, name, Span::default(), kind, None);
    }
    fact(ctx, "outcome", Span::default(), Kind::Code, Some(outcomes));
}

fn gather_type(ctx: &mut Ctx, case_type: &str, node: &Node) {
    for (name, section) in [("severity", "severities"), ("category", "categories"), ("channel", "channels")] {
        if let Some(words) = node.peek(section) {
            let codes: BTreeSet<String> = words.entries().iter().map(|e| e.key.clone()).collect();
            if name == "severity" {
                ctx.names.severities.extend(codes.iter().cloned());
            }
            fact(ctx, name, words.span, Kind::Code, Some(codes));
        }
    }
    gather_fields(ctx, node.peek("form"));
    let steps = node.peek("steps").map(Node::entries).unwrap_or_default();
    ctx.names.steps.insert(case_type.to_owned(), steps.iter().map(|e| e.key.clone()).collect());
    for step in steps {
        gather_fields(ctx, step.node.peek("fields"));
    }
}

fn gather_fields(ctx: &mut Ctx, fields: Option<&Node>) {
    for entry in fields.map(Node::entries).unwrap_or_default() {
        let word = |key: &str| entry.node.peek(key).and_then(Node::scalar);
        let personal = word("personal") == Some("true");
        let options = || -> BTreeSet<String> {
            entry
                .node
                .peek("options")
                .map(Node::entries)
                .unwrap_or_default()
                .iter()
                .map(|e| e.key.clone())
                .collect()
        };
        let kind = match word("kind") {
            _ if personal => None,
            Some("date") => Some((Kind::Date, None)),
            Some("money") => Some((Kind::Money, None)),
            Some("choice") => Some((Kind::Code, Some(options()))),
            Some("choices") => Some((Kind::Codes, Some(options()))),
            Some("branch") => Some((Kind::Code, None)),
            Some("bool") => Some((Kind::Bool, None)),
            Some("int") => Some((Kind::Int, None)),
            Some("window") => {
                ctx.names.windows.insert(entry.key.clone());
                for end in ["from", "to"] {
                    fact(ctx, &format!("{}_{end}", entry.key), entry.key_span, Kind::Instant, None);
                }
                continue;
            }
            _ => None,
        };
        match kind {
            Some((kind, domain)) => fact(ctx, &entry.key, entry.key_span, kind, domain),
            None => {
                ctx.names.sealed.insert(entry.key.clone());
            }
        }
    }
}

fn question(ctx: &mut Ctx, id: &str, span: Span, node: &Node) {
    match node.peek("kind").and_then(Node::scalar) {
        Some("yes_no") => fact(ctx, id, span, Kind::Bool, None),
        Some("choice") => {
            let options = node.peek("options").map(Node::entries).unwrap_or_default();
            fact(ctx, id, span, Kind::Code, Some(options.iter().map(|e| e.key.clone()).collect()));
        }
        _ => fact(ctx, id, span, Kind::Int, None),
    }
}

/// Declares a fact; the same name may come again with the same type, and its codes add up.
pub(super) fn fact(ctx: &mut Ctx, name: &str, span: Span, kind: Kind, domain: Option<BTreeSet<String>>) {
    let Some(known) = ctx.names.facts.get_mut(name) else {
        ctx.names.facts.insert(name.to_owned(), Fact { kind, domain });
        return;
    };
    if known.kind == kind {
        match (&mut known.domain, domain) {
            (Some(known), Some(more)) => known.extend(more),
            (open @ None, Some(domain)) => *open = Some(domain),
            (_, None) => {}
        }
        return;
    }
    let was = known.kind;
    ctx.error(
        "PB0206",
        span,
        format!("“{name}”在别处是 {}，这里是 {}", was.as_str(), kind.as_str()),
        format!("`{name}` is {} elsewhere and {} here", was.as_str(), kind.as_str()),
    );
}
