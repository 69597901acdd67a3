//! From the stream to the loop: a plain pull consumer without acknowledgements,
//! begun where the cursors stand. What the stream lost is found by gaps and
//! announced heads, and read from the sources' journals.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chassis_core::{
    Incoming,
    store::{Cursor, Source},
};
use futures::StreamExt;
use proto::{Id, Service, Shard, Time, envelope, subject, subject::Place};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    journal::Peers,
    stream,
    writer::{Control, Feed},
};

/// What a reader works with.
#[derive(Clone)]
pub(crate) struct Links {
    pub service: Service,
    pub sources: &'static [Service],
    pub owned: Vec<Shard>,
    pub nats: async_nats::Client,
    pub pool: PgPool,
    pub peers: Peers,
    pub feed: mpsc::Sender<Feed>,
    pub control: mpsc::UnboundedSender<Control>,
}

pub(crate) fn spawn(links: Links, cursors: Vec<(Source, Cursor)>, stop: CancellationToken) {
    let start = cursors.iter().map(|(_, cursor)| cursor.stream_seq).max().unwrap_or(0);
    for task in [Task::Stream(start), Task::Heads, Task::Ask, Task::Pairs] {
        let (links, stop) = (links.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = task.run(&links) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

enum Task {
    /// Reads the stream from after this position.
    Stream(u64),
    /// Listens to announced heads.
    Heads,
    /// Asks every source once for its heads: a start must not wait for announcements.
    Ask,
    /// Looks for addressed entries that were lost with nothing after them.
    Pairs,
}

impl Task {
    async fn run(self, links: &Links) {
        match self {
            Task::Stream(start) => read_stream(links, start).await,
            Task::Heads => hear_heads(links).await,
            Task::Ask => ask_heads(links).await,
            Task::Pairs => look_at_pairs(links).await,
        }
    }
}

async fn read_stream(links: &Links, start: u64) {
    let mut position = start;
    let mut said = String::new();
    loop {
        // Said once, not at each try.
        if let Err(error) = read_on(links, &mut position).await
            && error != said
        {
            tracing::warn!(service = %links.service, error, "the stream cannot be read now: trying again");
            said = error;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Reads until something fails; `position` is the last message seen.
async fn read_on(links: &Links, position: &mut u64) -> Result<(), String> {
    let context = jetstream::new(links.nats.clone());
    let created = stream::created(&context, &links.pool).await?;
    let known: Option<String> = sqlx::query_scalar("select created from stream where name = 'reader'")
        .fetch_optional(&links.pool)
        .await
        .map_err(|error| error.to_string())?;
    if known.as_deref() != Some(created.as_str()) {
        // Another broker's life: its positions mean nothing here.
        *position = 0;
        stream::remember(&links.pool, "reader", &created).await?;
    }
    let deliver_policy = if *position == 0 {
        DeliverPolicy::All
    } else {
        DeliverPolicy::ByStartSequence { start_sequence: *position + 1 }
    };
    let config = pull::Config {
        deliver_policy,
        ack_policy: AckPolicy::None,
        filter_subjects: filters(links),
        inactive_threshold: Duration::from_secs(60),
        memory_storage: true,
        ..pull::Config::default()
    };
    let consumer = context
        .create_consumer_on_stream(config, subject::EVENT_STREAM)
        .await
        .map_err(|error| error.to_string())?;
    let mut messages = consumer
        .stream()
        .max_messages_per_batch(1_000)
        .expires(Duration::from_secs(30))
        .heartbeat(Duration::from_secs(5))
        .messages()
        .await
        .map_err(|error| error.to_string())?;
    while let Some(message) = messages.next().await {
        let message = message.map_err(|error| error.to_string())?;
        let at = message.info().map_err(|error| error.to_string())?.stream_sequence;
        *position = at;
        if let Some(feed) = read(links, &message, at) {
            links.feed.send(feed).await.map_err(|_| "the loop has ended".to_owned())?;
        }
    }
    Err("the consumer ended".to_owned())
}

fn filters(links: &Links) -> Vec<String> {
    let mut filters: Vec<String> = links
        .sources
        .iter()
        .filter(|service| **service != Service::Directory)
        // Entries addressed to one home have their place in the sequence too.
        .flat_map(|service| [subject::events_of(*service), subject::peers_of(*service)])
        .collect();
    if links.service != Service::Directory {
        filters.push(subject::events_of(Service::Directory));
    }
    filters.push(subject::peers_of(links.service));
    filters
}

/// An entry out of a message; `None` for what is not for us or cannot be placed
/// (a gap is then found and mended from the journal).
fn read(links: &Links, message: &async_nats::Message, stream_seq: u64) -> Option<Feed> {
    let headers = message.headers.as_ref()?;
    let text = |name: &str| headers.get(name).map(|value| value.as_str());
    let (epoch, seq) = text(envelope::SEQUENCE)?.split_once('.')?;
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
    let entry = Incoming {
        epoch: epoch.parse().ok()?,
        seq: seq.parse().ok()?,
        pair_seq: number(envelope::PAIR).unwrap_or(0),
        kind: text(envelope::TYPE)?.into(),
        payload: message.payload.to_vec(),
        subject: text(envelope::SUBJECT).and_then(|id| id.parse::<Id>().ok()),
        branch: text(envelope::BRANCH).map(str::to_owned),
        actor: text(envelope::ACTOR).unwrap_or_default().to_owned(),
        cause: text(envelope::CAUSE).unwrap_or_default().to_owned(),
        hops: number(envelope::HOPS).unwrap_or(0).min(255) as u8,
        directory_seq: number(envelope::DIRECTORY).unwrap_or(0),
        recorded_at: Time(text(envelope::RECORDED_AT)?.parse().ok()?),
        occurred_at: text(envelope::OCCURRED_AT).and_then(|at| at.parse().ok()).map(Time),
        to: None,
        traceparent: text(envelope::TRACEPARENT).unwrap_or_default().to_owned(),
        hash: hex::decode(text(envelope::HASH)?).ok()?,
        stream_seq,
    };
    place(links, subject::parse(&message.subject)?, entry)
}

fn place(links: &Links, place: Place, mut entry: Incoming) -> Option<Feed> {
    if let Place::Peer { to, .. } = place {
        entry.to = Some(to);
    }
    match place {
        Place::Event { service: Service::Directory, .. } => Some(Feed::Directory(entry)),
        Place::Event { service, shard } if links.owned.contains(&shard) => {
            Some(Feed::Source(Source { service, from: shard, to: shard, peer: false }, entry))
        }
        Place::Peer { service, from, to } if service == links.service && links.owned.contains(&to) => {
            Some(Feed::Source(Source { service, from, to, peer: true }, entry))
        }
        Place::Peer { service, from, .. } if service != links.service && links.owned.contains(&from) => {
            Some(Feed::Source(Source { service, from, to: from, peer: false }, entry))
        }
        Place::Event { .. } | Place::Peer { .. } => None,
    }
}

/// The last numbers of pairs stand in the service's own schema: a lost tail of
/// addressed entries is found there.
async fn look_at_pairs(links: &Links) {
    let owned: Vec<i16> = links.owned.iter().map(|shard| shard.number() as i16).collect();
    loop {
        // Each epoch addresses an entry to every home, so the last number of a pair is of its shard's epoch.
        let pairs: Vec<(i16, i16, i32, i64)> = sqlx::query_as(
            "select p.from_shard, p.to_shard, s.epoch, p.seq from pair p join shard s on s.shard = p.from_shard \
             where p.to_shard = any($1)",
        )
        .bind(&owned)
        .fetch_all(&links.pool)
        .await
        .unwrap_or_default();
        for (from, to, epoch, seq) in pairs {
            if let (Some(from), Some(to)) = (Shard::new(from as u16), Shard::new(to as u16)) {
                let source = Source { service: links.service, from, to, peer: true };
                let _ =
                    links.control.send(Control::Announced { source, epoch: epoch as u32, seq: seq as u64 });
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

async fn hear_heads(links: &Links) {
    loop {
        if let Ok(mut heads) = links.nats.subscribe(subject::heads()).await {
            while let Some(message) = heads.next().await {
                hear_head(links, &message);
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn hear_head(links: &Links, message: &async_nats::Message) -> Option<()> {
    let (service, shard) = subject::parse_head(&message.subject)?;
    let (epoch, seq) = std::str::from_utf8(&message.payload).ok()?.split_once('.')?;
    announce(links, service, shard, epoch.parse().ok()?, seq.parse().ok()?);
    Some(())
}

fn announce(links: &Links, service: Service, shard: Shard, epoch: u32, seq: u64) {
    if service == Service::Directory && links.service == Service::Directory {
        // Its own journal is the directory: there is nothing to catch up with.
        return;
    }
    let control = if service == Service::Directory {
        Control::DirectoryAnnounced { epoch, seq }
    } else if links.sources.contains(&service) && links.owned.contains(&shard) {
        let source = Source { service, from: shard, to: shard, peer: false };
        Control::Announced { source, epoch, seq }
    } else {
        return;
    };
    let _ = links.control.send(control);
}

/// Until every source has answered once.
async fn ask_heads(links: &Links) {
    let mut left: Vec<Service> = links.sources.to_vec();
    if links.service != Service::Directory && !left.contains(&Service::Directory) {
        left.push(Service::Directory);
    }
    let mut wait = Duration::from_millis(200);
    while !left.is_empty() {
        let mut silent = Vec::new();
        for service in left {
            match links.peers.heads(service).await {
                Some(heads) => {
                    for (shard, epoch, seq) in heads {
                        announce(links, service, shard, epoch, seq);
                    }
                }
                None => silent.push(service),
            }
        }
        left = silent;
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(10));
    }
}
