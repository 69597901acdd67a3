//! What people ask the store.

use chassis::handle::{decode, store_failed};
use chassis_core::{Actor, Refusal};
use notify_core::Notice;
use organisation::Snapshot;
use sqlx::PgPool;

/// The newest notices. $1 branches or null for all; $2 who asks; $3 how many.
pub(crate) const NEWEST: &str = "\
    select n.body from notice n join notify_case c on c.id = n.ticket::uuid \
    where ($1::text[] is null or n.branch = any($1)) and not c.barred @> array[$2] \
    order by n.queued_at desc, n.id desc limit $3";

/// The notices about one ticket, newest first. $1 the ticket; $2 how many.
pub(crate) const OF_TICKET: &str =
    "select body from notice where ticket = $1 order by queued_at desc, id desc limit $2";

pub(crate) async fn newest(
    pool: &PgPool,
    branches: Option<&[String]>,
    asker: &str,
    limit: u32,
) -> Result<Vec<Notice>, Refusal> {
    let query = sqlx::query_scalar(NEWEST).bind(branches).bind(asker).bind(i64::from(limit));
    notices(query.fetch_all(pool).await)
}

pub(crate) async fn of_ticket(pool: &PgPool, ticket: proto::Id, limit: u32) -> Result<Vec<Notice>, Refusal> {
    let query = sqlx::query_scalar(OF_TICKET).bind(ticket.to_string()).bind(i64::from(limit));
    notices(query.fetch_all(pool).await)
}

fn notices(bodies: Result<Vec<Vec<u8>>, sqlx::Error>) -> Result<Vec<Notice>, Refusal> {
    bodies.map_err(|error| store_failed(&error))?.iter().map(|body| decode(body)).collect()
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
