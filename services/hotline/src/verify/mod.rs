//! Whether everything that was said arrived everywhere, once.
//!
//! ```text
//! collect.rs: journals, event stream --> audit <-- tickets.rs: what each service shows of a ticket
//!                                          '--> Findings --report.rs--> a table, `lost N, doubled M`
//! ```
//!
//! What is right and what is not is judged by the crate `audit`, which the simulator uses as well; here it is fed
//! from a running system.

pub mod collect;
pub mod report;
mod tickets;

pub use audit::{Audit, Class, Finding, Findings, Head, Heads, chain, seen};
