//! A Postgres of the test's own, rows put into it as the loop does, and an invented ticket.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, ColumnKind, Table, Value};
use intake_core::{
    Ticket, number,
    state::{FileCheck, Judged, PlaybookVersion, Progress, State},
};
use local_engines::{Postgres, PostgresOptions};
use playbook::Facts;
use proto::{Bucket, Id, Service, Shard, Time};
use sqlx::{PgPool, Postgres as Pg, QueryBuilder};

pub struct Store {
    pub pool: PgPool,
    _server: Postgres,
    _dir: tempfile::TempDir,
}

impl Store {
    pub async fn new() -> Store {
        let dir = tempfile::tempdir_in(local_engines::scratch("intake").expect("a place")).expect("a place");
        let server = Postgres::start(PostgresOptions::new(dir.path())).await.expect("Postgres starts");
        let options = chassis::schema::options(&server.url(), Service::Intake).expect("an address");
        for _ in 0..2 {
            // A second start finds everything there.
            chassis::schema::prepare(&options, Service::Intake, &intake::MIGRATIONS).await.expect("a schema");
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

/// The `n`-th ticket of a day, a minute apart.
pub fn ticket(n: u8, branch: &str) -> Ticket {
    let opened_at = Time(1_772_416_800_000_000 + i64::from(n) * Time::MINUTE);
    let shard = Shard::new(0).expect("the first");
    Ticket {
        id: Id::mint(opened_at, Bucket::first_of(shard), [n; 9]),
        number: number::format(shard, n.into()),
        playbook: PlaybookVersion { id: "test".into(), version: 1 },
        case_type: "complaint".into(),
        branch: branch.into(),
        customer: None,
        asset: None,
        channel: "phone".into(),
        taken_by: "person:P0".into(),
        opened_at,
        file_check: FileCheck::Unknown,
        facts: Facts::new(),
        step_facts: Facts::new(),
        personal: BTreeMap::new(),
        judged: Judged { category: "repair".into(), severity: "general".into(), ..Judged::default() },
        floor: None,
        barred: BTreeSet::new(),
        cycle: 1,
        state: State::Open(Progress::new(opened_at)),
        past: Vec::new(),
        notes: Vec::new(),
        waits: BTreeMap::new(),
        links: Vec::new(),
        tokens: Vec::new(),
    }
}
