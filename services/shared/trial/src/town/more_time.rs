//! More time for a clock: asked for by whoever holds the work, decided by whom the rule book names.

use chassis_core::Refusal;
use sla_watchdog_core::{AskExtension, Command, DecideExtension, Ledger};

use super::{
    Town,
    deed::{Deed, What, refusal},
};

impl Town {
    pub(super) fn more_time(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, cycle) = self.the_ticket()?;
        let wanted = deed.clock.clone().unwrap_or_default();
        let running = self.running(&wanted, deed.instance.as_deref());
        let instance = running.as_ref().map(|ledger| ledger.instance.clone()).unwrap_or_default();
        let (usual, command) = if deed.what == What::Extend {
            let holder = self.work().and_then(|work| self.whose_turn(&work, deed));
            let ask = AskExtension {
                ticket,
                cycle,
                clock: wanted,
                instance,
                longer: deed.wait.clone(),
                reason: deed.reason.clone().unwrap_or_else(|| "more_time".to_owned()),
            };
            (holder, Command::AskExtension(ask))
        } else {
            let asked =
                running.iter().flat_map(|ledger| &ledger.extensions).rfind(|it| it.decision.is_none());
            let number = asked.map(|asked| asked.number).ok_or_else(nothing_asked)?;
            let granted = deed.what == What::Grant;
            let approver = self.approver(&wanted);
            let decide = DecideExtension { ticket, cycle, clock: wanted, instance, number, granted };
            (approver, Command::DecideExtension(decide))
        };
        let actor = self.by(deed, usual)?;
        let done = self.watchdog.command(&actor, ticket.shard(), &command);
        self.after(&actor, done).map(|_| ())
    }

    /// The newest run, unless an instance is named.
    fn running(&self, clock: &str, instance: Option<&str>) -> Option<Ledger> {
        let is = |ledger: &&Ledger| {
            ledger.clock == clock && instance.map_or(ledger.is_live(), |instance| ledger.instance == instance)
        };
        self.watched()?.clocks.iter().rfind(is).cloned()
    }

    fn approver(&self, clock: &str) -> Option<String> {
        let rule = self.playbook().clock(clock)?.extension.as_ref()?;
        self.person(&format!("{}@{}", rule.approve.role, rule.approve.level.as_str()))
    }
}

fn nothing_asked() -> Refusal {
    let (zh, en) = ("没有待批的延期申请。", "No request for more time waits for a decision.");
    refusal("nothing-asked", zh.to_owned(), en.to_owned())
}
