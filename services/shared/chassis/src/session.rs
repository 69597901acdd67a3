//! The writer's one Postgres session: it holds the locks and makes the
//! commits; who loses it loses both.

mod aside;
mod puts;
mod rows;

use std::{collections::HashMap, sync::Arc};

use chassis_core::{
    Core, RowKey, Table, TimerChange,
    store::{Batch, DirectoryEntry, Found, LoadPlan, Loaded, TimerRow, Timers},
};
use proto::{Id, Service, Shard, Time};
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, Row,
    postgres::{PgArguments, PgConnectOptions},
    query::Query,
};
use thiserror::Error;
use uuid::Uuid;

pub(crate) use self::aside::aside_of;
use self::{
    puts::Puts,
    rows::{cursor_of, head_of, id_of, remembered, shard_of},
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
        })
    }

    pub fn held(&self) -> &[Shard] {
        &self.held
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

    /// All that a stranger needs to go on with the held shards.
    pub async fn find<C: Core>(&mut self) -> Result<Found, SessionError> {
        let shards: Vec<i16> = self.held.iter().map(|s| s.number() as i16).collect();
        sqlx::query("insert into shard (shard, epoch, seq, hash, stamp) select s, 1, 0, $2, 0 from unnest($1::int2[]) as u(s) on conflict do nothing")
            .bind(&shards)
            .bind([0u8; 32].as_slice())
            .execute(&mut self.connection)
            .await
            .map_err(failed("creating the shards' rows"))?;
        let mut found = Found { database_now: self.beat().await?, ..Found::default() };
        let heads =
            sqlx::query("select shard, epoch, seq, hash, stamp, published from shard where shard = any($1)")
                .bind(&shards)
                .fetch_all(&mut self.connection)
                .await
                .map_err(failed("reading the shards' heads"))?;
        for row in &heads {
            let head = head_of(row)?;
            found.published.push((head.shard, row.get::<i64, _>("published") as u64));
            found.heads.push(head);
        }
        let cursors = sqlx::query("select service, from_shard, to_shard, peer, epoch, seq, stream_seq from cursor where to_shard = any($1)")
            .bind(&shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the cursors"))?;
        found.cursors = cursors.iter().map(cursor_of).collect::<Result<_, _>>()?;
        let pairs = sqlx::query("select from_shard, to_shard, seq from pair where from_shard = any($1)")
            .bind(&shards)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the pairs"))?;
        for row in &pairs {
            found.pairs.push((
                shard_of(row, "from_shard")?,
                shard_of(row, "to_shard")?,
                row.get::<i64, _>("seq") as u64,
            ));
        }
        found.directory = self.directory::<C>().await?;
        found.timers = self.timers().await?;
        Ok(found)
    }

    /// The directory reads its own journal; everybody else the kept copy.
    pub async fn directory<C: Core>(&mut self) -> Result<Vec<DirectoryEntry>, SessionError> {
        let sql = if C::SERVICE == Service::Directory {
            "select seq, kind, payload, recorded_at from journal where shard = 0 order by seq"
        } else {
            "select seq, kind, payload, recorded_at from directory_entry order by seq"
        };
        let rows = sqlx::query(sql)
            .fetch_all(&mut self.connection)
            .await
            .map_err(failed("reading the directory"))?;
        Ok(rows
            .iter()
            .map(|row| DirectoryEntry {
                seq: row.get::<i64, _>("seq") as u64,
                kind: row.get::<String, _>("kind").into(),
                payload: row.get("payload"),
                recorded_at: Time(row.get("recorded_at")),
            })
            .collect())
    }

    /// The newest entry of the directory that this service keeps.
    pub async fn directory_seq<C: Core>(&mut self) -> Result<u64, SessionError> {
        let sql = if C::SERVICE == Service::Directory {
            "select coalesce(max(seq), 0) from journal where shard = 0"
        } else {
            "select coalesce(max(seq), 0) from directory_entry"
        };
        let seq: i64 = sqlx::query_scalar(sql)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed("reading how far the directory is kept"))?;
        Ok(seq as u64)
    }

    /// The soonest timers of the held shards.
    pub async fn timers(&mut self) -> Result<Timers, SessionError> {
        let shards: Vec<i16> = self.held.iter().map(|s| s.number() as i16).collect();
        let rows =
            sqlx::query("select due_at, name, id from timer where shard = any($1) order by due_at limit $2")
                .bind(&shards)
                .bind(TIMERS_HELD)
                .fetch_all(&mut self.connection)
                .await
                .map_err(failed("reading the timers"))?;
        let more = rows.len() as i64 == TIMERS_HELD;
        let rows = rows
            .iter()
            .map(|row| {
                Ok(TimerRow {
                    due: Time(row.get("due_at")),
                    name: row.get("name"),
                    id: id_of(row.get("id"))?,
                })
            })
            .collect::<Result<_, SessionError>>()?;
        Ok(Timers { rows, more })
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

fn parts_of(batch: &Batch, puts: &Puts) -> CommitParts {
    CommitParts {
        journal: !batch.heads.is_empty(),
        timers_set: batch.timers.iter().any(|timer| timer.due.is_some()),
        timers_cleared: batch.timers.iter().any(|timer| timer.due.is_none()),
        cursors: !batch.cursors.is_empty(),
        pairs: !batch.pairs.is_empty(),
        replies: !batch.replies.is_empty(),
        directory: !batch.directory.is_empty(),
        aside: aside::parts_of(&batch.aside),
        published: marks(batch).next().is_some(),
        puts: puts.tables.keys().copied().collect(),
        deletes: puts.deletes.keys().copied().collect(),
    }
}

/// Published marks of shards that this batch does not write: one statement
/// cannot update a row twice. The others ride with a later batch.
fn marks(batch: &Batch) -> impl Iterator<Item = &(Shard, u64)> {
    batch.published.iter().filter(|(shard, _)| !batch.heads.iter().any(|head| head.shard == *shard))
}

type PgQuery<'q> = Query<'q, sqlx::Postgres, PgArguments>;

/// Binds in the order in which `statement::commit` numbers.
fn bind_commit<'q>(mut query: PgQuery<'q>, batch: &Batch, parts: &CommitParts, puts: Puts) -> PgQuery<'q> {
    if parts.journal {
        query = bind_journal(query, batch);
    }
    query = bind_small(query, batch, parts);
    for (_, columns) in puts.tables {
        query = columns.bind(query);
    }
    for (_, ids) in puts.deletes {
        query = query.bind(ids);
    }
    if parts.journal {
        query = query.bind(batch.heads.len() as i64);
    }
    query
}

fn bind_journal<'q>(query: PgQuery<'q>, batch: &Batch) -> PgQuery<'q> {
    let heads = &batch.heads;
    let query = query
        .bind(list(heads, |h| h.shard.number() as i16))
        .bind(list(heads, |h| h.epoch as i32))
        .bind(list(heads, |h| h.seq as i64))
        .bind(list(heads, |h| h.hash.to_vec()))
        .bind(list(heads, |h| h.stamp.0))
        .bind(list(&batch.heads_before, |seq| *seq as i64));
    let entries = &batch.entries;
    query
        .bind(list(entries, |e| e.at.shard.number() as i16))
        .bind(list(entries, |e| e.at.epoch as i32))
        .bind(list(entries, |e| e.at.seq as i64))
        .bind(list(entries, |e| e.hash.to_vec()))
        .bind(list(entries, |e| e.kind.to_string()))
        .bind(list(entries, |e| e.payload.clone()))
        .bind(list(entries, |e| e.about.subject.map(Id::uuid)))
        .bind(list(entries, |e| e.about.branch.clone()))
        .bind(list(entries, |e| e.actor.clone()))
        .bind(list(entries, |e| e.cause.clone()))
        .bind(list(entries, |e| i16::from(e.hops)))
        .bind(list(entries, |e| e.directory_seq as i64))
        .bind(list(entries, |e| e.recorded_at.0))
        .bind(list(entries, |e| e.about.occurred_at.map(|at| at.0)))
        .bind(list(entries, |e| e.to.map(|(shard, _)| shard.number() as i16)))
        .bind(list(entries, |e| e.to.map(|(_, pair)| pair as i64)))
        .bind(list(entries, |e| e.traceparent.clone()))
}

fn bind_small<'q>(mut query: PgQuery<'q>, batch: &Batch, parts: &CommitParts) -> PgQuery<'q> {
    if parts.timers_set {
        let set: Vec<(&TimerChange, Time)> = batch.timers.iter().filter_map(|t| Some((t, t.due?))).collect();
        query = query
            .bind(list(&set, |(t, _)| t.id.shard().number() as i16))
            .bind(list(&set, |(_, due)| due.0))
            .bind(list(&set, |(t, _)| t.name.clone()))
            .bind(list(&set, |(t, _)| t.id.uuid()));
    }
    if parts.timers_cleared {
        let cleared: Vec<&TimerChange> = batch.timers.iter().filter(|t| t.due.is_none()).collect();
        query = query.bind(list(&cleared, |t| t.name.clone())).bind(list(&cleared, |t| t.id.uuid()));
    }
    if parts.cursors {
        let cursors = &batch.cursors;
        query = query
            .bind(list(cursors, |(s, _)| s.service.name().to_owned()))
            .bind(list(cursors, |(s, _)| s.from.number() as i16))
            .bind(list(cursors, |(s, _)| s.to.number() as i16))
            .bind(list(cursors, |(s, _)| s.peer))
            .bind(list(cursors, |(_, c)| c.epoch as i32))
            .bind(list(cursors, |(_, c)| c.seq as i64))
            .bind(list(cursors, |(_, c)| c.stream_seq as i64));
    }
    if parts.pairs {
        query = query
            .bind(list(&batch.pairs, |(from, _, _)| from.number() as i16))
            .bind(list(&batch.pairs, |(_, to, _)| to.number() as i16))
            .bind(list(&batch.pairs, |(_, _, seq)| *seq as i64));
    }
    if parts.replies {
        let replies = &batch.replies;
        query = query
            .bind(list(replies, |r| r.request.id.uuid()))
            .bind(list(replies, |r| r.request.caller.clone()))
            .bind(list(replies, |r| r.shard.number() as i16))
            .bind(list(replies, |r| r.content.to_vec()))
            .bind(list(replies, |r| r.reply.clone()))
            .bind(list(replies, |r| r.epoch as i32))
            .bind(list(replies, |r| r.seq as i64));
    }
    if parts.directory {
        query = query
            .bind(list(&batch.directory, |d| d.seq as i64))
            .bind(list(&batch.directory, |d| d.kind.to_string()))
            .bind(list(&batch.directory, |d| d.payload.clone()))
            .bind(list(&batch.directory, |d| d.recorded_at.0));
    }
    query = aside::bind(query, &batch.aside, parts.aside);
    if parts.published {
        let marks: Vec<&(Shard, u64)> = marks(batch).collect();
        query =
            query.bind(list(&marks, |(s, _)| s.number() as i16)).bind(list(&marks, |(_, seq)| *seq as i64));
    }
    query
}

fn list<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    items.iter().map(value).collect()
}
