//! What the conditions of a case type read, and what its steps set: found once, before it is played through.

use super::universe::mentioned;
use crate::{
    case::CaseType,
    clock::{Clock, Scope, Trigger},
    condition::Condition,
    facts::Value,
    follow_up::FollowUp,
    step::Step,
};

pub(super) fn stoppers(clock: &Clock, bit: impl Fn(&str) -> u64) -> u64 {
    let of_step = |t: &Trigger| t.event == "work.step_done" && t.subject.is_some();
    if clock.scope != Scope::Step || !clock.stop.iter().all(of_step) {
        return 0;
    }
    clock.stop.iter().filter_map(|t| t.subject.as_deref()).map(bit).fold(0, |a, b| a | b)
}

/// Steps that a condition names.
pub(super) fn looked_for(condition: &Condition, bit: impl Fn(&str) -> u64) -> u64 {
    let mut mask = 0;
    mentioned(condition.expr(), &mut |value| {
        if let Value::Code(code) = value {
            mask |= bit(code);
        }
    });
    mask
}

/// Whether a step says a fact, or something that a derived fact rests on.
pub(super) fn sets_fact(case_type: &CaseType, step: &Step, name: &str) -> bool {
    let said = |fact: &str| fact == name || case_type.derived.rests_on(name, fact);
    step.fields.iter().any(|f| f.facts().iter().any(|(fact, _)| said(fact)))
}

/// Every condition that moves the graph.
pub(super) fn conditions<'p>(
    case_type: &'p CaseType,
    clocks: &[&'p Clock],
    follow_ups: &[&'p FollowUp],
) -> Vec<&'p Condition> {
    let steps = case_type.steps.iter().flat_map(|s| s.when.iter().chain(s.leads.iter().map(|l| &l.when)));
    let clocks = clocks.iter().flat_map(|c| c.when.iter().chain(triggers(c).filter_map(|t| t.when.as_ref())));
    let follow_ups = follow_ups.iter().flat_map(|f| f.when.iter().chain(&f.after.when));
    steps.chain(clocks).chain(follow_ups).collect()
}

pub(super) fn triggers(clock: &Clock) -> impl Iterator<Item = &Trigger> {
    clock.start.iter().chain(&clock.stop).chain(&clock.cancel)
}

/// Step facts read by nothing but the step's own loops and the reactions to its own event: they need not be kept,
/// which keeps the space small.
pub(super) fn transient(case_type: &CaseType, clocks: &[&Clock], follow_ups: &[&FollowUp]) -> Vec<String> {
    let mut names = Vec::new();
    for step in &case_type.steps {
        for (name, _) in step.fields.iter().flat_map(|f| f.facts()) {
            let reads = |c: &Condition| c.reads().contains(&name.as_str());
            let own = |t: &Trigger| t.event == "work.step_done" && t.subject.as_deref() == Some(&step.id);
            let by_steps = case_type.steps.iter().any(|other| {
                other.when.iter().any(reads)
                    || (other.id != step.id && other.leads.iter().any(|l| reads(&l.when)))
            });
            let by_trigger = |t: &Trigger| !own(t) && t.when.iter().any(reads);
            let by_clocks = clocks.iter().any(|c| c.when.iter().any(reads) || triggers(c).any(by_trigger));
            let by_follow_ups = follow_ups.iter().any(|f| f.when.iter().any(reads) || by_trigger(&f.after));
            if !by_steps && !by_clocks && !by_follow_ups {
                names.push(name);
            }
        }
    }
    names
}
