//! Opening hours of one day: `08:30-12:00`, `22:00-06:00`, `00:00-24:00`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const DAY: u16 = 24 * 60;

/// From opening to closing, in minutes after midnight of the day on which the shift begins.
/// An end at or before the start lies on the next day, so `to` goes up to 48 h.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    from: u16,
    to: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntervalError {
    #[error("`{0}` is not an interval; write it like 08:30-12:00 or 22:00-06:00")]
    Shape(String),
    #[error("`{0}` is not a time of day between 00:00 and 24:00")]
    Time(String),
    #[error("`{0}` begins and ends at the same time; a whole day is 00:00-24:00")]
    Empty(String),
}

impl Interval {
    /// Minutes after midnight at which it opens, below 1440.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.from
    }

    /// Minutes after the same midnight at which it closes, at most 2880.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.to
    }
}

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || IntervalError::Shape(text.to_owned());
        let (from, to) = text.split_once(['-', '–']).ok_or_else(shape)?;
        let (from, to) = (minute_of_day(from)?, minute_of_day(to)?);
        if from == DAY {
            return Err(IntervalError::Time("24:00".to_owned()));
        }
        match to {
            to if to == from => Err(IntervalError::Empty(text.to_owned())),
            to if to < from => Ok(Self { from, to: to + DAY }),
            to => Ok(Self { from, to }),
        }
    }
}

/// Minutes of `HH:MM`, with 24:00 allowed.
pub(crate) fn minute_of_day(text: &str) -> Result<u16, IntervalError> {
    let bad = || IntervalError::Time(text.trim().to_owned());
    let (hours, minutes) = text.trim().split_once(':').ok_or_else(bad)?;
    let number = |part: &str| {
        let digits = part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok()).flatten()
    };
    let (hours, minutes) = (number(hours).ok_or_else(bad)?, number(minutes).ok_or_else(bad)?);
    let total = hours * 60 + minutes;
    if minutes > 59 || total > DAY { Err(bad()) } else { Ok(total) }
}

/// `HH:MM` of minutes after midnight.
pub(crate) struct Clock(pub u16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{}-{}", Clock(self.from), Clock(to))
    }
}

impl TryFrom<String> for Interval {
    type Error = IntervalError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}
