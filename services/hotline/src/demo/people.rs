//! The persons of the directory, as whom the cast acts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use chassis::core::{Actor, Grant};
use proto::{
    directory::v1::{ListNodesRequest, Node, Person},
    dispatch::v1::dispatch_service_client::DispatchServiceClient,
    follow_up::v1::follow_up_service_client::FollowUpServiceClient,
};

use crate::client::{Connection, Link, explain};

/// Who holds what, where.
#[derive(Debug, Default)]
pub struct Staff {
    /// Codes by (role, node), in order.
    holders: BTreeMap<(String, String), Vec<String>>,
    parents: HashMap<String, String>,
    persons: HashMap<String, Person>,
    pub branches: Vec<(String, String)>,
}

impl Staff {
    pub fn new(nodes: Vec<Node>, persons: Vec<Person>) -> Staff {
        let mut staff = Staff::default();
        for node in nodes {
            if node.level == "branch" && !node.closed {
                staff.branches.push((node.code.clone(), node.name.clone()));
            }
            staff.parents.insert(node.code, node.parent);
        }
        for person in persons.into_iter().filter(|person| !person.disabled) {
            for held in &person.roles {
                let key = (held.role.clone(), held.node.clone());
                staff.holders.entry(key).or_default().push(person.code.clone());
            }
            staff.persons.insert(person.code.clone(), person);
        }
        staff
    }

    /// The nearest holders of a role, from the branch upwards.
    pub fn holders(&self, role: &str, branch: &str) -> Vec<String> {
        let mut node = branch;
        loop {
            if let Some(found) = self.holders.get(&(role.to_owned(), node.to_owned())) {
                return found.clone();
            }
            match self.parents.get(node) {
                Some(parent) if !parent.is_empty() => node = parent,
                _ => return Vec::new(),
            }
        }
    }

    pub fn knows(&self, code: &str) -> bool {
        self.persons.contains_key(code)
    }

    /// Who stands in for somebody.
    pub fn deputy(&self, code: &str) -> Option<&str> {
        self.persons.get(code).map(|person| person.deputy.as_str()).filter(|deputy| !deputy.is_empty())
    }

    pub fn actor(&self, code: &str) -> Option<Actor> {
        let person = self.persons.get(code)?;
        let grant =
            |role: &proto::directory::v1::Role| Grant { role: role.role.clone(), node: role.node.clone() };
        Some(Actor::Person { code: code.to_owned(), grants: person.roles.iter().map(grant).collect() })
    }

    /// Holders of a role anywhere.
    pub fn all(&self, role: &str) -> Vec<String> {
        let held = self.holders.iter().filter(|((held, _), _)| held == role);
        held.flat_map(|(_, codes)| codes.clone()).collect()
    }
}

/// What somebody needs to work.
#[derive(Clone)]
pub struct Tools {
    pub dispatch: DispatchServiceClient<Link>,
    pub follow_up: FollowUpServiceClient<Link>,
}

/// The cast with its tools.
pub struct People {
    pub staff: Staff,
    connection: Connection,
    tools: Mutex<HashMap<String, Tools>>,
}

impl People {
    /// Everybody whom the directory knows.
    pub async fn read(connection: &Connection) -> anyhow::Result<People> {
        let mut directory = connection.directory(&connection.system());
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            let after = nodes.last().map(|node| node.code.clone()).unwrap_or_default();
            let ask = ListNodesRequest { level: String::new(), after, limit: 1_000 };
            let page = directory.list_nodes(ask).await.map_err(|status| anyhow::anyhow!(explain(&status)))?;
            let page = page.into_inner().nodes;
            if page.is_empty() {
                break;
            }
            nodes.extend(page);
        }
        let persons = connection.persons().await?;
        Ok(People {
            staff: Staff::new(nodes, persons),
            connection: connection.clone(),
            tools: Mutex::default(),
        })
    }

    /// The tools of a person, each with his own token.
    pub fn tools(&self, code: &str) -> anyhow::Result<Tools> {
        let mut tools = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tools.get(code) {
            return Ok(known.clone());
        }
        let actor =
            self.staff.actor(code).with_context(|| format!("the directory has no person `{code}`"))?;
        let made = Tools {
            dispatch: self.connection.dispatch(&actor).max_decoding_message_size(LARGEST),
            follow_up: self.connection.follow_up(&actor).max_decoding_message_size(LARGEST),
        };
        tools.insert(code.to_owned(), made.clone());
        Ok(made)
    }
}

/// A page of five hundred cases.
const LARGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use proto::directory::v1::Role;

    #[test]
    fn a_role_is_looked_for_upwards() {
        let node = |code: &str, parent: &str, level: &str| Node {
            code: code.into(),
            parent: parent.into(),
            level: level.into(),
            ..Default::default()
        };
        let person = |code: &str, role: &str, node: &str| Person {
            code: code.into(),
            roles: vec![Role { role: role.into(), node: node.into() }],
            ..Default::default()
        };
        let nodes = vec![node("G", "", "group"), node("A", "G", "area"), node("B", "A", "branch")];
        let persons =
            vec![person("P1", "gm", "B"), person("P2", "area-manager", "A"), person("P3", "gm", "A")];
        let staff = Staff::new(nodes, persons);
        assert_eq!(staff.holders("gm", "B"), ["P1"]);
        assert_eq!(staff.holders("area-manager", "B"), ["P2"]);
        assert!(staff.holders("legal", "B").is_empty());
        assert_eq!(staff.all("gm"), ["P3", "P1"]);
        assert_eq!(staff.branches, [("B".to_owned(), String::new())]);
        assert!(staff.actor("P1").is_some() && staff.actor("P9").is_none());
    }
}
