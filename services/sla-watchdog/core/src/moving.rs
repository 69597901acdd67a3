//! What a move to another version of the rule book would do to the clocks of a case: the very fold that judges, once as
//! it is and once with the move as its newest evidence.

use std::collections::BTreeMap;

use chassis_core::Refusal;
use organisation::Snapshot;
use playbook::Facts;
use proto::Time;

use crate::{
    book::Book,
    case::Case,
    fold::{View, fold},
    run::Run,
    signal::{Moved, Signal},
};

/// One clock that would be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub clock: String,
    pub instance: String,
    pub difference: Difference,
    /// Deadlines as they are and as they would be; while it stands still there is none.
    pub old: Option<Time>,
    pub new: Option<Time>,
    /// It would be missed at once.
    pub breaches: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    Added,
    Removed,
    Moved,
}

impl Difference {
    pub fn code(self) -> &'static str {
        match self {
            Difference::Added => "added",
            Difference::Removed => "removed",
            Difference::Moved => "moved",
        }
    }
}

/// The clocks that would be otherwise if the case were moved to this version now. `facts` are the case's as the version
/// judges it; `directory` knows the version, be it active or not.
///
/// # Errors
/// The directory lacks a version that the case stands under.
pub fn preview(
    case: &Case,
    directory: &Snapshot,
    version: u32,
    facts: &Facts,
    now: Time,
) -> Result<Vec<Change>, Refusal> {
    if !case.is_open() {
        return Ok(Vec::new());
    }
    let mut case = case.clone();
    case.judged = case.judged.max(now);
    let old_book = Book::of(&case, directory)?;
    let old = fold(&old_book, &case);
    let mut moved = case.clone();
    moved.insert(Signal::move_at(now, case.cycle, Moved { from: case.version, to: version }, facts.clone()));
    let new_book = Book::of(&moved, directory)?;
    let new = fold(&new_book, &moved);
    Ok(compare(&live(&old), &live(&new), now))
}

type Live<'v, 'a> = BTreeMap<(&'v str, &'v str), &'v Run<'a>>;

fn live<'v, 'a>(view: &'v View<'a>) -> Live<'v, 'a> {
    let runs = view.runs.iter().filter(|run| run.is_live());
    runs.map(|run| ((run.clock.id.as_str(), run.label.as_str()), run)).collect()
}

fn compare(old: &Live<'_, '_>, new: &Live<'_, '_>, now: Time) -> Vec<Change> {
    let missed = |run: &Run<'_>| run.due.is_some_and(|due| due < now);
    let change = |key: &(&str, &str), difference, before: Option<&Run<'_>>, after: Option<&Run<'_>>| Change {
        clock: key.0.to_owned(),
        instance: key.1.to_owned(),
        difference,
        old: before.and_then(|run| run.due),
        new: after.and_then(|run| run.due),
        breaches: after.is_some_and(missed) && !before.is_some_and(missed),
    };
    let kept = old.iter().filter_map(|(key, before)| match new.get(key) {
        None => Some(change(key, Difference::Removed, Some(before), None)),
        Some(after) => {
            (before.due != after.due).then(|| change(key, Difference::Moved, Some(before), Some(after)))
        }
    });
    let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
    kept.chain(added.map(|(key, after)| change(key, Difference::Added, None, Some(after)))).collect()
}
