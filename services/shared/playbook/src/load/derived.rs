//! The free-standing decision tables from text: their outputs become facts, so no name may be taken twice, and no table
//! may rest on what it decides itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    document::Document,
    names,
    reader::Ctx,
    table::{Holds, Output},
};
use crate::{
    case::CaseType,
    derived::Derivation,
    facts::Kind,
    table::{DecisionTable, HitPolicy},
    yaml::{Node, Yaml},
};

const KINDS: &[(&str, Kind)] = &[
    ("code", Kind::Code),
    ("int", Kind::Int),
    ("bool", Kind::Bool),
    ("money", Kind::Money),
    ("date", Kind::Date),
];

/// Declares the outputs as facts. Their codes are those that the rows give.
pub(super) fn gather(ctx: &mut Ctx, document: &Document<'_>) {
    for (_, node) in document.named("tables") {
        let collects = node.peek("hit").and_then(Node::scalar) == Some("collect");
        for entry in node.peek("outputs").map(Node::entries).unwrap_or_default() {
            let name = &entry.key;
            let names = &ctx.names;
            if names.facts.contains_key(name)
                || names.sealed.contains(name)
                || names.values.contains_key(name)
            {
                ctx.error(
                    "PB0308",
                    entry.key_span,
                    format!("“{name}”已是别的事实的名称"),
                    format!("`{name}` is the name of another fact already"),
                );
                continue;
            }
            let word = entry.node.scalar().unwrap_or_default();
            let kind = KINDS.iter().find(|(known, _)| *known == word).map_or(Kind::Code, |(_, kind)| *kind);
            let domain = if kind == Kind::Code { codes(node, name) } else { None };
            let kind = if collects && kind == Kind::Code { Kind::Codes } else { kind };
            names::fact(ctx, name, entry.key_span, kind, domain);
        }
    }
}

/// What the rows say under an output.
fn codes(table: &Node, output: &str) -> Option<BTreeSet<String>> {
    let said = |then: &Node| match &then.value {
        Yaml::Map(_) => then.peek(output).and_then(Node::scalar).map(str::to_owned),
        _ => then.scalar().map(str::to_owned),
    };
    let rows = table.peek("rows").map(Node::items).unwrap_or_default();
    let thens = rows.iter().filter_map(|row| row.peek("then"));
    let otherwise = table.peek("otherwise").map(|node| node.peek("then").unwrap_or(node));
    let codes: BTreeSet<String> = thens.chain(otherwise).filter_map(said).collect();
    (!codes.iter().any(|code| code.starts_with('='))).then_some(codes)
}

impl Ctx {
    /// Free-standing decision tables say their outputs themselves: `outputs: { fee: money }`.
    pub fn tables(&mut self, document: &Document<'_>) -> BTreeMap<String, DecisionTable> {
        let mut tables = BTreeMap::new();
        for entry in self.section(document, "tables") {
            let mut object = self.object(&entry.node);
            let declared: Vec<(String, Kind)> = match object.need(self, "outputs") {
                Some(node) => self
                    .entries(node)
                    .iter()
                    .map(|entry| (entry.key.clone(), self.one_of(&entry.node, KINDS)))
                    .collect(),
                None => Vec::new(),
            };
            let outputs: Vec<Output> = declared
                .into_iter()
                .map(|(name, kind)| Output { name, holds: Holds::Kind(kind), optional: false })
                .collect();
            let table = self.table_body(&entry.key, &mut object, &outputs);
            object.done(self);
            let dates = outputs.iter().any(|output| matches!(output.holds, Holds::Kind(Kind::Date)));
            if dates && table.hit == HitPolicy::Collect {
                self.error(
                    "PB0006",
                    entry.key_span,
                    "日期不能汇总：hit 不能用 collect",
                    "dates cannot be collected: use `unique` or `first`",
                );
            }
            tables.insert(entry.key.clone(), table);
        }
        tables
    }

    /// The tables in the order in which they decide.
    pub fn derivation(
        &mut self,
        tables: &BTreeMap<String, DecisionTable>,
        types: &BTreeMap<String, CaseType>,
    ) -> Derivation {
        let mut order = Order { makers: makers(tables, types), way: Vec::new(), done: Vec::new() };
        for id in tables.keys() {
            if let Some(circle) = order.visit(id) {
                self.circle(id, &circle);
                break;
            }
        }
        Derivation { tables: order.done.iter().filter_map(|id| tables.get(*id).cloned()).collect() }
    }

    fn circle(&mut self, table: &str, circle: &[&str]) {
        let span = self.places.get(&format!("tables/{table}")).copied().unwrap_or_default();
        let way = circle.join(" -> ");
        self.hinted(
            "PB0307",
            span,
            (format!("决策表互相依赖：{way}"), format!("these decide each other in a circle: {way}")),
            ("表不能读取由它自己决定的结果", "a table cannot read what it decides itself"),
        );
    }
}

/// What decides facts: a table by its id, or the judging of a case by the fact that it gives.
struct Maker<'a> {
    gives: Vec<&'a str>,
    reads: Vec<&'a str>,
}

fn makers<'a>(
    tables: &'a BTreeMap<String, DecisionTable>,
    types: &'a BTreeMap<String, CaseType>,
) -> BTreeMap<&'a str, Maker<'a>> {
    let mut makers: BTreeMap<&str, Maker<'_>> = BTreeMap::new();
    for case_type in types.values() {
        let judging = [
            ("category", &case_type.category_table),
            ("severity", &case_type.severity_table),
            ("tags", &case_type.tag_table),
        ];
        for (fact, table) in judging {
            let reads = table.iter().flat_map(DecisionTable::reads);
            let maker = makers.entry(fact).or_insert(Maker { gives: vec![fact], reads: Vec::new() });
            maker.reads.extend(reads);
        }
    }
    for (id, table) in tables {
        let gives = table.outputs.iter().map(String::as_str).collect();
        makers.insert(id, Maker { gives, reads: table.reads() });
    }
    makers
}

struct Order<'a> {
    makers: BTreeMap<&'a str, Maker<'a>>,
    way: Vec<&'a str>,
    done: Vec<&'a str>,
}

impl<'a> Order<'a> {
    /// Puts a maker behind all that it reads from; the circle, if there is one.
    fn visit(&mut self, id: &'a str) -> Option<Vec<&'a str>> {
        if self.done.contains(&id) {
            return None;
        }
        if let Some(at) = self.way.iter().position(|other| *other == id) {
            return Some(self.way[at..].iter().copied().chain([id]).collect());
        }
        self.way.push(id);
        let reads = self.makers.get(id).map(|maker| maker.reads.clone()).unwrap_or_default();
        for fact in reads {
            let by = self.makers.iter().find(|(_, maker)| maker.gives.contains(&fact)).map(|(id, _)| *id);
            if let Some(circle) = by.and_then(|by| self.visit(by)) {
                return Some(circle);
            }
        }
        self.way.pop();
        self.done.push(id);
        None
    }
}
