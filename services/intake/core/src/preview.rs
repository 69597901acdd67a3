//! What opening would do, with the directory at hand: nothing is written. Clocks that start with
//! the case or with its first hand-off are shown; choices by load are not foreseen.

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use playbook::CalendarOf;
use proto::Time;

use crate::{
    command::Open,
    days,
    open::{self, Draft},
    state::{Customer, Judged},
};

/// Whose calendar counts for the group's own people.
const CALL_CENTRE: &str = "call-centre";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub judged: Judged,
    /// No case would be opened: explained and done, a contact.
    pub contact: bool,
    /// The department that will handle it, and the role that receives it.
    pub unit: String,
    pub role: String,
    /// Clocks by id, with their deadlines.
    pub clocks: Vec<(String, Time)>,
}

pub fn preview(
    command: &Open,
    customer: Option<Customer>,
    actor: &Actor,
    directory: &Snapshot,
    now: Time,
) -> Result<Preview, Refusal> {
    let draft = open::draft(command, customer, actor, directory, now)?;
    let contact = !draft.is_opened();
    let route = draft.case_type.route(&draft.facts).filter(|_| !contact);
    let clocks = if contact { Vec::new() } else { clocks(&draft, directory) };
    Ok(Preview {
        contact,
        unit: route.as_ref().map(|route| route.unit.clone()).unwrap_or_default(),
        role: route.map(|route| route.receiver.role).unwrap_or_default(),
        judged: draft.judged,
        clocks,
    })
}

fn clocks(draft: &Draft<'_>, directory: &Snapshot) -> Vec<(String, Time)> {
    let facts = &draft.facts;
    let mut clocks = Vec::new();
    for clock in draft.playbook.clocks_for(&draft.case_type.id) {
        let started = ["ticket.opened", "work.dispatched"]
            .into_iter()
            .find_map(|event| clock.started_by(event, None, facts));
        let (Some(trigger), Some(limit)) = (started, clock.limit.limit(facts)) else { continue };
        let calendar = match clock.calendar {
            CalendarOf::Branch => directory.calendar_of(&draft.branch),
            CalendarOf::CallCentre => directory.calendar(CALL_CENTRE),
            CalendarOf::Wall => None,
        };
        let start = Time(trigger.instant(draft.opened_at.0, facts));
        clocks.push((clock.id.clone(), days::due(calendar, start, limit)));
    }
    clocks
}
