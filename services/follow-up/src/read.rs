//! What people ask the store.

use chassis::handle::{decode, store_failed};
use chassis_core::{Actor, Refusal};
use follow_up_core::Case;
use organisation::Snapshot;
use proto::Time;
use sqlx::PgPool;

/// Cases with a call to be tried by a moment, earliest first. $1 microseconds UTC; $2 branches
/// or null for all; $3 who asks; $4 how many.
pub(crate) const DUE: &str = "\
    select body from follow_up_case \
    where next_try <= timestamptz 'epoch' + $1 * interval '1 microsecond' \
      and ($2::text[] is null or branch = any($2)) \
      and not barred @> array[$3] \
    order by next_try, id limit $4";

pub(crate) async fn due(
    pool: &PgPool,
    until: Time,
    branches: Option<&[String]>,
    asker: &str,
    limit: u32,
) -> Result<Vec<Case>, Refusal> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(DUE)
        .bind(until.0)
        .bind(branches)
        .bind(asker)
        .bind(i64::from(limit))
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
    let of_all = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
    if actor.grants().iter().any(|grant| of_all(&grant.node)) {
        return None;
    }
    Some(directory.nodes().map(|node| node.code.clone()).filter(|code| within(code)).collect())
}

#[cfg(test)]
mod tests;
