//! Words for the parts of a playbook, in both languages.

use calendar::Limit;

use crate::{
    clock::{CalendarOf, Scope, Trigger},
    model::Playbook,
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
    match lang {
        Lang::Zh => limit.zh(),
        Lang::En => limit.to_string(),
    }
}

pub(super) fn trigger(trigger: &Trigger) -> String {
    let mut text = trigger.event.clone();
    if let Some(subject) = &trigger.subject {
        text = format!("{text}({subject})");
    }
    if let Some(fact) = &trigger.at_fact {
        text = format!("{text} @ {fact}");
    }
    match &trigger.when {
        Some(when) => format!("{text} if `{}`", when.source),
        None => text,
    }
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

pub(super) fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "SMS",
        Channel::Mail => "mail",
        Channel::File => "file",
        Channel::Webhook => "webhook",
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

pub(super) fn figure(kind: &FigureKind, lang: Lang) -> String {
    match kind {
        FigureKind::Count { on } => format!("{} {on}", pick(lang, "次数", "number of")),
        FigureKind::Rate { on, part } => {
            format!("{} `{}` / {on}", pick(lang, "比率", "share of"), part.source)
        }
        FigureKind::Duration { from, to } => format!("{} {from} → {to}", pick(lang, "时长", "time")),
        FigureKind::OnTime { clock } => {
            let all = pick(lang, "全部时钟", "all clocks");
            format!("{} {}", pick(lang, "按时", "met in time:"), clock.as_deref().unwrap_or(all))
        }
        FigureKind::Average { question } => format!("{} {question}", pick(lang, "平均", "average of")),
        FigureKind::List { on, clock, columns } => {
            let clock = clock.as_ref().map(|clock| format!("({clock})")).unwrap_or_default();
            format!("{} {on}{clock}: {}", pick(lang, "清单", "list of"), columns.join(", "))
        }
    }
}
