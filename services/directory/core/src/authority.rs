//! Who may change the directory.

use chassis_core::{Actor, Halt, Refusal};

use crate::state::Catalogue;

/// Roles that may, held at the root of the organisation.
pub const ADMINISTRATORS: [&str; 2] = ["administrator", "system"];

/// The whole organisation, in tokens of tools that do not know its root. No
/// node can be called so, and a person's roles are held at nodes.
const EVERYWHERE: &str = "*";

/// Refuses everybody but administrators and systems of the whole group. While
/// the directory is empty there is no root yet, and the role alone counts.
pub(crate) fn check(actor: &Actor, catalogue: &Catalogue) -> Result<(), Halt> {
    if matches!(actor, Actor::Service { .. }) {
        return Ok(());
    }
    let root = catalogue.root();
    let whole = |node: &str| node == EVERYWHERE || root.is_none_or(|root| root == node);
    let may =
        actor.grants().iter().any(|held| ADMINISTRATORS.contains(&held.role.as_str()) && whole(&held.node));
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
