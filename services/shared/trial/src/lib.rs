//! Trying a rule book before it is used: on imagined cases, and on recorded ones.
//!
//! ```text
//! scenario file --> scenario --+          (taken: the same, with one clause of the rule book taken away at a time)
//!                              +--> town: the five cores in memory, simulated time --> what was said, by whom, when
//! one imagined case ----------+
//!
//! recorded table + mapping --+--> history of each case --> backtest: the watchdog's own fold under OLD and NEW --> difference
//! exported journal ----------+
//! recorded table + calendar --> limits: what each kind of request was given, and a playbook that says so
//! ```
//!
//! Nothing here judges by itself: a scenario runs through the very cores that serve, a backtest through the very fold that
//! judges lateness. What this crate adds is reading what others recorded, and saying where two rule books differ.
//!
//! Invariants
//! * Pure: no clock, no files, no randomness. Text in, findings out.
//! * A recorded row that cannot be used is counted and named by its line, never dropped silently.
//! * The same files give the same output, byte for byte.

pub mod backtest;
pub mod filling;
pub mod ground;
pub mod limits;
pub mod recorded;
pub mod scenario;
pub mod taken;
pub mod town;
pub mod yaml;

pub use recorded::{Mapping, Sheet};
