//! A case that a step of another one opens: the matter goes on there, and the step waits for it. Both live at the same
//! home, that of their customer (without one: of their branch), so what one says of the other is in one order.
//!
//! What the other case's form asks for is taken over by name and kind: impersonal fields from the case and from what its
//! steps found out, personal ones as they lie sealed under the same customer. That the required ones can be filled was
//! checked when the rule book was loaded (PB0513).

use chassis_core::{Halt, Step};
use organisation::facts;
use playbook::{CaseType, Facts, Value};
use proto::{Id, dispatch::v1::WorkLinkAsked, intake::v1 as said};

use crate::{
    form, hear, judge,
    open::{self, Draft},
    state::{Customer, Judged, Link, Ticket},
};

/// Of the case whose step opened the other one.
const OPENS: &str = "opens";
/// Of the one that was opened.
const OPENED_FOR: &str = "opened_for";
/// What a case begins with, whatever it was opened for.
const BUILT_IN: &[&str] = &["brand", "source", "customer_check"];

/// `work.link_asked`: one that the same step had opened before and that is still open will do.
pub(crate) fn asked(event: &WorkLinkAsked, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(mut ticket) = hear::ticket(event.ticket.as_ref(), step)? else { return Ok(()) };
    let cycle = event.ticket.as_ref().map(|reference| reference.cycle);
    if !ticket.is_open() || Some(ticket.cycle) != cycle {
        return Ok(());
    }
    let other = match still_open(&ticket, &event.step, step)? {
        Some(other) => other,
        None => {
            let Some(draft) = draft(&ticket, event, step)? else { return Ok(()) };
            let other = open::register(draft, step)?;
            say(&other, ticket.id, OPENED_FOR, &event.step, step);
            ticket.links.push(link(other.id, OPENS, &event.step));
            step.put(&ticket);
            other.id
        }
    };
    say(&ticket, other, OPENS, &event.step, step);
    Ok(())
}

fn link(other: Id, relation: &str, of_step: &str) -> Link {
    Link { step: Some(of_step.to_owned()), ..Link::new(other, relation) }
}

fn still_open(ticket: &Ticket, of_step: &str, step: &Step<'_>) -> Result<Option<Id>, Halt> {
    let same = |link: &&Link| link.relation == OPENS && link.step.as_deref() == Some(of_step);
    for link in ticket.links.iter().rev().filter(same) {
        if step.get::<Ticket>(link.other)?.is_some_and(|other| other.is_open()) {
            return Ok(Some(link.other));
        }
    }
    Ok(None)
}

/// Under the version that is active now, if it has the type; else under the case's own.
fn draft<'a>(ticket: &Ticket, event: &WorkLinkAsked, step: &mut Step<'a>) -> Result<Option<Draft<'a>>, Halt> {
    let directory = step.directory();
    let active = directory.active_playbook(&ticket.playbook.id);
    let playbook = match active.filter(|playbook| playbook.case_type(&event.case_type).is_some()) {
        Some(active) => active,
        None => judge::rule_book(directory, &ticket.playbook)?,
    };
    let Some(case_type) = playbook.case_type(&event.case_type) else { return Ok(None) };
    let customer = match ticket.customer {
        Some(id) => step.get::<Customer>(id)?,
        None => None,
    };
    let mut known = ticket.facts.clone();
    known.absorb(facts::from_proto(&event.facts));
    let now = step.now();
    let mut draft = Draft {
        playbook,
        case_type,
        customer,
        asset: ticket.asset,
        branch: ticket.branch.clone(),
        channel: ticket.channel.clone(),
        facts: carried(&known, case_type),
        personal: ticket
            .personal
            .iter()
            .filter(|(name, _)| case_type.field(name).is_some_and(form::is_sealed))
            .map(|(name, sealed)| (name.clone(), sealed.clone()))
            .collect(),
        barred: ticket.barred.clone(),
        tokens: ticket.tokens.clone(),
        opened_at: now,
        occurred_at: None,
        file_check: ticket.file_check,
        judged: Judged::default(),
        repeats: None,
        links: vec![link(ticket.id, OPENED_FOR, &event.step)],
    };
    draft
        .facts
        .set("type", Value::code(&case_type.id))
        .set("branch", Value::code(&ticket.branch))
        .set("channel", Value::code(&ticket.channel))
        .set("opened_at", Value::Instant(now.0))
        .set("cycle", Value::Int(1))
        .set("reopened", Value::Bool(false));
    case_type.derive(&mut draft.facts);
    draft.judge(directory);
    Ok(Some(draft))
}

fn carried(known: &Facts, case_type: &CaseType) -> Facts {
    let mut facts = Facts::new();
    for field in case_type.form.iter().filter(|field| !form::is_sealed(field)) {
        for (name, _) in field.facts() {
            if let Some(value) = known.get(&name).filter(|value| field.accepts(value)) {
                facts.set(&name, value.clone());
            }
        }
    }
    for name in BUILT_IN {
        if let Some(value) = known.get(name).filter(|_| case_type.field(name).is_none()) {
            facts.set(*name, value.clone());
        }
    }
    facts
}

/// The case is closed: whoever waits for it hears of it under his own case.
pub(crate) fn closed(ticket: &Ticket, outcome: &str, step: &mut Step<'_>) -> Result<(), Halt> {
    for link in ticket.links.iter().filter(|link| link.relation == OPENED_FOR) {
        let Some(waiting) = step.get::<Ticket>(link.other)? else { continue };
        if !waiting.is_open() {
            continue;
        }
        step.say(
            waiting.about(),
            said::TicketLinkClosed {
                ticket: Some(waiting.reference()),
                other_id: ticket.id.to_string(),
                step: link.step.clone().unwrap_or_default(),
                outcome: outcome.to_owned(),
            },
        );
    }
    Ok(())
}

fn say(ticket: &Ticket, other: Id, relation: &str, of_step: &str, step: &mut Step<'_>) {
    step.say(
        ticket.about(),
        said::TicketLinked {
            ticket: Some(ticket.reference()),
            other_id: other.to_string(),
            relation: relation.to_owned(),
            step: of_step.to_owned(),
        },
    );
}
