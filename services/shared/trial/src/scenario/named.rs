//! An expectation about something that does not exist holds by accident: what it names is looked up in the rule book.

use playbook::{Playbook, event::Subject};

use super::expect::Miss;

/// Lines of these have no outcome: to expect one is to expect nothing.
const WITHOUT_OUTCOME: &[&str] = &[
    "ticket.linked",
    "ticket.closed",
    "ticket.reopened",
    "work.dispatched",
    "work.acknowledged",
    "work.assigned",
    "work.step_ready",
    "work.step_done",
    "work.completed",
    "approval.asked",
    "approval.verbal",
    "clock.started",
    "clock.warned",
    "clock.breached",
    "clock.extension_asked",
    "follow_up.scheduled",
    "follow_up.recorded",
];

/// What of `event(about)` and its outcome the rule book, or the event, does not have.
pub(super) fn unknown(event: &str, about: Option<&str>, outcome: bool, playbook: &Playbook) -> Vec<Miss> {
    let mut misses = Vec::new();
    if let Some(about) = about.filter(|about| !is_there(event, about, playbook)) {
        misses.push(Miss::new(
            format!("规则手册没有“{about}”，{event} 不会说到它"),
            format!("the rule book has no `{about}` that `{event}` could be about"),
        ));
    }
    if outcome && WITHOUT_OUTCOME.contains(&event) {
        misses.push(Miss::new(format!("{event} 没有 outcome"), format!("`{event}` has no outcome")));
    }
    misses
}

fn is_there(event: &str, about: &str, playbook: &Playbook) -> bool {
    match playbook::event::subject_of(event) {
        Some(Subject::Step) => playbook.types.values().any(|case_type| case_type.step(about).is_some()),
        Some(Subject::FollowUp) => playbook.follow_up(about).is_some(),
        Some(Subject::Clock) => playbook.clock(about).is_some(),
        Some(Subject::None) | None => true,
    }
}
