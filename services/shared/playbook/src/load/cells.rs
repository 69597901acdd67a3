//! Cells of decision tables (DMN unary tests), and the finitely many values that tell them apart.

use super::{reader::Ctx, table::read_literal};
use crate::{
    facts::{Kind, Value},
    table::{Cell, DecisionTable, Input},
    yaml::Node,
};

/// Values of one column such that any other value falls into the same cells as one of these. `None` is "absent".
pub(super) type Partition = Vec<Option<Value>>;

impl Ctx {
    pub fn cell(&mut self, node: &Node, input: &Input) -> Cell {
        match node.scalar() {
            Some("-") => Cell::Any,
            Some(text) => self.scalar_cell(node, text, input),
            None => Cell::OneOf(node.items().iter().map(|item| self.cell_value(item, input)).collect()),
        }
    }

    fn scalar_cell(&mut self, node: &Node, text: &str, input: &Input) -> Cell {
        if let Some(rest) = text.strip_prefix("not ") {
            let item = Node {
                span: node.span,
                value: crate::yaml::Yaml::Scalar { text: rest.trim().to_owned(), plain: true },
            };
            return Cell::NotOneOf(vec![self.cell_value(&item, input)]);
        }
        if matches!(input.kind, Kind::Int | Kind::Money | Kind::Date)
            && let Some(range) = self.range(node, text, input.kind)
        {
            return range;
        }
        Cell::OneOf(vec![self.cell_value(node, input)])
    }

    fn cell_value(&mut self, node: &Node, input: &Input) -> Value {
        let value = match input.kind {
            // Membership of a list is tested on its elements.
            Kind::Codes => Value::code(self.string(node)),
            kind => self.literal(node, kind),
        };
        if let Value::Code(code) = &value {
            let code = code.clone();
            self.code_of(node.span, &input.fact, &code);
        }
        value
    }

    /// `[1..5]`, `(1..5]`, `>= 5`, `< 5`; `None` when it is not written as a range.
    fn range(&mut self, node: &Node, text: &str, kind: Kind) -> Option<Cell> {
        let currency = self.names.currency.clone();
        let value = |part: &str| read_literal(part.trim(), kind, &currency);
        for (sign, low, included) in
            [(">=", true, true), ("<=", false, true), (">", true, false), ("<", false, false)]
        {
            if let Some(rest) = text.strip_prefix(sign) {
                let Some(bound) = value(rest) else { return self.bad_range(node, text) };
                let bound = Some((bound, included));
                return Some(if low {
                    Cell::Range { low: bound, high: None }
                } else {
                    Cell::Range { low: None, high: bound }
                });
            }
        }
        let (open, inner, close) = split_interval(text)?;
        let (low, high) = inner.split_once("..")?;
        match (value(low), value(high)) {
            (Some(low), Some(high)) => {
                Some(Cell::Range { low: Some((low, open == '[')), high: Some((high, close == ']')) })
            }
            _ => self.bad_range(node, text),
        }
    }

    fn bad_range(&mut self, node: &Node, text: &str) -> Option<Cell> {
        self.hinted(
            "PB0303",
            node.span,
            (format!("“{text}”不是范围"), format!("`{text}` is not a range")),
            ("写成 >= 5、< 5、[1..5] 或 (1..5]", "write >= 5, < 5, [1..5] or (1..5]"),
        );
        Some(Cell::Any)
    }
}

fn split_interval(text: &str) -> Option<(char, &str, char)> {
    let open = text.chars().next().filter(|c| matches!(c, '[' | '('))?;
    let close = text.chars().last().filter(|c| matches!(c, ']' | ')'))?;
    Some((open, text.get(1..text.len() - 1)?, close))
}

pub(super) fn partition(table: &DecisionTable, column: usize) -> Partition {
    let input = &table.inputs[column];
    let cells: Vec<&Cell> = table.rows.iter().filter_map(|row| row.cells.get(column)).collect();
    match input.kind {
        Kind::Bool => vec![Some(Value::Bool(false)), Some(Value::Bool(true))],
        Kind::Code | Kind::Codes => codes(input, &cells),
        Kind::Int | Kind::Money | Kind::Date => around_bounds(&cells),
        Kind::Instant => vec![None],
    }
}

fn codes(input: &Input, cells: &[&Cell]) -> Partition {
    let mut all: Vec<String> = input.domain.clone();
    if all.is_empty() {
        for value in cells.iter().flat_map(|c| values(c)) {
            if let Value::Code(code) = value
                && !all.contains(code)
            {
                all.push(code.clone());
            }
        }
        // Stands for every code that the table does not mention.
        all.push("<other>".to_owned());
    }
    all.into_iter()
        .map(|code| {
            Some(if input.kind == Kind::Codes { Value::Codes(vec![code]) } else { Value::Code(code) })
        })
        .collect()
}

/// Every bound and its neighbours: exact for whole numbers, minor units and days.
fn around_bounds(cells: &[&Cell]) -> Partition {
    let mut points: Vec<Option<Value>> = Vec::new();
    for bound in cells.iter().flat_map(|c| values(c)) {
        for point in [neighbour(bound, -1), Some(bound.clone()), neighbour(bound, 1)] {
            if point.is_some() && !points.contains(&point) {
                points.push(point);
            }
        }
    }
    if points.is_empty() { vec![None] } else { points }
}

fn neighbour(value: &Value, step: i64) -> Option<Value> {
    Some(match value {
        Value::Int(n) => Value::Int(n.checked_add(step)?),
        Value::Money { currency, minor } => {
            Value::Money { currency: currency.clone(), minor: minor.checked_add(step).filter(|m| *m >= 0)? }
        }
        Value::Date(date) => Value::Date(date.checked_add(jiff::Span::new().days(step)).ok()?),
        _ => return None,
    })
}

/// Values that a cell mentions.
fn values(cell: &Cell) -> Vec<&Value> {
    match cell {
        Cell::Any => Vec::new(),
        Cell::OneOf(values) | Cell::NotOneOf(values) => values.iter().collect(),
        Cell::Range { low, high } => low.iter().chain(high).map(|(value, _)| value).collect(),
    }
}
