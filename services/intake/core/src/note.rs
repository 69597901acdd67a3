//! Notes on an open case: a chaser, a contact, an internal remark, a named wait. A call about a
//! case that is still open is noted on it and is not a new complaint.

use chassis_core::{Halt, Refusal, Step};
use proto::intake::v1 as said;

use crate::{
    access,
    command::Note,
    form::violation,
    state::{self, Ticket},
    wait,
};

/// The kinds of note, `wait` apart.
pub const KINDS: &[&str] = &["chaser", "contact", "internal"];
const WAIT: &str = "wait";
/// Notes kept on one ticket: a limit that no honest case reaches.
const MOST_NOTES: usize = 1000;

pub(crate) fn note(command: &Note, step: &mut Step<'_>) -> Result<(), Halt> {
    let mut ticket: Ticket = step.need(command.ticket, "工单", "ticket")?;
    access::may_touch(step.directory(), step.actor(), &ticket)?;
    must_be_open(&ticket)?;
    check(command)?;
    if ticket.notes.len() >= MOST_NOTES {
        return Err(full().into());
    }
    if let Some(name) = &command.wait_ended {
        wait::end(&mut ticket, name)?;
    }
    if let Some(name) = &command.wait_begun {
        wait::begin(&mut ticket, name, step)?;
    }
    if command.kind == WAIT {
        wait::rearm(&ticket, step);
    }
    ticket.notes.push(state::Note {
        at: step.now(),
        actor: step.actor().code(),
        kind: command.kind.clone(),
        text: command.text.clone(),
    });
    step.put(&ticket);
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    step.say(
        ticket.about(),
        said::TicketNoted {
            ticket: Some(ticket.reference()),
            kind: command.kind.clone(),
            wait_begun: name(&command.wait_begun),
            wait_ended: name(&command.wait_ended),
        },
    );
    Ok(())
}

fn check(command: &Note) -> Result<(), Refusal> {
    let names_a_wait = command.wait_begun.is_some() || command.wait_ended.is_some();
    let mut wrong = Vec::new();
    if command.kind != WAIT && !KINDS.contains(&command.kind.as_str()) {
        wrong.push(violation(
            "kind",
            "只能是 chaser（催办）、contact（联系）、internal（内部）或 wait（等待）。",
            "One of chaser, contact, internal or wait is expected.",
        ));
    } else if (command.kind == WAIT) != names_a_wait {
        wrong.push(violation(
            "wait_begun",
            "等待类备注须写明开始或结束哪一种等待，其他备注不得写。",
            "A note of kind wait names the wait that begins or ends; other notes name none.",
        ));
    }
    if command.kind != WAIT && command.text.is_none() {
        wrong.push(violation("text", "请填写内容。", "The note has no text."));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::invalid(wrong)) }
}

pub(crate) fn must_be_open(ticket: &Ticket) -> Result<(), Refusal> {
    if ticket.is_open() {
        return Ok(());
    }
    Err(Refusal::precondition(
        "closed",
        format!("工单 {} 已销项，请先重新打开。", ticket.number),
        format!("Ticket {} is closed; re-open it first.", ticket.number),
    ))
}

fn full() -> Refusal {
    Refusal::precondition(
        "too-many-notes",
        format!("备注已达 {MOST_NOTES} 条上限。"),
        format!("The ticket holds {MOST_NOTES} notes, which is the limit."),
    )
}
