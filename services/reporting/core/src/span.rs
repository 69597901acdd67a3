//! The period of a report: a day, an ISO week or a calendar month, in the zone
//! of the group.

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use organisation::Snapshot;
use playbook::report::Period;
use proto::Time;
use thiserror::Error;

/// Where the directory says nothing.
const HOME_ZONE: &str = "Asia/Shanghai";

/// From (included) to (excluded).
#[derive(Clone, Debug)]
pub struct Span {
    /// `2026-W47`, `2026-11`, `2026-11-21`
    pub label: String,
    pub period: Period,
    pub from: Time,
    pub to: Time,
    pub(crate) zone: TimeZone,
}

#[derive(Debug, Error)]
pub enum BadSpan {
    #[error("there is no period `{0}`; there are daily, weekly and monthly")]
    Period(String),
    #[error("{0} is not a time zone")]
    Zone(String),
    #[error("the period of {0} cannot be computed")]
    OutOfRange(Time),
    #[error("{from} to {to} is no span: the end comes after the beginning")]
    Backwards { from: Time, to: Time },
}

impl BadSpan {
    /// The same for Chinese readers.
    pub fn zh(&self) -> String {
        match self {
            BadSpan::Period(text) => format!("没有“{text}”这种期间；可用：daily、weekly、monthly。"),
            BadSpan::Zone(zone) => format!("{zone} 不是时区。"),
            BadSpan::OutOfRange(at) => format!("无法计算 {at} 所在的期间。"),
            BadSpan::Backwards { from, to } => format!("{from} 至 {to} 不成期间：终点须在起点之后。"),
        }
    }
}

impl Span {
    /// The period in which an instant lies.
    ///
    /// # Errors
    /// An unknown zone, or an instant at the end of time.
    pub fn around(period: Period, at: Time, zone: &str) -> Result<Span, BadSpan> {
        let tz = TimeZone::get(zone).map_err(|_| BadSpan::Zone(zone.to_owned()))?;
        let out_of_range = |_: jiff::Error| BadSpan::OutOfRange(at);
        let day = at.to_timestamp().to_zoned(tz.clone()).date();
        let (label, first, next) = bounds(period, day).map_err(out_of_range)?;
        let start = |date: Date| date.to_zoned(tz.clone()).map(|zoned| Time::from(zoned.timestamp()));
        Ok(Span {
            label,
            period,
            from: start(first).map_err(out_of_range)?,
            to: start(next).map_err(out_of_range)?,
            zone: tz,
        })
    }

    /// Any span, for questions that no report asks; columns of time are written in this zone.
    ///
    /// # Errors
    /// An unknown zone, an end that is not after the beginning, or an instant at the end of time.
    pub fn between(from: Time, to: Time, zone: &str) -> Result<Span, BadSpan> {
        if from >= to {
            return Err(BadSpan::Backwards { from, to });
        }
        let around = Span::around(Period::Monthly, to.plus(-1), zone)?;
        let label = format!("{}/{}", around.local(from), around.local(to));
        Ok(Span { label, from, to, ..around })
    }

    pub fn contains(&self, at: Time) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// `weekly` and the like, as in contracts and playbooks.
    pub fn parse_period(text: &str) -> Result<Period, BadSpan> {
        match text {
            "daily" => Ok(Period::Daily),
            "weekly" => Ok(Period::Weekly),
            "monthly" => Ok(Period::Monthly),
            other => Err(BadSpan::Period(other.to_owned())),
        }
    }

    /// Local time to the minute, as people write it.
    pub(crate) fn local(&self, at: Time) -> String {
        at.to_timestamp().to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

fn bounds(period: Period, day: Date) -> Result<(String, Date, Date), jiff::Error> {
    Ok(match period {
        Period::Daily => (day.to_string(), day, day.tomorrow()?),
        Period::Weekly => {
            let week = day.iso_week_date();
            let first = day.checked_sub(i64::from(day.weekday().to_monday_zero_offset()).days())?;
            (format!("{}-W{:02}", week.year(), week.week()), first, first.checked_add(7.days())?)
        }
        Period::Monthly => {
            let first = day.first_of_month();
            (format!("{}-{:02}", first.year(), first.month()), first, first.checked_add(1.month())?)
        }
    })
}

/// The zone of the group: that of the root node.
pub fn zone_of(directory: &Snapshot) -> String {
    let root = directory.nodes().find(|node| node.parent.is_none());
    root.and_then(|root| root.zone.clone()).unwrap_or_else(|| HOME_ZONE.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    fn span(period: Period, instant: &str, zone: &str) -> (String, String, String) {
        let span = Span::around(period, at(instant), zone).unwrap();
        (span.label, span.from.to_string(), span.to.to_string())
    }

    #[test]
    fn a_week_is_the_iso_week_of_the_zone() {
        let week = span(Period::Weekly, "2026-03-01T15:59:59Z", "Asia/Shanghai");
        assert_eq!(week, ("2026-W09".into(), "2026-02-22T16:00:00Z".into(), "2026-03-01T16:00:00Z".into()));
        let next = span(Period::Weekly, "2026-03-01T16:00:00Z", "Asia/Shanghai");
        assert_eq!(next.0, "2026-W10");
    }

    #[test]
    fn the_first_days_of_a_year_may_belong_to_the_last_week_of_the_old_one() {
        assert_eq!(span(Period::Weekly, "2027-01-02T00:00:00Z", "UTC").0, "2026-W53");
    }

    #[test]
    fn a_month_is_the_calendar_month_across_a_change_of_the_clocks() {
        let month = span(Period::Monthly, "2026-03-15T00:00:00Z", "Europe/Berlin");
        assert_eq!(month, ("2026-03".into(), "2026-02-28T23:00:00Z".into(), "2026-03-31T22:00:00Z".into()));
        assert_eq!(span(Period::Monthly, "2026-12-31T20:00:00Z", "Asia/Shanghai").0, "2027-01");
    }

    #[test]
    fn an_unknown_zone_or_period_is_refused() {
        assert!(matches!(Span::around(Period::Daily, Time(1), "Mars/Base"), Err(BadSpan::Zone(_))));
        assert!(matches!(Span::parse_period("yearly"), Err(BadSpan::Period(_))));
    }
}
