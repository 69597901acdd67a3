//! A service's schema: its own, in a shared or a separate database.

use std::{str::FromStr, time::Duration};

use proto::Service;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use thiserror::Error;

/// Whether a connection lives shows within this time.
const ANSWER: Duration = Duration::from_secs(3);
/// A connection that was in use a moment ago is lent as it is.
const FRESH: Duration = Duration::from_secs(1);
/// Longer than waiting for a connection.
const QUERY: Duration = Duration::from_secs(20);

/// What the chassis itself keeps in each schema.
pub const OWN_TABLES: &str = include_str!("schema.sql");

#[derive(Debug, Error)]
pub enum SchemaError {
    #[error("the database address does not fit")]
    Address(#[source] sqlx::Error),
    #[error("connecting to Postgres failed")]
    Connect(#[source] sqlx::Error),
    #[error("creating the schema {schema} failed")]
    Create { schema: &'static str, source: sqlx::Error },
    #[error("a migration of {schema} failed")]
    Migrate { schema: &'static str, source: sqlx::migrate::MigrateError },
}

/// Options whose search path is the service's schema and nothing else.
pub fn options(database_url: &str, service: Service) -> Result<PgConnectOptions, SchemaError> {
    Ok(PgConnectOptions::from_str(database_url)
        .map_err(SchemaError::Address)?
        .application_name(&format!("hotline-{service}"))
        .options([("search_path", service.schema())]))
}

/// Creates what is missing. Replicas that start together take turns.
pub async fn prepare(
    options: &PgConnectOptions,
    service: Service,
    migrations: &Migrator,
) -> Result<(), SchemaError> {
    let schema = service.schema();
    let create = |source| SchemaError::Create { schema, source };
    let mut connection = PgConnection::connect_with(options).await.map_err(SchemaError::Connect)?;
    sqlx::query("select pg_advisory_lock(hashtextextended($1, 7))")
        .bind(format!("hotline migrations {schema}"))
        .execute(&mut connection)
        .await
        .map_err(create)?;
    connection
        .execute(AssertSqlSafe(format!("create schema if not exists {schema}; {OWN_TABLES}")))
        .await
        .map_err(create)?;
    // A pool of one, for the migrator's sake: it borrows a connection in a way that a future
    // which moves between threads cannot.
    let pool = pool(options.clone(), 1);
    migrations.run(&pool).await.map_err(|source| SchemaError::Migrate { schema, source })?;
    pool.close().await;
    connection.close().await.map_err(SchemaError::Connect)
}

/// Connections for people's queries; never used by the loop.
///
/// One may have died without a word, and Postgres' client would wait for its answer for ever, holding its place: so each
/// is asked before it is used, unless it was in use a moment ago, and after, and has to answer in time.
pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(15))
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < FRESH || answers(connection).await) })
        })
        .after_release(|connection, _| Box::pin(async move { Ok(answers(connection).await) }))
        .connect_lazy_with(options)
}

async fn answers(connection: &mut PgConnection) -> bool {
    tokio::time::timeout(ANSWER, connection.ping()).await.is_ok_and(|answer| answer.is_ok())
}

/// A query of the chassis itself, which nobody else would break off.
pub(crate) async fn in_time<T>(
    query: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::time::timeout(QUERY, query).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
