//! Recorded cases under a rule book: what its clocks would have done, whom they would have told, how many calls there
//! would have been; under two of them: the difference, by branch and type.
//!
//! What happened stays as recorded: a backtest does not imagine that people would have worked otherwise. Only what the
//! rule book itself decides is decided anew: category and severity by its tables, clocks and ladders, call-backs due.

mod agreement;
mod difference;
mod rejudge;
mod tally;

use std::collections::BTreeSet;

use chassis_core::Heard;
use organisation::Snapshot;
use playbook::Playbook;
use proto::Time;
use sla_watchdog_core::{Replay, Verdict};

pub use agreement::Agreement;
pub use difference::{Difference, Line, figure_name};
pub use tally::{Count, Group, Tally};

use crate::recorded::History;

/// One rule book to try.
pub struct Backtest<'a> {
    replay: Replay<'a>,
    tally: Tally,
    agreement: Agreement,
    /// The clock that stands for the recorder's target, if any.
    clock: Option<&'a str>,
}

impl<'a> Backtest<'a> {
    pub fn new(playbook: &'a Playbook, directory: &'a Snapshot, clock: Option<&'a str>) -> Backtest<'a> {
        let replay = Replay::new(playbook, directory);
        Backtest { replay, tally: Tally::default(), agreement: Agreement::default(), clock }
    }

    /// Takes in one case, with everything known of it up to `until`. Its events come back as they were.
    pub fn take(&mut self, history: &mut History, until: Time) {
        let playbook = self.replay.playbook();
        let Some(case_type) = playbook.case_type(&history.case_type) else {
            self.tally.unknown_type(&history.case_type);
            return;
        };
        let original = rejudge::rejudge(case_type, &mut history.events);
        let verdicts = self.replay.judge(&history.events, until).unwrap_or_default();
        let severity = rejudge::severity(&history.events);
        let calls = rejudge::calls(playbook, case_type, &history.case, &history.events);
        rejudge::restore(original, &mut history.events);
        if let Some(clock) = self.clock {
            self.agreement.take(history, clock, &verdicts);
        }
        self.tally.case(history, &severity, &verdicts, &calls);
    }

    pub fn finish(self) -> (Tally, Agreement) {
        (self.tally, self.agreement)
    }
}

/// The branches that a recording names.
pub fn branches(histories: &[History]) -> BTreeSet<String> {
    histories.iter().map(|history| history.branch.clone()).collect()
}

/// Histories from an exported journal: events of all cases, in the order of each source.
pub fn histories(heard: Vec<Heard>) -> Vec<History> {
    let mut cases: std::collections::BTreeMap<String, Vec<Heard>> = std::collections::BTreeMap::new();
    for heard in heard {
        if let Some(ticket) = heard.event.ticket() {
            cases.entry(ticket.ticket_id.clone()).or_default().push(heard);
        }
    }
    let history = |(case, mut events): (String, Vec<Heard>)| {
        events.sort_by_key(|heard| (heard.recorded_at, heard.at.service, heard.at.epoch, heard.at.seq));
        // What is known before the opening was heard belongs behind it.
        let opening =
            events.iter().position(|heard| matches!(heard.event, proto::AnyEvent::TicketOpened(_)))?;
        let first = events.remove(opening);
        events.insert(0, first);
        let ticket = events.first()?.event.ticket()?.clone();
        Some(History {
            case,
            line: 0,
            case_type: ticket.case_type,
            branch: ticket.branch,
            kind: String::new(),
            queue: String::new(),
            events,
            target: None,
            on_time: None,
        })
    };
    cases.into_iter().filter_map(history).collect()
}

/// The verdict on a case's first run of a clock.
fn first_of<'v, 'a>(verdicts: &'v [Verdict<'a>], clock: &str) -> Option<&'v Verdict<'a>> {
    verdicts.iter().find(|verdict| verdict.clock.id == clock)
}
