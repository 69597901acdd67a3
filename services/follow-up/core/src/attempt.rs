//! The customer was called and not reached.

use chassis_core::{About, Halt, Step};
use playbook::FollowUp as Rule;
use proto::{Id, Time, follow_up::v1 as said};

use crate::{
    call::rule_of,
    case::{Attempt, CallBackState, Known},
    command::{NotReached, RecordAttempt, Reply},
    gate, hear, moment, schedule, seal,
    signal::Signal,
};

/// A call this long before its time still counts as the one that was planned.
const EARLY: i64 = 10 * Time::MINUTE;

pub(crate) fn record(ask: &RecordAttempt, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let (mut case, mut known) = gate::case_in_cycle(ask.ticket, ask.cycle, step)?;
    let playbook = hear::playbook_of(&known, ask.ticket, step)?;
    let call = gate::open_call(&known, ask.call_back)?;
    let rule = rule_of(&playbook, &call.rule)?;
    gate::may_come_of(call, ask.outcome)?;
    let by = gate::may_record(&known, (&playbook, &rule.by), step.actor(), step)?;
    let next_at = fail(&mut known, rule, ask, &by, step);
    say(&known, ask, &by, next_at, step);
    let signal = Signal::new::<said::FollowUpAttempted>(Some(&rule.id), ask.cycle, step.now())
        .with_outcome("unreached");
    schedule::after(ask.ticket, &mut known, &playbook, &signal, step);
    seal::if_over(ask.ticket, &mut known, &playbook, step);
    case.known = Some(known);
    step.put(&case);
    Ok(Reply::Attempted { next_at })
}

/// Notes the attempt; when to try next, or `None` if that was the last one.
fn fail(known: &mut Known, rule: &Rule, ask: &RecordAttempt, by: &str, step: &Step<'_>) -> Option<Time> {
    let now = step.now();
    let hours = moment::hours(step.directory(), &rule.by, &known.matter.branch);
    let call = known.call_back_mut(ask.call_back)?;
    let planned = call.next_try()?;
    let counts = now.plus(EARLY) >= planned;
    call.attempts.push(Attempt {
        at: now,
        by: by.to_owned(),
        outcome: ask.outcome,
        counts,
        text: ask.text.clone(),
    });
    if ask.outcome == NotReached::Declined || call.counted() >= rule.attempts.max {
        call.state = CallBackState::GivenUp { at: now };
        return None;
    }
    let next = if counts { moment::next_try(&hours, now, &rule.attempts.every) } else { planned };
    call.state = CallBackState::Scheduled { next_try: next };
    Some(next)
}

fn say(known: &Known, ask: &RecordAttempt, by: &str, next_at: Option<Time>, step: &mut Step<'_>) {
    attempted(ask.ticket, known, ask.call_back, ask.outcome.code(), by, next_at, step);
}

/// Says that the customer was called, whatever came of it.
pub(crate) fn attempted(
    ticket: Id,
    known: &Known,
    call_back: Id,
    outcome: &str,
    by: &str,
    next_at: Option<Time>,
    step: &mut Step<'_>,
) {
    let Some(call) = known.call_back(call_back) else { return };
    let event = said::FollowUpAttempted {
        ticket: Some(known.matter.to_ref(ticket)),
        follow_up_id: call_back.to_string(),
        rule: call.rule.clone(),
        attempt: call.counted() + u32::from(outcome == REACHED),
        outcome: outcome.to_owned(),
        next_at: next_at.unwrap_or_default().0,
        by: by.to_owned(),
    };
    step.say(About::ticket(ticket, &known.matter.branch), event);
}

pub(crate) const REACHED: &str = "reached";
