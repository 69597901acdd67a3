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
pub fn wall(zone: &TimeZone, at: Time) -> String {
    zone.to_datetime(at.to_timestamp()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A scenario about to be played: where it begins, and whatever of it cannot be read.
pub struct Stage {
    pub town: Town,
    pub zone: TimeZone,
    pub start: Time,
    pub misses: Vec<Miss>,
}

impl Stage {
    /// The ground as the scenario wants it, at rest, under the rule book that is active in the directory.
    pub fn set(scenario: &Scenario, directory: &Snapshot, playbook: &Arc<Playbook>) -> Stage {
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
        let town = Town::new(directory, Arc::clone(playbook), &scenario.branch, start);
        Stage { town, zone, start, misses }
    }

    /// When a deed is done; `None`: at once.
    ///
    /// # Errors
    /// A moment or span that is not understood.
    pub fn moment_of(&self, deed: &Deed) -> Result<Option<Time>, Miss> {
        let at = match &deed.at {
            None => None,
            Some(text) => Some(moment(text, &self.zone).ok_or_else(|| Miss::unreadable("at", text))?),
        };
        match &deed.after {
            None => Ok(at),
            Some(text) => {
                let from = at.map_or(self.town.now(), |at| at.max(self.town.now()));
                let at = later(&self.town, from, text).ok_or_else(|| Miss::unreadable("after", text))?;
                Ok(Some(at))
            }
        }
    }

    /// Until when it is watched after the last deed.
    ///
    /// # Errors
    /// A span that is not understood.
    pub fn end_of(&self, scenario: &Scenario) -> Result<Option<Time>, Miss> {
        let Some(text) = &scenario.watched_for else { return Ok(None) };
        let until = later(&self.town, self.town.now(), text);
        until.map(Some).ok_or_else(|| Miss::unreadable("until", text))
    }
}

/// The opening, then all that is done.
pub fn deeds(scenario: &Scenario) -> impl Iterator<Item = (usize, &Deed)> {
    std::iter::once(&scenario.given).chain(&scenario.when).enumerate()
}

/// Plays a scenario under the rule book that is active in the directory.
pub fn play(scenario: &Scenario, directory: &Snapshot, playbook: &Arc<Playbook>) -> Outcome {
    let mut stage = Stage::set(scenario, directory, playbook);
    let mut misses = std::mem::take(&mut stage.misses);
    for (place, deed) in deeds(scenario) {
        match stage.moment_of(deed) {
            Ok(at) => at.into_iter().for_each(|at| stage.town.advance(at)),
            Err(miss) => misses.push(miss),
        }
        let done = stage.town.act(deed);
        misses.extend(judge(place, deed, done.as_ref().err()));
    }
    match stage.end_of(scenario) {
        Ok(until) => until.into_iter().for_each(|until| stage.town.advance(until)),
        Err(miss) => misses.push(miss),
    }
    let Stage { town, zone, .. } = stage;
    let timeline: Vec<Line> = town.happened().iter().filter_map(line_of).collect();
    for expectation in &scenario.then {
        misses.extend(expect::check(expectation, &town, &timeline, &zone));
    }
    Outcome { timeline, misses, zone }
}

fn later(town: &Town, from: Time, text: &str) -> Option<Time> {
    let limit = span(text)?;
    match town.directory().calendar_of(town.branch()) {
        Some(calendar) => calendar.deadline(from.to_timestamp(), &limit, &[]).due.map(Time::from),
        None => None,
    }
}

/// Whether a deed went as the scenario says.
pub fn judge(place: usize, deed: &Deed, refused: Option<&Refusal>) -> Option<Miss> {
    match (&deed.refused, refused) {
        (None, None) => None,
        (Some(wanted), Some(refusal)) if wanted == "any" || *wanted == refusal.gate => None,
        (_, Some(refusal)) => Some(Miss::refused(place, deed, refusal)),
        (Some(wanted), None) => Some(Miss::not_refused(place, deed, wanted)),
    }
}
