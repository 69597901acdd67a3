//! What the services show of a ticket, compared with the journals and with one another.

use crate::{Class, Findings, cases::Case};

/// What intake shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub open: bool,
    pub cycle: u32,
    /// Every mark on record.
    pub told_of: bool,
}

/// What dispatch shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    pub state: String,
    /// A role or a person holds it.
    pub held: bool,
}

/// What the watchdog shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chase {
    /// Running, paused or late.
    pub live: bool,
    /// Running: would still breach.
    pub running: bool,
}

/// A row of the read model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub state: String,
    pub cycle: u32,
}

/// One ticket as all of them show it; `None`: not known there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub ticket: Option<Ticket>,
    pub work: Option<Work>,
    pub chase: Option<Chase>,
    pub row: Option<Row>,
}

impl Seen {
    /// Nothing to say against it. What was under way may be so a moment later.
    pub fn agrees(&self, id: &str, case: &Case) -> bool {
        let mut findings = Findings::default();
        self.compare(id, case, &mut findings);
        findings.is_empty()
    }

    pub fn compare(&self, id: &str, case: &Case, findings: &mut Findings) {
        let place = format!("{} {id}", case.number);
        let Some(ticket) = &self.ticket else {
            findings.add(Class::Lost, "ticket-not-stored", place, "in intake's journal, not in its state");
            return;
        };
        self.is_everywhere(&place, findings);
        self.row_agrees(&place, ticket, findings);
        if ticket.open {
            self.goes_on(&place, case, findings);
        } else {
            self.is_over(&place, ticket, case, findings);
        }
    }

    fn is_everywhere(&self, place: &str, findings: &mut Findings) {
        let there = [
            (self.work.is_some(), "no-work-order", "dispatch has no work for it"),
            (self.chase.is_some(), "not-watched", "the watchdog has no case for it"),
            (self.row.is_some(), "no-row", "the read model has no row for it"),
        ];
        for (_, what, text) in there.into_iter().filter(|(there, ..)| !there) {
            findings.add(Class::Lost, what, place, text);
        }
    }

    fn row_agrees(&self, place: &str, ticket: &Ticket, findings: &mut Findings) {
        let Some(row) = &self.row else { return };
        // The read model tells the open states apart.
        let state = if ticket.open { "open" } else { "closed" };
        if ((row.state != "closed"), row.cycle) != (ticket.open, ticket.cycle) {
            let text = format!(
                "intake: {state}, cycle {}; read model: {}, cycle {}",
                ticket.cycle, row.state, row.cycle
            );
            findings.add(Class::Differs, "state-differs", place, text);
        }
    }

    /// P9: a running clock or a named wait, and somebody who holds it.
    fn goes_on(&self, place: &str, case: &Case, findings: &mut Findings) {
        if case.is_stranded() && self.chase.as_ref().is_some_and(|chase| !chase.live) {
            findings.add(
                Class::Promise,
                "stranded",
                place,
                "P9: open without a running clock and without a named wait",
            );
        }
        if let Some(work) = &self.work
            && (work.state == "unplaced"
                || (!work.held && matches!(work.state.as_str(), "dispatched" | "acknowledged")))
        {
            findings.add(
                Class::Promise,
                "nobody-holds-it",
                place,
                format!("P9: open and {}, without an owner", work.state),
            );
        }
    }

    /// P4: nothing is open behind a closed case, but perhaps a call-back that the closing did not wait for.
    fn is_over(&self, place: &str, ticket: &Ticket, case: &Case, findings: &mut Findings) {
        if !ticket.told_of {
            findings.add(
                Class::Promise,
                "closed-without-evidence",
                place,
                "P4: intake's own marks are not complete",
            );
        }
        if let Some(work) = &self.work
            && matches!(work.state.as_str(), "dispatched" | "acknowledged" | "unplaced")
        {
            findings.add(
                Class::Promise,
                "closed-with-open-work",
                place,
                format!("P4: the work is {}", work.state),
            );
        }
        if self.chase.as_ref().is_some_and(|chase| chase.running && !case.called) {
            findings.add(Class::Promise, "closed-with-running-clock", place, "P4: a clock still runs");
        }
    }
}
