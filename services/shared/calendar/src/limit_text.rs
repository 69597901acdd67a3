//! Limits as text: canonical English, which parses back, and Chinese for readers.

use std::fmt;

use crate::interval::Clock;
use crate::limit::{DayEnd, Lead, Limit};

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wall { minutes } => wall(f, *minutes),
            Self::WorkingTime { minutes } => working_time(f, *minutes),
            Self::WorkingDays { halves } => working_days(f, *halves),
            Self::CalendarDays { days, until } => {
                calendar_days(f, *days)?;
                f.write_str(if *until == DayEnd::Midnight { " until midnight" } else { "" })
            }
            Self::EndOfShift => f.write_str("end of shift"),
            Self::EndOfNextWorkingDay => f.write_str("end of next working day"),
            Self::EndOfDay => f.write_str("end of day"),
            Self::EndOfMonth => f.write_str("end of month"),
            Self::NextWeekday { weekday, minute } => {
                write!(f, "next {} {}", weekday.en(), Clock(*minute))
            }
            Self::DayOfNextMonth { day, minute: None } => write!(f, "day {day} of next month"),
            Self::DayOfNextMonth { day, minute: Some(minute) } => {
                write!(f, "day {day} of next month {}", Clock(*minute))
            }
            Self::Before { lead, of } => write!(f, "{lead} before {of}"),
        }
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Wall { minutes } => wall(f, minutes),
            Self::WorkingTime { minutes } => working_time(f, minutes),
            Self::WorkingDays { halves } => working_days(f, halves),
            Self::CalendarDays { days } => calendar_days(f, days),
        }
    }
}

fn wall(f: &mut fmt::Formatter<'_>, minutes: u32) -> fmt::Result {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => write!(f, "{minutes}m"),
        (hours, 0) => write!(f, "{hours}h"),
        (hours, minutes) => write!(f, "{hours}h{minutes}m"),
    }
}

fn working_time(f: &mut fmt::Formatter<'_>, minutes: u32) -> fmt::Result {
    match (minutes / 60, minutes % 60) {
        (1, 0) => f.write_str("1 working hour"),
        (hours, 0) => write!(f, "{hours} working hours"),
        (0, 1) => f.write_str("1 working minute"),
        _ => write!(f, "{minutes} working minutes"),
    }
}

fn working_days(f: &mut fmt::Formatter<'_>, halves: u32) -> fmt::Result {
    match (halves / 2, halves % 2) {
        (0, _) => f.write_str("half a working day"),
        (1, 0) => f.write_str("1 working day"),
        (days, 0) => write!(f, "{days} working days"),
        (days, _) => write!(f, "{days}.5 working days"),
    }
}

fn calendar_days(f: &mut fmt::Formatter<'_>, days: u32) -> fmt::Result {
    write!(f, "{days} {}", if days == 1 { "day" } else { "days" })
}

pub(crate) fn zh(limit: &Limit) -> String {
    match limit {
        Limit::Wall { minutes } => wall_zh(*minutes),
        Limit::WorkingTime { minutes } => working_time_zh(*minutes),
        Limit::WorkingDays { halves } => working_days_zh(*halves),
        Limit::CalendarDays { days, until: DayEnd::Closing } => format!("{days}天"),
        Limit::CalendarDays { days, until: DayEnd::Midnight } => format!("{days}天（至24:00）"),
        Limit::EndOfShift => "当班结束前".to_owned(),
        Limit::EndOfNextWorkingDay => "下一个工作日下班前".to_owned(),
        Limit::EndOfDay => "当日24:00前".to_owned(),
        Limit::EndOfMonth => "当月底前".to_owned(),
        Limit::NextWeekday { weekday, minute } => {
            format!("下一个{}{}前", weekday.zh(), Clock(*minute))
        }
        Limit::DayOfNextMonth { day, minute: None } => format!("次月{day}日下班前"),
        Limit::DayOfNextMonth { day, minute: Some(minute) } => format!("次月{day}日{}前", Clock(*minute)),
        Limit::Before { lead, of } => format!("{of}前{}", lead_zh(*lead)),
    }
}

fn lead_zh(lead: Lead) -> String {
    match lead {
        Lead::Wall { minutes } => wall_zh(minutes),
        Lead::WorkingTime { minutes } => working_time_zh(minutes),
        Lead::WorkingDays { halves } => working_days_zh(halves),
        Lead::CalendarDays { days } => format!("{days}天"),
    }
}

fn wall_zh(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}分钟"),
        (hours, 0) => format!("{hours}小时"),
        (hours, minutes) => format!("{hours}小时{minutes}分钟"),
    }
}

fn working_time_zh(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (hours, 0) => format!("{hours}个工作小时"),
        _ => format!("工作时间{}", wall_zh(minutes)),
    }
}

fn working_days_zh(halves: u32) -> String {
    match (halves / 2, halves % 2) {
        (0, _) => "半个工作日".to_owned(),
        (days, 0) => format!("{days}个工作日"),
        (days, _) => format!("{days}个半工作日"),
    }
}
