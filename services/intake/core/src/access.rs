//! Who may act on a case, and who may see it.

use std::collections::BTreeSet;

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use playbook::CaseType;

use crate::{judge, state::Ticket};

/// Reads and commands alike: within the own part of the organisation, and not complained about.
pub fn may_touch(directory: &Snapshot, actor: &Actor, ticket: &Ticket) -> Result<(), Refusal> {
    // The book may not have been read here yet: he is kept out all the same.
    let case_type = judge::case_type(directory, ticket).ok();
    not_barred(actor, &ticket.barred, case_type)?;
    may_work_at(directory, actor, &ticket.branch)
}

/// Branch people act for branches at or below their node; the group for all.
pub fn may_work_at(directory: &Snapshot, actor: &Actor, branch: &str) -> Result<(), Refusal> {
    let within = match actor {
        Actor::Service { .. } => true,
        Actor::Person { .. } | Actor::System { .. } => {
            actor.grants().iter().any(|grant| directory.is_within(branch, &grant.node))
        }
    };
    if within {
        return Ok(());
    }
    Err(Refusal::denied(
        "other-branch",
        format!("您在门店 {branch} 没有任何职务，不能处理该门店的工单。"),
        format!("You hold no role at branch {branch} or above it, so its cases are not yours to handle."),
    ))
}

/// The person complained about takes no part.
pub fn not_barred(
    actor: &Actor,
    barred: &BTreeSet<String>,
    case_type: Option<&CaseType>,
) -> Result<(), Refusal> {
    match actor.person() {
        Some(person) if barred.contains(person) => Err(Refusal::denied(
            "barred",
            "该投诉涉及您本人，您不能查看或参与处理，请交由他人办理。",
            "This complaint concerns you: you can neither see it nor take part. Hand it to somebody else.",
        )
        .citing(&case_type.map(CaseType::bar_rules).unwrap_or_default())),
        _ => Ok(()),
    }
}

/// Anybody with a role may ask who is calling.
pub fn has_any_role(actor: &Actor) -> Result<(), Refusal> {
    match actor {
        Actor::Service { .. } => Ok(()),
        _ if !actor.grants().is_empty() => Ok(()),
        _ => Err(Refusal::denied(
            "no-role",
            "您没有任何职务，不能查询客户档案。",
            "You hold no role, so the customer file is not open to you.",
        )),
    }
}

/// Roles that look after rule books, held at the root of the organisation.
const ADMINISTRATORS: [&str; 2] = ["administrator", "system"];

/// What concerns the cases of everybody is decided by administrators of the whole group.
pub fn is_administrator(directory: &Snapshot, actor: &Actor) -> Result<(), Refusal> {
    let at_root = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
    let administers = |role: &str| ADMINISTRATORS.contains(&role);
    if actor.grants().iter().any(|grant| administers(&grant.role) && at_root(&grant.node)) {
        return Ok(());
    }
    Err(Refusal::denied(
        "not-administrator",
        "只有集团层级的管理员可以把在办工单移到另一版规则；没有任何改动。",
        "Only an administrator of the whole group may move running cases to another version; nothing was changed.",
    ))
}
