//! Who gets the work.

use serde::Serialize;

use crate::{
    facts::{Facts, Value},
    role::RoleAt,
    table::DecisionTable,
};

/// What happens when the receiver refuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Who decides then, and gets the hand-off.
    pub to: RoleAt,
    pub reason_required: bool,
}

/// How one ticket is routed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// Acknowledges the hand-off at the branch.
    pub receiver: RoleAt,
    /// Code of the department at the branch that handles it.
    pub unit: String,
    /// Main handler: performer of the steps that say `handler`.
    pub handler: RoleAt,
    /// Take part beside the handler.
    pub helpers: Vec<RoleAt>,
    /// Follows the case to the end (DC-18).
    pub follower: Option<RoleAt>,
    pub on_refusal: Refusal,
    /// The clock that runs from hand-off to acknowledgement; its ladder is what happens on silence.
    pub on_silence: Option<String>,
    pub rules: Vec<String>,
}

/// The routing part of a case type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Routing {
    pub receiver: RoleAt,
    pub follower: Option<RoleAt>,
    /// Outputs `unit`, `handler` (role) and `helpers` (roles, optional).
    pub table: DecisionTable,
    /// Levels of the roles that the table names.
    pub roles: std::collections::BTreeMap<String, RoleAt>,
    pub on_refusal: Refusal,
    pub on_silence: Option<String>,
    /// How a person is chosen among several holders of the role.
    pub choose: Vec<Preference>,
    pub rules: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    LeastLoad,
    Skill,
    Nearest,
    Before,
}

impl Routing {
    /// `None` only when a table without `otherwise` meets facts it was not checked for (e.g. no category).
    pub fn route(&self, facts: &Facts) -> Option<Route> {
        let row = self.table.decide(facts).into_iter().next()?;
        let mut route = Route {
            receiver: self.receiver.clone(),
            unit: String::new(),
            handler: self.receiver.clone(),
            helpers: Vec::new(),
            follower: self.follower.clone(),
            on_refusal: self.on_refusal.clone(),
            on_silence: self.on_silence.clone(),
            rules: self.rules.iter().chain(&row.rules).cloned().collect(),
        };
        for (output, value) in self.table.outputs.iter().zip(&row.out) {
            match (output.as_str(), value) {
                ("unit", Value::Code(unit)) => route.unit.clone_from(unit),
                ("handler", Value::Code(role)) => route.handler = self.role_at(role)?,
                ("helpers", Value::Codes(roles)) => {
                    route.helpers = roles.iter().filter_map(|r| self.role_at(r)).collect()
                }
                _ => {}
            }
        }
        Some(route)
    }

    fn role_at(&self, role: &str) -> Option<RoleAt> {
        self.roles.get(role).cloned()
    }
}
