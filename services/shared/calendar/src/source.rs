//! A calendar as a person writes it: what is in the file, before inheritance is resolved.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::interval::Interval;

/// One calendar file. A branch calendar usually says little and `extends` its region's, which
/// extends the group's, which extends the statutory one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSource {
    pub id: String,
    /// Raised with every change: decisions record the version that they used.
    pub version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The calendar whose zone, week and overrides hold unless this one says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// IANA zone; inherited when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What "end of shift" means here; inherited when absent, [`Shifts::Day`] at the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shifts: Option<Shifts>,
    /// The years for which the overrides hold the published statutory holidays. Years outside
    /// are provisional: their deadlines may still move when the notice comes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statutory: Option<StatutoryYears>,
    /// Which named overrides of the parents hold here; all of them when absent. A shop that
    /// closes for Spring Festival only says `observes: [春节]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observes: Option<Vec<String>>,
    /// Opening hours by day. Days not mentioned are inherited; at the root they are closed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub week: BTreeMap<DayKey, Vec<Interval>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// A display name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    pub zh: String,
    pub en: String,
}

/// Inclusive range of years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatutoryYears {
    pub from: i16,
    pub to: i16,
}

/// What one shift is. A lunch break does not end the working day, so by default the intervals of
/// a day are one shift; where people relieve each other (00-08, 08-16, 16-24) each is its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shifts {
    #[default]
    Day,
    Interval,
}

/// A key of `week`: one day, or a group of days. The more specific key wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DayKey {
    Daily,
    /// Monday to Friday.
    Weekdays,
    /// Saturday and Sunday.
    Weekend,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Day of the week; serialised in lower case (`monday`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// A dated exception, which closes or opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OverrideFields", into = "OverrideFields")]
pub struct Override {
    pub date: Date,
    /// Last day of the exception, included; the same day when absent.
    pub until: Option<Date>,
    pub change: Change,
    /// What `observes` of a child refers to, such as 春节.
    pub name: Option<String>,
    pub note: Option<String>,
}

/// What an override does to its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Closed,
    /// Opened with hours of its own.
    Hours(Vec<Interval>),
    /// A make-up working day (调休): the hours of that weekday *of the calendar that is compiled*,
    /// so that a branch with other hours makes up with its own.
    As(Weekday),
}

/// The flat form in the file: exactly one of `closed`, `hours`, `as`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideFields {
    date: Date,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<Vec<Interval>>,
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    like: Option<Weekday>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl TryFrom<OverrideFields> for Override {
    type Error = &'static str;

    fn try_from(fields: OverrideFields) -> Result<Self, Self::Error> {
        let change = match (fields.closed, fields.hours, fields.like) {
            (true, None, None) => Change::Closed,
            (false, Some(hours), None) if !hours.is_empty() => Change::Hours(hours),
            (false, Some(_), None) => return Err("`hours` is empty; write `closed: true`"),
            (false, None, Some(day)) => Change::As(day),
            _ => return Err("say exactly one of `closed: true`, `hours: [...]`, `as: monday`"),
        };
        Ok(Self { date: fields.date, until: fields.until, change, name: fields.name, note: fields.note })
    }
}

impl From<Override> for OverrideFields {
    fn from(entry: Override) -> Self {
        let (closed, hours, like) = match entry.change {
            Change::Closed => (true, None, None),
            Change::Hours(hours) => (false, Some(hours), None),
            Change::As(day) => (false, None, Some(day)),
        };
        Self { date: entry.date, until: entry.until, closed, hours, like, name: entry.name, note: entry.note }
    }
}

impl DayKey {
    /// Whether the key speaks about this day.
    #[must_use]
    pub fn covers(self, day: Weekday) -> bool {
        let weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
        match self {
            Self::Daily => true,
            Self::Weekdays => !weekend,
            Self::Weekend => weekend,
            Self::Monday => day == Weekday::Monday,
            Self::Tuesday => day == Weekday::Tuesday,
            Self::Wednesday => day == Weekday::Wednesday,
            Self::Thursday => day == Weekday::Thursday,
            Self::Friday => day == Weekday::Friday,
            Self::Saturday => day == Weekday::Saturday,
            Self::Sunday => day == Weekday::Sunday,
        }
    }
}

impl Weekday {
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Monday is 0.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// English, lower case, as written in files and limits.
    #[must_use]
    pub fn en(self) -> &'static str {
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][self.index()]
    }

    #[must_use]
    pub fn zh(self) -> &'static str {
        ["周一", "周二", "周三", "周四", "周五", "周六", "周日"][self.index()]
    }

    /// The inverse of [`Weekday::en`].
    #[must_use]
    pub fn from_en(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.en() == text)
    }
}
