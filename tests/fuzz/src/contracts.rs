//! What comes over the wire: events, their headers, forwarded commands, requests, and the names of things.

use std::str::FromStr;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use chassis::wire;
use chassis_core::{Entry, entry::About, inbox::Incoming};
use organisation::Snapshot;
use prost::Message;
use proto::{
    AnyEvent, Event, Id, Listener, Service, Shard, Time, envelope::Position, event::EVENTS,
    intake::v1 as intake_wire, subject,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{ground::DIRECTORY, headed, said, text};

pub const EVENT_WORDS: &[&str] = &[
    "hotline.intake.v1.TicketOpened\n",
    "\n\u{24}",
    "\x0b",
    "\x08\u{1}",
    "hotline.directory.v1.DirectoryChanged\n",
];

/// A type on the first line, then its message: decoded, written and read again, and taken in as the directory's.
pub fn event(data: &[u8]) {
    let Some((kind, payload)) = headed(data) else { return };
    let decoded = AnyEvent::decode(kind, payload);
    let known = EVENTS.iter().any(|(full, _, _)| *full == kind);
    let Ok(event) = decoded else {
        assert_eq!(known, !matches!(decoded, Err(proto::DecodeError::UnknownType(_))));
        return;
    };
    let written = event.clone().hand_to(&mut Writer);
    let again = AnyEvent::decode(kind, &written).expect("what was written is read");
    assert_eq!(again.clone().hand_to(&mut Writer), written, "{kind}");
    // Whatever it says: refused or taken in.
    let _ = Snapshot::default().apply(1, &event);
}

struct Writer;

impl Listener for Writer {
    type Answer = Vec<u8>;

    fn take<E: Event>(&mut self, event: E) -> Vec<u8> {
        event.encode_to_vec()
    }
}

pub const HEADER_WORDS: &[&str] = &[
    "ce-sequence: 1.2\n",
    "hotline-hops: 256\n",
    "hotline-recorded-at: -9223372036854775808\n",
    "ce-type: x\n",
];

/// Lines `name: value`: an entry's headers, read, written and read again.
pub fn header(data: &[u8]) {
    let Some(headers) = text(data).and_then(map) else { return };
    let Some(read) = wire::entry(&headers, data.to_vec(), 7) else { return };
    let entry = entry_of(&read);
    let again = wire::entry(&wire::headers(&entry), data.to_vec(), 7).expect("our own headers are read");
    let place = |it: &Incoming| {
        (it.epoch, it.seq, it.pair_seq, it.kind.clone(), it.subject, it.hops, it.directory_seq)
    };
    assert_eq!(place(&again), place(&read));
    let times = |it: &Incoming| (it.recorded_at, it.occurred_at);
    assert_eq!(times(&again), times(&read));
    assert_eq!((again.actor, again.traceparent), (read.actor, read.traceparent));
}

fn map(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(':')?;
        headers.insert(HeaderName::from_str(name.trim()).ok()?, HeaderValue::from_str(value.trim()).ok()?);
    }
    Some(headers)
}

fn entry_of(read: &Incoming) -> Entry {
    let shard = Shard::all().next().expect("the first of sixteen");
    Entry {
        at: Position { service: Service::Intake, shard, epoch: read.epoch, seq: read.seq },
        hash: [0; 32],
        kind: read.kind.clone(),
        payload: read.payload.clone(),
        about: About { subject: read.subject, branch: read.branch.clone(), occurred_at: read.occurred_at },
        actor: read.actor.clone(),
        cause: String::new(),
        hops: read.hops,
        directory_seq: read.directory_seq,
        recorded_at: read.recorded_at,
        to: (read.pair_seq > 0).then_some((shard, read.pair_seq)),
        traceparent: read.traceparent.clone(),
    }
}

pub const REQUEST_WORDS: &[&str] = &["identify\n", "open\n", "dealer-group", "complaint", "\u{1}", "SF-01"];

/// A contract's message as it comes from a caller, made a command: all faults at once, in both languages.
pub fn request(data: &[u8]) {
    match headed(data) {
        Some(("identify", body)) => {
            let Ok(message) = intake_wire::IdentifyRequest::decode(body) else { return };
            match intake::desk::calling(&message) {
                Ok(calling) => {
                    assert_eq!(intake::phone::normalise(&calling.phone).as_ref(), Ok(&calling.phone));
                    assert!(calling.name.is_none_or(|name| name.chars().count() <= 100));
                }
                Err(refusal) => said::refusal(&refusal),
            }
        }
        Some(("open", body)) => {
            let Ok(message) = intake_wire::OpenTicketRequest::decode(body) else { return };
            match intake::desk::read_open(&message, &DIRECTORY) {
                Ok((open, form)) => {
                    form.wrong.iter().for_each(said::violation);
                    assert!(
                        form.personal.keys().all(|name| open.facts.get(name).is_none()),
                        "words are no facts"
                    );
                }
                Err(refusal) => said::refusal(&refusal),
            }
        }
        _ => {}
    }
}

pub const COMMAND_WORDS: &[&str] = &["intake\n", "dispatch\n", "directory\n", "Open", "ticket", "cycle"];

/// A service on the first line, then a command as replicas forward it.
pub fn command(data: &[u8]) {
    let Some((service, body)) = headed(data) else { return };
    match service {
        "intake" => packed::<intake_core::Command>(body),
        "dispatch" => packed::<dispatch_core::Command>(body),
        "sla-watchdog" => packed::<sla_watchdog_core::Command>(body),
        "follow-up" => packed::<follow_up_core::Command>(body),
        "reporting" => packed::<reporting_core::Command>(body),
        "notify" => packed::<notify_core::Command>(body),
        "directory" => packed::<directory_core::Command>(body),
        _ => {}
    }
}

fn packed<C: Serialize + DeserializeOwned>(body: &[u8]) {
    let Ok(command) = rmp_serde::from_slice::<C>(body) else { return };
    let written = rmp_serde::to_vec_named(&command).expect("a command is written");
    let again: C = rmp_serde::from_slice(&written).expect("what was written is read");
    assert_eq!(rmp_serde::to_vec_named(&again).expect("twice"), written);
}

pub const NAME_WORDS: &[&str] = &[
    "hotline.event.",
    "hotline.peer.",
    "intake/3/1.455",
    "sla-watchdog",
    "18446744073709551615",
    "urn:uuid:",
];

/// Positions, ids, subjects, times: what reads as one is written and read as the same.
pub fn name(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(at) = text.parse::<Position>() {
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(Position::try_from(&proto::common::v1::Position::from(at)), Ok(at));
    }
    if let Ok(id) = text.parse::<Id>() {
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(Shard::all().any(|shard| shard == id.shard()));
    }
    match subject::parse(text) {
        Some(place @ subject::Place::Event { service, shard }) => {
            assert_eq!(subject::parse(&subject::event(service, shard, "a", "b")), Some(place));
        }
        Some(place @ subject::Place::Peer { service, from, to }) => {
            assert_eq!(subject::parse(&subject::peer(service, from, to)), Some(place));
        }
        None => {}
    }
    if let Some((service, shard)) = subject::parse_head(text) {
        assert_eq!(subject::parse_head(&subject::head(service, shard)), Some((service, shard)));
    }
    assert_eq!(subject::work(text).split('.').count(), 3, "a code is one token");
    if let Ok(micros) = text.parse::<i64>() {
        let shown = Time(micros).to_string();
        assert!(shown.parse::<jiff::Timestamp>().is_ok(), "{shown}");
    }
}
