//! Ids that carry their home. Every aggregate lives at the hash of its own
//! key; ten bits of that hash ride in each id, and name one of sixteen shards.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::time::Time;

/// In every deployment, a laptop too; never re-sharded.
pub const SHARDS: u16 = 16;
/// Ten bits.
pub const BUCKETS: u16 = 1024;

/// One of [`SHARDS`] parts of a service's aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shard(u16);

impl Shard {
    /// `None` from [`SHARDS`] on.
    pub fn new(number: u16) -> Option<Shard> {
        (number < SHARDS).then_some(Shard(number))
    }

    pub fn all() -> impl Iterator<Item = Shard> {
        (0..SHARDS).map(Shard)
    }

    pub fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Ten bits of the hash of an aggregate's own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(u16);

impl Bucket {
    /// Of a hash of the key: uniformly spread input expected.
    pub fn of_hash(hash: u64) -> Bucket {
        Bucket((hash % u64::from(BUCKETS)) as u16)
    }

    /// A bucket that lives in this shard (ids of things without a key of their own).
    pub fn first_of(shard: Shard) -> Bucket {
        Bucket(shard.0 * (BUCKETS / SHARDS))
    }

    pub fn number(self) -> u16 {
        self.0
    }

    pub fn shard(self) -> Shard {
        Shard(self.0 / (BUCKETS / SHARDS))
    }
}

/// An id: a UUIDv7 whose `rand_a` begins with the bucket, or a UUIDv8 made
/// from a code (a branch, an asset) with the bucket in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Uuid);

/// Text that is not one of our ids.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not an id (a UUID of version 7 or 8 is expected)")]
pub struct BadId(pub String);

impl Id {
    /// Mints an id. The caller brings time and entropy, so that a replay of
    /// the same step mints the same id.
    pub fn mint(at: Time, bucket: Bucket, entropy: [u8; 9]) -> Id {
        let mut bytes = [0; 16];
        let millis = at.millis().max(0) as u64;
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[7..].copy_from_slice(&entropy);
        Id(Uuid::from_bytes(stamp(bytes, 7, bucket)))
    }

    /// The id of something that has a code of its own. Same hash, same id.
    pub fn of_hash(hash: [u8; 16], bucket: Bucket) -> Id {
        Id(Uuid::from_bytes(stamp(hash, 8, bucket)))
    }

    pub fn bucket(self) -> Bucket {
        let bytes = self.0.as_bytes();
        Bucket((u16::from(bytes[6] & 0x0f) << 6) | u16::from(bytes[7] >> 2))
    }

    pub fn shard(self) -> Shard {
        self.bucket().shard()
    }

    pub fn uuid(self) -> Uuid {
        self.0
    }

    pub fn from_uuid(uuid: Uuid) -> Result<Id, BadId> {
        match uuid.get_version_num() {
            7 | 8 => Ok(Id(uuid)),
            _ => Err(BadId(uuid.to_string())),
        }
    }
}

fn stamp(mut bytes: [u8; 16], version: u8, bucket: Bucket) -> [u8; 16] {
    bytes[6] = (version << 4) | (bucket.0 >> 6) as u8;
    bytes[7] = ((bucket.0 & 0x3f) << 2) as u8 | (bytes[7] & 0x03);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    bytes
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(text).map_err(|_| BadId(text.to_owned()))?;
        Id::from_uuid(uuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_bucket_and_shard() {
        for bucket in 0..BUCKETS {
            let id = Id::mint(Time(1_700_000_000_000_000), Bucket(bucket), [0xff; 9]);
            assert_eq!(id.bucket(), Bucket(bucket));
            assert_eq!(id.shard().number(), bucket / 64);
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(Id::of_hash([0xff; 16], Bucket(bucket)).bucket(), Bucket(bucket));
        }
    }

    #[test]
    fn a_random_uuid_is_refused() {
        let text = "6fa459ea-ee8a-4ca4-894e-db77e160355e";
        assert_eq!(text.parse::<Id>(), Err(BadId(text.into())));
        assert!("no uuid".parse::<Id>().is_err());
    }

    #[test]
    fn every_shard_has_as_many_buckets() {
        let mut count = [0; SHARDS as usize];
        (0..BUCKETS).for_each(|b| count[usize::from(Bucket(b).shard().number())] += 1);
        assert!(count.iter().all(|n| *n == BUCKETS / SHARDS));
    }
}
