//! Working time: when a branch is open, and when a limit that starts at some instant runs out.
//!
//! Every clock of the house asks this crate for its due instant. It is pure: no wall clock, no
//! files, no randomness; the same source and the same question give the same answer on every
//! machine, so that a replayed decision is the recorded one.
//!
//! ```text
//!  YAML --CalendarSource::from_yaml--> CalendarSource --Calendar::compile(source, parents)--> Calendar
//!                                                                                                |
//!  "4 working hours" --Limit::parse--> Limit --+                                                 |
//!  start, suspensions -------------------------+--> Calendar::deadline --> Deadline { due, .. } -+
//! ```
//!
//! # What a duration means (heading of the rules catalogue; readings A-01, A-03, A-04)
//!
//! * Minutes and hours run on the wall clock ([`Limit::Wall`]).
//! * Days are calendar days: the day of the event is not counted, the last one runs to closing
//!   time, and a last day that is closed moves to the next open one ([`Limit::CalendarDays`]).
//! * "Working" hours and days run on the branch's calendar ([`Limit::WorkingTime`],
//!   [`Limit::WorkingDays`]).
//! * "Before the end of the day" is the end of the shift in which it started, or of the next one
//!   ([`Limit::EndOfShift`]).
//! * The due instant itself is still in time; whoever compares says `now > due` for a breach.
//!
//! # Invariants
//!
//! * `add(a, x + y) == add(add(a, x), y)` and `between(a, add(a, x)) == x`.
//! * A pause of x open minutes moves a working-time deadline by exactly x open minutes, a wall
//!   limit is moved by the wall time of the pause, a cut-off is taken anew on resuming.
//! * A shift runs from the first moment at which the wall clock reaches its opening to the first
//!   moment at which it reaches its closing. That one sentence settles daylight saving: an hour
//!   that is skipped is not worked, an hour that is repeated is, and nothing opens twice.
//! * A shift belongs to the day on which it begins. Closing 1 October does not cut short the
//!   night shift of 30 September.
//! * A [`Calendar`] has working time in every year; compiling refuses any other.

mod calendar;
mod compile;
mod days;
mod deadline;
mod error;
mod interval;
mod limit;
mod limit_parse;
mod limit_text;
mod plain_yaml;
mod source;
mod statutory;
mod yaml;
mod year;

pub use calendar::{Calendar, CalendarVersion, FIRST_YEAR, LAST_YEAR};
pub use deadline::{Deadline, Measure, Suspension};
pub use error::CalendarError;
pub use interval::{Interval, IntervalError};
pub use limit::{DayEnd, Lead, Limit};
pub use limit_parse::LimitError;
pub use plain_yaml::{DEEPEST_YAML, check_plain_yaml};
pub use source::{CalendarSource, Change, DayKey, Name, Override, Shifts, StatutoryYears, Weekday};
pub use statutory::{ImportError, import_holidays};
pub use yaml::YamlProblem;
