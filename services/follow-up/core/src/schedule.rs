//! A rule makes a call-back due.

use chassis_core::{About, Step};
use playbook::{FollowUp as Rule, Playbook};
use proto::{Event, Id, Time, follow_up::v1 as said, intake::v1::TicketClosed};

use crate::{
    case::{CallBack, CallBackState, Known, Phase},
    moment, series,
    signal::Signal,
};

/// Schedules what the playbook makes due on this signal, and what that makes due in turn.
pub(crate) fn after(
    ticket: Id,
    known: &mut Known,
    playbook: &Playbook,
    signal: &Signal,
    step: &mut Step<'_>,
) {
    let facts = signal.seen_with(&known.facts);
    let subject = signal.subject.as_deref();
    for rule in playbook.follow_ups_after(&known.matter.case_type, &signal.name, subject, &facts) {
        let may_come = rule.series.is_some() || may_come(known, rule, signal);
        if !rule.is_drawn(ticket.uuid().as_bytes()) || !may_come {
            continue;
        }
        let at = Time(rule.after.instant(signal.at.0, &known.facts));
        if rule.series.is_some() {
            series::plan(known, rule, at, step);
        } else {
            one(ticket, known, playbook, rule, at, step);
        }
    }
    series::arm(ticket, known, step);
}

/// One follow-up, and what its being scheduled makes due in turn.
pub(crate) fn one(
    ticket: Id,
    known: &mut Known,
    playbook: &Playbook,
    rule: &Rule,
    at: Time,
    step: &mut Step<'_>,
) {
    let cycle = known.matter.cycle;
    schedule(ticket, known, rule, at, step);
    after(ticket, known, playbook, &Signal::new::<said::FollowUpScheduled>(Some(&rule.id), cycle, at), step);
}

/// A sealed cycle takes no more calls, except those that the closing itself asks for. Our own
/// events ask for each rule once a cycle, so that rules cannot chase each other for ever.
fn may_come(known: &Known, rule: &Rule, signal: &Signal) -> bool {
    let mut same = known.call_backs.iter().filter(|c| c.rule == rule.id && c.cycle == known.matter.cycle);
    let closing = signal.name == TicketClosed::NAME;
    let own = signal.name.starts_with("follow_up.") || signal.name.starts_with("survey.");
    match known.phase {
        Phase::Sealed { .. } if !closing => false,
        _ if own => same.next().is_none(),
        _ => !same.any(|c| c.next_try().is_some()),
    }
}

fn schedule(ticket: Id, known: &mut Known, rule: &Rule, at: Time, step: &mut Step<'_>) {
    if matches!(known.phase, Phase::Sealed { .. }) {
        known.round += 1;
        known.phase = Phase::Open;
    }
    let hours = moment::hours(step.directory(), &rule.by, &known.matter.branch);
    let try_at = preferred(known, rule, at).unwrap_or_else(|| moment::next_open(&hours, at));
    let call = CallBack {
        id: step.mint(ticket.bucket()),
        rule: rule.id.clone(),
        kind: rule.kind,
        role: rule.by.role.clone(),
        cycle: known.matter.cycle,
        round: known.round,
        scheduled_at: step.now(),
        try_at,
        due_at: moment::due(&hours, at, &rule.due),
        attempts: Vec::new(),
        state: CallBackState::Scheduled { next_try: try_at },
        text: None,
    };
    let event = said::FollowUpScheduled {
        ticket: Some(known.matter.to_ref(ticket)),
        follow_up_id: call.id.to_string(),
        rule: call.rule.clone(),
        kind: call.kind_code().to_owned(),
        role: call.role.clone(),
        try_at: call.try_at.0,
        due_at: call.due_at.0,
    };
    step.say(About::ticket(ticket, &known.matter.branch), event);
    known.call_backs.push(call);
}

/// The beginning of the window in which the customer wants to be called, if it is still to come.
fn preferred(known: &Known, rule: &Rule, at: Time) -> Option<Time> {
    let field = rule.preferred_time_field.as_deref()?;
    let from = Time(known.facts.instant(&format!("{field}_from"))?);
    (from > at).then_some(from)
}
