//! One scenario from beginning to end.

use std::sync::Arc;

use chassis_core::Refusal;
use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{Lang, Playbook};
use proto::Time;

use super::{Scenario, expect, expect::Miss, moment, span};
use crate::{
    ground,
    town::{Deed, Line, Town, line_of},
};

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub timeline: Vec<Line>,
    /// Expectations that did not come true, deeds that were refused or were not.
    pub misses: Vec<Miss>,
    pub zone: TimeZone,
}

impl Outcome {
    pub fn holds(&self) -> bool {
        self.misses.is_empty()
    }

    /// The timeline for a terminal.
    pub fn render(&self, lang: Lang) -> String {
        let clock = |at: Time| wall(&self.zone, at);
        let mut out = String::new();
        for line in &self.timeline {
            out.push_str(&format!("{}  {}\n", clock(line.at), line.render(lang, clock)));
        }
        out
    }
}

/// A moment on the branch's clock.
pub(super) fn wall(zone: &TimeZone, at: Time) -> String {
    zone.to_datetime(at.to_timestamp()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Plays a scenario under the rule book that is active in the directory.
pub fn play(scenario: &Scenario, directory: &Snapshot, playbook: &Arc<Playbook>) -> Outcome {
    let zone = directory.zone_of(&scenario.branch).and_then(|zone| TimeZone::get(zone).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let mut misses = Vec::new();
    let directory = match &scenario.calendar {
        None => directory.clone(),
        Some(calendar) => ground::keeping(directory, calendar, &scenario.branch).unwrap_or_else(|| {
            misses.push(Miss::no_calendar(calendar));
            directory.clone()
        }),
    };
    let start = moment(&scenario.at, &zone).unwrap_or_else(|| {
        misses.push(Miss::unreadable("at", &scenario.at));
        Time(1_772_416_800_000_000)
    });
    let mut town = Town::new(directory, Arc::clone(playbook), &scenario.branch, start);
    for (place, deed) in std::iter::once(&scenario.given).chain(&scenario.when).enumerate() {
        if let Err(miss) = pass_to(&mut town, deed, &zone) {
            misses.push(miss);
        }
        let done = town.act(deed);
        misses.extend(judge(place, deed, done));
    }
    if let Some(until) = &scenario.watched_for {
        match later(&town, until) {
            Some(until) => town.advance(until),
            None => misses.push(Miss::unreadable("until", until)),
        }
    }
    let timeline: Vec<Line> = town.happened().iter().filter_map(line_of).collect();
    for expectation in &scenario.then {
        misses.extend(expect::check(expectation, &town, &timeline, &zone));
    }
    Outcome { timeline, misses, zone }
}

/// Time comes to the moment of a deed.
fn pass_to(town: &mut Town, deed: &Deed, zone: &TimeZone) -> Result<(), Miss> {
    if let Some(text) = &deed.at {
        let at = moment(text, zone).ok_or_else(|| Miss::unreadable("at", text))?;
        town.advance(at);
    }
    if let Some(text) = &deed.after {
        let at = later(town, text).ok_or_else(|| Miss::unreadable("after", text))?;
        town.advance(at);
    }
    Ok(())
}

fn later(town: &Town, text: &str) -> Option<Time> {
    let limit = span(text)?;
    let now = town.now().to_timestamp();
    match town.directory().calendar_of(town.branch()) {
        Some(calendar) => calendar.deadline(now, &limit, &[]).due.map(Time::from),
        None => None,
    }
}

/// Whether a deed went as the scenario says.
fn judge(place: usize, deed: &Deed, done: Result<(), Refusal>) -> Option<Miss> {
    match (&deed.refused, done) {
        (None, Ok(())) => None,
        (Some(wanted), Err(refusal)) if wanted == "any" || *wanted == refusal.gate => None,
        (_, Err(refusal)) => Some(Miss::refused(place, deed, &refusal)),
        (Some(wanted), Ok(())) => Some(Miss::not_refused(place, deed, wanted)),
    }
}
