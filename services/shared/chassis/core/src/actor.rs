//! Who speaks: a person or a system, with roles at organisation nodes.

use serde::{Deserialize, Serialize};

/// A role held at a node of the organisation (and below it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub role: String,
    pub node: String,
}

/// Whoever a token names; stands on every journal entry by its `code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A person by directory code.
    Person { code: String, grants: Vec<Grant> },
    /// A system: an importer, a telephone exchange, an executor.
    System { code: String, grants: Vec<Grant> },
    /// The service itself: events and timers.
    Service { name: String },
}

impl Actor {
    /// `person:P0007`, `system:import`, `service:dispatch`.
    pub fn code(&self) -> String {
        match self {
            Actor::Person { code, .. } => format!("person:{code}"),
            Actor::System { code, .. } => format!("system:{code}"),
            Actor::Service { name } => format!("service:{name}"),
        }
    }

    /// The person's directory code, if a person speaks.
    pub fn person(&self) -> Option<&str> {
        match self {
            Actor::Person { code, .. } => Some(code),
            Actor::System { .. } | Actor::Service { .. } => None,
        }
    }

    pub fn grants(&self) -> &[Grant] {
        match self {
            Actor::Person { grants, .. } | Actor::System { grants, .. } => grants,
            Actor::Service { .. } => &[],
        }
    }

    /// Holds this role somewhere.
    pub fn has_role(&self, role: &str) -> bool {
        self.grants().iter().any(|grant| grant.role == role)
    }
}
