//! What the chase list says of a case. Verdicts are taken over as judged.

use proto::{
    Time,
    common::v1::TicketRef,
    sla_watchdog::v1::{
        ClockBreached, ClockExtensionAsked, ClockExtensionDecided, ClockMet, ClockPaused, ClockStarted,
        ClockVerdictCorrected, ClockWarned, EscalationRaised,
    },
};

use crate::{
    moment::Moment,
    own_time,
    row::Row,
    verdicts::{Outcome, Running, Verdict},
};

fn cycle_of(ticket: Option<&TicketRef>) -> u32 {
    ticket.map_or(0, |ticket| ticket.cycle)
}

fn run(row: &mut Row, clock: &str, instance: &str, cycle: u32, due: Option<Time>) {
    stop(row, clock, instance, cycle);
    row.clocks.push(Running { clock: clock.to_owned(), instance: instance.to_owned(), cycle, due });
}

fn stop(row: &mut Row, clock: &str, instance: &str, cycle: u32) {
    row.clocks.retain(|other| !(other.clock == clock && other.instance == instance && other.cycle == cycle));
}

/// The breach that a late doing or a correction is about: the newest of this clock.
fn standing<'a>(row: &'a mut Row, clock: &str, instance: &str, cycle: u32) -> Option<&'a mut Verdict> {
    row.verdicts.iter_mut().rev().find(|verdict| verdict.is_of(clock, instance, cycle))
}

pub(crate) fn started(row: &mut Row, event: &ClockStarted, at: Time) {
    let at = own_time(event.started_at, at);
    let cycle = cycle_of(event.ticket.as_ref());
    run(row, &event.clock, &event.instance, cycle, Time(event.due_at).set());
    row.note(Moment::new("clock.started", at, cycle).about(&event.clock));
}

pub(crate) fn paused(row: &mut Row, event: &ClockPaused, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    run(row, &event.clock, &event.instance, cycle, Time(event.due_at).set().filter(|_| !event.paused));
    let word = if event.paused { "paused" } else { "resumed" };
    row.note(Moment::new("clock.paused", at, cycle).about(&event.clock).word(word));
}

pub(crate) fn extension_asked(row: &mut Row, event: &ClockExtensionAsked, at: Time) {
    let moment = Moment::new("clock.extension_asked", at, cycle_of(event.ticket.as_ref()));
    row.note(moment.about(&event.clock).by(&event.by).word(&event.reason));
}

pub(crate) fn extension_decided(row: &mut Row, event: &ClockExtensionDecided, at: Time) {
    let moment = Moment::new("clock.extension_decided", at, cycle_of(event.ticket.as_ref()));
    let word = if event.granted { "approved" } else { "refused" };
    row.note(moment.about(&event.clock).by(&event.by).word(word));
}

pub(crate) fn warned(row: &mut Row, event: &ClockWarned, at: Time) {
    row.note(Moment::new("clock.warned", at, cycle_of(event.ticket.as_ref())).about(&event.clock));
}

/// The clock stays on the board until it is met or cancelled: it is still owed.
pub(crate) fn breached(row: &mut Row, event: &ClockBreached, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    let due = own_time(event.due_at, at);
    let holder = (!event.holder.is_empty()).then(|| event.holder.clone());
    row.verdicts.push(Verdict {
        clock: event.clock.clone(),
        instance: event.instance.clone(),
        cycle,
        outcome: Outcome::Breached,
        due,
        at: due,
        done_at: None,
        dropped_at: None,
        holder,
        corrected: false,
    });
    row.note(Moment::new("clock.breached", due, cycle).about(&event.clock).by(&event.holder));
}

pub(crate) fn met(row: &mut Row, event: &ClockMet, at: Time) {
    let at = own_time(event.met_at, at);
    let cycle = cycle_of(event.ticket.as_ref());
    stop(row, &event.clock, &event.instance, cycle);
    if event.late {
        if let Some(verdict) = standing(row, &event.clock, &event.instance, cycle) {
            verdict.done_at = Some(at);
        }
    } else {
        conclude(row, event, cycle, at);
    }
    let word = if event.cancelled {
        "cancelled"
    } else if event.late {
        "late"
    } else {
        ""
    };
    row.note(Moment::new("clock.met", at, cycle).about(&event.clock).word(word));
}

/// A clock that ends in time or without a verdict. What was missed before it
/// was cancelled stays missed, and grows no later.
fn conclude(row: &mut Row, event: &ClockMet, cycle: u32, at: Time) {
    let open_breach = standing(row, &event.clock, &event.instance, cycle)
        .filter(|verdict| verdict.outcome == Outcome::Breached && verdict.done_at.is_none());
    if let Some(verdict) = open_breach.filter(|_| event.cancelled) {
        verdict.dropped_at = Some(at);
        return;
    }
    row.verdicts.push(Verdict {
        clock: event.clock.clone(),
        instance: event.instance.clone(),
        cycle,
        outcome: if event.cancelled { Outcome::Cancelled } else { Outcome::Met },
        due: own_time(event.due_at, at),
        at,
        done_at: (!event.cancelled).then_some(at),
        dropped_at: None,
        holder: None,
        corrected: false,
    });
}

pub(crate) fn corrected(row: &mut Row, event: &ClockVerdictCorrected, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    if let Some(verdict) = standing(row, &event.clock, &event.instance, cycle) {
        verdict.corrected = true;
        verdict.outcome = match event.to.as_str() {
            "met" => Outcome::Met,
            "breached" => Outcome::Breached,
            // It should never have run, or runs on to another deadline: no verdict stands.
            _ => Outcome::Cancelled,
        };
    }
    if event.to == "met" {
        stop(row, &event.clock, &event.instance, cycle);
    }
    row.note(Moment::new("clock.verdict_corrected", at, cycle).about(&event.clock).word(&event.to));
}

pub(crate) fn escalated(row: &mut Row, event: &EscalationRaised, at: Time) {
    let cycle = cycle_of(event.ticket.as_ref());
    let moment = Moment::new("escalation.raised", at, cycle).about(&event.clock).word(&event.role);
    row.note(moment.by(event.told.first().map_or("", String::as_str)).number(event.rung.into()));
}
