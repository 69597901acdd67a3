//! Forms: reading one field's text into a typed value, and checking a whole form against the
//! playbook. Everything that does not fit is reported at once, field by field.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Sealed, Violation};
use jiff::{Timestamp, civil, tz::TimeZone};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Field, FieldKind, Value};

mod value;

pub use value::{Reading, parse_field};

/// Longest text that one field takes.
pub const MAX_TEXT: usize = 4000;

/// Where a form is read: money's currency and the wall clock of the branch.
#[derive(Clone, Debug)]
pub struct Place {
    pub currency: String,
    pub zone: TimeZone,
}

/// What a form must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A new case: every required field.
    Whole,
    /// Facts added later: only what was sent is checked.
    Sent,
}

/// A form in two halves, as the shell splits it.
pub(crate) struct Filled<'a> {
    pub facts: &'a Facts,
    pub personal: &'a BTreeMap<String, Sealed>,
    /// Persons named apart from the form satisfy its person fields.
    pub about_persons: &'a [String],
}

/// Whether the field's value is kept sealed: it is personal, or nothing that conditions could read.
pub fn is_sealed(field: &Field) -> bool {
    field.personal || field.kind.fact().is_none()
}

/// Everything that does not fit; `known` are the facts that required-when conditions read.
pub(crate) fn check(
    case_type: &CaseType,
    filled: &Filled<'_>,
    known: &Facts,
    demand: Demand,
    directory: &Snapshot,
) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (name, value) in filled.facts.iter() {
        match fact_field(case_type, name) {
            None => wrong.push(unknown(name)),
            Some(field) if !fits(field, value, directory) => wrong.push(misfit(field)),
            Some(_) => {}
        }
    }
    for name in filled.personal.keys() {
        if !case_type.field(name).is_some_and(is_sealed) {
            wrong.push(unknown(name));
        }
    }
    if demand == Demand::Whole {
        wrong.extend(missing(case_type, filled, known));
    }
    wrong
}

/// Persons complained about must be on the staff list, else nobody would be barred.
pub(crate) fn check_persons(about: &[String], directory: &Snapshot) -> Vec<Violation> {
    let unknown: BTreeSet<&String> = about.iter().filter(|code| directory.person(code).is_none()).collect();
    unknown
        .into_iter()
        .map(|code| {
            violation(
                "about_persons",
                format!("人员名册中没有 {code}。"),
                format!("There is nobody with code {code} on the staff list."),
            )
        })
        .collect()
}

fn missing(case_type: &CaseType, filled: &Filled<'_>, known: &Facts) -> Vec<Violation> {
    case_type
        .form
        .iter()
        .filter(|field| field.is_required(known) && !is_given(field, filled, known))
        .map(|field| Violation {
            field: path(&field.name),
            zh: format!("必填：{}。", field.label.zh),
            en: format!("Required: {}.", field.label.en),
        })
        .collect()
}

fn is_given(field: &Field, filled: &Filled<'_>, known: &Facts) -> bool {
    let named = matches!(field.kind, FieldKind::Person { bars: true }) && !filled.about_persons.is_empty();
    let facts = field.facts();
    named
        || filled.personal.contains_key(&field.name)
        || (!facts.is_empty() && facts.iter().all(|(name, _)| known.get(name).is_some()))
}

/// The field that gives rise to a fact of this name.
fn fact_field<'a>(case_type: &'a CaseType, name: &str) -> Option<&'a Field> {
    case_type.form.iter().find(|field| field.facts().iter().any(|(fact, _)| fact == name))
}

fn fits(field: &Field, value: &Value, directory: &Snapshot) -> bool {
    let exists = match (&field.kind, value) {
        (FieldKind::Branch, Value::Code(code)) => directory.node(code).is_some(),
        _ => true,
    };
    exists && field.accepts(value)
}

fn unknown(name: &str) -> Violation {
    violation(&path(name), "该表单没有这一栏。", "The form of this case type has no such field.")
}

fn misfit(field: &Field) -> Violation {
    let choices: Vec<&str> = field.choices().iter().map(|choice| choice.code.as_str()).collect();
    if choices.is_empty() {
        return violation(
            &path(&field.name),
            format!("{}：内容不符合要求（类型 {}）。", field.label.zh, field.kind.as_str()),
            format!("{}: the value does not fit (kind {}).", field.label.en, field.kind.as_str()),
        );
    }
    violation(
        &path(&field.name),
        format!("{}：只能是 {}。", field.label.zh, choices.join("、")),
        format!("{}: one of {} is expected.", field.label.en, choices.join(", ")),
    )
}

/// How a form's field is named in a violation.
pub fn path(name: &str) -> String {
    format!("form.{name}")
}

pub(crate) fn violation(field: &str, zh: impl Into<String>, en: impl Into<String>) -> Violation {
    Violation { field: field.to_owned(), zh: zh.into(), en: en.into() }
}

/// An instant as written: with an offset, or on the branch's wall clock.
fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let at: civil::DateTime = text.replacen(' ', "T", 1).parse().ok()?;
    Some(at.to_zoned(zone.clone()).ok()?.timestamp())
}
