//! The log of a row: every event of the case with its time, small enough to be
//! rewritten with each of them. Figures count in it.

use proto::Time;
use serde::{Deserialize, Serialize};

/// Events by their number in a stored log. Numbers stand in rows for ever: new
/// ones go to the end.
const EVENTS: &[&str] = &[
    "ticket.opened",
    "ticket.reclassified",
    "ticket.linked",
    "ticket.noted",
    "ticket.closed",
    "ticket.reopened",
    "work.dispatched",
    "work.acknowledged",
    "work.refused",
    "work.assigned",
    "work.step_ready",
    "work.step_done",
    "work.withdrawn",
    "work.completed",
    "approval.asked",
    "approval.decided",
    "clock.started",
    "clock.paused",
    "clock.warned",
    "clock.breached",
    "clock.met",
    "clock.verdict_corrected",
    "escalation.raised",
    "follow_up.scheduled",
    "follow_up.attempted",
    "follow_up.recorded",
    "follow_up.completed",
    "survey.answered",
    "notice.sent",
    "notice.failed",
    "clock.extension_asked",
    "clock.extension_decided",
    "approval.verbal",
    "approval.confirmed",
];

/// Whether rows are kept from events of this name.
pub fn is_heard(thing: &str, event: &str) -> bool {
    EVENTS.iter().any(|name| name.split_once('.') == Some((thing, event)))
}

/// One event of a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Packed", into = "Packed")]
pub struct Moment {
    pub at: Time,
    event: u8,
    pub cycle: u32,
    /// The step, clock or follow-up that it is about.
    pub subject: Option<String>,
    /// A person by code.
    pub by: Option<String>,
    /// Outcome, reason or decision.
    pub word: Option<String>,
    /// Rung, attempt or amount in minor units.
    pub number: Option<i64>,
}

/// As an array: field names would be half of it.
type Packed = (u8, Time, u32, Option<String>, Option<String>, Option<String>, Option<i64>);

impl Moment {
    /// An event without particulars. Its name must be one that is heard.
    pub fn new(event: &str, at: Time, cycle: u32) -> Moment {
        let number =
            EVENTS.iter().position(|name| *name == event).expect("only events that are heard are logged");
        Moment { at, event: number as u8, cycle, subject: None, by: None, word: None, number: None }
    }

    #[must_use]
    pub fn about(mut self, subject: &str) -> Moment {
        self.subject = filled(subject);
        self
    }

    #[must_use]
    pub fn by(mut self, person: &str) -> Moment {
        self.by = filled(person);
        self
    }

    #[must_use]
    pub fn word(mut self, word: &str) -> Moment {
        self.word = filled(word);
        self
    }

    #[must_use]
    pub fn number(mut self, number: i64) -> Moment {
        self.number = Some(number);
        self
    }

    /// `ticket.opened`
    pub fn event(&self) -> &'static str {
        EVENTS.get(usize::from(self.event)).copied().unwrap_or("?")
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl From<Packed> for Moment {
    fn from((event, at, cycle, subject, by, word, number): Packed) -> Self {
        Moment { at, event, cycle, subject, by, word, number }
    }
}

impl From<Moment> for Packed {
    fn from(moment: Moment) -> Self {
        (moment.event, moment.at, moment.cycle, moment.subject, moment.by, moment.word, moment.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_a_playbook_may_count_is_heard() {
        for (name, _) in playbook::event::EVENTS {
            let (thing, event) = name.split_once('.').expect("thing.event");
            assert!(is_heard(thing, event), "{name}");
        }
        assert!(!is_heard("asset", "complained"));
        assert!(!is_heard("notice", "queued"));
    }

    #[test]
    fn numbers_of_stored_events_never_change() {
        assert_eq!(Moment::new("ticket.opened", Time(1), 1).event, 0);
        assert_eq!(Moment::new("clock.breached", Time(1), 1).event, 19);
        assert_eq!(Moment::new("notice.failed", Time(1), 1).event, 29);
    }
}
