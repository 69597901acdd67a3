//! What a caller may see: the branches at or below the nodes where he holds a
//! role, and those of persons he stands in for while they are away.

use std::collections::BTreeSet;

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use proto::Time;

/// The whole organisation, in tokens of services.
const EVERYWHERE: &str = "*";

/// Whose eyes, and which branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `None`: all of them.
    pub branches: Option<Vec<String>>,
    /// The person, who must not see what he is barred from.
    pub person: Option<String>,
    /// The nodes that it comes from; empty for the whole organisation.
    pub nodes: BTreeSet<String>,
}

impl Scope {
    /// Narrowed to `wanted` (a branch or a node above some), unless empty.
    pub fn of(actor: &Actor, directory: &Snapshot, now: Time, wanted: &str) -> Result<Scope, Refusal> {
        let person = actor.person().map(str::to_owned);
        let nodes = nodes_of(actor, directory, now);
        let is_root = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
        let everywhere = nodes.iter().any(|node| node == EVERYWHERE || is_root(node));
        if !wanted.is_empty() {
            if directory.node(wanted).is_none() {
                return Err(Refusal::not_found("组织节点", "node", wanted));
            }
            if !everywhere && !nodes.iter().any(|node| directory.is_within(wanted, node)) {
                return Err(other_branch());
            }
            let nodes = BTreeSet::from([wanted.to_owned()]);
            return Ok(Scope { branches: Some(below(directory, &nodes)), person, nodes });
        }
        if everywhere {
            return Ok(Scope { branches: None, person, nodes: BTreeSet::new() });
        }
        if nodes.is_empty() {
            return Err(other_branch());
        }
        Ok(Scope { branches: Some(below(directory, &nodes)), person, nodes })
    }

    pub fn sees(&self, branch: &str) -> bool {
        self.branches.as_ref().is_none_or(|branches| branches.iter().any(|seen| seen == branch))
    }
}

fn nodes_of(actor: &Actor, directory: &Snapshot, now: Time) -> BTreeSet<String> {
    let mut nodes: BTreeSet<String> = actor.grants().iter().map(|grant| grant.node.clone()).collect();
    if let Some(person) = actor.person() {
        let away = directory.persons().filter(|other| other.is_absent(now));
        let replaced = away
            .filter(|away| directory.stand_in(&away.code, now, &BTreeSet::new()).as_deref() == Some(person));
        nodes.extend(replaced.flat_map(|away| away.roles.iter().map(|held| held.node.clone())));
    }
    nodes
}

fn below(directory: &Snapshot, nodes: &BTreeSet<String>) -> Vec<String> {
    let within = |code: &str| nodes.iter().any(|node| directory.is_within(code, node));
    directory.nodes().map(|node| node.code.clone()).filter(|code| within(code)).collect()
}

fn other_branch() -> Refusal {
    Refusal::denied(
        "other-branch",
        "您没有查看该组织数据的权限。",
        "You hold no role at or above this branch.",
    )
}

#[cfg(test)]
mod tests {
    use chassis_core::Grant;
    use proto::{AnyEvent, directory::v1 as said};

    use super::*;

    fn directory() -> Snapshot {
        let node = |code: &str, parent: &str| said::Node {
            code: code.into(),
            parent: parent.into(),
            level: "x".into(),
            ..Default::default()
        };
        let away = said::Person {
            code: "P1".into(),
            roles: vec![said::Role { role: "gm".into(), node: "B2".into() }],
            deputy: "P2".into(),
            absences: vec![said::Absence { from_at: 10, to_at: 20 }],
            ..Default::default()
        };
        let changed = said::DirectoryChanged {
            nodes: vec![node("G", ""), node("A", "G"), node("B1", "A"), node("B2", "A"), node("C", "G")],
            persons: vec![away, said::Person { code: "P2".into(), ..Default::default() }],
            ..Default::default()
        };
        let mut snapshot = Snapshot::default();
        snapshot.apply(1, &AnyEvent::DirectoryChanged(changed)).unwrap();
        snapshot
    }

    fn person(code: &str, nodes: &[&str]) -> Actor {
        let grants = nodes.iter().map(|node| Grant { role: "gm".into(), node: (*node).into() }).collect();
        Actor::Person { code: code.into(), grants }
    }

    fn seen(actor: &Actor, at: i64, wanted: &str) -> Result<Option<Vec<String>>, String> {
        Scope::of(actor, &directory(), Time(at), wanted)
            .map(|scope| scope.branches)
            .map_err(|refusal| refusal.gate)
    }

    fn some(codes: &[&str]) -> Result<Option<Vec<String>>, String> {
        Ok(Some(codes.iter().map(|code| (*code).to_owned()).collect()))
    }

    #[test]
    fn a_role_shows_its_node_and_what_lies_below() {
        assert_eq!(seen(&person("P9", &["G"]), 0, ""), Ok(None));
        assert_eq!(seen(&person("P9", &["A"]), 0, ""), some(&["A", "B1", "B2"]));
        assert_eq!(seen(&person("P9", &["B1", "C"]), 0, ""), some(&["B1", "C"]));
        assert_eq!(seen(&person("P9", &[]), 0, ""), Err("other-branch".into()));
    }

    #[test]
    fn a_wish_narrows_and_never_widens() {
        assert_eq!(seen(&person("P9", &["G"]), 0, "A"), some(&["A", "B1", "B2"]));
        assert_eq!(seen(&person("P9", &["A"]), 0, "B1"), some(&["B1"]));
        assert_eq!(seen(&person("P9", &["B1"]), 0, "A"), Err("other-branch".into()));
        assert_eq!(seen(&person("P9", &["G"]), 0, "X"), Err("not-found".into()));
    }

    #[test]
    fn a_deputy_sees_while_he_stands_in() {
        assert_eq!(seen(&person("P2", &["C"]), 15, ""), some(&["B2", "C"]));
        assert_eq!(seen(&person("P2", &["C"]), 20, ""), some(&["C"]));
    }

    #[test]
    fn services_see_everything() {
        let grants = vec![Grant { role: "service".into(), node: "*".into() }];
        assert_eq!(seen(&Actor::System { code: "notify".into(), grants }, 0, ""), Ok(None));
    }
}
