//! Hearing intake and dispatch.

use std::{collections::BTreeSet, sync::Arc};

use chassis_core::{Halt, Heard, Refusal, RefusalKind, Step};
use playbook::{Facts, Playbook, Value};
use proto::{AnyEvent, Event, Id, Time, dispatch::v1 as work, intake::v1 as register};

use crate::{
    case::{Case, Known, Phase},
    moving, schedule, seal, series,
    signal::{Matter, Signal, ticket_id},
};

const HEARD: &[&str] = &[
    register::TicketOpened::TYPE,
    register::TicketReclassified::TYPE,
    register::TicketMoved::TYPE,
    register::TicketLinked::TYPE,
    register::TicketNoted::TYPE,
    register::TicketClosed::TYPE,
    register::TicketReopened::TYPE,
    work::WorkDispatched::TYPE,
    work::WorkAcknowledged::TYPE,
    work::WorkRefused::TYPE,
    work::WorkAssigned::TYPE,
    work::WorkStepReady::TYPE,
    work::WorkStepDone::TYPE,
    work::WorkWithdrawn::TYPE,
    work::WorkCompleted::TYPE,
    work::ApprovalAsked::TYPE,
    work::ApprovalDecided::TYPE,
    work::ApprovalVerbal::TYPE,
    work::ApprovalConfirmed::TYPE,
];

pub(crate) fn wants(kind: &str) -> bool {
    HEARD.contains(&kind)
}

pub(crate) fn hear(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(ticket) = ticket_id(heard) else {
        return Ok(());
    };
    let mut case = step.get::<Case>(ticket)?.unwrap_or_else(|| Case::new(ticket));
    let before = (case.known.clone(), case.aside.len());
    if !case.is_news(heard.at) {
        return Ok(());
    }
    match &heard.event {
        AnyEvent::TicketOpened(e) => opened(&mut case, e, heard, step)?,
        AnyEvent::TicketReclassified(e) => reclassified(&mut case, e, heard, step)?,
        AnyEvent::TicketMoved(e) => moved(&mut case, e, heard, step)?,
        AnyEvent::TicketReopened(e) => reopened(&mut case, e, heard, step)?,
        AnyEvent::TicketClosed(e) => closed(&mut case, e, heard, step)?,
        AnyEvent::TicketLinked(_) => plain::<register::TicketLinked>(&mut case, heard, step)?,
        AnyEvent::TicketNoted(_) => plain::<register::TicketNoted>(&mut case, heard, step)?,
        _ => {
            if let Some(signal) = Signal::of_work(heard) {
                take(&mut case, signal, step)?;
            }
        }
    }
    // Most of what dispatch says changes nothing here: no row is written for it.
    if (&case.known, case.aside.len()) != (&before.0, before.1) {
        step.put(&case);
    }
    Ok(())
}

fn opened(
    case: &mut Case,
    e: &register::TicketOpened,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    if case.known.is_some() {
        return Ok(());
    }
    let matter = Matter::of(e.ticket.as_ref().unwrap_or(&Default::default()));
    let mut facts = organisation::facts::from_proto(&e.facts);
    set(&mut facts, "type", &matter.case_type);
    set(&mut facts, "branch", &matter.branch);
    set(&mut facts, "channel", &e.channel);
    classify(&mut facts, &e.category, &e.severity, &e.tags);
    facts.set("cycle", Value::Int(matter.cycle.into()));
    facts.set("opened_at", Value::Instant(e.opened_at));
    let signal = Signal::new::<register::TicketOpened>(None, matter.cycle, heard.recorded_at);
    case.known = Some(Known {
        customer: e.customer_id.parse().ok(),
        barred: e.barred.iter().cloned().collect(),
        facts: facts.clone(),
        intake_facts: facts,
        matter,
        call_backs: Vec::new(),
        work_over: false,
        closed_at: None,
        round: 1,
        phase: Phase::Open,
        planned: Vec::new(),
        timer: None,
    });
    take(case, signal, step)?;
    take_up(case, step)
}

fn reclassified(
    case: &mut Case,
    e: &register::TicketReclassified,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    judged(case, e);
    plain::<register::TicketReclassified>(case, heard, step)
}

fn judged(case: &mut Case, e: &register::TicketReclassified) {
    if let Some(known) = &mut case.known {
        let mut facts = organisation::facts::from_proto(&e.facts);
        classify(&mut facts, &e.category, &e.severity, &e.tags);
        known.intake_facts.absorb(facts.clone());
        known.facts.absorb(facts);
        bar(&mut known.barred, &e.barred);
    }
}

/// The case goes on under another version of its rule book.
fn moved(case: &mut Case, e: &register::TicketMoved, heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
    let cycle = e.ticket.as_ref().map(|ticket| ticket.cycle);
    judged(case, &e.judgement());
    if let Some(known) = case.known.as_mut().filter(|known| Some(known.matter.cycle) == cycle) {
        let before = playbook_of(known, case.ticket, step)?;
        known.matter.version = e.version();
        let playbook = playbook_of(known, case.ticket, step)?;
        moving::carry_out(case.ticket, known, &before, &playbook, step);
    }
    plain::<register::TicketMoved>(case, heard, step)
}

/// A new cycle: what was open is pointless, what was answered is history.
fn reopened(
    case: &mut Case,
    e: &register::TicketReopened,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let matter = Matter::of(e.ticket.as_ref().unwrap_or(&Default::default()));
    let cycle = matter.cycle;
    let Some(known) = case.known.as_mut().filter(|known| cycle > known.matter.cycle) else {
        return Ok(());
    };
    known.cancel_open(step.now());
    let mut facts = organisation::facts::from_proto(&e.facts);
    classify(&mut facts, &e.category, &e.severity, &e.tags);
    set(&mut facts, "branch", &matter.branch);
    facts.set("cycle", Value::Int(cycle.into()));
    facts.set("reopened", Value::Bool(true));
    known.intake_facts.absorb(facts);
    known.facts = known.intake_facts.clone();
    bar(&mut known.barred, &e.barred);
    known.customer = e.customer_id.parse().ok().or(known.customer);
    known.matter = matter;
    known.work_over = false;
    known.closed_at = None;
    known.round = 1;
    known.phase = Phase::Open;
    known.planned.clear();
    series::arm(case.ticket, known, step);
    take(case, Signal::new::<register::TicketReopened>(None, cycle, heard.recorded_at), step)?;
    take_up(case, step)
}

/// Nothing more of the work comes now. If the closing demanded our seal there is nothing open;
/// if it did not, the customer is called all the same.
fn closed(
    case: &mut Case,
    e: &register::TicketClosed,
    heard: &Heard,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let cycle = e.ticket.as_ref().map_or(0, |t| t.cycle);
    let at = Time(e.closed_at).set().unwrap_or(heard.recorded_at);
    if let Some(known) = case.known.as_mut().filter(|known| known.matter.cycle == cycle) {
        known.closed_at = Some(at);
        known.work_over = true;
        if seal::is_demanded(known, &*playbook_of(known, case.ticket, step)?) {
            known.cancel_open(step.now());
        }
    }
    plain::<register::TicketClosed>(case, heard, step)
}

fn plain<E: Event>(case: &mut Case, heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
    let cycle = heard.event.ticket().map_or(0, |t| t.cycle);
    take(case, Signal::new::<E>(None, cycle, heard.recorded_at), step)
}

/// Reacts to a signal of this cycle; keeps one of a cycle to come; an older one has no effect.
fn take(case: &mut Case, signal: Signal, step: &mut Step<'_>) -> Result<(), Halt> {
    let ticket = case.ticket;
    if let Some(known) = &mut case.known {
        // The case's, not the cycle's.
        bar(&mut known.barred, &signal.barred);
    }
    match &mut case.known {
        Some(known) if signal.cycle == known.matter.cycle => {
            let playbook = playbook_of(known, ticket, step)?;
            react(ticket, known, &playbook, &signal, step);
            seal::if_over(ticket, known, &playbook, step);
        }
        Some(known) if signal.cycle < known.matter.cycle => {}
        _ => case.aside.push(signal),
    }
    Ok(())
}

/// Takes up, in its order, what came before its cycle was known.
fn take_up(case: &mut Case, step: &mut Step<'_>) -> Result<(), Halt> {
    for signal in std::mem::take(&mut case.aside) {
        take(case, signal, step)?;
    }
    Ok(())
}

fn react(ticket: Id, known: &mut Known, playbook: &Playbook, signal: &Signal, step: &mut Step<'_>) {
    known.facts.absorb(signal.facts.clone());
    if let Some(case_type) = playbook.case_type(&known.matter.case_type) {
        case_type.derive(&mut known.facts);
    }
    observe(known, playbook, signal);
    known.work_over |= signal.name == work::WorkCompleted::NAME;
    schedule::after(ticket, known, playbook, signal, step);
}

/// Keeps the fact `done`, which triggers may read.
fn observe(known: &mut Known, playbook: &Playbook, signal: &Signal) {
    let Some(case_type) = playbook.case_type(&known.matter.case_type).filter(|_| !signal.in_between) else {
        return;
    };
    let mut facts = signal.seen_with(&known.facts);
    case_type.observe(&signal.name, signal.subject.as_deref(), &mut facts);
    facts.remove("outcome");
    known.facts = facts;
}

/// The rule book that the ticket was opened under. It was in the directory before the ticket
/// was, so its absence is a fault: the input is set aside for a person.
pub(crate) fn playbook_of(known: &Known, ticket: Id, step: &Step<'_>) -> Result<Arc<Playbook>, Halt> {
    let (id, version) = (&known.matter.playbook, known.matter.version);
    step.directory().playbook(id, version).cloned().ok_or_else(|| {
        Refusal::new(
            RefusalKind::Internal,
            "no-playbook",
            format!("工单 {ticket} 的规则书 {id} 第 {version} 版不在目录中。"),
            format!("The playbook {id} version {version} of ticket {ticket} is not in the directory."),
        )
        .into()
    })
}

fn classify(facts: &mut Facts, category: &str, severity: &str, tags: &[String]) {
    set(facts, "category", category);
    set(facts, "severity", severity);
    facts.set("tags", Value::Codes(tags.to_vec()));
}

fn set(facts: &mut Facts, name: &str, code: &str) {
    if !code.is_empty() {
        facts.set(name, Value::code(code));
    }
}

/// A bar is never lifted by an event that does not repeat it.
fn bar(barred: &mut BTreeSet<String>, more: &[String]) {
    barred.extend(more.iter().cloned());
}
