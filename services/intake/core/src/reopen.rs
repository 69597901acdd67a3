//! Opening again: a new cycle, whose evidence starts from nothing. Earlier cycles stay on record.

use chassis_core::{Halt, Refusal, Step};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Value};
use proto::{Time, intake::v1 as said};

use crate::{
    access,
    command::Reopen,
    days, hear, judge,
    state::{Floor, PastCycle, Progress, State, Ticket, Why},
    wait,
};

/// Longest code that a reason or an outcome may be.
const LONGEST_CODE: usize = 40;

pub(crate) fn reopen(command: &Reopen, step: &mut Step<'_>) -> Result<u32, Halt> {
    let ticket: Ticket = step.need(command.ticket, "工单", "ticket")?;
    access::may_touch(step.directory(), step.actor(), &ticket)?;
    must_be_code("reason", &command.reason)?;
    let case_type = judge::case_type(step.directory(), &ticket)?;
    if let Some(refusal) = refusal(&ticket, case_type, step.directory(), step.now()) {
        return Err(refusal.into());
    }
    let cycle = ticket.cycle + 1;
    next_cycle(ticket, &command.reason, step)?;
    Ok(cycle)
}

/// Why a person cannot open it again now.
pub(crate) fn refusal(
    ticket: &Ticket,
    case_type: &CaseType,
    directory: &Snapshot,
    now: Time,
) -> Option<Refusal> {
    if ticket.is_open() {
        return Some(Refusal::precondition(
            "open",
            format!("工单 {} 尚未销项，请在其上登记备注。", ticket.number),
            format!("Ticket {} is still open; note the contact on it.", ticket.number),
        ));
    }
    if in_window(ticket, case_type, directory, now) {
        return None;
    }
    let days = case_type.closing.reopen_days;
    let refusal = Refusal::precondition(
        "reopen-window",
        format!("销项已超过 {days} 天，请另立关联工单。"),
        format!("It was closed more than {days} days ago; open a linked ticket instead."),
    );
    Some(refusal.citing(&case_type.closing.rules))
}

pub(crate) fn in_window(ticket: &Ticket, case_type: &CaseType, directory: &Snapshot, now: Time) -> bool {
    ticket.closed_at().is_some_and(|closed| {
        days::within(directory, &ticket.branch, closed, now, case_type.closing.reopen_days)
    })
}

/// Begins the next cycle, of an open case (an unhappy call-back) or of a closed one.
pub(crate) fn next_cycle(mut ticket: Ticket, reason: &str, step: &mut Step<'_>) -> Result<(), Halt> {
    let now = step.now();
    let was_closed = !ticket.is_open();
    ticket.past.push(PastCycle {
        cycle: ticket.cycle,
        progress: ticket.progress().clone(),
        ended_at: ticket.closed_at().unwrap_or(now),
        reason: reason.to_owned(),
    });
    ticket.cycle += 1;
    ticket.state = State::Open(Progress::new(now));
    wait::clear(&mut ticket, step);
    ticket.facts.set("cycle", Value::Int(ticket.cycle.into())).set("reopened", Value::Bool(true));
    let case_type = judge::case_type(step.directory(), &ticket)?;
    // The steps begin anew, but a case does not get lighter by coming back.
    ticket.step_facts = Facts::new();
    ticket.raise(Floor { severity: ticket.judged.severity.clone(), why: carried_over() }, case_type);
    ticket.rejudge(case_type);
    if was_closed {
        hear::on_file(&ticket, step, |entry| entry.closed = false)?;
    }
    step.put(&ticket);
    step.say(ticket.about(), reopened(&ticket, reason));
    Ok(())
}

fn carried_over() -> Why {
    Why {
        code: "carried_over".to_owned(),
        rule: None,
        zh: "沿用上一轮的严重程度".to_owned(),
        en: "the severity of the cycle before holds".to_owned(),
    }
}

fn reopened(ticket: &Ticket, reason: &str) -> said::TicketReopened {
    said::TicketReopened {
        ticket: Some(ticket.reference()),
        reason: reason.to_owned(),
        category: ticket.judged.category.clone(),
        severity: ticket.judged.severity.clone(),
        facts: organisation::facts::to_proto(&ticket.facts),
        barred: ticket.barred_codes(),
        tags: ticket.judged.tags.clone(),
        customer_id: ticket.customer.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// Reasons and outcomes are said in events: codes, never free text, which may be personal.
pub(crate) fn must_be_code(field: &str, text: &str) -> Result<(), Refusal> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    if !text.is_empty() && text.len() <= LONGEST_CODE && text.chars().all(plain) {
        return Ok(());
    }
    Err(Refusal::field(
        field,
        format!("请填写代码（小写字母、数字、- 和 _，最多 {LONGEST_CODE} 个字符），说明文字请写在备注里。"),
        format!(
            "A code is expected (lower-case letters, digits, - and _, at most {LONGEST_CODE}); words belong in a note."
        ),
    ))
}
