//! The writer: takes shards, then drives the machine until the session is
//! lost, more shards come free, or the service stops.

mod drive;

use std::{sync::Arc, time::Duration};

use chassis_core::{
    Core, Incoming, Machine, Opening, Outcome, Rest,
    store::{Found, Head, Source},
};
use proto::{Service, Shard, Time};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    ghosts,
    handle::{Shared, Submitted, View, unavailable},
    journal::Peers,
    publisher, reader,
    session::{Session, SessionError, in_time},
    stream_walk, take,
    telemetry::Instruments,
};

/// How often a contender asks for shards.
const POLL: Duration = Duration::from_millis(500);

/// What reaches the loop beside commands.
pub(crate) enum Control {
    Announced { source: Source, epoch: u32, seq: u64 },
    DirectoryAnnounced { epoch: u32, seq: u64 },
    AskedPassed { until: Time, answer: oneshot::Sender<Vec<Head>> },
    Passed { until: Time, heads: Vec<(Service, Shard, u32, u64)>, silent: Vec<Service> },
    Published(Vec<(Shard, u64)>),
    OpenEpoch { opening: Opening, outcome: oneshot::Sender<Outcome> },
    AskedRest(oneshot::Sender<Rest>),
}

/// An entry on its way from the reader to the loop.
pub(crate) enum Feed {
    Source(Source, Incoming),
    Directory(Incoming),
}

/// Everything that the writer works with.
pub(crate) struct Writer<C: Core> {
    pub shared: Arc<Shared<C>>,
    pub options: PgConnectOptions,
    pub nats: async_nats::Client,
    pub peers: Peers,
    pub commands: mpsc::Receiver<Submitted<C>>,
    pub wanted: Vec<Shard>,
    pub instruments: Instruments,
    pub stop: CancellationToken,
}

/// Why driving ended.
enum Ended {
    Stopped,
    /// The session is in doubt: all that was known is dropped.
    SessionLost,
    /// More shards came free, or an epoch was opened: begin again, on the same session.
    Anew(Box<Session>),
    Broken(String),
}

impl<C: Core> Writer<C> {
    pub async fn run(mut self) -> Result<(), String> {
        let mut kept: Option<Box<Session>> = None;
        while !self.stop.is_cancelled() {
            let session = match kept.take() {
                Some(session) => *session,
                None => match self.take_shards().await {
                    Ok(Some(session)) => session,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(service = %C::SERVICE, error = %chain(&error), "no session: trying again");
                        self.refuse_waiting();
                        self.pause(POLL).await;
                        continue;
                    }
                },
            };
            let ended = match self.begin(session).await {
                Ok(ended) => ended,
                Err(error) => {
                    tracing::warn!(service = %C::SERVICE, error = %chain(&error), "taking over failed: trying again");
                    Ended::SessionLost
                }
            };
            self.show(self.current_view().without_shards());
            match ended {
                Ended::Stopped => break,
                Ended::SessionLost => self.pause(Duration::from_millis(50)).await,
                Ended::Anew(session) => kept = Some(session),
                Ended::Broken(why) => {
                    tracing::error!(service = %C::SERVICE, why, "a broken invariant: this writer stops");
                    return Err(why);
                }
            }
        }
        Ok(())
    }

    /// Waits for at least one shard.
    async fn take_shards(&mut self) -> Result<Option<Session>, SessionError> {
        let mut session = in_time(Session::open::<C>(self.options.clone())).await?;
        loop {
            if !in_time(session.try_lock(&self.wanted)).await?.is_empty() {
                return Ok(Some(session));
            }
            if in_time(session.end_frozen_holders()).await? > 0 {
                tracing::warn!(service = %C::SERVICE, "ended the session of a frozen owner");
            }
            // Requests are taken as soon as the time is known: not before the directory is.
            self.show_waiting(&mut session).await?;
            let database_now = in_time(session.beat()).await?;
            self.shared
                .clock
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .heard(database_now, self.shared.started.elapsed());
            self.refuse_waiting();
            self.pause(POLL).await;
            if self.stop.is_cancelled() {
                return Ok(None);
            }
        }
    }

    /// A replica that waits serves reads and forwards commands; both need the
    /// directory, which its owner keeps in the schema.
    async fn show_waiting(&self, session: &mut Session) -> Result<(), SessionError> {
        let mut view = self.current_view();
        if view.directory.seq() != in_time(session.directory_seq::<C>()).await? {
            match Machine::<C>::fold(&drive::patiently(session.directory::<C>()).await?) {
                Ok(directory) => view.directory = Arc::new(directory),
                Err(why) => tracing::error!(service = %C::SERVICE, why, "the kept directory cannot be read"),
            }
        }
        self.show(View { waits: true, ..view.without_shards() });
        Ok(())
    }

    /// Reads what the store knows and drives the machine.
    async fn begin(&mut self, mut session: Session) -> Result<Ended, SessionError> {
        // Whatever waited in the run before is looked at anew.
        session.leave(Vec::new());
        let mut found = drive::patiently(session.find::<C>()).await?;
        found.aside = in_time(session.take(self.shared.process)).await?;
        if found.aside.unclean {
            tracing::warn!(service = %C::SERVICE, "an owner before did not leave in order: trying inputs one by one");
        }
        self.look_for_lost_tails(&mut found, &mut session).await?;
        let cursors = found.cursors.clone();
        let owned = session.held().to_vec();
        let works: Vec<Shard> = owned
            .iter()
            .filter(|shard| found.lost.iter().all(|lost| lost.shard != **shard))
            .copied()
            .collect();
        // A shard that waits says nothing: its newest message in the stream is what tells of the lost ones.
        let published = found.published.iter().filter(|(shard, _)| works.contains(shard)).copied().collect();
        let machine =
            match Machine::<C>::new(self.shared.config.limits(), found, self.shared.started.elapsed()) {
                Ok(machine) => machine,
                Err(why) => return Ok(Ended::Broken(why)),
            };
        tracing::info!(service = %C::SERVICE, shards = owned.len(), "owns its shards");
        let scope = self.stop.child_token();
        let (control, control_in) = mpsc::unbounded_channel();
        let (feed, feed_in) = mpsc::channel(4_096);
        let publisher = publisher::spawn(
            publisher::Publisher::new(
                C::SERVICE,
                self.nats.clone(),
                self.shared.pool.clone(),
                published,
                control.clone(),
            ),
            scope.clone(),
        );
        let links = reader::Links {
            service: C::SERVICE,
            sources: C::SOURCES,
            owned: owned.clone(),
            nats: self.nats.clone(),
            pool: self.shared.pool.clone(),
            peers: self.peers.clone(),
            feed: feed.clone(),
            control: control.clone(),
        };
        reader::spawn(links, cursors, scope.clone());
        self.look_after_history(works, &scope);
        self.set_control(Some(control.clone()));
        let ended = self
            .drive(drive::Drive::new(machine, session, publisher, control, control_in, feed, feed_in))
            .await;
        scope.cancel();
        self.set_control(None);
        Ok(ended)
    }

    /// A shard that does not have all that others heard from it waits for its recovery; the others work.
    async fn look_for_lost_tails(
        &self,
        found: &mut Found,
        session: &mut Session,
    ) -> Result<(), SessionError> {
        let (pool, nats) = (&self.shared.pool, &self.nats);
        let lost = take::compare(C::SERVICE, &found.heads, pool, nats, &self.peers)
            .await
            .map_err(|source| SessionError::Statement { what: "comparing heads with the journal", source })?;
        for lost in &lost {
            if let Some(head) = found.heads.iter().find(|head| head.shard == lost.shard) {
                tracing::error!(service = %C::SERVICE, why = lost.reason(head), "alarm");
            }
        }
        if !lost.is_empty() {
            session.leave(lost.iter().map(|lost| lost.shard).collect());
            found.timers = session.timers().await?;
        }
        found.lost = lost;
        Ok(())
    }

    /// What the stream lost is sent again; what was withdrawn is written down.
    fn look_after_history(&self, works: Vec<Shard>, scope: &CancellationToken) {
        let (nats, pool) = (self.nats.clone(), self.shared.pool.clone());
        let walker = stream_walk::Walker { service: C::SERVICE, owned: works, nats, pool };
        tokio::spawn(scope.clone().run_until_cancelled_owned(walker.run()));
        let noting = ghosts::note(C::SERVICE, self.nats.clone(), self.shared.pool.clone());
        tokio::spawn(scope.clone().run_until_cancelled_owned(noting));
    }

    /// Commands that waited for shards which are not here: tried elsewhere by their callers.
    fn refuse_waiting(&mut self) {
        while let Ok(waiting) = self.commands.try_recv() {
            let _ = waiting.answer.send(Err(unavailable(
                "no-owner",
                "该分片正在交接，请稍后重试。",
                "The shard is changing hands; try again.",
            )));
        }
    }

    fn show(&self, view: View) {
        let seq = view.directory.seq();
        *self.shared.view.write().unwrap_or_else(std::sync::PoisonError::into_inner) = view;
        self.shared.directory_moved.send_if_modified(|known| std::mem::replace(known, seq) != seq);
    }

    fn current_view(&self) -> View {
        self.shared.view.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn set_control(&self, control: Option<mpsc::UnboundedSender<Control>>) {
        *self.shared.control.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = control;
    }

    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.stop.cancelled() => {}
        }
    }
}

/// An error with its sources, for one log line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}
