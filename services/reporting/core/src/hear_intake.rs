//! What the register says of a case.

use organisation::facts::from_proto;
use proto::{
    Time,
    common::v1::TicketRef,
    intake::v1::{
        TicketClosed, TicketLinked, TicketMoved, TicketNoted, TicketOpened, TicketReclassified,
        TicketReopened,
    },
};

use crate::{
    moment::Moment,
    own_time,
    row::{Row, bar},
};

/// Intake names the case: its word on branch, type and version counts.
fn placed(row: &mut Row, ticket: Option<&TicketRef>) -> u32 {
    let Some(ticket) = ticket else { return row.cycle };
    row.number.clone_from(&ticket.number);
    row.branch.clone_from(&ticket.branch);
    row.case_type.clone_from(&ticket.case_type);
    if let Some(playbook) = &ticket.playbook {
        row.playbook.clone_from(&playbook.id);
        row.version = playbook.version;
    }
    ticket.cycle
}

pub(crate) fn opened(row: &mut Row, event: &TicketOpened, at: Time) {
    let at = own_time(event.opened_at, at);
    let cycle = placed(row, event.ticket.as_ref());
    let part = &mut row.intake;
    part.opened_at = Some(at);
    part.category.clone_from(&event.category);
    part.severity.clone_from(&event.severity);
    part.channel.clone_from(&event.channel);
    part.tags.clone_from(&event.tags);
    part.reasons.clone_from(&event.reasons);
    bar(&mut part.barred, &event.barred);
    part.facts = from_proto(&event.facts);
    row.note(Moment::new("ticket.opened", at, cycle).word(&event.file_check));
}

pub(crate) fn reclassified(row: &mut Row, event: &TicketReclassified, at: Time) {
    let cycle = judged(row, event);
    row.note(Moment::new("ticket.reclassified", at, cycle).word(&event.severity));
}

pub(crate) fn moved(row: &mut Row, event: &TicketMoved, at: Time) {
    let cycle = judged(row, &event.judgement());
    row.note(Moment::new("ticket.moved", at, cycle).word(&event.reason));
}

fn judged(row: &mut Row, event: &TicketReclassified) -> u32 {
    let cycle = placed(row, event.ticket.as_ref());
    let part = &mut row.intake;
    part.category.clone_from(&event.category);
    part.severity.clone_from(&event.severity);
    part.tags.clone_from(&event.tags);
    part.reasons.clone_from(&event.reasons);
    bar(&mut part.barred, &event.barred);
    part.facts.absorb(from_proto(&event.facts));
    cycle
}

pub(crate) fn linked(row: &mut Row, event: &TicketLinked, at: Time) {
    let cycle = placed(row, event.ticket.as_ref());
    row.note(Moment::new("ticket.linked", at, cycle).word(&event.relation));
}

pub(crate) fn noted(row: &mut Row, event: &TicketNoted, at: Time) {
    let cycle = placed(row, event.ticket.as_ref());
    row.note(Moment::new("ticket.noted", at, cycle).word(&event.kind));
}

pub(crate) fn closed(row: &mut Row, event: &TicketClosed, at: Time) {
    let at = own_time(event.closed_at, at);
    let cycle = placed(row, event.ticket.as_ref());
    row.note(Moment::new("ticket.closed", at, cycle).word(&event.outcome));
}

pub(crate) fn reopened(row: &mut Row, event: &TicketReopened, at: Time) {
    let cycle = placed(row, event.ticket.as_ref());
    let part = &mut row.intake;
    part.category.clone_from(&event.category);
    part.severity.clone_from(&event.severity);
    part.tags.clone_from(&event.tags);
    bar(&mut part.barred, &event.barred);
    part.facts.absorb(from_proto(&event.facts));
    row.note(Moment::new("ticket.reopened", at, cycle).word(&event.reason));
}
