//! The playbook as a document that people read: `hotline playbook show`, in Chinese or English, as Markdown.
//!
//! Every line carries the numbers of its rules; what the source left open is marked as ours, and listed first as the
//! choices that an owner can change.

mod cases;
mod clocks;
mod condition;
mod flow;
mod names;
mod telling;
mod words;

use std::fmt::Write as _;

use self::words::{level, limit, recipients, rules};
use crate::{
    case::CaseType,
    condition::Condition,
    facts::Value,
    model::{ParamValue, Playbook},
    text::Lang,
};

/// A document being written in one language.
pub(super) struct Page<'p> {
    pub playbook: &'p Playbook,
    pub lang: Lang,
    pub out: String,
    /// The case type that is written about: its names come before those of others.
    pub about: Option<&'p CaseType>,
}

impl Playbook {
    /// The whole playbook as Markdown.
    pub fn show(&self, lang: Lang) -> String {
        let mut page = Page { playbook: self, lang, out: String::new(), about: None };
        page.title();
        page.params();
        page.roles();
        page.waits();
        // What a duty opens has nothing but one step: it stands with the duties.
        let is_duty = |id: &str| self.duties.iter().any(|duty| duty.case_type == id);
        for case_type in self.types.values().filter(|case_type| !is_duty(&case_type.id)) {
            page.about = Some(case_type);
            page.case_type(case_type);
        }
        page.about = None;
        page.duties();
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
            Some(c) => format!("{}{}", self.say("当", "when "), self.condition(c)),
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
                ParamValue::Value(v) => self.value("", v),
            };
            let name = format!("{} (`{}`)", param.name.get(self.lang), param.id);
            self.row(&[&name, &format!("{worth}{}", self.ours(param.ours)), &rules(&param.rules)]);
        }
    }

    fn roles(&mut self) {
        self.heading(2, "角色", "Roles");
        self.head(&[("角色", "role"), ("在哪一级", "at"), ("依据", "rules")]);
        for role in self.playbook.roles.values() {
            let name = format!("{} (`{}`)", role.name.get(self.lang), role.id);
            self.row(&[&name, level(role.level, self.lang), rules(&role.rules).trim()]);
        }
    }

    fn duties(&mut self) {
        if self.playbook.duties.is_empty() {
            return;
        }
        self.heading(2, "定期工作", "Duties");
        self.head(&[
            ("工作", "duty"),
            ("由", "by"),
            ("多久一次", "how often"),
            ("时限", "within"),
            ("凭证", "proof"),
            ("逾期告知", "told when late"),
            ("依据", "rules"),
        ]);
        for duty in &self.playbook.duties {
            let name = format!("{} (`{}`)", duty.name.get(self.lang), duty.id);
            let late = recipients(self.playbook, &duty.tell_late, self.lang);
            self.row(&[
                &name,
                &self.role_name(&duty.role.role),
                &words::recurrence(&duty.recurs, self.lang),
                &limit(&duty.due, self.lang),
                duty.proof.as_deref().unwrap_or_default(),
                &late,
                rules(&duty.rules).trim(),
            ]);
        }
    }

    fn matrices(&mut self) {
        for matrix in self.playbook.matrices.values() {
            self.heading(2, &format!("审批：{}", matrix.name.zh), &format!("Approvals: {}", matrix.name.en));
            let intro = self.say("谁都不能批自己的申请。", "Nobody approves his own request.").to_owned();
            self.line(format!("{intro}{}\n", rules(&matrix.rules)));
            self.head(&[
                ("种类", "kind"),
                ("金额不超过", "up to"),
                ("依次审批", "approved by, in turn"),
                ("依据", "rules"),
            ]);
            for ladder in &matrix.ladders {
                for band in &ladder.bands {
                    let kind = format!("{} {}", ladder.kind, self.when(ladder.when.as_ref()));
                    let kind = kind.trim();
                    let top = band.up_to.map_or(self.say("不限", "any").to_owned(), |m| {
                        self.value("", &Value::money(&matrix.currency, m))
                    });
                    let chain: Vec<String> = band
                        .chain
                        .iter()
                        .map(|a| format!("{} ({})", self.role_name(&a.role.role), limit(&a.limit, self.lang)))
                        .collect();
                    self.row(&[kind, &top, &chain.join(" → "), rules(&band.rules).trim()]);
                }
            }
        }
    }

    fn privacy(&mut self) {
        self.heading(2, "个人信息", "Personal data");
        let privacy = &self.playbook.privacy;
        for (field, allowed) in &privacy.reveal {
            let field = if field == "*" {
                self.say("全部字段", "every field").to_owned()
            } else {
                self.fact(field)
            };
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
