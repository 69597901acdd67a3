//! Who may change the directory.

use chassis_core::{Actor, Halt, Refusal};

use crate::state::Catalogue;

/// Roles that may, held at the root of the organisation.
pub const ADMINISTRATORS: [&str; 2] = ["administrator", "system"];

/// Refuses everybody but administrators and systems of the whole group. While
/// the directory is empty there is no root yet, and the role alone counts.
pub(crate) fn check(actor: &Actor, catalogue: &Catalogue) -> Result<(), Halt> {
    if matches!(actor, Actor::Service { .. }) {
        return Ok(());
    }
    let root = catalogue.root();
    let may = actor.grants().iter().any(|grant| {
        ADMINISTRATORS.contains(&grant.role.as_str()) && root.is_none_or(|root| root == grant.node)
    });
    if may {
        return Ok(());
    }
    Err(Refusal::denied(
        "not-administrator",
        "只有集团层级的管理员或系统账号可以修改通讯录和规则库；没有任何改动。",
        "Only an administrator or a system of the whole group may change the directory; nothing was changed.",
    )
    .into())
}
