//! From what was decided to the events of the contract.

use chassis_core::{About, Step};
use playbook::Rung;
use proto::{Event, Time, common::v1::TicketRef, sla_watchdog::v1 as said};

use crate::{
    case::Case,
    ledger::{Ended, Extended, How, Ledger},
    recipients::Told,
    timeline::number,
};

/// Speaks about one case.
pub(crate) struct Voice<'v, 's> {
    step: &'v mut Step<'s>,
    ticket: TicketRef,
    case: proto::Id,
}

impl<'v, 's> Voice<'v, 's> {
    pub fn new(case: &Case, branch: &str, step: &'v mut Step<'s>) -> Self {
        let ticket = TicketRef { branch: branch.to_owned(), ..case.to_ref() };
        Voice { step, ticket, case: case.id }
    }

    pub fn now(&self) -> Time {
        self.step.now()
    }

    pub fn started(&mut self, ledger: &Ledger, due: Option<Time>) {
        self.say(said::ClockStarted {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            started_at: ledger.started_at.0,
            due_at: micros(due),
            limit: ledger.limit.clone(),
            calendar: ledger.calendar.clone(),
        });
    }

    /// It stands still, goes on, or has another deadline; `due` says which.
    pub fn moved(&mut self, ledger: &Ledger, wait: &str, due: Option<Time>) {
        self.say(said::ClockPaused {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            paused: due.is_none(),
            wait: wait.to_owned(),
            due_at: micros(due),
        });
    }

    pub fn warned(&mut self, ledger: &Ledger, due: Option<Time>, told: &Told) {
        self.say(said::ClockWarned {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            due_at: micros(due),
            told: told.persons.clone(),
        });
    }

    pub fn breached(&mut self, ledger: &Ledger, due: Time, holder: Option<String>) {
        self.say(said::ClockBreached {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            due_at: due.0,
            silent: ledger.silent.clone(),
            holder: holder.unwrap_or_default(),
        });
    }

    pub fn escalated(&mut self, ledger: &Ledger, place: usize, rung: &Rung, told: &Told, late: bool) {
        self.say(said::EscalationRaised {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            rung: number(place) + 1,
            role: told.role.clone(),
            told: told.persons.clone(),
            due_at: micros(ledger.breached),
            late,
            action: actions(rung),
            node: told.node.clone(),
        });
    }

    pub fn met(&mut self, ledger: &Ledger, ended: Ended) {
        let cancelled = ended.how == How::Cancelled;
        self.say(said::ClockMet {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            due_at: ledger.breached.unwrap_or(ledger.last_due).0,
            met_at: ended.at.0,
            late: ledger.breached.is_some() && !cancelled,
            cancelled,
        });
    }

    pub fn corrected(&mut self, ledger: &Ledger, from: &str, to: &str, reason: &str) {
        self.say(said::ClockVerdictCorrected {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            reason: reason.to_owned(),
            told: ledger.told.iter().cloned().collect(),
        });
    }

    pub fn extension_asked(&mut self, ledger: &Ledger, asked: &Extended, role: &str, told: Vec<String>) {
        self.say(said::ClockExtensionAsked {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            number: asked.number,
            by: asked.asked_by.clone(),
            longer: asked.longer.clone(),
            reason: asked.reason.clone(),
            due_at: micros(asked.due),
            role: role.to_owned(),
            told,
        });
    }

    pub fn extension_decided(
        &mut self,
        ledger: &Ledger,
        asked: &Extended,
        before: Option<Time>,
        due: Option<Time>,
    ) {
        let decision = asked.decision.as_ref();
        self.say(said::ClockExtensionDecided {
            ticket: self.ticket(),
            clock: ledger.clock.clone(),
            instance: ledger.instance.clone(),
            number: asked.number,
            by: decision.map(|decision| decision.by.clone()).unwrap_or_default(),
            granted: decision.is_some_and(|decision| decision.granted),
            longer: asked.longer.clone(),
            old_due_at: micros(before),
            due_at: micros(due),
            told: vec![asked.asked_by.clone()],
        });
    }

    fn ticket(&self) -> Option<TicketRef> {
        Some(self.ticket.clone())
    }

    fn say<E: Event>(&mut self, event: E) {
        self.step.say(About::ticket(self.case, &self.ticket.branch), event);
    }
}

/// What a rung does besides telling; several are separated by commas.
fn actions(rung: &Rung) -> String {
    let all = [("reroute", rung.reroute.is_some()), ("raise", rung.raise.is_some()), ("plan", rung.ask_plan)];
    all.iter().filter(|(_, does)| *does).map(|(name, _)| *name).collect::<Vec<_>>().join(",")
}

fn micros(at: Option<Time>) -> i64 {
    at.unwrap_or(Time::UNSET).0
}
