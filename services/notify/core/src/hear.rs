//! Hearing the other services.

use std::{collections::BTreeSet, sync::Arc};

use chassis_core::{Halt, Heard, Refusal, RefusalKind, Step};
use organisation::Snapshot;
use playbook::{Facts, Playbook, Value};
use proto::{AnyEvent, Event, Id, intake::v1 as register, sla_watchdog::v1::ClockVerdictCorrected};

use crate::{
    case::{Case, Known},
    due, queue,
    signal::{Matter, Move, Signal, ticket_id},
};

pub(crate) fn hear(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
    let (Some(ticket), Some(mut signal)) = (ticket_id(heard), Signal::of(heard)) else {
        return Ok(());
    };
    let mut case = step.get::<Case>(ticket)?.unwrap_or_else(|| Case::new(ticket));
    let before = (case.known.clone(), case.aside.len());
    if !case.is_news(heard.at) {
        return Ok(());
    }
    match &heard.event {
        AnyEvent::TicketOpened(e) => opened(&mut case, e, &heard.actor),
        AnyEvent::TicketReclassified(e) => reclassified(&mut case, e),
        AnyEvent::TicketMoved(e) => moved(&mut case, e),
        AnyEvent::TicketReopened(e) => reopened(&mut case, e),
        _ => {}
    }
    if let AnyEvent::TicketReclassified(_) | AnyEvent::TicketMoved(_) = &heard.event {
        derive(&mut case, step.directory())?;
        signal.changed = Some(changed(before.0.as_ref(), case.known.as_ref()));
    }
    let mut told = take(&mut case, signal, step)?;
    if matches!(heard.event, AnyEvent::TicketOpened(_) | AnyEvent::TicketReopened(_)) {
        for early in std::mem::take(&mut case.aside) {
            told += take(&mut case, early, step)?;
        }
    }
    // Much of what is heard changes nothing here: no row is written for it.
    if told > 0 || (&case.known, case.aside.len()) != (&before.0, before.1) {
        step.put(&case);
    }
    Ok(())
}

/// What follows from the new facts has changed with them.
fn derive(case: &mut Case, directory: &Snapshot) -> Result<(), Halt> {
    let ticket = case.ticket;
    let Some(known) = &mut case.known else { return Ok(()) };
    let playbook = playbook_of(&known.matter, ticket, directory)?;
    if let Some(case_type) = playbook.case_type(&known.matter.case_type) {
        case_type.derive(&mut known.facts);
    }
    Ok(())
}

fn opened(case: &mut Case, e: &register::TicketOpened, actor: &str) {
    if case.known.is_some() {
        return;
    }
    let matter = Matter::of(e.ticket.as_ref().unwrap_or(&Default::default()));
    let mut facts = organisation::facts::from_proto(&e.facts);
    set(&mut facts, "type", &matter.case_type);
    set(&mut facts, "branch", &matter.branch);
    set(&mut facts, "channel", &e.channel);
    classify(&mut facts, &e.category, &e.severity, &e.tags);
    facts.set("cycle", Value::Int(matter.cycle.into()));
    facts.set("opened_at", Value::Instant(e.opened_at));
    case.known = Some(Known {
        customer: e.customer_id.parse().ok(),
        barred: e.barred.iter().cloned().collect(),
        facts: facts.clone(),
        intake_facts: facts,
        reasons: e.reasons.clone(),
        taker: actor.strip_prefix("person:").map(str::to_owned),
        holder: None,
        step_holders: Default::default(),
        requesters: Default::default(),
        matter,
    });
}

fn reclassified(case: &mut Case, e: &register::TicketReclassified) {
    let Some(known) = &mut case.known else { return };
    let mut facts = organisation::facts::from_proto(&e.facts);
    classify(&mut facts, &e.category, &e.severity, &e.tags);
    known.intake_facts.absorb(facts.clone());
    known.facts.absorb(facts);
    known.reasons.clone_from(&e.reasons);
    // A bar is never lifted by an event that does not repeat it.
    known.barred.extend(e.barred.iter().cloned());
}

/// What is told from here on is told in the words of the new version.
fn moved(case: &mut Case, e: &register::TicketMoved) {
    if let Some(known) = &mut case.known {
        known.matter.version = e.version();
    }
    reclassified(case, &e.judgement());
}

/// A new cycle: answers and holders of the one before are history.
fn reopened(case: &mut Case, e: &register::TicketReopened) {
    let matter = Matter::of(e.ticket.as_ref().unwrap_or(&Default::default()));
    let Some(known) = case.known.as_mut().filter(|known| matter.cycle > known.matter.cycle) else {
        return;
    };
    let mut facts = organisation::facts::from_proto(&e.facts);
    classify(&mut facts, &e.category, &e.severity, &e.tags);
    set(&mut facts, "branch", &matter.branch);
    facts.set("cycle", Value::Int(matter.cycle.into()));
    facts.set("reopened", Value::Bool(true));
    known.intake_facts.absorb(facts);
    known.facts = known.intake_facts.clone();
    known.barred.extend(e.barred.iter().cloned());
    known.customer = e.customer_id.parse().ok().or(known.customer);
    known.matter = matter;
    known.forget_holders();
}

/// Reacts to a signal of this cycle; keeps one of a cycle to come. An older one has no effect,
/// except a corrected verdict: who was told of the wrong one is told, whatever has come since.
fn take(case: &mut Case, mut signal: Signal, step: &mut Step<'_>) -> Result<usize, Halt> {
    let ticket = case.ticket;
    if let Some(known) = &mut case.known {
        // A bar is the case's, not the cycle's, and counts for the very event that says it.
        known.barred.extend(std::mem::take(&mut signal.barred));
    }
    match &mut case.known {
        Some(known) if signal.cycle == known.matter.cycle => {
            let playbook = playbook_of(&known.matter, ticket, step.directory())?;
            known.facts.absorb(signal.facts.clone());
            observe(known, &playbook, &signal);
            shift(known, &signal.moves);
            signal.due_at =
                signal.due_at.or_else(|| due::of_approval(known, &playbook, &signal, step.directory()));
            Ok(queue::tell(ticket, known, &playbook, &signal, step))
        }
        Some(known) if signal.cycle < known.matter.cycle => {
            let corrected = signal.name == ClockVerdictCorrected::NAME;
            Ok(if corrected { queue::tell_found(ticket, known, &signal, step) } else { 0 })
        }
        _ => {
            case.aside.push(signal);
            Ok(0)
        }
    }
}

/// Names of the facts that are not what they were.
fn changed(before: Option<&Known>, after: Option<&Known>) -> BTreeSet<String> {
    let (Some(before), Some(after)) = (before, after) else { return BTreeSet::new() };
    let differs = |name: &str| before.facts.get(name) != after.facts.get(name);
    after.facts.iter().map(|(name, _)| name).filter(|name| differs(name)).map(str::to_owned).collect()
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

/// Who holds what, from now on.
fn shift(known: &mut Known, moves: &Move) {
    match moves {
        Move::Nothing => {}
        Move::Work(holder) => known.holder.clone_from(holder),
        Move::Step { step, holder } => {
            hand(known, step, holder);
        }
        Move::Asked { step, approver, requester } => {
            hand(known, step, approver);
            if !requester.is_empty() {
                known.requesters.insert(step.clone(), requester.clone());
            }
        }
        Move::Withdrawn { step, from } => {
            known
                .step_holders
                .retain(|held, holder| holder != from || step.as_ref().is_some_and(|s| s != held));
            if step.is_none() && known.holder.as_ref() == Some(from) {
                known.holder = None;
            }
        }
    }
}

fn hand(known: &mut Known, step: &str, holder: &str) {
    if holder.is_empty() {
        known.step_holders.remove(step);
    } else {
        known.step_holders.insert(step.to_owned(), holder.to_owned());
    }
}

/// The rule book that the ticket was opened under. It was in the directory before the ticket
/// was, so its absence is a fault: the input is set aside for a person.
pub(crate) fn playbook_of(
    matter: &Matter,
    ticket: Id,
    directory: &Snapshot,
) -> Result<Arc<Playbook>, Refusal> {
    let (id, version) = (&matter.playbook, matter.version);
    directory.playbook(id, version).cloned().ok_or_else(|| {
        Refusal::new(
            RefusalKind::Internal,
            "no-playbook",
            format!("工单 {ticket} 的规则书 {id} 第 {version} 版不在目录中。"),
            format!("The playbook {id} version {version} of ticket {ticket} is not in the directory."),
        )
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
