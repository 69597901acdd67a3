//! Checks of a loaded playbook as a whole: `hotline playbook check`.
//!
//! `load` refuses whatever is wrong by itself; here the parts are looked at together. The heart is `explore`: every
//! case type is played through, conditions taken as free choices, to show that no case can get stuck, that some clock
//! runs whenever somebody is waited for (P9), and that every end is answered, resolved and told (P4).

#[cfg(test)]
mod agreement;
mod beside;
mod explore;
mod graph;
mod quick;
mod reads;
mod universe;
mod words;

use crate::{
    case::CaseType,
    clock::Clock,
    diagnostic::{Diagnostic, Gravity},
    load::reader::{MOST_FOUND, diagnostic},
    model::Playbook,
    role::{Recipient, RoleAt},
    step::Performer,
    text::Text,
};

impl Playbook {
    /// Everything questionable about this playbook: errors forbid activation, warnings ask for a look.
    pub fn check(&self) -> Vec<Diagnostic> {
        let mut found = Findings { playbook: self, found: Vec::new() };
        for case_type in self.types.values() {
            found.matrices(case_type);
            found.cases_opened_by(case_type);
            explore::explore(&mut found, case_type);
        }
        self.clocks.iter().for_each(|clock| found.clock(clock));
        found.unused_roles();
        let mut found = found.found;
        found.sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
        found
    }

    /// Every role, at the level where it is looked for, that somebody must be able to hold.
    pub fn roles_needed(&self) -> Vec<RoleAt> {
        let mut needed: Vec<RoleAt> = self
            .roles
            .values()
            .filter(|role| role.required)
            .map(|role| RoleAt { role: role.id.clone(), level: role.level })
            .collect();
        for clock in &self.clocks {
            needed.extend(clock.ladder.iter().flat_map(|rung| roles(&rung.tell)));
        }
        needed.extend(self.tells.iter().flat_map(|tell| roles(&tell.to)));
        needed.sort();
        needed.dedup();
        needed
    }

    /// Roles that a branch cannot fill, neither itself nor by anybody above. `is_filled` asks the organisation.
    pub fn unfilled_roles<'b>(
        &self,
        branches: impl IntoIterator<Item = &'b str>,
        is_filled: impl Fn(&str, &RoleAt) -> bool,
    ) -> Vec<Diagnostic> {
        let needed = self.roles_needed();
        let mut found = Findings { playbook: self, found: Vec::new() };
        for branch in branches {
            for role in needed.iter().filter(|role| !is_filled(branch, role)) {
                let (name, level) = (&role.role, role.level.as_str());
                found.error(
                    "PB0801",
                    &format!("roles/{name}"),
                    format!("{branch} 没有人担任“{name}”（{level}），上级也没有"),
                    format!("nobody holds `{name}` ({level}) for {branch}, nor anybody above"),
                );
            }
        }
        found.found
    }
}

fn roles(recipients: &[Recipient]) -> impl Iterator<Item = RoleAt> + '_ {
    recipients.iter().filter_map(|r| match r {
        Recipient::Role(role) => Some(role.clone()),
        Recipient::Person(_) => None,
    })
}

/// Findings under way.
pub(crate) struct Findings<'p> {
    pub playbook: &'p Playbook,
    pub found: Vec<Diagnostic>,
}

impl Findings<'_> {
    pub fn add(
        &mut self,
        gravity: Gravity,
        code: &'static str,
        place: &str,
        zh: String,
        en: String,
    ) -> &mut Diagnostic {
        let origin = &self.playbook.origin;
        let span = origin.places.get(place).copied().unwrap_or_default();
        self.found.truncate(MOST_FOUND);
        self.found.push(diagnostic(&origin.sources, code, gravity, span, Text::new(zh, en)));
        self.found.last_mut().expect("just pushed")
    }

    pub fn error(&mut self, code: &'static str, place: &str, zh: String, en: String) -> &mut Diagnostic {
        self.add(Gravity::Error, code, place, zh, en)
    }

    pub fn warning(&mut self, code: &'static str, place: &str, zh: String, en: String) -> &mut Diagnostic {
        self.add(Gravity::Warning, code, place, zh, en)
    }

    fn matrices(&mut self, case_type: &CaseType) {
        for step in &case_type.steps {
            if let Some(approval) = &step.approval {
                let place = format!("types/{}/steps/{}", case_type.id, step.id);
                let Some(matrix) = self.playbook.matrices.get(&approval.matrix) else { continue };
                let ladders: Vec<_> = matrix.ladders.iter().filter(|l| l.kind == approval.kind).collect();
                if ladders.is_empty() {
                    let (kind, matrix) = (&approval.kind, &approval.matrix);
                    self.error(
                        "PB0405",
                        &place,
                        format!("权限表“{matrix}”里没有“{kind}”"),
                        format!("the matrix `{matrix}` knows no kind `{kind}`"),
                    );
                }
                let askers = performers(case_type, &approval.requester);
                for approver in ladders.iter().flat_map(|l| &l.bands).flat_map(|b| &b.chain) {
                    if askers.contains(&approver.role) {
                        self.self_approval(&place, &approver.role.role);
                    }
                }
            }
        }
    }

    fn self_approval(&mut self, place: &str, role: &str) {
        let message = (
            format!("“{role}”申请又由“{role}”审批"),
            format!("`{role}` asks and `{role}` approves: nobody approves his own request"),
        );
        if !self.found.iter().any(|d| d.code == "PB0404" && d.message.en == message.1) {
            self.error("PB0404", place, message.0, message.1);
        }
    }

    fn clock(&mut self, clock: &Clock) {
        let place = format!("clocks/{}", clock.id);
        let acts = |r: &Recipient| matches!(r, Recipient::Role(_));
        if clock.ladder.last().is_some_and(|rung| !rung.tell.iter().any(acts)) {
            self.error(
                "PB0610",
                &place,
                "最后一级没有通知任何岗位，没有人能处理".into(),
                "the last rung tells no role, so nobody may act on it".into(),
            );
        }
    }

    /// A role that nothing mentions is probably a misspelling of intent.
    fn unused_roles(&mut self) {
        let text = self.playbook.to_json();
        let mut used = std::collections::BTreeSet::new();
        collect_words(&text, &mut used);
        for role in self.playbook.roles.keys() {
            if !used.contains(role.as_str()) {
                self.warning(
                    "PB0802",
                    &format!("roles/{role}"),
                    format!("角色“{role}”没有用到"),
                    format!("the role `{role}` is not used"),
                );
            }
        }
    }
}

/// Strings of the playbook apart from the declaration of the roles themselves.
fn collect_words<'v>(value: &'v serde_json::Value, words: &mut std::collections::BTreeSet<&'v str>) {
    match value {
        serde_json::Value::String(word) => {
            words.insert(word);
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_words(item, words)),
        serde_json::Value::Object(map) => {
            for (_, value) in map.iter().filter(|(key, _)| key.as_str() != "roles") {
                collect_words(value, words);
            }
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// Everybody who may stand behind a performer.
fn performers(case_type: &CaseType, who: &Performer) -> Vec<RoleAt> {
    match who {
        Performer::Role(role) => vec![role.clone()],
        Performer::Receiver => vec![case_type.routing.receiver.clone()],
        Performer::Follower => case_type.routing.follower.iter().cloned().collect(),
        Performer::Handler => {
            let table = &case_type.routing.table;
            let column = table.outputs.iter().position(|o| o == "handler");
            let rows = table.rows.iter().chain(&table.otherwise);
            rows.filter_map(|row| match column.and_then(|c| row.out.get(c)) {
                Some(crate::facts::Value::Code(role)) => case_type.routing.roles.get(role).cloned(),
                _ => None,
            })
            .collect()
        }
    }
}
