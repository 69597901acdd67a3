//! Facts that follow from others: what the free-standing decision tables say of a case. Each output of a table is a fact
//! like any other; whoever learns something about a case derives them anew, so they are never older than what they rest on.

use std::collections::BTreeSet;

use crate::{
    facts::{Facts, Value},
    table::{DecisionTable, HitPolicy, Row},
};

/// The free-standing tables, each after those whose outputs it reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Derivation {
    pub(crate) tables: Vec<DecisionTable>,
}

impl Derivation {
    /// Brings every output up to date; one that no row gives is absent.
    pub fn apply(&self, facts: &mut Facts) {
        for table in &self.tables {
            let said: Vec<Option<Value>> = {
                let rows = table.decide(facts);
                (0..table.outputs.len()).map(|column| outcome(table.hit, &rows, column, facts)).collect()
            };
            for (output, value) in table.outputs.iter().zip(said) {
                match value {
                    Some(value) => drop(facts.set(output, value)),
                    None => drop(facts.remove(output)),
                }
            }
        }
    }

    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().flat_map(|table| &table.outputs).map(String::as_str)
    }

    /// Whether any table reads this fact.
    pub fn reads(&self, fact: &str) -> bool {
        self.tables.iter().any(|table| table.reads().contains(&fact))
    }

    /// Whether an output rests on this fact, directly or through other tables.
    pub fn rests_on(&self, output: &str, fact: &str) -> bool {
        let mut open: Vec<&str> = vec![output];
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        while let Some(name) = open.pop().filter(|name| seen.insert(name)) {
            let by = self.tables.iter().find(|table| table.outputs.iter().any(|output| output == name));
            let reads = by.map(DecisionTable::reads).unwrap_or_default();
            if reads.contains(&fact) {
                return true;
            }
            open.extend(reads.into_iter().filter(|name| !seen.contains(name)));
        }
        false
    }

    pub(crate) fn table_of(&self, output: &str) -> Option<(&DecisionTable, usize)> {
        let column = |table: &DecisionTable| table.outputs.iter().position(|name| name == output);
        self.tables.iter().find_map(|table| Some((table, column(table)?)))
    }
}

/// What the deciding rows make of one column. Collected numbers and amounts add up, flags hold if one does, codes become
/// a list.
fn outcome(hit: HitPolicy, rows: &[&Row], column: usize, facts: &Facts) -> Option<Value> {
    let mut values = rows.iter().filter_map(|row| row.value(column, facts));
    let first = values.next()?;
    match hit {
        HitPolicy::Collect => values.try_fold(listed(first), together),
        HitPolicy::Unique | HitPolicy::First => Some(first),
    }
}

fn listed(value: Value) -> Value {
    match value {
        Value::Code(code) => Value::Codes(vec![code]),
        other => other,
    }
}

/// `None`: an amount beyond all bounds, or two currencies.
fn together(sum: Value, value: Value) -> Option<Value> {
    Some(match (sum, value) {
        (Value::Bool(a), Value::Bool(b)) => Value::Bool(a || b),
        (Value::Int(a), Value::Int(b)) => Value::Int(a.checked_add(b)?),
        (Value::Money { currency, minor: a }, Value::Money { currency: other, minor: b })
            if currency == other =>
        {
            Value::Money { currency, minor: a.checked_add(b)? }
        }
        (Value::Codes(mut codes), Value::Code(code)) => {
            if !codes.contains(&code) {
                codes.push(code);
            }
            Value::Codes(codes)
        }
        _ => return None,
    })
}
