//! What people ask the store.

use chassis::handle::{decode, store_failed};
use chassis_core::{Actor, Refusal};
use dispatch_core::Work;
use organisation::Snapshot;
use proto::Id;
use sqlx::PgPool;

/// Open work by id, a page at a time. $1 the id to continue after, or null; $2 branches, or null for all; $3 persons
/// whose turn something is, or null for anybody's; $4 only what waits for an approval; $5 who asks; $6 how many.
pub(crate) const OPEN: &str = "\
    select body from work \
    where open \
      and ($1::uuid is null or id > $1) \
      and ($2::text[] is null or branch = any($2)) \
      and ($3::text[] is null or holders && $3) \
      and (not $4 or (cardinality(approval_roles) > 0 and ($3::text[] is null or approvers && $3))) \
      and not barred @> array[$5] \
    order by id limit $6";

/// What a list is to hold.
pub(crate) struct Wanted {
    pub after: Option<Id>,
    pub branches: Option<Vec<String>>,
    pub holders: Option<Vec<String>>,
    pub approvals_only: bool,
    pub asker: String,
    pub limit: u32,
}

pub(crate) async fn open(pool: &PgPool, wanted: &Wanted) -> Result<Vec<Work>, Refusal> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(OPEN)
        .bind(wanted.after.map(Id::uuid))
        .bind(wanted.branches.as_deref())
        .bind(wanted.holders.as_deref())
        .bind(wanted.approvals_only)
        .bind(&wanted.asker)
        .bind(i64::from(wanted.limit))
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    bodies.iter().map(|body| decode(body)).collect()
}

/// The branches that somebody may see, narrowed to one if asked for; `None`: every branch.
pub(crate) fn branches(actor: &Actor, wanted: &str, directory: &Snapshot) -> Option<Vec<String>> {
    let within = |branch: &str| actor.grants().iter().any(|grant| directory.is_within(branch, &grant.node));
    if !wanted.is_empty() {
        return Some([wanted.to_owned()].into_iter().filter(|branch| within(branch)).collect());
    }
    let is_root = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
    if actor.grants().iter().any(|grant| is_root(&grant.node)) {
        return None;
    }
    Some(directory.nodes().map(|node| node.code.clone()).filter(|code| within(code)).collect())
}

#[cfg(test)]
mod tests;
