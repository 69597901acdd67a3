//! How long something may take, as a playbook says it. Serialised as its canonical text.

use serde::{Deserialize, Serialize};

use crate::limit_parse::LimitError;
use crate::source::Weekday;

/// A limit: a budget of time, or a cut-off. Parse with [`Limit::parse`]; `Display` gives the
/// canonical text, which parses back to the same limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Limit {
    /// `15m`, `24h`: minutes that pass for everybody, open or not. Where the clocks are changed,
    /// 24 h stay 24 h, though the clock face then shows another hour.
    Wall { minutes: u32 },
    /// `4 working hours`: minutes in which the branch is open.
    WorkingTime { minutes: u32 },
    /// `1 working day`, `half a working day`: counted in half days. N whole days end at the same
    /// time of day N working days later; a half is half the open time of the day it falls on.
    /// A start outside opening hours counts from the next opening.
    WorkingDays { halves: u32 },
    /// `7 days`: the day of the event is not counted.
    CalendarDays { days: u32, until: DayEnd },
    /// `end of shift`: of the one it started in, else of the next.
    EndOfShift,
    /// `end of next working day`: closing time of the first working day after today.
    EndOfNextWorkingDay,
    /// `end of day`: 24:00 of the same day, open or not.
    EndOfDay,
    /// `end of month`: 24:00 of the month's last day, also if that is today.
    EndOfMonth,
    /// `next monday 10:00`: the first one after the start, possibly later the same day; when that
    /// day is closed, the same time on the next working day.
    NextWeekday { weekday: Weekday, minute: u16 },
    /// `day 5 of next month`: to closing time, or to the time given; a month that is too short
    /// gives its last day, a closed day the next open one.
    DayOfNextMonth { day: u8, minute: Option<u16> },
    /// `5m before appointment`: counted back from the instant of that fact, which is passed as
    /// the start.
    Before { lead: Lead, of: String },
}

/// Where the last calendar day ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DayEnd {
    /// The branch's closing time.
    #[default]
    Closing,
    /// 24:00, where the day is the customer's right: `7 days until midnight`.
    Midnight,
}

/// How long before a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lead {
    Wall {
        minutes: u32,
    },
    WorkingTime {
        minutes: u32,
    },
    /// Same time of day that many working days earlier.
    WorkingDays {
        halves: u32,
    },
    /// Closing time of the day that many days earlier; a closed day moves to the open one before.
    CalendarDays {
        days: u32,
    },
}

impl Limit {
    /// Reads a limit as written in a playbook.
    ///
    /// # Errors
    /// Says which texts are understood, or what is out of range.
    pub fn parse(text: &str) -> Result<Self, LimitError> {
        crate::limit_parse::parse(text)
    }

    /// Chinese text for people, such as `4个工作小时`.
    #[must_use]
    pub fn zh(&self) -> String {
        crate::limit_text::zh(self)
    }

    /// The budget enlarged by an extension of the same kind; `None` where the two do not add up,
    /// such as a cut-off: then the extension counts from the old due instant.
    #[must_use]
    pub fn plus(&self, extension: &Self) -> Option<Self> {
        match (self, extension) {
            (Self::Wall { minutes: a }, Self::Wall { minutes: b }) => {
                Some(Self::Wall { minutes: a.saturating_add(*b) })
            }
            (Self::WorkingTime { minutes: a }, Self::WorkingTime { minutes: b }) => {
                Some(Self::WorkingTime { minutes: a.saturating_add(*b) })
            }
            (Self::WorkingDays { halves: a }, Self::WorkingDays { halves: b }) => {
                Some(Self::WorkingDays { halves: a.saturating_add(*b) })
            }
            (Self::CalendarDays { days: a, until }, Self::CalendarDays { days: b, .. }) => {
                Some(Self::CalendarDays { days: a.saturating_add(*b), until: *until })
            }
            _ => None,
        }
    }

    /// Whether the limit is a point in time that is taken anew after a pause, rather than a
    /// budget that is used up.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        match self {
            Self::Wall { .. }
            | Self::WorkingTime { .. }
            | Self::WorkingDays { .. }
            | Self::CalendarDays { .. }
            | Self::Before { .. } => false,
            Self::EndOfShift
            | Self::EndOfNextWorkingDay
            | Self::EndOfDay
            | Self::EndOfMonth
            | Self::NextWeekday { .. }
            | Self::DayOfNextMonth { .. } => true,
        }
    }
}

impl TryFrom<String> for Limit {
    type Error = LimitError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}
