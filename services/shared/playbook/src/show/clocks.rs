//! Clocks with their ladders, and the waits that they honour.

use std::fmt::Write as _;

use super::{
    Page,
    words::{limit, recipients, rules, scope, whose},
};
use crate::{
    clock::{Clock, Extension, Rung, Trigger, WarnAt},
    text::Lang,
};

impl Page<'_> {
    pub(super) fn waits(&mut self) {
        if self.playbook.waits.is_empty() {
            return;
        }
        self.heading(2, "等待", "Waits");
        self.head(&[
            ("等什么", "waiting for"),
            ("由谁盯", "who sees to it"),
            ("最长", "at most"),
            ("依据", "rules"),
        ]);
        for wait in self.playbook.waits.values() {
            let name = format!("{} (`{}`)", wait.name.get(self.lang), wait.id);
            let owner = self.role_name(&wait.owner.role);
            self.row(&[&name, &owner, &limit(&wait.at_most, self.lang), rules(&wait.rules).trim()]);
        }
    }

    fn extension(&mut self, extension: &Extension) {
        let asked: Vec<String> = extension.ask.iter().map(|role| self.role_name(&role.role)).collect();
        let asked = if asked.is_empty() {
            self.say("任何经办人", "anybody on the case").to_owned()
        } else {
            asked.join(self.comma())
        };
        let by = self.role_name(&extension.approve.role);
        let most = limit(&extension.by_at_most, self.lang);
        let text = match self.lang {
            Lang::Zh => {
                format!("  * 延期：{asked}申请，{by}批准，每次最多 {most}，最多 {} 次", extension.times)
            }
            Lang::En => format!(
                "  * more time: asked for by {asked}, granted by {by}, by {most} at most, {} time(s)",
                extension.times
            ),
        };
        self.line(format!("{text}{}", rules(&extension.rules)));
    }

    pub(super) fn clocks(&mut self) {
        self.heading(2, "时钟", "Clocks");
        let intro = match self.lang {
            Lang::Zh => "到期没有做，从上到下逐级告知；暂停时不计时。",
            Lang::En => {
                "What is not done by its deadline climbs its ladder from top to bottom; a pause does not count."
            }
        };
        self.line(format!("{intro}\n"));
        for clock in &self.playbook.clocks {
            self.clock(clock);
        }
    }

    fn clock(&mut self, clock: &Clock) {
        let limits: Vec<String> = clock
            .limit
            .rows
            .iter()
            .map(|row| {
                format!("{} {}", limit(&row.limit, self.lang), self.when(row.when.as_ref())).trim().to_owned()
            })
            .collect();
        let name = format!("{} (`{}`)", clock.name.get(self.lang), clock.id);
        let head = format!(
            "**{name}**: {}{}{}",
            limits.join(self.say("；", "; ")),
            self.ours(clock.ours),
            rules(&clock.rules)
        );
        self.line(format!("* {head}"));
        let triggers = |list: &[Trigger]| {
            list.iter().map(|it| self.trigger(it)).collect::<Vec<_>>().join(self.say("；", "; "))
        };
        let types = self.listed(&clock.types, |id| self.code("type", id));
        let facts = [
            (
                self.say("计时", "counts"),
                format!("{}, {}", scope(clock.scope, self.lang), whose(clock.calendar, self.lang)),
            ),
            (self.say("适用", "for"), types),
            (self.say("条件", "only"), self.when(clock.when.as_ref())),
            (self.say("开始", "starts"), triggers(&clock.start)),
            (self.say("停止", "stops"), triggers(&clock.stop)),
            (self.say("取消", "is cancelled"), triggers(&clock.cancel)),
            (
                self.say("暂停", "pauses while waiting for"),
                self.listed(&clock.pauses, |id| self.wait_name(id)),
            ),
        ];
        let lines: Vec<String> = facts
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(word, text)| format!("  * {word}: {text}"))
            .collect();
        lines.iter().for_each(|l| self.line(l));
        for warn in &clock.warn {
            let at = match &warn.at {
                WarnAt::Share(percent) => format!("{percent} %"),
                WarnAt::Before(l) => format!("{} {}", limit(l, self.lang), self.say("之前", "before")),
            };
            let text = format!(
                "  * {} {at}: {}",
                self.say("提醒", "warns at"),
                recipients(self.playbook, &warn.tell, self.lang)
            );
            self.line(text);
        }
        clock.ladder.iter().for_each(|rung| self.rung(rung));
        if let Some(repeat) = &clock.repeat {
            let told = recipients(self.playbook, &repeat.tell, self.lang);
            let every = limit(&repeat.every, self.lang);
            self.line(format!("  * {} {every} → {told}", self.say("此后每", "and again every")));
        }
        if let Some(extension) = &clock.extension {
            self.extension(extension);
        }
    }

    fn rung(&mut self, rung: &Rung) {
        let after = rung.after.as_ref().map_or(self.say("到期", "at the deadline").to_owned(), |l| {
            format!("+{}", limit(l, self.lang))
        });
        let mut text = format!("  * {after} → {}", recipients(self.playbook, &rung.tell, self.lang));
        if let Some(role) = &rung.reroute {
            let _ = write!(text, "; {} {}", self.say("改派", "goes over to"), self.role_name(&role.role));
        }
        if let Some(severity) = &rung.raise {
            let _ = write!(text, "; {} {}", self.say("升为", "raised to"), self.code("severity", severity));
        }
        if rung.ask_plan {
            text.push_str(self.say("；要求提交计划", "; a plan is asked for"));
        }
        text.push_str(&rules(&rung.rules));
        self.line(text);
    }
}
