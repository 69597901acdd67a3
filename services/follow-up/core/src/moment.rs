//! When a call is made: on whose calendar, and what if there is none.

use calendar::{Calendar, CalendarSource, Limit};
use organisation::Snapshot;
use playbook::{Level, RoleAt};
use proto::Time;

/// The calendar that group staff call by.
const CALL_CENTRE: &str = "call-centre";
/// Written for a directory without any calendar: nothing is closed that nobody said is.
const ALWAYS_OPEN: &str = "id: always-open\nversion: 1\nzone: UTC\nweek:\n  daily: [\"00:00-24:00\"]\n";

/// The hours of whoever makes the call: the call centre's for a role of the group, else the
/// branch's; the next calendar up where one is missing, and always open where there is none.
pub(crate) fn hours(directory: &Snapshot, by: &RoleAt, branch: &str) -> Calendar {
    let centre = (by.level == Level::Group).then(|| directory.calendar(CALL_CENTRE)).flatten();
    centre.or_else(|| directory.calendar_of(branch)).cloned().unwrap_or_else(always_open)
}

pub(crate) fn next_open(hours: &Calendar, at: Time) -> Time {
    hours.next_open(at.to_timestamp()).into()
}

/// When a limit that starts at `at` runs out; call-backs are never suspended.
pub(crate) fn due(hours: &Calendar, at: Time, limit: &Limit) -> Time {
    hours.deadline(at.to_timestamp(), limit, &[]).due.map_or(at, Time::from)
}

/// The next try after one that failed: the limit after it, at an hour when somebody calls.
pub(crate) fn next_try(hours: &Calendar, at: Time, every: &Limit) -> Time {
    next_open(hours, due(hours, at, every))
}

fn always_open() -> Calendar {
    let source = CalendarSource::from_yaml(ALWAYS_OPEN).expect("the text above is a calendar");
    Calendar::compile(&source, &[]).expect("it is open on every day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_calendar_nothing_is_closed() {
        let by = RoleAt { role: "call-centre-agent".into(), level: Level::Group };
        let hours = hours(&Snapshot::default(), &by, "B1");
        let sunday_night = Time(1_772_326_800_000_000);
        assert_eq!(next_open(&hours, sunday_night), sunday_night);
        let limit = Limit::parse("2h").unwrap();
        assert_eq!(due(&hours, sunday_night, &limit), sunday_night.plus(2 * Time::HOUR));
    }
}
