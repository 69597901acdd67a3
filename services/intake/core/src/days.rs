//! Days and deadlines as a branch counts them.

use calendar::{Calendar, Limit};
use jiff::{civil::Date, tz::TimeZone};
use organisation::Snapshot;
use proto::Time;

/// Where the directory names no zone.
const DEFAULT_ZONE: &str = "Asia/Shanghai";

/// The zone of a branch's wall clock.
pub fn zone(directory: &Snapshot, branch: &str) -> TimeZone {
    let named = directory
        .zone_of(branch)
        .or_else(|| directory.calendar_of(branch).map(Calendar::zone))
        .unwrap_or(DEFAULT_ZONE);
    TimeZone::get(named).unwrap_or(TimeZone::UTC)
}

/// Whether `at` is within so many days of `since`: calendar days of the branch, the day of the
/// event not counted, the last one whole.
pub fn within(directory: &Snapshot, branch: &str, since: Time, at: Time, days: u32) -> bool {
    let zone = zone(directory, branch);
    let date = |at: Time| -> Date { at.to_timestamp().to_zoned(zone.clone()).date() };
    let apart = date(at).since((jiff::Unit::Day, date(since))).map_or(i32::MAX, |span| span.get_days());
    (0..=i64::from(days)).contains(&i64::from(apart))
}

/// When a limit that starts now runs out. A branch without a calendar is never closed.
pub fn due(calendar: Option<&Calendar>, start: Time, limit: &Limit) -> Time {
    let due = calendar.and_then(|calendar| calendar.deadline(start.to_timestamp(), limit, &[]).due);
    due.map_or_else(|| start.plus(wall(limit)), Time::from)
}

fn wall(limit: &Limit) -> i64 {
    match limit {
        Limit::Wall { minutes } | Limit::WorkingTime { minutes } => i64::from(*minutes) * Time::MINUTE,
        Limit::WorkingDays { halves } => i64::from(*halves) * 12 * Time::HOUR,
        Limit::CalendarDays { days, .. } => i64::from(*days) * 24 * Time::HOUR,
        Limit::DayOfNextMonth { .. } | Limit::EndOfMonth => 31 * 24 * Time::HOUR,
        Limit::NextWeekday { .. } => 7 * 24 * Time::HOUR,
        Limit::EndOfShift | Limit::EndOfNextWorkingDay | Limit::EndOfDay | Limit::Before { .. } => {
            24 * Time::HOUR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse::<jiff::Timestamp>().expect("an instant").into()
    }

    #[test]
    fn the_last_day_counts_whole_and_the_first_not() {
        let directory = Snapshot::default();
        let within = |a, b| within(&directory, "B1", at(a), at(b), 90);
        // 1 March 10:00 in Shanghai; 90 days later is 30 May.
        assert!(within("2026-03-01T02:00:00Z", "2026-05-30T15:59:59Z"));
        assert!(!within("2026-03-01T02:00:00Z", "2026-05-30T16:00:00Z"));
        assert!(within("2026-03-01T02:00:00Z", "2026-03-01T02:00:00Z"));
        assert!(!within("2026-03-02T02:00:00Z", "2026-03-01T02:00:00Z"));
    }

    #[test]
    fn a_branch_without_calendar_is_never_closed() {
        let limit = Limit::WorkingTime { minutes: 90 };
        assert_eq!(due(None, Time(0), &limit), Time(90 * Time::MINUTE));
    }
}
