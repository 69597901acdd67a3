//! Judging a case: category, severity and tags out of its facts, by the playbook's tables.

use std::sync::Arc;

use chassis_core::{Refusal, RefusalKind};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Playbook, Value};

use crate::state::{Judged, PlaybookVersion, Raised, Ticket, Why};

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
        format!("Playbook {} version {} has not been read here yet; try again shortly.", version.id, version.version),
    )
}

/// What the tables say, with the floor that a ladder may have put under the severity.
pub(crate) fn judge(case_type: &CaseType, facts: &Facts, raised: Option<&Raised>) -> Judged {
    let said = case_type.classify(facts);
    let mut judged = Judged {
        category: said.category.unwrap_or_default(),
        severity: said.severity,
        tags: said.tags,
        reasons: said
            .reasons
            .into_iter()
            .map(|reason| Why { code: reason.code, rule: reason.rule, zh: reason.text.zh, en: reason.text.en })
            .collect(),
    };
    if let Some(raised) = raised.filter(|r| case_type.rank(&r.severity) > case_type.rank(&judged.severity)) {
        judged.severity.clone_from(&raised.severity);
        judged.reasons.push(Why {
            code: "escalated".to_owned(),
            rule: None,
            zh: format!("时限 {} 逾期，升级至第 {} 级", raised.clock, raised.rung),
            en: format!("clock {} ran out and rung {} was reached", raised.clock, raised.rung),
        });
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
    /// Takes in facts that a form or a step recorded; intake's own stay.
    pub(crate) fn absorb(&mut self, mut newer: Facts) {
        for own in OWN_FACTS {
            newer.remove(own);
        }
        self.facts.absorb(newer);
    }

    /// Judges anew; whether category, severity, tags or reasons changed.
    pub(crate) fn rejudge(&mut self, case_type: &CaseType) -> bool {
        let judged = judge(case_type, &self.facts, self.raised.as_ref());
        into_facts(&judged, &mut self.facts);
        let changed = judged != self.judged;
        self.judged = judged;
        changed
    }
}
