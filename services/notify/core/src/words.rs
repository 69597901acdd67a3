//! The words of a message, made when it goes out. Names come from the playbook that the ticket
//! was opened under and from the directory; nothing in them is personal.

use jiff::tz::TimeZone;
use organisation::Snapshot;
use playbook::{CaseType, Lang, Playbook, Text, Value, tell};
use proto::Time;

use crate::notice::{Notice, Occasion};

/// Rules of the ladder's own telling.
pub const WARNED: &str = "ladder-warned";
pub const BREACHED: &str = "ladder-breached";
pub const RAISED: &str = "ladder-raised";
pub const CORRECTED: &str = "ladder-corrected";
pub const EXTENSION_ASKED: &str = "extension-asked";
pub const EXTENSION_DECIDED: &str = "extension-decided";

/// What a notice says where its occasion has nothing to say.
const NOTHING: &str = "—";
/// Branches without a zone of their own.
const ZONE: &str = "Asia/Shanghai";

/// The message; `None` if the ticket's playbook does not know the rule.
pub fn render(
    notice: &Notice,
    playbook: &Playbook,
    directory: &Snapshot,
    lang: Lang,
    link_base: &str,
) -> Option<String> {
    let rule = playbook.tells.iter().find(|rule| rule.id == notice.rule);
    let page = Page { notice, playbook, directory, lang, link_base, rules: rule.map_or(&[], |r| &r.rules) };
    let template = match rule {
        Some(rule) => rule.template.clone(),
        None => with_link(built_in(notice)?, link_base),
    };
    Some(tell::render(template.get(lang), |name| page.word(name)))
}

/// The ladder's texts name the ticket themselves.
fn with_link(mut text: Text, link_base: &str) -> Text {
    if !link_base.is_empty() {
        text.zh.push_str("{link}");
        text.en.push_str(" {link}");
    }
    text
}

fn built_in(notice: &Notice) -> Option<Text> {
    let text = match notice.rule.as_str() {
        WARNED => Text::new(
            "【提醒】工单 {number}（{branch}）的时限“{clock}”将于 {due} 到期，请及时处理。",
            "[Reminder] Ticket {number} ({branch}): \"{clock}\" is due at {due}.",
        ),
        BREACHED => Text::new(
            "【超时】工单 {number}（{branch}）的时限“{clock}”已于 {due} 到期，尚未完成。",
            "[Overdue] Ticket {number} ({branch}): \"{clock}\" was due at {due} and is not met.",
        ),
        RAISED => raised(&notice.occasion),
        EXTENSION_ASKED => Text::new(
            "【延期申请】工单 {number}（{branch}）的时限“{clock}”申请延期（现期限 {due}），请审批。",
            "[More time] Ticket {number} ({branch}): more time is asked for \"{clock}\" (due {due}); please decide.",
        ),
        EXTENSION_DECIDED => decided(&notice.occasion),
        CORRECTED => Text::new(
            "【更正】工单 {number}（{branch}）的时限“{clock}”此前的超时结论已更正，请以系统记录为准。",
            "[Correction] Ticket {number} ({branch}): the earlier verdict on \"{clock}\" was corrected.",
        ),
        _ => return None,
    };
    Some(text)
}

fn decided(occasion: &Occasion) -> Text {
    if occasion.action.as_deref() == Some("approved") {
        return Text::new(
            "【延期获批】工单 {number}（{branch}）的时限“{clock}”现延至 {due}。",
            "[More time granted] Ticket {number} ({branch}): \"{clock}\" is due at {due} now.",
        );
    }
    Text::new(
        "【延期未获批】工单 {number}（{branch}）的时限“{clock}”仍为 {due}。",
        "[More time refused] Ticket {number} ({branch}): \"{clock}\" is still due at {due}.",
    )
}

/// One rung: what it tells, and what it asks for besides.
fn raised(occasion: &Occasion) -> Text {
    let mut text = Text::new(
        "【升级第{rung}级】工单 {number}（{branch}）的时限“{clock}”已于 {due} 到期，尚未完成。",
        "[Escalation, rung {rung}] Ticket {number} ({branch}): \"{clock}\" was due at {due} and is not met.",
    );
    let more = match occasion.action.as_deref() {
        Some("reroute") => ("工单已改派。", " The work was handed on."),
        Some("raise") => ("严重程度已提升。", " The severity was raised."),
        Some("plan") => ("请提交处理计划。", " Please answer with a plan."),
        _ => ("", ""),
    };
    text.zh.push_str(more.0);
    text.en.push_str(more.1);
    if occasion.late {
        text.zh.push_str("（系统恢复后补发）");
        text.en.push_str(" (Sent late, after an outage.)");
    }
    text
}

struct Page<'a> {
    notice: &'a Notice,
    playbook: &'a Playbook,
    directory: &'a Snapshot,
    lang: Lang,
    link_base: &'a str,
    rules: &'a [String],
}

impl Page<'_> {
    /// What a placeholder stands for.
    fn word(&self, name: &str) -> Option<String> {
        let about = &self.notice.occasion;
        let matter = &self.notice.matter;
        let word = match name {
            "number" => Some(matter.number.clone()),
            "branch" => self
                .directory
                .node(&matter.branch)
                .map(|n| n.name.clone())
                .filter(|n| !n.is_empty())
                .or_else(|| Some(matter.branch.clone())),
            "type" => self.case_type().map(|t| self.say(&t.name)),
            "category" => about.category.as_deref().map(|code| self.category(code)),
            "severity" => about.severity.as_deref().map(|code| self.severity(code)),
            "brand" => about.brand.as_deref().map(|code| self.option_of("brand", code)),
            "step" => about.step.as_deref().map(|id| self.step(id)),
            "clock" => about.clock.as_deref().map(|id| self.clock(id)),
            "role" => about.role.as_deref().or(Some(&self.notice.role)).map(|id| self.role(id)),
            "rung" => about.rung.map(|n| n.to_string()),
            "attempts" => about.attempts.map(|n| n.to_string()),
            "due" => about.due_at.map(|at| self.time(at)),
            "opened_at" => about.opened_at.map(|at| self.time(at)),
            "late_by" => about.due_at.filter(|due| about.at > *due).map(|due| self.span(about.at.0 - due.0)),
            "amount" => about.amount.as_ref().map(|(currency, minor)| money(currency, *minor)),
            "reasons" => Some(self.list(about.reasons.iter().map(|code| self.reason(code)).collect())),
            "rules" => Some(self.list(self.rules.to_vec())),
            "link" => Some(self.link()),
            fact => self.fact(about.facts.get(fact)),
        };
        Some(word.filter(|w| !w.is_empty()).unwrap_or_else(|| NOTHING.to_owned()))
    }

    /// A fact of the case; one that is not known has nothing to say.
    fn fact(&self, value: Option<&Value>) -> Option<String> {
        Some(match value? {
            Value::Bool(true) => self.say(&Text::new("是", "yes")),
            Value::Bool(false) => self.say(&Text::new("否", "no")),
            Value::Int(number) => number.to_string(),
            Value::Code(code) => self.option(code),
            Value::Codes(codes) => self.list(codes.iter().map(|code| self.option(code)).collect()),
            Value::Money { currency, minor } => money(currency, *minor),
            Value::Date(date) => date.to_string(),
            Value::Instant(micros) => self.time(Time(*micros)),
        })
    }

    /// An option by its name in whichever field has it.
    fn option(&self, code: &str) -> String {
        let fields = self.case_type().map(CaseType::all_fields).into_iter().flatten();
        let choice = fields.flat_map(|field| field.choices()).find(|choice| choice.code == code);
        choice.map_or_else(|| code.to_owned(), |choice| self.say(&choice.name))
    }

    fn say(&self, text: &Text) -> String {
        text.get(self.lang).to_owned()
    }

    fn case_type(&self) -> Option<&CaseType> {
        self.playbook.case_type(&self.notice.matter.case_type)
    }

    fn category(&self, code: &str) -> String {
        let choices = self.case_type().map_or(&[][..], |t| &t.categories);
        choices.iter().find(|c| c.code == code).map_or_else(|| code.to_owned(), |c| self.say(&c.name))
    }

    fn severity(&self, code: &str) -> String {
        let choices = self.case_type().map_or(&[][..], |t| &t.severities);
        choices.iter().find(|c| c.code == code).map_or_else(|| code.to_owned(), |c| self.say(&c.name))
    }

    fn option_of(&self, field: &str, code: &str) -> String {
        let choices = self.case_type().and_then(|t| t.field(field)).map_or(&[][..], |f| f.choices());
        choices.iter().find(|c| c.code == code).map_or_else(|| code.to_owned(), |c| self.say(&c.name))
    }

    fn step(&self, id: &str) -> String {
        self.case_type().and_then(|t| t.step(id)).map_or_else(|| id.to_owned(), |s| self.say(&s.name))
    }

    fn clock(&self, id: &str) -> String {
        self.playbook.clock(id).map_or_else(|| id.to_owned(), |c| self.say(&c.name))
    }

    fn role(&self, id: &str) -> String {
        self.playbook.roles.get(id).map_or_else(|| id.to_owned(), |r| self.say(&r.name))
    }

    fn reason(&self, code: &str) -> String {
        let rows = self.case_type().and_then(|t| t.severity_table.as_ref()).map_or(&[][..], |t| &t.rows);
        let text = rows.iter().find(|r| r.code.as_deref() == Some(code)).and_then(|r| r.reason.as_ref());
        match (text, code, self.lang) {
            (Some(text), _, _) => self.say(text),
            (None, "repeat", Lang::Zh) => "重复投诉".to_owned(),
            (None, "repeat", Lang::En) => "a repeated complaint".to_owned(),
            (None, code, _) => code.to_owned(),
        }
    }

    fn list(&self, items: Vec<String>) -> String {
        items.join(match self.lang {
            Lang::Zh => "、",
            Lang::En => ", ",
        })
    }

    /// Where the case is looked at. Without an address of the console it is the number, by which
    /// it is found there.
    fn link(&self) -> String {
        match self.link_base.trim_end_matches('/') {
            "" => self.notice.matter.number.clone(),
            base => format!("{base}/{}", self.notice.ticket),
        }
    }

    /// By the branch's wall clock.
    fn time(&self, at: Time) -> String {
        let zone = self.directory.zone_of(&self.notice.matter.branch).unwrap_or(ZONE);
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        at.to_timestamp().to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
    }

    fn span(&self, micros: i64) -> String {
        let minutes = micros / Time::MINUTE;
        let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        let units = match self.lang {
            Lang::Zh => [(days, "天"), (hours, "小时"), (minutes, "分钟")],
            Lang::En => [(days, " d "), (hours, " h "), (minutes, " min")],
        };
        let text: String =
            units.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
        match (text.is_empty(), self.lang) {
            (false, _) => text.trim_end().to_owned(),
            (true, Lang::Zh) => "不到1分钟".to_owned(),
            (true, Lang::En) => "less than a minute".to_owned(),
        }
    }
}

fn money(currency: &str, minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{currency} {sign}{}.{:02}", minor / 100, minor % 100)
}
