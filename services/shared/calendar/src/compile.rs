//! Resolves inheritance into the rules of one calendar, reporting every problem at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::calendar::{CalendarVersion, FIRST_YEAR, LAST_YEAR};
use crate::error::CalendarError;
use crate::interval::Interval;
use crate::source::{CalendarSource, Change, DayKey, Shifts, StatutoryYears, Weekday};
use crate::year::{date_of, day_of, weekday_of, year_days, year_of_day};

/// What holds after inheritance: which hours a day has.
#[derive(Debug)]
pub(crate) struct Rules {
    pub zone: TimeZone,
    pub shifts: Shifts,
    pub statutory: Option<StatutoryYears>,
    week: [Vec<Interval>; 7],
    /// Sorted by day number.
    exceptions: Vec<(i64, Hours)>,
}

#[derive(Debug)]
enum Hours {
    Closed,
    Own(Vec<Interval>),
    As(Weekday),
}

impl Rules {
    /// The intervals of the shifts that begin on that day, in order; empty when closed.
    pub fn hours(&self, day: i64) -> &[Interval] {
        match self.exceptions.binary_search_by_key(&day, |(day, _)| *day) {
            Err(_) => &self.week[weekday_of(day)],
            Ok(at) => match &self.exceptions[at].1 {
                Hours::Closed => &[],
                Hours::Own(hours) => hours,
                Hours::As(weekday) => &self.week[weekday.index()],
            },
        }
    }
}

/// The chain from the calendar itself to its root.
pub(crate) fn resolve(
    source: &CalendarSource,
    parents: &[CalendarSource],
) -> Result<(CalendarVersion, Rules), Vec<CalendarError>> {
    let mut problems = Vec::new();
    let chain = chain(source, parents, &mut problems);
    for link in &chain {
        check_alone(link, &mut problems);
    }
    let zone = zone(&chain, &mut problems);
    let exceptions = exceptions(&chain, &mut problems);
    let rules = Rules {
        zone: zone.unwrap_or(TimeZone::UTC),
        shifts: chain.iter().find_map(|link| link.shifts).unwrap_or_default(),
        statutory: chain.iter().find_map(|link| link.statutory),
        week: week(&chain),
        exceptions,
    };
    if problems.is_empty() {
        check_years(&source.id, &rules, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let lineage = chain.iter().map(|link| (link.id.clone(), link.version)).collect();
    Ok((CalendarVersion { lineage }, rules))
}

fn chain<'a>(
    source: &'a CalendarSource,
    parents: &'a [CalendarSource],
    problems: &mut Vec<CalendarError>,
) -> Vec<&'a CalendarSource> {
    let mut chain = vec![source];
    let mut link = source;
    while let Some(wanted) = &link.extends {
        if chain.iter().any(|seen| seen.id == *wanted) {
            problems.push(CalendarError::Cycle { calendar: wanted.clone(), through: link.id.clone() });
            break;
        }
        let Some(parent) = parents.iter().find(|parent| parent.id == *wanted) else {
            problems.push(CalendarError::UnknownParent { calendar: link.id.clone(), parent: wanted.clone() });
            break;
        };
        chain.push(parent);
        link = parent;
    }
    chain
}

/// What can be wrong with one source whatever it inherits.
fn check_alone(source: &CalendarSource, problems: &mut Vec<CalendarError>) {
    let calendar = || source.id.clone();
    if source.id.trim().is_empty() {
        problems.push(CalendarError::NoId);
    }
    if let Some(StatutoryYears { from, to }) = source.statutory.filter(|years| years.from > years.to) {
        problems.push(CalendarError::StatutoryYears { calendar: calendar(), from, to });
    }
    if source.observes.is_some() && source.extends.is_none() {
        problems.push(CalendarError::ObservesNothing { calendar: calendar() });
    }
    for (key, hours) in &source.week {
        check_overlap(source, &key.to_string(), hours, problems);
    }
    let mut seen = BTreeSet::new();
    for entry in &source.overrides {
        let until = entry.until.unwrap_or(entry.date);
        if until < entry.date {
            problems.push(CalendarError::EmptyRange { calendar: calendar(), from: entry.date, until });
        }
        for date in [entry.date, until] {
            if !(FIRST_YEAR..=LAST_YEAR).contains(&date.year()) {
                problems.push(CalendarError::OutsideHorizon { calendar: calendar(), date });
                return;
            }
        }
        if let Some(day) = (day_of(entry.date)..=day_of(until)).find(|day| !seen.insert(*day)) {
            problems.push(CalendarError::DuplicateOverride { calendar: calendar(), date: date_of(day) });
        }
        if let Change::Hours(hours) = &entry.change {
            check_overlap(source, &entry.date.to_string(), hours, problems);
        }
    }
}

fn check_overlap(source: &CalendarSource, day: &str, hours: &[Interval], problems: &mut Vec<CalendarError>) {
    let sorted = sorted(hours);
    for pair in sorted.windows(2).filter(|pair| pair[0].to_minute() > pair[1].from_minute()) {
        problems.push(CalendarError::Overlap {
            calendar: source.id.clone(),
            day: day.to_owned(),
            first: pair[0].to_string(),
            second: pair[1].to_string(),
        });
    }
}

fn sorted(hours: &[Interval]) -> Vec<Interval> {
    let mut hours = hours.to_vec();
    hours.sort_unstable();
    hours
}

/// Zones come from the tables built into the program, not from the machine: a replay elsewhere
/// must see the same offsets.
fn zone(chain: &[&CalendarSource], problems: &mut Vec<CalendarError>) -> Option<TimeZone> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let Some((link, name)) = chain.iter().find_map(|link| Some((link, link.zone.as_ref()?))) else {
        // A missing parent is the root of this problem and is reported already.
        if problems.is_empty() {
            problems.push(CalendarError::NoZone { calendar: chain[0].id.clone() });
        }
        return None;
    };
    let zone = ZONES.get_or_init(TimeZoneDatabase::bundled).get(name).ok();
    if zone.is_none() {
        problems.push(CalendarError::UnknownZone { calendar: link.id.clone(), zone: name.clone() });
    }
    zone
}

fn week(chain: &[&CalendarSource]) -> [Vec<Interval>; 7] {
    Weekday::ALL.map(|day| chain.iter().find_map(|link| own_hours(link, day)).unwrap_or_default())
}

/// Keys are ordered from the widest to the most specific: the last that covers the day speaks.
fn own_hours(link: &CalendarSource, day: Weekday) -> Option<Vec<Interval>> {
    link.week.iter().rev().find(|(key, _)| key.covers(day)).map(|(_, hours)| sorted(hours))
}

/// From the root down: each calendar first drops what it does not observe, then adds its own.
/// Overrides without a name are always inherited.
fn exceptions(chain: &[&CalendarSource], problems: &mut Vec<CalendarError>) -> Vec<(i64, Hours)> {
    let mut days: BTreeMap<i64, (&Change, Option<&str>)> = BTreeMap::new();
    // Overrides that overlap are refused already; laid out day by day, a few thousand of them would take minutes.
    let is_refused = |it: &CalendarError| matches!(it, CalendarError::DuplicateOverride { .. });
    if problems.iter().any(is_refused) {
        return Vec::new();
    }
    for link in chain.iter().rev() {
        if let Some(observed) = &link.observes {
            check_observed(link, observed, &days, problems);
            let observed: BTreeSet<&str> = observed.iter().map(String::as_str).collect();
            days.retain(|_, (_, name)| name.is_none_or(|name| is_called(name, &observed)));
        }
        for entry in &link.overrides {
            for day in range(entry.date, entry.until) {
                days.insert(day, (&entry.change, entry.name.as_deref()));
            }
        }
    }
    days.into_iter().map(|(day, (change, _))| (day, hours(change))).collect()
}

fn check_observed(
    link: &CalendarSource,
    observed: &[String],
    inherited: &BTreeMap<i64, (&Change, Option<&str>)>,
    problems: &mut Vec<CalendarError>,
) {
    let names: BTreeSet<&str> = inherited.values().filter_map(|(_, name)| *name).collect();
    let parts: BTreeSet<&str> =
        names.iter().flat_map(|name| name.split('、')).chain(names.iter().copied()).collect();
    // Without a parent there is a better message than one for every name.
    for name in observed.iter().filter(|name| link.extends.is_some() && !parts.contains(name.as_str())) {
        problems.push(CalendarError::UnknownHoliday { calendar: link.id.clone(), name: name.clone() });
    }
}

/// Two holidays that fall together are written `中秋节、国庆节`; observing one of them suffices.
fn is_called(name: &str, wanted: &BTreeSet<&str>) -> bool {
    wanted.contains(name) || name.split('、').any(|part| wanted.contains(part))
}

/// Dates outside the horizon are reported elsewhere; here they must only not take for ever.
fn range(from: Date, until: Option<Date>) -> Range<i64> {
    let until = until.unwrap_or(from);
    let inside = |date: Date| (FIRST_YEAR..=LAST_YEAR).contains(&date.year());
    if inside(from) && inside(until) { day_of(from)..day_of(until) + 1 } else { 0..0 }
}

fn hours(change: &Change) -> Hours {
    match change {
        Change::Closed => Hours::Closed,
        Change::Hours(hours) => Hours::Own(sorted(hours)),
        Change::As(day) => Hours::As(*day),
    }
}

/// Years without exceptions are as good as the weekly pattern; the others are looked at.
fn check_years(calendar: &str, rules: &Rules, problems: &mut Vec<CalendarError>) {
    let touched: BTreeSet<i16> = rules.exceptions.iter().map(|(day, _)| year_of_day(*day)).collect();
    let idle = |year: &i16| !year_days(*year).any(|day| !rules.hours(day).is_empty());
    let untouched = (FIRST_YEAR..=LAST_YEAR).rev().find(|year| !touched.contains(year));
    let idle = touched.iter().copied().chain(untouched).filter(idle);
    problems.extend(idle.map(|year| CalendarError::EmptyYear { calendar: calendar.to_owned(), year }));
}

impl std::fmt::Display for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let group = match self {
            Self::Daily => "daily",
            Self::Weekdays => "weekdays",
            Self::Weekend => "weekend",
            one => Weekday::ALL.into_iter().find(|day| one.covers(*day)).map_or("", Weekday::en),
        };
        f.write_str(group)
    }
}
