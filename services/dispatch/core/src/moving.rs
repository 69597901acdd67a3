//! What a move to another version of the rule book would do to the work on a case: steps, approvals, and whether it
//! could still end.

use std::collections::BTreeSet;

use chassis_core::Refusal;
use organisation::Snapshot;
use playbook::{Facts, Mark, RoleAt};

use crate::{
    placing::Rules,
    state::{State, Work},
    steps::mark_code,
};

/// One step or approval that would be otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub step: String,
    /// Roles that have it, and that would.
    pub before: Vec<String>,
    pub after: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    StepAdded,
    StepRemoved,
    StepChanged,
    ApprovalChanged,
}

impl Kind {
    /// As the contract has it: what, and how.
    pub fn codes(self) -> (&'static str, &'static str) {
        match self {
            Kind::StepAdded => ("step", "added"),
            Kind::StepRemoved => ("step", "removed"),
            Kind::StepChanged => ("step", "changed"),
            Kind::ApprovalChanged => ("approval", "changed"),
        }
    }
}

/// Open steps that this rule book lets be done in another way: by a report instead of an approval, by another matrix, by
/// a case that is opened for it.
pub(crate) fn done_otherwise(work: &Work, rules: &Rules<'_>) -> Vec<String> {
    let otherwise = |step: &String| {
        let asked = work.open.get(step).and_then(|open| work.approval(open.approval?));
        let beside = work.open.get(step).is_some_and(|open| open.beside.is_some());
        let rule = rules.case_type.step(step);
        if beside != rule.is_some_and(|rule| rule.opens.is_some()) {
            return true;
        }
        match (asked, rule.and_then(|rule| rule.approval.as_ref())) {
            (None, None) => false,
            (Some(asked), Some(rule)) => asked.matrix != rule.matrix || asked.kind != rule.kind,
            _ => true,
        }
    };
    work.open.keys().filter(|step| otherwise(step)).cloned().collect()
}

/// What would be otherwise if the case were moved to this version now. `facts` are the case's as the version judges it;
/// `directory` knows the version, be it active or not.
///
/// # Errors
/// Why the work cannot go on under it.
pub fn preview(
    work: &Work,
    directory: &Snapshot,
    version: u32,
    facts: &Facts,
) -> Result<Vec<Change>, Refusal> {
    if work.state.is_over() {
        return Ok(Vec::new());
    }
    let old = Rules::of(directory, &work.playbook, work.version, &work.case_type)?;
    let new = Rules::of(directory, &work.playbook, version, &work.case_type)?;
    if let Some(step) = work.open.keys().find(|step| new.case_type.step(step).is_none()) {
        return Err(no_step(work, version, step));
    }
    if let Some(mark) = lost_mark(work, &old, &new) {
        return Err(mark_lost(work, version, mark));
    }
    let mut moved = work.clone();
    moved.version = version;
    moved.facts.absorb(new.told_by_intake(facts.clone(), &work.done));
    new.case_type.derive(&mut moved.facts);
    Ok(match work.state {
        State::Acknowledged { .. } => [steps(work, &moved, &new), approvals(work, &moved, &new)].concat(),
        _ => Vec::new(),
    })
}

fn steps(work: &Work, moved: &Work, new: &Rules<'_>) -> Vec<Change> {
    let ready = new.case_type.ready_steps(&work.done_steps(), &moved.facts);
    let is_ready = |step: &String| ready.iter().any(|rule| rule.id == *step);
    let role = |role: &RoleAt| vec![role.role.clone()];
    let removed = work.open.iter().filter(|(step, _)| !is_ready(step)).map(|(step, open)| Change {
        kind: Kind::StepRemoved,
        step: step.clone(),
        before: role(&open.role),
        after: Vec::new(),
    });
    let others = ready.iter().filter_map(|rule| {
        let wanted = new.wanted(moved, &rule.by);
        let (kind, before) = match work.open.get(&rule.id) {
            None => (Kind::StepAdded, Vec::new()),
            // What an approval does is asked of the matrix's roles.
            Some(open) if open.approval.is_none() && open.wanted != wanted => {
                (Kind::StepChanged, role(&open.wanted))
            }
            Some(_) => return None,
        };
        Some(Change { kind, step: rule.id.clone(), before, after: role(&wanted) })
    });
    removed.chain(others).collect()
}

fn approvals(work: &Work, moved: &Work, new: &Rules<'_>) -> Vec<Change> {
    let otherwise = done_otherwise(work, new);
    let open = work.open_approvals().filter_map(|approval| {
        let use_ = new.case_type.step(&approval.step).and_then(|rule| rule.approval.as_ref());
        let after = use_.map(|use_| (new.chain(moved, use_), new.amount(moved, use_)));
        let same = after.as_ref().is_some_and(|(chain, amount)| {
            *chain == approval.chain && *amount == approval.amount && !otherwise.contains(&approval.step)
        });
        let roles = |chain: &[RoleAt]| chain.iter().map(|role| role.role.clone()).collect();
        (!same).then(|| Change {
            kind: Kind::ApprovalChanged,
            step: approval.step.clone(),
            before: roles(&approval.chain),
            after: after.map(|(chain, _)| roles(&chain)).unwrap_or_default(),
        })
    });
    open.collect()
}

/// An end (P4) that no step of the new version brings any more, and no step done has brought.
fn lost_mark(work: &Work, old: &Rules<'_>, new: &Rules<'_>) -> Option<Mark> {
    let done: BTreeSet<&str> = work.done.iter().map(|done| done.step.as_str()).collect();
    let brought = |mark: &Mark| done.iter().any(|step| old.case_type.marks_of(step).contains(mark));
    let to_come = |mark: &Mark| {
        let open = new.case_type.steps.iter().filter(|step| !done.contains(step.id.as_str()));
        open.into_iter().any(|step| step.marks.contains(mark))
    };
    [Mark::Answered, Mark::Resolved, Mark::Told].into_iter().find(|mark| !brought(mark) && !to_come(mark))
}

fn no_step(work: &Work, version: u32, step: &str) -> Refusal {
    Refusal::precondition(
        "no-step",
        format!("工单 {} 正停在步骤 {step}，而第 {version} 版没有这一步。", work.number),
        format!("Ticket {} stands at the step `{step}`, which version {version} does not have.", work.number),
    )
}

fn mark_lost(work: &Work, version: u32, mark: Mark) -> Refusal {
    let mark = mark_code(mark);
    Refusal::precondition(
        "mark-lost",
        format!(
            "按第 {version} 版，工单 {} 余下的步骤都不会记下 {mark}，而已完成的步骤也没有，将无法销项。",
            work.number
        ),
        format!(
            "Under version {version} no step left to ticket {} brings `{mark}`, and none that is done has: it could \
             never be closed.",
            work.number
        ),
    )
}
