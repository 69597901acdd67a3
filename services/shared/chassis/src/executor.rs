//! Effects outside the database. A step writes the intent as a journal entry;
//! an executor reads the journal with a cursor of its own, acts, and reports
//! the outcome as a command whose request id derives from the entry. Never
//! forgotten; doubled only when a crash fell between act and report, and then said so.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use chassis_core::{Actor, Ask, Core, Entry, RefusalKind, store::RequestKey};
use proto::{Id, Shard};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{handle::Handle, identity::service_actor, journal};

/// The other side cannot be reached now: try the entry again after a while.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Later {
    pub why: String,
    pub after: Duration,
}

/// What an executor reports: the home, and the command that says the outcome.
pub type Report<C> = Option<(Shard, <C as Core>::Command)>;
pub type Acting<'a, C> = Pin<Box<dyn Future<Output = Result<Report<C>, Later>> + Send + 'a>>;

/// Acts on a service's own journal entries.
pub trait Executor<C: Core>: Send + Sync + 'static {
    /// Names its cursor.
    fn name(&self) -> &'static str;

    /// Whether entries of this type are intents of this executor.
    fn wants(&self, kind: &str) -> bool;

    /// Carries an intent out. `again`: it may have been carried out before.
    fn act<'a>(&'a self, entry: &'a Entry, again: bool) -> Acting<'a, C>;
}

/// Runs an executor over all shards owned here.
pub(crate) async fn run<C: Core>(handle: Handle<C>, executor: Arc<dyn Executor<C>>, stop: CancellationToken) {
    let turns = Shard::all().map(|shard| {
        let (handle, executor) = (handle.clone(), executor.clone());
        async move { follow(handle, executor, shard).await }
    });
    tokio::select! {
        _ = futures::future::join_all(turns) => {}
        () = stop.cancelled() => {}
    }
}

/// One shard: its entries in order, one at a time.
async fn follow<C: Core>(handle: Handle<C>, executor: Arc<dyn Executor<C>>, shard: Shard) {
    let mut moved = handle.shared.journal_moved.subscribe();
    loop {
        if handle.works(shard)
            && let Err(error) = work_off(&handle, &*executor, shard).await
        {
            tracing::warn!(executor = executor.name(), %shard, error, "an executor stopped: trying again");
            tokio::time::sleep(Duration::from_millis(500)).await;
            continue;
        }
        // A missed wake-up is no harm: it looks again by itself.
        let _ = tokio::time::timeout(Duration::from_secs(5), moved.changed()).await;
    }
}

async fn work_off<C: Core>(
    handle: &Handle<C>,
    executor: &dyn Executor<C>,
    shard: Shard,
) -> Result<(), String> {
    let pool = handle.reads();
    let (mut seq, acting) = place(pool, executor.name(), shard).await?;
    let rewound = rewound(pool, shard).await?;
    loop {
        let page =
            journal::after(pool, C::SERVICE, shard, seq, 200).await.map_err(|error| error.to_string())?;
        let Some(last) = page.last().map(|entry| entry.at.seq) else { return Ok(()) };
        for entry in page.iter().filter(|entry| executor.wants(&entry.kind)) {
            // What was done after the copy that was restored was made is not on record.
            let again = acting == Some(entry.at.seq) || entry.at.seq < rewound;
            note(pool, executor.name(), shard, entry.at.seq - 1, Some(entry.at.seq)).await?;
            let report = loop {
                match executor.act(entry, again).await {
                    Ok(report) => break report,
                    Err(later) => {
                        tracing::warn!(executor = executor.name(), at = %entry.at, why = later.why, "later");
                        tokio::time::sleep(later.after).await;
                    }
                }
            };
            if let Some((home, command)) = report {
                submit(handle, executor.name(), entry, home, command).await?;
            }
        }
        seq = last;
        note(pool, executor.name(), shard, seq, None).await?;
    }
}

async fn submit<C: Core>(
    handle: &Handle<C>,
    name: &str,
    entry: &Entry,
    home: Shard,
    command: C::Command,
) -> Result<(), String> {
    let actor: Actor = service_actor(C::SERVICE.name());
    let hash = blake3::hash(format!("{name}:{}", entry.at).as_bytes());
    let entropy = hash.as_bytes()[..9].try_into().expect("a hash has 32 bytes");
    let ask = Ask {
        request: RequestKey {
            caller: format!("executor:{name}"),
            id: Id::mint(entry.recorded_at, proto::Bucket::first_of(home), entropy),
        },
        content: hash.as_bytes()[16..].try_into().expect("a hash has 32 bytes"),
        actor,
        traceparent: entry.traceparent.clone(),
    };
    match handle.submit(home, ask, command).await {
        Ok(_) => Ok(()),
        Err(refusal) if matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::Exhausted) => {
            Err(refusal.to_string())
        }
        Err(refusal) => {
            // The outcome is known to the other side only; it must not hold up what follows.
            tracing::error!(executor = name, at = %entry.at, %refusal, "an outcome was refused");
            Ok(())
        }
    }
}

/// Where the shard's history was last taken back: whatever stands before it may have been carried out.
async fn rewound(pool: &PgPool, shard: Shard) -> Result<u64, String> {
    let seq: i64 = sqlx::query_scalar(
        "select coalesce(max(seq), 0) from rewinding where own and not peer and shard = $1 \
         and (to_epoch, to_seq) > (from_epoch, from_seq)",
    )
    .bind(shard.number() as i16)
    .fetch_one(pool)
    .await
    .map_err(|error| error.to_string())?;
    Ok(seq as u64)
}

async fn place(pool: &PgPool, name: &str, shard: Shard) -> Result<(u64, Option<u64>), String> {
    let row: Option<(i64, Option<i64>)> =
        sqlx::query_as("select seq, acting from executor where name = $1 and shard = $2")
            .bind(name)
            .bind(shard.number() as i16)
            .fetch_optional(pool)
            .await
            .map_err(|error| error.to_string())?;
    Ok(row.map_or((0, None), |(seq, acting)| (seq as u64, acting.map(|a| a as u64))))
}

async fn note(pool: &PgPool, name: &str, shard: Shard, seq: u64, acting: Option<u64>) -> Result<(), String> {
    sqlx::query(
        "insert into executor (name, shard, seq, acting) values ($1, $2, $3, $4) \
         on conflict (name, shard) do update set seq = excluded.seq, acting = excluded.acting",
    )
    .bind(name)
    .bind(shard.number() as i16)
    .bind(seq as i64)
    .bind(acting.map(|a| a as i64))
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(|error| error.to_string())
}
