//! What people, and the bulk work, ask the store.

use chassis::handle::{decode, store_failed};
use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use proto::{Id, Shard, Time};
use sla_watchdog_core::Case;
use sqlx::PgPool;
use uuid::Uuid;

/// Cases with something due, soonest first. $1 branches or null for all; $2 who asks; $3 until (microseconds) or
/// null; $4 how many.
pub(crate) const DUE: &str = "\
    select body from cases where next_due is not null \
    and ($1::text[] is null or branch = any($1)) and not barred @> array[$2] \
    and ($3::bigint is null or next_due <= timestamptz 'epoch' + $3 * interval '1 microsecond') \
    order by next_due, id limit $4";

/// Cases with clocks that run under a calendar version not in force. $1 versions in force; $2 shards; $3 after which
/// id; $4 how many.
pub(crate) const OUTDATED: &str = "\
    select id from cases where calendars <> '{}' and not calendars <@ $1 and shard = any($2) and id > $3 \
    order by id limit $4";

/// What of the chase list is wanted.
pub(crate) struct Wanted<'a> {
    /// `None`: all.
    pub branches: Option<&'a [String]>,
    pub asker: &'a str,
    pub until: Option<Time>,
    pub limit: u32,
}

pub(crate) async fn due(pool: &PgPool, wanted: &Wanted<'_>) -> Result<Vec<Case>, Refusal> {
    let query = sqlx::query_scalar(DUE)
        .bind(wanted.branches)
        .bind(wanted.asker)
        .bind(wanted.until.map(|until| until.0))
        .bind(i64::from(wanted.limit));
    let bodies: Vec<Vec<u8>> = query.fetch_all(pool).await.map_err(|error| store_failed(&error))?;
    bodies.iter().map(|body| decode(body)).collect()
}

pub(crate) async fn outdated(
    pool: &PgPool,
    in_force: &[String],
    shards: &[Shard],
    after: Uuid,
    limit: u32,
) -> Result<Vec<Id>, Refusal> {
    let shards: Vec<i16> = shards.iter().map(|shard| shard.number() as i16).collect();
    let query = sqlx::query_scalar(OUTDATED).bind(in_force).bind(shards).bind(after).bind(i64::from(limit));
    let ids: Vec<Uuid> = query.fetch_all(pool).await.map_err(|error| store_failed(&error))?;
    Ok(ids.into_iter().filter_map(|id| Id::from_uuid(id).ok()).collect())
}

/// The branches that somebody may see; `None`: every branch.
pub(crate) fn branches(actor: &Actor, directory: &Snapshot) -> Option<Vec<String>> {
    let of_all = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
    if actor.grants().iter().any(|grant| of_all(&grant.node)) {
        return None;
    }
    let within = |branch: &str| actor.grants().iter().any(|grant| directory.is_within(branch, &grant.node));
    Some(directory.nodes().map(|node| node.code.clone()).filter(|code| within(code)).collect())
}

#[cfg(test)]
mod tests;
