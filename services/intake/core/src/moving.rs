//! An open case goes on under another version of its rule book: the active one, by decision of an administrator, with a
//! reason on record. Intake owns a case's version and judges it anew; the other services hear `ticket.moved` and
//! compute what is theirs again. What they would make of it they answer themselves, before (`PreviewMove`).

use chassis_core::{Halt, Refusal, Step};
use organisation::Snapshot;
use playbook::Playbook;
use proto::intake::v1 as said;

use crate::{
    access, close,
    command::{Move, Moved},
    judge, note, reclassify, reopen,
    state::Ticket,
};

pub(crate) fn carry_out(command: &Move, step: &mut Step<'_>) -> Result<Moved, Halt> {
    let before: Ticket = step.need(command.ticket, "工单", "ticket")?;
    let directory = step.directory();
    access::is_administrator(directory, step.actor())?;
    access::not_barred(step.actor(), &before.barred, judge::case_type(directory, &before).ok())?;
    reopen::must_be_code("reason", &command.reason)?;
    let from = before.playbook.version;
    if directory.active_playbook(&before.playbook.id).map(|book| book.version) != Some(command.version) {
        return Err(not_active(&before, command.version).into());
    }
    let mut ticket = under(&before, command.version, directory)?;
    reclassify::look_up_anew(&mut ticket, &before.judged.category, step)?;
    say(&ticket, from, &command.reason, step);
    let moved =
        Moved { from, category: ticket.judged.category.clone(), severity: ticket.judged.severity.clone() };
    // The new version may ask for less than is on record already.
    close::settle(ticket, &before, step)?;
    Ok(moved)
}

/// The case as this version judges it; `directory` knows the version, be it active or not.
///
/// # Errors
/// Why the case cannot go on under it.
pub fn under(ticket: &Ticket, version: u32, directory: &Snapshot) -> Result<Ticket, Refusal> {
    note::must_be_open(ticket)?;
    if ticket.playbook.version >= version {
        return Err(not_newer(ticket, version));
    }
    if ticket.is_sealed() {
        return Err(work_complete(ticket));
    }
    let mut moved = ticket.clone();
    moved.playbook.version = version;
    let book = judge::rule_book(directory, &moved.playbook)?;
    let case_type = book.case_type(&ticket.case_type).ok_or_else(|| no_case_type(ticket, book))?;
    if let Some(wait) = ticket.waits.keys().find(|wait| !book.waits.contains_key(*wait)) {
        return Err(unknown_wait(ticket, book, wait));
    }
    moved.rejudge(case_type);
    Ok(moved)
}

fn say(ticket: &Ticket, from: u32, reason: &str, step: &mut Step<'_>) {
    let by = step.actor();
    let by = by.person().map_or_else(|| by.code(), str::to_owned);
    step.say(
        ticket.about(),
        said::TicketMoved {
            ticket: Some(ticket.reference()),
            from_version: from,
            reason: reason.to_owned(),
            by,
            category: ticket.judged.category.clone(),
            severity: ticket.judged.severity.clone(),
            reasons: ticket.judged.reason_codes(),
            tags: ticket.judged.tags.clone(),
            facts: organisation::facts::to_proto(&ticket.facts),
            barred: ticket.barred_codes(),
        },
    );
}

fn not_active(ticket: &Ticket, version: u32) -> Refusal {
    let id = &ticket.playbook.id;
    Refusal::precondition(
        "not-active",
        format!("规则手册 {id} 第 {version} 版不是现行版本，工单只能移到现行版本；没有任何改动。"),
        format!(
            "Version {version} of playbook {id} is not the active one, and cases are moved to that only; nothing was \
             changed."
        ),
    )
}

fn not_newer(ticket: &Ticket, version: u32) -> Refusal {
    let known = ticket.playbook.version;
    Refusal::precondition(
        "not-newer",
        format!("工单 {} 已按第 {known} 版办理，不能移到第 {version} 版。", ticket.number),
        format!("Ticket {} runs under version {known} already; it is not moved to {version}.", ticket.number),
    )
}

/// The steps that the new version adds would never be done.
fn work_complete(ticket: &Ticket) -> Refusal {
    Refusal::precondition(
        "work-complete",
        format!("工单 {} 本轮的派工已全部完成，按原版本办结。", ticket.number),
        format!(
            "The work on ticket {} is complete for this cycle: it ends under the version it has.",
            ticket.number
        ),
    )
}

fn no_case_type(ticket: &Ticket, book: &Playbook) -> Refusal {
    Refusal::precondition(
        "no-case-type",
        format!("第 {} 版没有案件类型 {}。", book.version, ticket.case_type),
        format!("Version {} has no case type `{}`.", book.version, ticket.case_type),
    )
}

fn unknown_wait(ticket: &Ticket, book: &Playbook, wait: &str) -> Refusal {
    Refusal::precondition(
        "unknown-wait",
        format!("工单 {} 正在等待 {wait}，而第 {} 版没有这种等待。", ticket.number, book.version),
        format!(
            "Ticket {} is in the wait `{wait}`, which version {} does not have.",
            ticket.number, book.version
        ),
    )
}
