//! The events that triggers may name, and what their subject is. The names are those of the event contracts.

/// What an event is about besides the ticket: the word in `event(subject)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    None,
    Step,
    FollowUp,
    Clock,
}

/// A stage was approved by word of mouth, besides `approval.decided`.
pub const APPROVED_VERBALLY: &str = "approval.verbal";
/// The approver has confirmed in writing what he said, or denied it.
pub const PAPER_IN: &str = "approval.confirmed";

/// Every event that a trigger may name.
pub const EVENTS: &[(&str, Subject)] = &[
    ("ticket.opened", Subject::None),
    ("ticket.reclassified", Subject::None),
    ("ticket.linked", Subject::None),
    ("ticket.noted", Subject::None),
    ("ticket.closed", Subject::None),
    ("ticket.reopened", Subject::None),
    ("work.dispatched", Subject::None),
    ("work.acknowledged", Subject::None),
    ("work.refused", Subject::None),
    ("work.assigned", Subject::Step),
    ("work.step_ready", Subject::Step),
    ("work.step_done", Subject::Step),
    ("work.withdrawn", Subject::None),
    ("work.completed", Subject::None),
    ("approval.asked", Subject::Step),
    ("approval.decided", Subject::Step),
    (APPROVED_VERBALLY, Subject::Step),
    (PAPER_IN, Subject::Step),
    ("follow_up.scheduled", Subject::FollowUp),
    ("follow_up.attempted", Subject::FollowUp),
    ("follow_up.recorded", Subject::FollowUp),
    ("follow_up.completed", Subject::FollowUp),
    ("survey.answered", Subject::FollowUp),
    ("clock.started", Subject::Clock),
    ("clock.warned", Subject::Clock),
    ("clock.breached", Subject::Clock),
    ("clock.met", Subject::Clock),
    ("clock.extension_asked", Subject::Clock),
    ("clock.extension_decided", Subject::Clock),
    ("escalation.raised", Subject::Clock),
    ("notice.sent", Subject::None),
    ("notice.failed", Subject::None),
];

pub fn subject_of(event: &str) -> Option<Subject> {
    EVENTS.iter().find(|(name, _)| *name == event).map(|(_, subject)| *subject)
}
