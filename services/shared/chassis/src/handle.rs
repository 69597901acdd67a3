//! What a service's gRPC layer holds: the way into the loop, the reads, the vault.

use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chassis_core::{Aggregate, Ask, Core, Refusal, RefusalKind, aside};
use organisation::Snapshot;
use proto::{Id, Shard, Time, envelope::Position};
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{
    config::Config,
    forward::Forwarder,
    identity::{Issuer, Verifier},
    vault::Vault,
    writer::Control,
};

/// An accepted command's reply and its place in the journal.
#[derive(Debug)]
pub struct Accepted<R> {
    pub reply: R,
    pub at: Position,
}

/// What is asked of the loop: a command of its core, or something about quarantine.
pub(crate) enum Wanted<C: Core> {
    Command(Arc<C::Command>),
    Order(aside::Order),
}

/// A command on its way into the loop.
pub(crate) struct Submitted<C: Core> {
    pub home: Shard,
    pub ask: Arc<Ask>,
    pub wanted: Wanted<C>,
    pub answer: oneshot::Sender<chassis_core::Outcome>,
}

/// What the writer shows to everybody else in the process.
#[derive(Clone, Default)]
pub(crate) struct View {
    pub directory: Arc<Snapshot>,
    /// Shards whose writer runs here.
    pub owned: Vec<Shard>,
    /// Of these, the ones that wait for their recovery.
    pub lost: Vec<Shard>,
    /// All shards are taken: this replica waits for them, forwards and reads.
    pub waits: bool,
}

impl View {
    /// Who loses his shards still knows the directory: requests go on being read by it, and are forwarded. By an empty
    /// one a correct form would have none of its fields.
    pub fn without_shards(self) -> View {
        View { owned: Vec::new(), lost: Vec::new(), waits: false, ..self }
    }
}

pub(crate) struct Shared<C: Core> {
    pub config: Arc<Config>,
    pub pool: PgPool,
    pub vault: Vault,
    pub issuer: Arc<Issuer>,
    pub verifier: Arc<Verifier>,
    pub commands: mpsc::Sender<Submitted<C>>,
    pub view: RwLock<View>,
    /// Business time = law(database clock); the offset is kept by the writer.
    pub clock: RwLock<chassis_core::clock::Clock>,
    pub started: std::time::Instant,
    /// This life of the process: who owns a shard, and whether he left in order, is told by it.
    pub process: uuid::Uuid,
    pub forwarder: Forwarder,
    /// Cursors applied here, as a signal for those who wait for their own write.
    pub applied: watch::Sender<u64>,
    pub cursors: Mutex<HashMap<(proto::Service, Shard), (u32, u64)>>,
    /// The way to the running loop, for questions that are not commands.
    pub control: Mutex<Option<mpsc::UnboundedSender<Control>>>,
    /// Counts batches that wrote the journal: executors wake by it.
    pub journal_moved: watch::Sender<u64>,
    /// How far the directory is known.
    pub directory_moved: watch::Sender<u64>,
    /// What is done whenever the directory has changed, by `Handle::follow_directory`: up to where. Without such work: the end.
    pub chores: AtomicU64,
    /// How many executors read the journal.
    pub executors: AtomicUsize,
}

/// Cheap to clone.
pub struct Handle<C: Core> {
    pub(crate) shared: Arc<Shared<C>>,
    core: PhantomData<fn() -> C>,
}

impl<C: Core> Clone for Handle<C> {
    fn clone(&self) -> Self {
        Handle { shared: self.shared.clone(), core: PhantomData }
    }
}

impl<C: Core> Handle<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>) -> Handle<C> {
        Handle { shared, core: PhantomData }
    }

    /// Gives a command to the writer of its home, here or at another replica,
    /// and waits for the durable answer.
    pub async fn submit(
        &self,
        home: Shard,
        ask: Ask,
        command: C::Command,
    ) -> Result<Accepted<C::Reply>, Refusal> {
        accepted(self.give(home, ask, Wanted::Command(Arc::new(command))).await?)
    }

    /// Gives an order about quarantine to the writer of its home.
    pub(crate) async fn order(
        &self,
        ask: Ask,
        order: aside::Order,
    ) -> Result<Accepted<aside::Handled>, Refusal> {
        accepted(self.give(order.id.shard(), ask, Wanted::Order(order)).await?)
    }

    async fn give(&self, home: Shard, ask: Ask, wanted: Wanted<C>) -> chassis_core::Outcome {
        if self.owns(home) {
            self.submit_here(home, Arc::new(ask), wanted).await
        } else {
            self.shared.forwarder.submit::<C>(home, &ask, &wanted).await
        }
    }

    pub(crate) async fn submit_here(
        &self,
        home: Shard,
        ask: Arc<Ask>,
        wanted: Wanted<C>,
    ) -> chassis_core::Outcome {
        let (answer, answered) = oneshot::channel();
        let submitted = Submitted { home, ask, wanted, answer };
        if self.shared.commands.try_send(submitted).is_err() {
            return Err(overloaded());
        }
        match tokio::time::timeout(Duration::from_secs(30), answered).await {
            Ok(Ok(outcome)) => outcome,
            // The writer lost its session: whether it was accepted, the same request id will tell.
            Ok(Err(_)) | Err(_) => Err(unavailable(
                "unknown",
                "处理中断，结果未知。请用同一请求号重试。",
                "Interrupted; the outcome is not known. Try again with the same request id.",
            )),
        }
    }

    pub(crate) fn control(&self) -> Option<mpsc::UnboundedSender<Control>> {
        self.shared.control.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// A writer runs here, or waits for shards that others have.
    pub fn is_ready(&self) -> bool {
        let view = self.view();
        view.waits || !view.owned.is_empty()
    }

    pub fn owns(&self, shard: Shard) -> bool {
        self.view().owned.contains(&shard)
    }

    /// Owned here, and not waiting for its recovery.
    pub(crate) fn works(&self, shard: Shard) -> bool {
        let view = self.view();
        view.owned.contains(&shard) && !view.lost.contains(&shard)
    }

    /// Shards owned here whose tail is lost: they accept nothing.
    pub fn lost(&self) -> Vec<Shard> {
        self.view().lost
    }

    /// For people's queries.
    pub fn reads(&self) -> &PgPool {
        &self.shared.pool
    }

    pub fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    pub fn issuer(&self) -> &Issuer {
        &self.shared.issuer
    }

    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        self.shared.verifier.clone()
    }

    /// The directory as far as the writer here has read it.
    pub fn directory(&self) -> Arc<Snapshot> {
        self.view().directory
    }

    /// Returns when the directory has moved on from `seq`, or when patience ends.
    pub async fn directory_beyond(&self, seq: u64, patience: Duration) {
        let mut moved = self.shared.directory_moved.subscribe();
        let _ = tokio::time::timeout(patience, moved.wait_for(|known| *known != seq)).await;
    }

    /// What a change of the directory calls for is done up to here: until then nobody is told that all is at rest.
    pub fn did_chores(&self, directory_seq: u64) {
        self.shared.chores.store(directory_seq, Ordering::Release);
    }

    pub(crate) fn did_all_chores(&self) -> bool {
        self.shared.chores.load(Ordering::Acquire) >= self.directory().seq()
    }

    /// Business time.
    pub fn now(&self) -> Time {
        let directory = self.directory();
        if let Some(founded) = self.shared.config.limits().founded_at.filter(|_| directory.seq() == 0) {
            return founded;
        }
        let law = directory.law();
        let clock = *self.shared.clock.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        clock.business_now(&law, self.shared.started.elapsed())
    }

    /// The database's clock: for request ids, which are dated by real time.
    pub fn real_now(&self) -> Time {
        let clock = *self.shared.clock.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        clock.database_now(self.shared.started.elapsed())
    }

    /// Whether the database has answered at all since the start: before that no time is known.
    pub fn knows_time(&self) -> bool {
        self.shared.clock.read().unwrap_or_else(std::sync::PoisonError::into_inner).is_known()
    }

    /// One aggregate as it is stored.
    pub async fn load<T: Aggregate>(&self, id: Id) -> Result<Option<T>, Refusal> {
        let sql = format!("select body from {} where id = $1", T::TABLE.name);
        let body: Option<Vec<u8>> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(id.uuid())
            .fetch_optional(&self.shared.pool)
            .await
            .map_err(|error| store_failed(&error))?;
        body.map(|body| decode(&body)).transpose()
    }

    /// Waits up to `patience` until this service has applied an entry of a source.
    pub async fn reached(&self, at: Position, patience: Duration) -> bool {
        let mut applied = self.shared.applied.subscribe();
        let reached = async {
            loop {
                let seen = self.cursor(at.service, at.shard);
                if seen >= Some((at.epoch, at.seq)) {
                    return true;
                }
                if applied.changed().await.is_err() {
                    return false;
                }
            }
        };
        tokio::time::timeout(patience, reached).await.unwrap_or(false)
    }

    /// How far a source has been applied and committed here.
    pub fn cursor(&self, service: proto::Service, shard: Shard) -> Option<(u32, u64)> {
        self.shared
            .cursors
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(&(service, shard))
            .copied()
    }

    fn view(&self) -> View {
        self.shared.view.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// An accepted answer with its reply read.
fn accepted<R: serde::de::DeserializeOwned>(answer: chassis_core::Answer) -> Result<Accepted<R>, Refusal> {
    let reply = rmp_serde::from_slice(&answer.reply).map_err(|error| {
        tracing::error!(%error, "a reply cannot be read back");
        unavailable(
            "reply",
            "答复无法读取，请稍后查询结果。",
            "The reply cannot be read; look the result up.",
        )
    })?;
    Ok(Accepted { reply, at: answer.at })
}

/// A stored body as its aggregate: for rows that a query brought.
pub fn decode<T: Aggregate>(body: &[u8]) -> Result<T, Refusal> {
    rmp_serde::from_slice(body).map_err(|error| {
        tracing::error!(table = T::TABLE.name, %error, "a stored body cannot be read");
        Refusal::new(
            RefusalKind::Internal,
            "stored",
            "存储的记录无法读取；已记录待查。",
            "A stored record cannot be read; it is on record for us.",
        )
    })
}

/// A query for people failed: nothing was changed, a retry may mend it.
pub fn store_failed(error: &sqlx::Error) -> Refusal {
    tracing::warn!(%error, "a query failed");
    unavailable("store", "数据库暂时不可用，请稍后重试。", "The database cannot be reached now; try again.")
}

pub(crate) fn unavailable(gate: &str, zh: &str, en: &str) -> Refusal {
    let mut refusal = Refusal::new(RefusalKind::Unavailable, gate, zh, en);
    refusal.retry_after_ms = Some(500);
    refusal
}

fn overloaded() -> Refusal {
    let mut refusal = Refusal::new(
        RefusalKind::Exhausted,
        "overload",
        "系统繁忙，请求未被接受。请稍后重试。",
        "Too busy: the request was not accepted. Try again after the delay.",
    );
    refusal.retry_after_ms = Some(250);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_loses_his_shards_still_knows_the_directory() {
        let directory = Arc::new(Snapshot::default());
        let owner = View {
            directory: directory.clone(),
            owned: Shard::all().collect(),
            waits: false,
            lost: Vec::new(),
        };
        let lost = owner.without_shards();
        assert!(Arc::ptr_eq(&lost.directory, &directory));
        assert!(lost.owned.is_empty() && !lost.waits, "neither owner nor waiting: not ready");
    }
}
