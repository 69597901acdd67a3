//! The chase list (跟进): whether anything is late. Nobody else judges lateness.
//!
//! A deadline is never stored and patched. A case keeps its *evidence*, everything heard that bears on its clocks, in
//! the order in which it happened; what the clocks are is folded from it again with every input, and what has been
//! said so far (the *ledger*) is brought up to that:
//!
//! ```text
//! intake, dispatch, follow-up --Signal--> evidence of the case, by time
//!                                             | fold (playbook, calendars)
//!                                             v
//!   ledger: what was said  <--- judge ---  runs: start, limit, pauses, due, end
//!        |                        |
//!        v                        +--> clock.*, escalation.raised      timer "clocks": the next moment of any of them
//! ```
//!
//! Invariants
//! * The order in which sources are heard makes no difference to a verdict: the fold sorts by time. What could still
//!   be changed by something unheard (a warning, a breach, a rung, the end of a cycle) is said by the timer only,
//!   and the timer fires when every source has passed its moment.
//! * One timer per case, one step of judging up to its moment and never beyond: what lies between that moment and
//!   now may not have been heard yet.
//! * Of one run of a clock: `clock.started`, `clock.breached` and every rung at most once, rungs in order.
//! * Evidence that comes after a verdict never erases it: `clock.verdict_corrected` says so to everybody told.
//! * A case that is moved to another version of its rule book keeps what was judged before; clocks that run on keep
//!   their start, and what the new version has besides counts from where it would have begun.
//! * What was judged keeps the calendar version that it was judged under.
//! * The due instant itself is in time (A-04).

#![allow(clippy::result_large_err, reason = "`Halt` and `Refusal` are the chassis' contract")]

mod book;
mod calendars;
mod case;
mod command;
mod extend;
mod fold;
mod instance;
mod judge;
mod ledger;
mod moving;
mod recipients;
mod replay;
mod run;
mod say;
mod signal;
mod timeline;
mod waits;

use chassis_core::{Core, Due, Halt, Heard, Refusal, RefusalKind, RowKey, Step, Table};
use proto::{Id, Service};

pub use calendars::in_force as calendars_in_force;
pub use case::{Case, PastCycle, may_see, uncovered};
pub use command::{AskExtension, Command, DecideExtension, Reply};
pub use ledger::{Correction, Decision, Ended, Extended, How, Ledger, RungFired, Span, State};
pub use moving::{Change, Difference, preview};
pub use replay::{Replay, Verdict};

/// The one timer of a case.
pub const TIMER: &str = "clocks";

/// The watchdog's core.
pub struct Watchdog;

impl Core for Watchdog {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::SlaWatchdog;
    const SOURCES: &'static [Service] = &[Service::Intake, Service::Dispatch, Service::FollowUp];
    const TABLES: &'static [&'static Table] = &[&case::CASES];
    const JUDGES: bool = true;

    fn wants(kind: &str) -> bool {
        signal::is_heard(kind)
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        vec![RowKey::of::<Case>(command.ticket())]
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        ticket_of(heard).map(RowKey::of::<Case>).into_iter().collect()
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Case>(due.id)]
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        command::carry_out(command, step)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        let Some(mut signal) = signal::Signal::of(heard) else { return Ok(()) };
        let id = ticket_of(heard).ok_or_else(|| no_ticket(heard))?;
        let mut case = step.get::<Case>(id)?.unwrap_or_else(|| Case::unheard(id));
        let news = case.learn(&mut signal);
        let matters = case.cycle == 0 || book::Book::of(&case, step.directory())?.cares(&signal);
        let Some(ticket) = heard.event.ticket() else { return Ok(()) };
        // What no clock reacts to is kept all the same: one of another version may, and the case be moved to it.
        let taken = case.take(signal, ticket);
        if taken && matters {
            judge::settle(&mut case, &[], false, step)?;
        }
        if taken || news {
            step.put(&case);
        }
        Ok(())
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        let Some(mut case) = step.get::<Case>(due.id)? else { return Ok(()) };
        case.judged = case.judged.max(due.due);
        judge::settle(&mut case, &due.silent, true, step)?;
        step.put(&case);
        Ok(())
    }
}

fn ticket_of(heard: &Heard) -> Option<Id> {
    heard.event.ticket()?.ticket_id.parse().ok()
}

/// Every event that bears on a clock names its ticket; one that does not is a fault of its source.
fn no_ticket(heard: &Heard) -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "no-ticket",
        format!("{} 处的事件没有注明案件。", heard.at),
        format!("The event at {} names no ticket.", heard.at),
    )
}
