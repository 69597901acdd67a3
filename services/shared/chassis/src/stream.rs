//! The event stream belongs to one database. Two on one NATS would take each
//! other's entries for their own: the second is refused, and says why.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{
    self,
    stream::{self, LastRawMessageErrorKind, RawMessageErrorKind},
};
use proto::{
    Service, Shard,
    envelope::{self, Position},
    subject,
};
use sqlx::PgPool;

use crate::schema::in_time;

/// Where the stream says whose it is.
const OWNER: &str = "hotline-database";

/// A restored or promoted server keeps its identifier, another one never has it.
const DATABASE: &str = "select system_identifier || '.' || oid from pg_control_system(), pg_database \
     where datname = current_database()";

/// Creates the stream if need be; its creation time tells one broker's life from another's.
pub(crate) async fn created(context: &jetstream::Context, pool: &PgPool) -> Result<String, String> {
    found(context, pool).await.map(|stream| stream.cached_info().created.to_string())
}

/// The newest entry of a shard that the stream holds. A store put back to an older copy, or cut short by a crash of its
/// machine, keeps its creation time and lacks its tail. `None`: it holds nothing of the shard and has dropped what grew
/// old, so nothing follows from it.
pub(crate) async fn newest(
    stream: &stream::Stream,
    service: Service,
    shard: Shard,
) -> Result<Option<u64>, String> {
    let has_dropped = stream.cached_info().state.first_sequence > 1;
    let mut newest = (!has_dropped).then_some(0);
    for subjects in [subject::events_of_shard(service, shard), subject::peers_of_shard(service, shard)] {
        let message = match stream.get_last_raw_message_by_subject(&subjects).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => continue,
            Err(error) => return Err(error.to_string()),
        };
        let sequence = message.headers.get(envelope::SEQUENCE).map(|value| value.as_str());
        let seq = sequence.and_then(|text| text.split_once('.')?.1.parse().ok());
        newest = newest.max(seq);
    }
    Ok(newest)
}

/// Whether the stream still has this entry under the number that it gave it; what grew old was not lost.
pub(crate) async fn holds(
    stream: &stream::Stream,
    number: u64,
    service: Service,
    shard: Shard,
    seq: u64,
) -> Result<bool, String> {
    if number < stream.cached_info().state.first_sequence {
        return Ok(true);
    }
    let message = match stream.get_raw_message(number).await {
        Ok(message) => message,
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    let found = message.headers.get(envelope::ID).and_then(|value| value.as_str().parse::<Position>().ok());
    Ok(found.is_some_and(|at| (at.service, at.shard, at.seq) == (service, shard, seq)))
}

/// The stream, made if need be, if it is ours.
pub(crate) async fn found(context: &jetstream::Context, pool: &PgPool) -> Result<stream::Stream, String> {
    let database: String =
        in_time(sqlx::query_scalar(DATABASE).fetch_one(pool)).await.map_err(|error| error.to_string())?;
    let stream = context.get_or_create_stream(config(&database)).await.map_err(|error| error.to_string())?;
    let found = &stream.cached_info().config;
    match found.metadata.get(OWNER) {
        Some(owner) if *owner == database => {}
        Some(owner) => return Err(foreign(owner, &database)),
        // Somebody else made it for us: from now on it is ours.
        None => {
            let mut claimed = found.clone();
            claimed.metadata.insert(OWNER.to_owned(), database);
            context.update_stream(claimed).await.map_err(|error| error.to_string())?;
        }
    }
    Ok(stream)
}

fn config(database: &str) -> stream::Config {
    stream::Config {
        name: subject::EVENT_STREAM.to_owned(),
        subjects: subject::EVENT_STREAM_SUBJECTS.map(str::to_owned).to_vec(),
        storage: stream::StorageType::File,
        max_age: Duration::from_secs(14 * 24 * 3600),
        allow_direct: true,
        metadata: HashMap::from([(OWNER.to_owned(), database.to_owned())]),
        ..stream::Config::default()
    }
}

fn foreign(owner: &str, ours: &str) -> String {
    format!(
        "the stream {} on this NATS holds the events of another database ({owner}; ours is {ours}): \
         give each system a NATS of its own, or delete the stream if its database is gone",
        subject::EVENT_STREAM
    )
}

/// Which life of the broker a reader or publisher knows.
pub(crate) async fn remember(pool: &PgPool, name: &str, created: &str) -> Result<(), String> {
    let keep = sqlx::query("insert into stream (name, created) values ($1, $2) on conflict (name) do update set created = excluded.created")
        .bind(name)
        .bind(created)
        .execute(pool);
    in_time(keep).await.map(|_| ()).map_err(|error| error.to_string())
}

/// The life that it knew.
pub(crate) async fn remembered(pool: &PgPool, name: &str) -> Result<Option<String>, String> {
    let known =
        sqlx::query_scalar("select created from stream where name = $1").bind(name).fetch_optional(pool);
    in_time(known).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use local_engines::{Engines, Options};

    use super::*;

    #[tokio::test]
    async fn the_stream_of_another_database_is_refused() {
        let dir = local_engines::scratch("chassis-stream").unwrap();
        let engines = Engines::start(Options::for_tests(dir.join("engines"))).await.unwrap();
        let nats = crate::nats::connect(&engines.nats_url(), "stream-test").await.unwrap();
        let context = jetstream::new(nats);
        let database = async |name: &str| {
            let url = engines.fresh_database(&format!("{name}_{}", std::process::id())).await.unwrap();
            PgPool::connect(&url).await.unwrap()
        };
        let (first, second) = (database("first").await, database("second").await);

        let made = created(&context, &first).await.unwrap();
        assert_eq!(created(&context, &first).await.unwrap(), made);
        let refused = created(&context, &second).await.unwrap_err();
        assert!(refused.contains("another database"), "{refused}");

        context.delete_stream(subject::EVENT_STREAM).await.unwrap();
        assert_ne!(created(&context, &second).await.unwrap(), made);
        engines.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_stream_that_an_operator_made_becomes_ours() {
        let dir = local_engines::scratch("chassis-stream-operator").unwrap();
        let engines = Engines::start(Options::for_tests(dir.join("engines"))).await.unwrap();
        let nats = crate::nats::connect(&engines.nats_url(), "stream-test").await.unwrap();
        let context = jetstream::new(nats);
        let bare = stream::Config { metadata: HashMap::new(), ..config("") };
        context.create_stream(bare).await.unwrap();
        let url = engines.fresh_database(&format!("operator_{}", std::process::id())).await.unwrap();
        created(&context, &PgPool::connect(&url).await.unwrap()).await.unwrap();
        let owner = context.get_stream(subject::EVENT_STREAM).await.unwrap();
        assert!(owner.cached_info().config.metadata.contains_key(OWNER));
        engines.stop().await.unwrap();
    }
}
