//! The loop that all services share, without I/O: what a core is, what a step
//! may see and say, and the state machine that turns inputs into batches.
//!
//! ```text
//! input (command, event, due timer) --> Core::{command,event,timer}(Step) --> changes, entries, timers, reply
//!        gathered by `Machine`      --> Load --> decide one after another --> Commit --> Answer, Publish, Arm
//! ```
//!
//! Invariants: a step is a pure function of its input, the rows it reads, the
//! directory snapshot and the stamp; what a refused or failed step did is
//! dropped whole; stamps of a shard never go backwards and never before their
//! cause; sequence numbers have no gaps; nothing is answered before it is
//! committed.

pub mod actor;
pub mod aggregate;
pub mod aside;
mod batch;
pub mod clock;
pub mod core;
pub mod entry;
pub mod epoch;
pub mod inbox;
mod input;
pub mod kept;
pub mod machine;
pub mod memory;
pub mod refusal;
pub mod rehearsal;
pub mod sealed;
pub mod step;
pub mod store;

pub use self::core::{Core, Due, Heard};
pub use actor::{Actor, Grant};
pub use aggregate::{Aggregate, Column, ColumnKind, RowKey, Table, Value};
pub use entry::{About, Entry, Said};
pub use epoch::{Lost, Opening};
pub use inbox::Incoming;
pub use input::{Answer, Ask, Outcome};
pub use machine::{Action, Happening, Limits, Machine, Rest};
pub use refusal::{Halt, Refusal, RefusalKind, Violation};
pub use sealed::Sealed;
pub use step::{Effects, Frame, RowChange, Rows, Step, TimerChange};
