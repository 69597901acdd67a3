//! The playbook as a document that people read: `hotline playbook show`, in Chinese or English, as Markdown.
//!
//! Every line carries the numbers of its rules; what the source left open is marked as ours, and listed first as the
//! choices that an owner can change.

mod cases;
mod flow;
mod words;

use std::fmt::Write as _;

use self::words::{channel, figure, group, level, limit, recipients, rules, scope, target, trigger, whose};
use crate::{
    clock::{Clock, Rung, WarnAt},
    condition::Condition,
    follow_up::{FollowUp, QuestionKind, Unhappy},
    load::table::show as value,
    model::{ParamValue, Playbook},
    report::Period,
    text::Lang,
};

/// A document being written in one language.
pub(super) struct Page<'p> {
    pub playbook: &'p Playbook,
    pub lang: Lang,
    pub out: String,
}

impl Playbook {
    /// The whole playbook as Markdown.
    pub fn show(&self, lang: Lang) -> String {
        let mut page = Page { playbook: self, lang, out: String::new() };
        page.title();
        page.params();
        page.roles();
        for case_type in self.types.values() {
            page.case_type(case_type);
        }
        page.tables();
        page.matrices();
        page.clocks();
        page.follow_ups();
        page.tells();
        page.reports();
        page.privacy();
        page.out
    }
}

impl Page<'_> {
    /// The word in the page's language.
    pub fn say<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        match self.lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    pub fn line(&mut self, text: impl AsRef<str>) {
        self.out.push_str(text.as_ref());
        self.out.push('\n');
    }

    pub fn heading(&mut self, depth: usize, zh: &str, en: &str) {
        let word = self.say(zh, en).to_owned();
        let _ = write!(self.out, "\n{} {word}\n\n", "#".repeat(depth));
    }

    /// A table row; bars inside a cell are escaped.
    pub fn row(&mut self, cells: &[&str]) {
        let cells: Vec<String> = cells.iter().map(|c| c.trim().replace('|', "\\|")).collect();
        let _ = writeln!(self.out, "| {} |", cells.join(" | "));
    }

    pub fn head(&mut self, titles: &[(&str, &str)]) {
        let titles: Vec<&str> = titles.iter().map(|(zh, en)| self.say(zh, en)).collect();
        self.row(&titles);
        self.row(&vec!["---"; titles.len()]);
    }

    pub fn when(&self, condition: Option<&Condition>) -> String {
        match condition {
            Some(c) => format!("{} `{}`", self.say("当", "when"), c.source),
            None => String::new(),
        }
    }

    /// Our own figure, not the source's.
    pub fn ours(&self, ours: bool) -> &'static str {
        match (ours, self.lang) {
            (false, _) => "",
            (true, Lang::Zh) => "（本集团自定）",
            (true, Lang::En) => " (ours)",
        }
    }

    fn title(&mut self) {
        let book = self.playbook;
        let _ = writeln!(self.out, "# {} (`{}` {})\n", book.name.get(self.lang), book.id, book.version);
        let line = self.say("业务线", "Line of business").to_owned();
        let currency = self.say("货币", "Currency").to_owned();
        let _ = writeln!(self.out, "{line}: {}. {currency}: {}.", book.line, book.currency);
    }

    fn params(&mut self) {
        self.heading(2, "可由业主改动的参数", "Choices that the owner can change");
        self.head(&[("参数", "parameter"), ("值", "value"), ("依据", "rules")]);
        for param in self.playbook.params.values() {
            let worth = match &param.value {
                ParamValue::Limit(l) => limit(l, self.lang),
                ParamValue::Value(v) => value(v),
            };
            let name = format!("{} (`{}`)", param.name.get(self.lang), param.id);
            self.row(&[&name, &format!("{worth}{}", self.ours(param.ours)), &rules(&param.rules)]);
        }
    }

    fn roles(&mut self) {
        self.heading(2, "角色", "Roles");
        for role in self.playbook.roles.values() {
            let text = format!(
                "* {} (`{}`), {}{}",
                role.name.get(self.lang),
                role.id,
                level(role.level, self.lang),
                rules(&role.rules)
            );
            self.line(text);
        }
    }

    fn matrices(&mut self) {
        for matrix in self.playbook.matrices.values() {
            self.heading(2, &format!("审批：{}", matrix.name.zh), &format!("Approvals: {}", matrix.name.en));
            let intro = self.say("谁都不能批自己的申请。", "Nobody approves his own request.").to_owned();
            self.line(format!("{intro}{}\n", rules(&matrix.rules)));
            self.head(&[("种类", "kind"), ("金额不超过", "up to"), ("依次审批", "approved by, in turn")]);
            for ladder in &matrix.ladders {
                for band in &ladder.bands {
                    let kind = format!("{} {}", ladder.kind, self.when(ladder.when.as_ref()));
                    let top = band.up_to.map_or(self.say("不限", "any").to_owned(), |m| {
                        format!("{}.{:02} {}", m / 100, m % 100, matrix.currency)
                    });
                    let chain: Vec<String> = band
                        .chain
                        .iter()
                        .map(|a| format!("{} ({})", self.role_name(&a.role.role), limit(&a.limit, self.lang)))
                        .collect();
                    self.row(&[kind.trim(), &top, &format!("{}{}", chain.join(" → "), rules(&band.rules))]);
                }
            }
        }
    }

    fn clocks(&mut self) {
        self.heading(2, "时钟", "Clocks");
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
        let head =
            format!("**{name}** {}{}{}", limits.join("; "), self.ours(clock.ours), rules(&clock.rules));
        self.line(format!("* {head}"));
        let triggers =
            |list: &[crate::clock::Trigger]| list.iter().map(trigger).collect::<Vec<_>>().join(", ");
        let facts = [
            (
                self.say("计时", "counts"),
                format!("{}, {}", scope(clock.scope, self.lang), whose(clock.calendar, self.lang)),
            ),
            (self.say("条件", "only"), self.when(clock.when.as_ref())),
            (self.say("开始", "starts"), triggers(&clock.start)),
            (self.say("停止", "stops"), triggers(&clock.stop)),
            (self.say("取消", "is cancelled"), triggers(&clock.cancel)),
            (self.say("暂停", "pauses while waiting for"), clock.pauses.join(", ")),
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
            let _ = write!(text, "; {} {severity}", self.say("升为", "raised to"));
        }
        if rung.ask_plan {
            text.push_str(self.say("；要求提交计划", "; a plan is asked for"));
        }
        text.push_str(&rules(&rung.rules));
        self.line(text);
    }

    fn follow_ups(&mut self) {
        self.heading(2, "回访", "Follow-ups");
        for follow_up in &self.playbook.follow_ups {
            self.follow_up(follow_up);
        }
    }

    fn follow_up(&mut self, follow_up: &FollowUp) {
        let name = follow_up.name.get(self.lang);
        let by = self.role_name(&follow_up.by.role);
        let head = format!(
            "* **{name}** (`{}`) {} {by}{}",
            follow_up.id,
            self.say("由", "by"),
            rules(&follow_up.rules)
        );
        self.line(head);
        let after = format!("{} {}", trigger(&follow_up.after), self.when(follow_up.when.as_ref()));
        self.line(format!("  * {}: {}", self.say("之后", "after"), after.trim()));
        let (due, tries) = (limit(&follow_up.due, self.lang), limit(&follow_up.attempts.every, self.lang));
        self.line(format!("  * {}: {due}", self.say("时限", "within")));
        self.line(format!("  * {}: {} x {tries}", self.say("尝试", "attempts"), follow_up.attempts.max));
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
            self.line(format!("  * {} `{}`: {then}", self.say("不满意", "unhappy when"), unhappy.source));
        }
    }

    fn tells(&mut self) {
        self.heading(2, "通知", "Messages");
        self.head(&[
            ("何时", "when"),
            ("谁", "to"),
            ("渠道", "channel"),
            ("内容", "text"),
            ("依据", "rules"),
        ]);
        for tell in &self.playbook.tells {
            let on = format!("{} {}", trigger(&tell.on), self.when(tell.when.as_ref()));
            let to = recipients(self.playbook, &tell.to, self.lang);
            self.row(&[
                on.trim(),
                &to,
                channel(tell.channel),
                tell.template.get(self.lang),
                rules(&tell.rules).trim(),
            ]);
        }
    }

    fn reports(&mut self) {
        self.heading(2, "指标与报表", "Figures and reports");
        self.head(&[
            ("指标", "figure"),
            ("算法", "how"),
            ("分组", "by"),
            ("目标", "target"),
            ("依据", "rules"),
        ]);
        for one in &self.playbook.figures {
            let how = format!("{} {}", figure(&one.kind, self.lang), self.when(one.filter.as_ref()));
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
                report.figures.join(", "),
                rules(&report.rules)
            );
            self.line(text);
        }
    }

    fn privacy(&mut self) {
        self.heading(2, "个人信息", "Personal data");
        let privacy = &self.playbook.privacy;
        for (field, allowed) in &privacy.reveal {
            let field = if field == "*" { self.say("全部字段", "every field") } else { field };
            let names: Vec<String> = allowed.iter().map(|r| self.role_name(r)).collect();
            self.line(format!("* {field}: {}", names.join(", ")));
        }
        let text = match self.lang {
            Lang::Zh => format!(
                "* 结案后保留 {} 天，录音 {} 天；每次查看都写明理由。",
                privacy.keep_days, privacy.keep_recordings_days
            ),
            Lang::En => format!(
                "* Kept {} days after closing, recordings {} days; every reveal has a reason on record.",
                privacy.keep_days, privacy.keep_recordings_days
            ),
        };
        self.line(text);
    }

    pub fn role_name(&self, role: &str) -> String {
        words::role_name(self.playbook, role, self.lang)
    }
}
