//! Statements over the read model. Instants travel as microseconds, as the
//! writer stores them, so that a page begins exactly where the last one ended.

use proto::reporting::v1::ListTicketsRequest;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use crate::scope::Scope;

/// A page of a board, from where the last one ended. Only the filters that are set stand in it: one
/// text with all of them would be planned once for every mixture, and read a whole register to find
/// the few rows of a rare one.
pub fn board(
    scope: &Scope,
    wanted: &ListTicketsRequest,
    (rank_at, id): (i64, Uuid),
    limit: u32,
) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("select body from ticket_row where opened_at is not null");
    match scope.branches.as_deref() {
        None => {}
        // By the order of its index; a list would have to be sorted.
        Some([only]) => {
            sql.push(" and branch = ").push_bind(only.clone());
        }
        Some(branches) => {
            sql.push(" and branch = any(").push_bind(branches.to_vec()).push(")");
        }
    }
    match wanted.state.as_str() {
        "" => {}
        "open" => {
            sql.push(" and open");
        }
        state => {
            sql.push(" and state = ").push_bind(state.to_owned());
        }
    }
    for (column, value) in
        [("case_type", &wanted.case_type), ("severity", &wanted.severity), ("holder", &wanted.holder)]
    {
        if !value.is_empty() {
            sql.push(format_args!(" and {column} = ")).push_bind(value.clone());
        }
    }
    if let Some(person) = &scope.person {
        sql.push(" and not barred @> array[").push_bind(person.clone()).push("]");
    }
    sql.push(" and (rank_at, id) > ('epoch'::timestamptz + ").push_bind(rank_at);
    sql.push(" * interval '1 microsecond', ").push_bind(id);
    sql.push(") order by rank_at, id limit ").push_bind(i64::from(limit));
    sql
}

/// Everything that a period may concern, in one statement: one moment of the
/// model. $1 playbook; $2, $3 the period; $4 branches or null for all.
pub const PERIOD: &str = "\
    select body from ticket_row \
    where opened_at is not null and playbook = $1 \
      and last_at >= 'epoch'::timestamptz + $2 * interval '1 microsecond' \
      and opened_at < 'epoch'::timestamptz + $3 * interval '1 microsecond' \
      and ($4::text[] is null or branch = any($4))";

/// How far each source is applied, by any replica.
pub const CURSORS: &str = "\
    select service, from_shard, max(seq) from cursor \
    where not peer and service <> 'reporting' \
    group by service, from_shard order by service, from_shard";
