//! More time for a running clock: asked for, granted, denied. Whether it may be
//! is the watchdog's word; the rule book says for which clocks it is offered.

use calendar::Limit;
use playbook::clock::Extension as Rule;
use proto::sla_watchdog::v1::{Clock, Extension};

use crate::{
    forms::{Control, Deed, Posted, Shown},
    names::Names,
    pages::ticket::Case,
    shown,
    visitor::Visitor,
};

/// Codes, because reports count them.
const REASONS: [(&str, &str, &str); 5] = [
    ("waiting_parts", "等待配件", "waiting for parts"),
    ("waiting_customer", "等待客户", "waiting for the customer"),
    ("waiting_third_party", "等待第三方", "waiting for a third party"),
    ("hard_case", "情况复杂", "a difficult matter"),
    ("force_majeure", "不可抗力", "force majeure"),
];

pub fn reason(code: &str, names: &Names<'_>) -> String {
    let found = REASONS.iter().find(|(known, ..)| *known == code);
    found.map_or_else(|| code.to_owned(), |(_, zh, en)| names.tongue.say(zh, en).to_owned())
}

/// A clock of a case, as forms name it: `clock/instance`, and with a request's number behind it.
pub fn target(clock: &Clock, number: Option<u32>) -> String {
    match number {
        Some(number) => format!("{}/{}/{number}", clock.clock, clock.instance),
        None => format!("{}/{}", clock.clock, clock.instance),
    }
}

/// Clock, instance and number out of a form's target.
pub fn parts(target: &str) -> (String, String, u32) {
    let mut parts = target.split('/');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    (next(), next(), next().parse().unwrap_or_default())
}

/// What may be asked for, and what waits for a decision. Only an offer: the owner decides.
pub fn offered(visitor: &Visitor, case: &Case, names: &Names<'_>) -> Vec<Deed> {
    let none = Posted::default();
    let running = running(case).filter_map(|clock| Some((clock, rule(clock, names)?)));
    let mut deeds = Vec::new();
    for (clock, rule) in running {
        let waiting = clock.extensions.iter().find(|one| one.state == "asked");
        match waiting {
            Some(one) if one.asked_by != visitor.person() && visitor.holds(&rule.approve.role) => {
                deeds.extend(decide(case, names, &target(clock, Some(one.number)), &none));
            }
            Some(_) => {}
            None => {
                let may = rule.ask.is_empty() || rule.ask.iter().any(|at| visitor.holds(&at.role));
                let granted = clock.extensions.iter().filter(|one| one.state == "granted").count();
                if may && (granted as u32) < rule.times {
                    deeds.extend(ask(case, names, &target(clock, None), &none));
                }
            }
        }
    }
    deeds
}

fn running(case: &Case) -> impl Iterator<Item = &Clock> {
    case.clocks.iter().filter(|clock| {
        clock.ended_at == 0
            && clock.cycle == case.reference.cycle
            && matches!(clock.state.as_str(), "running" | "paused")
    })
}

fn rule<'n>(clock: &Clock, names: &Names<'n>) -> Option<&'n Rule> {
    names.book?.clock(&clock.clock)?.extension.as_ref()
}

fn clock<'c>(case: &'c Case, target: &str) -> Option<&'c Clock> {
    let (clock, instance, _) = parts(target);
    case.clocks
        .iter()
        .find(|one| one.clock == clock && one.instance == instance && one.cycle == case.reference.cycle)
}

fn begin(action: &str, title: String, submit: &str, case: &Case, target: &str, posted: &Posted) -> Deed {
    let post = format!("/tickets/{}/do/{action}", case.reference.ticket_id);
    Deed::new(&format!("{action}-{target}"), &title, post, submit)
        .with("cycle", case.reference.cycle)
        .with("target", target)
        .sent_again(posted)
}

/// The form that asks for more time.
pub fn ask(case: &Case, names: &Names<'_>, target: &str, posted: &Posted) -> Option<Deed> {
    let (tongue, clock) = (names.tongue, clock(case, target)?);
    let rule = rule(clock, names)?;
    let name = tongue.say(&clock.name_zh, &clock.name_en);
    let title = format!("{}: {name}", tongue.say("申请延期", "Ask for more time"));
    let lengths = lengths(&rule.by_at_most).into_iter().map(|(code, limit)| {
        let text = if tongue.is_english() { limit.to_string() } else { limit.zh() };
        let most = tongue.say("最多", "at most");
        let name = if code.is_empty() { format!("{text} ({most})") } else { text };
        (code, name)
    });
    let reasons = REASONS.map(|(code, zh, en)| (code.to_owned(), tongue.say(zh, en).to_owned()));
    let mut deed = begin("ask_extension", title, tongue.say("申请", "Ask"), case, target, posted).asks(vec![
        Shown::own("longer", tongue.say("延长", "Longer by"), Control::Select, false, posted).among(lengths),
        Shown::own("reason", tongue.say("原因", "Reason"), Control::Radio, true, posted).among(reasons),
    ]);
    deed.intro = rule.rules.join(" ");
    Some(deed)
}

/// What may be asked for: whole days below the most, or its half.
fn lengths(most: &Limit) -> Vec<(String, Limit)> {
    let less: Vec<Limit> = match most {
        Limit::WorkingDays { halves } => {
            (1..halves.div_ceil(2)).map(|days| Limit::WorkingDays { halves: 2 * days }).collect()
        }
        Limit::CalendarDays { days, until } => {
            (1..*days).map(|days| Limit::CalendarDays { days, until: *until }).collect()
        }
        Limit::Wall { minutes } if *minutes >= 2 => vec![Limit::Wall { minutes: minutes / 2 }],
        Limit::WorkingTime { minutes } if *minutes >= 2 => vec![Limit::WorkingTime { minutes: minutes / 2 }],
        _ => Vec::new(),
    };
    let less = less.into_iter().rev().take(13).map(|limit| (limit.to_string(), limit));
    std::iter::once((String::new(), most.clone())).chain(less).collect()
}

/// The form that grants or denies it.
pub fn decide(case: &Case, names: &Names<'_>, target: &str, posted: &Posted) -> Option<Deed> {
    let (tongue, clock) = (names.tongue, clock(case, target)?);
    let (.., number) = parts(target);
    let asked = clock.extensions.iter().find(|one| one.number == number)?;
    let name = tongue.say(&clock.name_zh, &clock.name_en);
    let title = format!("{}: {name}", tongue.say("审批延期", "Decide on more time"));
    let choices = [("yes", "同意", "grant"), ("no", "不同意", "deny")];
    let choices = choices.map(|(code, zh, en)| (code.to_owned(), tongue.say(zh, en).to_owned()));
    let mut deed = begin("decide_extension", title, tongue.say("确定", "Decide"), case, target, posted)
        .main()
        .asks(vec![
            Shown::own("granted", tongue.say("决定", "Decision"), Control::Radio, true, posted)
                .among(choices),
        ]);
    deed.intro = format!(
        "{} {} · {} · {}",
        asked.asked_by,
        tongue.say("申请延长", "asks for"),
        longer(&asked.longer, names),
        reason(&asked.reason, names)
    );
    Some(deed)
}

fn longer(text: &str, names: &Names<'_>) -> String {
    match Limit::parse(text) {
        Ok(limit) if !names.tongue.is_english() => limit.zh(),
        _ => text.to_owned(),
    }
}

/// One request for more time, in a line.
pub fn line(one: &Extension, zone: &jiff::tz::TimeZone, names: &Names<'_>) -> String {
    let tongue = names.tongue;
    let (state, by, at) = match one.state.as_str() {
        "granted" => (tongue.say("同意延期", "more time granted"), &one.decided_by, one.decided_at),
        "refused" => (tongue.say("不同意延期", "more time denied"), &one.decided_by, one.decided_at),
        _ => (tongue.say("已申请延期", "more time asked for"), &one.asked_by, one.asked_at),
    };
    let at = shown::moment(proto::Time(at), zone);
    format!("{state}: {} ({}) · {by} {at}", longer(&one.longer, names), reason(&one.reason, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_as_may_be_granted_comes_first_and_less_is_offered() {
        let codes = |text: &str| {
            let limit = Limit::parse(text).unwrap();
            lengths(&limit).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
        };
        assert_eq!(codes("3 working days"), ["", "2 working days", "1 working day"]);
        assert_eq!(codes("1 working day"), [""]);
        assert_eq!(codes("4h"), ["", "2h"]);
    }

    #[test]
    fn a_target_names_clock_instance_and_request() {
        let clock = Clock { clock: "solve".into(), instance: "2".into(), ..Clock::default() };
        assert_eq!(parts(&target(&clock, Some(3))), ("solve".into(), "2".into(), 3));
        assert_eq!(parts(&target(&clock, None)), ("solve".into(), "2".into(), 0));
    }
}
