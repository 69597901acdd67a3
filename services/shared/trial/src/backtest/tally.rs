//! What came of all cases: counts by branch and type, by clock, by role.

use std::collections::BTreeMap;

use playbook::{CasePerson, Recipient};
use sla_watchdog_core::{How, Verdict};

use crate::recorded::History;

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    pub branch: String,
    /// The case type, with the kind where the recording has one.
    pub matter: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub cases: u64,
    /// Of the runs of clocks.
    pub started: u64,
    pub met: u64,
    pub breached: u64,
    pub cancelled: u64,
    /// Without a verdict at the end of the recording.
    pub running: u64,
    pub warnings: u64,
    pub rungs: u64,
    pub calls: u64,
}

impl Count {
    /// With their names, in the order in which they are shown.
    pub fn figures(&self) -> [(&'static str, u64); 9] {
        [
            ("cases", self.cases),
            ("started", self.started),
            ("met", self.met),
            ("breached", self.breached),
            ("cancelled", self.cancelled),
            ("running", self.running),
            ("warnings", self.warnings),
            ("rungs", self.rungs),
            ("calls", self.calls),
        ]
    }

    fn verdict(&mut self, verdict: &Verdict<'_>) {
        self.started += 1;
        self.warnings += verdict.warnings as u64;
        self.rungs += verdict.rungs.len() as u64;
        match (verdict.breached, verdict.ended) {
            (Some(_), _) => self.breached += 1,
            (None, Some((_, How::Met))) => self.met += 1,
            (None, Some((_, How::Cancelled))) => self.cancelled += 1,
            (None, None) => self.running += 1,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub total: Count,
    pub groups: BTreeMap<Group, Count>,
    pub clocks: BTreeMap<String, Count>,
    /// Rungs by whom they tell.
    pub told: BTreeMap<String, u64>,
    pub severities: BTreeMap<String, u64>,
    /// Call-backs by rule.
    pub calls: BTreeMap<String, u64>,
    /// Case types that the rule book does not have.
    pub unknown: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn unknown_type(&mut self, case_type: &str) {
        *self.unknown.entry(case_type.to_owned()).or_default() += 1;
    }

    pub(super) fn case(
        &mut self,
        history: &History,
        severity: &str,
        verdicts: &[Verdict<'_>],
        calls: &BTreeMap<String, u64>,
    ) {
        let mut count = Count { cases: 1, ..Count::default() };
        for verdict in verdicts {
            count.verdict(verdict);
            entry(&mut self.clocks, &verdict.clock.id).verdict(verdict);
            for rung in verdict.clock.ladder.iter().take(verdict.rungs.len()) {
                for recipient in &rung.tell {
                    *entry(&mut self.told, name(recipient)) += 1;
                }
            }
        }
        for (rule, number) in calls {
            count.calls += number;
            *entry(&mut self.calls, rule) += number;
        }
        if !severity.is_empty() {
            *entry(&mut self.severities, severity) += 1;
        }
        let matter = match history.kind.as_str() {
            "" => history.case_type.clone(),
            kind => format!("{}/{kind}", history.case_type),
        };
        let group = self.groups.entry(Group { branch: history.branch.clone(), matter }).or_default();
        for sum in [group, &mut self.total] {
            add(sum, &count);
        }
    }
}

/// Names are few and repeat: no new one is made for one that is there.
fn entry<'m, V: Default>(map: &'m mut BTreeMap<String, V>, key: &str) -> &'m mut V {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), V::default());
    }
    map.get_mut(key).expect("it is there or was put there")
}

fn add(sum: &mut Count, more: &Count) {
    sum.cases += more.cases;
    sum.started += more.started;
    sum.met += more.met;
    sum.breached += more.breached;
    sum.cancelled += more.cancelled;
    sum.running += more.running;
    sum.warnings += more.warnings;
    sum.rungs += more.rungs;
    sum.calls += more.calls;
}

fn name(recipient: &Recipient) -> &str {
    match recipient {
        Recipient::Role(role) => &role.role,
        Recipient::Person(CasePerson::Holder) => "holder",
        Recipient::Person(CasePerson::Taker) => "taker",
        Recipient::Person(CasePerson::Follower) => "follower",
        Recipient::Person(CasePerson::Requester) => "requester",
        Recipient::Person(CasePerson::Customer) => "customer",
    }
}
