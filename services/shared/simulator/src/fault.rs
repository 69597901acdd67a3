//! What goes wrong: kinds of faults, where they strike, and the table that shows what was tried.
//!
//! A fault lies in wait at one action of one service's writer and strikes when the writer is about to
//! carry it out. So every pair of action and fault can be tried, and it can be said which ones were.

use std::fmt::Write;

use chassis_core::Action;

/// Everything that can go wrong in the simulated world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// The process dies before the action.
    KilledBefore,
    /// The process dies when the action is done and nobody has heard of it.
    KilledAfter,
    /// The database session ends; whether what was under way was carried out, nobody knows.
    SessionLost,
    /// The process stands still for a while and goes on as if nothing had been.
    Frozen,
    /// The replica is stopped in order and another takes over.
    HandedOver,
    DatabaseDown,
    DatabaseSlow,
    /// The database's clock is set forward or back.
    ClockSet,
    BrokerDown,
    /// The broker loses everything that it kept.
    BrokerWiped,
    /// The broker drops its oldest messages.
    BrokerTrimmed,
    MessagesLost,
    MessagesRepeated,
    MessagesLate,
    /// The services' calls to one of them fail.
    Partition,
    /// Callers do not get their answers, and ask again.
    AnswersLost,
    /// Much more is asked than is taken in.
    Burst,
    /// A service fails on some of its events and timers.
    Poisoned,
}

impl Kind {
    pub const ALL: [Kind; 18] = [
        Kind::KilledBefore,
        Kind::KilledAfter,
        Kind::SessionLost,
        Kind::Frozen,
        Kind::HandedOver,
        Kind::DatabaseDown,
        Kind::DatabaseSlow,
        Kind::ClockSet,
        Kind::BrokerDown,
        Kind::BrokerWiped,
        Kind::BrokerTrimmed,
        Kind::MessagesLost,
        Kind::MessagesRepeated,
        Kind::MessagesLate,
        Kind::Partition,
        Kind::AnswersLost,
        Kind::Burst,
        Kind::Poisoned,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::KilledBefore => "killed-before",
            Kind::KilledAfter => "killed-after",
            Kind::SessionLost => "session-lost",
            Kind::Frozen => "frozen",
            Kind::HandedOver => "handed-over",
            Kind::DatabaseDown => "database-down",
            Kind::DatabaseSlow => "database-slow",
            Kind::ClockSet => "clock-set",
            Kind::BrokerDown => "broker-down",
            Kind::BrokerWiped => "broker-wiped",
            Kind::BrokerTrimmed => "broker-trimmed",
            Kind::MessagesLost => "messages-lost",
            Kind::MessagesRepeated => "messages-repeated",
            Kind::MessagesLate => "messages-late",
            Kind::Partition => "partition",
            Kind::AnswersLost => "answers-lost",
            Kind::Burst => "burst",
            Kind::Poisoned => "poisoned",
        }
    }
}

/// What a writer carries out; alarms and stops are no actions on the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Act {
    Load,
    Commit,
    Beat,
    LoadTimers,
    Answer,
    Publish,
    AskPassed,
    AnswerPassed,
    Repair,
    RepairDirectory,
}

impl Act {
    pub const ALL: [Act; 10] = [
        Act::Load,
        Act::Commit,
        Act::Beat,
        Act::LoadTimers,
        Act::Answer,
        Act::Publish,
        Act::AskPassed,
        Act::AnswerPassed,
        Act::Repair,
        Act::RepairDirectory,
    ];

    pub fn of(action: &Action) -> Option<Act> {
        Some(match action {
            Action::Load(_) => Act::Load,
            Action::Commit(_) => Act::Commit,
            Action::Beat => Act::Beat,
            Action::LoadTimers => Act::LoadTimers,
            Action::Answer { .. } => Act::Answer,
            Action::Publish(_) => Act::Publish,
            Action::AskPassed { .. } => Act::AskPassed,
            Action::AnswerPassed { .. } => Act::AnswerPassed,
            Action::Repair { .. } => Act::Repair,
            Action::RepairDirectory { .. } => Act::RepairDirectory,
            Action::Alarm(_) | Action::Stop(_) | Action::StartOver => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Act::Load => "load",
            Act::Commit => "commit",
            Act::Beat => "beat",
            Act::LoadTimers => "load-timers",
            Act::Answer => "answer",
            Act::Publish => "publish",
            Act::AskPassed => "ask-passed",
            Act::AnswerPassed => "answer-passed",
            Act::Repair => "repair",
            Act::RepairDirectory => "repair-directory",
        }
    }
}

/// One fault of a plan.
#[derive(Clone, Debug)]
pub struct Fault {
    /// From when on it lies in wait, in microseconds of the world.
    pub at: u64,
    pub kind: Kind,
    /// Place in `Service::ALL`.
    pub service: usize,
    /// The action at which it strikes; if none comes for long, any.
    pub act: Act,
    /// How long it lasts, where that means something.
    pub lasts: u64,
    /// How strong it is, from 0 to 999.
    pub strength: u64,
}

/// How often each fault struck at each action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage([[u64; Kind::ALL.len()]; Act::ALL.len()]);

impl Coverage {
    pub fn note(&mut self, act: Act, kind: Kind) {
        self.0[act as usize][kind as usize] += 1;
    }

    pub fn add(&mut self, other: &Coverage) {
        for (row, more) in self.0.iter_mut().zip(&other.0) {
            row.iter_mut().zip(more).for_each(|(count, more)| *count += more);
        }
    }

    /// How often a fault struck in all.
    pub fn struck(&self, kind: Kind) -> u64 {
        self.0.iter().map(|row| row[kind as usize]).sum()
    }

    /// Pairs that were never tried.
    pub fn empty(&self) -> Vec<(Act, Kind)> {
        let pairs = Act::ALL.into_iter().flat_map(|act| Kind::ALL.into_iter().map(move |kind| (act, kind)));
        pairs.filter(|(act, kind)| self.0[*act as usize][*kind as usize] == 0).collect()
    }

    /// A line per fault, a column per action; what was never tried is a dot.
    pub fn table(&self) -> String {
        let mut text = format!("{:<18}", "fault \\ action");
        for act in Act::ALL {
            let _ = write!(text, "{:>17}", act.name());
        }
        text.push('\n');
        for kind in Kind::ALL {
            let _ = write!(text, "{:<18}", kind.name());
            for act in Act::ALL {
                match self.0[act as usize][kind as usize] {
                    0 => text.push_str(&format!("{:>17}", ".")),
                    count => text.push_str(&format!("{count:>17}")),
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_tried_is_shown() {
        let mut coverage = Coverage::default();
        for act in Act::ALL {
            Kind::ALL.into_iter().for_each(|kind| coverage.note(act, kind));
        }
        assert!(coverage.empty().is_empty());
        let mut less = Coverage::default();
        less.note(Act::Commit, Kind::Frozen);
        assert_eq!(less.empty().len(), 179);
        assert!(!less.empty().contains(&(Act::Commit, Kind::Frozen)));
        assert_eq!(less.table().matches(" .").count(), 179);
        coverage.add(&less);
        assert_eq!((coverage.struck(Kind::Frozen), coverage.struck(Kind::Burst)), (11, 10));
    }

    #[test]
    fn names_tell_faults_and_actions_apart() {
        let names: std::collections::BTreeSet<&str> =
            Kind::ALL.iter().map(|kind| kind.name()).chain(Act::ALL.iter().map(|act| act.name())).collect();
        assert_eq!(names.len(), Kind::ALL.len() + Act::ALL.len());
        assert!(Kind::ALL.iter().enumerate().all(|(place, kind)| *kind as usize == place));
        assert!(Act::ALL.iter().enumerate().all(|(place, act)| *act as usize == place));
    }
}
