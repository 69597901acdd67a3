//! Parts of the language that parse and are kept, but that the services do not carry out yet. A playbook that uses
//! them is refused at activation: a rule must not look kept when nobody keeps it.

use crate::{
    check::Findings,
    diagnostic::Diagnostic,
    model::Playbook,
    role::{CasePerson, Recipient},
    route::Preference,
    tell::Channel,
};

impl Playbook {
    /// What this playbook asks for and no service does yet; empty: it can be activated.
    pub fn unsupported(&self) -> Vec<Diagnostic> {
        let mut found = Findings { playbook: self, found: Vec::new() };
        self.cases(&mut found);
        self.customers_told(&mut found);
        for tell in self.tells.iter().filter(|t| t.channel == Channel::Webhook) {
            found.lacking(&format!("tells/{}", tell.id), "网络钩子通知", "messages by webhook");
        }
        found.found
    }

    fn cases(&self, found: &mut Findings<'_>) {
        for case_type in self.types.values() {
            let place = format!("types/{}", case_type.id);
            if case_type.routing.choose.iter().any(|p| *p != Preference::LeastLoad) {
                found.lacking(
                    &place,
                    "按技能、远近或上次经手人派单",
                    "choosing by skill, nearness or who had it before",
                );
            }
        }
    }
}

impl Playbook {
    /// A customer's address is sealed at intake's, and what sends messages cannot ask for it.
    fn customers_told(&self, found: &mut Findings<'_>) {
        let is_told = |to: &[Recipient]| to.contains(&Recipient::Person(CasePerson::Customer));
        let mut lacking = |place: &str| found.lacking(place, "给客户发消息", "messages to the customer");
        for tell in self.tells.iter().filter(|tell| is_told(&tell.to)) {
            lacking(&format!("tells/{}", tell.id));
        }
        for clock in &self.clocks {
            let warned = clock.warn.iter().map(|warn| &warn.tell);
            let reached = clock.ladder.iter().map(|rung| &rung.tell);
            let reminded = clock.repeat.iter().map(|repeat| &repeat.tell);
            if warned.chain(reached).chain(reminded).any(|to| is_told(to)) {
                lacking(&format!("clocks/{}", clock.id));
            }
        }
    }
}

impl Findings<'_> {
    fn lacking(&mut self, place: &str, zh: &str, en: &str) {
        self.error("PB0901", place, format!("系统还不能执行：{zh}"), format!("not carried out yet: {en}"));
    }
}
