//! Limits that others recorded: what each kind of request was given, whether that rule gives the recorded targets again,
//! and the rule book that says so.
//!
//! Nothing is known of the recording desk but its opening hours and days off. Each row proposes every limit that would
//! give its target; the limit of a kind is the one on which its newest rows agree, for limits get changed and the last
//! one counts.

mod candidates;
mod learn;
mod misses;
mod rule_book;

use calendar::{Calendar, Limit};
use jiff::Timestamp;

pub use learn::{Learnt, learn};
pub use misses::{Cause, Miss, Reproduction, reproduce};
pub use rule_book::{Names, rule_book};

/// Two instants that are nearer than this are the same target: the recorder rounds.
pub const TOLERANCE: i64 = 120;

/// A row with a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub line: u64,
    pub kind: String,
    pub queue: String,
    pub opened: Timestamp,
    pub target: Timestamp,
}

impl Given {
    /// The rows of a reading that have a target, in the order of the file.
    pub fn of(reading: &crate::recorded::Reading) -> Vec<Given> {
        let with_target = |history: &crate::recorded::History| {
            Some(Given {
                line: history.line,
                kind: history.kind.clone(),
                queue: history.queue.clone(),
                opened: history.opened_at().to_timestamp(),
                target: history.target?.to_timestamp(),
            })
        };
        reading.histories.iter().filter_map(with_target).collect()
    }

    /// Whether a limit gives this row's target.
    pub fn fits(&self, calendar: &Calendar, limit: &Limit) -> bool {
        let due = calendar.deadline(self.opened, limit, &[]).due;
        due.is_some_and(|due| near(due, self.target))
    }
}

pub(crate) fn near(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).as_secs().abs() <= TOLERANCE
}

/// The rows of each kind, in the order of the file: the first half of them and the second.
pub fn halves(rows: &[Given]) -> (Vec<&Given>, Vec<&Given>) {
    let mut total = std::collections::BTreeMap::<&str, usize>::new();
    for row in rows {
        *total.entry(&row.kind).or_default() += 1;
    }
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    rows.iter().partition(|row| {
        let seen = seen.entry(&row.kind).or_default();
        *seen += 1;
        *seen <= total[row.kind.as_str()] / 2
    })
}
