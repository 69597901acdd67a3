//! What became of a try.

use chassis_core::{Actor, Halt, Refusal, Step};
use proto::{Event, Time, notify::v1 as said};

use crate::{
    case::Case,
    command::{Outcome, Reply, Report},
    hear,
    notice::{Notice, NoticeState},
    queue, retry,
    signal::Signal,
};

/// Tries of one notice, in all.
const TRIES: u32 = 5;
/// Waits after the first try, the second, ...: a gateway that is down for a minute and one that
/// is down for an hour are both met.
const WAITS: [i64; 4] = [30 * Time::SECOND, 2 * Time::MINUTE, 10 * Time::MINUTE, 30 * Time::MINUTE];

pub(crate) fn report(report: &Report, step: &mut Step<'_>) -> Result<Reply, Halt> {
    if !is_ours(step.actor()) {
        return Err(Refusal::denied(
            "executor-only",
            "只有发送程序可以登记发送结果，没有记录任何内容。",
            "Only the executor reports what became of a message; nothing was recorded.",
        )
        .into());
    }
    let notice: Notice = step.need(report.notice, "通知", "notice")?;
    // A report about another try, or about a notice that has ended, is old news.
    if notice.state != (NoticeState::Queued { since: report.queued_at }) {
        return Ok(Reply::Noted);
    }
    match &report.outcome {
        Outcome::Sent { text, to, may_be_double } => {
            let (ticket, cycle) = (notice.ticket, notice.matter.cycle);
            let tells_back = !about_notices(&notice);
            notice.sent(text.clone(), to.clone(), *may_be_double, step);
            if tells_back {
                tell_of(said::NoticeSent::NAME, ticket, cycle, step)?;
            }
        }
        Outcome::Failed { reason, for_good } => fail(notice, reason, *for_good, step)?,
    }
    Ok(Reply::Noted)
}

/// An executor speaks as its service: a system that holds the role of services.
fn is_ours(actor: &Actor) -> bool {
    match actor {
        Actor::Service { .. } => true,
        Actor::System { .. } => actor.has_role("service"),
        Actor::Person { .. } => false,
    }
}

/// Ends a try that failed: the next one after a while, unless it was the last.
pub(crate) fn fail(
    mut notice: Notice,
    reason: &str,
    for_good: bool,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    notice.tries += 1;
    let wait = WAITS.get(notice.tries as usize - 1).filter(|_| !for_good && notice.tries < TRIES);
    let again = wait.map(|wait| step.now().plus(*wait));
    notice.failed(reason, again, step);
    match again {
        Some(at) => step.arm(retry::TIMER, notice.id, at),
        None if about_notices(&notice) => {}
        None => tell_of(said::NoticeFailed::NAME, notice.ticket, notice.matter.cycle, step)?,
    }
    Ok(())
}

/// The playbook may want somebody told that a message went out, or did not.
fn tell_of(name: &str, ticket: proto::Id, cycle: u32, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(known) = step.get::<Case>(ticket)?.and_then(|case| case.known) else { return Ok(()) };
    if known.matter.cycle == cycle {
        let playbook = hear::playbook_of(&known.matter, ticket, step.directory())?;
        queue::tell(ticket, &known, &playbook, &Signal::named(name, None, cycle, step.now()), step);
    }
    Ok(())
}

/// Messages about messages are not told of in turn: they would never end.
fn about_notices(notice: &Notice) -> bool {
    notice.occasion.event.starts_with("notice.")
}
