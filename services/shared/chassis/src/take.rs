//! On taking shards: does the store still have all that others heard from it?
//!
//! The stream's newest entry of each shard and the other services' cursors
//! decide together. Who does not answer soon is left out, and that is logged:
//! a shard must not stand still because a reader is down.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream;
use chassis_core::{
    epoch::{Known, Lost, Place, judge},
    store::Head,
};
use futures::future::join_all;
use proto::{Service, Shard, Time, envelope, subject};
use sqlx::{PgPool, Row};

use crate::{journal::Peers, stream};

/// How long a shard waits for what others know.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shards that have lost their tail.
pub(crate) async fn compare(
    service: Service,
    heads: &[Head],
    pool: &PgPool,
    nats: &async_nats::Client,
    peers: &Peers,
) -> Result<Vec<Lost>, sqlx::Error> {
    let shards: Vec<Shard> = heads.iter().map(|head| head.shard).collect();
    let (of_stream, of_readers) =
        tokio::join!(known_by_stream(service, &shards, pool, nats), known_by_readers(service, peers));
    let mut known: HashMap<Shard, Vec<Known>> = HashMap::new();
    for (shard, by) in of_stream.into_iter().chain(of_readers) {
        known.entry(shard).or_default().push(by);
    }
    let own = own_hashes(pool, &known).await?;
    let judged = heads.iter().filter_map(|head| {
        let known = known.get(&head.shard)?;
        judge(head, known, |place| own.get(&(head.shard, place)).copied())
    });
    Ok(judged.collect())
}

async fn known_by_stream(
    service: Service,
    shards: &[Shard],
    pool: &PgPool,
    nats: &async_nats::Client,
) -> Vec<(Shard, Known)> {
    let asked = async {
        let context = jetstream::new(nats.clone());
        stream::created(&context, pool).await?;
        let stream =
            context.get_stream_no_info(subject::EVENT_STREAM).await.map_err(|error| error.to_string())?;
        let newest = shards.iter().map(|shard| newest(&stream, service, *shard));
        join_all(newest).await.into_iter().collect::<Result<Vec<_>, String>>()
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(known)) => known.into_iter().flatten().collect(),
        Ok(Err(why)) => {
            tracing::warn!(%service, why, "the stream does not tell what it knows of these shards: left out");
            Vec::new()
        }
        Err(_) => {
            tracing::warn!(%service, "the stream does not tell in time what it knows of these shards: left out");
            Vec::new()
        }
    }
}

/// The newest message of a shard, under its events or addressed to another home.
async fn newest<T>(
    stream: &jetstream::stream::Stream<T>,
    service: Service,
    shard: Shard,
) -> Result<Vec<(Shard, Known)>, String> {
    let mut known = Vec::new();
    for subject in subject::all_of(service, shard) {
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => known.extend(told(&message.headers).map(|known| (shard, known))),
            Err(error) if error.kind() == jetstream::stream::LastRawMessageErrorKind::NoMessageFound => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(known)
}

fn told(headers: &async_nats::HeaderMap) -> Option<Known> {
    let text = |name: &str| headers.get(name).map(|value| value.as_str());
    let (epoch, seq) = text(envelope::SEQUENCE)?.split_once('.')?;
    Some(Known {
        by: "stream".to_owned(),
        at: (epoch.parse().ok()?, seq.parse().ok()?),
        hash: text(envelope::HASH).and_then(|hash| hex::decode(hash).ok()).unwrap_or_default(),
        recorded_at: text(envelope::RECORDED_AT).and_then(|at| at.parse().ok()).map(Time),
    })
}

async fn known_by_readers(service: Service, peers: &Peers) -> Vec<(Shard, Known)> {
    let others = Service::ALL.into_iter().filter(|other| *other != service);
    let asked = others.map(|other| async move {
        match tokio::time::timeout(PATIENCE, peers.known(other, service)).await {
            Ok(Some(known)) => known,
            Ok(None) | Err(_) => {
                tracing::info!(%service, peer = %other, "does not tell how far it knows these shards: left out");
                Vec::new()
            }
        }
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// The hashes that stand in the journal at the places that others know.
async fn own_hashes(
    pool: &PgPool,
    known: &HashMap<Shard, Vec<Known>>,
) -> Result<HashMap<(Shard, Place), [u8; 32]>, sqlx::Error> {
    let places: Vec<(i16, i32, i64)> = known
        .iter()
        .flat_map(|(shard, known)| known.iter().map(move |known| (shard, known.at)))
        .map(|(shard, (epoch, seq))| (shard.number() as i16, epoch as i32, seq as i64))
        .collect();
    let rows = sqlx::query(
        "select j.shard, j.epoch, j.seq, j.hash from unnest($1::int2[], $2::int4[], $3::int8[]) as u(shard, epoch, seq) \
         join journal j on j.shard = u.shard and j.seq = u.seq and j.epoch = u.epoch",
    )
    .bind(places.iter().map(|place| place.0).collect::<Vec<_>>())
    .bind(places.iter().map(|place| place.1).collect::<Vec<_>>())
    .bind(places.iter().map(|place| place.2).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    let own = |row: &sqlx::postgres::PgRow| {
        let shard = Shard::new(row.get::<i16, _>("shard") as u16)?;
        let place = (row.get::<i32, _>("epoch") as u32, row.get::<i64, _>("seq") as u64);
        Some(((shard, place), row.get::<Vec<u8>, _>("hash").try_into().ok()?))
    };
    Ok(rows.iter().filter_map(own).collect())
}
