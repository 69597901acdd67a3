//! The case goes on under another version of its rule book. Call-backs that are open follow it: those of rules that it
//! does not have for this case are dropped, the others get its limit, from the same occasion. A rule that is new, and
//! whose occasion has been (the opening, a step that is done), makes its call-back due from the move on: the moment of
//! the occasion is not kept, and nobody can call yesterday.

use chassis_core::{Refusal, RefusalKind, Step};
use organisation::Snapshot;
use playbook::{Condition, Facts, FollowUp as Rule, Playbook, Value};
use proto::{Event, Id, Time, dispatch::v1::WorkStepDone, intake::v1::TicketOpened};

use crate::{
    case::{CallBackState, Case, Known, Phase},
    moment, schedule, series,
};

/// The fact that lists the steps done.
const DONE: &str = "done";

/// One call-back that would be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub rule: String,
    /// Of the call-back, if there is one.
    pub id: Option<Id>,
    pub difference: Difference,
    pub old: Option<Time>,
    pub new: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    Added,
    Removed,
    Moved,
}

impl Difference {
    pub fn code(self) -> &'static str {
        match self {
            Difference::Added => "added",
            Difference::Removed => "removed",
            Difference::Moved => "moved",
        }
    }
}

/// What would be otherwise if the case were moved to this version now. `facts` are the case's as the version judges it;
/// `directory` knows the version, be it active or not.
///
/// # Errors
/// The directory lacks a version.
pub fn preview(
    case: &Case,
    directory: &Snapshot,
    version: u32,
    facts: &Facts,
    now: Time,
) -> Result<Vec<Change>, Refusal> {
    let Some(known) = &case.known else { return Ok(Vec::new()) };
    let book = |version| directory.playbook(&known.matter.playbook, version).ok_or_else(|| no_book(version));
    let (before, after) = (book(known.matter.version)?, book(version)?);
    let mut known = known.clone();
    known.facts.absorb(facts.clone());
    Ok(changes(case.ticket, &known, before, after, directory, now))
}

fn no_book(version: u32) -> Refusal {
    Refusal::new(
        RefusalKind::Unavailable,
        "no-playbook",
        format!("规则手册第 {version} 版不在目录中。"),
        format!("Version {version} of the playbook is not in the directory."),
    )
}

pub(crate) fn carry_out(
    ticket: Id,
    known: &mut Known,
    before: &Playbook,
    after: &Playbook,
    step: &mut Step<'_>,
) {
    let now = step.now();
    for change in changes(ticket, known, before, after, step.directory(), now) {
        match change.difference {
            Difference::Added => {
                if let Some(rule) = after.follow_up(&change.rule) {
                    add(ticket, known, after, rule, step);
                }
            }
            Difference::Removed => {
                if let Some(call) = change.id.and_then(|id| known.call_back_mut(id)) {
                    call.state = CallBackState::Cancelled { at: now };
                }
            }
            Difference::Moved => {
                if let Some(call) = change.id.and_then(|id| known.call_back_mut(id)) {
                    call.due_at = change.new.unwrap_or(call.due_at);
                }
            }
        }
    }
    let recurs = |rule: &str| after.follow_up(rule).is_some_and(|rule| rule.series.is_some());
    known.planned.retain(|planned| recurs(&planned.rule));
    for call in known.call_backs.iter_mut().filter(|call| call.next_try().is_some()) {
        if let Some(rule) = after.follow_up(&call.rule) {
            call.role.clone_from(&rule.by.role);
        }
    }
    series::arm(ticket, known, step);
}

fn add(ticket: Id, known: &mut Known, playbook: &Playbook, rule: &Rule, step: &mut Step<'_>) {
    let now = step.now();
    match rule.series {
        Some(_) => series::plan(known, rule, now, step),
        None => schedule::one(ticket, known, playbook, rule, now, step),
    }
}

fn changes(
    ticket: Id,
    known: &Known,
    before: &Playbook,
    after: &Playbook,
    directory: &Snapshot,
    now: Time,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for call in known.open() {
        let rule = after.follow_up(&call.rule).filter(|rule| holds(rule, known));
        let old = Some(call.due_at);
        let (difference, new) = match rule {
            None => (Difference::Removed, None),
            Some(rule) => {
                let hours = moment::hours(directory, &rule.by, &known.matter.branch);
                (Difference::Moved, Some(moment::due(&hours, call.scheduled_at, &rule.due)))
            }
        };
        // The limit of a rule that is the same is the same: only the occasion's own moment may be a little earlier.
        let same_limit = before.follow_up(&call.rule).map(|rule| &rule.due) == rule.map(|rule| &rule.due);
        if difference == Difference::Removed || !same_limit {
            changes.push(Change { rule: call.rule.clone(), id: Some(call.id), difference, old, new });
        }
    }
    if known.phase == Phase::Open {
        let missed = after.follow_ups.iter().filter(|rule| {
            before.follow_up(&rule.id).is_none()
                && holds(rule, known)
                && has_been(rule, known)
                && rule.is_drawn(ticket.uuid().as_bytes())
        });
        changes.extend(missed.map(|rule| {
            let hours = moment::hours(directory, &rule.by, &known.matter.branch);
            let new = Some(moment::due(&hours, now, &rule.due));
            Change { rule: rule.id.clone(), id: None, difference: Difference::Added, old: None, new }
        }));
    }
    changes
}

fn holds(rule: &Rule, known: &Known) -> bool {
    rule.applies_to(&known.matter.case_type) && Condition::met(rule.when.as_ref(), &known.facts)
}

/// Whether what the rule waits for has happened in this cycle, as far as that is on record here.
fn has_been(rule: &Rule, known: &Known) -> bool {
    let matches = |event: &str, subject| rule.after.matches(event, subject, &known.facts);
    let done = match known.facts.get(DONE) {
        Some(Value::Codes(done)) => done.as_slice(),
        _ => &[],
    };
    matches(TicketOpened::NAME, None) || done.iter().any(|step| matches(WorkStepDone::NAME, Some(step)))
}
