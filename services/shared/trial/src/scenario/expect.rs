//! `then`: what must have happened, or must not have.

use std::collections::BTreeSet;

use chassis_core::Refusal;
use jiff::tz::TimeZone;
use playbook::{Lang, Recipient, RoleAt, Text};
use serde::Deserialize;

use super::{
    call::{self, CallIs},
    figure::{self, FigureIs},
    moment, named,
    play::wall,
    seen::{ClockSeen, Seen},
};
use crate::{
    ground,
    town::{Deed, Line},
};

/// One expectation: how the case stands, how a clock stands, or something that happened so many times.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Expectation {
    Case(CaseIs),
    Clock(ClockIs),
    Escalated(Escalated),
    Told(Told),
    Figure(FigureIs),
    Call(CallIs),
    Event(Happens),
}

/// `{ case: closed, severity: major, reasons: [repeat] }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseIs {
    /// `open` or `closed`
    pub case: String,
    pub severity: Option<String>,
    pub category: Option<String>,
    pub reasons: Option<Vec<String>>,
    pub cycle: Option<u32>,
    /// Steps that may be worked on now.
    pub ready: Option<Vec<String>>,
}

/// `{ clock: whole, is: met, due: '2026-03-05 10:00' }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockIs {
    pub clock: String,
    pub instance: Option<String>,
    /// running, paused, breached, met, met_late, cancelled
    pub is: String,
    pub due: Option<String>,
}

/// `{ escalated: whole, rung: 1, to: owner, at: '2026-03-05 10:00' }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalated {
    pub escalated: String,
    pub rung: Option<u32>,
    pub to: Option<String>,
    pub at: Option<String>,
    pub times: Option<usize>,
}

/// `{ told: owner, by: new_work }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// A role, or a person's code.
    pub told: String,
    /// The message of the rule book.
    pub by: Option<String>,
    pub times: Option<usize>,
}

/// `{ event: work.step_ready(mend), times: 2 }`, `{ event: approval.asked(agree), to: owner }`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happens {
    pub event: String,
    pub outcome: Option<String>,
    pub to: Option<String>,
    pub at: Option<String>,
    pub times: Option<usize>,
}

/// What did not come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    pub text: Text,
}

impl Miss {
    pub fn new(zh: String, en: String) -> Miss {
        Miss { text: Text::new(zh, en) }
    }

    pub(super) fn no_calendar(id: &str) -> Miss {
        let known = ground::calendar_names();
        Miss::new(
            format!("没有日历“{id}”，可用：{known}"),
            format!("there is no calendar `{id}`; there are {known}"),
        )
    }

    pub(super) fn unreadable(key: &str, text: &str) -> Miss {
        Miss::new(
            format!("{key}: “{text}” 读不懂（如 2026-03-02 10:00，或 2h、1 working day）"),
            format!("{key}: `{text}` is not understood (2026-03-02 10:00; 2h, 1 working day)"),
        )
    }

    pub(super) fn refused(place: usize, deed: &Deed, refusal: &Refusal) -> Miss {
        let fields: Vec<String> =
            refusal.violations.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.en)).collect();
        let zh_fields: Vec<String> =
            refusal.violations.iter().map(|wrong| format!("{}：{}", wrong.field, wrong.zh)).collect();
        Miss::new(
            format!(
                "第 {place} 步 {:?} 被拒绝（{}）：{} {}",
                deed.what,
                refusal.gate,
                refusal.zh,
                zh_fields.join("；")
            ),
            format!(
                "deed {place}, {:?}, was refused ({}): {} {}",
                deed.what,
                refusal.gate,
                refusal.en,
                fields.join("; ")
            ),
        )
    }

    pub(super) fn not_refused(place: usize, deed: &Deed, wanted: &str) -> Miss {
        Miss::new(
            format!("第 {place} 步 {:?} 应当被拒绝（{wanted}），却成功了", deed.what),
            format!("deed {place}, {:?}, should have been refused ({wanted}) and was not", deed.what),
        )
    }

    pub fn get(&self, lang: Lang) -> &str {
        self.text.get(lang)
    }
}

/// What of an expectation is not so.
pub fn check(expectation: &Expectation, seen: &dyn Seen, timeline: &[Line], zone: &TimeZone) -> Vec<Miss> {
    match expectation {
        Expectation::Case(wanted) => case(wanted, seen),
        Expectation::Clock(wanted) => clock(wanted, seen, zone),
        Expectation::Escalated(wanted) => escalated(wanted, seen, timeline, zone),
        Expectation::Told(wanted) => told(wanted, seen, timeline),
        Expectation::Figure(wanted) => figure::check(wanted, seen),
        Expectation::Call(wanted) => call::check(wanted, seen, zone),
        Expectation::Event(wanted) => happens(wanted, seen, timeline, zone),
    }
}

pub(super) fn differs(what: &str, wanted: &str, found: &str) -> Option<Miss> {
    let differs = || {
        Miss::new(
            format!("{what}：应为 {wanted}，实为 {found}"),
            format!("{what}: expected {wanted}, found {found}"),
        )
    };
    (wanted != found).then(differs)
}

fn case(wanted: &CaseIs, seen: &dyn Seen) -> Vec<Miss> {
    let Some(found) = seen.case() else {
        return differs("case", &wanted.case, "not opened").into_iter().collect();
    };
    let mut misses: Vec<Miss> = Vec::new();
    misses.extend(differs("case", &wanted.case, if found.closed { "closed" } else { "open" }));
    if let Some(severity) = &wanted.severity {
        misses.extend(differs("severity", severity, &found.severity));
    }
    if let Some(category) = &wanted.category {
        misses.extend(differs("category", category, &found.category));
    }
    if let Some(reasons) = &wanted.reasons {
        misses.extend(differs("reasons", &reasons.join(", "), &found.reasons.join(", ")));
    }
    if let Some(cycle) = wanted.cycle {
        misses.extend(differs("cycle", &cycle.to_string(), &found.cycle.to_string()));
    }
    if let Some(ready) = &wanted.ready {
        let mut wanted = ready.clone();
        wanted.sort();
        misses.extend(differs("ready", &wanted.join(", "), &found.ready.join(", ")));
    }
    misses
}

fn clock(wanted: &ClockIs, seen: &dyn Seen, zone: &TimeZone) -> Vec<Miss> {
    let what = format!("clock {}", wanted.clock);
    let clocks = seen.clocks();
    let named = |run: &&ClockSeen| {
        run.clock == wanted.clock && wanted.instance.as_ref().is_none_or(|it| *it == run.instance)
    };
    // The newest run counts, unless an instance is named.
    let Some(found) = clocks.iter().rfind(named) else {
        return differs(&what, &wanted.is, "never started").into_iter().collect();
    };
    let mut misses: Vec<Miss> = differs(&what, &wanted.is, &found.state).into_iter().collect();
    if let Some(due) = &wanted.due {
        let shown = found.due.map_or_else(|| "-".to_owned(), |at| wall(zone, at));
        match moment(due, zone) {
            Some(at) => misses.extend(differs(&format!("{what} due"), &wall(zone, at), &shown)),
            None => misses.push(Miss::unreadable("due", due)),
        }
    }
    misses
}

/// Whether a line went to this role or person.
fn went_to(line: &Line, to: Option<&String>) -> bool {
    to.is_none_or(|to| line.role == *to || line.persons.contains(to))
}

/// Whether it went to this person, or to somebody in this role. A line has the first role only; of several that a rung
/// or a message names, somebody in this one must be among the persons.
fn reached(line: &Line, to: Option<&String>, named: Option<&[Recipient]>, seen: &dyn Seen) -> bool {
    let Some(role) = to.filter(|_| !went_to(line, to)) else { return true };
    let of_role = |recipient: &Recipient| match recipient {
        Recipient::Role(at) if at.role == *role => Some(at.clone()),
        _ => None,
    };
    let at_his_own =
        || seen.playbook().roles.get(role).map(|r| RoleAt { role: role.clone(), level: r.level });
    let found = match named {
        Some(named) => named.iter().find_map(of_role),
        None => at_his_own(),
    };
    found.is_some_and(|at| {
        let holders = seen.directory().resolve(&at, seen.branch(), line.at, &BTreeSet::new()).persons;
        holders.iter().any(|holder| line.persons.contains(holder))
    })
}

/// So many of them; without a number, at least one.
fn counted(
    what: &str,
    times: Option<usize>,
    found: &[&Line],
    zone: Option<(&TimeZone, Option<&String>)>,
) -> Vec<Miss> {
    let enough = times.map_or(!found.is_empty(), |times| times == found.len());
    if !enough {
        let wanted = times.map_or_else(|| ">= 1".to_owned(), |times| times.to_string());
        return differs(what, &wanted, &found.len().to_string()).into_iter().collect();
    }
    let Some((zone, Some(text))) = zone else { return Vec::new() };
    let Some(at) = moment(text, zone) else { return vec![Miss::unreadable("at", text)] };
    let wanted = wall(zone, at);
    let moments: Vec<String> = found.iter().map(|line| wall(zone, line.at)).collect();
    if moments.contains(&wanted) {
        Vec::new()
    } else {
        differs(what, &wanted, &moments.join(", ")).into_iter().collect()
    }
}

fn escalated(wanted: &Escalated, seen: &dyn Seen, timeline: &[Line], zone: &TimeZone) -> Vec<Miss> {
    let fits = |line: &&Line| {
        line.event == "escalation.raised"
            && line.about == wanted.escalated
            && wanted.rung.is_none_or(|rung| rung == line.rung)
            && reached(line, wanted.to.as_ref(), rung_of(line, seen), seen)
    };
    let found: Vec<&Line> = timeline.iter().filter(fits).collect();
    let (rung, to) =
        (wanted.rung.map_or_else(String::new, |n| format!(" #{n}")), wanted.to.as_deref().unwrap_or("-"));
    let mut misses = unknown_role(seen, wanted.to.as_ref());
    let what = format!("escalation of {}{rung} to {to}", wanted.escalated);
    misses.extend(counted(&what, wanted.times, &found, Some((zone, wanted.at.as_ref()))));
    misses
}

/// Whom the rung of an escalation tells.
fn rung_of<'t>(line: &Line, seen: &'t dyn Seen) -> Option<&'t [Recipient]> {
    let clock = seen.playbook().clocks.iter().find(|clock| clock.id == line.about)?;
    let place = usize::try_from(line.rung).ok()?.checked_sub(1)?;
    clock.ladder.get(place).map(|rung| rung.tell.as_slice())
}

/// To whom a message of the rule book goes.
fn message_of<'t>(line: &Line, seen: &'t dyn Seen) -> Option<&'t [Recipient]> {
    seen.playbook().tells.iter().find(|tell| tell.id == line.about).map(|tell| tell.to.as_slice())
}

fn told(wanted: &Told, seen: &dyn Seen, timeline: &[Line]) -> Vec<Miss> {
    let to = Some(&wanted.told);
    let fits = |line: &&Line| {
        line.event == "notice.queued"
            && wanted.by.as_ref().is_none_or(|rule| *rule == line.about)
            && reached(line, to, message_of(line, seen), seen)
    };
    let found: Vec<&Line> = timeline.iter().filter(fits).collect();
    let what = format!("message {} to {}", wanted.by.as_deref().unwrap_or("-"), wanted.told);
    let mut misses = unknown_role(seen, to);
    misses.extend(counted(&what, wanted.times, &found, None));
    misses
}

/// An expectation about somebody who does not exist holds by accident.
fn unknown_role(seen: &dyn Seen, who: Option<&String>) -> Vec<Miss> {
    const PARTS: &[&str] = &["holder", "taker", "follower", "requester", "customer"];
    let known = |who: &String| {
        seen.playbook().roles.contains_key(who)
            || seen.directory().person(who).is_some()
            || PARTS.contains(&who.as_str())
    };
    let unknown = who.filter(|who| !known(who));
    let miss = |who: &String| {
        Miss::new(format!("没有角色或人员“{who}”"), format!("there is no role or person `{who}`"))
    };
    unknown.map(miss).into_iter().collect()
}

fn happens(wanted: &Happens, seen: &dyn Seen, timeline: &[Line], zone: &TimeZone) -> Vec<Miss> {
    let (event, about) = match wanted.event.split_once('(') {
        Some((event, about)) => (event.trim(), Some(about.trim_end_matches(')').trim())),
        None => (wanted.event.as_str(), None),
    };
    let fits = |line: &&Line| {
        line.event == event
            && about.is_none_or(|about| line.is_about(about))
            && wanted.outcome.as_ref().is_none_or(|outcome| *outcome == line.outcome)
            && went_to(line, wanted.to.as_ref())
    };
    let found: Vec<&Line> = timeline.iter().filter(fits).collect();
    let mut misses = unknown_role(seen, wanted.to.as_ref());
    if playbook::event::subject_of(event).is_none()
        && ![
            "clock.moved",
            "clock.paused",
            "notice.queued",
            "contact.logged",
            "ticket.moved",
            "ticket.link_closed",
            "work.link_asked",
        ]
        .contains(&event)
    {
        misses.push(Miss::new(format!("没有事件“{event}”"), format!("there is no event `{event}`")));
    }
    misses.extend(named::unknown(event, about, wanted.outcome.is_some(), seen.playbook()));
    misses.extend(counted(&wanted.event, wanted.times, &found, Some((zone, wanted.at.as_ref()))));
    misses
}
