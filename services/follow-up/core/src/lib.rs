//! Follow-up, the pure part: the call-back record (回访记录表). Is the customer content?
//!
//! ```text
//! intake, dispatch --hear--> Signal --schedule--> CallBack (when to try, by when) --> follow_up.scheduled
//!      agent --RecordAttempt--> tried again, or given up                          --> follow_up.attempted
//!      agent --RecordCall-----> answers checked against the questions             --> follow_up.recorded, survey.answered
//!                                  every call-back of the round is over --seal--> --> follow_up.completed
//! ```
//!
//! A series (a week, a month, a year after) is planned at its occasion and scheduled point by point by the case's one timer;
//! no seal waits for what is only planned.
//!
//! What is scheduled, when it is tried, what is asked and what an unhappy answer does is said by
//! the playbook; this crate keeps the record and says the seal.
//!
//! Invariants
//! * One [`Case`] per ticket, under the ticket's own id, written by the ticket's home only.
//! * Evidence that comes before the case is known is kept aside in its order, and taken up when
//!   `ticket.opened` (or the re-opening that it belongs to) is heard: the order in which sources
//!   arrive changes nothing.
//! * A round is sealed once. What belongs to an older cycle has no effect.
//! * An unhappy answer that wants a new cycle ends the round at once; the calls still open are
//!   cancelled, for the customer has already said what they would find out.
//! * A call-back that a rule made due is open at most once at a time.
//! * Nobody complained about records anything here (DG-03).
//! * This service judges nothing late: the watchdog's clocks do.

pub mod answers;
mod attempt;
mod call;
mod case;
pub mod command;
mod gate;
mod hear;
mod moment;
mod moving;
mod schedule;
mod seal;
mod series;
mod signal;

use chassis_core::{Core, Due, Halt, Heard, RowKey, Step, Table};
use proto::Service;

pub use call::Consequence;
pub use case::{Attempt, CallBack, CallBackState, Case, Known, Phase, Planned, Verdict};
pub use command::{Command, NotReached, Reply};
pub use gate::may_see;
pub use moving::{Change, Difference, preview};
pub use signal::Matter;

/// The core of `follow-up`.
pub struct FollowUp;

impl Core for FollowUp {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::FollowUp;
    const SOURCES: &'static [Service] = &[Service::Intake, Service::Dispatch];
    const TABLES: &'static [&'static Table] = &[case::TABLE];

    fn wants(kind: &str) -> bool {
        hear::wants(kind)
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        vec![RowKey::of::<Case>(command.ticket())]
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        signal::ticket_id(heard).map(RowKey::of::<Case>).into_iter().collect()
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Case>(due.id)]
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        match command {
            Command::RecordAttempt(attempt) => attempt::record(attempt, step),
            Command::RecordCall(call) => call::record(call, step),
        }
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        hear::hear(heard, step)
    }

    /// Only the points of a series wait for their moment: the next try is a column that people list by, and lateness is
    /// the watchdog's.
    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        if due.name != series::TIMER {
            return Ok(());
        }
        series::come(due, step)
    }
}
