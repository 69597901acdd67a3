//! Judging an open case anew: facts are added (a door is blocked on day 3), persons complained
//! about become known. The playbook's version stays. Nobody can raise the severity once dispatch has
//! sealed the cycle; what others say after that counts from the next cycle on.

use chassis_core::{Halt, Refusal, Step};
use playbook::{CaseType, Value, case::Sameness};
use proto::intake::v1 as said;

use crate::{
    access,
    command::{Reclassified, Reclassify},
    form::{self, Demand, Filled},
    hear, identify, judge, note, repeat,
    state::{Customer, Ticket},
};

pub(crate) fn reclassify(command: &Reclassify, step: &mut Step<'_>) -> Result<Reclassified, Halt> {
    let mut ticket: Ticket = step.need(command.ticket, "工单", "ticket")?;
    access::may_touch(step.directory(), step.actor(), &ticket)?;
    note::must_be_open(&ticket)?;
    check(command, &ticket, step)?;
    let before = ticket.clone();
    ticket.absorb_form(command.facts.clone());
    ticket.personal.extend(command.personal.clone());
    ticket.barred.extend(command.about_persons.iter().cloned());
    ticket.tokens = identify::sorted([ticket.tokens.as_slice(), &command.tokens].concat());
    let case_type = judge::case_type(step.directory(), &ticket)?;
    must_not_rise(&before, &ticket, case_type)?;
    let judged = ticket.rejudge(case_type);
    if judged || ticket.facts != before.facts || ticket.barred != before.barred {
        judged_anew(&mut ticket, &before.judged.category, step)?;
    }
    if ticket != before {
        step.put(&ticket);
    }
    Ok(Reclassified {
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        reasons: ticket.judged.reason_codes(),
    })
}

/// Once the work is sealed nobody would take a graver case's steps: the case would close without them.
fn must_not_rise(before: &Ticket, now: &Ticket, case_type: &CaseType) -> Result<(), Refusal> {
    let severity = now.verdict(case_type).severity;
    if !now.is_sealed() || case_type.rank(&severity) <= case_type.rank(&before.verdict(case_type).severity) {
        return Ok(());
    }
    let name = case_type.severities.iter().find(|choice| choice.code == severity).map(|choice| &choice.name);
    let (zh, en) = name.map_or((severity.as_str(), severity.as_str()), |name| (&name.zh, &name.en));
    let refusal = Refusal::precondition(
        "work-complete",
        format!(
            "工单 {} 本轮的派工已全部完成，不能再升为“{zh}”，未做任何更改。请在销项后重新打开，新一轮按新情况处理。",
            now.number
        ),
        format!(
            "The work on ticket {} is complete for this cycle, so it cannot be raised to \"{en}\" any more; nothing \
             was changed. Re-open it once it is closed: the next cycle is handled as such.",
            now.number
        ),
    );
    Err(refusal.citing(&case_type.closing.rules))
}

fn check(command: &Reclassify, ticket: &Ticket, step: &Step<'_>) -> Result<(), Halt> {
    let case_type = judge::case_type(step.directory(), ticket)?;
    let filled =
        Filled { facts: &command.facts, personal: &command.personal, about_persons: &command.about_persons };
    let mut wrong = form::check(case_type, &filled, &ticket.facts, Demand::Sent, step.directory());
    wrong.extend(form::check_persons(&command.about_persons, step.directory()));
    if command.facts.is_empty() && command.personal.is_empty() && command.about_persons.is_empty() {
        wrong.push(form::violation("form", "没有任何新内容。", "There is nothing new in it."));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid(wrong).into()) }
}

/// Says the new judgement; a new category is looked up for repeats anew, at both homes.
pub(crate) fn judged_anew(ticket: &mut Ticket, category: &str, step: &mut Step<'_>) -> Result<(), Halt> {
    look_up_anew(ticket, category, step)?;
    say(ticket, step);
    Ok(())
}

/// If the category is no longer this one.
pub(crate) fn look_up_anew(ticket: &mut Ticket, category: &str, step: &mut Step<'_>) -> Result<(), Halt> {
    if ticket.judged.category == category {
        return Ok(());
    }
    repeat_of_new_category(ticket, step)?;
    let now = ticket.judged.category.clone();
    hear::on_file(ticket, step, |entry| entry.category = now)
}

fn repeat_of_new_category(ticket: &mut Ticket, step: &mut Step<'_>) -> Result<(), Halt> {
    let directory = step.directory();
    let case_type = judge::case_type(directory, ticket)?;
    if case_type.repeat.as_ref().is_some_and(|rule| rule.by.contains(&Sameness::Asset)) {
        repeat::tell_asset(ticket, step);
    }
    let Some(customer) = ticket.customer.map(|id| step.get::<Customer>(id)).transpose()?.flatten() else {
        return Ok(());
    };
    let probe = repeat::Probe {
        playbook: &ticket.playbook.id,
        case_type,
        category: &ticket.judged.category,
        branch: &ticket.branch,
        opened_at: ticket.opened_at,
        itself: Some(ticket.id),
    };
    if let Some(earlier) = repeat::by_customer(directory, &customer, &probe) {
        ticket.link(earlier, "repeat");
        ticket.facts.set("repeat", Value::Bool(true));
        ticket.rejudge(case_type);
    }
    Ok(())
}

pub(crate) fn say(ticket: &Ticket, step: &mut Step<'_>) {
    step.say(
        ticket.about(),
        said::TicketReclassified {
            ticket: Some(ticket.reference()),
            category: ticket.judged.category.clone(),
            severity: ticket.judged.severity.clone(),
            reasons: ticket.judged.reason_codes(),
            tags: ticket.judged.tags.clone(),
            facts: organisation::facts::to_proto(&ticket.facts),
            barred: ticket.barred_codes(),
        },
    );
}
