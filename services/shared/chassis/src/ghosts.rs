//! Entries that are no longer in their journal, as far as the stream still tells them.

use std::{collections::BTreeMap, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use chassis_core::epoch::Place;
use futures::StreamExt;
use proto::{Id, Service, Shard, envelope, subject};
use sqlx::{PgPool, Row};

/// At most so many numbers of one stretch are listed.
const LISTED: usize = 10_000;
const SILENCE: Duration = Duration::from_secs(5);
/// How often it looks for stretches whose entries are not noted.
const LOOK: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ghost {
    pub at: Place,
    /// Empty: only its number is known.
    pub kind: String,
    pub subject: Option<Id>,
    pub recorded_at: i64,
}

/// A stretch of one shard: after `from`, up to `to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub service: Service,
    pub shard: Shard,
    pub from: Place,
    pub to: Place,
}

impl Stretch {
    fn holds(&self, place: Place) -> bool {
        self.from < place && place <= self.to
    }

    /// Every number that it must have had; the others are those that the stream tells.
    fn numbers(&self) -> impl Iterator<Item = Place> {
        let first = self.from.1 + 1;
        let count = if self.from.0 == self.to.0 { LISTED } else { 0 };
        (first..=self.to.1).take(count).map(|seq| (self.to.0, seq))
    }
}

/// Its entries, in order.
pub(crate) async fn of(nats: &async_nats::Client, stretch: Stretch) -> Result<Vec<Ghost>, String> {
    let mut ghosts: BTreeMap<Place, Ghost> = stretch
        .numbers()
        .map(|at| (at, Ghost { at, kind: String::new(), subject: None, recorded_at: 0 }))
        .collect();
    let context = jetstream::new(nats.clone());
    let config = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        filter_subjects: subject::all_of(stretch.service, stretch.shard).into(),
        headers_only: true,
        inactive_threshold: Duration::from_secs(30),
        memory_storage: true,
        ..pull::Config::default()
    };
    let mut consumer = context
        .create_consumer_on_stream(config, subject::EVENT_STREAM)
        .await
        .map_err(|error| error.to_string())?;
    let mut pending = consumer.info().await.map_err(|error| error.to_string())?.num_pending;
    let mut messages = consumer
        .stream()
        .max_messages_per_batch(1_000)
        .messages()
        .await
        .map_err(|error| error.to_string())?;
    while pending > 0 {
        let next = tokio::time::timeout(SILENCE, messages.next()).await;
        let message = match next {
            Ok(Some(message)) => message.map_err(|error| error.to_string())?,
            Ok(None) | Err(_) => return Err("the stream fell silent".to_owned()),
        };
        pending = message.info().map_err(|error| error.to_string())?.pending;
        if let Some(ghost) = message.headers.as_ref().and_then(told)
            && stretch.holds(ghost.at)
        {
            ghosts.insert(ghost.at, ghost);
        }
    }
    Ok(ghosts.into_values().take(LISTED).collect())
}

fn told(headers: &async_nats::HeaderMap) -> Option<Ghost> {
    let text = |name: &str| headers.get(name).map(|value| value.as_str());
    let (epoch, seq) = text(envelope::SEQUENCE)?.split_once('.')?;
    Some(Ghost {
        at: (epoch.parse().ok()?, seq.parse().ok()?),
        kind: text(envelope::TYPE)?.to_owned(),
        subject: text(envelope::SUBJECT).and_then(|id| id.parse().ok()),
        recorded_at: text(envelope::RECORDED_AT)?.parse().ok()?,
    })
}

/// Writes down which entries each stretch in `rewinding` withdrew: by them a
/// reader's tickets are marked. Until the stream has told it, again.
pub(crate) async fn note(service: Service, nats: async_nats::Client, pool: PgPool) {
    let mut said = String::new();
    loop {
        if let Err(error) = note_all(service, &nats, &pool).await
            && error != said
        {
            tracing::warn!(%service, error, "withdrawn entries cannot be noted now: trying again");
            said = error;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn note_all(own: Service, nats: &async_nats::Client, pool: &PgPool) -> Result<(), String> {
    let text = |error: sqlx::Error| error.to_string();
    let rows = sqlx::query(
        "select service, shard, reader, peer, own, epoch, from_epoch, from_seq, to_epoch, to_seq \
         from rewinding where not noted and (not peer or own)",
    )
    .fetch_all(pool)
    .await
    .map_err(text)?;
    for row in &rows {
        let place = |epoch, seq| (row.get::<i32, _>(epoch) as u32, row.get::<i64, _>(seq) as u64);
        let service = Service::parse(row.get("service")).unwrap_or(own);
        let Some(shard) = Shard::new(row.get::<i16, _>("shard") as u16) else { continue };
        let stretch = Stretch {
            service,
            shard,
            from: place("from_epoch", "from_seq"),
            to: place("to_epoch", "to_seq"),
        };
        // What was addressed to one home stands in the stretch of its shard.
        if !row.get::<bool, _>("peer") && stretch.to > stretch.from {
            keep(pool, stretch, &of(nats, stretch).await?).await.map_err(text)?;
        }
        sqlx::query(
            "update rewinding set noted = true where service = $1 and shard = $2 and reader = $3 and peer = $4 \
             and own = $5 and epoch = $6",
        )
        .bind(service.name())
        .bind(row.get::<i16, _>("shard"))
        .bind(row.get::<i16, _>("reader"))
        .bind(row.get::<bool, _>("peer"))
        .bind(row.get::<bool, _>("own"))
        .bind(row.get::<i32, _>("epoch"))
        .execute(pool)
        .await
        .map_err(text)?;
    }
    Ok(())
}

async fn keep(pool: &PgPool, stretch: Stretch, ghosts: &[Ghost]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "insert into ghost (service, shard, epoch, seq, kind, subject, recorded_at) \
         select $1, $2, * from unnest($3::int4[], $4::int8[], $5::text[], $6::uuid[], $7::int8[]) on conflict do nothing",
    )
    .bind(stretch.service.name())
    .bind(stretch.shard.number() as i16)
    .bind(ghosts.iter().map(|ghost| ghost.at.0 as i32).collect::<Vec<_>>())
    .bind(ghosts.iter().map(|ghost| ghost.at.1 as i64).collect::<Vec<_>>())
    .bind(ghosts.iter().map(|ghost| ghost.kind.clone()).collect::<Vec<_>>())
    .bind(ghosts.iter().map(|ghost| ghost.subject.map(Id::uuid)).collect::<Vec<_>>())
    .bind(ghosts.iter().map(|ghost| ghost.recorded_at).collect::<Vec<_>>())
    .execute(pool)
    .await
    .map(|_| ())
}
