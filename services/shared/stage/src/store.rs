//! A Postgres of the test's own with a service's schema, and rows put into it as the loop does.

use chassis_core::{Aggregate, ColumnKind, Table, Value};
use local_engines::{Postgres, PostgresOptions};
use proto::Service;
use sqlx::{PgPool, Postgres as Pg, QueryBuilder, migrate::Migrator};

pub struct Store {
    pub pool: PgPool,
    _server: Postgres,
    _dir: tempfile::TempDir,
}

impl Store {
    pub async fn new(service: Service, migrations: &'static Migrator) -> Store {
        let dir = local_engines::scratch(service.name()).expect("a place");
        let dir = tempfile::tempdir_in(dir).expect("a folder");
        let server = Postgres::start(PostgresOptions::new(dir.path())).await.expect("Postgres starts");
        let options = chassis::schema::options(&server.url(), service).expect("an address");
        for _ in 0..2 {
            // A second start finds everything there.
            chassis::schema::prepare(&options, service, migrations).await.expect("a schema");
        }
        Store { pool: chassis::schema::pool(options, 2), _server: server, _dir: dir }
    }

    pub async fn put<T: Aggregate>(&self, aggregate: &T) {
        let table = T::TABLE;
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let into = format!("insert into {} (id, shard, body, {}) values (", table.name, names.join(", "));
        let mut insert = QueryBuilder::<Pg>::new(into);
        insert.push_bind(aggregate.id().uuid()).push(", ");
        insert.push_bind(aggregate.id().shard().number() as i16).push(", ");
        insert.push_bind(rmp_serde::to_vec_named(aggregate).expect("plain data"));
        for value in aggregate.columns() {
            insert.push(", ");
            match value {
                Value::Null => insert.push("null"),
                Value::Text(text) => insert.push_bind(text),
                Value::Int(number) => insert.push_bind(number),
                Value::Bool(truth) => insert.push_bind(truth),
                Value::Words(words) => insert.push_bind(words),
                Value::Time(at) => {
                    insert.push("timestamptz 'epoch' + ").push_bind(at.0).push(" * interval '1 microsecond'")
                }
            };
        }
        insert.push(")").build().execute(&self.pool).await.expect("it is put");
    }

    /// Names and types of a table's columns are those that the core writes.
    pub async fn assert_fits(&self, table: &Table) {
        let found: Vec<(String, String)> = sqlx::query_as(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute \
             where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum",
        )
        .bind(table.name)
        .fetch_all(&self.pool)
        .await
        .expect("the catalogue is read");
        let kind = |kind: ColumnKind| match kind {
            ColumnKind::Text => "text",
            ColumnKind::Int => "bigint",
            ColumnKind::Bool => "boolean",
            ColumnKind::Time => "timestamp with time zone",
            ColumnKind::Words => "text[]",
        };
        let mut wanted = vec![("id", "uuid"), ("shard", "smallint"), ("body", "bytea")];
        wanted.extend(table.columns.iter().map(|column| (column.name, kind(column.kind))));
        let found: Vec<(&str, &str)> = found.iter().map(|(n, k)| (n.as_str(), k.as_str())).collect();
        assert_eq!(found, wanted, "{}", table.name);
    }
}
