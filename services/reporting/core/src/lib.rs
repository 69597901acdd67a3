//! The read model and the figures, without I/O: a row per ticket, kept from
//! what all other services say, and the weekly and monthly report made of rows.
//!
//! ```text
//! events of six services --> hear_{intake,dispatch,watchdog,follow_up,notify}.rs --> Row (board columns, verdicts, log)
//! rows + playbook + span --> figures.rs (Reckoning) --> lines --> document.rs --> CSV, printed table
//! Issue -----------------> issue.rs --> report.issued (digest of the CSV)
//! ```
//!
//! Invariants
//! * Nothing is decided here: verdicts are the watchdog's, seals are dispatch's and follow-up's.
//! * The same journals give the same rows, in whatever order the sources were heard: each source writes its own part
//!   of a row, the log is ordered by time, and what is shown is derived from both. So figures are byte-identical (P7).
//! * What belongs to an older cycle stays in the log and never changes what the current cycle shows.
//! * No text in a cell of a document can be taken for a formula.

mod cells;
mod command;
pub mod document;
mod figures;
mod hear_dispatch;
mod hear_follow_up;
mod hear_intake;
mod hear_notify;
mod hear_watchdog;
mod issue;
mod listing;
mod moment;
mod printed;
pub mod row;
mod span;
mod tally;
mod verdicts;

use chassis_core::{Core, Due, Halt, Heard, Refusal, RefusalKind, RowKey, Step, Table};
use proto::{AnyEvent, Id, Service, Time};

pub use command::{Command, Issue, Reply};
pub use figures::{Line, Reckoning, Unit, figures};
pub use issue::Issued;
pub use moment::{Moment, is_heard};
pub use row::{IntakePart, Row, State, Survey, WorkPart};
pub use span::{BadSpan, Span, zone_of};
pub use verdicts::{Outcome, Running, Verdict};

/// Reporting's core.
pub struct Reporting;

impl Core for Reporting {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::Reporting;
    const SOURCES: &'static [Service] =
        &[Service::Intake, Service::Dispatch, Service::SlaWatchdog, Service::FollowUp, Service::Notify];
    const TABLES: &'static [&'static Table] = &[row::TABLE, issue::TABLE];

    fn wants(kind: &str) -> bool {
        proto::event::name_of(kind).is_some_and(|(thing, event)| is_heard(thing, event))
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        let Command::Issue(issue) = command;
        vec![RowKey::of::<Issued>(Issued::key(issue))]
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        ticket_id(heard).map(RowKey::of::<Row>).into_iter().collect()
    }

    fn timer_keys(_due: &Due) -> Vec<RowKey> {
        Vec::new()
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        let Command::Issue(issue) = command;
        issue::issue(issue, step)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        let Some(ticket) = heard.event.ticket() else { return Ok(()) };
        let id = ticket_id(heard).ok_or_else(|| bad_ticket(heard))?;
        let mut row = step.get::<Row>(id)?.unwrap_or_else(|| Row::first_heard(id, ticket));
        row.cycle = row.cycle.max(ticket.cycle);
        if hear(&mut row, heard) {
            step.put(&row);
        }
        Ok(())
    }

    fn timer(_due: &Due, _step: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

/// Writes the event into its source's part of the row; `false`: not for rows.
fn hear(row: &mut Row, heard: &Heard) -> bool {
    let at = heard.occurred_at.unwrap_or(heard.recorded_at);
    match &heard.event {
        AnyEvent::TicketOpened(event) => hear_intake::opened(row, event, at),
        AnyEvent::TicketReclassified(event) => hear_intake::reclassified(row, event, at),
        AnyEvent::TicketMoved(event) => hear_intake::moved(row, event, at),
        AnyEvent::TicketLinked(event) => hear_intake::linked(row, event, at),
        AnyEvent::TicketNoted(event) => hear_intake::noted(row, event, at),
        AnyEvent::TicketClosed(event) => hear_intake::closed(row, event, at),
        AnyEvent::TicketReopened(event) => hear_intake::reopened(row, event, at),
        AnyEvent::WorkDispatched(event) => hear_dispatch::dispatched(row, event, at),
        AnyEvent::WorkAcknowledged(event) => hear_dispatch::acknowledged(row, event, at),
        AnyEvent::WorkRefused(event) => hear_dispatch::refused(row, event, at),
        AnyEvent::WorkAssigned(event) => hear_dispatch::assigned(row, event, at),
        AnyEvent::WorkStepReady(event) => hear_dispatch::step_ready(row, event, at),
        AnyEvent::WorkStepDone(event) => hear_dispatch::step_done(row, event, at),
        AnyEvent::WorkWithdrawn(event) => hear_dispatch::withdrawn(row, event, at),
        AnyEvent::WorkCompleted(event) => hear_dispatch::completed(row, event, at),
        AnyEvent::ApprovalAsked(event) => hear_dispatch::approval_asked(row, event, at),
        AnyEvent::ApprovalDecided(event) => hear_dispatch::approval_decided(row, event, at),
        AnyEvent::ApprovalVerbal(event) => hear_dispatch::approval_verbal(row, event, at),
        AnyEvent::ApprovalConfirmed(event) => hear_dispatch::approval_confirmed(row, event, at),
        AnyEvent::ClockStarted(event) => hear_watchdog::started(row, event, at),
        AnyEvent::ClockPaused(event) => hear_watchdog::paused(row, event, at),
        AnyEvent::ClockWarned(event) => hear_watchdog::warned(row, event, at),
        AnyEvent::ClockBreached(event) => hear_watchdog::breached(row, event, at),
        AnyEvent::ClockMet(event) => hear_watchdog::met(row, event, at),
        AnyEvent::ClockVerdictCorrected(event) => hear_watchdog::corrected(row, event, at),
        AnyEvent::ClockExtensionAsked(event) => hear_watchdog::extension_asked(row, event, at),
        AnyEvent::ClockExtensionDecided(event) => hear_watchdog::extension_decided(row, event, at),
        AnyEvent::EscalationRaised(event) => hear_watchdog::escalated(row, event, at),
        AnyEvent::FollowUpScheduled(event) => hear_follow_up::scheduled(row, event, at),
        AnyEvent::FollowUpAttempted(event) => hear_follow_up::attempted(row, event, at),
        AnyEvent::FollowUpRecorded(event) => hear_follow_up::recorded(row, event, at),
        AnyEvent::SurveyAnswered(event) => hear_follow_up::answered(row, event, at),
        AnyEvent::FollowUpCompleted(event) => hear_follow_up::completed(row, event, at),
        AnyEvent::NoticeSent(event) => hear_notify::sent(row, event, at),
        AnyEvent::NoticeFailed(event) => hear_notify::failed(row, event, at),
        // Between homes of one service, or about no ticket: `wants` keeps them out.
        _ => return false,
    }
    true
}

fn ticket_id(heard: &Heard) -> Option<Id> {
    heard.event.ticket()?.ticket_id.parse().ok()
}

fn bad_ticket(heard: &Heard) -> Refusal {
    let place = heard.at;
    Refusal::new(
        RefusalKind::Internal,
        "bad-ticket",
        format!("事件 {place} 的案件编号无法读取。"),
        format!("The event at {place} names a ticket that cannot be read."),
    )
}

/// The event's own time if it has one, else when it was recorded.
fn own_time(own: i64, at: Time) -> Time {
    Time(own).set().unwrap_or(at)
}
