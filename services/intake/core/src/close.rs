//! Closing (销项). It happens by itself as soon as everything is on record; a person who asks for
//! it learns what is missing. 有求必应，有应必解，有解必答 (P4).

use chassis_core::{Halt, Refusal, Step};
use playbook::{CaseType, Mark, Seal};
use proto::intake::v1 as said;

use crate::{
    access, beside,
    command::Close,
    hear, judge, linked, note, reopen,
    state::{State, Ticket},
    wait,
};

/// Every case needs all three, whatever its playbook says.
const MARKS: [Mark; 3] = [Mark::Answered, Mark::Resolved, Mark::Told];

/// Something that is not on record yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub gate: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
}

pub(crate) fn mark(code: &str) -> Option<Mark> {
    match code {
        "answered" => Some(Mark::Answered),
        "resolved" => Some(Mark::Resolved),
        "told" => Some(Mark::Told),
        _ => None,
    }
}

/// What stands between the case and its closing, in the order in which it usually comes.
pub fn missing(ticket: &Ticket, case_type: &CaseType) -> Vec<Missing> {
    let progress = ticket.progress();
    let marks = MARKS.into_iter().filter(|mark| !progress.marks.contains_key(mark)).map(unmarked);
    let seals = case_type.closing.needs.iter().filter_map(|seal| match seal {
        Seal::Work => progress.work.is_none().then_some(Missing {
            gate: "needs-work",
            zh: "派工单尚未全部完成",
            en: "the work is not complete",
        }),
        Seal::FollowUp => progress.follow_up.is_none().then_some(Missing {
            gate: "needs-follow-up",
            zh: "回访尚未完成",
            en: "the call-back is not done",
        }),
    });
    marks.chain(seals).collect()
}

fn unmarked(mark: Mark) -> Missing {
    match mark {
        Mark::Answered => {
            Missing { gate: "needs-answer", zh: "尚未答复客户", en: "the customer has had no answer" }
        }
        Mark::Resolved => {
            Missing { gate: "needs-resolution", zh: "问题尚未解决", en: "the matter is not resolved" }
        }
        Mark::Told => Missing {
            gate: "needs-telling",
            zh: "尚未把结果告知客户",
            en: "the customer has not been told of the outcome",
        },
    }
}

/// The refusal that names what is missing; `None` when nothing is.
pub(crate) fn refusal(ticket: &Ticket, case_type: &CaseType) -> Option<Refusal> {
    let missing = missing(ticket, case_type);
    let first = missing.first()?;
    let list = |text: fn(&Missing) -> &'static str, join: &str| {
        missing.iter().map(text).collect::<Vec<_>>().join(join)
    };
    let refusal = Refusal::precondition(
        first.gate,
        format!("工单 {} 还不能销项：{}。", ticket.number, list(|m| m.zh, "；")),
        format!("Ticket {} cannot be closed yet: {}.", ticket.number, list(|m| m.en, "; ")),
    );
    Some(refusal.citing(&case_type.closing.rules))
}

pub(crate) fn close(command: &Close, step: &mut Step<'_>) -> Result<(), Halt> {
    let ticket: Ticket = step.need(command.ticket, "工单", "ticket")?;
    access::may_touch(step.directory(), step.actor(), &ticket)?;
    note::must_be_open(&ticket)?;
    reopen::must_be_code("outcome", &command.outcome)?;
    let case_type = judge::case_type(step.directory(), &ticket)?;
    if let Some(refusal) = refusal(&ticket, case_type) {
        return Err(refusal.into());
    }
    shut(ticket, &command.outcome, step)
}

/// Closes the case if nothing is missing; else writes back what is new. Most of what steps report
/// is nothing new to intake, and a row not written is the cheapest.
pub(crate) fn settle(ticket: Ticket, before: &Ticket, step: &mut Step<'_>) -> Result<(), Halt> {
    let case_type = judge::case_type(step.directory(), &ticket)?;
    if !ticket.is_open() || !missing(&ticket, case_type).is_empty() {
        if ticket != *before {
            step.put(&ticket);
        }
        return Ok(());
    }
    let outcome = match &ticket.progress().follow_up {
        Some(seal) if !matches!(seal.outcome.as_str(), "" | "none_due") => seal.outcome.clone(),
        _ => "resolved".to_owned(),
    };
    shut(ticket, &outcome, step)
}

/// What the call-back's seal brings: an unhappy customer gets a new cycle at once, or, once the
/// window after closing is over, a linked case.
pub(crate) fn consequence(ticket: Ticket, before: &Ticket, step: &mut Step<'_>) -> Result<(), Halt> {
    let wanted =
        ticket.progress().follow_up.as_ref().map(|seal| seal.consequence.clone()).unwrap_or_default();
    let case_type = judge::case_type(step.directory(), &ticket)?;
    match wanted.as_str() {
        "reopen"
            if ticket.is_open() || reopen::in_window(&ticket, case_type, step.directory(), step.now()) =>
        {
            reopen::next_cycle(ticket, "unhappy", step)
        }
        "reopen" | "link" => {
            let ticket = linked::open(ticket, "unhappy", step)?;
            settle(ticket, before, step)
        }
        _ => settle(ticket, before, step),
    }
}

fn shut(mut ticket: Ticket, outcome: &str, step: &mut Step<'_>) -> Result<(), Halt> {
    let now = step.now();
    let progress = ticket.progress().clone();
    ticket.state = State::Closed { progress, at: now, outcome: outcome.to_owned() };
    wait::clear(&mut ticket, step);
    hear::on_file(&ticket, step, |entry| entry.closed = true)?;
    step.put(&ticket);
    step.say(
        ticket.about(),
        said::TicketClosed {
            ticket: Some(ticket.reference()),
            outcome: outcome.to_owned(),
            closed_at: now.0,
        },
    );
    beside::closed(&ticket, outcome, step)
}
