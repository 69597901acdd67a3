//! Scenarios: given a case, when people do this and time passes, then that has happened. They run through the cores that
//! serve (`town`), in simulated time.

mod expect;
mod play;
mod simulate;

use calendar::Limit;
use jiff::{civil::DateTime, tz::TimeZone};
use proto::Time;
use serde::Deserialize;

pub use expect::{Expectation, Miss};
pub use play::{Outcome, play};
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
}

fn monday_morning() -> String {
    "2026-03-02 10:00".to_owned()
}

fn branch() -> String {
    "B1".to_owned()
}

/// Reads the scenarios of a file: YAML documents, parted by `---`.
///
/// # Errors
/// The first document that does not fit.
pub fn read(file: &str, text: &str) -> Result<Vec<Scenario>, Unreadable> {
    let mut scenarios = Vec::new();
    for mut document in yaml::documents(file, text)? {
        opens_by_itself(&mut document);
        let scenario: Scenario =
            serde_json::from_value(document).map_err(|why| Unreadable::new(file, why))?;
        scenarios.push(Scenario { file: file.to_owned(), ..scenario });
    }
    Ok(scenarios)
}

/// `given` is the opening; it need not say so.
fn opens_by_itself(document: &mut serde_json::Value) {
    if let Some(given) = document.get_mut("given").and_then(serde_json::Value::as_object_mut) {
        given.entry("do").or_insert_with(|| "open".into());
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
