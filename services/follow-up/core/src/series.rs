//! Series of follow-ups: after a week, a month, a year. Only their moments are planned; each is scheduled when its time
//! has come, so that its clocks start then. No closing waits for them: a case may be long closed.

use chassis_core::{Due, Halt, Step};
use playbook::{FollowUp as Rule, Playbook};
use proto::{Id, Time};

use crate::{
    case::{Case, Known, Planned},
    hear, moment, schedule, seal,
};

pub(crate) const TIMER: &str = "series";

/// Plans the points of a rule's series, unless they are planned already.
pub(crate) fn plan(known: &mut Known, rule: &Rule, from: Time, step: &Step<'_>) {
    let Some(series) = &rule.series else { return };
    if known.planned.iter().any(|planned| planned.rule == rule.id) {
        return;
    }
    let hours = moment::hours(step.directory(), &rule.by, &known.matter.branch);
    let points = (1u32..).zip(&series.at);
    let planned = points.map(|(place, after)| Planned {
        rule: rule.id.clone(),
        place,
        at: moment::due(&hours, from, after),
    });
    known.planned.extend(planned);
}

/// Keeps the one timer of a case at the next point.
pub(crate) fn arm(ticket: Id, known: &mut Known, step: &mut Step<'_>) {
    let next = known.planned.iter().map(|planned| planned.at).min();
    if next == known.timer {
        return;
    }
    match next {
        Some(at) => step.arm(TIMER, ticket, at),
        None => step.disarm(TIMER, ticket),
    }
    known.timer = next;
}

pub(crate) fn come(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(mut case) = step.get::<Case>(due.id)? else { return Ok(()) };
    let Some(mut known) = case.known.take() else { return Ok(()) };
    let playbook = hear::playbook_of(&known, due.id, step)?;
    // The timer row is used up.
    known.timer = None;
    for planned in ripe(&mut known, due.due) {
        schedule_point(due.id, &mut known, &playbook, &planned, step);
    }
    seal::if_over(due.id, &mut known, &playbook, step);
    arm(due.id, &mut known, step);
    case.known = Some(known);
    step.put(&case);
    Ok(())
}

fn ripe(known: &mut Known, by: Time) -> Vec<Planned> {
    let (mut ripe, later): (Vec<_>, Vec<_>) =
        std::mem::take(&mut known.planned).into_iter().partition(|planned| planned.at <= by);
    known.planned = later;
    ripe.sort_by_key(|planned| (planned.at, planned.place));
    ripe
}

/// One that still waits for the customer when the next is due is enough.
fn schedule_point(
    ticket: Id,
    known: &mut Known,
    playbook: &Playbook,
    planned: &Planned,
    step: &mut Step<'_>,
) {
    let open = known.open().any(|call| call.rule == planned.rule);
    if let Some(rule) = playbook.follow_up(&planned.rule).filter(|_| !open) {
        schedule::one(ticket, known, playbook, rule, planned.at, step);
    }
}
