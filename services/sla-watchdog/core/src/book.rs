//! The rule book of a case as the watchdog reads it: which clocks an event stops, cancels and starts.

use std::collections::BTreeMap;

use chassis_core::{Refusal, RefusalKind};
use organisation::Snapshot;
use playbook::{CaseType, Clock, Playbook, Trigger};

use crate::{case::Case, signal::Signal};

/// What a case is judged by.
pub(crate) struct Book<'a> {
    pub playbook: &'a Playbook,
    pub case_type: Option<&'a CaseType>,
    pub directory: &'a Snapshot,
    /// The versions that the case stood under before, in this cycle.
    pub earlier: Vec<Book<'a>>,
    /// What of the case type's clocks reacts to an event, by its name.
    pub reactions: BTreeMap<&'a str, Reactions<'a>>,
}

/// Clocks that an event stops, cancels and starts, in the playbook's order.
#[derive(Default)]
pub(crate) struct Reactions<'a> {
    pub stop: Vec<(&'a Clock, &'a Trigger)>,
    pub cancel: Vec<(&'a Clock, &'a Trigger)>,
    pub start: Vec<(&'a Clock, &'a Trigger)>,
}

impl<'a> Reactions<'a> {
    fn of(playbook: &'a Playbook, case_type: &str) -> BTreeMap<&'a str, Reactions<'a>> {
        let mut all: BTreeMap<&str, Reactions<'_>> = BTreeMap::new();
        for clock in playbook.clocks.iter().filter(|clock| clock.applies_to(case_type)) {
            for trigger in &clock.stop {
                all.entry(&trigger.event).or_default().stop.push((clock, trigger));
            }
            for trigger in &clock.cancel {
                all.entry(&trigger.event).or_default().cancel.push((clock, trigger));
            }
            for trigger in &clock.start {
                all.entry(&trigger.event).or_default().start.push((clock, trigger));
            }
        }
        all
    }
}

impl<'a> Book<'a> {
    /// A playbook that is not there is a fault: no ticket arrives before its rule book.
    pub fn of(case: &Case, directory: &'a Snapshot) -> Result<Book<'a>, Refusal> {
        let mut book = Book::version(case, case.version, directory)?;
        for moved in case.moves() {
            book.earlier.push(Book::version(case, moved.from, directory)?);
        }
        Ok(book)
    }

    fn version(case: &Case, version: u32, directory: &'a Snapshot) -> Result<Book<'a>, Refusal> {
        let playbook = directory.playbook(&case.playbook, version).ok_or_else(|| {
            Refusal::new(
                RefusalKind::Internal,
                "unknown-playbook",
                format!("案件 {} 所依据的规则手册 {} 第 {version} 版尚未生效。", case.id, case.playbook),
                format!(
                    "Case {} runs under playbook {} version {version}, which is not active here.",
                    case.id, case.playbook
                ),
            )
        })?;
        Ok(Book::under(playbook, &case.case_type, directory))
    }

    /// This version or one that the case stood under before.
    pub fn of_version(&self, version: u32) -> Option<&Book<'a>> {
        std::iter::once(self).chain(&self.earlier).find(|book| book.playbook.version == version)
    }

    /// For cases of this type, whatever they were opened under.
    pub fn under(playbook: &'a Playbook, case_type: &str, directory: &'a Snapshot) -> Book<'a> {
        let reactions = Reactions::of(playbook, case_type);
        let case_type = playbook.case_type(case_type);
        Book { playbook, case_type, directory, earlier: Vec::new(), reactions }
    }

    /// Whether a clock reacts to it, or the fold learns from it.
    pub fn cares(&self, signal: &Signal) -> bool {
        let named = |subject| self.listens(signal.name.text(), subject);
        let round = &signal.keys.round;
        signal.tells_something() || named(signal.subject()) || round.iter().any(|rule| named(Some(rule)))
    }

    pub fn listens(&self, event: &str, subject: Option<&str>) -> bool {
        let named = |(_, t): &(&Clock, &Trigger)| t.subject.is_none() || t.subject.as_deref() == subject;
        let to = self.reactions.get(event);
        to.is_some_and(|to| to.start.iter().chain(&to.stop).chain(&to.cancel).any(named))
    }
}
