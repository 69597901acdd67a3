//! Instants as all contracts and cores carry them: microseconds UTC.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01 UTC. Business time, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// "Not set" in messages.
    pub const UNSET: Time = Time(0);
    pub const SECOND: i64 = 1_000_000;
    pub const MINUTE: i64 = 60 * Self::SECOND;
    pub const HOUR: i64 = 60 * Self::MINUTE;

    pub fn plus(self, micros: i64) -> Time {
        Time(self.0.saturating_add(micros))
    }

    /// `None` for 0, which messages use for "not set".
    pub fn set(self) -> Option<Time> {
        (self.0 != 0).then_some(self)
    }

    pub fn millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Instants outside of jiff's range (years -9999 to 9999) are clamped.
    pub fn to_timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(at: jiff::Timestamp) -> Self {
        Time(at.as_microsecond())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_timestamp())
    }
}
