//! Lists for people.

use chassis::handle::{decode, store_failed};
use chassis_core::Refusal;
use directory_core::{NodeRow, PersonRow};
use sqlx::PgPool;

/// Rows in one answer if the caller does not say, and at most.
const USUAL: u32 = 200;
const MOST: u32 = 2_000;

/// Nodes of a level (or all), after a code.
pub const NODES: &str =
    "select body from node where ($1 = '' or level = $1) and code > $2 order by code limit $3";

/// Persons who hold what all these words say, after a code.
pub const PERSONS: &str = "select body from person where roles @> $1 and code > $2 order by code limit $3";

fn bounded(limit: u32) -> i64 {
    i64::from(if limit == 0 { USUAL } else { limit.min(MOST) })
}

pub async fn nodes(pool: &PgPool, level: &str, after: &str, limit: u32) -> Result<Vec<NodeRow>, Refusal> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(NODES)
        .bind(level)
        .bind(after)
        .bind(bounded(limit))
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    bodies.iter().map(|body| decode(body)).collect()
}

pub async fn persons(
    pool: &PgPool,
    node: &str,
    role: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<PersonRow>, Refusal> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(PERSONS)
        .bind(words(node, role))
        .bind(after)
        .bind(bounded(limit))
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    bodies.iter().map(|body| decode(body)).collect()
}

/// As the core writes them beside a person.
fn words(node: &str, role: &str) -> Vec<String> {
    match (node, role) {
        ("", "") => Vec::new(),
        ("", role) => vec![role.to_owned()],
        (node, "") => vec![format!("@{node}")],
        (node, role) => vec![format!("{role}@{node}")],
    }
}
