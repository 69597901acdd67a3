//! Carries out what the machine says, one store action at a time, and tells it
//! what happened.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use chassis_core::{
    Action, Core, Entry, Happening, Machine, Outcome,
    store::{Batch, Head, LoadPlan, Loaded, Timers},
};
use futures::{FutureExt, future::BoxFuture};
use proto::{Service, Shard, Time};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{Control, Ended, Feed, Writer, chain};
use crate::{
    handle::{Submitted, View, Wanted},
    session::{Session, SessionError},
    telemetry,
};

/// A store action that takes longer puts the session in doubt.
const STORE_PATIENCE: Duration = Duration::from_secs(20);
/// How often a writer looks for shards that came free.
const MORE_SHARDS: Duration = Duration::from_secs(3);

/// What reads much may take longer than a round trip, but not for ever.
pub(super) async fn patiently<T>(
    work: impl Future<Output = Result<T, SessionError>>,
) -> Result<T, SessionError> {
    tokio::time::timeout(STORE_PATIENCE, work).await.unwrap_or(Err(SessionError::Slow))
}

enum Stored {
    Loaded(Loaded),
    Committed(Time),
    Refused(String),
    Beaten(Time),
    Timers(Timers),
}

type InFlight = BoxFuture<'static, (Box<Session>, Result<Stored, SessionError>)>;

/// One run of the machine.
pub(super) struct Drive<C: Core> {
    machine: Machine<C>,
    session: Option<Box<Session>>,
    publisher: mpsc::UnboundedSender<Vec<Arc<Entry>>>,
    control: mpsc::UnboundedSender<Control>,
    control_in: mpsc::UnboundedReceiver<Control>,
    feed: mpsc::Sender<Feed>,
    feed_in: mpsc::Receiver<Feed>,
    answers: HashMap<u64, oneshot::Sender<Outcome>>,
    barriers: HashMap<u64, oneshot::Sender<Vec<Head>>>,
    tokens: u64,
    last_lock: Instant,
    directory_seq: u64,
}

impl<C: Core> Drive<C> {
    pub fn new(
        machine: Machine<C>,
        session: Session,
        publisher: mpsc::UnboundedSender<Vec<Arc<Entry>>>,
        control: mpsc::UnboundedSender<Control>,
        control_in: mpsc::UnboundedReceiver<Control>,
        feed: mpsc::Sender<Feed>,
        feed_in: mpsc::Receiver<Feed>,
    ) -> Drive<C> {
        Drive {
            machine,
            session: Some(Box::new(session)),
            publisher,
            control,
            control_in,
            feed,
            feed_in,
            answers: HashMap::new(),
            barriers: HashMap::new(),
            tokens: 0,
            last_lock: Instant::now(),
            directory_seq: u64::MAX,
        }
    }

    fn token(&mut self) -> u64 {
        self.tokens += 1;
        self.tokens
    }
}

impl<C: Core> Writer<C> {
    pub(super) async fn drive(&mut self, mut drive: Drive<C>) -> Ended {
        let mut flight: Option<InFlight> = None;
        let mut actions = VecDeque::from(drive.machine.on(Happening::Tick, self.now()));
        loop {
            if let Some(ended) = self.carry_out(&mut drive, &mut flight, &mut actions) {
                return ended;
            }
            self.show_view(&mut drive);
            if flight.is_none() {
                if self.stop.is_cancelled() && drive.machine.waiting_commands() == 0 {
                    self.sign_off(&mut drive).await;
                    return Ended::Stopped;
                }
                if let Some(ended) = self.look_for_more(&mut drive).await {
                    return ended;
                }
            }
            let happening = match self.next(&mut drive, &mut flight).await {
                Ok(happening) => happening,
                Err(ended) => return ended,
            };
            actions.extend(drive.machine.on(happening, self.now()));
            // What waits already is taken in before the next batch is looked at.
            self.drain(&mut drive, &mut actions);
        }
    }

    /// In order, so that whoever follows need not be careful.
    async fn sign_off(&self, drive: &mut Drive<C>) {
        let Some(session) = drive.session.as_mut() else { return };
        match tokio::time::timeout(STORE_PATIENCE, session.sign_off(self.shared.process)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(service = %C::SERVICE, error = %chain(&error), "the shards are left without a word");
            }
            Err(_) => tracing::warn!(service = %C::SERVICE, "the shards are left without a word"),
        }
    }

    fn now(&self) -> Duration {
        self.shared.started.elapsed()
    }

    /// Waits for whatever comes first.
    async fn next(
        &mut self,
        drive: &mut Drive<C>,
        flight: &mut Option<InFlight>,
    ) -> Result<Happening<C>, Ended> {
        let now = self.now();
        let wake = Instant::now() + drive.machine.wake_at(now).saturating_sub(now);
        let busy = flight.is_some();
        let stored = async {
            match flight.as_mut() {
                Some(flight) => flight.await,
                None => std::future::pending().await,
            }
        };
        let has_room = drive.machine.has_room_for_events();
        tokio::select! {
            biased;
            (session, stored) = stored => {
                *flight = None;
                self.stored(drive, session, stored)
            }
            Some(control) = drive.control_in.recv() => Ok(controlled(drive, control, self.now())),
            Some(submitted) = self.commands.recv(), if !self.stop.is_cancelled() => Ok(self.submitted(drive, submitted)),
            Some(feed) = drive.feed_in.recv(), if has_room => Ok(fed(feed)),
            () = tokio::time::sleep_until(wake), if !busy => Ok(Happening::Tick),
            () = self.stop.cancelled(), if !busy => Ok(Happening::Tick),
        }
    }

    /// Takes in what is waiting without giving up the thread.
    fn drain(&mut self, drive: &mut Drive<C>, actions: &mut VecDeque<Action>) {
        for _ in 0..1_024 {
            let happening = if let Ok(submitted) = self.commands.try_recv() {
                self.submitted(drive, submitted)
            } else if drive.machine.has_room_for_events()
                && let Ok(feed) = drive.feed_in.try_recv()
            {
                fed(feed)
            } else if let Ok(control) = drive.control_in.try_recv() {
                controlled(drive, control, self.now())
            } else {
                return;
            };
            actions.extend(drive.machine.on(happening, self.now()));
        }
    }

    fn submitted(&mut self, drive: &mut Drive<C>, submitted: Submitted<C>) -> Happening<C> {
        let token = drive.token();
        drive.answers.insert(token, submitted.answer);
        let (home, ask) = (submitted.home, submitted.ask);
        match submitted.wanted {
            Wanted::Command(command) => Happening::Command { token, home, ask, command },
            Wanted::Order(order) => Happening::Order { token, ask, order },
        }
    }

    fn stored(
        &mut self,
        drive: &mut Drive<C>,
        session: Box<Session>,
        stored: Result<Stored, SessionError>,
    ) -> Result<Happening<C>, Ended> {
        match stored {
            Ok(stored) => {
                drive.session = Some(session);
                Ok(match stored {
                    Stored::Loaded(loaded) => Happening::Loaded(loaded),
                    Stored::Committed(database_now) => Happening::Committed { database_now },
                    Stored::Refused(why) => Happening::Refused { why },
                    Stored::Beaten(database_now) => Happening::Beaten { database_now },
                    Stored::Timers(timers) => Happening::Timers(timers),
                })
            }
            Err(error) => {
                // Dropping the session ends its backend; whoever gets the lock next sees what it committed.
                tracing::warn!(service = %C::SERVICE, error = %chain(&error), "the session is in doubt: starting as a stranger");
                Err(Ended::SessionLost)
            }
        }
    }

    fn carry_out(
        &mut self,
        drive: &mut Drive<C>,
        flight: &mut Option<InFlight>,
        actions: &mut VecDeque<Action>,
    ) -> Option<Ended> {
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Load(plan) => self.fly(drive, flight, Op::Load(plan)),
                Action::Commit(batch) => {
                    self.count(&batch);
                    self.fly(drive, flight, Op::Commit(batch));
                }
                Action::Beat => self.fly(drive, flight, Op::Beat),
                Action::LoadTimers => self.fly(drive, flight, Op::Timers),
                Action::Answer { token, outcome } => self.answer(drive, token, outcome),
                Action::Publish(entries) => {
                    let _ = drive.publisher.send(entries);
                    self.shared.journal_moved.send_modify(|count| *count += 1);
                }
                Action::AskPassed { until } => self.ask_passed(drive, until),
                Action::AnswerPassed { token, heads } => {
                    if let Some(answer) = drive.barriers.remove(&token) {
                        let _ = answer.send(heads);
                    }
                }
                Action::Repair { source, after } => {
                    self.instruments.repairs.add(1, &self.instruments.labels);
                    self.peers.repair(source, after, drive.feed.clone());
                }
                Action::RepairDirectory { after } => self.peers.repair_directory(after, drive.feed.clone()),
                Action::Alarm(why) => tracing::error!(service = %C::SERVICE, why, "alarm"),
                Action::StartOver => {
                    return Some(drive.session.take().map_or(Ended::SessionLost, Ended::Anew));
                }
                Action::Stop(why) => return Some(Ended::Broken(why)),
            }
        }
        None
    }

    fn fly(&self, drive: &mut Drive<C>, flight: &mut Option<InFlight>, op: Op) {
        let session = drive.session.take().expect("one store action at a time");
        let instruments = self.instruments.clone();
        *flight = Some(
            async move {
                let begun = Instant::now();
                let result = op.carry_out(session).await;
                instruments.round_trip.record(begun.elapsed().as_secs_f64(), &instruments.labels);
                result
            }
            .boxed(),
        );
    }

    fn answer(&self, drive: &mut Drive<C>, token: u64, outcome: Outcome) {
        let counter = if outcome.is_ok() { &self.instruments.commands } else { &self.instruments.refusals };
        counter.add(1, &self.instruments.labels);
        if let Some(answer) = drive.answers.remove(&token) {
            let _ = answer.send(outcome);
        }
    }

    fn count(&self, batch: &Batch) {
        self.instruments.batches.add(1, &self.instruments.labels);
        self.instruments.entries.add(batch.entries.len() as u64, &self.instruments.labels);
        for aside in batch.aside.put.iter().filter(|aside| aside.fault.is_some()) {
            tracing::error!(
                service = %C::SERVICE, quarantine = %aside.id, cause = aside.cause, reason = aside.reason,
                "an input was set aside"
            );
        }
    }

    /// Asks the sources, once for all that is due.
    fn ask_passed(&self, drive: &Drive<C>, until: Time) {
        let (peers, control) = (self.peers.clone(), drive.control.clone());
        tokio::spawn(async move {
            let sources: Vec<Service> =
                C::SOURCES.iter().copied().filter(|s| *s != Service::Directory).collect();
            let (heads, silent) = peers.ask_passed(&sources, until).await;
            let _ = control.send(Control::Passed { until, heads, silent });
        });
    }

    /// Lets the rest of the process see what the machine knows.
    fn show_view(&self, drive: &mut Drive<C>) {
        let now = self.now();
        let seq = drive.machine.directory().seq();
        if drive.directory_seq != seq {
            drive.directory_seq = seq;
            let lost: Vec<Shard> = drive.machine.lost().map(|lost| lost.shard).collect();
            let works = drive.machine.heads().map(|head| head.shard);
            let owned = works.chain(lost.iter().copied()).collect();
            let directory = Arc::new(drive.machine.directory().clone());
            self.show(View { directory, owned, lost, waits: false });
        }
        *self.shared.clock.write().unwrap_or_else(std::sync::PoisonError::into_inner) = drive.machine.clock();
        let mut cursors = self.shared.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (source, cursor) in drive.machine.committed_cursors() {
            cursors.insert((source.service, source.from), (cursor.epoch, cursor.seq));
        }
        drop(cursors);
        self.shared.applied.send_replace(now.as_micros() as u64);
    }

    /// Now and then: has another replica's death left shards free?
    async fn look_for_more(&mut self, drive: &mut Drive<C>) -> Option<Ended> {
        if drive.last_lock.elapsed() < MORE_SHARDS {
            return None;
        }
        drive.last_lock = Instant::now();
        let session = drive.session.as_mut()?;
        if session.held().len() == self.wanted.len() {
            return None;
        }
        match tokio::time::timeout(STORE_PATIENCE, session.try_lock(&self.wanted)).await {
            Ok(Ok(more)) if more.is_empty() => None,
            Ok(Ok(_)) => drive.session.take().map(Ended::Anew),
            Ok(Err(_)) | Err(_) => Some(Ended::SessionLost),
        }
    }
}

enum Op {
    Load(LoadPlan),
    Commit(Box<Batch>),
    Beat,
    Timers,
}

impl Op {
    async fn carry_out(self, mut session: Box<Session>) -> (Box<Session>, Result<Stored, SessionError>) {
        let work = async {
            match self {
                Op::Load(plan) => session.load(&plan).await.map(Stored::Loaded),
                Op::Commit(batch) => match session.commit(&batch).await {
                    Err(SessionError::Refused(why)) => Ok(Stored::Refused(why)),
                    committed => committed.map(Stored::Committed),
                },
                Op::Beat => session.idle_beat().await.map(Stored::Beaten),
                Op::Timers => session.timers().await.map(Stored::Timers),
            }
        };
        let result = patiently(work).await;
        (session, result)
    }
}

fn fed<C: Core>(feed: Feed) -> Happening<C> {
    match feed {
        Feed::Source(source, entry) => {
            if !entry.traceparent.is_empty() {
                // Linked rather than a child: an entry may have waited for hours.
                let heard = tracing::info_span!("event", kind = %entry.kind, from = %source.service);
                heard.in_scope(|| telemetry::link(&entry.traceparent));
            }
            Happening::Heard { source, entry }
        }
        Feed::Directory(entry) => Happening::DirectoryHeard { entry },
    }
}

fn controlled<C: Core>(drive: &mut Drive<C>, control: Control, now: Duration) -> Happening<C> {
    match control {
        Control::Announced { source, epoch, seq } => Happening::Announced { source, epoch, seq },
        Control::DirectoryAnnounced { epoch, seq } => Happening::DirectoryAnnounced { epoch, seq },
        Control::AskedPassed { until, answer } => {
            let token = drive.token();
            drive.barriers.insert(token, answer);
            Happening::AskedPassed { token, until }
        }
        Control::Passed { until, heads, silent } => Happening::Passed { until, heads, silent },
        Control::Published(marks) => Happening::Published(marks),
        Control::OpenEpoch { opening, outcome } => {
            let token = drive.token();
            drive.answers.insert(token, outcome);
            Happening::OpenEpoch { token, opening }
        }
        Control::AskedRest(answer) => {
            let _ = answer.send(drive.machine.rest(now));
            Happening::Tick
        }
    }
}
