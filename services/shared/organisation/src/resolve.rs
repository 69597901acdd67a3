//! Who holds a role now: found at the moment of use, never stored in advance.

use std::collections::BTreeSet;

use playbook::RoleAt;
use proto::Time;

use crate::snapshot::Snapshot;

/// Who was found, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Person codes in order; empty when the role is vacant all the way up.
    pub persons: Vec<String>,
    /// The node at which they hold the role.
    pub node: Option<String>,
    /// The place asked for was vacant: they sit further up.
    pub climbed: bool,
}

impl Snapshot {
    /// The holders of a role seen from a branch: at the asked level, else the
    /// next node up that has one. Absent holders are replaced by their
    /// deputies; nobody barred or disabled is found (DG-03).
    pub fn resolve(&self, who: &RoleAt, branch: &str, at: Time, barred: &BTreeSet<String>) -> Found {
        let mut reached = false;
        let mut asked = None;
        for node in self.upwards(branch) {
            reached = reached || node.level == who.level.as_str();
            if !reached {
                continue;
            }
            let asked = *asked.get_or_insert(node.code.as_str());
            let persons = self.present_holders(&node.code, &who.role, at, barred);
            if !persons.is_empty() {
                return Found { persons, climbed: node.code != asked, node: Some(node.code.clone()) };
            }
        }
        Found::default()
    }

    /// Whether this person may act in a role for a branch: holds it at the
    /// branch or above, or stands in for an absent holder.
    pub fn may_act(&self, person: &str, role: &str, branch: &str, at: Time) -> bool {
        self.upwards(branch).any(|node| {
            self.holders_at(&node.code, role).iter().any(|holder| {
                holder == person || self.stand_in(holder, at, &BTreeSet::new()).as_deref() == Some(person)
            })
        })
    }

    /// The person himself if at work, else the first deputy who is.
    pub fn stand_in(&self, person: &str, at: Time, barred: &BTreeSet<String>) -> Option<String> {
        let mut seen = BTreeSet::new();
        let mut next = self.person(person)?;
        while seen.insert(next.code.clone()) {
            if !next.disabled && !next.is_absent(at) && !barred.contains(&next.code) {
                return Some(next.code.clone());
            }
            // Who is barred has no deputy in this case: his own people are not neutral.
            if barred.contains(&next.code) {
                return None;
            }
            next = self.person(next.deputy.as_deref()?)?;
        }
        None
    }

    fn present_holders(&self, node: &str, role: &str, at: Time, barred: &BTreeSet<String>) -> Vec<String> {
        let mut found = Vec::new();
        for holder in self.holders_at(node, role) {
            if let Some(person) = self.stand_in(holder, at, barred)
                && !found.contains(&person)
            {
                found.push(person);
            }
        }
        found
    }

    fn holders_at(&self, node: &str, role: &str) -> &[String] {
        self.holders.get(&(node.to_owned(), role.to_owned())).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use playbook::Level;
    use proto::{AnyEvent, directory::v1 as said};

    use super::*;

    fn node(code: &str, parent: &str, level: &str) -> said::Node {
        said::Node { code: code.into(), parent: parent.into(), level: level.into(), ..Default::default() }
    }

    fn person(code: &str, role: &str, at: &str, deputy: &str) -> said::Person {
        said::Person {
            code: code.into(),
            roles: vec![said::Role { role: role.into(), node: at.into() }],
            deputy: deputy.into(),
            ..Default::default()
        }
    }

    fn sample() -> Snapshot {
        let mut away = person("P2", "gm", "B1", "P3");
        away.absences = vec![said::Absence { from_at: 10, to_at: 20 }];
        let changed = said::DirectoryChanged {
            nodes: vec![
                node("G", "", "group"),
                node("A", "G", "area"),
                node("B1", "A", "branch"),
                node("B2", "A", "branch"),
            ],
            persons: vec![
                person("P1", "area-manager", "A", ""),
                away,
                person("P3", "cr-manager", "B1", "P2"),
                person("P4", "gm", "A", ""),
            ],
            ..Default::default()
        };
        let mut snapshot = Snapshot::default();
        snapshot.apply(1, &AnyEvent::DirectoryChanged(changed)).unwrap();
        snapshot
    }

    fn find(role: &str, level: Level, branch: &str, at: i64, barred: &[&str]) -> Vec<String> {
        let barred = barred.iter().map(|b| (*b).to_owned()).collect();
        sample().resolve(&RoleAt { role: role.into(), level }, branch, Time(at), &barred).persons
    }

    #[test]
    fn an_absent_holder_is_replaced_by_the_deputy() {
        assert_eq!(find("gm", Level::Branch, "B1", 5, &[]), ["P2"]);
        assert_eq!(find("gm", Level::Branch, "B1", 10, &[]), ["P3"]);
        assert_eq!(find("gm", Level::Branch, "B1", 20, &[]), ["P2"]);
    }

    #[test]
    fn a_vacant_role_is_found_further_up() {
        assert_eq!(find("gm", Level::Branch, "B2", 5, &[]), ["P4"]);
        assert_eq!(find("area-manager", Level::Branch, "B2", 5, &[]), ["P1"]);
        assert_eq!(find("legal", Level::Group, "B2", 5, &[]), Vec::<String>::new());
    }

    #[test]
    fn nobody_barred_is_found_nor_their_deputy() {
        assert_eq!(find("gm", Level::Branch, "B1", 5, &["P2"]), ["P4"]);
        assert_eq!(find("gm", Level::Branch, "B1", 12, &["P3"]), ["P4"]);
    }

    #[test]
    fn a_deputy_may_act_only_while_he_stands_in() {
        let snapshot = sample();
        assert!(!snapshot.may_act("P3", "gm", "B1", Time(5)));
        assert!(snapshot.may_act("P3", "gm", "B1", Time(15)));
        assert!(snapshot.may_act("P4", "gm", "B1", Time(5)));
    }

    #[test]
    fn an_entry_out_of_order_is_refused() {
        let mut snapshot = sample();
        assert!(snapshot.apply(3, &AnyEvent::TimeMoved(said::TimeMoved::default())).is_err());
    }
}
