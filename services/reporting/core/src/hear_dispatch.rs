//! What the work order says of a case.

use organisation::facts::from_proto;
use proto::{
    Time,
    common::v1::TicketRef,
    dispatch::v1::{
        ApprovalAsked, ApprovalConfirmed, ApprovalDecided, ApprovalVerbal, WorkAcknowledged, WorkAssigned,
        WorkCompleted, WorkDispatched, WorkRefused, WorkStepDone, WorkStepReady, WorkWithdrawn,
    },
};

use crate::{
    moment::Moment,
    own_time,
    row::{Row, bar},
};

fn cycle_of(ticket: Option<&TicketRef>) -> u32 {
    ticket.map_or(0, |ticket| ticket.cycle)
}

/// Who has the work now. Dispatch speaks in order, so a higher cycle is a new
/// one, and a lower one is a late word about an old one.
fn held(row: &mut Row, cycle: u32, step: Option<&str>, assignee: &str, role: &str) {
    if cycle < row.work.cycle {
        return;
    }
    row.work.cycle = cycle;
    let holder = if assignee.is_empty() { role } else { assignee };
    row.work.holder = holder.to_owned();
    if let Some(step) = step {
        row.work.step = step.to_owned();
    }
}

pub(crate) fn dispatched(row: &mut Row, event: &WorkDispatched, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    held(row, cycle, Some(""), &event.assignee, &event.role);
    row.note(
        Moment::new("work.dispatched", at, cycle)
            .by(&event.assignee)
            .word(&event.unit)
            .number(event.hand_off.into()),
    );
}

pub(crate) fn acknowledged(row: &mut Row, event: &WorkAcknowledged, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    row.note(Moment::new("work.acknowledged", at, cycle).by(&event.by).number(event.hand_off.into()));
}

pub(crate) fn refused(row: &mut Row, event: &WorkRefused, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    row.note(
        Moment::new("work.refused", at, cycle)
            .by(&event.by)
            .word(&event.reason)
            .number(event.hand_off.into()),
    );
}

pub(crate) fn assigned(row: &mut Row, event: &WorkAssigned, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    held(row, cycle, Some(&event.step), &event.assignee, &event.role);
    row.note(
        Moment::new("work.assigned", at, cycle).about(&event.step).by(&event.assignee).word(&event.role),
    );
}

pub(crate) fn step_ready(row: &mut Row, event: &WorkStepReady, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    held(row, cycle, Some(&event.step), &event.assignee, &event.role);
    row.note(
        Moment::new("work.step_ready", at, cycle).about(&event.step).by(&event.assignee).word(&event.role),
    );
}

pub(crate) fn step_done(row: &mut Row, event: &WorkStepDone, at: Time) {
    let at = own_time(event.occurred_at, at);
    let cycle = cycle_of(event.ticket.as_ref());
    row.work.facts.absorb(from_proto(&event.facts));
    bar(&mut row.work.barred, &event.barred);
    row.mark(&event.marks, at);
    row.note(Moment::new("work.step_done", at, cycle).about(&event.step).by(&event.by));
}

pub(crate) fn withdrawn(row: &mut Row, event: &WorkWithdrawn, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    if cycle == row.work.cycle && row.work.holder == event.from {
        row.work.holder.clear();
    }
    row.note(Moment::new("work.withdrawn", at, cycle).about(&event.step).by(&event.from).word(&event.reason));
}

pub(crate) fn completed(row: &mut Row, event: &WorkCompleted, at: Time) {
    row.note(Moment::new("work.completed", at, cycle_of(event.ticket.as_ref())));
}

pub(crate) fn approval_asked(row: &mut Row, event: &ApprovalAsked, at: Time) {
    let moment = Moment::new("approval.asked", at, cycle_of(event.ticket.as_ref()));
    let moment = moment.about(&event.step).by(&event.requester).word(&event.role);
    row.note(match &event.amount {
        Some(amount) => moment.number(amount.minor),
        None => moment,
    });
}

pub(crate) fn approval_decided(row: &mut Row, event: &ApprovalDecided, at: Time) {
    let moment = Moment::new("approval.decided", at, cycle_of(event.ticket.as_ref()));
    row.note(moment.about(&event.step).by(&event.by).word(&event.decision).number(event.stage.into()));
}

pub(crate) fn approval_verbal(row: &mut Row, event: &ApprovalVerbal, at: Time) {
    let moment = Moment::new("approval.verbal", at, cycle_of(event.ticket.as_ref()));
    row.note(moment.about(&event.step).by(&event.by).word(&event.recorded_by).number(event.stage.into()));
}

pub(crate) fn approval_confirmed(row: &mut Row, event: &ApprovalConfirmed, at: Time) {
    let moment = Moment::new("approval.confirmed", at, cycle_of(event.ticket.as_ref()));
    row.note(moment.about(&event.step).by(&event.by).word(&event.decision).number(event.stage.into()));
}
