//! The texts that are limits. English only: playbooks are written with these keywords in either
//! language; people read [`Limit::zh`] or `Display`.

use crate::interval::minute_of_day;
use crate::limit::{DayEnd, Lead, Limit};
use crate::source::Weekday;

/// Ten years: beyond it a figure is a typing error, and every sum stays inside the horizon.
const MAX_MINUTES: u32 = 10 * 366 * 24 * 60;
const MAX_DAYS: u32 = 3660;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    #[error(
        "`{0}` is not a limit; write for example 15m, 24h, 1h30m, 4 working hours, 1 working day, \
         half a working day, 7 days, 7 days until midnight, end of shift, end of day, end of month, \
         end of next working day, next monday 10:00, day 5 of next month, 5m before appointment"
    )]
    Unknown(String),
    #[error("`{0}` is zero; a limit leaves some time")]
    Zero(String),
    #[error("`{0}` is more than ten years")]
    TooLong(String),
    #[error("`{0}`: working days are counted in whole and half days")]
    Fraction(String),
    #[error("`{0}` is not a time of day; write it like 10:00")]
    Time(String),
    #[error("day {0} does not exist in any month")]
    DayOfMonth(String),
    #[error("`{0}`: before what? Write for example 5m before appointment")]
    BeforeWhat(String),
}

impl LimitError {
    /// The same for Chinese readers.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::Unknown(text) => format!(
                "“{text}”不是时限；写法如 15m、24h、1h30m、4 working hours、1 working day、half a working day、\
                 7 days、7 days until midnight、end of shift、end of day、end of month、\
                 end of next working day、next monday 10:00、day 5 of next month、5m before appointment"
            ),
            Self::Zero(text) => format!("“{text}”为零；时限必须留出时间"),
            Self::TooLong(text) => format!("“{text}”超过十年"),
            Self::Fraction(text) => format!("“{text}”：工作日只能按整天和半天计"),
            Self::Time(text) => format!("“{text}”不是时刻；写法如 10:00"),
            Self::DayOfMonth(day) => format!("任何月份都没有 {day} 日"),
            Self::BeforeWhat(text) => format!("“{text}”：在什么之前？写法如 5m before appointment"),
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Limit, LimitError> {
    let lower = text.trim().to_ascii_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.as_slice() {
        ["end", "of", "shift"] => Ok(Limit::EndOfShift),
        ["end", "of", "day"] => Ok(Limit::EndOfDay),
        ["end", "of", "month"] => Ok(Limit::EndOfMonth),
        ["end", "of", "next", "working", "day"] => Ok(Limit::EndOfNextWorkingDay),
        ["next", day, at] => next_weekday(text, day, at),
        ["day", day, "of", "next", "month"] => day_of_next_month(day, None),
        ["day", day, "of", "next", "month", at] => day_of_next_month(day, Some(at)),
        [.., "before"] => Err(LimitError::BeforeWhat(text.to_owned())),
        [lead @ .., "before", of] => before(text, lead, of),
        [rest @ .., "until", "midnight"] => match budget(text, rest)? {
            Limit::CalendarDays { days, .. } => Ok(Limit::CalendarDays { days, until: DayEnd::Midnight }),
            _ => Err(LimitError::Unknown(text.to_owned())),
        },
        words => budget(text, words),
    }
}

fn next_weekday(text: &str, day: &str, at: &str) -> Result<Limit, LimitError> {
    let weekday = Weekday::from_en(day).ok_or_else(|| LimitError::Unknown(text.to_owned()))?;
    Ok(Limit::NextWeekday { weekday, minute: time(at)? })
}

fn day_of_next_month(day: &str, at: Option<&&str>) -> Result<Limit, LimitError> {
    let number = day.parse::<u8>().ok().filter(|day| (1..=31).contains(day));
    let day = number.ok_or_else(|| LimitError::DayOfMonth(day.to_owned()))?;
    Ok(Limit::DayOfNextMonth { day, minute: at.map(|at| time(at)).transpose()? })
}

fn time(at: &str) -> Result<u16, LimitError> {
    minute_of_day(at).map_err(|_| LimitError::Time(at.to_owned()))
}

/// The fact keeps its own spelling; only the keywords are case-insensitive.
fn before(text: &str, lead: &[&str], of: &str) -> Result<Limit, LimitError> {
    let spelled = text.split_whitespace().last().filter(|word| word.eq_ignore_ascii_case(of));
    let lead = match budget(text, lead)? {
        Limit::Wall { minutes } => Lead::Wall { minutes },
        Limit::WorkingTime { minutes } => Lead::WorkingTime { minutes },
        Limit::WorkingDays { halves } => Lead::WorkingDays { halves },
        Limit::CalendarDays { days, .. } => Lead::CalendarDays { days },
        _ => return Err(LimitError::Unknown(text.to_owned())),
    };
    Ok(Limit::Before { lead, of: spelled.unwrap_or(of).to_owned() })
}

/// A number of units: `15m`, `1h30m`, `2 hours`, `4 working hours`, `1.5 working days`, `7 days`.
fn budget(text: &str, words: &[&str]) -> Result<Limit, LimitError> {
    let unknown = || LimitError::Unknown(text.to_owned());
    match words {
        ["half", "a", "working", "day"] => Ok(Limit::WorkingDays { halves: 1 }),
        [number, "working", unit] => working(text, number, unit),
        [number, "day" | "days"] => {
            let days = whole(text, number)?;
            bounded(text, days, MAX_DAYS).map(|days| Limit::CalendarDays { days, until: DayEnd::Closing })
        }
        [number, unit] => {
            let factor = minutes_per(unit).ok_or_else(unknown)?;
            let minutes = whole(text, number)?.saturating_mul(factor);
            bounded(text, minutes, MAX_MINUTES).map(|minutes| Limit::Wall { minutes })
        }
        [compact] => bounded(text, compact_minutes(compact).ok_or_else(unknown)?, MAX_MINUTES)
            .map(|minutes| Limit::Wall { minutes }),
        _ => Err(unknown()),
    }
}

fn working(text: &str, number: &str, unit: &str) -> Result<Limit, LimitError> {
    if matches!(unit, "day" | "days") {
        return bounded(text, halves(text, number)?, 2 * MAX_DAYS)
            .map(|halves| Limit::WorkingDays { halves });
    }
    let factor = minutes_per(unit).ok_or_else(|| LimitError::Unknown(text.to_owned()))?;
    let minutes = whole(text, number)?.saturating_mul(factor);
    bounded(text, minutes, MAX_MINUTES).map(|minutes| Limit::WorkingTime { minutes })
}

fn halves(text: &str, number: &str) -> Result<u32, LimitError> {
    match number.split_once('.') {
        None => Ok(whole(text, number)?.saturating_mul(2)),
        Some((days, "0")) => Ok(whole(text, days)?.saturating_mul(2)),
        Some((days, "5")) => Ok(whole(text, days)?.saturating_mul(2).saturating_add(1)),
        Some(_) => Err(LimitError::Fraction(text.to_owned())),
    }
}

fn whole(text: &str, number: &str) -> Result<u32, LimitError> {
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(LimitError::Unknown(text.to_owned()));
    }
    number.parse().map_err(|_| LimitError::TooLong(text.to_owned()))
}

fn bounded(text: &str, amount: u32, max: u32) -> Result<u32, LimitError> {
    match amount {
        0 => Err(LimitError::Zero(text.to_owned())),
        amount if amount > max => Err(LimitError::TooLong(text.to_owned())),
        amount => Ok(amount),
    }
}

fn minutes_per(unit: &str) -> Option<u32> {
    match unit {
        "m" | "min" | "minute" | "minutes" => Some(1),
        "h" | "hour" | "hours" => Some(60),
        _ => None,
    }
}

/// `24h`, `15m`, `15min`, `1h30m`.
fn compact_minutes(word: &str) -> Option<u32> {
    let split = word.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = word.split_at(split);
    let number: u32 = number.parse().ok()?;
    match rest.strip_prefix('h').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        Some(minutes) => {
            let minutes: u32 = minutes.strip_suffix('m')?.parse().ok()?;
            number.saturating_mul(60).checked_add(minutes)
        }
        None => minutes_per(rest).map(|factor| number.saturating_mul(factor)),
    }
}
