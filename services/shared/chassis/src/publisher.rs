//! From the journal to the stream: pipelined, in order. NATS is transport and
//! may lose anything; what is not acknowledged is read from the journal again.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_nats::jetstream::{self, context::PublishAckFuture};
use chassis_core::Entry;
use proto::{Service, Shard, envelope, event, subject};
use sqlx::PgPool;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{journal, stream, writer::Control};

/// Sent and not acknowledged, at most.
const IN_FLIGHT: usize = 1_024;
/// Entries waiting in memory; beyond it they are read from the journal later.
const WAITING: usize = 20_000;
const ACK_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AT_STREAM: Duration = Duration::from_secs(5);
/// While idle a head is announced at widening intervals.
const ANNOUNCE_FIRST: Duration = Duration::from_secs(2);
const ANNOUNCE_LAST: Duration = Duration::from_secs(30);

pub(crate) struct Publisher {
    service: Service,
    nats: async_nats::Client,
    context: jetstream::Context,
    pool: PgPool,
    /// Acknowledged up to here.
    marks: BTreeMap<Shard, u64>,
    /// (epoch, seq) of the newest entry known.
    heads: BTreeMap<Shard, (u32, u64)>,
    waiting: VecDeque<Arc<Entry>>,
    flying: VecDeque<(Shard, u64, PublishAckFuture)>,
    /// Memory does not hold all that is to be sent: the journal does.
    lagging: bool,
    control: mpsc::UnboundedSender<Control>,
    looked: Option<Instant>,
    announce_at: Instant,
    announce_every: Duration,
}

pub(crate) fn spawn(publisher: Publisher, stop: CancellationToken) -> mpsc::UnboundedSender<Vec<Arc<Entry>>> {
    let (entries, entries_in) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let stopped = stop.clone();
        tokio::select! {
            () = publisher.run(entries_in) => {}
            () = stopped.cancelled() => {}
        }
    });
    entries
}

impl Publisher {
    pub fn new(
        service: Service,
        nats: async_nats::Client,
        pool: PgPool,
        marks: Vec<(Shard, u64)>,
        control: mpsc::UnboundedSender<Control>,
    ) -> Publisher {
        Publisher {
            service,
            context: jetstream::new(nats.clone()),
            nats,
            pool,
            marks: marks.into_iter().collect(),
            heads: BTreeMap::new(),
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            lagging: true,
            control,
            looked: None,
            announce_at: Instant::now(),
            announce_every: ANNOUNCE_FIRST,
        }
    }

    async fn run(mut self, mut entries: mpsc::UnboundedReceiver<Vec<Arc<Entry>>>) {
        let mut said = String::new();
        loop {
            if let Err(error) = self.round(&mut entries).await {
                if error != said {
                    tracing::warn!(service = %self.service, error, "publishing stopped: trying again from the last acknowledged entry");
                    said = error;
                }
                self.flying.clear();
                self.waiting.clear();
                self.lagging = true;
                self.looked = None;
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            if entries.is_closed() && entries.is_empty() {
                return;
            }
        }
    }

    /// One turn: look after the stream, send, take acknowledgements, announce.
    async fn round(&mut self, entries: &mut mpsc::UnboundedReceiver<Vec<Arc<Entry>>>) -> Result<(), String> {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_AT_STREAM) {
            self.look_at_stream().await?;
            self.looked = Some(Instant::now());
        }
        while let Ok(more) = entries.try_recv() {
            self.queue(more);
        }
        if self.lagging && self.waiting.is_empty() && self.flying.is_empty() {
            self.read_journal().await?;
        }
        while self.flying.len() < IN_FLIGHT
            && let Some(entry) = self.waiting.pop_front()
        {
            self.send(&entry).await?;
        }
        if self.flying.is_empty() {
            self.idle(entries).await;
            return Ok(());
        }
        self.take_acknowledgements().await
    }

    fn queue(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in &entries {
            self.heads.insert(entry.at.shard, (entry.at.epoch, entry.at.seq));
        }
        self.announce_every = ANNOUNCE_FIRST;
        self.announce_at = self.announce_at.min(Instant::now() + Duration::from_millis(200));
        if self.lagging || self.waiting.len() + entries.len() > WAITING {
            self.lagging = true;
            return;
        }
        self.waiting.extend(entries);
    }

    /// The next page of what is not acknowledged; an empty one: memory holds the rest.
    async fn read_journal(&mut self) -> Result<(), String> {
        let mut read = 0;
        for (shard, mark) in self.marks.clone() {
            let page = journal::after(&self.pool, self.service, shard, mark, 1_000)
                .await
                .map_err(|error| format!("reading the journal: {error}"))?;
            read += page.len();
            if let Some(last) = page.last() {
                self.heads.insert(shard, (last.at.epoch, last.at.seq));
            }
            self.waiting.extend(page.into_iter().map(Arc::new));
        }
        self.lagging = read > 0;
        Ok(())
    }

    async fn send(&mut self, entry: &Entry) -> Result<(), String> {
        let acknowledged = begin_to_send(&self.context, entry).await?;
        self.flying.push_back((entry.at.shard, entry.at.seq, acknowledged));
        Ok(())
    }

    /// Waits for the oldest, then takes all that are there.
    async fn take_acknowledgements(&mut self) -> Result<(), String> {
        let batch = self.flying.len().div_ceil(2);
        for _ in 0..batch {
            let Some((shard, seq, acknowledged)) = self.flying.pop_front() else { break };
            tokio::time::timeout(ACK_PATIENCE, acknowledged)
                .await
                .map_err(|_| "no acknowledgement in time".to_owned())?
                .map_err(|error| error.to_string())?;
            let mark = self.marks.entry(shard).or_default();
            *mark = seq.max(*mark);
        }
        let marks = self.marks.iter().map(|(shard, seq)| (*shard, *seq)).collect();
        let _ = self.control.send(Control::Published(marks));
        Ok(())
    }

    /// Nothing to send: announce heads now and then, wait for more.
    async fn idle(&mut self, entries: &mut mpsc::UnboundedReceiver<Vec<Arc<Entry>>>) {
        if self.lagging {
            return;
        }
        if Instant::now() >= self.announce_at {
            self.announce().await;
            self.announce_every = (self.announce_every * 2).min(ANNOUNCE_LAST);
            self.announce_at = Instant::now() + self.announce_every;
        }
        let wake = self.announce_at.min(self.looked.map_or(self.announce_at, |at| at + LOOK_AT_STREAM));
        tokio::select! {
            more = entries.recv() => {
                if let Some(more) = more {
                    self.queue(more);
                }
            }
            () = tokio::time::sleep_until(wake) => {}
        }
    }

    async fn announce(&self) {
        for (shard, (epoch, seq)) in &self.heads {
            let payload = format!("{epoch}.{seq}");
            let _ = self.nats.publish(subject::head(self.service, *shard), payload.into()).await;
        }
    }

    /// A stream with another creation time is a wiped broker: it is refilled.
    async fn look_at_stream(&mut self) -> Result<(), String> {
        let created = stream::created(&self.context, &self.pool).await?;
        for shard in self.marks.keys().copied().collect::<Vec<_>>() {
            let name = format!("publisher/{shard}");
            let known: Option<String> = sqlx::query_scalar("select created from stream where name = $1")
                .bind(&name)
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| error.to_string())?;
            if known.as_deref() == Some(created.as_str()) {
                continue;
            }
            if known.is_some() {
                tracing::warn!(service = %self.service, %shard, "the event stream is new: refilling it from the journal");
            }
            self.marks.insert(shard, 0);
            self.lagging = true;
            stream::remember(&self.pool, &name, &created).await?;
        }
        Ok(())
    }
}

async fn begin_to_send(context: &jetstream::Context, entry: &Entry) -> Result<PublishAckFuture, String> {
    let Some((thing, name)) = event::name_of(&entry.kind) else {
        return Err(format!("{} has no name on the wire", entry.kind));
    };
    let subject = match entry.to {
        Some((to, _)) => subject::peer(entry.at.service, entry.at.shard, to),
        None => subject::event(entry.at.service, entry.at.shard, thing, name),
    };
    let payload = entry.payload.clone().into();
    context.publish_with_headers(subject, headers(entry), payload).await.map_err(|error| error.to_string())
}

/// Sends one entry and waits until the stream has it.
pub(crate) async fn send_now(context: &jetstream::Context, entry: &Entry) -> Result<(), String> {
    let acknowledged = begin_to_send(context, entry).await?;
    tokio::time::timeout(ACK_PATIENCE, acknowledged)
        .await
        .map_err(|_| "no acknowledgement in time".to_owned())?
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// CloudEvents in binary mode, and what a reader needs to place the entry.
fn headers(entry: &Entry) -> async_nats::HeaderMap {
    let mut headers = async_nats::HeaderMap::new();
    headers.insert(envelope::SPEC_VERSION, "1.0");
    headers.insert(envelope::ID, entry.at.to_string());
    headers.insert(envelope::TYPE, &*entry.kind);
    headers.insert(envelope::SOURCE, format!("/hotline/{}/{}", entry.at.service, entry.at.shard));
    headers.insert(envelope::TIME, envelope::rfc3339(entry.recorded_at));
    headers.insert(envelope::SEQUENCE, format!("{}.{}", entry.at.epoch, entry.at.seq));
    headers.insert(envelope::CONTENT_TYPE, envelope::PROTOBUF);
    headers.insert(envelope::ACTOR, entry.actor.as_str());
    headers.insert(envelope::CAUSE, entry.cause.as_str());
    headers.insert(envelope::HOPS, entry.hops.to_string());
    headers.insert(envelope::DIRECTORY, entry.directory_seq.to_string());
    headers.insert(envelope::RECORDED_AT, entry.recorded_at.0.to_string());
    headers.insert(envelope::HASH, hex::encode(&entry.hash[..8]));
    if let Some(subject) = entry.about.subject {
        headers.insert(envelope::SUBJECT, subject.to_string());
    }
    if let Some(branch) = &entry.about.branch {
        headers.insert(envelope::BRANCH, header_text(branch));
    }
    if let Some(at) = entry.about.occurred_at {
        headers.insert(envelope::OCCURRED_AT, at.0.to_string());
    }
    if let Some((_, pair)) = entry.to {
        headers.insert(envelope::PAIR, pair.to_string());
    }
    if !entry.traceparent.is_empty() {
        headers.insert(envelope::TRACEPARENT, entry.traceparent.as_str());
    }
    headers
}

/// A header value holds no line break.
fn header_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
