//! Dispatch, the work order (派工单): who works, what is proved, who approves.
//!
//! ```text
//! ticket.opened ──> hand-off 1 ──acknowledge──> steps ready ──complete──> ... ──> work.completed (the seal)
//! (reopened)            │ refuse, silence, bar       │   ▲
//!                       └──> hand-off n+1            │   └─ loop back, approval rejected
//!                                                    └──> approval stages along the matrix
//! ```
//!
//! One aggregate per ticket, [`Work`]: everything about a case is decided at
//! the ticket's home, so nothing here spans two shards.
//!
//! Invariants
//! * Nobody barred receives, holds, reports, approves or is offered anything (DG-03): persons are found and checked
//!   at the moment of use.
//! * Nobody approves what he asked for, nor two stages of one request (DG-18).
//! * A step is done only when it is ready, by who may do it, with its fields and proofs, or by its approval.
//! * After `work.completed` nothing is taken for that cycle; what belongs to an older cycle has no effect.
//! * Work that nobody can take still has its clock of silence, and is offered again every hour (P9).
//! * Words of people are sealed before they come here.

#![allow(
    clippy::result_large_err,
    reason = "refusals are rare and carry both languages; boxing them would only hide that"
)]

mod allowed;
mod approval;
mod beside;
mod change;
mod choosing;
mod command;
mod desk;
mod field;
mod gate;
mod hand_off;
mod moving;
mod placing;
mod reading;
mod state;
mod steps;
mod verbal;
mod view;

use chassis_core::{Aggregate, Core, Due, Halt, Heard, RowKey, Step, Table};
use proto::{AnyEvent, Service};

pub use allowed::allowed_actions;
pub use command::{Command, Proof, Reply, Report};
pub use field::read_field;
pub use moving::{Change, Kind, preview};
pub use reading::{Outline, Standing, in_whose_place, may_reveal, may_see, outline, step_rule};
pub use state::{
    Amount, Approval, ApprovalState, Beside, DoneStep, GivenBack, HandOff, OpenStep, Paper, Stage, State,
    Verbal, Verdict, Work,
};

use desk::{Desk, RETRY};

/// The core of the service `dispatch`.
pub struct Dispatch;

impl Core for Dispatch {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::Dispatch;
    const SOURCES: &'static [Service] = &[Service::Intake, Service::SlaWatchdog];
    const TABLES: &'static [&'static Table] = &[Work::TABLE];

    fn wants(kind: &str) -> bool {
        change::wanted_kinds().contains(&kind)
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        vec![RowKey::of::<Work>(command.ticket())]
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        heard.subject.map(RowKey::of::<Work>).into_iter().collect()
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Work>(due.id)]
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        let mut desk = Desk::open(step, command.ticket())?;
        let view = desk.view();
        view.not_barred()?;
        view.in_cycle(command.cycle())?;
        let reply = match command.clone() {
            Command::Acknowledge { .. } => Reply::Ready { steps: desk.acknowledge()? },
            Command::Refuse { reason, text, .. } => {
                desk.refuse(&reason, text)?;
                Reply::Done
            }
            Command::Assign { step, person, .. } => {
                desk.assign(&step, &person)?;
                Reply::Done
            }
            Command::CompleteStep { step, report, .. } => {
                Reply::Ready { steps: desk.complete(&step, report)? }
            }
            Command::DecideApproval { approval, stage, approved, text, verbal_by: None, .. } => {
                Reply::Decided { last: desk.decide(approval, stage, approved, text)? }
            }
            Command::DecideApproval { approval, stage, approved, text, verbal_by: Some(person), .. } => {
                Reply::Decided { last: desk.take_down(approval, stage, &person, approved, text)? }
            }
            Command::ConfirmApproval { approval, stage, approved, text, .. } => {
                desk.confirm(approval, stage, approved, text)?;
                Reply::Done
            }
        };
        desk.file();
        Ok(reply)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        let ticket = heard.event.ticket().and_then(|ticket| ticket.ticket_id.parse().ok());
        let Some(ticket) = ticket else { return Ok(()) };
        match &heard.event {
            AnyEvent::TicketOpened(event) => hand_off::opened(ticket, event, heard, step),
            AnyEvent::TicketReopened(event) => hand_off::reopened(ticket, event, heard, step),
            AnyEvent::TicketReclassified(event) => change::reclassified(ticket, event, step),
            AnyEvent::TicketMoved(event) => change::moved(ticket, event, step),
            AnyEvent::TicketLinked(event) => beside::opened(ticket, event, step),
            AnyEvent::TicketLinkClosed(event) => beside::closed(ticket, event, step),
            AnyEvent::TicketClosed(event) => change::closed(ticket, event, step),
            AnyEvent::EscalationRaised(event) => change::escalated(ticket, event, step),
            // `wants` lets nothing else through.
            _ => Ok(()),
        }
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        if due.name != RETRY {
            return Ok(());
        }
        let Some(work) = step.get::<Work>(due.id)? else { return Ok(()) };
        let mut desk = Desk::take(step, work)?;
        desk.retry();
        desk.file();
        Ok(())
    }
}
