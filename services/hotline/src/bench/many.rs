//! Many cases at once: each of some hundred cases that were really taken in is written again under other ids, row by row,
//! with everything that the services keep of it. Nothing of it stands in a journal, so the database is good for reading
//! pages only.

use std::collections::HashSet;

use anyhow::Context;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use uuid::Uuid;

/// Where a case has rows, with the columns beside `id` that name it.
const TABLES: [(&str, &[&str]); 7] = [
    ("intake.ticket", &[]),
    ("dispatch.work", &[]),
    ("sla_watchdog.cases", &[]),
    ("follow_up.follow_up_case", &[]),
    ("notify.notify_case", &[]),
    ("notify.notice", &["ticket"]),
    ("reporting.ticket_row", &[]),
];

/// Rows in one statement.
const BATCH: usize = 500;

/// A row that is written again, and where in its body ids of cases stand.
struct Template {
    id: Uuid,
    body: Vec<u8>,
    binary: Vec<usize>,
    text: Vec<usize>,
}

/// An id of the family of copy `copy`: the home rides in its first half.
fn other(id: Uuid, copy: u16) -> Uuid {
    let mut bytes = id.into_bytes();
    bytes[14..].copy_from_slice(&copy.to_be_bytes());
    Uuid::from_bytes(bytes)
}

impl Template {
    fn new(id: Uuid, body: Vec<u8>, known: &HashSet<[u8; 16]>) -> Template {
        let is_id =
            |window: &&[u8]| <[u8; 16]>::try_from(*window).is_ok_and(|window| known.contains(&window));
        let binary =
            body.windows(16).enumerate().filter(|(_, window)| is_id(window)).map(|(at, _)| at).collect();
        let is_text = |window: &[u8]| {
            window[8] == b'-'
                && std::str::from_utf8(window)
                    .ok()
                    .and_then(|text| Uuid::try_parse(text).ok())
                    .is_some_and(|id| known.contains(id.as_bytes()))
        };
        let text =
            body.windows(36).enumerate().filter(|(_, window)| is_text(window)).map(|(at, _)| at).collect();
        Template { id, body, binary, text }
    }

    fn body(&self, copy: u16) -> Vec<u8> {
        let mut body = self.body.clone();
        for at in &self.binary {
            body[at + 14..at + 16].copy_from_slice(&copy.to_be_bytes());
        }
        for at in &self.text {
            body[at + 32..at + 36].copy_from_slice(format!("{copy:04x}").as_bytes());
        }
        body
    }
}

/// Writes every case `copies` times more.
pub async fn copy(store: &mut PgConnection, copies: u16) -> anyhow::Result<u64> {
    let mut rows = Vec::new();
    for (table, _) in TABLES {
        let sql = AssertSqlSafe(format!("select id, body from {table}"));
        let found: Vec<(Uuid, Vec<u8>)> =
            sqlx::query_as(sql).fetch_all(&mut *store).await.with_context(|| format!("reading {table}"))?;
        rows.push(found);
    }
    let known: HashSet<[u8; 16]> = rows.iter().flatten().map(|(id, _)| *id.as_bytes()).collect();
    let mut written = 0;
    for ((table, named), rows) in TABLES.iter().zip(rows) {
        let templates: Vec<Template> =
            rows.into_iter().map(|(id, body)| Template::new(id, body, &known)).collect();
        let sql = statement(store, table, named).await?;
        for copy in 1..=copies {
            for some in templates.chunks(BATCH) {
                written +=
                    write(store, &sql, some, copy).await.with_context(|| format!("writing {table}"))?;
            }
        }
        store.execute(AssertSqlSafe(format!("analyze {table}"))).await?;
    }
    Ok(written)
}

/// Every column as it was, but ids and bodies.
async fn statement(store: &mut PgConnection, table: &str, named: &[&str]) -> anyhow::Result<String> {
    let (schema, name) = table.split_once('.').context("a table without its schema")?;
    let columns: Vec<String> = sqlx::query_scalar(
        "select column_name::text from information_schema.columns where table_schema = $1 and table_name = $2 \
         and is_identity = 'NO' and is_generated = 'NEVER' order by ordinal_position",
    )
    .bind(schema)
    .bind(name)
    .fetch_all(&mut *store)
    .await?;
    let value = |column: &String| match column.as_str() {
        "id" => "n.id".to_owned(),
        "body" => "n.body".to_owned(),
        column if named.contains(&column) => format!("left(t.{column}, 32) || lpad(to_hex($4::int), 4, '0')"),
        column => format!("t.{column}"),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    Ok(format!(
        "insert into {table} ({}) select {} from {table} t \
         join unnest($1::uuid[], $2::uuid[], $3::bytea[]) as n(old, id, body) on t.id = n.old \
         where $4::int > 0 on conflict do nothing",
        columns.join(", "),
        values.join(", ")
    ))
}

async fn write(
    store: &mut PgConnection,
    sql: &str,
    templates: &[Template],
    copy: u16,
) -> Result<u64, sqlx::Error> {
    let old: Vec<Uuid> = templates.iter().map(|one| one.id).collect();
    let ids: Vec<Uuid> = templates.iter().map(|one| other(one.id, copy)).collect();
    let bodies: Vec<Vec<u8>> = templates.iter().map(|one| one.body(copy)).collect();
    let query = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(old).bind(ids).bind(bodies);
    Ok(query.bind(i32::from(copy)).execute(store).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_speaks_of_its_own_case_only() {
        let (case, elsewhere) = (Uuid::from_bytes([7; 16]), Uuid::from_bytes([9; 16]));
        let body =
            [b"x".as_slice(), case.as_bytes(), elsewhere.as_bytes(), case.to_string().as_bytes()].concat();
        let known = HashSet::from([*case.as_bytes()]);
        let copied = Template::new(case, body.clone(), &known).body(3);
        let third = other(case, 3);
        assert_ne!(third, case);
        let wanted =
            [b"x".as_slice(), third.as_bytes(), elsewhere.as_bytes(), third.to_string().as_bytes()].concat();
        assert_eq!(copied, wanted);
        assert_eq!(copied.len(), body.len());
    }
}
