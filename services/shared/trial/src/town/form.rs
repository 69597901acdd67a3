//! Fields as a scenario writes them, in the two halves that the services take: facts, and words that are sealed.

use std::collections::BTreeMap;

use chassis_core::{Refusal, Sealed};
use dispatch_core::{Proof, Report};
use intake_core::form::{Place, Reading, parse_field};
use jiff::tz::TimeZone;
use playbook::{CaseType, Facts, Field, FieldKind, ProofKind, Step};
use serde_json::Value as Json;

use super::intent::Texts;

/// Field -> what is written into it: words, numbers, truths, lists of choices.
pub type Words = BTreeMap<String, Json>;

/// A form, read.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub facts: Facts,
    pub personal: BTreeMap<String, Sealed>,
    /// Persons named in fields that bar them.
    pub about: Vec<String>,
    /// What identifies the customer and his things, by the kind of field.
    pub tokens: BTreeMap<&'static str, String>,
}

/// Reads a case type's form. A field that the form does not have goes on as it is: the core refuses it by name.
pub(super) fn fill(
    case_type: &CaseType,
    texts: &Texts,
    currency: &str,
    zone: &TimeZone,
) -> Result<Filled, Refusal> {
    let place = Place { currency: currency.to_owned(), zone: zone.clone() };
    let mut filled = Filled::default();
    for (name, text) in texts {
        let Some(field) = case_type.field(name) else {
            filled.personal.insert(name.clone(), sealed());
            continue;
        };
        match parse_field(field, text, &place).map_err(|wrong| Refusal::invalid(vec![wrong]))? {
            Reading::Facts(facts) => facts.into_iter().for_each(|(name, value)| {
                filled.facts.set(name, value);
            }),
            Reading::Personal(text) => filled.keep(field, text),
        }
    }
    Ok(filled)
}

impl Filled {
    fn keep(&mut self, field: &Field, text: String) {
        match field.kind {
            FieldKind::Person { bars: true } => self.about.push(text.clone()),
            FieldKind::Phone => drop(self.tokens.insert("phone", text.clone())),
            FieldKind::Plate => drop(self.tokens.insert("plate", text.clone())),
            FieldKind::Vin => drop(self.tokens.insert("vin", text.clone())),
            _ => {}
        }
        self.personal.insert(field.name.clone(), sealed());
    }
}

/// What a form says of who calls and about what: `phone`, `plate`, `vin`.
pub fn identifying(case_type: &CaseType, texts: &Texts) -> BTreeMap<&'static str, String> {
    let kind = |name: &str| match case_type.field(name)?.kind {
        FieldKind::Phone => Some("phone"),
        FieldKind::Plate => Some("plate"),
        FieldKind::Vin => Some("vin"),
        _ => None,
    };
    texts.iter().filter_map(|(name, text)| Some((kind(name)?, text.clone()))).collect()
}

/// Proofs are there unless the scenario says which.
pub(super) fn proofs(rule: Option<&Step>, named: Option<&[ProofKind]>) -> Vec<ProofKind> {
    let wanted =
        || rule.iter().flat_map(|rule| &rule.proofs).filter_map(|proof| proof.any_of.first().copied());
    named.map_or_else(|| wanted().collect(), <[ProofKind]>::to_vec)
}

/// A step's report.
pub(super) fn report(
    rule: Option<&Step>,
    texts: &Texts,
    proofs: &[ProofKind],
    currency: &str,
    zone: Option<&str>,
) -> Result<Report, Refusal> {
    let mut report = Report::default();
    for (name, text) in texts {
        let field = rule.and_then(|rule| rule.field(name));
        match field {
            Some(field) if !field.facts().is_empty() => {
                let read = dispatch_core::read_field(field, text, currency, zone);
                for (name, value) in read.map_err(|wrong| Refusal::invalid(vec![wrong]))? {
                    report.facts.set(name, value);
                }
            }
            _ => {
                if field.is_some_and(|field| matches!(field.kind, FieldKind::Person { bars: true })) {
                    report.bars.push(text.clone());
                }
                report.sealed.insert(name.clone(), sealed());
            }
        }
    }
    let proof =
        |kind: &ProofKind| Proof { kind: *kind, reference: "scenario/1".to_owned(), digest: vec![7; 32] };
    report.proofs = proofs.iter().map(proof).collect();
    Ok(report)
}

/// What is personal stays out of a trial: only that something was written counts.
pub(super) fn sealed() -> Sealed {
    Sealed::parse("s1.scenario").expect("it has the prefix")
}

/// The same as people type it.
pub(super) fn texts(words: &Words) -> Texts {
    words.iter().map(|(name, word)| (name.clone(), text(word))).collect()
}

/// A word as it stands on paper.
pub fn text(word: &Json) -> String {
    match word {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
