//! Whether scenarios notice when a rule is taken away. A scenario that names a rule shows it only if it fails as soon as
//! the rule book no longer says so.
//!
//! ```text
//! files --> Book (trees) --> places: clauses with `rules`, and the gates and limits in them
//!                                |
//!                     without(place) --> the files once more, without it --> noticed: which rules' scenarios fail
//! ```
//!
//! Nothing here knows the parts of the language: a clause is whatever carries `rules`, and the loader itself says what
//! else must go when it is gone.

mod attempt;
mod book;
mod places;
#[cfg(test)]
mod tests;
mod write;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use organisation::Snapshot;
use playbook::Playbook;

pub use attempt::Variant;
pub use book::Book;
pub use places::Place;

use crate::scenario::{self, Scenario};

/// The rules, of those given, of which a scenario fails under this rule book. `scenarios` hold under the whole one.
pub fn noticed(
    rules: &[String],
    scenarios: &[Scenario],
    directory: &Snapshot,
    playbook: &Arc<Playbook>,
) -> BTreeSet<String> {
    let mut noticed = BTreeSet::new();
    for scenario in scenarios {
        let covered: Vec<&String> = scenario.covers.iter().filter(|rule| rules.contains(rule)).collect();
        if covered.iter().any(|rule| !noticed.contains(*rule)) && !holds(scenario, directory, playbook) {
            noticed.extend(covered.into_iter().cloned());
        }
    }
    noticed
}

/// A rule book that lacks a part may be one that no service was made for: what breaks does not hold.
fn holds(scenario: &Scenario, directory: &Snapshot, playbook: &Arc<Playbook>) -> bool {
    let played = AssertUnwindSafe(|| scenario::play(scenario, directory, playbook).holds());
    catch_unwind(played).unwrap_or(false)
}
