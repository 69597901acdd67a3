//! More time: asked for before the deadline, granted or refused by whom the playbook names, never by who asked. The
//! request stays on record with the deadline as it stood; a grant is evidence like any other, so the deadline is
//! computed from it again and again. A grant that comes after the deadline moves what has not happened yet; the breach
//! stands.

use std::collections::BTreeSet;

use calendar::Limit;
use chassis_core::{Actor, Halt, Refusal, RefusalKind, Step};
use organisation::Snapshot;
use playbook::{Level, RoleAt, clock::Extension};
use proto::{Time, sla_watchdog::v1 as said};

use crate::{
    book::Book,
    case::{Case, may_see},
    command::{AskExtension, DecideExtension, Reply},
    fold::fold,
    instance::Keys,
    judge,
    ledger::{Decision, Extended, Ledger},
    say::Voice,
    signal::{Longer, Signal},
};

/// A grant stands after everything heard at the same microsecond.
const OWN_RANK: u8 = u8::MAX;

pub(crate) fn ask(wanted: &AskExtension, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let mut case = open(wanted.ticket, wanted.cycle, step)?;
    let directory = step.directory();
    let rule = rule(&case, &wanted.clock, directory)?;
    may_ask(&case, &rule, step.actor(), directory)?;
    let longer = amount(&rule, wanted.longer.as_deref())?;
    if !is_code(&wanted.reason) {
        return Err(needs_reason().into());
    }
    in_time(&case, wanted, directory, step.now())?;
    let at = ledger(&case, &wanted.clock, &wanted.instance)?;
    not_too_often(&case.clocks[at], &rule)?;
    let asked = Extended {
        number: u32::try_from(case.clocks[at].extensions.len()).unwrap_or(u32::MAX).saturating_add(1),
        asked_at: step.now(),
        asked_by: person(step.actor()),
        longer: longer.to_string(),
        reason: wanted.reason.clone(),
        due: case.clocks[at].due,
        decision: None,
    };
    let told = approvers(&case, &rule, &asked.asked_by, directory, step.now());
    let branch = case.branch.clone();
    Voice::new(&case, &branch, step).extension_asked(&case.clocks[at], &asked, &rule.approve.role, told);
    let number = asked.number;
    case.clocks[at].extensions.push(asked);
    hear_itself::<said::ClockExtensionAsked>(&mut case, &wanted.clock, None, None, step)?;
    step.put(&case);
    Ok(Reply::ExtensionAsked { number })
}

pub(crate) fn decide(decision: &DecideExtension, step: &mut Step<'_>) -> Result<Reply, Halt> {
    let mut case = open(decision.ticket, decision.cycle, step)?;
    let directory = step.directory();
    let rule = rule(&case, &decision.clock, directory)?;
    let at = ledger(&case, &decision.clock, &decision.instance)?;
    let place = waiting(&case.clocks[at], decision.number)?;
    let asked = case.clocks[at].extensions[place].clone();
    may_decide(&case, &rule, &asked, step)?;
    let (by, before) = (person(step.actor()), case.clocks[at].due);
    case.clocks[at].extensions[place].decision =
        Some(Decision { at: step.now(), by, granted: decision.granted });
    let longer = decision.granted.then(|| Longer {
        clock: decision.clock.clone(),
        instance: decision.instance.clone(),
        by: asked.longer.clone(),
    });
    let outcome = if decision.granted { "approved" } else { "refused" };
    hear_itself::<said::ClockExtensionDecided>(&mut case, &decision.clock, longer, Some(outcome), step)?;
    let at = ledger(&case, &decision.clock, &decision.instance)?;
    let ledger = &case.clocks[at];
    // A missed deadline is said no more, but the new one counts for the rungs.
    let due = if ledger.breached.is_some() { Some(ledger.last_due) } else { ledger.due };
    let branch = case.branch.clone();
    Voice::new(&case, &branch, step).extension_decided(ledger, &ledger.extensions[place], before, due);
    step.put(&case);
    Ok(Reply::ExtensionDecided { due })
}

/// What is decided here is evidence, and clocks of the playbook may listen to it.
fn hear_itself<E: proto::Event>(
    case: &mut Case,
    clock: &str,
    longer: Option<Longer>,
    outcome: Option<&str>,
    step: &mut Step<'_>,
) -> Result<(), Halt> {
    let mut signal = Signal::new::<E>(case.cycle, step.now(), (OWN_RANK, 0, 0));
    signal.keys = Keys { clock: Some(clock.to_owned()), ..Keys::default() };
    signal.outcome = outcome.map(str::to_owned);
    signal.longer = longer;
    let matters = signal.longer.is_some() || Book::of(case, step.directory())?.listens(E::NAME, Some(clock));
    if matters && case.insert(signal) {
        judge::settle(case, &[], false, step)?;
    }
    Ok(())
}

fn open(ticket: proto::Id, cycle: u32, step: &Step<'_>) -> Result<Case, Halt> {
    let case = step.need::<Case>(ticket, "案件", "case")?;
    if !may_see(&case, step.actor(), step.directory()) {
        return Err(not_yours().into());
    }
    if case.cycle != cycle || !case.is_open() {
        return Err(Refusal::new(
            RefusalKind::Aborted,
            "stale-cycle",
            format!("案件 {} 已变化（现为第 {} 轮，或已销项）。请刷新。", case.number, case.cycle),
            format!("Case {} has moved on (cycle {}, or closed). Read it again.", case.number, case.cycle),
        )
        .into());
    }
    Ok(case)
}

fn rule(case: &Case, clock: &str, directory: &Snapshot) -> Result<Extension, Refusal> {
    let book = Book::of(case, directory)?;
    let rule = book.playbook.clock(clock).and_then(|clock| clock.extension.clone());
    rule.ok_or_else(|| {
        Refusal::precondition(
            "no-extension",
            format!("规则手册不允许时限 {clock} 延期。"),
            format!("The playbook grants no extension of the clock {clock}."),
        )
    })
}

fn ledger(case: &Case, clock: &str, instance: &str) -> Result<usize, Refusal> {
    let is = |ledger: &Ledger| ledger.clock == clock && ledger.instance == instance && ledger.is_live();
    case.clocks.iter().position(is).ok_or_else(|| {
        Refusal::precondition(
            "clock-not-running",
            format!("时限 {clock} {instance} 没有在计时。"),
            format!("The clock {clock} {instance} does not run."),
        )
    })
}

fn amount(rule: &Extension, longer: Option<&str>) -> Result<Limit, Refusal> {
    let Some(text) = longer else { return Ok(rule.by_at_most.clone()) };
    let limit = Limit::parse(text).ok().filter(|limit| rule.allows(limit));
    limit.ok_or_else(|| {
        Refusal::field(
            "longer",
            format!("最多延长 {}，且用同一种单位。", rule.by_at_most),
            format!("at most {}, in the same measure", rule.by_at_most),
        )
    })
}

/// A deadline that has passed is missed, whether the watchdog has judged it yet or not.
fn in_time(case: &Case, wanted: &AskExtension, directory: &Snapshot, now: Time) -> Result<(), Refusal> {
    let book = Book::of(case, directory)?;
    let view = fold(&book, case);
    let run = view.runs.iter().find(|run| run.clock.id == wanted.clock && run.label == wanted.instance);
    let late = run.is_some_and(|run| run.missed.is_some() || run.miss().is_some_and(|miss| miss.from < now));
    if !late {
        return Ok(());
    }
    Err(Refusal::precondition(
        "too-late",
        "期限已过，不能再申请延期；逾期已记录在案。",
        "The deadline has passed: more time is asked for before it, and the breach stands on record.",
    ))
}

fn not_too_often(ledger: &Ledger, rule: &Extension) -> Result<(), Refusal> {
    if ledger.extensions.iter().any(|asked| asked.decision.is_none()) {
        return Err(Refusal::precondition(
            "extension-open",
            "已有一份延期申请等待审批。",
            "A request for more time waits for a decision already.",
        ));
    }
    let granted = |asked: &&Extended| asked.decision.as_ref().is_some_and(|decision| decision.granted);
    if ledger.extensions.iter().filter(granted).count() < rule.times as usize {
        return Ok(());
    }
    Err(Refusal::precondition(
        "no-more-extensions",
        format!("该时限最多延期 {} 次。", rule.times),
        format!("This clock is extended {} times at most.", rule.times),
    ))
}

fn waiting(ledger: &Ledger, number: u32) -> Result<usize, Refusal> {
    let is = |asked: &Extended| asked.number == number && asked.decision.is_none();
    ledger.extensions.iter().position(is).ok_or_else(|| {
        Refusal::new(
            RefusalKind::Aborted,
            "extension-decided",
            "没有这份待批的延期申请，请刷新。",
            "No such request for more time waits for a decision. Read it again.",
        )
    })
}

fn may_ask(case: &Case, rule: &Extension, actor: &Actor, directory: &Snapshot) -> Result<(), Refusal> {
    let granted = |role: &RoleAt| holds(case, &role.role, actor, directory);
    if rule.ask.is_empty() || rule.ask.iter().any(granted) { Ok(()) } else { Err(not_yours()) }
}

fn may_decide(case: &Case, rule: &Extension, asked: &Extended, step: &Step<'_>) -> Result<(), Refusal> {
    let (actor, directory) = (step.actor(), step.directory());
    if person(actor) == asked.asked_by {
        return Err(Refusal::denied(
            "own-request",
            "任何人不得审批自己提出的申请。",
            "Nobody approves a request of his own.",
        )
        .citing(&rule.rules));
    }
    let found = approvers(case, rule, &asked.asked_by, directory, step.now());
    let is_asked = actor.person().is_some_and(|me| found.iter().any(|found| found == me));
    if is_asked || holds(case, &rule.approve.role, actor, directory) { Ok(()) } else { Err(not_yours()) }
}

/// A role held at the branch or above it: by the directory, or by the token of whom the directory does not know.
fn holds(case: &Case, role: &str, actor: &Actor, directory: &Snapshot) -> bool {
    let known = actor.person().and_then(|code| directory.person(code));
    match known {
        Some(person) => {
            !person.disabled && directory.upwards(&case.branch).any(|node| person.holds(role, &node.code))
        }
        None => {
            let covers = |node: &str| directory.is_within(&case.branch, node);
            actor.grants().iter().any(|grant| grant.role == role && covers(&grant.node))
        }
    }
}

/// Who may grant it: the role for the branch, further up when it is vacant; never who asked, nor who is barred.
fn approvers(case: &Case, rule: &Extension, asker: &str, directory: &Snapshot, now: Time) -> Vec<String> {
    let mut excluded: BTreeSet<String> = case.barred.clone();
    excluded.insert(asker.to_owned());
    let levels = Level::ALL.into_iter().filter(|level| *level >= rule.approve.level);
    let roles = levels.map(|level| RoleAt { role: rule.approve.role.clone(), level });
    roles
        .map(|role| directory.resolve(&role, &case.branch, now, &excluded).persons)
        .find(|persons| !persons.is_empty())
        .unwrap_or_default()
}

fn person(actor: &Actor) -> String {
    actor.person().map_or_else(|| actor.code(), str::to_owned)
}

/// Reasons ride on events: a code, never a sentence.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

fn needs_reason() -> Refusal {
    Refusal::field(
        "reason",
        "请填写延期原因代码（小写字母、数字、_、-，不超过 64 个）。",
        "a request needs a reason code (lower-case letters, digits, `_` or `-`, 64 at most)",
    )
}

fn not_yours() -> Refusal {
    Refusal::denied(
        "not-yours",
        "您不能办理该时限的延期。",
        "More time for this clock is not yours to ask for or grant.",
    )
}
