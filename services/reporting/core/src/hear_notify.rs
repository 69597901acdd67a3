//! What became of messages about a case.

use proto::{
    Time,
    common::v1::TicketRef,
    notify::v1::{NoticeFailed, NoticeSent},
};

use crate::{moment::Moment, row::Row};

fn cycle_of(ticket: Option<&TicketRef>) -> u32 {
    ticket.map_or(0, |ticket| ticket.cycle)
}

pub(crate) fn sent(row: &mut Row, event: &NoticeSent, at: Time) {
    let moment = Moment::new("notice.sent", at, cycle_of(event.ticket.as_ref())).by(&event.recipient);
    row.note(moment.word(&event.channel));
}

pub(crate) fn failed(row: &mut Row, event: &NoticeFailed, at: Time) {
    let moment = Moment::new("notice.failed", at, cycle_of(event.ticket.as_ref())).by(&event.recipient);
    row.note(moment.word(&event.reason));
}
