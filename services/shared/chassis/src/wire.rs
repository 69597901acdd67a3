//! An entry as it travels on NATS: its headers written, and read again.

use async_nats::HeaderMap;
use chassis_core::{Entry, inbox::Incoming};
use proto::{Id, Time, envelope};

/// CloudEvents in binary mode, and what a reader needs to place the entry.
pub fn headers(entry: &Entry) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(envelope::SPEC_VERSION, "1.0");
    headers.insert(envelope::ID, entry.at.to_string());
    headers.insert(envelope::TYPE, &*entry.kind);
    headers.insert(envelope::SOURCE, format!("/hotline/{}/{}", entry.at.service, entry.at.shard));
    headers.insert(envelope::TIME, envelope::rfc3339(entry.recorded_at));
    headers.insert(envelope::SEQUENCE, format!("{}.{}", entry.at.epoch, entry.at.seq));
    headers.insert(envelope::CONTENT_TYPE, envelope::PROTOBUF);
    headers.insert(envelope::ACTOR, entry.actor.as_str());
    headers.insert(envelope::CAUSE, entry.cause.as_str());
    headers.insert(envelope::HOPS, entry.hops.to_string());
    headers.insert(envelope::DIRECTORY, entry.directory_seq.to_string());
    headers.insert(envelope::RECORDED_AT, entry.recorded_at.0.to_string());
    headers.insert(envelope::HASH, hex::encode(&entry.hash[..8]));
    if let Some(subject) = entry.about.subject {
        headers.insert(envelope::SUBJECT, subject.to_string());
    }
    if let Some(branch) = &entry.about.branch {
        headers.insert(envelope::BRANCH, header_text(branch));
    }
    if let Some(at) = entry.about.occurred_at {
        headers.insert(envelope::OCCURRED_AT, at.0.to_string());
    }
    if let Some((_, pair)) = entry.to {
        headers.insert(envelope::PAIR, pair.to_string());
    }
    if !entry.traceparent.is_empty() {
        headers.insert(envelope::TRACEPARENT, entry.traceparent.as_str());
    }
    headers
}

/// A header value holds no line break.
fn header_text(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// An entry out of a message's headers and payload; `None` if it cannot be placed.
pub fn entry(headers: &HeaderMap, payload: Vec<u8>, stream_seq: u64) -> Option<Incoming> {
    let text = |name: &str| headers.get(name).map(|value| value.as_str());
    let (epoch, seq) = text(envelope::SEQUENCE)?.split_once('.')?;
    let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
    Some(Incoming {
        epoch: epoch.parse().ok()?,
        seq: seq.parse().ok()?,
        pair_seq: number(envelope::PAIR).unwrap_or(0),
        kind: text(envelope::TYPE)?.into(),
        payload,
        subject: text(envelope::SUBJECT).and_then(|id| id.parse::<Id>().ok()),
        branch: text(envelope::BRANCH).map(str::to_owned),
        actor: text(envelope::ACTOR).unwrap_or_default().to_owned(),
        cause: text(envelope::CAUSE).unwrap_or_default().to_owned(),
        hops: number(envelope::HOPS).unwrap_or(0).min(255) as u8,
        directory_seq: number(envelope::DIRECTORY).unwrap_or(0),
        recorded_at: Time(text(envelope::RECORDED_AT)?.parse().ok()?),
        occurred_at: text(envelope::OCCURRED_AT).and_then(|at| at.parse().ok()).map(Time),
        to: None,
        traceparent: text(envelope::TRACEPARENT).unwrap_or_default().to_owned(),
        hash: hex::decode(text(envelope::HASH)?).ok()?,
        stream_seq,
    })
}
