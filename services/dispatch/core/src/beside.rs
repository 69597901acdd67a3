//! Steps that open another case: asked of whoever hears it, done when that case is closed (or as soon as it is opened, if
//! the rule book does not wait). A step that has fields or proofs besides is reported from then on.

use chassis_core::{Halt, Step};
use organisation::facts;
use playbook::Step as PlaybookStep;
use proto::{Id, dispatch::v1 as said, intake::v1 as intake};

use crate::{change, command::Report, desk::Desk, steps::Doing};

/// How intake calls the link from the case whose step it is.
const OPENS: &str = "opens";

impl Desk<'_, '_> {
    /// Says which case the step wants.
    pub fn ask_for_a_case(&mut self, rule: &PlaybookStep) {
        let Some(opens) = &rule.opens else { return };
        let event = said::WorkLinkAsked {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            step: rule.id.clone(),
            case_type: opens.case_type.clone(),
            facts: facts::to_proto(&self.work.facts),
        };
        self.say(event);
    }

    fn over(&mut self, step: &str) {
        let Some(beside) = self.work.open.get_mut(step).and_then(|open| open.beside.as_mut()) else { return };
        beside.over = true;
        let Some(rule) = self.rules.case_type.step(step) else { return };
        let reported = !rule.fields.is_empty() || !rule.proofs.is_empty();
        if !reported {
            let by = self.work.open.get(step).and_then(|open| open.assignee.clone()).unwrap_or_default();
            self.finish(rule, Doing { by, report: Report::default() });
        }
    }
}

/// `ticket.linked`: the case that a step asked for is there.
pub(crate) fn opened(ticket: Id, event: &intake::TicketLinked, step: &mut Step<'_>) -> Result<(), Halt> {
    if event.relation != OPENS {
        return Ok(());
    }
    let cycle = event.ticket.as_ref().map(|ticket| ticket.cycle);
    let Some(mut desk) = change::of_cycle(ticket, cycle, step)? else { return Ok(()) };
    let beside = desk.work.open.get_mut(&event.step).and_then(|open| open.beside.as_mut());
    let Some(beside) = beside.filter(|beside| beside.other.is_none()) else { return Ok(()) };
    beside.other = event.other_id.parse().ok();
    let opens = desk.rules.case_type.step(&event.step).and_then(|rule| rule.opens.as_ref());
    if opens.is_some_and(|opens| !opens.wait) {
        desk.over(&event.step);
    }
    desk.file();
    Ok(())
}

/// `ticket.link_closed`: what the step waited for is over.
pub(crate) fn closed(ticket: Id, event: &intake::TicketLinkClosed, step: &mut Step<'_>) -> Result<(), Halt> {
    let cycle = event.ticket.as_ref().map(|ticket| ticket.cycle);
    let Some(mut desk) = change::of_cycle(ticket, cycle, step)? else { return Ok(()) };
    let other: Option<Id> = event.other_id.parse().ok();
    let waits = desk.work.open.get(&event.step).and_then(|open| open.beside.as_ref());
    if waits.is_none_or(|beside| beside.other != other || beside.over) {
        return Ok(());
    }
    desk.over(&event.step);
    desk.file();
    Ok(())
}
