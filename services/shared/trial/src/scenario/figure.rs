//! `figure`: what a report would say of the cases of a scenario, by reporting's own functions.

use playbook::FigureKind;
use reporting_core::Unit;
use serde::Deserialize;
use serde_json::Value;

use super::{
    expect::{Miss, differs},
    seen::{FigureSeen, Seen},
};

/// `{ figure: in_time, is: 50.0% }`, `{ figure: opened, of: B1, is: 2 }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureIs {
    /// Of the rule book; `id.p90` for what nine of ten stayed within.
    pub figure: String,
    /// The group: a branch, type, severity or category; without, all cases.
    pub of: Option<String>,
    /// As documents have it; of a list, its number of rows.
    pub is: Value,
}

pub(super) fn check(wanted: &FigureIs, seen: &dyn Seen) -> Vec<Miss> {
    let id = wanted.figure.strip_suffix(".p90").unwrap_or(&wanted.figure);
    let Some(rule) = seen.playbook().figures.iter().find(|figure| figure.id == id) else {
        return vec![Miss::new(format!("没有统计项“{id}”"), format!("there is no figure `{id}`"))];
    };
    let Some(figures) = seen.figures() else {
        return vec![Miss::new("期间算不出来".into(), "the period cannot be computed".into())];
    };
    let mut own = figures.iter().filter(|found| found.figure == wanted.figure);
    let what = format!("figure {}", wanted.figure);
    if matches!(rule.kind, FigureKind::List { .. }) {
        return differs(&what, &text(&wanted.is, Unit::Count), &own.count().to_string())
            .into_iter()
            .collect();
    }
    let group = |found: &&FigureSeen| match &wanted.of {
        Some(group) => found.by != "all" && found.key == *group,
        None => found.by == "all",
    };
    let found = own.find(group);
    let unit = found.map_or(Unit::Count, |found| found.unit);
    let shown = found.map_or("-", |found| found.shown.as_str());
    differs(&what, &text(&wanted.is, unit), shown).into_iter().collect()
}

/// A bare number means the same as the document's cell.
fn text(wanted: &Value, unit: Unit) -> String {
    match (wanted, unit) {
        (Value::String(text), _) => text.clone(),
        (Value::Number(number), Unit::Rate) => format!("{:.1}%", number.as_f64().unwrap_or_default()),
        (Value::Number(number), Unit::Score) => format!("{:.2}", number.as_f64().unwrap_or_default()),
        (other, _) => other.to_string(),
    }
}
