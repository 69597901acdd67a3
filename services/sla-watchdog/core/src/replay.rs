//! What a rule book makes of a case that is on record already: its clocks, by the very fold that judges every case, but
//! all of its evidence at once and without saying anything.

use std::collections::BTreeMap;

use chassis_core::Heard;
use organisation::Snapshot;
use playbook::{Clock, Playbook};
use proto::{Bucket, Id, Time};

use crate::{
    book::Book,
    case::Case,
    fold::{self, View},
    ledger::How,
    run::Run,
    signal::Signal,
};

/// One run of a clock, as it stands when everything on record is known.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    pub clock: &'a Clock,
    pub cycle: u32,
    /// The step, stage or call-back; empty: the case.
    pub instance: String,
    pub branch: String,
    pub started: Time,
    /// The last deadline there was.
    pub due: Time,
    /// The deadline that was missed.
    pub breached: Option<Time>,
    pub ended: Option<(Time, How)>,
    /// When the rungs of the ladder were reached, in order.
    pub rungs: Vec<Time>,
    /// Warnings given before the end.
    pub warnings: usize,
}

/// Judges recorded cases under one rule book.
pub struct Replay<'a> {
    playbook: &'a Playbook,
    directory: &'a Snapshot,
    /// What reacts to which event, by case type: read once.
    books: BTreeMap<String, Book<'a>>,
}

impl<'a> Replay<'a> {
    pub fn new(playbook: &'a Playbook, directory: &'a Snapshot) -> Replay<'a> {
        let book = |id: &String| (id.clone(), Book::under(playbook, id, directory));
        Replay { playbook, directory, books: playbook.types.keys().map(book).collect() }
    }

    /// All clocks of one case up to `until`, the oldest cycle first; `None`: the rule book has no such case type.
    pub fn judge(&self, history: &[Heard], until: Time) -> Option<Vec<Verdict<'a>>> {
        let ticket = history.first()?.event.ticket()?;
        let book = self.books.get(&ticket.case_type)?;
        let mut case = Case::unheard(Id::of_hash([0; 16], Bucket::of_hash(0)));
        for heard in history {
            let (Some(mut signal), Some(ticket)) = (Signal::of(heard), heard.event.ticket()) else {
                continue;
            };
            case.learn(&mut signal);
            if case.cycle == 0 || book.cares(&signal) {
                case.take(signal, ticket);
            }
        }
        case.judged = until;
        let mut verdicts = Vec::new();
        loop {
            let view = fold::fold(book, &case);
            let end = case.next_cycle_at();
            let facts = view.facts.clone();
            self.collect(view, case.cycle, end.unwrap_or(until), &mut verdicts);
            if end.is_none() {
                return Some(verdicts);
            }
            case.begin_next(facts);
        }
    }

    pub fn playbook(&self) -> &'a Playbook {
        self.playbook
    }

    pub fn directory(&self) -> &'a Snapshot {
        self.directory
    }

    fn collect(&self, view: View<'a>, cycle: u32, until: Time, verdicts: &mut Vec<Verdict<'a>>) {
        for mut run in view.runs {
            if run.is_live() {
                run.pass(until);
            }
            verdicts.push(Verdict {
                clock: run.clock,
                cycle,
                branch: view.branch.clone(),
                started: run.started,
                due: run.last_due,
                breached: run.missed.map(|(miss, _)| miss.due),
                ended: run.end.map(|end| (end.at, end.how)),
                warnings: warnings(&run, until),
                rungs: std::mem::take(&mut run.rungs),
                instance: run.label,
            });
        }
    }
}

fn warnings(run: &Run<'_>, until: Time) -> usize {
    let end = run.end.map_or(until, |end| end.at.min(until));
    let given = |place: &usize| run.warning_at(*place).is_some_and(|at| at <= end && at <= run.last_due);
    (0..run.clock.warn.len()).filter(given).count()
}
