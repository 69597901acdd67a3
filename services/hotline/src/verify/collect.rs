//! Where the audit gets what it compares: journals over the contracts, messages from the event
//! stream, tickets by `tickets.rs`.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chassis_core::{About, Entry};
use futures::StreamExt;
use proto::{
    Service, Shard, Time,
    envelope::{self, Position},
    journal::v1::{self as wire, HeadsRequest, ReadRequest},
    reporting::v1::GetLagRequest,
    subject::{self, Place},
};
use tokio::time::Instant;
use tonic::Status;

use crate::{
    client::{Connection, explain},
    verify::{Audit, Class, Head, Heads, chain::Message, tickets},
};

const PAGE: u32 = 2_000;
const POLL: Duration = Duration::from_millis(300);
/// A stream that gives nothing for so long has nothing more.
const SILENCE: Duration = Duration::from_secs(2);

/// Intake first: whom it bars decides how the others' entries are judged.
const ORDER: [Service; 7] = [
    Service::Directory,
    Service::Intake,
    Service::Dispatch,
    Service::SlaWatchdog,
    Service::FollowUp,
    Service::Notify,
    Service::Reporting,
];

/// Compares everything. Waits up to `wait` for what is under way.
pub async fn audit(connection: &Connection, wait: Duration) -> anyhow::Result<Audit> {
    let until = Instant::now() + wait;
    let read_to = quiet(connection, until).await?;
    let mut audit = Audit::default();
    for service in ORDER {
        read_journals(connection, service, &read_to, &mut audit).await?;
    }
    let cut = read_stream(connection, until, &mut audit).await?;
    audit.settle_heads(&read_to, &heads(connection).await?);
    audit.settle_stream(cut);
    audit.settle_cases();
    tickets::compare(connection, until, &mut audit).await?;
    lag(connection, until, &mut audit).await?;
    Ok(audit)
}

async fn heads(connection: &Connection) -> anyhow::Result<Heads> {
    let mut all = Heads::new();
    for service in ORDER {
        let answer =
            connection.journal(service).heads(HeadsRequest {}).await.map_err(|status| {
                anyhow::anyhow!("{service} does not tell its heads: {}", explain(&status))
            })?;
        for head in answer.into_inner().heads {
            if let (Some(shard), Ok(hash)) = (Shard::new(head.shard as u16), head.hash.try_into()) {
                all.insert((service, shard), Head { epoch: head.epoch, seq: head.seq, hash });
            }
        }
    }
    Ok(all)
}

/// Heads once they stand still and reporting has read them, or when the time is up: what comes
/// later is left out of the comparison.
async fn quiet(connection: &Connection, until: Instant) -> anyhow::Result<Heads> {
    let mut before = heads(connection).await?;
    loop {
        if Instant::now() >= until {
            return Ok(before);
        }
        tokio::time::sleep(POLL.min(until - Instant::now())).await;
        let now = heads(connection).await?;
        let still = now == before;
        before = now;
        if still && behind(connection).await?.is_empty() {
            return Ok(before);
        }
    }
}

async fn read_journals(
    connection: &Connection,
    service: Service,
    read_to: &Heads,
    audit: &mut Audit,
) -> anyhow::Result<()> {
    let mut client = connection.journal(service);
    for shard in Shard::all() {
        let Some(head) = read_to.get(&(service, shard)) else { continue };
        let mut last = 0;
        while last < head.seq {
            let ask = ReadRequest {
                shard: shard.number().into(),
                after_epoch: 0,
                after_seq: last,
                limit: PAGE,
                addressed_to: None,
            };
            let said =
                |status: Status| anyhow::anyhow!("{service}/{shard} after {last}: {}", explain(&status));
            let mut page = client.read(ask).await.map_err(said)?.into_inner();
            let mut read = last;
            while let Some(response) = page.message().await.map_err(said)? {
                let Some(entry) = response.entry.and_then(entry) else {
                    audit.findings.add(
                        Class::Differs,
                        "unreadable",
                        format!("{service}/{shard}"),
                        "an entry without its place",
                    );
                    continue;
                };
                read = entry.at.seq;
                if read <= head.seq {
                    audit.entry(&entry);
                }
            }
            if read == last {
                break;
            }
            last = read;
        }
    }
    Ok(())
}

fn entry(entry: wire::Entry) -> Option<Entry> {
    Some(Entry {
        at: Position {
            service: Service::parse(&entry.service)?,
            shard: Shard::new(entry.shard as u16)?,
            epoch: entry.epoch,
            seq: entry.seq,
        },
        hash: entry.hash.try_into().ok()?,
        kind: entry.r#type.into(),
        payload: entry.payload.into(),
        about: About {
            subject: entry.subject.parse().ok(),
            branch: (!entry.branch.is_empty()).then_some(entry.branch),
            occurred_at: Time(entry.occurred_at).set(),
        },
        actor: entry.actor,
        cause: entry.cause,
        hops: entry.hops.min(255) as u8,
        directory_seq: entry.directory_seq,
        recorded_at: Time(entry.recorded_at),
        to: entry.to_shard.and_then(|to| Some((Shard::new(to as u16)?, entry.pair_seq))),
        traceparent: entry.traceparent,
    })
}

/// The whole stream, then what still comes until nothing is missing or the time is up. Whether its
/// oldest messages have been dropped.
async fn read_stream(connection: &Connection, until: Instant, audit: &mut Audit) -> anyhow::Result<bool> {
    let client = chassis::nats::connect(&connection.config.nats_url, "hotline-verify")
        .await
        .context("NATS cannot be reached (nats_url in the configuration)")?;
    let stream = jetstream::new(client)
        .get_stream(subject::EVENT_STREAM)
        .await
        .context("the event stream cannot be read; has a service been started?")?;
    let state = stream.cached_info().state.clone();
    let consumer = stream
        .create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::None,
            filter_subjects: subject::EVENT_STREAM_SUBJECTS.map(str::to_owned).to_vec(),
            inactive_threshold: Duration::from_secs(60),
            ..pull::Config::default()
        })
        .await
        .context("reading the event stream")?;
    let mut messages = consumer.stream().max_messages_per_batch(2_000).messages().await?;
    let mut pending = state.messages;
    loop {
        if pending == 0 && (audit.missing() == 0 || Instant::now() >= until) {
            break;
        }
        match tokio::time::timeout(SILENCE, messages.next()).await {
            Ok(Some(message)) => {
                let message = message.context("reading the event stream")?;
                pending = message.info().map_or(0, |info| info.pending);
                take(&message, audit);
            }
            Ok(None) => break,
            Err(_) => pending = 0,
        }
    }
    Ok(state.first_sequence > 1)
}

fn take(message: &async_nats::Message, audit: &mut Audit) {
    let headers = message.headers.clone().unwrap_or_default();
    let text = |name: &str| headers.get(name).map_or("", |value| value.as_str());
    let number = |name: &str| text(name).parse::<u64>().unwrap_or_default();
    let at = text(envelope::ID).parse::<Position>().ok();
    let to = match (subject::parse(&message.subject), at) {
        (Some(Place::Event { service, shard }), Some(at)) if (service, shard) == (at.service, at.shard) => {
            None
        }
        (Some(Place::Peer { service, from, to }), Some(at)) if (service, from) == (at.service, at.shard) => {
            Some(to)
        }
        _ => return audit.stray(&message.subject),
    };
    let Some(at) = at else { return };
    audit.message(&Message {
        at,
        kind: text(envelope::TYPE),
        payload: &message.payload,
        subject: text(envelope::SUBJECT),
        actor: text(envelope::ACTOR),
        cause: text(envelope::CAUSE),
        hops: text(envelope::HOPS).parse().unwrap_or_default(),
        directory_seq: number(envelope::DIRECTORY),
        recorded_at: text(envelope::RECORDED_AT).parse().unwrap_or_default(),
        occurred_at: text(envelope::OCCURRED_AT).parse().unwrap_or_default(),
        to,
        pair_seq: number(envelope::PAIR),
        hash: u64::from_str_radix(text(envelope::HASH), 16).unwrap_or_default().to_be_bytes(),
    });
}

/// What reporting has not read, by source.
async fn behind(connection: &Connection) -> anyhow::Result<BTreeMap<String, u64>> {
    let answer =
        connection.reporting(&connection.system()).get_lag(GetLagRequest {}).await.map_err(|status| {
            anyhow::anyhow!("reporting does not tell how far it is: {}", explain(&status))
        })?;
    let mut behind = BTreeMap::new();
    for lag in answer.into_inner().lags {
        let by = lag.head_seq.saturating_sub(lag.read_seq);
        if by > 0 {
            *behind.entry(lag.service).or_default() += by;
        }
    }
    Ok(behind)
}

async fn lag(connection: &Connection, until: Instant, audit: &mut Audit) -> anyhow::Result<()> {
    loop {
        let behind = behind(connection).await?;
        if behind.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            for (service, by) in behind {
                audit.findings.add_many(
                    Class::Behind,
                    "reporting-behind",
                    by,
                    service,
                    "entries not in the read model yet",
                );
            }
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
}
