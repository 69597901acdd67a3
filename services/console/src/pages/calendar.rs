//! The year of a calendar: open days, closed days, and those that a holiday moved.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use calendar::{Calendar, FIRST_YEAR, LAST_YEAR};
use jiff::civil::{Date, Weekday};
use serde::Deserialize;

use crate::{
    frame::Frame,
    names,
    pages::{Shown, render},
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/calendar", get(page))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    id: String,
    year: i16,
}

struct Day {
    number: i8,
    shut: bool,
    moved: bool,
    hours: String,
}

struct Month {
    name: String,
    weeks: Vec<Vec<Option<Day>>>,
}

struct Offered {
    code: String,
    name: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "calendar.html")]
struct Page {
    f: Frame,
    calendars: Vec<Offered>,
    id: String,
    year: i16,
    provisional: bool,
    months: Vec<Month>,
    zone: String,
    open_days: usize,
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let snapshot = &visitor.known.snapshot;
    let mut ids: Vec<String> = snapshot.nodes().filter_map(|node| node.calendar.clone()).collect();
    ids.sort();
    ids.dedup();
    let own = visitor.roles().find_map(|(_, node)| snapshot.calendar_of(node)).map(|one| one.id().to_owned());
    let id = if wanted.id.is_empty() { own.or(ids.first().cloned()).unwrap_or_default() } else { wanted.id };
    let calendar = snapshot.calendar(&id).ok_or(Trouble::Missing)?;
    let zone = jiff::tz::TimeZone::get(names::USUAL_ZONE).unwrap_or(jiff::tz::TimeZone::UTC);
    let this = visitor.now.to_timestamp().to_zoned(zone).year();
    let year = if wanted.year == 0 { this } else { wanted.year };
    if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
        return Err(Trouble::Missing);
    }
    let months: Vec<Month> = (1..=12).filter_map(|month| month_of(calendar, year, month, &visitor)).collect();
    let days = months.iter().flat_map(|month| month.weeks.iter().flatten().flatten());
    let open_days = days.filter(|day| !day.shut).count();
    let page = Page {
        calendars: ids
            .into_iter()
            .map(|code| Offered { chosen: code == id, name: code.clone(), code })
            .collect(),
        provisional: calendar.is_provisional(year),
        zone: calendar.zone().to_owned(),
        f: visitor.frame("/calendar", visitor.say("日历", "Calendar")),
        open_days,
        months,
        year,
        id,
    };
    render(&page)
}

fn month_of(calendar: &Calendar, year: i16, month: i8, visitor: &Visitor) -> Option<Month> {
    let first = Date::new(year, month, 1).ok()?;
    let mut weeks = vec![Vec::new()];
    weeks[0].extend((0..first.weekday().to_monday_zero_offset()).map(|_| None));
    for number in 1..=first.days_in_month() {
        let date = Date::new(year, month, number).ok()?;
        if weeks.last().is_some_and(|week: &Vec<_>| week.len() == 7) {
            weeks.push(Vec::new());
        }
        weeks.last_mut()?.push(Some(day(calendar, date)));
    }
    let english = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = if visitor.tongue.is_english() {
        english[usize::try_from(month - 1).unwrap_or_default()].to_owned()
    } else {
        format!("{month} 月")
    };
    Some(Month { name, weeks })
}

fn day(calendar: &Calendar, date: Date) -> Day {
    let hours = calendar.hours(date);
    let is_weekend = matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday);
    let usual = |weekday: Weekday| {
        // The nearest weeks say what is usual for this day of the week.
        let around = [-21, -14, 14, 21].into_iter().filter_map(|days| {
            date.checked_add(jiff::Span::new().days(days)).ok().filter(|other| other.weekday() == weekday)
        });
        around.filter(|other| !calendar.hours(*other).is_empty()).count() >= 2
    };
    Day {
        number: date.day(),
        shut: hours.is_empty(),
        moved: if is_weekend {
            usual(date.weekday()) == hours.is_empty()
        } else {
            hours.is_empty() && usual(date.weekday())
        },
        hours: hours.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}
