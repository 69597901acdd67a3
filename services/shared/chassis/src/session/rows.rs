//! Rows of the chassis' own tables as the loop knows them.

use chassis_core::store::{Cursor, Head, Remembered, RequestKey, Source};
use proto::{Id, Service, Shard, Time};
use sqlx::{Row, postgres::PgRow};
use uuid::Uuid;

use super::SessionError;

pub fn head_of(row: &PgRow) -> Result<Head, SessionError> {
    let hash: Vec<u8> = row.get("hash");
    Ok(Head {
        shard: shard_of(row, "shard")?,
        epoch: row.get::<i32, _>("epoch") as u32,
        seq: row.get::<i64, _>("seq") as u64,
        hash: hash.try_into().map_err(|_| stored("head", "its hash has not 32 bytes"))?,
        stamp: Time(row.get("stamp")),
    })
}

pub fn cursor_of(row: &PgRow) -> Result<(Source, Cursor), SessionError> {
    let name: String = row.get("service");
    let service = Service::parse(&name).ok_or_else(|| stored("cursor", "its service is unknown"))?;
    let source = Source {
        service,
        from: shard_of(row, "from_shard")?,
        to: shard_of(row, "to_shard")?,
        peer: row.get("peer"),
    };
    let cursor = Cursor {
        epoch: row.get::<i32, _>("epoch") as u32,
        seq: row.get::<i64, _>("seq") as u64,
        stream_seq: row.get::<i64, _>("stream_seq") as u64,
        hash: row.get::<Vec<u8>, _>("hash").try_into().unwrap_or_default(),
    };
    Ok((source, cursor))
}

pub fn remembered(row: &PgRow) -> Result<Remembered, SessionError> {
    let content: Vec<u8> = row.get("content");
    Ok(Remembered {
        shard: shard_of(row, "shard")?,
        request: RequestKey { caller: row.get("caller"), id: id_of(row.get("id"))? },
        content: content.try_into().map_err(|_| stored("reply", "its content hash has not 16 bytes"))?,
        reply: row.get("body"),
        epoch: row.get::<i32, _>("epoch") as u32,
        seq: row.get::<i64, _>("seq") as u64,
    })
}

pub fn shard_of(row: &PgRow, column: &str) -> Result<Shard, SessionError> {
    let number: i16 = row.get(column);
    Shard::new(number as u16).ok_or_else(|| stored("shard", "its number is out of range"))
}

pub fn id_of(uuid: Uuid) -> Result<Id, SessionError> {
    Id::from_uuid(uuid).map_err(|error| stored("id", &error.to_string()))
}

fn stored(what: &'static str, why: &str) -> SessionError {
    SessionError::Stored { what, why: why.to_owned() }
}
