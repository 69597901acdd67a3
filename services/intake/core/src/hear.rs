//! What other services say about a case: evidence that it was answered, resolved and told, the
//! seals of its cycle, and rungs that raise it. Evidence of an older cycle has no effect; evidence
//! that comes twice, or in another order across sources, ends in the same state.

use chassis_core::{Halt, Heard, Refusal, RefusalKind, RowKey, Step};
use playbook::Mark;
use proto::{
    AnyEvent, Id, Time, common::v1::TicketRef, dispatch::v1 as dispatch, follow_up::v1 as follow_up,
    sla_watchdog::v1 as watchdog,
};

use crate::{
    beside, close, judge, reclassify, repeat,
    state::{Asset, Customer, Floor, FollowUpSeal, Ticket, Why},
};

pub(crate) fn keys(heard: &Heard) -> Vec<RowKey> {
    let asset = |text: &str| text.parse().ok().map(RowKey::of::<Asset>);
    let key = match &heard.event {
        AnyEvent::AssetComplained(event) => asset(&event.asset_id),
        AnyEvent::AssetAnswered(event) => asset(&event.asset_id),
        other => other.ticket().and_then(|ticket| ticket.ticket_id.parse().ok()).map(RowKey::of::<Ticket>),
    };
    key.into_iter().collect()
}

pub(crate) fn hear(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
    let at = heard.recorded_at;
    match &heard.event {
        AnyEvent::AssetComplained(event) => repeat::complained(event, step),
        AnyEvent::AssetAnswered(event) => repeat::answered(event, step),
        AnyEvent::AssetRepeatFound(event) => repeat::found(event, step),
        AnyEvent::WorkStepDone(event) => step_done(event, at, step),
        AnyEvent::WorkCompleted(event) => work_completed(event, at, step),
        AnyEvent::WorkLinkAsked(event) => beside::asked(event, step),
        AnyEvent::FollowUpRecorded(event) => call_recorded(event, at, step),
        AnyEvent::FollowUpCompleted(event) => follow_up_completed(event, at, step),
        AnyEvent::EscalationRaised(event) => raised(event, step),
        // Not wanted (see `Core::wants`): nothing here depends on it.
        _ => Ok(()),
    }
}

fn step_done(event: &dispatch::WorkStepDone, at: Time, step: &mut Step<'_>) -> Result<(), Halt> {
    bar(event, step)?;
    let Some(before) = current(event.ticket.as_ref(), step)? else { return Ok(()) };
    let mut ticket = before.clone();
    let done_at = Time(event.occurred_at).set().unwrap_or(at);
    if ticket.is_open() {
        let case_type = judge::case_type(step.directory(), &ticket)?;
        ticket.absorb_step(organisation::facts::from_proto(&event.facts), case_type);
        if ticket.rejudge(case_type) {
            reclassify::judged_anew(&mut ticket, &before.judged.category, step)?;
        }
    }
    mark(&mut ticket, &event.marks, done_at, step)?;
    close::settle(ticket, &before, step)
}

/// Who is barred in a step is barred from the case: for every cycle, and for every service, which
/// hear of bars from here (DG-03).
fn bar(event: &dispatch::WorkStepDone, step: &mut Step<'_>) -> Result<(), Halt> {
    if event.barred.is_empty() {
        return Ok(());
    }
    let Some(mut ticket) = ticket(event.ticket.as_ref(), step)? else { return Ok(()) };
    let known = ticket.barred.len();
    ticket.barred.extend(event.barred.iter().cloned());
    if ticket.barred.len() > known {
        reclassify::say(&ticket, step);
        step.put(&ticket);
    }
    Ok(())
}

fn work_completed(event: &dispatch::WorkCompleted, at: Time, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(before) = current(event.ticket.as_ref(), step)? else { return Ok(()) };
    let mut ticket = before.clone();
    ticket.progress_mut().work.get_or_insert(at);
    close::settle(ticket, &before, step)
}

fn call_recorded(event: &follow_up::FollowUpRecorded, at: Time, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(before) = current(event.ticket.as_ref(), step)? else { return Ok(()) };
    let mut ticket = before.clone();
    mark(&mut ticket, &event.marks, at, step)?;
    close::settle(ticket, &before, step)
}

fn follow_up_completed(
    event: &follow_up::FollowUpCompleted,
    at: Time,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let Some(before) = current(event.ticket.as_ref(), step)? else { return Ok(()) };
    // A further round: calls after the seal, those of a series above all. Only what they want done is news.
    let known = before.progress().follow_up.as_ref();
    if known.is_some_and(|seal| event.consequence.is_empty() || seal.at >= at) {
        return Ok(());
    }
    let mut ticket = before.clone();
    ticket.progress_mut().follow_up =
        Some(FollowUpSeal { at, outcome: event.outcome.clone(), consequence: event.consequence.clone() });
    close::consequence(ticket, &before, step)
}

/// A rung of a ladder may raise the severity; what it raises to stands in the playbook.
fn raised(event: &watchdog::EscalationRaised, step: &mut Step<'_>) -> Result<(), Halt> {
    if event.action != "raise" {
        return Ok(());
    }
    let Some(mut ticket) = current(event.ticket.as_ref(), step)?.filter(Ticket::is_open) else {
        return Ok(());
    };
    let book = judge::rule_book(step.directory(), &ticket.playbook)?;
    let rung = (event.rung as usize).checked_sub(1);
    let severity =
        book.clock(&event.clock).zip(rung).and_then(|(clock, rung)| clock.ladder.get(rung)?.raise.clone());
    let Some(severity) = severity else { return Ok(()) };
    let case_type = judge::case_type(step.directory(), &ticket)?;
    let why = Why {
        code: "escalated".to_owned(),
        rule: None,
        zh: format!("时限 {} 逾期，升级至第 {} 级", event.clock, event.rung),
        en: format!("clock {} ran out and rung {} was reached", event.clock, event.rung),
    };
    ticket.raise(Floor { severity, why }, case_type);
    if ticket.rejudge(case_type) {
        reclassify::say(&ticket, step);
    }
    step.put(&ticket);
    Ok(())
}

/// Puts marks on record, each with the time at which it was first established.
fn mark(ticket: &mut Ticket, marks: &[String], at: Time, step: &mut Step<'_>) -> Result<(), Halt> {
    for mark in marks.iter().filter_map(|code| close::mark(code)) {
        if ticket.progress().marks.contains_key(&mark) {
            continue;
        }
        ticket.progress_mut().marks.insert(mark, at);
        if mark == Mark::Answered {
            answered(ticket, at, step)?;
        }
    }
    Ok(())
}

/// From here a new complaint about the same matter is a repeat; one that came in between is
/// one too, if the word of the answer was late.
fn answered(ticket: &Ticket, at: Time, step: &mut Step<'_>) -> Result<(), Halt> {
    repeat::tell_answered(ticket, at, step);
    on_file(ticket, step, |entry| {
        entry.answered_at.get_or_insert(at);
    })?;
    let Some(customer) = ticket.customer.map(|id| step.get::<Customer>(id)).transpose()?.flatten() else {
        return Ok(());
    };
    for newer in repeat::repeats_of(step.directory(), &customer, ticket.id, step)? {
        repeat::is_repeat(newer, ticket.id, step)?;
    }
    Ok(())
}

/// Changes what the customer's file remembers of this case.
pub(crate) fn on_file(
    ticket: &Ticket,
    step: &mut Step<'_>,
    change: impl FnOnce(&mut crate::state::CustomerTicket),
) -> Result<(), Halt> {
    let Some(id) = ticket.customer else { return Ok(()) };
    if let Some(mut customer) = step.get::<Customer>(id)?
        && let Some(entry) = customer.ticket_mut(ticket.id)
    {
        change(entry);
        step.put(&customer);
    }
    Ok(())
}

/// The ticket, if the event is about its current cycle.
fn current(reference: Option<&TicketRef>, step: &Step<'_>) -> Result<Option<Ticket>, Halt> {
    let cycle = reference.map(|reference| reference.cycle);
    Ok(ticket(reference, step)?.filter(|ticket| Some(ticket.cycle) == cycle))
}

/// The ticket of an event; `None` for one that has left the hot tables.
pub(crate) fn ticket(reference: Option<&TicketRef>, step: &Step<'_>) -> Result<Option<Ticket>, Halt> {
    step.get(id(&self::reference(reference)?.ticket_id)?)
}

pub(crate) fn reference(reference: Option<&TicketRef>) -> Result<&TicketRef, Halt> {
    reference.ok_or_else(|| malformed("ticket").into())
}

pub(crate) fn id(text: &str) -> Result<Id, Halt> {
    text.parse().map_err(|_| malformed("id").into())
}

/// A fault of its source: the event is set aside with this reason.
fn malformed(what: &str) -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "malformed-event",
        format!("事件缺少有效的 {what}。"),
        format!("The event has no valid {what}."),
    )
}
