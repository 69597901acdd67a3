//! Intake, the register (报修投诉处理记录表): who called, about what, how grave it is, and when it
//! may be closed. Pure: what it decides follows from its rows, the directory and the stamp.
//!
//! ```text
//! Identify -> customer (at the home of the phone) and asset id
//! Open     -> form checked, judged (category, severity, reasons) -> ticket.opened
//!                  '-> asset.complained to the asset's home -> asset.repeat_found back -> judged anew
//! work.step_done, follow_up.recorded -> answered, resolved, told      work.completed, follow_up.completed -> seals
//! work.link_asked (a step opens another case) -> ticket.opened, ticket.linked both ways      its closing -> ticket.link_closed
//! all of them on record -> ticket.closed      an unhappy call-back -> ticket.reopened: the next cycle
//! ```
//!
//! Invariants
//! * A case closes only with the seals that its playbook demands and with *answered, resolved, told* on
//!   record for the current cycle (P4); evidence of an older cycle has no effect.
//! * A person complained about neither acts on the case nor sees it (DG-03).
//! * A ticket stays inside the playbook version that it was opened under, unless an administrator moves it, which is
//!   on record with who and why.
//! * Personal text is sealed before it gets here; what is said carries codes, ids and typed facts only.
//! * One phone, one customer: both live at the hash of the phone's keyed token.

pub mod access;
pub mod allowed;
mod beside;
pub mod close;
pub mod command;
mod contact;
pub mod days;
mod duty;
pub mod form;
mod hear;
mod identify;
mod judge;
pub mod keys;
mod linked;
mod messages;
pub mod moving;
mod note;
pub mod number;
mod open;
pub mod preview;
mod reclassify;
mod reopen;
mod repeat;
pub mod state;
mod wait;

use chassis_core::{Core, Due, Halt, Heard, RowKey, Step, Table};
use proto::{Event, Service, dispatch, follow_up, intake, sla_watchdog};

pub use allowed::{Action, allowed_actions};
pub use command::{Command, Reply};
pub use state::{Asset, Counter, Customer, PhoneBook, Ticket};

/// The service's core.
pub struct Intake;

/// The events that intake acts on.
const WANTED: &[&str] = &[
    intake::v1::AssetComplained::TYPE,
    intake::v1::AssetAnswered::TYPE,
    intake::v1::AssetRepeatFound::TYPE,
    dispatch::v1::WorkStepDone::TYPE,
    dispatch::v1::WorkCompleted::TYPE,
    dispatch::v1::WorkLinkAsked::TYPE,
    follow_up::v1::FollowUpRecorded::TYPE,
    follow_up::v1::FollowUpCompleted::TYPE,
    sla_watchdog::v1::EscalationRaised::TYPE,
];

impl Core for Intake {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::Intake;
    const SOURCES: &'static [Service] = &[Service::Dispatch, Service::FollowUp, Service::SlaWatchdog];
    const TABLES: &'static [&'static Table] = state::TABLES;

    fn wants(kind: &str) -> bool {
        WANTED.contains(&kind)
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        command.keys()
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        hear::keys(heard)
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        match due.name.as_str() {
            duty::TIMER => vec![
                RowKey::of::<state::Almanac>(due.id),
                RowKey::of::<Counter>(keys::counter(due.id.shard())),
            ],
            _ => vec![RowKey::of::<Ticket>(due.id)],
        }
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        match command {
            Command::Identify(command) => identify::identify(command, step).map(Reply::Identified),
            Command::Open(command) => open::open(command, step),
            Command::PlanDuties(command) => duty::plan(command, step).map(|()| Reply::Planned),
            Command::Note(command) => note::note(command, step).map(|()| Reply::Noted),
            Command::Reclassify(command) => reclassify::reclassify(command, step).map(Reply::Reclassified),
            Command::Close(command) => close::close(command, step).map(|()| Reply::Closed),
            Command::Move(command) => moving::carry_out(command, step).map(Reply::Moved),
            Command::SetMessages(command) => messages::set(command, step).map(|()| Reply::MessagesSet),
            Command::Reopen(command) => reopen::reopen(command, step).map(|cycle| Reply::Reopened { cycle }),
        }
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        hear::hear(heard, step)
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        match due.name.as_str() {
            duty::TIMER => duty::come(due, step),
            _ => wait::expire(due, step),
        }
    }
}
