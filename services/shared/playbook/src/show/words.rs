//! Words for the parts of a playbook, in both languages.

use calendar::Limit;

use super::Page;
use crate::{
    clock::{CalendarOf, Scope, Trigger},
    follow_up::FollowUpKind,
    model::Playbook,
    recurrence::Recurrence,
    report::{FigureKind, GroupBy, Target},
    role::{CasePerson, Level, Recipient},
    tell::Channel,
    text::Lang,
};

fn pick(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

/// ` [DG-08, A-06]`, or nothing.
pub(super) fn rules(rules: &[String]) -> String {
    if rules.is_empty() { String::new() } else { format!(" [{}]", rules.join(", ")) }
}

pub(super) fn limit(limit: &Limit, lang: Lang) -> String {
    match (lang, limit) {
        (Lang::Zh, limit) => limit.zh(),
        (Lang::En, Limit::Wall { minutes }) => wall(*minutes),
        (Lang::En, limit) => limit.to_string(),
    }
}

/// `1h30m` in words.
fn wall(minutes: u32) -> String {
    let part = |count: u32, unit: &str| match count {
        0 => None,
        1 => Some(format!("1 {unit}")),
        many => Some(format!("{many} {unit}s")),
    };
    let parts = [part(minutes / 60, "hour"), part(minutes % 60, "minute")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub(super) fn role_name(playbook: &Playbook, role: &str, lang: Lang) -> String {
    playbook.roles.get(role).map_or_else(|| role.to_owned(), |r| r.name.get(lang).to_owned())
}

pub(super) fn recipients(playbook: &Playbook, all: &[Recipient], lang: Lang) -> String {
    let names: Vec<String> = all
        .iter()
        .map(|r| match r {
            Recipient::Role(at) => {
                let own = playbook.roles.get(&at.role).map(|r| r.level);
                let name = role_name(playbook, &at.role, lang);
                if own == Some(at.level) { name } else { format!("{name} @ {}", level(at.level, lang)) }
            }
            Recipient::Person(person) => case_person(*person, lang).to_owned(),
        })
        .collect();
    names.join(pick(lang, "、", ", "))
}

pub(super) fn case_person(person: CasePerson, lang: Lang) -> &'static str {
    match person {
        CasePerson::Holder => pick(lang, "当前办理人", "whoever holds it"),
        CasePerson::Taker => pick(lang, "受理人", "whoever took the call"),
        CasePerson::Follower => pick(lang, "跟踪人", "whoever follows the case"),
        CasePerson::Requester => pick(lang, "申请人", "whoever asked"),
        CasePerson::Customer => pick(lang, "客户", "the customer"),
    }
}

pub(super) fn level(level: Level, lang: Lang) -> &'static str {
    match level {
        Level::Branch => pick(lang, "门店", "branch"),
        Level::Area => pick(lang, "区域", "area"),
        Level::Division => pick(lang, "事业部", "division"),
        Level::Group => pick(lang, "集团", "group"),
    }
}

pub(super) fn scope(scope: Scope, lang: Lang) -> &'static str {
    match scope {
        Scope::Ticket => pick(lang, "每个案件", "once per case"),
        Scope::HandOff => pick(lang, "每次派单", "per hand-off"),
        Scope::Step => pick(lang, "每个步骤", "per step"),
        Scope::Approval => pick(lang, "每级审批", "per approval stage"),
        Scope::CallBack => pick(lang, "每次回访", "per call-back"),
    }
}

pub(super) fn whose(calendar: CalendarOf, lang: Lang) -> &'static str {
    match calendar {
        CalendarOf::Branch => pick(lang, "按门店日历", "on the branch's calendar"),
        CalendarOf::CallCentre => pick(lang, "按呼叫中心日历", "on the call centre's calendar"),
        CalendarOf::Wall => pick(lang, "按自然时间", "on the wall clock"),
    }
}

pub(super) fn channel(channel: Channel, lang: Lang) -> &'static str {
    match channel {
        Channel::Sms => pick(lang, "短信", "SMS"),
        Channel::Mail => pick(lang, "邮件", "mail"),
        Channel::File => pick(lang, "文件", "file"),
        Channel::Webhook => pick(lang, "系统接口", "webhook"),
    }
}

pub(super) fn group(group: GroupBy, lang: Lang) -> &'static str {
    match group {
        GroupBy::Branch => pick(lang, "门店", "branch"),
        GroupBy::Type => pick(lang, "类型", "type"),
        GroupBy::Severity => pick(lang, "严重程度", "severity"),
        GroupBy::Category => pick(lang, "类别", "category"),
    }
}

/// A figure's target in the unit in which its value is reported.
pub(super) fn target(target: Target, kind: &FigureKind, lang: Lang) -> String {
    match target {
        Target::AtLeast(n) => format!("{} {}", pick(lang, "不低于", "at least"), amount(n, kind, lang)),
        Target::AtMost(n) => format!("{} {}", pick(lang, "不高于", "at most"), amount(n, kind, lang)),
    }
}

fn amount(value: i64, kind: &FigureKind, lang: Lang) -> String {
    match kind {
        FigureKind::Rate { .. } | FigureKind::OnTime { .. } => format!("{}.{} %", value / 10, value % 10),
        FigureKind::Average { .. } => format!("{}.{:02}", value / 100, value % 100),
        FigureKind::Duration { .. } => format!("{value} {}", pick(lang, "秒", "s")),
        FigureKind::Count { .. } | FigureKind::List { .. } => value.to_string(),
    }
}

/// `FREQ=WEEKLY;BYDAY=MO` in words: weekly on Monday.
pub(super) fn recurrence(recurs: &Recurrence, lang: Lang) -> String {
    let part = |key: &str| {
        let mut parts = recurs.source.split(';').filter_map(|part| part.split_once('='));
        parts.find(|(name, _)| *name == key).map(|(_, value)| value)
    };
    let every: u32 = part("INTERVAL").and_then(|text| text.parse().ok()).unwrap_or(1);
    let (zh, en) = match part("FREQ").unwrap_or_default() {
        "DAILY" => ("天", "day"),
        "WEEKLY" => ("周", "week"),
        "MONTHLY" => ("个月", "month"),
        _ => ("年", "year"),
    };
    let often = match (lang, every) {
        (Lang::Zh, 1) => format!("每{}", zh.trim_start_matches('个')),
        (Lang::Zh, every) => format!("每 {every} {zh}"),
        (Lang::En, 1) => format!("every {en}"),
        (Lang::En, every) => format!("every {every} {en}s"),
    };
    let list = |key: &str, name: &dyn Fn(&str) -> String| {
        part(key).map(|all| all.split(',').map(name).collect::<Vec<_>>().join(pick(lang, "、", ", ")))
    };
    let month = |text: &str| if lang == Lang::Zh { format!("{text} 月") } else { format!("month {text}") };
    let month_day = |text: &str| match (text.strip_prefix('-'), lang) {
        (Some("1"), Lang::Zh) => "最后一天".to_owned(),
        (Some("1"), Lang::En) => "last day".to_owned(),
        (Some(back), Lang::Zh) => format!("倒数第 {back} 天"),
        (Some(back), Lang::En) => format!("day {back} from the end"),
        (None, Lang::Zh) => format!("{text} 日"),
        (None, Lang::En) => format!("day {text}"),
    };
    let parts =
        [list("BYMONTH", &month), list("BYMONTHDAY", &month_day), list("BYDAY", &|day| weekday(day, lang))];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match (parts.is_empty(), lang) {
        (true, _) => often,
        (false, Lang::Zh) => format!("{often}{}", parts.concat()),
        (false, Lang::En) => format!("{often}: {}", parts.join(", ")),
    }
}

/// `MO`, `1MO`, `-1FR`.
fn weekday(text: &str, lang: Lang) -> String {
    const DAYS: [(&str, &str, &str); 7] = [
        ("MO", "周一", "Monday"),
        ("TU", "周二", "Tuesday"),
        ("WE", "周三", "Wednesday"),
        ("TH", "周四", "Thursday"),
        ("FR", "周五", "Friday"),
        ("SA", "周六", "Saturday"),
        ("SU", "周日", "Sunday"),
    ];
    let Some((code, zh, en)) = DAYS.iter().find(|(code, ..)| text.ends_with(code)) else {
        return text.to_owned();
    };
    let place = text.trim_end_matches(code);
    match (place, lang) {
        ("", _) => pick(lang, zh, en).to_owned(),
        ("-1", Lang::Zh) => format!("最后一个{zh}"),
        ("-1", Lang::En) => format!("last {en}"),
        (place, Lang::Zh) => format!("第 {place} 个{zh}"),
        (place, Lang::En) => format!("{en} no. {place}"),
    }
}

pub(super) fn follow_up_kind(kind: FollowUpKind, lang: Lang) -> &'static str {
    match kind {
        FollowUpKind::Call => pick(lang, "电话", "call"),
        FollowUpKind::Letter => pick(lang, "信函", "letter"),
        FollowUpKind::Visit => pick(lang, "上门", "visit"),
        FollowUpKind::Survey => pick(lang, "问卷", "survey"),
    }
}

/// What happened, for people.
const EVENTS: &[(&str, &str, &str)] = &[
    ("ticket.opened", "立案", "the case is opened"),
    ("ticket.reclassified", "重新定级", "the case is judged anew"),
    ("ticket.linked", "关联另案", "a case is linked"),
    ("ticket.noted", "登记备注", "a note is made"),
    ("ticket.closed", "销案", "the case is closed"),
    ("ticket.reopened", "重新立案", "the case is opened again"),
    ("contact.logged", "登记联系", "a contact is logged"),
    ("work.dispatched", "派单", "the work is handed off"),
    ("work.acknowledged", "接单", "the work is taken over"),
    ("work.refused", "退单", "the work is given back"),
    ("work.assigned", "指派", "somebody is given the step"),
    ("work.step_ready", "可以开始", "the step may begin"),
    ("work.step_done", "完成", "is done"),
    ("work.withdrawn", "收回", "the work is withdrawn"),
    ("work.completed", "工作全部完成", "all work is done"),
    ("approval.asked", "送审", "approval is asked for"),
    ("approval.decided", "审批决定", "approval is decided"),
    ("approval.verbal", "口头同意", "approved by word of mouth"),
    ("approval.confirmed", "补齐手续", "the paper is in"),
    ("follow_up.scheduled", "安排回访", "the follow-up is planned"),
    ("follow_up.attempted", "回访一次", "the follow-up is tried"),
    ("follow_up.recorded", "回访记录", "the follow-up is recorded"),
    ("follow_up.completed", "回访完成", "the follow-ups are over"),
    ("survey.answered", "问卷作答", "the questions are answered"),
    ("clock.started", "开始计时", "the clock starts"),
    ("clock.warned", "预警", "the clock warns"),
    ("clock.breached", "逾期", "the deadline is missed"),
    ("clock.met", "按期结束", "the clock ends"),
    ("clock.extension_asked", "申请延期", "more time is asked for"),
    ("clock.extension_decided", "延期决定", "more time is decided on"),
    ("escalation.raised", "逐级上报", "a rung is climbed"),
    ("notice.sent", "通知已发", "a message is sent"),
    ("notice.failed", "通知未送达", "a message fails"),
];

pub(super) fn event(name: &str, lang: Lang) -> String {
    let found = EVENTS.iter().find(|(known, ..)| *known == name);
    found.map_or_else(|| name.to_owned(), |(_, zh, en)| pick(lang, zh, en).to_owned())
}

impl Page<'_> {
    /// What starts, stops or calls for something.
    pub fn trigger(&self, trigger: &Trigger) -> String {
        let what = event(&trigger.event, self.lang);
        let mut text = match (&trigger.subject, self.lang) {
            (Some(subject), Lang::Zh) => format!("{}{what}", self.subject(subject)),
            (Some(subject), Lang::En) => format!("{} {what}", self.subject(subject)),
            (None, _) => what,
        };
        if let Some(fact) = &trigger.at_fact {
            text = format!("{text}{}{}", self.say("，自此计：", ", counted from "), self.fact(fact));
        }
        match &trigger.when {
            Some(when) => format!("{text}{}{}", self.say("，当", " when "), self.condition(when)),
            None => text,
        }
    }

    /// A step, a follow-up or a clock.
    fn subject(&self, id: &str) -> String {
        if self.playbook.follow_up(id).is_some() {
            return self.follow_up_name(id);
        }
        if self.playbook.clock(id).is_some() && self.playbook.types.values().all(|it| it.step(id).is_none()) {
            return self.clock_name(id);
        }
        self.step_name(id)
    }

    /// `event` or `event(subject)`, as figures name them.
    fn told(&self, on: &str) -> String {
        match on.split_once('(') {
            Some((name, subject)) => {
                format!("{}{}", self.subject(subject.trim_end_matches(')')), event(name, self.lang))
            }
            None => event(on, self.lang),
        }
    }

    pub fn figure(&self, kind: &FigureKind) -> String {
        match kind {
            FigureKind::Count { on } => format!("{}{}", self.say("次数：", "how often "), self.told(on)),
            FigureKind::Rate { on, part } => match self.lang {
                Lang::Zh => format!("占比：{}（其中 {}）", self.told(on), self.condition(part)),
                Lang::En => format!("share of \"{}\" with {}", self.told(on), self.condition(part)),
            },
            FigureKind::Duration { from, to } => {
                format!("{}{} → {}", self.say("时长：", "time from "), self.told(from), self.told(to))
            }
            FigureKind::OnTime { clock } => {
                let all = || self.say("全部时限", "all clocks").to_owned();
                let clock = clock.as_ref().map_or_else(all, |clock| self.clock_name(clock));
                format!("{}{clock}", self.say("按时率：", "met in time: "))
            }
            FigureKind::Average { question } => {
                format!("{}{}", self.say("平均：", "average of "), self.fact(question))
            }
            FigureKind::List { on, clock, columns } => {
                let clock = clock.as_ref().map(|clock| format!(" ({})", self.clock_name(clock)));
                let clock = clock.unwrap_or_default();
                let columns: Vec<String> = columns.iter().map(|column| self.fact(column)).collect();
                format!(
                    "{}{}{clock}: {}",
                    self.say("清单：", "list of "),
                    self.told(on),
                    columns.join(self.comma())
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recurrence_is_read_out() {
        for (rule, zh, en) in [
            ("FREQ=DAILY", "每天", "every day"),
            ("FREQ=WEEKLY;BYDAY=MO,TH", "每周周一、周四", "every week: Monday, Thursday"),
            ("FREQ=MONTHLY;BYMONTHDAY=-1", "每月最后一天", "every month: last day"),
            ("FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", "每 3 个月第 1 个周一", "every 3 months: Monday no. 1"),
            ("FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", "每年12 月31 日", "every year: month 12, day 31"),
        ] {
            let recurs = Recurrence::parse(rule).unwrap();
            assert_eq!(
                (recurrence(&recurs, Lang::Zh), recurrence(&recurs, Lang::En)),
                (zh.into(), en.into())
            );
        }
    }

    #[test]
    fn every_event_that_a_trigger_may_name_has_words() {
        for (name, _) in crate::event::EVENTS {
            assert_ne!(event(name, Lang::Zh), *name);
        }
    }
}
