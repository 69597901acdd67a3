//! The writer's one Postgres session: it holds the locks and makes the
//! commits; who loses it loses both.

mod aside;
mod bind;
mod find;
mod prune;
mod puts;
mod rows;
#[cfg(test)]
mod twin;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chassis_core::{
    Core, RowKey, Table,
    store::{Batch, LoadPlan, Loaded},
};
use proto::{Service, Shard, Time};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, postgres::PgConnectOptions};
use thiserror::Error;
use uuid::Uuid;

pub(crate) use self::aside::aside_of;
use self::{
    bind::{bind_commit, parts_of},
    puts::Puts,
    rows::{id_of, remembered},
};
use crate::statement::{self, CommitParts};

/// Timers held in memory at once.
const TIMERS_HELD: i64 = 50_000;

#[derive(Debug, Error)]
pub enum SessionError {
    #[error("connecting to Postgres failed")]
    Connect(#[source] sqlx::Error),
    #[error("{what} failed")]
    Statement { what: &'static str, source: sqlx::Error },
    #[error("the database refuses the batch: {0}")]
    Refused(String),
    #[error("the database did not answer in time")]
    Slow,
    #[error("a stored {what} cannot be read: {why}")]
    Stored { what: &'static str, why: String },
}

/// A connection may have died without a word, and Postgres' client waits for ever: what takes longer is in doubt. Less
/// than a frozen owner keeps its locks, so that a contender is never the one who is late.
const PATIENCE: Duration = Duration::from_secs(5);

/// A few round trips, or the session is in doubt.
pub async fn in_time<T>(work: impl Future<Output = Result<T, SessionError>>) -> Result<T, SessionError> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(SessionError::Slow))
}

fn failed(what: &'static str) -> impl FnOnce(sqlx::Error) -> SessionError {
    move |source| SessionError::Statement { what, source }
}

/// A service's session. Not shared, not pooled.
pub struct Session {
    connection: PgConnection,
    tables: &'static [&'static Table],
    by_name: HashMap<&'static str, usize>,
    commits: HashMap<CommitParts, Arc<str>>,
    lock_class: i32,
    held: Vec<Shard>,
    /// Held, and waiting for their recovery.
    idle: Vec<Shard>,
    pruned: Instant,
}

impl Session {
    pub async fn open<C: Core>(options: PgConnectOptions) -> Result<Session, SessionError> {
        let options =
            options.application_name(&format!("hotline-{}-writer", C::SERVICE)).statement_cache_capacity(512);
        let mut connection = PgConnection::connect_with(&options).await.map_err(SessionError::Connect)?;
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::int4")
            .fetch_one(&mut connection)
            .await
            .map_err(failed("asking the server's version"))?;
        let mut settings = String::from(
            "set idle_session_timeout = '10s'; set idle_in_transaction_session_timeout = '10s'; \
             set tcp_user_timeout = '10s'; set statement_timeout = '30s';",
        );
        if version >= 170_000 {
            settings.push_str("set transaction_timeout = '30s';");
        }
        connection
            .execute(AssertSqlSafe(settings))
            .await
            .map_err(failed("setting the session's timeouts"))?;
        Ok(Session {
            connection,
            tables: C::TABLES,
            by_name: C::TABLES.iter().enumerate().map(|(place, table)| (table.name, place)).collect(),
            commits: HashMap::new(),
            lock_class: lock_class(C::SERVICE),
            held: Vec::new(),
            idle: Vec::new(),
            pruned: Instant::now(),
        })
    }

    pub fn held(&self) -> &[Shard] {
        &self.held
    }

    /// These stay held and nothing is done with them.
    pub fn leave(&mut self, idle: Vec<Shard>) {
        self.idle = idle;
    }

    /// Tries to take these shards. A contender polls: a blocked wait would hold a snapshot.
    pub async fn try_lock(&mut self, shards: &[Shard]) -> Result<Vec<Shard>, SessionError> {
        let wanted: Vec<i16> =
            shards.iter().filter(|s| !self.held.contains(s)).map(|s| s.number() as i16).collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let rows =
            sqlx::query("select s, pg_try_advisory_lock($1, s::int4) as got from unnest($2::int2[]) as u(s)")
                .bind(self.lock_class)
                .bind(&wanted)
                .fetch_all(&mut self.connection)
                .await
                .map_err(failed("taking the shards' locks"))?;
        let got: Vec<Shard> = rows
            .iter()
            .filter(|row| row.get::<bool, _>("got"))
            .filter_map(|row| Shard::new(row.get::<i16, _>("s") as u16))
            .collect();
        self.held.extend(&got);
        self.held.sort_unstable();
        Ok(got)
    }

    /// Ends the backends that hold these locks and have been still for 10 s:
    /// a frozen owner must not keep the shards.
    pub async fn end_frozen_holders(&mut self) -> Result<u64, SessionError> {
        let ended: i64 = sqlx::query_scalar(
            "select count(*) filter (where pg_terminate_backend(a.pid)) from pg_stat_activity a \
             where a.pid <> pg_backend_pid() and a.state_change < clock_timestamp() - interval '10 seconds' \
             and a.pid in (select l.pid from pg_locks l where l.locktype = 'advisory' and l.granted \
                           and l.classid = $1::int4::oid and l.objsubid = 2)",
        )
        .bind(self.lock_class)
        .fetch_one(&mut self.connection)
        .await
        .map_err(failed("looking for frozen owners"))?;
        Ok(ended as u64)
    }

    /// A round trip: the session still holds what it holds.
    pub async fn beat(&mut self) -> Result<Time, SessionError> {
        sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000000)::int8")
            .fetch_one(&mut self.connection)
            .await
            .map(Time)
            .map_err(failed("the heartbeat"))
    }

    pub async fn load(&mut self, plan: &LoadPlan) -> Result<Loaded, SessionError> {
        let mut by_table: Vec<Vec<Uuid>> = vec![Vec::new(); self.tables.len()];
        for key in &plan.rows {
            by_table[self.by_name[key.table]].push(key.id.uuid());
        }
        let wanted: Vec<usize> =
            (0..self.tables.len()).filter(|place| !by_table[*place].is_empty()).collect();
        let sql = statement::load(self.tables, &wanted, !plan.requests.is_empty());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for place in &wanted {
            query = query.bind(std::mem::take(&mut by_table[*place]));
        }
        if !plan.requests.is_empty() {
            let (ids, callers): (Vec<Uuid>, Vec<String>) =
                plan.requests.iter().map(|key| (key.id.uuid(), key.caller.clone())).unzip();
            query = query.bind(ids).bind(callers);
        }
        let rows = query.fetch_all(&mut self.connection).await.map_err(failed("loading"))?;
        let mut loaded = Loaded::default();
        for row in &rows {
            match row.get::<i32, _>("part") {
                -1 => loaded.database_now = Time(row.get("seq")),
                -2 => loaded.replies.push(remembered(row)?),
                place => {
                    let key = RowKey { table: self.tables[place as usize].name, id: id_of(row.get("id"))? };
                    loaded.rows.push((key, row.get("body")));
                }
            }
        }
        if let Some((id, limit)) = plan.queue {
            loaded.queue = self.queue(id, limit).await?;
        }
        Ok(loaded)
    }

    pub async fn commit(&mut self, batch: &Batch) -> Result<Time, SessionError> {
        let columns = Puts::of(batch, &self.by_name, self.tables);
        let parts = parts_of(batch, &columns);
        let sql = self
            .commits
            .entry(parts.clone())
            .or_insert_with(|| statement::commit(&parts, self.tables).into())
            .clone();
        let query = bind_commit(sqlx::query(AssertSqlSafe(sql.to_string())), batch, &parts, columns);
        let row = query.fetch_one(&mut self.connection).await.map_err(aside::commit_failed)?;
        Ok(Time(row.get("now")))
    }
}

/// One class of advisory locks per service.
fn lock_class(service: Service) -> i32 {
    let hash = blake3::hash(format!("hotline shard of {service}").as_bytes());
    i32::from_le_bytes(hash.as_bytes()[..4].try_into().expect("a hash has 32 bytes")) & 0x7fff_ffff
}
