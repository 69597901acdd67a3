//! The staff list and the rule binder, without I/O: branches, people with
//! their roles, deputies and absences, accounts, and the versions of playbooks
//! and calendars in force.
//!
//! ```text
//! Import ------------> import.rs (node_checks, person_checks) --> node, person, account, catalogue --> directory.changed
//! ActivatePlaybook --> playbooks.rs  (loads, checks, newer?) ---> playbook  -----------------------> playbook.activated
//! ActivateCalendar --> calendars.rs  (compiles all of them) ----> calendar  -----------------------> calendar.activated
//! MoveTime ----------> time_rule.rs  (never backwards) ---------> time_rule -----------------------> time.moved
//! EndSession --------> personal.rs   (each for himself) --------> sessions     (nothing is said)
//! KeepFilter --------> personal.rs   (each for himself) --------> settings     (nothing is said)
//! ```
//!
//! Invariants
//! * One journal: everything lives in the first shard, so that a change has one place in everybody's order.
//! * What it says every reader can take in: a playbook that does not load and a calendar that does not compile
//!   never become an event, for they would stop the readers of all services.
//! * The organisation is a tree with one root in which every level stands above the next; roles point at nodes and
//!   deputies at persons that exist.
//! * Names, telephones and addresses arrive sealed; no event carries them.
//! * A record that says nothing new changes nothing and says nothing.

mod authority;
mod calendars;
mod command;
mod import;
mod level;
mod node_checks;
mod person_checks;
mod personal;
mod playbooks;
mod preview;
mod state;
mod time_rule;
mod words;

use chassis_core::{Core, Due, Halt, Heard, RowKey, Step, Table};
use proto::Service;

pub use authority::ADMINISTRATORS;
pub use command::{
    ActivateCalendar, ActivatePlaybook, BadRecord, Command, EndSession, File, Import, KeepFilter, Kept,
    MoveTime, NodeInput, PersonInput, Reply,
};
pub use level::NodeLevel;
pub use personal::{LONGEST_QUERY, MOST_FILTERS, Sessions, Settings};
pub use preview::{Change, FieldChange, How, Preview, preview};
pub use state::{
    Account, CalendarRow, Catalogue, NodeRow, PersonRow, PlaybookRow, RoleHeld, TimeRule, home, id_of,
};
pub use words::is_code;

/// The directory's core.
pub struct Directory;

impl Core for Directory {
    type Command = Command;
    type Reply = Reply;

    const SERVICE: Service = Service::Directory;
    const SOURCES: &'static [Service] = &[];
    const TABLES: &'static [&'static Table] = state::TABLES;

    /// It hears nobody: it is what the others hear.
    fn wants(_kind: &str) -> bool {
        false
    }

    fn command_keys(command: &Command) -> Vec<RowKey> {
        let mut keys = vec![RowKey::of::<Catalogue>(Catalogue::key())];
        match command {
            Command::Import(import) => keys.extend(import::keys(import)),
            Command::ActivatePlaybook(_) | Command::ActivateCalendar(_) => {}
            Command::MoveTime(_) => keys.push(RowKey::of::<TimeRule>(TimeRule::key())),
            Command::EndSession(end) => keys.push(RowKey::of::<Sessions>(Sessions::key(&end.person))),
            Command::KeepFilter(keep) => keys.push(RowKey::of::<Settings>(Settings::key(&keep.person))),
        }
        keys
    }

    fn event_keys(_heard: &Heard) -> Vec<RowKey> {
        Vec::new()
    }

    fn timer_keys(_due: &Due) -> Vec<RowKey> {
        Vec::new()
    }

    fn command(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
        let catalogue = step.get::<Catalogue>(Catalogue::key())?.unwrap_or_default();
        if !command.is_personal() {
            authority::check(step.actor(), &catalogue)?;
        }
        match command {
            Command::EndSession(end) => personal::end_session(end, step),
            Command::KeepFilter(keep) => personal::keep_filter(keep, step),
            Command::Import(import) => import::import(import, catalogue, step),
            Command::ActivatePlaybook(activate) => playbooks::activate(activate, step),
            Command::ActivateCalendar(activate) => calendars::activate(activate, catalogue, step),
            Command::MoveTime(wanted) => time_rule::move_time(wanted, step),
        }
    }

    fn event(_heard: &Heard, _step: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }

    fn timer(_due: &Due, _step: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
}
