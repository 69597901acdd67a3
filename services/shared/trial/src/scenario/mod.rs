//! Scenarios: given a case, when people do this and time passes, then that has happened. They run through the cores that
//! serve (`town`), in simulated time; whoever plays them elsewhere gives what he sees to the same expectations (`seen`).

mod call;
mod expect;
mod figure;
mod named;
mod play;
mod seen;
mod simulate;

use calendar::Limit;
use jiff::{civil::DateTime, tz::TimeZone};
use proto::Time;
use serde::Deserialize;

pub use expect::{Expectation, Miss, check};
pub use play::{Outcome, Stage, deeds, judge, play, wall};
pub use seen::{CallSeen, CaseSeen, ClockSeen, FigureSeen, Seen};
pub use simulate::{Acting, simulate};

use crate::{
    town::Deed,
    yaml::{self, Unreadable},
};

/// One scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub scenario: String,
    /// The rules that it covers.
    #[serde(default)]
    pub covers: Vec<String>,
    /// When it begins, on the branch's clock.
    #[serde(default = "monday_morning")]
    pub at: String,
    #[serde(default = "branch")]
    pub branch: String,
    /// Which of the calendars that come along the branch keeps.
    pub calendar: Option<String>,
    /// The case that is opened first.
    pub given: Deed,
    #[serde(default)]
    pub when: Vec<Deed>,
    /// So long it is watched after the last deed.
    #[serde(rename = "until")]
    pub watched_for: Option<String>,
    #[serde(default)]
    pub then: Vec<Expectation>,
    #[serde(skip)]
    pub file: String,
    /// What it says, as a hash: a result is of exactly this text.
    #[serde(skip)]
    pub digest: String,
}

fn monday_morning() -> String {
    "2026-03-02 10:00".to_owned()
}

fn branch() -> String {
    "B1".to_owned()
}

/// What a file may say first, for all of its scenarios.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    calendar: String,
}

/// Reads the scenarios of a file: YAML documents, parted by `---`.
///
/// # Errors
/// The first document that does not fit.
pub fn read(file: &str, text: &str) -> Result<Vec<Scenario>, Unreadable> {
    let mut documents = yaml::documents(file, text)?;
    let headed = documents.first().is_some_and(|first| first.get("scenario").is_none())
        && documents.first().is_some_and(|first| first.get("calendar").is_some());
    let head = headed.then(|| documents.remove(0)).map(serde_json::from_value::<Head>).transpose();
    let head = head.map_err(|why| Unreadable::new(file, why))?;
    let mut scenarios = Vec::new();
    for mut document in documents {
        let said = document.to_string();
        opens_by_itself(&mut document);
        let scenario: Scenario =
            serde_json::from_value(document).map_err(|why| Unreadable::new(file, why))?;
        let calendar = scenario.calendar.or_else(|| head.as_ref().map(|head| head.calendar.clone()));
        let digest = blake3::hash(format!("{said}{calendar:?}").as_bytes()).to_hex().to_string();
        scenarios.push(Scenario { file: file.to_owned(), calendar, digest, ..scenario });
    }
    Ok(scenarios)
}

/// `given` is the opening; it need not say so. A calendar may stand there too, for it is part of what is given.
fn opens_by_itself(document: &mut serde_json::Value) {
    let Some(given) = document.get_mut("given").and_then(serde_json::Value::as_object_mut) else { return };
    given.entry("do").or_insert_with(|| "open".into());
    if let Some(calendar) = given.remove("calendar") {
        document["calendar"] = calendar;
    }
}

/// A moment as a scenario writes it: `2026-03-02 10:00` on the branch's clock, or with an offset.
pub(crate) fn moment(text: &str, zone: &TimeZone) -> Option<Time> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let wall: DateTime = text.parse().ok()?;
    zone.to_timestamp(wall).ok().map(Time::from)
}

/// A span as rule books write limits.
pub(crate) fn span(text: &str) -> Option<Limit> {
    Limit::parse(text).ok()
}
