//! The words of a playbook: roles, parameters, named waits, privacy.

use std::collections::BTreeMap;

use calendar::Limit;

use super::{document::Document, people::case_person, reader::Ctx};
use crate::{
    facts::Value,
    model::{Param, ParamValue, Privacy, Wait},
    role::{Level, Role, RoleAt},
    yaml::{Entry, Node},
};

const LEVELS: &[(&str, Level)] = &[
    ("branch", Level::Branch),
    ("area", Level::Area),
    ("division", Level::Division),
    ("group", Level::Group),
];

/// Words that a role cannot be called by: they name parts played in a case.
const RESERVED: &[&str] = &["handler", "receiver"];

impl Ctx {
    pub fn roles(&mut self, document: &Document<'_>) -> BTreeMap<String, Role> {
        let mut roles = BTreeMap::new();
        for entry in self.section(document, "roles") {
            if RESERVED.contains(&entry.key.as_str()) || case_person(&entry.key).is_some() {
                self.error(
                    "PB0009",
                    entry.key_span,
                    format!("“{}”是保留词，不能作角色名", entry.key),
                    format!("`{}` is a reserved word, not a role", entry.key),
                );
            }
            let mut object = self.object(&entry.node);
            let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
            let level = object.need(self, "level").map_or(Level::Branch, |n| self.one_of(n, LEVELS));
            let required = object.get("required").is_some_and(|n| self.flag(n));
            let rules = self.rules(&mut object);
            object.done(self);
            roles.insert(entry.key.clone(), Role { id: entry.key.clone(), name, level, required, rules });
        }
        roles
    }

    pub fn params(&mut self, document: &Document<'_>) -> BTreeMap<String, Param> {
        let mut params = BTreeMap::new();
        for entry in self.section(document, "params") {
            let mut object = self.object(&entry.node);
            let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
            let value = match (object.get("limit"), object.get("value"), object.get("amount")) {
                (Some(limit), None, None) => ParamValue::Limit(self.plain_limit(limit)),
                (None, Some(value), None) => {
                    ParamValue::Value(Value::Int(self.int(value, i64::MIN, i64::MAX)))
                }
                (None, None, Some(amount)) => {
                    let minor = self.amount(amount);
                    ParamValue::Value(Value::Money { currency: self.names.currency.clone(), minor })
                }
                _ => {
                    self.error(
                        "PB0003",
                        object.span,
                        "参数要有 limit、value、amount 中的一个",
                        "a parameter has one of `limit`, `value`, `amount`",
                    );
                    ParamValue::Value(Value::Bool(false))
                }
            };
            let ours = object.get("ours").is_some_and(|n| self.flag(n));
            let rules = self.rules(&mut object);
            object.done(self);
            params.insert(entry.key.clone(), Param { id: entry.key.clone(), name, value, ours, rules });
        }
        params
    }

    /// A limit that is not itself a parameter.
    fn plain_limit(&mut self, node: &Node) -> Limit {
        let (limit, param) = self.limit(node);
        if param.is_some() {
            self.error("PB0008", node.span, "参数不能引用参数", "a parameter cannot be another parameter");
        }
        limit
    }

    pub fn waits(&mut self, document: &Document<'_>) -> BTreeMap<String, Wait> {
        let mut waits = BTreeMap::new();
        for entry in self.section(document, "waits") {
            let mut object = self.object(&entry.node);
            let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
            let owner = object.need(self, "owner").map_or_else(nobody, |n| self.role_at(n));
            let at_most =
                object.need(self, "at_most").map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
            let rules = self.rules(&mut object);
            object.done(self);
            waits.insert(entry.key.clone(), Wait { id: entry.key.clone(), name, owner, at_most, rules });
        }
        waits
    }

    pub fn privacy(&mut self, document: &Document<'_>) -> Privacy {
        let Some(node) = document.get("privacy") else {
            self.error(
                "PB0003",
                document.start(),
                "缺少“privacy”：个人信息由谁可看、保留多久",
                "`privacy` is missing: who may see personal data, and how long it is kept",
            );
            return Privacy::default();
        };
        let mut object = self.object(node);
        let mut reveal = BTreeMap::new();
        if let Some(fields) = object.need(self, "reveal") {
            self.object(fields);
            for entry in fields.entries() {
                if entry.key != "*" && !self.names.sealed.contains(&entry.key) {
                    let known: Vec<String> = self.names.sealed.iter().cloned().collect();
                    self.unknown(
                        "PB0109",
                        entry.key_span,
                        ("个人信息字段", "personal field"),
                        &entry.key,
                        known.iter().map(String::as_str),
                    );
                }
                let roles = entry.node.items().iter().map(|n| self.role_at(n).role).collect();
                reveal.insert(entry.key.clone(), roles);
            }
        }
        let days = |ctx: &mut Self, node: Option<&Node>| node.map_or(0, |n| ctx.count(n, 1, 36_500));
        let keep = object.need(self, "keep_days");
        let keep_days = days(self, keep);
        let recordings = object.need(self, "keep_recordings_days");
        let keep_recordings_days = days(self, recordings);
        let rules = self.rules(&mut object);
        object.done(self);
        Privacy { reveal, keep_days, keep_recordings_days, rules }
    }

    /// Entries of a section in all files, each with its place remembered.
    pub fn section<'n>(&mut self, document: &Document<'n>, section: &str) -> Vec<&'n Entry> {
        let mut all = Vec::new();
        for node in document.sections(section) {
            for entry in self.entries(node) {
                self.place(format!("{section}/{}", entry.key), entry.key_span);
                all.push(entry);
            }
        }
        all
    }
}

/// Stands in for a role that is missing.
pub(super) fn nobody() -> RoleAt {
    RoleAt { role: String::new(), level: Level::Branch }
}
