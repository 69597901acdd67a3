//! The reference: the very rows and journal entries of a path, written in bulk on one connection and nothing else.
//!
//! After a round the rows that it left are read back with all their columns and written once more into empty copies of
//! their tables, a hundred lives in a transaction. Rows that the path wrote several times are written once here, so the
//! reference is rather too fast.

use std::collections::BTreeMap;

use anyhow::Context;
use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, Postgres, Row, postgres::PgArguments, query::Query,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Lives in one transaction.
const BATCH: usize = 100;
const SCRATCH: &str = "bench_reference";
/// Parts the words of a list; no text holds it.
const MARK: &str = "\u{1f}";

/// Rows by `schema.table`.
pub type Counts = BTreeMap<String, i64>;

/// Counts the rows of all tables of these schemas.
pub async fn count(store: &mut PgConnection, schemas: &[&str]) -> anyhow::Result<Counts> {
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select schemaname::text, tablename::text from pg_tables \
         where schemaname = any($1) and tablename not like '\\_sqlx%' order by 1, 2",
    )
    .bind(schemas.iter().map(|schema| (*schema).to_owned()).collect::<Vec<_>>())
    .fetch_all(&mut *store)
    .await?;
    let mut counts = Counts::new();
    for (schema, table) in tables {
        let name = format!("{schema}.{table}");
        let sql = AssertSqlSafe(format!("select count(*) from {name}"));
        counts.insert(name, sqlx::query_scalar(sql).fetch_one(&mut *store).await?);
    }
    Ok(counts)
}

/// What a column's values are carried as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Id,
    Int,
    Truth,
    Bytes,
    Text,
    Words,
    Moment,
}

impl Kind {
    fn of(data_type: &str) -> Option<Kind> {
        Some(match data_type {
            "uuid" => Kind::Id,
            "smallint" | "integer" | "bigint" => Kind::Int,
            "boolean" => Kind::Truth,
            "bytea" => Kind::Bytes,
            "text" => Kind::Text,
            "ARRAY" => Kind::Words,
            "timestamp with time zone" => Kind::Moment,
            _ => return None,
        })
    }

    fn read(self, name: &str) -> String {
        match self {
            Kind::Int => format!("{name}::int8"),
            Kind::Words => format!("array_to_string({name}, '{MARK}')"),
            Kind::Moment => format!("(extract(epoch from {name}) * 1000000)::int8"),
            Kind::Id | Kind::Truth | Kind::Bytes | Kind::Text => name.to_owned(),
        }
    }

    /// The array type of the parameter, and how a value of it becomes the column's.
    fn write(self, value: &str, data_type: &str) -> (&'static str, String) {
        match self {
            Kind::Id => ("uuid[]", value.to_owned()),
            Kind::Int => ("int8[]", format!("{value}::{data_type}")),
            Kind::Truth => ("bool[]", value.to_owned()),
            Kind::Bytes => ("bytea[]", value.to_owned()),
            Kind::Text => ("text[]", value.to_owned()),
            Kind::Words => ("text[]", format!("string_to_array({value}, '{MARK}')")),
            Kind::Moment => ("int8[]", format!("timestamptz 'epoch' + {value} * interval '1 microsecond'")),
        }
    }
}

/// A column's values.
enum Values {
    Ids(Vec<Option<Uuid>>),
    Ints(Vec<Option<i64>>),
    Truths(Vec<Option<bool>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Texts(Vec<Option<String>>),
}

type Bound<'q> = Query<'q, Postgres, PgArguments>;

impl Values {
    fn new(kind: Kind) -> Values {
        match kind {
            Kind::Id => Values::Ids(Vec::new()),
            Kind::Int | Kind::Moment => Values::Ints(Vec::new()),
            Kind::Truth => Values::Truths(Vec::new()),
            Kind::Bytes => Values::Bytes(Vec::new()),
            Kind::Text | Kind::Words => Values::Texts(Vec::new()),
        }
    }

    fn take(&mut self, row: &sqlx::postgres::PgRow, place: usize) -> Result<(), sqlx::Error> {
        match self {
            Values::Ids(values) => values.push(row.try_get(place)?),
            Values::Ints(values) => values.push(row.try_get(place)?),
            Values::Truths(values) => values.push(row.try_get(place)?),
            Values::Bytes(values) => values.push(row.try_get(place)?),
            Values::Texts(values) => values.push(row.try_get(place)?),
        }
        Ok(())
    }

    fn bind<'q>(&'q self, query: Bound<'q>, from: usize, to: usize) -> Bound<'q> {
        match self {
            Values::Ids(values) => query.bind(&values[from..to]),
            Values::Ints(values) => query.bind(&values[from..to]),
            Values::Truths(values) => query.bind(&values[from..to]),
            Values::Bytes(values) => query.bind(&values[from..to]),
            Values::Texts(values) => query.bind(&values[from..to]),
        }
    }
}

/// The rows of one table.
struct Sample {
    scratch: String,
    columns: Vec<(String, String, Kind)>,
    values: Vec<Values>,
    rows: usize,
}

impl Sample {
    /// Reads the newest rows of a table and makes its empty copy.
    async fn read(store: &mut PgConnection, table: &str, rows: i64) -> anyhow::Result<Sample> {
        let (schema, name) = table.split_once('.').context("a table without its schema")?;
        let found: Vec<(String, String)> = sqlx::query_as(
            "select column_name::text, data_type::text from information_schema.columns \
             where table_schema = $1 and table_name = $2 and is_identity = 'NO' and is_generated = 'NEVER' \
             order by ordinal_position",
        )
        .bind(schema)
        .bind(name)
        .fetch_all(&mut *store)
        .await?;
        let columns = found
            .into_iter()
            .map(|(name, kind)| {
                let carried = Kind::of(&kind).with_context(|| format!("{table}.{name} is a {kind}"))?;
                Ok((name, kind, carried))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let scratch = format!("{SCRATCH}.{schema}_{name}");
        store.execute(AssertSqlSafe(format!("create table {scratch} (like {table} including all)"))).await?;
        let list: Vec<String> = columns.iter().map(|(name, _, kind)| kind.read(name)).collect();
        let sql = format!("select {} from {table} order by ctid desc limit {rows}", list.join(", "));
        let mut values: Vec<Values> = columns.iter().map(|(_, _, kind)| Values::new(*kind)).collect();
        let read = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *store).await?;
        for row in &read {
            for (place, column) in values.iter_mut().enumerate() {
                column.take(row, place)?;
            }
        }
        Ok(Sample { scratch, columns, values, rows: read.len() })
    }

    /// `insert into ... select ... from unnest($3::uuid[], ...)`, with parameters from `first` on.
    fn insert(&self, first: usize) -> String {
        let mut names = Vec::new();
        let mut types = Vec::new();
        let mut values = Vec::new();
        for (place, (name, kind, carried)) in self.columns.iter().enumerate() {
            let (array, value) = carried.write(&format!("u.c{place}"), kind);
            names.push(name.clone());
            types.push(format!("${}::{array}", first + place));
            values.push(value);
        }
        let aliases: Vec<String> = (0..self.columns.len()).map(|place| format!("c{place}")).collect();
        format!(
            "insert into {} ({}) select {} from unnest({}) as u({})",
            self.scratch,
            names.join(", "),
            values.join(", "),
            types.join(", "),
            aliases.join(", ")
        )
    }

    /// Its part of a batch.
    fn part(&self, batch: usize, batches: usize) -> (usize, usize) {
        (self.rows * batch / batches, self.rows * (batch + 1) / batches)
    }
}

/// Lives a second, one figure per round.
pub async fn rates(
    store: &mut PgConnection,
    before: &Counts,
    after: &Counts,
    lives: usize,
    rounds: usize,
    most: usize,
) -> anyhow::Result<Vec<f64>> {
    let wanted = lives.min(most).max(BATCH);
    store
        .execute(AssertSqlSafe(format!("drop schema if exists {SCRATCH} cascade; create schema {SCRATCH}")))
        .await?;
    let mut samples = Vec::new();
    for (table, now) in after {
        let grown = now - before.get(table).copied().unwrap_or_default();
        let share = grown as f64 * (wanted as f64 / lives.max(1) as f64).min(1.0);
        if share >= 1.0 {
            samples.push(Sample::read(store, table, share as i64).await?);
        }
    }
    let mut rates = Vec::new();
    for _ in 0..rounds {
        for sample in &samples {
            store.execute(AssertSqlSafe(format!("truncate {}", sample.scratch))).await?;
        }
        let began = Instant::now();
        write(store, &samples, wanted / BATCH).await?;
        rates.push((wanted / BATCH * BATCH) as f64 / began.elapsed().as_secs_f64());
    }
    store.execute(AssertSqlSafe(format!("drop schema {SCRATCH} cascade"))).await?;
    Ok(rates)
}

async fn write(store: &mut PgConnection, samples: &[Sample], batches: usize) -> anyhow::Result<()> {
    let mut first = 1;
    let parts: Vec<String> = samples
        .iter()
        .enumerate()
        .map(|(place, sample)| {
            let part = format!("p{place} as ({})", sample.insert(first));
            first += sample.columns.len();
            part
        })
        .collect();
    let sql = format!("with {} select 1", parts.join(",\n"));
    for batch in 0..batches {
        let mut transaction = store.begin().await?;
        let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
        for sample in samples {
            let (from, to) = sample.part(batch, batches);
            query = sample.values.iter().fold(query, |query, values| values.bind(query, from, to));
        }
        query.execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shared_out_among_the_batches_without_rest() {
        let sample = Sample { scratch: String::new(), columns: Vec::new(), values: Vec::new(), rows: 1_003 };
        let parts: Vec<(usize, usize)> = (0..10).map(|batch| sample.part(batch, 10)).collect();
        assert_eq!((parts[0].0, parts[9].1), (0, 1_003));
        assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }

    #[test]
    fn every_column_is_carried_and_put_back_as_it_was() {
        let column = |name: &str, kind: &str| (name.to_owned(), kind.to_owned(), Kind::of(kind).unwrap());
        let columns = vec![column("id", "uuid"), column("shard", "smallint"), column("holders", "ARRAY")];
        let sample = Sample { scratch: "s.t".into(), columns, values: Vec::new(), rows: 0 };
        let sql = sample.insert(4);
        assert!(
            sql.starts_with(
                "insert into s.t (id, shard, holders) select u.c0, u.c1::smallint, string_to_array("
            ),
            "{sql}"
        );
        assert!(sql.ends_with("from unnest($4::uuid[], $5::int8[], $6::text[]) as u(c0, c1, c2)"), "{sql}");
        assert_eq!(Kind::of("inet"), None);
    }
}
