//! Judging a case: category, severity and tags out of its facts, by the playbook's tables.

use std::sync::Arc;

use chassis_core::{Refusal, RefusalKind};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Playbook, Value};

use crate::state::{Floor, Judged, PlaybookVersion, Ticket, Why};

/// Facts that intake sets itself: nobody else's word changes them.
const OWN_FACTS: &[&str] =
    &["type", "branch", "channel", "cycle", "reopened", "opened_at", "repeat", "severity", "tags"];

/// The rule book of a ticket. It was active when the ticket was opened, so it is on file.
pub(crate) fn rule_book<'a>(
    directory: &'a Snapshot,
    version: &PlaybookVersion,
) -> Result<&'a Arc<Playbook>, Refusal> {
    directory.playbook(&version.id, version.version).ok_or_else(|| missing_book(version))
}

/// The case type of a ticket, in the version it was opened under.
pub(crate) fn case_type<'a>(directory: &'a Snapshot, ticket: &Ticket) -> Result<&'a CaseType, Refusal> {
    rule_book(directory, &ticket.playbook)?
        .case_type(&ticket.case_type)
        .ok_or_else(|| missing_book(&ticket.playbook))
}

fn missing_book(version: &PlaybookVersion) -> Refusal {
    Refusal::new(
        RefusalKind::Unavailable,
        "no-playbook",
        format!("规则手册 {} 第 {} 版尚未读入，请稍后再试。", version.id, version.version),
        format!(
            "Playbook {} version {} has not been read here yet; try again shortly.",
            version.id, version.version
        ),
    )
}

/// What the tables say, with the floor that there may be under the severity.
pub(crate) fn judge(case_type: &CaseType, facts: &Facts, floor: Option<&Floor>) -> Judged {
    let said = case_type.classify(facts);
    let mut judged = Judged {
        category: said.category.unwrap_or_default(),
        severity: said.severity,
        tags: said.tags,
        reasons: said
            .reasons
            .into_iter()
            .map(|reason| Why {
                code: reason.code,
                rule: reason.rule,
                zh: reason.text.zh,
                en: reason.text.en,
            })
            .collect(),
    };
    if let Some(floor) =
        floor.filter(|floor| case_type.rank(&floor.severity) > case_type.rank(&judged.severity))
    {
        judged.severity.clone_from(&floor.severity);
        judged.reasons.push(floor.why.clone());
    }
    judged
}

/// Writes a judgement into the facts, where conditions of other services read it.
pub(crate) fn into_facts(judged: &Judged, facts: &mut Facts) {
    facts.remove("category");
    if !judged.category.is_empty() {
        facts.set("category", Value::code(&judged.category));
    }
    facts.set("severity", Value::code(&judged.severity));
    facts.set("tags", Value::Codes(judged.tags.clone()));
}

impl Ticket {
    /// Takes in what the form says now: newer than what a step may have said under the same name.
    pub(crate) fn absorb_form(&mut self, newer: Facts) {
        let newer = without_own(newer);
        newer.iter().for_each(|(name, _)| {
            self.step_facts.remove(name);
        });
        self.facts.absorb(newer);
    }

    /// Takes in what a step recorded, as far as a judgement or a decision table reads it: the rest is dispatch's.
    pub(crate) fn absorb_step(&mut self, newer: Facts, case_type: &CaseType) {
        let tables = [&case_type.category_table, &case_type.severity_table, &case_type.tag_table];
        let inputs = || tables.into_iter().flatten().flat_map(|table| &table.inputs);
        let read = |name: &str| {
            name == "category" || inputs().any(|input| input.fact == name) || case_type.derived.reads(name)
        };
        for (name, value) in without_own(newer).iter().filter(|(name, _)| read(name)) {
            self.step_facts.set(name, value.clone());
        }
    }

    /// Judges anew; whether category, severity, tags or reasons changed.
    pub(crate) fn rejudge(&mut self, case_type: &CaseType) -> bool {
        let mut judged = self.verdict(case_type);
        if self.is_sealed() && case_type.rank(&judged.severity) > case_type.rank(&self.judged.severity) {
            // Nobody would take the graver case's steps, and its clocks would run for nothing. What was found stays
            // in the facts, and counts from the next cycle on.
            judged.severity.clone_from(&self.judged.severity);
            judged.reasons.clone_from(&self.judged.reasons);
        }
        into_facts(&judged, &mut self.facts);
        self.derive(case_type);
        let changed = judged != self.judged;
        self.judged = judged;
        changed
    }

    /// What follows from everything known, steps included.
    fn derive(&mut self, case_type: &CaseType) {
        let mut known = self.facts.clone();
        known.absorb(self.step_facts.clone());
        case_type.derive(&mut known);
        for output in case_type.derived.outputs() {
            match known.get(output) {
                Some(value) => drop(self.facts.set(output, value.clone())),
                None => drop(self.facts.remove(output)),
            }
        }
    }

    /// What the tables say of everything known, whether it may take effect in this cycle or not.
    pub(crate) fn verdict(&self, case_type: &CaseType) -> Judged {
        let mut known = self.facts.clone();
        known.absorb(self.step_facts.clone());
        judge(case_type, &known, self.floor.as_ref())
    }

    /// Dispatch takes nothing more for this cycle.
    pub(crate) fn is_sealed(&self) -> bool {
        self.progress().work.is_some()
    }

    /// Puts a floor under the severity, unless a higher one is there.
    pub(crate) fn raise(&mut self, floor: Floor, case_type: &CaseType) {
        let known = self.floor.as_ref().map(|floor| case_type.rank(&floor.severity));
        if known.is_none_or(|known| case_type.rank(&floor.severity) > known) {
            self.floor = Some(floor);
        }
    }
}

fn without_own(mut facts: Facts) -> Facts {
    OWN_FACTS.iter().for_each(|own| {
        facts.remove(own);
    });
    facts
}
