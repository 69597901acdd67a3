//! Notify, the pure part: the telling. Who is told what, through which channel, and what became of it.
//!
//! ```text
//! intake, dispatch, sla-watchdog, follow-up --hear--> Signal --+--> rules of the playbook (`tells`)
//!                                                              +--> persons found by the watchdog (`told`)
//!                 roles -> persons, now; barred ones left out  --> Notice --> notice.queued
//! executor --Report--> Sent                                    --> notice.sent
//!                  +-> Failed: again after a while, five times --> notice.failed
//! ```
//!
//! Words are made when the message goes out ([`words::render`]), from what the notice keeps of
//! its occasion; nothing in them is personal.
//!
//! Invariants
//! * One notice per (event, rule, recipient): a person who holds two of the roles is told once.
//! * Persons are found at the moment of telling (vacant: the next one up; absent: the deputy), and
//!   nobody barred is told, not even if the bar comes while the message waits (DG-03).
//! * A telling that reaches nobody is on record as failed: silence is never the outcome.
//! * A notice ends once, as sent or as failed for good; what reports a try that is over changes
//!   nothing.
//! * Evidence that comes before its ticket is kept aside in its order.

mod case;
mod command;
mod due;
mod hear;
mod notice;
pub mod people;
mod queue;
mod report;
mod retry;
mod signal;
pub mod words;

use chassis_core::{Core, Due, Halt, Heard, RowKey, Step, Table};
use proto::Service;

pub use case::{Case, Known};
pub use command::{Command, Outcome, Reply, Report};
pub use notice::{Notice, NoticeState, Occasion, channel_code};
pub use people::may_see;
pub use signal::Matter;

/// The core of `notify`.
pub struct Notify;

impl Core for Notify {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::Notify;
    const SOURCES: &'static [Service] =
        &[Service::Intake, Service::Dispatch, Service::SlaWatchdog, Service::FollowUp];
    const TABLES: &'static [&'static Table] = &[case::TABLE, notice::TABLE];

    fn wants(kind: &str) -> bool {
        signal::wants(kind)
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        match command {
            Command::Report(report) => vec![RowKey::of::<Notice>(report.notice)],
        }
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        signal::ticket_id(heard).map(RowKey::of::<Case>).into_iter().collect()
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Notice>(due.id)]
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        match command {
            Command::Report(report) => report::report(report, step),
        }
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        hear::hear(heard, step)
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        retry::again(due, step)
    }
}
