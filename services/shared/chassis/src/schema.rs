//! A service's schema: its own, in a shared or a separate database.

use std::{str::FromStr, time::Duration};

use proto::Service;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use thiserror::Error;

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

/// A connection that rested longer is tried before it is lent; under load each would be tried before every query.
const TRUSTED: Duration = Duration::from_secs(1);

/// Connections for people's queries; never used by the loop.
pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(15))
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(async move { Ok(usage.idle_for < TRUSTED || connection.ping().await.is_ok()) })
        })
        .connect_lazy_with(options)
}
