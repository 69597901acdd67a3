//! The schema in Postgres as the lines that the memory says of itself.

use std::{collections::BTreeMap, sync::Arc};

use chassis_core::{About, Entry, epoch::Rewinding, store::Source};
use proto::{Id, Service, Shard, Time, envelope::Position};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use super::draw::Toy;
use crate::session::{
    aside_of,
    rows::{cursor_of, head_of, id_of, remembered, shard_of},
};

pub async fn all(connection: &mut PgConnection) -> Vec<String> {
    let mut lines = Vec::new();
    for row in rows(connection, "select * from shard").await {
        let published: i64 = row.get("published");
        lines.push(format!("shard {:?} published {published}", head_of(&row).expect("a head")));
    }
    lines.extend(rows(connection, "select * from journal").await.iter().map(entry));
    lines.extend(rows(connection, LEAVES).await.iter().map(leaf));
    lines.extend(
        rows(connection, "select id, body from bare")
            .await
            .iter()
            .map(|row| format!("row bare {} {:?} []", id(row, "id"), row.get::<Vec<u8>, _>("body"))),
    );
    lines.extend(rows(connection, "select * from timer").await.iter().map(|row| {
        let (name, due): (String, i64) = (row.get("name"), row.get("due_at"));
        let shard = shard_of(row, "shard").expect("a shard");
        assert_eq!(shard, id(row, "id").shard(), "a timer lives with what it belongs to");
        format!("timer {} {name} {due}", id(row, "id"))
    }));
    let cursors: BTreeMap<Source, _> = rows(connection, "select * from cursor")
        .await
        .iter()
        .map(|row| cursor_of(row).expect("a cursor"))
        .collect();
    lines.extend(cursors.iter().map(|cursor| format!("cursor {cursor:?}")));
    lines.extend(rows(connection, "select * from pair").await.iter().map(|row| {
        let pair: (Shard, Shard, u64) =
            (shard(row, "from_shard"), shard(row, "to_shard"), number(row, "seq"));
        format!("pair {pair:?}")
    }));
    lines.extend(
        rows(connection, REPLIES)
            .await
            .iter()
            .map(|row| format!("reply {:?}", remembered(row).expect("a reply"))),
    );
    lines.extend(rows(connection, "select * from directory_entry").await.iter().map(|row| {
        let (kind, payload): (String, Vec<u8>) = (row.get("kind"), row.get("payload"));
        format!("directory {} {kind} {payload:?} {}", number(row, "seq"), row.get::<i64, _>("recorded_at"))
    }));
    lines.extend(rows(connection, "select * from quarantine").await.iter().map(aside));
    lines.extend(rows(connection, "select * from tenure").await.iter().map(tenure));
    lines.extend(rows(connection, "select * from rewinding").await.iter().map(rewinding));
    lines.sort();
    lines
}

const LEAVES: &str = "select id, body, word, amount, truth, (extract(epoch from due) * 1000000)::int8 as due, \
                      array_to_string(words, ' ') as words from leaf";
const REPLIES: &str = "select request as id, caller, shard, content, reply as body, epoch, seq from reply";

async fn rows(connection: &mut PgConnection, sql: &'static str) -> Vec<PgRow> {
    sqlx::query(sql).fetch_all(connection).await.expect("the table is read")
}

fn id(row: &PgRow, column: &str) -> Id {
    id_of(row.get(column)).expect("an id")
}

fn shard(row: &PgRow, column: &str) -> Shard {
    shard_of(row, column).expect("a shard")
}

fn number(row: &PgRow, column: &str) -> u64 {
    row.get::<i64, _>(column) as u64
}

fn entry(row: &PgRow) -> String {
    let hash: Vec<u8> = row.get("hash");
    let to: Option<i16> = row.get("to_shard");
    let entry = Entry {
        at: Position {
            service: Toy::NAME,
            shard: shard(row, "shard"),
            epoch: row.get::<i32, _>("epoch") as u32,
            seq: number(row, "seq"),
        },
        hash: hash.try_into().expect("32 bytes"),
        kind: Arc::from(row.get::<String, _>("kind")),
        payload: row.get("payload"),
        about: About {
            subject: row.get::<Option<Uuid>, _>("subject").map(|uuid| id_of(uuid).expect("an id")),
            branch: row.get("branch"),
            occurred_at: row.get::<Option<i64>, _>("occurred_at").map(Time),
        },
        actor: row.get("actor"),
        cause: row.get("cause"),
        hops: row.get::<i16, _>("hops") as u8,
        directory_seq: number(row, "directory_seq"),
        recorded_at: Time(row.get("recorded_at")),
        to: to.map(|_| (shard(row, "to_shard"), number(row, "pair_seq"))),
        traceparent: row.get("traceparent"),
    };
    format!("journal {entry:?}")
}

/// Columns as the memory keeps them: a text, a number, a truth, or nothing.
fn leaf(row: &PgRow) -> String {
    let text = |column| row.get::<Option<String>, _>(column).map(|text| format!("Text({text:?})"));
    let int = |column| row.get::<Option<i64>, _>(column).map(|number| format!("Int({number})"));
    let columns = [
        text("word"),
        int("amount"),
        row.get::<Option<bool>, _>("truth").map(|truth| format!("Bool({truth})")),
        int("due"),
        text("words"),
    ]
    .map(|value| value.map_or("None".to_owned(), |value| format!("Some({value})")))
    .join(", ");
    format!("row leaf {} {:?} [{columns}]", id(row, "id"), row.get::<Vec<u8>, _>("body"))
}

fn aside(row: &PgRow) -> String {
    let aside = aside_of(row).expect("an input set aside");
    assert_eq!(shard(row, "shard"), aside.shard(), "it lives with what it belongs to");
    format!("quarantine {aside:?}")
}

fn tenure(row: &PgRow) -> String {
    let (owner, trying): (Option<Uuid>, Option<String>) = (row.get("process"), row.get("trying"));
    let tenure = (shard(row, "shard"), owner, trying, row.get::<Vec<String>, _>("killers"));
    format!("tenure {tenure:?}")
}

fn rewinding(row: &PgRow) -> String {
    let place = |epoch, seq| (row.get::<i32, _>(epoch) as u32, number(row, seq));
    let service: String = row.get("service");
    let source = Source {
        service: Service::parse(&service).expect("a service"),
        from: shard(row, "shard"),
        to: shard(row, "reader"),
        peer: row.get("peer"),
    };
    let rewinding = Rewinding {
        source,
        own: row.get("own"),
        at: place("epoch", "seq"),
        from: place("from_epoch", "from_seq"),
        to: place("to_epoch", "to_seq"),
    };
    format!("{rewinding:?}")
}
