//! A case as the watchdog keeps it: evidence by time, and what was said of each clock.

use std::collections::BTreeSet;

use chassis_core::{Actor, Aggregate, Column, ColumnKind, Grant, Table, Value};
use organisation::Snapshot;
use playbook::Facts;
use proto::{
    Id, Time,
    common::v1::{PlaybookRef, TicketRef},
};
use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Ledger, Span},
    recipients::Parts,
    signal::{Moved, Signal},
};

pub(crate) const CASES: Table = Table {
    name: "cases",
    columns: &[
        Column { name: "branch", kind: ColumnKind::Text },
        Column { name: "next_due", kind: ColumnKind::Time },
        Column { name: "next_clock", kind: ColumnKind::Text },
        Column { name: "state", kind: ColumnKind::Text },
        Column { name: "barred", kind: ColumnKind::Words },
        Column { name: "calendars", kind: ColumnKind::Words },
    ],
};

/// How long after closing late evidence may still correct a verdict: as long as a request id is remembered.
const KEEP_EVIDENCE: i64 = 72 * Time::HOUR;

/// All clocks of a ticket. Its id is the ticket's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: Id,
    pub number: String,
    pub branch: String,
    pub playbook: String,
    pub version: u32,
    pub case_type: String,
    /// 0 until the opening was heard.
    pub cycle: u32,
    /// Persons who may take no part (DG-03). Once barred, barred.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub barred: BTreeSet<String>,
    /// Of this cycle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Ledger>,
    /// Earlier cycles, and what was put away of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<PastCycle>,
    /// Named waits that are open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Time>,
    /// Everything up to here was heard and judged.
    pub judged: Time,
    pub(crate) parts: Parts,
    /// What was known before the first evidence that is kept.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub(crate) base: Facts,
    /// Of this cycle, by time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidence: Vec<Signal>,
    /// Of cycles whose beginning was not heard yet, in the order heard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ahead: Vec<Signal>,
    /// Evidence up to here was put away.
    pub(crate) archived_to: Time,
    /// As armed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timer: Option<Time>,
}

/// Clocks that are on record only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastCycle {
    pub cycle: u32,
    pub clocks: Vec<Ledger>,
}

/// P9: an open case that nobody chases, without a running clock and without a named wait.
pub fn uncovered(case: &Case) -> bool {
    case.is_open() && case.waits.is_empty() && !case.clocks.iter().any(Ledger::is_live)
}

/// Whether somebody may see the clocks of a case: at its branch or above, and not barred from it (DG-03).
pub fn may_see(case: &Case, actor: &Actor, directory: &Snapshot) -> bool {
    let barred = actor.person().is_some_and(|person| case.barred.contains(person));
    let near = |grant: &Grant| {
        directory.is_within(&case.branch, &grant.node)
            || directory.node(&grant.node).is_some_and(|n| n.parent.is_none())
    };
    !barred && actor.grants().iter().any(near)
}

impl Case {
    pub(crate) fn unheard(id: Id) -> Case {
        Case {
            id,
            number: String::new(),
            branch: String::new(),
            playbook: String::new(),
            version: 0,
            case_type: String::new(),
            cycle: 0,
            barred: BTreeSet::new(),
            clocks: Vec::new(),
            past: Vec::new(),
            waits: Vec::new(),
            closed_at: None,
            judged: Time::UNSET,
            parts: Parts::default(),
            base: Facts::new(),
            evidence: Vec::new(),
            ahead: Vec::new(),
            archived_to: Time::UNSET,
            timer: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.cycle > 0 && self.closed_at.is_none()
    }

    /// Every clock with its cycle, oldest cycle first.
    pub fn all_clocks(&self) -> impl Iterator<Item = (u32, &Ledger)> {
        let past = self.past.iter().flat_map(|past| past.clocks.iter().map(|clock| (past.cycle, clock)));
        past.chain(self.clocks.iter().map(|clock| (self.cycle, clock)))
    }

    /// The deadline that comes first, one missed and still open before all others.
    pub fn next_due(&self) -> Option<(Time, &str)> {
        let live = self.clocks.iter().filter(|clock| clock.is_live());
        live.filter_map(|clock| Some((clock.shown_due()?, clock.clock.as_str()))).min()
    }

    /// As every event of the ticket carries it.
    pub fn to_ref(&self) -> TicketRef {
        TicketRef {
            ticket_id: self.id.to_string(),
            number: self.number.clone(),
            cycle: self.cycle,
            branch: self.branch.clone(),
            playbook: Some(PlaybookRef { id: self.playbook.clone(), version: self.version }),
            case_type: self.case_type.clone(),
        }
    }

    /// Takes in what was heard; `false`: it changes nothing.
    pub(crate) fn take(&mut self, signal: Signal, ticket: &TicketRef) -> bool {
        if self.cycle == 0 && signal.begins() {
            self.adopt(ticket);
            self.begin(signal);
            return true;
        }
        if self.cycle == 0 || signal.cycle > self.cycle {
            let known = self.ahead.iter().any(|other| other.cycle == signal.cycle && other.repeats(&signal));
            if !known {
                self.ahead.push(signal);
            }
            return !known;
        }
        // A cycle begins once; what belongs to an older one has no effect.
        signal.cycle == self.cycle && !signal.begins() && self.insert(signal)
    }

    /// Who plays which part from now on; whether that is news.
    pub(crate) fn learn(&mut self, signal: &mut Signal) -> bool {
        self.cycle > 0 && signal.cycle == self.cycle && self.parts.learn(signal)
    }

    /// Puts evidence in its place in time.
    pub(crate) fn insert(&mut self, signal: Signal) -> bool {
        if signal.at <= self.archived_to || self.evidence.iter().any(|other| other.repeats(&signal)) {
            return false;
        }
        if let Some(moved) = signal.moved {
            self.version = self.version.max(moved.to);
        }
        let place = self.evidence.partition_point(|other| other.order() <= signal.order());
        self.evidence.insert(place, signal);
        true
    }

    /// The moves to other versions of the rule book in this cycle, in order.
    pub(crate) fn moves(&self) -> impl Iterator<Item = Moved> {
        self.evidence.iter().filter_map(|signal| signal.moved)
    }

    /// When the next cycle begins, if that was heard.
    pub(crate) fn next_cycle_at(&self) -> Option<Time> {
        self.next_beginning().map(|signal| signal.at)
    }

    /// Goes on to the next cycle, whose beginning was heard.
    pub(crate) fn begin_next(&mut self, facts: Facts) {
        let Some(signal) = self.next_beginning().cloned() else { return };
        self.put_away(facts, signal.at);
        self.begin(signal);
    }

    /// Puts clocks and evidence on record: from here on they are history.
    pub(crate) fn put_away(&mut self, facts: Facts, to: Time) {
        let clocks: Vec<Ledger> =
            self.clocks.drain(..).map(|ledger| Ledger { judged_on: None, ..ledger }).collect();
        if !clocks.is_empty() {
            self.past.push(PastCycle { cycle: self.cycle, clocks });
        }
        self.base = facts;
        self.evidence.clear();
        self.archived_to = self.archived_to.max(to);
    }

    /// When late evidence is of no more use, if the case is closed.
    pub(crate) fn archive_at(&self) -> Option<Time> {
        let idle = !self.evidence.is_empty() && !self.clocks.iter().any(Ledger::is_live);
        let last = self.evidence.last()?.at;
        self.closed_at.filter(|_| idle).map(|closed| closed.max(last).plus(KEEP_EVIDENCE))
    }

    /// How many runs of the same were put away in this cycle.
    pub(crate) fn runs_on_record(&self, clock: &str, instance: &str) -> usize {
        let same = |ledger: &&Ledger| {
            ledger.clock == clock
                && ledger.instance.split_once('#').map_or(ledger.instance.as_str(), |(i, _)| i) == instance
        };
        let here = self.past.iter().filter(|past| past.cycle == self.cycle);
        here.flat_map(|past| &past.clocks).filter(same).count()
    }

    fn next_beginning(&self) -> Option<&Signal> {
        self.ahead
            .iter()
            .filter(|signal| signal.begins() && signal.cycle > self.cycle)
            .min_by_key(|signal| signal.cycle)
    }

    fn adopt(&mut self, ticket: &TicketRef) {
        self.number.clone_from(&ticket.number);
        self.branch.clone_from(&ticket.branch);
        self.case_type.clone_from(&ticket.case_type);
        if let Some(playbook) = &ticket.playbook {
            self.playbook.clone_from(&playbook.id);
            self.version = playbook.version;
        }
    }

    fn begin(&mut self, signal: Signal) {
        self.cycle = signal.cycle;
        self.closed_at = None;
        self.archived_to = Time::UNSET;
        self.parts.begin_anew();
        let early = std::mem::take(&mut self.ahead);
        let mut signal = signal;
        self.learn(&mut signal);
        self.insert(signal);
        for mut signal in early {
            self.learn(&mut signal);
            if signal.cycle > self.cycle {
                self.ahead.push(signal);
            } else if signal.cycle == self.cycle && !signal.begins() {
                self.insert(signal);
            }
        }
    }

    /// The calendar versions under which clocks run that are not judged yet: those that a new version moves.
    fn calendars(&self) -> Vec<String> {
        let open = self.clocks.iter().filter(|clock| clock.is_live() && clock.breached.is_none());
        open.map(|clock| clock.calendar.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn state(&self) -> &'static str {
        match self.closed_at {
            _ if self.cycle == 0 => "early",
            Some(_) => "closed",
            None if uncovered(self) => "uncovered",
            None => "open",
        }
    }
}

impl Aggregate for Case {
    const TABLE: &'static Table = &CASES;

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        let next = self.next_due();
        vec![
            self.branch.clone().into(),
            next.map(|(due, _)| due).into(),
            next.map(|(_, clock)| clock.to_owned()).into(),
            self.state().into(),
            Value::Words(self.barred.iter().cloned().collect()),
            Value::Words(self.calendars()),
        ]
    }
}
