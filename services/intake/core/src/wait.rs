//! Named waits: somebody else's turn (the customer, parts, the manufacturer). A wait has an end in
//! the playbook; intake ends it then by itself, so that no case waits for ever (P9).

use chassis_core::{Due, Halt, Refusal, Step};
use proto::intake::v1 as said;

use crate::{
    days, judge,
    state::{Ticket, Wait},
};

/// One timer a ticket: its next wait to end.
const TIMER: &str = "wait";

pub(crate) fn begin(ticket: &mut Ticket, name: &str, step: &Step<'_>) -> Result<(), Refusal> {
    let directory = step.directory();
    let book = judge::rule_book(directory, &ticket.playbook)?;
    let Some(wait) = book.waits.get(name) else {
        let known: Vec<&str> = book.waits.keys().map(String::as_str).collect();
        return Err(Refusal::field(
            "wait_begun",
            format!("规则手册没有名为 {name} 的等待，可用：{}。", known.join("、")),
            format!("The playbook names no wait {name}; it knows {}.", known.join(", ")),
        ));
    };
    if ticket.waits.contains_key(name) {
        return Err(Refusal::precondition(
            "waiting",
            format!("等待 {} 已经开始。", wait.name.zh),
            format!("The wait {} is going on already.", wait.name.en),
        ));
    }
    let ends_at = days::due(directory.calendar_of(&ticket.branch), step.now(), &wait.at_most);
    ticket.waits.insert(name.to_owned(), Wait { begun_at: step.now(), ends_at });
    Ok(())
}

pub(crate) fn end(ticket: &mut Ticket, name: &str) -> Result<(), Refusal> {
    match ticket.waits.remove(name) {
        Some(_) => Ok(()),
        None => Err(Refusal::precondition(
            "not-waiting",
            format!("等待 {name} 没有在进行。"),
            format!("The wait {name} is not going on."),
        )),
    }
}

/// A closed case and a new cycle wait for nobody.
pub(crate) fn clear(ticket: &mut Ticket, step: &mut Step<'_>) {
    if !ticket.waits.is_empty() {
        ticket.waits.clear();
        rearm(ticket, step);
    }
}

pub(crate) fn rearm(ticket: &Ticket, step: &mut Step<'_>) {
    match ticket.waits.values().map(|wait| wait.ends_at).min() {
        Some(next) => step.arm(TIMER, ticket.id, next),
        None => step.disarm(TIMER, ticket.id),
    }
}

/// Ends the waits whose time is up: clocks that honoured them run on.
pub(crate) fn expire(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(mut ticket) = step.get::<Ticket>(due.id)? else { return Ok(()) };
    let now = step.now();
    let over: Vec<String> =
        ticket.waits.iter().filter(|(_, wait)| wait.ends_at <= now).map(|(name, _)| name.clone()).collect();
    for name in over {
        ticket.waits.remove(&name);
        step.say(
            ticket.about(),
            said::TicketNoted {
                ticket: Some(ticket.reference()),
                kind: "wait".to_owned(),
                wait_begun: String::new(),
                wait_ended: name,
            },
        );
    }
    rearm(&ticket, step);
    step.put(&ticket);
    Ok(())
}
