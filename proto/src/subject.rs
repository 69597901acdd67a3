//! NATS subjects, built and parsed here and nowhere else. No ticket ids and no
//! branches in event subjects: unbounded subjects cost the broker memory.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::Shard;

/// The services that keep a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    Intake,
    Dispatch,
    SlaWatchdog,
    FollowUp,
    Reporting,
    Notify,
    Directory,
}

impl Service {
    pub const ALL: [Service; 7] = [
        Service::Intake,
        Service::Dispatch,
        Service::SlaWatchdog,
        Service::FollowUp,
        Service::Reporting,
        Service::Notify,
        Service::Directory,
    ];

    /// As in subjects, configuration and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Service::Intake => "intake",
            Service::Dispatch => "dispatch",
            Service::SlaWatchdog => "sla-watchdog",
            Service::FollowUp => "follow-up",
            Service::Reporting => "reporting",
            Service::Notify => "notify",
            Service::Directory => "directory",
        }
    }

    /// Its Postgres schema, and its protobuf package's middle part.
    pub fn schema(self) -> &'static str {
        match self {
            Service::SlaWatchdog => "sla_watchdog",
            Service::FollowUp => "follow_up",
            other => other.name(),
        }
    }

    pub fn parse(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|s| s.name() == name)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The stream that holds every event.
pub const EVENT_STREAM: &str = "HOTLINE_EVENTS";
/// What it captures: events, and entries addressed to one other shard.
pub const EVENT_STREAM_SUBJECTS: [&str; 2] = ["hotline.event.>", "hotline.peer.>"];

/// A place in the event stream, as a subject says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Event { service: Service, shard: Shard },
    Peer { service: Service, from: Shard, to: Shard },
}

pub fn event(service: Service, shard: Shard, thing: &str, event: &str) -> String {
    format!("hotline.event.{service}.{shard}.{thing}.{event}")
}

/// All events of one service.
pub fn events_of(service: Service) -> String {
    format!("hotline.event.{service}.>")
}

/// An entry that only one other shard of the same service needs.
pub fn peer(service: Service, from: Shard, to: Shard) -> String {
    format!("hotline.peer.{service}.{from}.{to}")
}

pub fn peers_of(service: Service) -> String {
    format!("hotline.peer.{service}.>")
}

/// All that one shard says: to everybody, and to single homes.
pub fn all_of(service: Service, shard: Shard) -> [String; 2] {
    [format!("hotline.event.{service}.{shard}.>"), format!("hotline.peer.{service}.{shard}.>")]
}

/// Where the writer of a shard takes commands from other replicas. Never captured by a stream.
pub fn command(service: Service, shard: Shard) -> String {
    format!("hotline.command.{service}.{shard}")
}

/// Where a shard announces its head, so that a lost tail is found.
pub fn head(service: Service, shard: Shard) -> String {
    format!("hotline.head.{service}.{shard}")
}

pub fn heads() -> &'static str {
    "hotline.head.>"
}

/// Reads the place back out of an event's or a peer entry's subject.
pub fn parse(subject: &str) -> Option<Place> {
    let mut parts = subject.split('.');
    if parts.next()? != "hotline" {
        return None;
    }
    let kind = parts.next()?;
    let service = Service::parse(parts.next()?)?;
    let mut shard = || Shard::new(parts.next()?.parse().ok()?);
    match kind {
        "event" => Some(Place::Event { service, shard: shard()? }),
        "peer" => Some(Place::Peer { service, from: shard()?, to: shard()? }),
        _ => None,
    }
}

/// Service and shard of a head's subject.
pub fn parse_head(subject: &str) -> Option<(Service, Shard)> {
    let mut parts = subject.strip_prefix("hotline.head.")?.split('.');
    Some((Service::parse(parts.next()?)?, Shard::new(parts.next()?.parse().ok()?)?))
}

/// Open work of a branch, newest state of each order.
pub fn work(branch: &str) -> String {
    format!("hotline.work.{}", token(branch))
}

/// Reports that a branch sends up.
pub fn report(branch: &str) -> String {
    format!("hotline.report.{}", token(branch))
}

/// A branch code as one subject token: what NATS gives a meaning is replaced.
fn token(code: &str) -> String {
    code.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read_back() {
        let (a, b) = (Shard::new(3).unwrap(), Shard::new(15).unwrap());
        for service in Service::ALL {
            assert_eq!(Service::parse(service.name()), Some(service));
            assert_eq!(
                parse(&event(service, a, "ticket", "opened")),
                Some(Place::Event { service, shard: a })
            );
            assert_eq!(parse(&peer(service, a, b)), Some(Place::Peer { service, from: a, to: b }));
            assert_eq!(parse_head(&head(service, b)), Some((service, b)));
        }
        assert_eq!(parse("hotline.event.intake.16.a.b"), None);
        assert_eq!(parse("hotline.event.nobody.1.a.b"), None);
        assert_eq!(parse("other"), None);
    }

    #[test]
    fn a_branch_code_cannot_widen_its_subject() {
        assert_eq!(work("A1.>"), "hotline.work.A1__");
    }
}
