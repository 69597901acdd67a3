//! How rows are kept: encoded, so that nothing survives that Postgres would lose.

use std::sync::Arc;

use proto::{Id, Service, Shard, Time, envelope::Position};
use serde::{Serialize, de::DeserializeOwned};
use serde_bytes::{ByteBuf, Bytes};

use super::Bytes16;
use crate::{
    aggregate::{ColumnKind, Value},
    entry::{About, Entry},
};

/// A column's value as it is kept: text, number or truth.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Kept {
    Text(String),
    Int(i64),
    Bool(bool),
}

impl Kept {
    pub fn of(value: &Value) -> Option<Kept> {
        match value {
            Value::Null => None,
            Value::Text(text) => Some(Kept::Text(text.replace('\0', ""))),
            Value::Words(words) => Some(Kept::Text(words.join(" "))),
            Value::Int(number) => Some(Kept::Int(*number)),
            Value::Time(at) => Some(Kept::Int(at.0)),
            Value::Bool(truth) => Some(Kept::Bool(*truth)),
        }
    }
}

pub(super) fn fits(kind: ColumnKind, value: &Value) -> bool {
    match (kind, value) {
        (_, Value::Null)
        | (ColumnKind::Text, Value::Text(_))
        | (ColumnKind::Words, Value::Words(_))
        | (ColumnKind::Int, Value::Int(_))
        | (ColumnKind::Time, Value::Time(_))
        | (ColumnKind::Bool, Value::Bool(_)) => true,
        (_, Value::Text(_) | Value::Words(_) | Value::Int(_) | Value::Time(_) | Value::Bool(_)) => false,
    }
}

pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec(value).expect("plain data always encodes")
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    rmp_serde::from_slice(bytes).expect("only what was encoded here is decoded")
}

/// Two parts: tuples end at sixteen fields.
pub(super) fn encode_entry(entry: &Entry) -> Vec<u8> {
    let about = (entry.about.subject, &entry.about.branch, entry.about.occurred_at);
    let caused = (&entry.actor, &entry.cause, entry.hops, &entry.traceparent);
    let placed = (entry.at.epoch, entry.hash, entry.directory_seq, entry.recorded_at, entry.to);
    encode(&(placed, &*entry.kind, Bytes::new(&entry.payload), about, caused))
}

type PlacedRow = (u32, [u8; 32], u64, Time, Option<(Shard, u64)>);
type AboutRow = (Option<Id>, Option<String>, Option<Time>);
type CausedRow = (String, String, u8, String);

pub(super) fn decode_entry(service: Service, shard: u16, seq: u64, kept: &[u8]) -> Entry {
    let (placed, kind, payload, about, caused): (PlacedRow, String, ByteBuf, AboutRow, CausedRow) =
        decode(kept);
    let (epoch, hash, directory_seq, recorded_at, to) = placed;
    let (subject, branch, occurred_at) = about;
    let (actor, cause, hops, traceparent) = caused;
    Entry {
        at: Position { service, shard: shard_of(shard), epoch, seq },
        hash,
        kind: Arc::from(kind),
        payload: payload.into_vec(),
        about: About { subject, branch, occurred_at },
        actor,
        cause,
        hops,
        directory_seq,
        recorded_at,
        to,
        traceparent,
    }
}

pub(super) fn shard_of(number: u16) -> Shard {
    Shard::new(number).expect("written from a shard")
}

pub(super) fn id_of(bytes: Bytes16) -> Id {
    Id::from_uuid(uuid::Uuid::from_bytes(bytes)).expect("written from an id")
}
