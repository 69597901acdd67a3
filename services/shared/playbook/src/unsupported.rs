//! Parts of the language that parse and are kept, but that the services do not carry out yet. A playbook that uses
//! them is refused at activation: a rule must not look kept when nobody keeps it.

use crate::{
    check::Findings,
    diagnostic::Diagnostic,
    model::Playbook,
    role::{CasePerson, Recipient},
    tell::Channel,
};

impl Playbook {
    /// What this playbook asks for and no service does yet; empty: it can be activated.
    pub fn unsupported(&self) -> Vec<Diagnostic> {
        let mut found = Findings { playbook: self, found: Vec::new() };
        self.customers_told(&mut found);
        for tell in self.tells.iter().filter(|t| t.channel == Channel::Webhook) {
            found.lacking(&format!("tells/{}", tell.id), "网络钩子通知", "messages by webhook");
        }
        found.found
    }
}

impl Playbook {
    /// What ladders say is written for the staff. A message of the rule book can be sent to the customer instead, on
    /// `clock.warned` for example.
    fn customers_told(&self, found: &mut Findings<'_>) {
        let is_told = |to: &[Recipient]| to.contains(&Recipient::Person(CasePerson::Customer));
        for clock in &self.clocks {
            let warned = clock.warn.iter().map(|warn| &warn.tell);
            let reached = clock.ladder.iter().map(|rung| &rung.tell);
            let reminded = clock.repeat.iter().map(|repeat| &repeat.tell);
            if warned.chain(reached).chain(reminded).any(|to| is_told(to)) {
                let place = format!("clocks/{}", clock.id);
                found.lacking(
                    &place,
                    "由时钟直接通知客户（请用 tells）",
                    "clocks that tell the customer (use `tells`)",
                );
            }
        }
    }
}

impl Findings<'_> {
    fn lacking(&mut self, place: &str, zh: &str, en: &str) {
        self.error("PB0901", place, format!("系统还不能执行：{zh}"), format!("not carried out yet: {en}"));
    }
}
