//! What expectations ask, apart from where it is seen: in the cores in memory, or in the running services.

use organisation::Snapshot;
use playbook::Playbook;
use proto::Time;
use reporting_core::{Span, Unit, figures};

use crate::town::Town;
use playbook::report::Period;

/// A case among all services, as somebody sees it.
pub trait Seen {
    fn playbook(&self) -> &Playbook;
    fn directory(&self) -> &Snapshot;
    fn branch(&self) -> &str;
    /// `None`: nothing was opened.
    fn case(&self) -> Option<CaseSeen>;
    /// Every run of every clock of the case, oldest first.
    fn clocks(&self) -> Vec<ClockSeen>;
    /// Every call-back of the case, oldest first.
    fn calls(&self) -> Vec<CallSeen>;
    /// All figures over everything so far; `None`: they cannot be reckoned.
    fn figures(&self) -> Option<Vec<FigureSeen>>;
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSeen {
    pub closed: bool,
    pub severity: String,
    pub category: String,
    pub reasons: Vec<String>,
    pub cycle: u32,
    /// Steps that may be worked on now, sorted.
    pub ready: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockSeen {
    pub clock: String,
    pub instance: String,
    pub state: String,
    pub due: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSeen {
    pub rule: String,
    pub state: String,
    /// When it is tried next, or was first.
    pub planned: Time,
    pub due: Time,
}

/// One figure of one group; of a list, one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureSeen {
    pub figure: String,
    pub by: String,
    pub key: String,
    pub unit: Unit,
    /// As documents have it.
    pub shown: String,
}

impl Seen for Town {
    fn playbook(&self) -> &Playbook {
        Town::playbook(self)
    }

    fn directory(&self) -> &Snapshot {
        Town::directory(self)
    }

    fn branch(&self) -> &str {
        Town::branch(self)
    }

    fn case(&self) -> Option<CaseSeen> {
        let ticket = self.ticket()?;
        Some(CaseSeen {
            closed: matches!(ticket.state, intake_core::state::State::Closed { .. }),
            reasons: ticket.judged.reason_codes(),
            severity: ticket.judged.severity,
            category: ticket.judged.category,
            cycle: ticket.cycle,
            ready: self.work().map(|work| work.open.into_keys().collect()).unwrap_or_default(),
        })
    }

    fn clocks(&self) -> Vec<ClockSeen> {
        let watched = self.watched();
        let ledgers = watched.iter().flat_map(sla_watchdog_core::Case::all_clocks).map(|(_, ledger)| ledger);
        let seen = |ledger: &sla_watchdog_core::Ledger| ClockSeen {
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            state: ledger.state().name().to_owned(),
            due: ledger.shown_due(),
        };
        ledgers.map(seen).collect()
    }

    fn calls(&self) -> Vec<CallSeen> {
        let known = self.called().and_then(|case| case.known);
        let seen = |call: &follow_up_core::CallBack| CallSeen {
            rule: call.rule.clone(),
            state: call.state_code().to_owned(),
            planned: call.next_try().unwrap_or(call.try_at),
            due: call.due_at,
        };
        known.iter().flat_map(|known| &known.call_backs).map(seen).collect()
    }

    fn figures(&self) -> Option<Vec<FigureSeen>> {
        let span = everything(self)?;
        let rows = self.rows();
        let seen = |line: reporting_core::Line| FigureSeen {
            shown: line.shown(),
            by: line.by.to_owned(),
            figure: line.figure,
            key: line.key,
            unit: line.unit,
        };
        Some(figures(rows.iter(), Town::playbook(self), &span).into_iter().map(seen).collect())
    }
}

/// From the beginning to this moment.
fn everything(town: &Town) -> Option<Span> {
    let zone = Town::directory(town).zone_of(Town::branch(town))?;
    let mut span = Span::around(Period::Monthly, town.now(), zone).ok()?;
    (span.from, span.to) = (Time(0), Time(town.now().0 + 1));
    Some(span)
}
