//! Records of a contract become a command: trimmed, checked where only clear
//! text can be, sealed and hashed.

use std::collections::BTreeMap;

use chassis::Handle;
use chassis_core::Refusal;
use directory_core::{
    Account, BadRecord, Directory, Import, Kept, NodeInput, NodeRow, PersonInput, PersonRow, RoleHeld,
};
use futures::{StreamExt, TryStreamExt};
use proto::{
    Id, Time,
    directory::v1::{ImportRecordsRequest, NodeRecord, PersonRecord},
};

use crate::{
    files::phones,
    password::{Passwords, SHORTEST},
};

/// Sealed at the same time: about as many as there are connections for reads.
const AT_ONCE: usize = 6;

/// A command, and the records that did not become part of it.
pub struct Prepared {
    pub import: Import,
    pub bad: Vec<BadRecord>,
}

/// Seals for one request.
pub struct Preparer<'a> {
    pub handle: &'a Handle<Directory>,
    pub passwords: &'a Passwords,
}

impl Preparer<'_> {
    pub async fn prepare(&self, request: ImportRecordsRequest) -> Result<Prepared, Refusal> {
        let mut bad = Vec::new();
        let nodes = keep_good(request.nodes, &mut bad, bad_node);
        let persons = keep_good(request.persons, &mut bad, bad_person);
        let nodes =
            futures::stream::iter(nodes).map(|record| self.node(record)).buffered(AT_ONCE).try_collect();
        let nodes: Vec<NodeInput> = nodes.await?;
        let persons =
            futures::stream::iter(persons).map(|record| self.person(record)).buffered(AT_ONCE).try_collect();
        let persons: Vec<PersonInput> = persons.await?;
        Ok(Prepared { import: Import { nodes, persons, as_previewed: None }, bad })
    }

    async fn node(&self, record: NodeRecord) -> Result<NodeInput, Refusal> {
        let node = record.node.unwrap_or_default();
        let owner = NodeRow::key(node.code.trim());
        Ok(NodeInput {
            place: record.place,
            code: trimmed(&node.code),
            parent: filled(&node.parent),
            level: trimmed(&node.level),
            name: trimmed(&node.name),
            calendar: filled(&node.calendar),
            zone: filled(&node.zone),
            closed: node.closed,
            phone: self.keep(owner, &record.phone).await?,
            address: self.keep(owner, &record.address).await?,
        })
    }

    async fn person(&self, record: PersonRecord) -> Result<PersonInput, Refusal> {
        let owner = PersonRow::key(record.code.trim());
        let roles =
            record.roles.iter().map(|held| RoleHeld { role: trimmed(&held.role), node: trimmed(&held.node) });
        Ok(PersonInput {
            place: record.place,
            code: trimmed(&record.code),
            name: self.keep(owner, &record.name).await?,
            phone: self.keep(owner, &record.phone).await?,
            mail: self.keep(owner, &record.mail).await?,
            roles: roles.collect(),
            deputy: filled(&record.deputy),
            absences: record
                .absences
                .iter()
                .map(|absence| (Time(absence.from_at), Time(absence.to_at)))
                .collect(),
            disabled: record.disabled,
            skills: record
                .skills
                .iter()
                .map(|skill| trimmed(skill))
                .filter(|skill| !skill.is_empty())
                .collect(),
            password: self.new_password(record.code.trim(), record.password).await?,
        })
    }

    /// Sealed under its owner's key, with the token that tells whether it changed.
    async fn keep(&self, owner: Id, text: &str) -> Result<Option<Kept>, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let vault = self.handle.vault();
        // The owner is part of what is hashed: nobody can be found by it.
        let token = vault.token(&format!("kept {owner}"), text);
        Ok(Some(Kept { sealed: vault.seal(owner, text).await?, token }))
    }

    /// A hash, unless the account has this very password already.
    async fn new_password(&self, code: &str, password: String) -> Result<Option<String>, Refusal> {
        if password.is_empty() {
            return Ok(None);
        }
        let account = self.handle.load::<Account>(Account::key(code)).await?;
        if let Some(account) = account
            && self.passwords.verify(password.clone(), Some(account.hash)).await?
        {
            return Ok(None);
        }
        self.passwords.hash(password).await.map(Some)
    }
}

fn keep_good<R>(
    records: Vec<R>,
    bad: &mut Vec<BadRecord>,
    check: impl Fn(&R) -> Option<BadRecord>,
) -> Vec<R> {
    let mut good = Vec::with_capacity(records.len());
    for record in records {
        match check(&record) {
            Some(why) => bad.push(why),
            None => good.push(record),
        }
    }
    good
}

fn bad_node(record: &NodeRecord) -> Option<BadRecord> {
    if record.node.is_none() {
        return Some(BadRecord::new(&record.place, "node", "缺少组织节点。", "The node is missing."));
    }
    bad_phone(&record.place, &record.phone)
}

fn bad_person(record: &PersonRecord) -> Option<BadRecord> {
    let mail = record.mail.trim();
    if !mail.is_empty() && !is_mail(mail) {
        return Some(BadRecord::new(
            &record.place,
            "mail",
            "邮箱格式不正确。",
            "This is not a mail address.",
        ));
    }
    if !record.password.is_empty() && record.password.chars().count() < SHORTEST {
        return Some(BadRecord::new(
            &record.place,
            "password",
            format!("密码至少 {SHORTEST} 个字符。"),
            format!("A password needs at least {SHORTEST} characters."),
        ));
    }
    bad_phone(&record.place, &record.phone)
}

fn bad_phone(place: &str, phone: &str) -> Option<BadRecord> {
    let phone = phone.trim();
    (!phone.is_empty() && !phones::is_phone(phone)).then(|| {
        BadRecord::new(
            place,
            "phone",
            "电话格式不正确，例如 021-12345678、13812345678、400-123-4567。",
            "This is not a telephone number such as 021-12345678, 13812345678 or 400-123-4567.",
        )
    })
}

/// Something before and after one `@`, with a dot behind it.
fn is_mail(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '@')
    };
    plain(user) && plain(host) && host.split('.').all(|label| !label.is_empty()) && host.contains('.')
}

/// Bad records in the order of their places in the request.
pub fn in_order(mut bad: Vec<BadRecord>, places: &[String]) -> Vec<BadRecord> {
    let order: BTreeMap<&str, usize> =
        places.iter().enumerate().map(|(n, place)| (place.as_str(), n)).collect();
    bad.sort_by_key(|record| order.get(record.place.as_str()).copied().unwrap_or(usize::MAX));
    bad
}

fn trimmed(text: &str) -> String {
    text.trim().to_owned()
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_told_from_other_text() {
        for good in ["a@example.com", "li.na@mail.example.cn"] {
            assert!(is_mail(good), "{good}");
        }
        for bad in ["a", "a@b", "@b.c", "a@b..c", "a b@c.d", "a@b@c.d"] {
            assert!(!is_mail(bad), "{bad}");
        }
    }

    #[test]
    fn what_only_clear_text_shows_is_checked_here() {
        let person = |phone: &str, mail: &str, password: &str| PersonRecord {
            place: "persons.csv:2".into(),
            phone: phone.into(),
            mail: mail.into(),
            password: password.into(),
            ..Default::default()
        };
        let field = |record: &PersonRecord| bad_person(record).map(|bad| bad.field);
        assert_eq!(field(&person("021-12345678", "a@example.com", "long enough")), None);
        assert_eq!(field(&person("12345", "", "")).as_deref(), Some("phone"));
        assert_eq!(field(&person("", "nobody", "")).as_deref(), Some("mail"));
        assert_eq!(field(&person("", "", "short")).as_deref(), Some("password"));
        assert_eq!(bad_node(&NodeRecord::default()).map(|bad| bad.field).as_deref(), Some("node"));
    }

    #[test]
    fn bad_records_come_in_the_order_of_the_request() {
        let bad = |place: &str| BadRecord::new(place, "x", "", "");
        let sorted = in_order(vec![bad("c"), bad("a"), bad("b")], &["a".into(), "b".into(), "c".into()]);
        assert_eq!(sorted.iter().map(|b| b.place.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
