//! The persons of the directory, as whom the cast acts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};

use anyhow::Context;
use chassis::core::{Actor, Grant};
use directory::files::Reading;
use proto::{
    directory::v1::{ListNodesRequest, Node, Person, PersonRecord},
    dispatch::v1::dispatch_service_client::DispatchServiceClient,
    follow_up::v1::follow_up_service_client::FollowUpServiceClient,
    intake::v1::intake_service_client::IntakeServiceClient,
};

use crate::client::{Connection, Link, explain};

/// Who holds what, where.
#[derive(Debug, Default)]
pub struct Staff {
    /// Codes by (role, node), in order.
    holders: BTreeMap<(String, String), Vec<String>>,
    /// Codes by node, in order.
    at: BTreeMap<String, Vec<String>>,
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
                let here = staff.at.entry(held.node.clone()).or_default();
                if here.last() != Some(&person.code) {
                    here.push(person.code.clone());
                }
            }
            staff.persons.insert(person.code.clone(), person);
        }
        staff
    }

    /// Of an organisation that is not in force yet.
    pub fn invented(organisation: Reading) -> Staff {
        let nodes = organisation.nodes.into_iter().filter_map(|record| record.node).collect();
        let person = |record: PersonRecord| Person {
            code: record.code,
            roles: record.roles,
            deputy: record.deputy,
            ..Default::default()
        };
        Staff::new(nodes, organisation.persons.into_iter().map(person).collect())
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

    /// Everybody at the branch, then everybody above it, node by node.
    pub fn upwards(&self, branch: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut node = Some(branch);
        while let Some(code) = node.filter(|code| !code.is_empty()) {
            all.extend(self.at.get(code).into_iter().flatten().cloned());
            node = self.parents.get(code).map(String::as_str);
        }
        all
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
    pub intake: IntakeServiceClient<Link>,
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
        let made = self.tools_of(&actor);
        tools.insert(code.to_owned(), made.clone());
        Ok(made)
    }

    /// Whoever looks over all branches: the command line itself.
    pub fn overseer(&self) -> Tools {
        self.tools_of(&self.connection.system())
    }

    fn tools_of(&self, actor: &Actor) -> Tools {
        Tools {
            dispatch: self.connection.dispatch(actor).max_decoding_message_size(LARGEST),
            follow_up: self.connection.follow_up(actor).max_decoding_message_size(LARGEST),
            intake: self.connection.intake(actor),
        }
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
        assert_eq!(staff.upwards("B"), ["P1", "P2", "P3"]);
        assert_eq!(staff.branches, [("B".to_owned(), String::new())]);
        assert!(staff.actor("P1").is_some() && staff.actor("P9").is_none());
    }
}
