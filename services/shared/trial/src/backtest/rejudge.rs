//! What the rule book decides anew about a recorded case: category and severity by its tables, call-backs by its rules.

use std::collections::BTreeMap;

use chassis_core::Heard;
use playbook::{CaseType, Condition, Facts, Playbook, Value};
use proto::{AnyEvent, Id};

/// Events as they were, by place.
pub(super) type Original = Vec<(usize, AnyEvent)>;

/// Puts the rule book's own judgement into the events that carry one. A severity that was raised beyond what the tables
/// say (by a ladder, by a person) stays raised.
pub(super) fn rejudge(case_type: &CaseType, events: &mut [Heard]) -> Original {
    let judges = case_type.category_table.is_some()
        || case_type.severity_table.is_some()
        || case_type.tag_table.is_some();
    let mut original = Original::new();
    if !judges {
        return original;
    }
    let mut known = Facts::new();
    for (place, heard) in events.iter_mut().enumerate() {
        match &mut heard.event {
            AnyEvent::TicketOpened(event) => {
                original.push((place, AnyEvent::TicketOpened(event.clone())));
                known.absorb(organisation::facts::from_proto(&event.facts));
                known.set("repeat", Value::Bool(!event.repeats.is_empty() || known.flag("repeat")));
                let judged = case_type.classify(&known);
                event.category = judged.category.unwrap_or_else(|| event.category.clone());
                event.severity = judged.severity;
                event.tags = judged.tags;
            }
            AnyEvent::TicketReclassified(event) => {
                original.push((place, AnyEvent::TicketReclassified(event.clone())));
                known.absorb(organisation::facts::from_proto(&event.facts));
                let judged = case_type.classify(&known);
                if case_type.rank(&judged.severity) >= case_type.rank(&event.severity) {
                    event.severity = judged.severity;
                }
            }
            AnyEvent::WorkStepDone(event) => {
                known.absorb(organisation::facts::from_proto(&event.facts));
            }
            _ => {}
        }
    }
    original
}

pub(super) fn restore(original: Original, events: &mut [Heard]) {
    for (place, event) in original {
        events[place].event = event;
    }
}

/// The severity that the case ended with.
pub(super) fn severity(events: &[Heard]) -> String {
    let said = |heard: &Heard| match &heard.event {
        AnyEvent::TicketOpened(event) => Some(event.severity.clone()),
        AnyEvent::TicketReclassified(event) => Some(event.severity.clone()),
        AnyEvent::TicketReopened(event) => Some(event.severity.clone()),
        AnyEvent::TicketMoved(event) => Some(event.severity.clone()),
        _ => None,
    };
    events.iter().rev().find_map(said).unwrap_or_default()
}

/// Call-backs that the rule book would have asked for, by rule. Of a sample, the case is drawn by its id.
pub(super) fn calls(
    playbook: &Playbook,
    case_type: &CaseType,
    case: &str,
    events: &[Heard],
) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    if !playbook.follow_ups.iter().any(|rule| rule.applies_to(&case_type.id)) {
        return calls;
    }
    let id = id_of(case);
    let rules =
        || playbook.follow_ups.iter().filter(|rule| rule.applies_to(&case_type.id) && rule.is_drawn(&id));
    let mut facts = Facts::new();
    for heard in events {
        let Some((name, subject)) = learn(&heard.event, &mut facts) else { continue };
        case_type.observe(name, subject.as_deref(), &mut facts);
        for rule in rules() {
            let due = rule.after.matches(name, subject.as_deref(), &facts)
                && Condition::met(rule.when.as_ref(), &facts);
            if due {
                let each = rule.series.as_ref().map_or(1, |series| series.at.len().max(1) as u64);
                *calls.entry(rule.id.clone()).or_default() += each;
            }
        }
        facts.remove("outcome");
    }
    calls
}

/// The case's own id; a recording of others has names for its cases.
fn id_of(case: &str) -> [u8; 16] {
    case.parse::<Id>().map(|id| *id.uuid().as_bytes()).unwrap_or_else(|_| {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(case.as_bytes()).as_bytes()[..16]);
        id
    })
}

/// What becomes known with an event that a call-back may wait for, and what it is about.
fn learn(event: &AnyEvent, facts: &mut Facts) -> Option<(&'static str, Option<String>)> {
    let judged = |facts: &mut Facts, category: &str, severity: &str| {
        for (name, code) in [("category", category), ("severity", severity)] {
            if !code.is_empty() {
                facts.set(name, Value::code(code));
            }
        }
    };
    Some(match event {
        AnyEvent::TicketOpened(e) => {
            facts.absorb(organisation::facts::from_proto(&e.facts));
            judged(facts, &e.category, &e.severity);
            facts.set("channel", Value::code(&e.channel));
            ("ticket.opened", None)
        }
        AnyEvent::TicketReclassified(e) => {
            facts.absorb(organisation::facts::from_proto(&e.facts));
            judged(facts, &e.category, &e.severity);
            ("ticket.reclassified", None)
        }
        AnyEvent::TicketMoved(e) => {
            facts.absorb(organisation::facts::from_proto(&e.facts));
            judged(facts, &e.category, &e.severity);
            return None;
        }
        AnyEvent::TicketReopened(e) => {
            facts.absorb(organisation::facts::from_proto(&e.facts));
            judged(facts, &e.category, &e.severity);
            ("ticket.reopened", None)
        }
        AnyEvent::TicketClosed(_) => ("ticket.closed", None),
        AnyEvent::WorkAcknowledged(_) => ("work.acknowledged", None),
        AnyEvent::WorkCompleted(_) => ("work.completed", None),
        AnyEvent::WorkStepDone(e) => {
            facts.absorb(organisation::facts::from_proto(&e.facts));
            ("work.step_done", Some(e.step.clone()))
        }
        AnyEvent::ApprovalDecided(e) if e.decision != "approved" || e.r#final => {
            let outcome = if e.decision == "approved" { "approved" } else { "refused" };
            facts.set("outcome", Value::code(outcome));
            ("approval.decided", Some(e.step.clone()))
        }
        _ => return None,
    })
}
