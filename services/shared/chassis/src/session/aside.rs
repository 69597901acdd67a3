//! Quarantine in Postgres, and what the database refuses for good.

use std::collections::BTreeMap;

use chassis_core::aside::{Changes, Fault, FoundAside, Held, SetAside};
use proto::{Id, Time};
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use super::{
    Session, SessionError,
    bind::{PgQuery, list},
    failed,
    rows::{id_of, shard_of},
};
use crate::statement::AsideParts;

/// A process takes its shards: the former owners' rows become its own.
const TAKE: &str = "insert into tenure as t (shard, process) select s, $2 from unnest($1::int2[]) as u(s) \
     on conflict (shard) do update set process = $2, trying = null, \
     killers = case when t.process <> $2 and t.trying is not null then t.killers || t.trying else t.killers end";

const HELD: &str = "select distinct on (q.aggregate) q.aggregate, q.id, q.fault, \
     max(q.place) over (partition by q.aggregate) as last \
     from quarantine q where q.shard = any($1) and q.aggregate is not null order by q.aggregate, q.place";

const QUEUE: &str = "select * from quarantine where id = $1 or aggregate = $1 \
     or aggregate = (select f.aggregate from quarantine f where f.id = $1) order by place limit $2";

impl Session {
    /// What is set aside in the held shards, and how their owners before went.
    pub async fn take(&mut self, process: Uuid) -> Result<FoundAside, SessionError> {
        let shards = self.numbers();
        let unclean: bool =
            sqlx::query_scalar("select exists (select from tenure where shard = any($1) and process <> $2)")
                .bind(&shards)
                .bind(process)
                .fetch_one(&mut self.connection)
                .await
                .map_err(failed("asking how the owners before went"))?;
        sqlx::query(TAKE)
            .bind(&shards)
            .bind(process)
            .execute(&mut self.connection)
            .await
            .map_err(failed("writing down who owns the shards"))?;
        let killers = sqlx::query("select shard, killers from tenure where shard = any($1)")
            .bind(&shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading what former owners died on"))?;
        let killers = killers
            .iter()
            .map(|row| Ok((shard_of(row, "shard")?, row.get("killers"))))
            .collect::<Result<_, SessionError>>()?;
        let barred = sqlx::query_scalar(
            "select cause from quarantine where shard = any($1) and aggregate is null and fault = $2",
        )
        .bind(&shards)
        .bind(Fault::Died.code())
        .fetch_all(&mut self.connection)
        .await
        .map_err(failed("reading which requests are in quarantine"))?;
        Ok(FoundAside { held: self.held_back(&shards).await?, barred, killers, unclean })
    }

    async fn held_back(&mut self, shards: &[i16]) -> Result<Vec<(Id, Held)>, SessionError> {
        let rows = sqlx::query(HELD)
            .bind(shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading what is held back"))?;
        rows.iter()
            .map(|row| {
                let held = Held {
                    head: id_of(row.get("id"))?,
                    fault: fault_of(row),
                    last: row.get::<i64, _>("last") as u64,
                };
                Ok((id_of(row.get("aggregate"))?, held))
            })
            .collect()
    }

    /// The owner goes in order: who follows has no reason to be careful.
    pub async fn sign_off(&mut self, process: Uuid) -> Result<(), SessionError> {
        sqlx::query("update tenure set process = null, trying = null where shard = any($1) and process = $2")
            .bind(self.numbers())
            .bind(process)
            .execute(&mut self.connection)
            .await
            .map_err(failed("leaving the shards"))?;
        Ok(())
    }

    /// The queue that an input belongs to, or that is held with an aggregate, in order.
    pub(super) async fn queue(&mut self, id: Id, limit: usize) -> Result<Vec<SetAside>, SessionError> {
        let rows = sqlx::query(QUEUE)
            .bind(id.uuid())
            .bind(limit as i64)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading a queue in quarantine"))?;
        rows.iter().map(aside_of).collect()
    }

    fn numbers(&self) -> Vec<i16> {
        self.held.iter().map(|shard| shard.number() as i16).collect()
    }
}

fn fault_of(row: &PgRow) -> Option<Fault> {
    row.get::<Option<String>, _>("fault").and_then(|code| Fault::parse(&code))
}

pub(crate) fn aside_of(row: &PgRow) -> Result<SetAside, SessionError> {
    Ok(SetAside {
        id: id_of(row.get("id"))?,
        aggregate: row.get::<Option<Uuid>, _>("aggregate").map(id_of).transpose()?,
        place: row.get::<i64, _>("place") as u64,
        cause: row.get("cause"),
        kind: row.get("kind"),
        payload: row.get("payload"),
        fault: fault_of(row),
        reason: row.get("reason"),
        at: Time(row.get("at")),
    })
}

pub(super) fn parts_of(changes: &Changes) -> AsideParts {
    AsideParts {
        put: !changes.put.is_empty(),
        gone: !changes.gone.is_empty(),
        gone_timers: !changes.gone_timers.is_empty(),
        trying: !changes.trying.is_empty(),
    }
}

/// In the order in which `statement::aside` numbers.
pub(super) fn bind<'q>(mut query: PgQuery<'q>, changes: &Changes, parts: AsideParts) -> PgQuery<'q> {
    if parts.put {
        // A row that is put twice was put first as waiting: the last word counts.
        let put: BTreeMap<Id, &SetAside> = changes.put.iter().map(|aside| (aside.id, aside)).collect();
        let put: Vec<&SetAside> = put.into_values().collect();
        query = query
            .bind(list(&put, |a| a.id.uuid()))
            .bind(list(&put, |a| a.shard().number() as i16))
            .bind(list(&put, |a| a.aggregate.map(Id::uuid)))
            .bind(list(&put, |a| a.place as i64))
            .bind(list(&put, |a| a.cause.clone()))
            .bind(list(&put, |a| a.kind.clone()))
            .bind(list(&put, |a| a.payload.clone()))
            .bind(list(&put, |a| a.fault.map(|fault| fault.code().to_owned())))
            .bind(list(&put, |a| a.reason.clone()))
            .bind(list(&put, |a| a.at.0));
    }
    if parts.gone {
        query = query.bind(list(&changes.gone, |id| id.uuid()));
    }
    if parts.gone_timers {
        query = query
            .bind(list(&changes.gone_timers, |(id, _)| id.uuid()))
            .bind(list(&changes.gone_timers, |(_, cause)| cause.clone()));
    }
    if parts.trying {
        query = query
            .bind(list(&changes.trying, |t| t.shard.number() as i16))
            .bind(list(&changes.trying, |t| t.now.clone()))
            .bind(list(&changes.trying, |t| (!t.killers.is_empty()).then(|| t.killers.join("\n"))));
    }
    query
}

/// Tables of the loop's own: a double there means that somebody else writes, not that an input is bad.
const OWN: [&str; 4] = ["shard", "journal", "reply", "pair"];

/// A definite no to what the batch holds is told from a session in doubt.
pub(super) fn commit_failed(error: sqlx::Error) -> SessionError {
    if let sqlx::Error::Encode(source) = &error {
        return SessionError::Refused(source.to_string());
    }
    let refusal = error.as_database_error().and_then(|error| {
        let code = error.code()?;
        // 22012 is how the statement itself aborts on a head that has moved.
        let is_definite = ["21", "22", "23", "44", "54"].contains(&code.get(..2)?) && code != "22012";
        let table = error.table().unwrap_or_default();
        // Codes and names only: the server's words may quote what it was given.
        (is_definite && !OWN.contains(&table))
            .then(|| format!("{code} {table} {}", error.constraint().unwrap_or_default()).trim().to_owned())
    });
    match refusal {
        Some(why) => SessionError::Refused(why),
        None => failed("the commit")(error),
    }
}
