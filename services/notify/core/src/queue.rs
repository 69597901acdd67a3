//! A signal becomes notices: those of the playbook's rules, and those of the ladder.

use std::collections::BTreeSet;

use chassis_core::Step;
use playbook::{Channel, Condition, Facts, Playbook, Tell, Value, tell};
use proto::{Event, Id, Time, notify::v1 as said, sla_watchdog::v1 as chase};

use crate::{
    case::Known,
    notice::{Notice, NoticeState, Occasion},
    people::{self, Told},
    signal::Signal,
    words,
};

/// Tells everybody who is to be told of a signal; how many notices that made.
pub(crate) fn tell(
    ticket: Id,
    known: &Known,
    playbook: &Playbook,
    signal: &Signal,
    step: &mut Step<'_>,
) -> usize {
    let facts = signal.seen_with(&known.facts);
    let due = |rule: &&Tell| {
        let about = |subject| rule.is_due(&signal.name, subject, &facts);
        about(signal.subject.as_deref()) || signal.round.iter().any(|of| about(Some(of)))
    };
    let tells = playbook.tells.iter().filter(|rule| rule.applies_to(&known.matter.case_type));
    let news = tells.filter(due).filter(|rule| is_news(rule, signal));
    let by_rule: usize = news.map(|rule| by_rule(ticket, known, playbook, rule, signal, step)).sum();
    by_rule + tell_found(ticket, known, signal, step)
}

/// A rule about how a case is classified tells of a re-classification that changed what the rule
/// reads. Otherwise four managers would hear that a case has become major with every fact that is
/// added to one which always was.
fn is_news(rule: &Tell, signal: &Signal) -> bool {
    let Some(changed) = &signal.changed else { return true };
    let reads: Vec<&str> =
        [&rule.on.when, &rule.when].into_iter().flatten().flat_map(Condition::reads).collect();
    !reads.iter().any(|fact| CLASSIFICATION.contains(fact))
        || reads.iter().any(|fact| changed.contains(*fact))
}

const CLASSIFICATION: &[&str] = &["category", "severity", "tags"];

/// The ladder's own telling: everybody whom the watchdog found.
pub(crate) fn tell_found(ticket: Id, known: &Known, signal: &Signal, step: &mut Step<'_>) -> usize {
    let Some(rule) = ladder_rule(&signal.name) else { return 0 };
    let found = people::still_there(&signal.told, &known.barred, step.directory());
    let mut seen = BTreeSet::new();
    let mut made = 0;
    for person in found {
        if seen.insert(person.clone()) {
            let role = signal.role.clone().unwrap_or_default();
            notice(ticket, known, rule, Told { person, role }, Channel::Sms, signal, step).queue(step);
            made += 1;
        }
    }
    made
}

/// The built-in rule of an event that carries persons to be told.
fn ladder_rule(event: &str) -> Option<&'static str> {
    [
        (chase::ClockWarned::NAME, words::WARNED),
        (chase::ClockBreached::NAME, words::BREACHED),
        (chase::EscalationRaised::NAME, words::RAISED),
        (chase::ClockVerdictCorrected::NAME, words::CORRECTED),
        (chase::ClockExtensionAsked::NAME, words::EXTENSION_ASKED),
        (chase::ClockExtensionDecided::NAME, words::EXTENSION_DECIDED),
    ]
    .into_iter()
    .find_map(|(name, rule)| (name == event).then_some(rule))
}

fn by_rule(
    ticket: Id,
    known: &Known,
    playbook: &Playbook,
    rule: &Tell,
    signal: &Signal,
    step: &mut Step<'_>,
) -> usize {
    let mut seen = BTreeSet::new();
    let mut made = 0;
    for recipient in &rule.to {
        let persons = people::behind(recipient, known, playbook, signal, step);
        if persons.is_empty() {
            let (role, reason) = people::nobody(recipient);
            let nobody = Told { person: String::new(), role: role.to_owned() };
            let notice = notice(ticket, known, &rule.id, nobody, rule.channel, signal, step);
            notice.naming(rule, known).failed(reason, None, step);
            made += 1 + tell_of_failure(ticket, known, playbook, signal, step);
        }
        for told in persons {
            if seen.insert(told.person.clone()) {
                let notice = notice(ticket, known, &rule.id, told, rule.channel, signal, step);
                notice.naming(rule, known).queue(step);
                made += 1;
            }
        }
    }
    made
}

impl Notice {
    /// With the facts that its words name, as they are now.
    fn naming(mut self, rule: &Tell, known: &Known) -> Notice {
        for text in [&rule.template.zh, &rule.template.en] {
            for name in tell::placeholders(text) {
                if let Some(value) = known.facts.get(name) {
                    self.occasion.facts.set(name, value.clone());
                }
            }
        }
        self
    }
}

/// The playbook may want somebody told that nobody was. Messages about messages are not told of
/// in turn: they would never end.
fn tell_of_failure(
    ticket: Id,
    known: &Known,
    playbook: &Playbook,
    signal: &Signal,
    step: &mut Step<'_>,
) -> usize {
    if signal.name.starts_with("notice.") {
        return 0;
    }
    let failed = Signal::named(said::NoticeFailed::NAME, None, signal.cycle, step.now());
    tell(ticket, known, playbook, &failed, step)
}

fn notice(
    ticket: Id,
    known: &Known,
    rule: &str,
    told: Told,
    channel: Channel,
    signal: &Signal,
    step: &mut Step<'_>,
) -> Notice {
    Notice {
        id: step.mint(ticket.bucket()),
        ticket,
        matter: known.matter.clone(),
        customer: known.customer,
        rule: rule.to_owned(),
        recipient: told.person,
        role: told.role,
        channel,
        occasion: occasion(known, signal),
        queued_at: step.now(),
        tries: 0,
        state: NoticeState::Queued { since: step.now() },
    }
}

fn occasion(known: &Known, signal: &Signal) -> Occasion {
    let code = |fact: &str| known.facts.code(fact).map(str::to_owned);
    let about_step = signal.name.starts_with("work.") || signal.name.starts_with("approval.");
    Occasion {
        event: signal.name.clone(),
        step: signal.subject.clone().filter(|_| about_step),
        clock: signal.clock.clone(),
        rung: signal.rung,
        action: signal.action.clone(),
        late: signal.late,
        role: signal.role.clone(),
        due_at: signal.due_at,
        at: signal.at,
        attempts: signal.attempts,
        amount: signal.amount.clone().or_else(|| amount(&known.facts)),
        category: code("category"),
        severity: code("severity"),
        brand: code("brand"),
        opened_at: known.facts.instant("opened_at").map(Time),
        reasons: known.reasons.clone(),
        facts: Facts::new(),
    }
}

/// What the step proposed, else what the customer asks for.
fn amount(facts: &Facts) -> Option<(String, i64)> {
    ["amount", "claimed_amount"].into_iter().find_map(|fact| match facts.get(fact) {
        Some(Value::Money { currency, minor }) => Some((currency.clone(), *minor)),
        _ => None,
    })
}
