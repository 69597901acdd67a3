//! The store's two carriers are twins: random batches, re-openings, killed sessions and commits that nobody knows the
//! outcome of, on Postgres and in memory, always with equal answers and equal dumps. `TWIN_SEEDS` plays more of them.

mod draw;
mod dump;

use std::time::Duration;

use chassis_core::{
    memory::Memory,
    store::{Batch, Found},
};
use local_engines::{Postgres, PostgresOptions};
use proto::{Shard, Time};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

use self::draw::{Draw, Spoilt, Toy};
use super::{Session, SessionError};
use crate::schema;

const SEEDS: u64 = 4;
const STEPS: usize = 120;
/// Shards that are played with.
const SHARDS: u16 = 4;

/// How a commit whose answer never came went out.
#[derive(Default, Debug)]
struct Tally {
    commits: u32,
    refused: u32,
    unknown_kept: u32,
    unknown_lost: u32,
    reopened: u32,
    unclean: u32,
    held: u32,
    queued: u32,
}

struct Twins {
    options: PgConnectOptions,
    postgres: Session,
    memory: Memory,
    held: Vec<Shard>,
    /// Whose shards they are.
    process: Uuid,
    draw: Draw,
    tally: Tally,
}

impl Twins {
    async fn new(url: &str, seed: u64) -> Twins {
        let options = schema::options(url, Toy::NAME).expect("an address");
        let mut admin = PgConnection::connect_with(&options).await.expect("Postgres is there");
        let own = schema::OWN_TABLES;
        let name = Toy::NAME.schema();
        let sql =
            format!("drop schema if exists {name} cascade; create schema {name}; {own} {}", draw::TABLES_SQL);
        admin.execute(AssertSqlSafe(sql)).await.expect("a schema");
        let postgres = Session::open::<Toy>(options.clone()).await.expect("a session");
        let mut twins = Twins {
            options,
            postgres,
            memory: Memory::new::<Toy>(Time(1), 50_000),
            held: Vec::new(),
            process: Uuid::nil(),
            draw: Draw::new(seed),
            tally: Tally::default(),
        };
        twins.take().await;
        twins.begin_tenure().await;
        twins
    }

    /// Takes some of the shards.
    async fn take(&mut self) {
        let wanted = self.draw.shards(SHARDS);
        // The former backend may still be deciding: a lock is had when it is gone.
        let mut got = Vec::new();
        for _ in 0..2_000 {
            got.extend(self.postgres.try_lock(&wanted).await.expect("locks"));
            if got.len() == wanted.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(got.len(), wanted.len(), "the former session keeps its locks");
        self.held = self.postgres.held().to_vec();
    }

    /// Another process owns them now, or the same one again: both say alike what is set aside and who died on what.
    async fn begin_tenure(&mut self) {
        if self.process.is_nil() || self.draw.below(4) > 0 {
            self.process = Uuid::from_u128(1 + u128::from(self.draw.below(1 << 60)));
        }
        let mut theirs = self.postgres.take(self.process).await.expect("they are taken");
        let mut ours = self.memory.take(&self.held, self.process);
        for found in [&mut theirs, &mut ours] {
            found.held.sort_by_key(|(aggregate, _)| *aggregate);
            found.barred.sort();
            found.killers.sort();
        }
        assert_eq!(theirs, ours);
        self.tally.held += ours.held.len() as u32;
        self.tally.unclean += u32::from(ours.unclean);
    }

    async fn compare_found(&mut self) {
        let theirs = self.postgres.find::<Toy>().await.expect("found");
        let ours = self.memory.find(&self.held);
        assert_eq!(told(&theirs), told(&ours));
    }

    /// Whole schemas, column by column.
    async fn compare_all(&mut self) {
        let mut connection = PgConnection::connect_with(&self.options).await.expect("Postgres is there");
        let theirs = dump::all(&mut connection).await;
        let ours = self.memory.dump();
        for (theirs, ours) in theirs.iter().zip(&ours) {
            assert_eq!(theirs, ours);
        }
        assert_eq!(theirs.len(), ours.len());
    }

    async fn reopen(&mut self) {
        self.tally.reopened += 1;
        if self.draw.below(2) == 0 {
            self.postgres.sign_off(self.process).await.expect("it leaves in order");
            self.memory.leave(&self.held);
        }
        self.postgres = Session::open::<Toy>(self.options.clone()).await.expect("a session");
        self.take().await;
        self.begin_tenure().await;
    }

    async fn step(&mut self) {
        match self.draw.below(20) {
            0..=9 => self.commit().await,
            10 | 11 => self.refused().await,
            12 | 13 => self.load().await,
            14 => self.reopen().await,
            15 | 16 => self.killed().await,
            17 | 18 => self.unanswered().await,
            _ => self.compare_found().await,
        }
    }

    async fn commit(&mut self) {
        let batch = self.draw.batch(&self.memory, &self.held);
        self.postgres.commit(&batch).await.expect("it is sound");
        self.memory.commit(&batch).expect("it is sound");
        self.tally.commits += 1;
    }

    /// A batch that breaks a promise is refused by both, whole.
    async fn refused(&mut self) {
        let batch = self.draw.batch(&self.memory, &self.held);
        let Some(spoilt) = self.draw.spoil(batch, &self.memory) else { return };
        let theirs = self.postgres.commit(&spoilt.batch).await;
        let ours = self.memory.commit(&spoilt.batch);
        let Spoilt { how, .. } = spoilt;
        assert!(matches!(theirs, Err(SessionError::Statement { .. })), "{how}: Postgres took it");
        assert!(ours.is_err(), "{how}: the memory took it");
        self.tally.refused += 1;
        self.compare_all().await;
    }

    async fn load(&mut self) {
        let plan = self.draw.plan(&self.memory);
        let theirs = self.postgres.load(&plan).await.expect("loaded");
        let ours = self.memory.load(&plan);
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines
        };
        let rows = |loaded: &chassis_core::store::Loaded| {
            sorted(loaded.rows.iter().map(|row| format!("{row:?}")).collect())
        };
        let replies = |loaded: &chassis_core::store::Loaded| {
            sorted(loaded.replies.iter().map(|reply| format!("{reply:?}")).collect())
        };
        assert_eq!(rows(&theirs), rows(&ours));
        assert_eq!(replies(&theirs), replies(&ours));
        assert_eq!(theirs.queue, ours.queue);
        self.tally.queued += ours.queue.len() as u32;
    }

    /// The session's backend is ended: before, while or after it commits.
    async fn killed(&mut self) {
        let when = self.draw.below(3);
        let batch = self.draw.certain_batch(&self.memory, &self.held);
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut self.postgres.connection)
            .await
            .expect("a backend");
        let mut admin = PgConnection::connect_with(&self.options).await.expect("Postgres is there");
        let delay = Duration::from_micros(self.draw.below(3_000));
        let end = async {
            tokio::time::sleep(delay).await;
            sqlx::query("select pg_terminate_backend($1)")
                .bind(pid)
                .execute(&mut admin)
                .await
                .expect("ended");
        };
        match when {
            0 => {
                end.await;
                assert!(self.postgres.commit(&batch).await.is_err(), "a dead session committed");
            }
            1 => {
                let (_, ()) = tokio::join!(self.postgres.commit(&batch), end);
            }
            _ => {
                self.postgres.commit(&batch).await.expect("it is sound");
                end.await;
            }
        }
        self.settle(&batch).await;
    }

    /// Nobody waits for the answer: the session is dropped in the middle.
    async fn unanswered(&mut self) {
        let batch = self.draw.certain_batch(&self.memory, &self.held);
        let patience = Duration::from_micros(self.draw.below(2_500));
        drop(tokio::time::timeout(patience, self.postgres.commit(&batch)).await);
        self.settle(&batch).await;
    }

    /// A stranger learns from the head how an unknown commit went out; it is whole or not there at all.
    async fn settle(&mut self, batch: &Batch) {
        let written = batch.heads[0].clone();
        self.postgres = Session::open::<Toy>(self.options.clone()).await.expect("a session");
        self.held.clear();
        self.draw.insist_on(written.shard);
        self.take().await;
        let found = self.postgres.find::<Toy>().await.expect("found");
        let head = found.heads.iter().find(|head| head.shard == written.shard).expect("it is held");
        if *head == written {
            self.memory.commit(batch).expect("it is sound");
            self.tally.unknown_kept += 1;
        } else {
            assert_eq!(head.seq, batch.heads_before[0], "neither before nor after the batch");
            self.tally.unknown_lost += 1;
        }
        self.memory.find(&self.held);
        self.begin_tenure().await;
        self.compare_all().await;
    }
}

/// What was found, but for the clock, in an order.
fn told(found: &Found) -> Vec<String> {
    let mut lines: Vec<String> = found.heads.iter().map(|head| format!("{head:?}")).collect();
    lines.extend(found.published.iter().map(|mark| format!("published {mark:?}")));
    lines.extend(found.cursors.iter().map(|cursor| format!("{cursor:?}")));
    lines.extend(found.pairs.iter().map(|pair| format!("pair {pair:?}")));
    lines.extend(found.directory.iter().map(|entry| format!("{entry:?}")));
    lines.extend(found.timers.rows.iter().map(|timer| format!("{timer:?}")));
    lines.sort();
    lines.push(format!("more {}", found.timers.more));
    lines
}

async fn play(url: &str, seed: u64) -> Tally {
    let mut twins = Twins::new(url, seed).await;
    twins.compare_found().await;
    for step in 0..STEPS {
        twins.step().await;
        if step % 20 == 19 {
            twins.compare_all().await;
        }
    }
    twins.compare_found().await;
    twins.compare_all().await;
    twins.tally
}

#[tokio::test]
async fn postgres_and_memory_are_twins() {
    let dir = local_engines::scratch("chassis-twins").expect("a place");
    let dir = tempfile::tempdir_in(dir).expect("a folder");
    let server = Postgres::start(PostgresOptions::new(dir.path())).await.expect("Postgres starts");
    let seeds = std::env::var("TWIN_SEEDS").ok().map_or(SEEDS, |text| text.parse().expect("a number"));
    let mut all = Tally::default();
    for seed in 0..seeds {
        let tally = play(&server.url(), seed).await;
        all.commits += tally.commits;
        all.refused += tally.refused;
        all.unknown_kept += tally.unknown_kept;
        all.unknown_lost += tally.unknown_lost;
        all.reopened += tally.reopened;
        all.unclean += tally.unclean;
        all.held += tally.held;
        all.queued += tally.queued;
    }
    println!("{all:?}");
    let aside = [all.unclean, all.held, all.queued].into_iter().min();
    let least = [all.commits, all.refused, all.unknown_kept, all.unknown_lost, all.reopened]
        .into_iter()
        .chain(aside)
        .min();
    assert!(least > Some(0), "something never happened: {all:?}");
}
