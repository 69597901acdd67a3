//! Queries for people. Rows are found here; who may see them is decided by the same gates as
//! commands, and in lists by the branches and bars that stand in the columns.

use chassis::handle::{decode, store_failed};
use chassis_core::{Actor, Refusal};
use intake_core::Ticket;
use organisation::Snapshot;
use proto::{Id, intake::v1::FoundTicket};
use sqlx::{PgPool, Row, postgres::PgRow};
use uuid::Uuid;

/// Every statement, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[BY_NUMBER, BY_TOKENS, NUMBERED, OF_CUSTOMER, OPEN];

const BY_NUMBER: &str = "select id from ticket where number = $1";

/// $1 tokens, $2 branches (null: all), $3 the person who asks, $4 limit.
const BY_TOKENS: &str = "select id, number, state, branch, category, severity, \
     (extract(epoch from opened_at) * 1000000)::int8 as opened_at, tokens \
     from ticket where tokens && $1 and ($2::text[] is null or branch = any($2)) and not (barred @> $3) \
     order by ticket.opened_at desc limit $4";

const NUMBERED: &str = "select id, number, state, branch, category, severity, \
     (extract(epoch from opened_at) * 1000000)::int8 as opened_at, tokens \
     from ticket where number = $1 and ($2::text[] is null or branch = any($2)) and not (barred @> $3)";

/// $1 customer, $2 branches (null: all), $3 the person who asks.
const OF_CUSTOMER: &str = "select id from ticket \
     where customer = $1 and ($2::text[] is null or branch = any($2)) and not (barred @> $3) \
     order by opened_at desc limit 200";

/// Open cases by id. $1 the last of the page before, $2 the person who asks, $3 how many.
const OPEN: &str =
    "select body from ticket where state = 'open' and id > $1 and not (barred @> $2) order by id limit $3";

/// What somebody may find: branches within his grants, and nothing that concerns himself.
pub struct Sight {
    /// `None`: every branch.
    branches: Option<Vec<String>>,
    /// Empty for systems: nobody complains about a system.
    person: Vec<String>,
}

impl Sight {
    pub fn of(actor: &Actor, directory: &Snapshot) -> Sight {
        let at_root = |node: &str| directory.node(node).is_some_and(|node| node.parent.is_none());
        let all = actor.grants().iter().any(|grant| at_root(&grant.node));
        let within =
            |branch: &str| actor.grants().iter().any(|grant| directory.is_within(branch, &grant.node));
        let branches = (!all).then(|| {
            directory.nodes().filter(|node| within(&node.code)).map(|node| node.code.clone()).collect()
        });
        Sight { branches, person: actor.person().map(str::to_owned).into_iter().collect() }
    }

    /// Every branch: the group's own people and systems.
    pub fn is_whole(&self) -> bool {
        self.branches.is_none()
    }

    /// `barred @> $3` holds for an empty list; a code that nobody has keeps it from hiding everything.
    fn barred(&self) -> Vec<String> {
        if self.person.is_empty() { vec![String::new()] } else { self.person.clone() }
    }
}

/// The ticket of a number; numbers are unique by construction.
pub async fn by_number(pool: &PgPool, number: &str) -> Result<Option<Id>, Refusal> {
    let id: Option<Uuid> = sqlx::query_scalar(BY_NUMBER)
        .bind(number)
        .fetch_optional(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    Ok(id.and_then(|id| Id::from_uuid(id).ok()))
}

/// Tickets that carry any of these tokens, newest first; `found_by` names the kind of the first
/// token that fits.
pub async fn by_tokens(
    pool: &PgPool,
    tokens: &[(String, &'static str)],
    sight: &Sight,
    limit: i64,
) -> Result<Vec<FoundTicket>, Refusal> {
    let wanted: Vec<&str> = tokens.iter().map(|(token, _)| token.as_str()).collect();
    let rows = sqlx::query(BY_TOKENS)
        .bind(wanted)
        .bind(&sight.branches)
        .bind(sight.barred())
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    let kind = |row: &PgRow| -> Result<&'static str, sqlx::Error> {
        let kept: Vec<String> = row.try_get("tokens")?;
        Ok(tokens.iter().find(|(token, _)| kept.contains(token)).map_or("", |(_, kind)| kind))
    };
    rows.iter()
        .map(|row| found(row, kind(row)?))
        .collect::<Result<_, _>>()
        .map_err(|error| store_failed(&error))
}

/// The ticket of a number, if the caller may find it.
pub async fn numbered(pool: &PgPool, number: &str, sight: &Sight) -> Result<Vec<FoundTicket>, Refusal> {
    let rows = sqlx::query(NUMBERED)
        .bind(number)
        .bind(&sight.branches)
        .bind(sight.barred())
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    rows.iter()
        .map(|row| found(row, "number"))
        .collect::<Result<_, _>>()
        .map_err(|error| store_failed(&error))
}

/// A customer's tickets that the caller may see, newest first.
pub async fn of_customer(pool: &PgPool, customer: Id, sight: &Sight) -> Result<Vec<String>, Refusal> {
    let ids: Vec<Uuid> = sqlx::query_scalar(OF_CUSTOMER)
        .bind(customer.to_string())
        .bind(&sight.branches)
        .bind(sight.barred())
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
}

/// Open cases in the order of their ids, after one of them.
pub async fn open(pool: &PgPool, after: Uuid, actor: &Actor, limit: usize) -> Result<Vec<Ticket>, Refusal> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar(OPEN)
        .bind(after)
        .bind(vec![actor.person().unwrap_or_default()])
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await
        .map_err(|error| store_failed(&error))?;
    bodies.iter().map(|body| decode(body)).collect()
}

fn found(row: &PgRow, found_by: &str) -> Result<FoundTicket, sqlx::Error> {
    Ok(FoundTicket {
        ticket_id: row.try_get::<Uuid, _>("id")?.to_string(),
        number: row.try_get("number")?,
        state: row.try_get("state")?,
        branch: row.try_get("branch")?,
        category: row.try_get("category")?,
        severity: row.try_get("severity")?,
        opened_at: row.try_get("opened_at")?,
        found_by: found_by.to_owned(),
    })
}
