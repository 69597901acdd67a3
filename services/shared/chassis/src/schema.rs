//! A service's schema: its own, in a shared or a separate database.

use std::str::FromStr;

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

/// Connections for people's queries; never used by the loop.
pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(std::time::Duration::from_secs(15))
        .connect_lazy_with(options)
}
