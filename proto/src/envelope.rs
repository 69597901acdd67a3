//! The headers of an event: CloudEvents 1.0 in binary mode, plus what readers
//! need to place the entry without opening it. `ce-sequence` (epoch.seq)
//! identifies an event for everybody.

use thiserror::Error;

use crate::{Service, Shard, Time, common};

pub const ID: &str = "ce-id";
pub const TYPE: &str = "ce-type";
pub const SOURCE: &str = "ce-source";
pub const TIME: &str = "ce-time";
pub const SUBJECT: &str = "ce-subject";
pub const SPEC_VERSION: &str = "ce-specversion";
pub const SEQUENCE: &str = "ce-sequence";
pub const CONTENT_TYPE: &str = "content-type";
pub const TRACEPARENT: &str = "traceparent";
pub const BRANCH: &str = "hotline-branch";
pub const ACTOR: &str = "hotline-actor";
pub const CAUSE: &str = "hotline-cause";
pub const HOPS: &str = "hotline-hops";
pub const HASH: &str = "hotline-hash";
pub const DIRECTORY: &str = "hotline-directory-seq";
pub const RECORDED_AT: &str = "hotline-recorded-at";
pub const OCCURRED_AT: &str = "hotline-occurred-at";
/// On peer entries: the gapless number of the pair (from shard, to shard).
pub const PAIR: &str = "hotline-pair-seq";
/// gRPC metadata that carries a command's position back.
pub const POSITION: &str = "hotline-position";

pub const PROTOBUF: &str = "application/protobuf";

/// Where an entry stands: unique for everybody, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position {
    pub service: Service,
    pub shard: Shard,
    pub epoch: u32,
    pub seq: u64,
}

/// A text that is not a position.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a position (`intake/3/1.455` is one)")]
pub struct BadPosition(pub String);

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}.{}", self.service, self.shard, self.epoch, self.seq)
    }
}

impl std::str::FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (service, rest) = text.split_once('/')?;
            let (shard, rest) = rest.split_once('/')?;
            let (epoch, seq) = rest.split_once('.')?;
            Some(Position {
                service: Service::parse(service)?,
                shard: Shard::new(shard.parse().ok()?)?,
                epoch: epoch.parse().ok()?,
                seq: seq.parse().ok()?,
            })
        };
        parse().ok_or_else(|| BadPosition(text.to_owned()))
    }
}

impl From<Position> for common::v1::Position {
    fn from(at: Position) -> Self {
        common::v1::Position {
            service: at.service.name().to_owned(),
            shard: u32::from(at.shard.number()),
            epoch: at.epoch,
            seq: at.seq,
        }
    }
}

impl TryFrom<&common::v1::Position> for Position {
    type Error = BadPosition;

    fn try_from(at: &common::v1::Position) -> Result<Self, Self::Error> {
        format!("{}/{}/{}.{}", at.service, at.shard, at.epoch, at.seq).parse()
    }
}

/// `ce-time`: RFC 3339.
pub fn rfc3339(at: Time) -> String {
    at.to_timestamp().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_back() {
        let at: Position = "sla-watchdog/7/2.10".parse().unwrap();
        assert_eq!((at.shard.number(), at.epoch, at.seq), (7, 2, 10));
        assert_eq!(at.to_string(), "sla-watchdog/7/2.10");
        assert_eq!(Position::try_from(&common::v1::Position::from(at)), Ok(at));
        for bad in ["", "intake", "intake/99/1.1", "intake/1/1", "x/1/1.1"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }
}
