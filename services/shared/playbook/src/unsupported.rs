//! Parts of the language that parse and are kept, but that the services do not carry out yet. A playbook that uses
//! them is refused at activation: a rule must not look kept when nobody keeps it.

use crate::{
    check::Findings,
    diagnostic::Diagnostic,
    follow_up::FollowUpKind,
    model::Playbook,
    role::{CasePerson, Recipient},
    route::Preference,
    tell::Channel,
};

impl Playbook {
    /// What this playbook asks for and no service does yet; empty: it can be activated.
    pub fn unsupported(&self) -> Vec<Diagnostic> {
        let mut found = Findings { playbook: self, found: Vec::new() };
        for duty in &self.duties {
            found.lacking(&format!("duties/{}", duty.id), "定期职责", "periodic duties");
        }
        self.cases(&mut found);
        self.follow_up_parts(&mut found);
        self.customers_told(&mut found);
        for clock in &self.clocks {
            let place = format!("clocks/{}", clock.id);
            if clock.extension.is_some() {
                found.lacking(&place, "延期申请", "extensions of a clock");
            }
        }
        for matrix in self.matrices.values().filter(|m| m.verbal.is_some()) {
            found.lacking(
                &format!("approvals/{}", matrix.id),
                "先口头后补手续的审批",
                "verbal approvals with paper later",
            );
        }
        for tell in self.tells.iter().filter(|t| t.channel == Channel::Webhook) {
            found.lacking(&format!("tells/{}", tell.id), "网络钩子通知", "messages by webhook");
        }
        for table in self.tables.keys() {
            found.lacking(&format!("tables/{table}"), "独立决策表", "free-standing decision tables");
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
            if case_type.opened_when.is_some() {
                found.lacking(&place, "立案条件", "conditions for opening a case");
            }
            for step in case_type.steps.iter().filter(|s| s.opens.is_some()) {
                found.lacking(
                    &format!("{place}/steps/{}", step.id),
                    "步骤里另开关联案件",
                    "steps that open a linked case",
                );
            }
        }
    }

    fn follow_up_parts(&self, found: &mut Findings<'_>) {
        for follow_up in &self.follow_ups {
            let place = format!("follow_ups/{}", follow_up.id);
            match follow_up.kind {
                FollowUpKind::Call | FollowUpKind::Survey => {}
                FollowUpKind::Letter => found.lacking(&place, "信函回访", "follow-up by letter"),
                FollowUpKind::Visit => found.lacking(&place, "上门回访", "follow-up by visit"),
            }
            if follow_up.series.is_some() {
                found.lacking(&place, "系列回访", "a series of follow-ups");
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
