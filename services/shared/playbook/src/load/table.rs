//! Decision tables from text, with the checks that DMN makes exact: gaps, overlaps, rows that never decide.

use super::{
    cells::{Partition, partition},
    reader::{Ctx, Object, minor_units},
};
use crate::{
    condition::Condition,
    facts::{Facts, Kind, Value},
    table::{Cell, DecisionTable, HitPolicy, Input, Row},
    text::Text,
    yaml::{Node, Span},
};

/// The most combinations of cell values that are tried.
const MOST_COMBINATIONS: usize = 100_000;

/// What an output column may hold.
#[derive(Clone)]
pub(super) enum Holds {
    /// Any code.
    Code,
    OneOf(Vec<String>),
    Role,
    Roles,
    Kind(Kind),
}

/// An output column that a table must have.
pub(super) struct Output {
    pub name: String,
    pub holds: Holds,
    pub optional: bool,
}

impl Ctx {
    /// A table whose outputs are given by its use (severity, category, route).
    pub(super) fn table(&mut self, id: &str, node: &Node, outputs: &[Output]) -> DecisionTable {
        self.place(format!("tables/{id}"), node.span);
        let mut object = self.object(node);
        let table = self.table_body(id, &mut object, outputs);
        object.done(self);
        table
    }

    pub(super) fn table_body(
        &mut self,
        id: &str,
        object: &mut Object<'_>,
        outputs: &[Output],
    ) -> DecisionTable {
        let name = object.get("name").map(|n| self.text(n)).unwrap_or_else(|| Text::new(id, id));
        let hit = object.get("hit").map_or(HitPolicy::Unique, |n| {
            self.one_of(
                n,
                &[
                    ("unique", HitPolicy::Unique),
                    ("first", HitPolicy::First),
                    ("collect", HitPolicy::Collect),
                ],
            )
        });
        let inputs = self.inputs(object);
        let mut rows = Vec::new();
        let mut spans = Vec::new();
        if let Some(list) = object.need(self, "rows") {
            for item in list.items() {
                rows.push(self.row(item, &inputs, outputs));
                spans.push(Span { length: 1, ..item.span });
            }
        }
        let otherwise = object.get("otherwise").map(|n| self.otherwise(n, &inputs, outputs));
        let rules = self.rules(object);
        let outputs = outputs.iter().map(|o| o.name.clone()).collect();
        let table = DecisionTable { id: id.to_owned(), name, hit, inputs, outputs, rows, otherwise, rules };
        self.check_table(&table, object.span, &spans);
        table
    }

    fn inputs(&mut self, object: &mut Object<'_>) -> Vec<Input> {
        let Some(list) = object.need(self, "inputs") else { return Vec::new() };
        let mut inputs: Vec<Input> = Vec::new();
        for item in list.items() {
            let name = self.string(item);
            match self.names.facts.get(&name).cloned() {
                Some(fact) => inputs.push(Input {
                    fact: name,
                    kind: fact.kind,
                    domain: fact.domain.into_iter().flatten().collect(),
                }),
                None => self.unknown_fact(item.span, &name),
            }
        }
        inputs
    }

    fn row(&mut self, node: &Node, inputs: &[Input], outputs: &[Output]) -> Row {
        let mut object = self.object(node);
        let mut cells = vec![Cell::Any; inputs.len()];
        if let Some(tests) = object.need(self, "if") {
            self.object(tests);
            for entry in tests.entries() {
                match inputs.iter().position(|i| i.fact == entry.key) {
                    Some(column) => cells[column] = self.cell(&entry.node, &inputs[column]),
                    None => {
                        let known: Vec<String> = inputs.iter().map(|i| i.fact.clone()).collect();
                        self.unknown(
                            "PB0306",
                            entry.key_span,
                            ("输入列", "input of this table"),
                            &entry.key,
                            known.iter().map(String::as_str),
                        );
                    }
                }
            }
        }
        self.row_rest(object, cells, outputs)
    }

    fn otherwise(&mut self, node: &Node, inputs: &[Input], outputs: &[Output]) -> Row {
        let cells = vec![Cell::Any; inputs.len()];
        // `otherwise: general` is short for `otherwise: { then: general }`.
        if node.scalar().is_some() {
            let (out, formulas) = self.outputs(node, outputs);
            return Row { cells, out, formulas, reason: None, code: None, rules: Vec::new() };
        }
        let object = self.object(node);
        self.row_rest(object, cells, outputs)
    }

    fn row_rest(&mut self, mut object: Object<'_>, cells: Vec<Cell>, outputs: &[Output]) -> Row {
        let then = object.need(self, "then").map(|n| self.outputs(n, outputs));
        let (out, formulas) = then.unwrap_or_default();
        let reason = object.get("reason").map(|n| self.text(n));
        let code = object.get("code").map(|n| self.code(n));
        let rules = self.rules(&mut object);
        object.done(self);
        Row { cells, out, formulas, reason, code, rules }
    }

    fn outputs(&mut self, node: &Node, outputs: &[Output]) -> (Vec<Value>, Vec<(usize, Condition)>) {
        let mut formulas = Vec::new();
        if let ([only], Some(_)) = (outputs, node.scalar()) {
            formulas.extend(self.formula_of(node, &only.holds).map(|formula| (0, formula)));
            let value = if formulas.is_empty() { self.output(node, &only.holds) } else { Value::Bool(false) };
            return (vec![value], formulas);
        }
        let mut object = self.object(node);
        let mut values = Vec::new();
        for (column, output) in outputs.iter().enumerate() {
            let given =
                if output.optional { object.get(&output.name) } else { object.need(self, &output.name) };
            let formula = given.and_then(|node| self.formula_of(node, &output.holds));
            values.push(match given {
                Some(node) if formula.is_none() => self.output(node, &output.holds),
                _ => Value::Codes(Vec::new()),
            });
            formulas.extend(formula.map(|formula| (column, formula)));
        }
        object.done(self);
        (values, formulas)
    }

    /// `= price / 10`, in a column of a free-standing table.
    fn formula_of(&mut self, node: &Node, holds: &Holds) -> Option<Condition> {
        let Holds::Kind(kind) = holds else { return None };
        let source = node.scalar()?.trim().strip_prefix('=')?.trim();
        Some(self.formula(node, source, *kind))
    }

    fn output(&mut self, node: &Node, holds: &Holds) -> Value {
        match holds {
            Holds::Code => Value::Code(self.code(node)),
            Holds::Role => Value::Code(self.role_at(node).role),
            Holds::Roles => Value::Codes(node.items().iter().map(|n| self.role_at(n).role).collect()),
            Holds::OneOf(words) => {
                let code = self.string(node);
                if !words.contains(&code) {
                    self.unknown(
                        "PB0204",
                        node.span,
                        ("代码", "code"),
                        &code,
                        words.iter().map(String::as_str),
                    );
                }
                Value::Code(code)
            }
            Holds::Kind(kind) => self.literal(node, *kind),
        }
    }

    /// A value of a kind as written in a cell.
    pub fn literal(&mut self, node: &Node, kind: Kind) -> Value {
        let text = node.scalar().unwrap_or_default().to_owned();
        let currency = self.names.currency.clone();
        if let Some(value) = read_literal(&text, kind, &currency) {
            return value;
        }
        self.error(
            "PB0303",
            node.span,
            format!("“{text}”不是 {}", kind.as_str()),
            format!("`{text}` is not a value of type {}", kind.as_str()),
        );
        Value::Bool(false)
    }

    fn check_table(&mut self, table: &DecisionTable, whole: Span, rows: &[Span]) {
        let columns: Vec<Partition> =
            (0..table.inputs.len()).map(|column| partition(table, column)).collect();
        let total = columns.iter().map(Vec::len).try_fold(1usize, usize::checked_mul);
        if total.is_none_or(|t| t > MOST_COMBINATIONS) {
            self.hinted(
                "PB0305",
                whole,
                ("表太大，无法逐一检查".into(), "the table is too large to be checked".into()),
                ("请拆成几张表，或减少输入", "split it, or use fewer inputs"),
            );
            return;
        }
        let mut seen = Seen { gap: false, overlaps: Vec::new(), decided: vec![false; table.rows.len()] };
        for mut index in 0..total.unwrap_or(0) {
            let mut facts = Facts::new();
            for (input, column) in table.inputs.iter().zip(&columns) {
                if let Some(value) = &column[index % column.len()] {
                    facts.set(&input.fact, value.clone());
                }
                index /= column.len();
            }
            self.check_case(table, &facts, whole, rows, &mut seen);
        }
        for (row, _) in seen.decided.iter().enumerate().filter(|(_, decided)| !**decided) {
            if seen.overlaps.iter().all(|(a, b)| *a != row && *b != row) {
                let span = rows.get(row).copied().unwrap_or(whole);
                self.error("PB0304", span, "这一行永远轮不到", "this row never decides anything");
            }
        }
    }

    fn check_case(
        &mut self,
        table: &DecisionTable,
        facts: &Facts,
        whole: Span,
        rows: &[Span],
        seen: &mut Seen,
    ) {
        let fitting: Vec<usize> =
            (0..table.rows.len()).filter(|r| table.row_fits(&table.rows[*r], facts)).collect();
        match table.hit {
            HitPolicy::First => fitting.first().into_iter().for_each(|r| seen.decided[*r] = true),
            HitPolicy::Collect | HitPolicy::Unique => fitting.iter().for_each(|r| seen.decided[*r] = true),
        }
        if fitting.is_empty() && table.otherwise.is_none() && table.hit != HitPolicy::Collect && !seen.gap {
            seen.gap = true;
            let case = describe(facts);
            self.hinted(
                "PB0301",
                whole,
                (format!("表有空缺：{case} 没有结果"), format!("the table has a gap: nothing for {case}")),
                ("补一行，或写 otherwise", "add a row, or an `otherwise`"),
            );
        }
        if let (HitPolicy::Unique, [a, b, ..]) = (table.hit, fitting.as_slice())
            && !seen.overlaps.contains(&(*a, *b))
        {
            seen.overlaps.push((*a, *b));
            let case = describe(facts);
            let span = rows.get(*b).copied().unwrap_or(whole);
            self.hinted(
                "PB0302",
                span,
                (
                    format!("第 {} 行与第 {} 行重叠：{case}", a + 1, b + 1),
                    format!("rows {} and {} overlap: {case}", a + 1, b + 1),
                ),
                (
                    "hit 为 unique 时每种情况只能有一行；也可改用 first 或 collect",
                    "with `hit: unique` one row fits each case; or use `first` or `collect`",
                ),
            );
        }
    }
}

struct Seen {
    gap: bool,
    overlaps: Vec<(usize, usize)>,
    decided: Vec<bool>,
}

pub(super) fn read_literal(text: &str, kind: Kind, currency: &str) -> Option<Value> {
    Some(match kind {
        Kind::Bool => Value::Bool(text.parse().ok()?),
        Kind::Int => Value::Int(text.parse().ok()?),
        Kind::Code => Value::code(text),
        Kind::Money => Value::Money { currency: currency.to_owned(), minor: minor_units(text)? },
        Kind::Date => Value::Date(text.parse().ok()?),
        Kind::Instant | Kind::Codes => return None,
    })
}

fn describe(facts: &Facts) -> String {
    let parts: Vec<String> = facts.iter().map(|(name, value)| format!("{name} = {}", show(value))).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

/// A value as an analyst would write it.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Code(code) => code.clone(),
        Value::Money { minor, currency } => format!("{}.{:02} {currency}", minor / 100, (minor % 100).abs()),
        Value::Date(date) => date.to_string(),
        Value::Instant(micros) => micros.to_string(),
        Value::Codes(codes) => codes.join(" + "),
    }
}
