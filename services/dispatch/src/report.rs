//! A step's report out of the contract: the playbook says which fields are words of people (sealed here) and which are
//! facts (typed here). Everything that does not fit is named at once.

use std::collections::BTreeMap;

use chassis::Vault;
use chassis_core::{Refusal, Sealed, Violation};
use dispatch_core::{Proof, Report, Work, read_field, step_rule};
use organisation::Snapshot;
use playbook::{Facts, Field, FieldKind, ProofKind};
use proto::{Id, Time, dispatch::v1 as contract};

/// The longest text of one field, in characters.
const LONGEST_TEXT: usize = 4_000;
const MOST_FIELDS: usize = 200;
const MOST_PROOFS: usize = 50;

/// What was reported, with its words in clear yet.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    pub report: Report,
    pub words: BTreeMap<String, String>,
}

impl Plain {
    /// Seals the words under the customer's key.
    pub async fn seal(mut self, vault: &Vault, owner: Id) -> Result<Report, Refusal> {
        for (name, text) in self.words {
            self.report.sealed.insert(name, vault.seal(owner, &text).await?);
        }
        Ok(self.report)
    }
}

/// Reads the fields by the rule book of the ticket.
pub(crate) fn plain(
    work: &Work,
    directory: &Snapshot,
    message: &contract::CompleteStepRequest,
) -> Result<Plain, Refusal> {
    let rule = step_rule(work, directory, &message.step)?;
    let currency = directory
        .playbook(&work.playbook, work.version)
        .map(|book| book.currency.clone())
        .unwrap_or_default();
    let reader = Reader { directory, currency: &currency, zone: directory.zone_of(&work.branch) };
    let mut violations = Vec::new();
    let mut plain = Plain::default();
    if message.fields.len() > MOST_FIELDS || message.proofs.len() > MOST_PROOFS {
        violations.push(violation("fields", "字段或凭证太多", "too many fields or proofs"));
    }
    for (name, text) in message.fields.iter().take(MOST_FIELDS).filter(|(_, text)| !text.trim().is_empty()) {
        let taken = match rule.field(name) {
            Some(field) => reader.take(field, text.trim(), &mut plain),
            None => Err(at_field(name, "这一步没有这个字段", "this step has no such field")),
        };
        violations.extend(taken.err());
    }
    for (place, proof) in message.proofs.iter().take(MOST_PROOFS).enumerate() {
        match proof_kind(&proof.kind) {
            Some(kind) => plain.report.proofs.push(Proof {
                kind,
                reference: proof.reference.clone(),
                digest: proof.digest.to_vec(),
            }),
            None => violations.push(violation(
                &format!("proofs[{place}].kind"),
                "须为 photo、signature、recording 或 document",
                "one of photo, signature, recording, document",
            )),
        }
    }
    plain.report.occurred_at = Time(message.occurred_at).set();
    if violations.is_empty() { Ok(plain) } else { Err(Refusal::invalid(violations)) }
}

struct Reader<'a> {
    directory: &'a Snapshot,
    currency: &'a str,
    zone: Option<&'a str>,
}

impl Reader<'_> {
    fn take(&self, field: &Field, text: &str, plain: &mut Plain) -> Result<(), Violation> {
        self.check_reference(field, text)?;
        // What no condition can read is kept as it was written: an order's number is nobody's person, and no fact either.
        if field.facts().is_empty() {
            if text.chars().count() > LONGEST_TEXT {
                let zh = format!("最多 {LONGEST_TEXT} 个字");
                return Err(at_field(&field.name, &zh, &format!("at most {LONGEST_TEXT} characters")));
            }
            if matches!(field.kind, FieldKind::Person { bars: true }) {
                plain.report.bars.push(text.to_owned());
            }
            plain.words.insert(field.name.clone(), text.to_owned());
            return Ok(());
        }
        let read = read_field(field, text, self.currency, self.zone)?;
        plain.report.facts.absorb(read.into_iter().collect::<Facts>());
        Ok(())
    }

    /// Persons and branches are named by codes of the directory.
    fn check_reference(&self, field: &Field, text: &str) -> Result<(), Violation> {
        match field.kind {
            FieldKind::Person { .. } if self.directory.person(text).is_none() => Err(at_field(
                &field.name,
                "没有这个人员（请填人员代码）",
                "there is no such person (a code is expected)",
            )),
            FieldKind::Branch if self.directory.node(text).is_none() => {
                Err(at_field(&field.name, "没有这个门店", "there is no such branch"))
            }
            _ => Ok(()),
        }
    }
}

/// Free words of a command: sealed; none if empty.
pub(crate) async fn seal_words(vault: &Vault, owner: Id, text: &str) -> Result<Option<Sealed>, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.chars().count() > LONGEST_TEXT {
        let zh = format!("最多 {LONGEST_TEXT} 个字");
        return Err(Refusal::field("text", zh, format!("at most {LONGEST_TEXT} characters")));
    }
    vault.seal(owner, text).await.map(Some)
}

fn proof_kind(code: &str) -> Option<ProofKind> {
    Some(match code {
        "photo" => ProofKind::Photo,
        "signature" => ProofKind::Signature,
        "recording" => ProofKind::Recording,
        "document" => ProofKind::Document,
        _ => return None,
    })
}

fn at_field(name: &str, zh: &str, en: &str) -> Violation {
    violation(&format!("fields.{name}"), zh, en)
}

fn violation(field: &str, zh: &str, en: &str) -> Violation {
    Violation { field: field.to_owned(), zh: zh.to_owned(), en: en.to_owned() }
}

#[cfg(test)]
mod tests {
    use playbook::Value;

    use super::*;

    use crate::shop::{self, Shop};

    fn message(step: &str, fields: &[(&str, &str)]) -> contract::CompleteStepRequest {
        contract::CompleteStepRequest {
            step: step.into(),
            fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            ..Default::default()
        }
    }

    fn read(shop: &Shop, message: &contract::CompleteStepRequest) -> Result<Plain, Refusal> {
        plain(&shop.work(), &shop.core.directory, message)
    }

    fn fields(refusal: &Refusal) -> Vec<&str> {
        refusal.violations.iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn words_and_facts_part_ways() {
        let shop = Shop::running();
        let written = [("solution", " a new clutch "), ("amount", "1200.50"), ("culprit", "TECH")];
        let read = read(&shop, &message("propose", &written)).unwrap();
        assert_eq!(read.report.facts.get("amount"), Some(&Value::money("CNY", 120_050)));
        assert_eq!(read.report.facts.len(), 1, "words are never facts");
        assert_eq!(read.words["solution"], "a new clutch");
        assert_eq!(read.words["culprit"], "TECH");
        assert_eq!(read.report.bars, ["TECH"]);
        assert!(read.report.sealed.is_empty());
    }

    #[test]
    fn the_number_of_an_order_is_kept_though_it_is_no_fact() {
        let shop = Shop::running();
        let read = read(&shop, &message("propose", &[("part_order", "YS-2031")])).unwrap();
        assert_eq!(read.words["part_order"], "YS-2031");
        assert!(read.report.facts.is_empty());
    }

    #[test]
    fn everything_that_does_not_fit_is_named_at_once() {
        let shop = Shop::running();
        let long = "字".repeat(LONGEST_TEXT + 1);
        let written =
            [("solution", long.as_str()), ("amount", "much"), ("culprit", "NOBODY"), ("weather", "fine")];
        let mut message = message("propose", &written);
        message.proofs = vec![contract::Proof { kind: "rumour".into(), ..Default::default() }];
        let refusal = read(&shop, &message).unwrap_err();
        assert_eq!(
            fields(&refusal),
            ["fields.amount", "fields.culprit", "fields.solution", "fields.weather", "proofs[0].kind"]
        );
    }

    #[test]
    fn an_empty_field_is_not_given_and_an_unknown_step_is_refused() {
        let shop = Shop::running();
        let read_empty = read(&shop, &message("propose", &[("solution", "  "), ("weather", "")])).unwrap();
        assert!(read_empty.words.is_empty() && read_empty.report.facts.is_empty());
        assert_eq!(fields(&read(&shop, &message("dance", &[])).unwrap_err()), ["step"]);
    }

    #[test]
    fn what_the_shell_reads_the_core_takes() {
        let mut shop = Shop::running();
        shop.judge();
        let read = read(&shop, &message("propose", &[("amount", "10")])).unwrap();
        let mut report = read.report;
        report.sealed.insert("solution".into(), shop::sealed());
        shop.complete("SERVICE", "propose", report).unwrap();
    }
}
