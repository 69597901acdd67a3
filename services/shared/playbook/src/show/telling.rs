//! What is said: call-backs to the customer, messages, figures and reports.

use super::{
    Page,
    words::{channel, follow_up_kind, group, limit, recipients, rules, target},
};
use crate::{
    follow_up::{FollowUp, QuestionKind, Unhappy},
    report::Period,
    text::Lang,
};

impl Page<'_> {
    pub(super) fn follow_ups(&mut self) {
        self.heading(2, "回访", "Follow-ups");
        for follow_up in &self.playbook.follow_ups {
            self.follow_up(follow_up);
        }
    }

    fn follow_up(&mut self, follow_up: &FollowUp) {
        let name = follow_up.name.get(self.lang);
        let by = self.role_name(&follow_up.by.role);
        let head = format!(
            "* **{name}** (`{}`) {} {} {by}{}",
            follow_up.id,
            follow_up_kind(follow_up.kind, self.lang),
            self.say("由", "by"),
            rules(&follow_up.rules)
        );
        self.line(head);
        let after = format!("{} {}", self.trigger(&follow_up.after), self.when(follow_up.when.as_ref()));
        self.line(format!("  * {}: {}", self.say("之后", "after"), after.trim()));
        let (due, tries) = (limit(&follow_up.due, self.lang), limit(&follow_up.attempts.every, self.lang));
        self.line(format!("  * {}: {due}", self.say("时限", "within")));
        let attempts = match self.lang {
            Lang::Zh => format!("  * 最多 {} 次，每次间隔 {tries}", follow_up.attempts.max),
            Lang::En => format!("  * up to {} attempts, one every {tries}", follow_up.attempts.max),
        };
        self.line(attempts);
        if let Some(series) = &follow_up.series {
            let at: Vec<String> = series.at.iter().map(|at| limit(at, self.lang)).collect();
            self.line(format!(
                "  * {}: {}",
                self.say("之后各一次", "once after each of"),
                at.join(self.comma())
            ));
        }
        if let Some(share) = follow_up.sample {
            self.line(format!("  * {} {share} %", self.say("抽查", "a sample of")));
        }
        self.line(format!("  * {}: {}", self.say("话术", "what is said"), follow_up.script.get(self.lang)));
        for question in &follow_up.questions {
            let kind = match &question.kind {
                QuestionKind::Scale { low, high } => format!("{low}-{high}"),
                QuestionKind::Choice(options) => {
                    options.iter().map(|o| o.name.get(self.lang)).collect::<Vec<_>>().join(" / ")
                }
                QuestionKind::YesNo => self.say("是 / 否", "yes / no").to_owned(),
            };
            self.line(format!("  * {} ({kind}){}", question.text.get(self.lang), rules(&question.rules)));
        }
        if let Some(unhappy) = &follow_up.unhappy {
            let then = match follow_up.on_unhappy {
                Unhappy::Reopen { within_days } => match self.lang {
                    Lang::Zh => format!("{within_days} 天内重新立案，之后另立关联案件"),
                    Lang::En => format!("opened again within {within_days} days, later a linked case"),
                },
                Unhappy::Linked => self.say("另立关联案件", "a linked case").to_owned(),
                Unhappy::Nothing => self.say("只记录", "recorded only").to_owned(),
            };
            self.line(format!(
                "  * {}{}: {then}",
                self.say("不满意：", "unhappy when "),
                self.condition(unhappy)
            ));
        }
    }

    pub(super) fn tells(&mut self) {
        self.heading(2, "通知", "Messages");
        self.head(&[
            ("何时", "when"),
            ("谁", "to"),
            ("渠道", "channel"),
            ("内容", "text"),
            ("依据", "rules"),
        ]);
        for tell in &self.playbook.tells {
            let on = format!("{} {}", self.trigger(&tell.on), self.when(tell.when.as_ref()));
            let to = recipients(self.playbook, &tell.to, self.lang);
            self.row(&[
                on.trim(),
                &to,
                channel(tell.channel, self.lang),
                tell.template.get(self.lang),
                rules(&tell.rules).trim(),
            ]);
        }
    }

    pub(super) fn reports(&mut self) {
        self.heading(2, "指标与报表", "Figures and reports");
        self.head(&[
            ("指标", "figure"),
            ("算法", "how"),
            ("分组", "by"),
            ("目标", "target"),
            ("依据", "rules"),
        ]);
        for one in &self.playbook.figures {
            let how = format!("{} {}", self.figure(&one.kind), self.when(one.filter.as_ref()));
            let by: Vec<&str> = one.group_by.iter().map(|g| group(*g, self.lang)).collect();
            let aim = one.target.map(|t| target(t, &one.kind, self.lang)).unwrap_or_default();
            self.row(&[one.name.get(self.lang), how.trim(), &by.join(", "), &aim, rules(&one.rules).trim()]);
        }
        self.line("");
        for report in &self.playbook.reports {
            let period = match report.period {
                Period::Daily => self.say("每日", "daily"),
                Period::Weekly => self.say("每周", "weekly"),
                Period::Monthly => self.say("每月", "monthly"),
            };
            let to = recipients(self.playbook, &report.addressees, self.lang);
            let text = format!(
                "* **{}** ({period}) → {to}: {}{}",
                report.name.get(self.lang),
                self.listed(&report.figures, |id| self.figure_name(id)),
                rules(&report.rules)
            );
            self.line(text);
        }
    }
}
