//! Roles, recipients and rule numbers, wherever they stand.

use super::reader::{Ctx, Object};
use crate::{
    role::{CasePerson, Level, Recipient, RoleAt},
    yaml::Node,
};

impl Ctx {
    /// A role, optionally `role@level`.
    pub fn role_at(&mut self, node: &Node) -> RoleAt {
        let word = node.scalar().unwrap_or_default().to_owned();
        let (role, level) = match word.split_once('@') {
            Some((role, level)) => (role, Level::ALL.into_iter().find(|l| l.as_str() == level).ok_or(level)),
            None => (word.as_str(), Ok(Level::Branch)),
        };
        let own = self.names.roles.get(role).copied();
        if own.is_none() {
            let known: Vec<String> = self.names.roles.keys().cloned().collect();
            self.unknown("PB0101", node.span, ("角色", "role"), role, known.iter().map(String::as_str));
        }
        let level = match level {
            Ok(level) if word.contains('@') => level,
            Ok(_) => own.unwrap_or(Level::Branch),
            Err(wrong) => {
                self.unknown("PB0006", node.span, ("层级", "level"), wrong, Level::ALL.map(Level::as_str));
                Level::Branch
            }
        };
        RoleAt { role: role.to_owned(), level }
    }

    /// Who is told: roles and parts played in the case.
    pub fn recipients(&mut self, node: &Node) -> Vec<Recipient> {
        let recipients: Vec<Recipient> = node.items().iter().map(|item| self.recipient(item)).collect();
        if recipients.is_empty() {
            self.error("PB0006", node.span, "至少要通知一个人", "somebody must be told");
        }
        recipients
    }

    fn recipient(&mut self, node: &Node) -> Recipient {
        match node.scalar().and_then(case_person) {
            Some(person) => Recipient::Person(person),
            None => Recipient::Role(self.role_at(node)),
        }
    }

    /// Numbers of the rules and readings behind something.
    pub fn rules(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let Some(node) = object.get("rules") else { return Vec::new() };
        let mut rules = Vec::new();
        for item in node.items() {
            let rule = self.string(item);
            let fine = rule.split_once('-').is_some_and(|(pack, number)| {
                !pack.is_empty()
                    && pack.chars().all(|c| c.is_ascii_uppercase())
                    && number.len() >= 2
                    && number.chars().all(|c| c.is_ascii_digit())
            });
            if !fine && !rule.is_empty() {
                self.error(
                    "PB0006",
                    item.span,
                    format!("“{rule}”不是条款号，例如 AB-08"),
                    format!("`{rule}` is not a rule number such as AB-08"),
                );
            }
            rules.push(rule);
        }
        rules
    }
}

pub(crate) fn case_person(word: &str) -> Option<CasePerson> {
    Some(match word {
        "holder" => CasePerson::Holder,
        "taker" => CasePerson::Taker,
        "follower" => CasePerson::Follower,
        "requester" => CasePerson::Requester,
        "customer" => CasePerson::Customer,
        _ => return None,
    })
}
