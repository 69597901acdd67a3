//! The one binary: every service, all of them in one process, and the tools of
//! those who run them.
//!
//! ```text
//! main.rs --> cli.rs (flags) --> run.rs (services)   client.rs (gRPC with a token)
//!                                 |                    |-- ticket, events, import, verify, journal, directory, playbook, report
//!                                 +-- up: all at once  +-- demo (a day with a seeded cast), bench
//! ```
//!
//! Invariants: no decision is made here; everything goes through the gRPC
//! contracts and the event stream, as for any other client.

pub mod activate_command;
pub mod bench;
pub mod bench_command;
pub mod cli;
pub mod client;
pub mod demo;
pub mod demo_command;
pub mod directory_command;
pub mod events_command;
pub mod import;
pub mod import_command;
pub mod journal_command;
pub mod playbook;
mod quarantine_command;
mod report_command;
pub mod run;
pub mod staffing;
pub mod ticket_command;
pub mod verify;
pub mod verify_command;
