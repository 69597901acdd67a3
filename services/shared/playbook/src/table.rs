//! Decision tables (DMN): unary tests over enumerations, numbers and flags; hit policies unique, first, collect.

use serde::Serialize;

use crate::{
    condition::{Condition, order},
    facts::{Facts, Kind, Value},
    text::Text,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HitPolicy {
    /// Exactly one row fits: checked when loaded.
    Unique,
    /// The first row that fits.
    First,
    /// Every row that fits, in order.
    Collect,
}

/// A column that is read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    pub fact: String,
    pub kind: Kind,
    /// All codes the fact can have, when they are declared.
    pub domain: Vec<String>,
}

/// One cell of a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// `-`
    Any,
    OneOf(Vec<Value>),
    NotOneOf(Vec<Value>),
    /// Bounds with "included"; `None` is open.
    Range {
        low: Option<(Value, bool)>,
        high: Option<(Value, bool)>,
    },
}

impl Cell {
    /// Whether a fact's value passes; a list passes when one of its elements does. An absent flag counts as false.
    pub fn fits(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(wanted) => is_one_of(value, wanted),
            Self::NotOneOf(refused) => !is_one_of(value, refused),
            Self::Range { low, high } => {
                value.is_some_and(|v| above(v, low.as_ref()) && below(v, high.as_ref()))
            }
        }
    }
}

fn is_one_of(value: Option<&Value>, wanted: &[Value]) -> bool {
    match value {
        None => wanted.contains(&Value::Bool(false)),
        Some(Value::Codes(codes)) => {
            wanted.iter().any(|w| matches!(w, Value::Code(code) if codes.contains(code)))
        }
        Some(value) => wanted.contains(value),
    }
}

fn above(value: &Value, low: Option<&(Value, bool)>) -> bool {
    low.is_none_or(|(bound, included)| {
        order(value, bound).is_some_and(|o| o.is_gt() || (*included && o.is_eq()))
    })
}

fn below(value: &Value, high: Option<&(Value, bool)>) -> bool {
    high.is_none_or(|(bound, included)| {
        order(value, bound).is_some_and(|o| o.is_lt() || (*included && o.is_eq()))
    })
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub cells: Vec<Cell>,
    /// One value per output column.
    pub out: Vec<Value>,
    /// Columns that are computed instead (`= price / 10`); what stands in `out` for them means nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub formulas: Vec<(usize, Condition)>,
    /// Shown as the reason of the decision.
    pub reason: Option<Text>,
    /// Stable code of the reason, e.g. `door_blocked`.
    pub code: Option<String>,
    pub rules: Vec<String>,
}

impl Row {
    /// What the row gives in a column; `None` if its formula needs what is absent.
    pub fn value(&self, column: usize, facts: &Facts) -> Option<Value> {
        match self.formulas.iter().find(|(at, _)| *at == column) {
            Some((_, formula)) => formula.value(facts),
            None => self.out.get(column).cloned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionTable {
    pub id: String,
    pub name: Text,
    pub hit: HitPolicy,
    pub inputs: Vec<Input>,
    pub outputs: Vec<String>,
    pub rows: Vec<Row>,
    /// Output when no row fits; a table without it must be complete.
    pub otherwise: Option<Row>,
    pub rules: Vec<String>,
}

impl DecisionTable {
    /// The rows that decide: one for unique and first, all that fit for collect, else the `otherwise` row.
    pub fn decide(&self, facts: &Facts) -> Vec<&Row> {
        let mut fitting = self.rows.iter().filter(|row| self.row_fits(row, facts));
        let hits: Vec<&Row> = match self.hit {
            HitPolicy::Collect => fitting.collect(),
            HitPolicy::Unique | HitPolicy::First => fitting.next().into_iter().collect(),
        };
        if hits.is_empty() { self.otherwise.iter().collect() } else { hits }
    }

    /// A named output of the deciding row (the first one for collect).
    pub fn value(&self, facts: &Facts, output: &str) -> Option<Value> {
        let column = self.outputs.iter().position(|o| o == output)?;
        self.decide(facts).first().and_then(|row| row.value(column, facts))
    }

    /// Every fact that it looks at.
    pub fn reads(&self) -> Vec<&str> {
        let inputs = self.inputs.iter().map(|input| input.fact.as_str());
        let rows = self.rows.iter().chain(&self.otherwise);
        let formulas = rows.flat_map(|row| &row.formulas).flat_map(|(_, formula)| formula.reads());
        inputs.chain(formulas).collect()
    }

    pub(crate) fn row_fits(&self, row: &Row, facts: &Facts) -> bool {
        self.inputs.iter().zip(&row.cells).all(|(input, cell)| cell.fits(facts.get(&input.fact)))
    }
}
