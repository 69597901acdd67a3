//! Every limit that would give one row's target.

use calendar::{Calendar, DayEnd, Limit};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Given;

/// A limit beyond this was not meant as one.
const LONGEST_DAYS: i64 = 3_700;
/// A closed last day moves to the next open one: so many days before the target's may have been meant.
const LONGEST_CLOSURE: i64 = 10;

/// The limits that fit, the plainest first: of two that explain the same rows, the first one is taken.
pub(super) fn fitting(calendar: &Calendar, zone: &TimeZone, row: &Given) -> Vec<Limit> {
    let span = row.target.duration_since(row.opened);
    if span.is_negative() || span.as_hours() / 24 > LONGEST_DAYS {
        return Vec::new();
    }
    let mut tried: Vec<Limit> = working_days(calendar, zone, row);
    tried.extend(wall(span.as_secs()));
    tried.extend([Limit::EndOfShift, Limit::EndOfNextWorkingDay, Limit::EndOfDay, Limit::EndOfMonth]);
    tried.extend(calendar_days(zone, row));
    tried.extend(working_time(calendar, row));
    tried.retain(|limit| row.fits(calendar, limit));
    tried
}

fn date(zone: &TimeZone, at: Timestamp) -> Date {
    zone.to_datetime(at).date()
}

fn working_days(calendar: &Calendar, zone: &TimeZone, row: &Given) -> Vec<Limit> {
    let mut day = date(zone, calendar.next_open(row.opened));
    let last = date(zone, row.target);
    let mut days = 0_u32;
    while day < last {
        let Ok(next) = day.tomorrow() else { return Vec::new() };
        day = next;
        days += u32::from(!calendar.hours(day).is_empty());
    }
    // A night shift's hours belong to the day before: one more and one less are tried, too.
    let tried = [days, days + 1, days.saturating_sub(1)];
    tried.iter().filter(|days| **days > 0).map(|days| Limit::WorkingDays { halves: days * 2 }).collect()
}

/// A whole number of hours where the difference is one but for rounding, else the minutes.
fn wall(seconds: i64) -> Option<Limit> {
    let minutes = snapped(seconds)?;
    Some(Limit::Wall { minutes })
}

fn working_time(calendar: &Calendar, row: &Given) -> Option<Limit> {
    let minutes = snapped(calendar.working_between(row.opened, row.target).as_secs())?;
    Some(Limit::WorkingTime { minutes })
}

fn snapped(seconds: i64) -> Option<u32> {
    let minutes = (seconds + 30) / 60;
    let hours = (minutes + 30) / 60 * 60;
    let minutes = if (hours - minutes).abs() <= super::TOLERANCE / 60 { hours } else { minutes };
    u32::try_from(minutes).ok().filter(|minutes| *minutes > 0)
}

fn calendar_days(zone: &TimeZone, row: &Given) -> Vec<Limit> {
    let days = (date(zone, row.target) - date(zone, row.opened)).get_days();
    let mut tried = Vec::new();
    for until in [DayEnd::Closing, DayEnd::Midnight] {
        // Midnight is the first instant of the day after.
        let last = i64::from(days) - i64::from(until == DayEnd::Midnight);
        let meant = (last - LONGEST_CLOSURE).max(1)..=last;
        tried.extend(
            meant
                .rev()
                .filter_map(|days| u32::try_from(days).ok().map(|days| Limit::CalendarDays { days, until })),
        );
    }
    tried
}

#[cfg(test)]
mod tests {
    use calendar::CalendarSource;

    use super::*;

    fn desk() -> Calendar {
        let text = "{id: desk, version: 1, zone: UTC, week: {weekdays: ['08:30-17:00']}, overrides: [{date: 2015-01-19, closed: true}]}";
        Calendar::compile(&CalendarSource::from_yaml(text).expect("readable"), &[]).expect("sound")
    }

    fn limits(opened: &str, target: &str) -> Vec<String> {
        let at = |text: &str| format!("{text}:00Z").parse().expect("an instant");
        let row =
            Given { line: 2, kind: "k".into(), queue: String::new(), opened: at(opened), target: at(target) };
        fitting(&desk(), &TimeZone::UTC, &row).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_kind_of_limit_is_found_by_what_it_gives() {
        assert_eq!(limits("2015-01-14T10:00", "2015-01-21T10:00")[0], "4 working days", "over a holiday");
        assert_eq!(
            limits("2015-01-17T10:00", "2015-01-21T08:30")[0],
            "1 working day",
            "from the next opening"
        );
        assert_eq!(limits("2015-01-17T10:07", "2015-01-20T10:08")[0], "72h", "rounded by the recorder");
        assert!(limits("2015-01-14T10:07", "2015-01-22T17:00").contains(&"8 days".to_owned()));
        assert!(limits("2015-01-14T10:07", "2015-01-14T17:00").contains(&"end of shift".to_owned()));
        assert!(limits("2015-01-14T10:07", "2015-01-14T14:07").contains(&"4 working hours".to_owned()));
        assert!(limits("2015-01-14T10:07", "2015-01-13T10:07").is_empty(), "a target before the request");
    }
}
