//! What people may see of a work order, and how its steps stand.

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use playbook::Step;
use proto::Time;

use crate::{placing::Rules, state::Work};

/// How a step stands, in the order of the playbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Waiting,
    Ready,
    InApproval,
    Done,
    /// Does not apply to this case.
    Skipped,
}

impl Standing {
    pub fn code(self) -> &'static str {
        match self {
            Standing::Waiting => "waiting",
            Standing::Ready => "ready",
            Standing::InApproval => "in_approval",
            Standing::Done => "done",
            Standing::Skipped => "skipped",
        }
    }
}

/// One step of the case.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    pub rule: &'a Step,
    pub standing: Standing,
    /// The role that has it, or is going to.
    pub role: String,
}

/// Every step of the case type, and how it stands.
///
/// # Errors
/// The directory does not hold the rule book of the ticket.
pub fn outline<'a>(work: &Work, directory: &'a Snapshot) -> Result<Vec<Outline<'a>>, Refusal> {
    let rules = Rules::of(directory, &work.playbook, work.version, &work.case_type)?;
    let describe = |rule: &'a Step| {
        let open = work.open.get(&rule.id);
        let standing = match open {
            _ if work.done_step(&rule.id).is_some() => Standing::Done,
            Some(open) if open.approval.is_some() => Standing::InApproval,
            Some(_) => Standing::Ready,
            None if rule.applies(&work.facts) => Standing::Waiting,
            None => Standing::Skipped,
        };
        let role = open.map_or_else(|| rules.wanted(work, &rule.by).role, |open| open.role.role.clone());
        Outline { rule, standing, role }
    };
    Ok(rules.case_type.steps.iter().map(describe).collect())
}

/// The step as the playbook of this ticket describes it.
///
/// # Errors
/// The directory does not hold the rule book, or it has no such step.
pub fn step_rule<'a>(work: &Work, directory: &'a Snapshot, step: &str) -> Result<&'a Step, Refusal> {
    let rules = Rules::of(directory, &work.playbook, work.version, &work.case_type)?;
    rules.case_type.step(step).ok_or_else(|| crate::gate::unknown_step(step))
}

/// Whether somebody may look at the case at all: never who is barred (DG-03), else who has a role
/// over its branch, and who holds a part of it from elsewhere.
pub fn may_see(work: &Work, directory: &Snapshot, actor: &Actor, at: Time) -> bool {
    if actor.person().is_some_and(|me| work.barred.contains(me)) {
        return false;
    }
    actor.grants().iter().any(|grant| directory.is_within(&work.branch, &grant.node))
        || holds_a_part(work, directory, actor, at)
}

/// Whether somebody may have the words of a field opened: the roles that the playbook names for it,
/// and whoever holds a part of the case now. An approver has to read what he approves.
pub fn may_reveal(work: &Work, directory: &Snapshot, actor: &Actor, at: Time, field: &str) -> bool {
    if !may_see(work, directory, actor, at) {
        return false;
    }
    let Some(book) = directory.playbook(&work.playbook, work.version) else { return false };
    let named = |key: &str| book.privacy.reveal.get(key);
    let roles = named(field).or_else(|| named("*")).map_or(&[][..], Vec::as_slice);
    let granted = actor
        .grants()
        .iter()
        .any(|grant| roles.contains(&grant.role) && directory.is_within(&work.branch, &grant.node));
    granted || (named(field).is_none() && holds_a_part(work, directory, actor, at))
}

fn holds_a_part(work: &Work, directory: &Snapshot, actor: &Actor, at: Time) -> bool {
    let Some(me) = actor.person() else { return false };
    let is_me =
        |holder: &&str| *holder == me || directory.stand_in(holder, at, &work.barred).as_deref() == Some(me);
    work.holders().iter().any(is_me)
}

/// A person and those in whose place he is now: whose work is his.
pub fn in_whose_place(person: &str, directory: &Snapshot, at: Time) -> Vec<String> {
    let nobody = std::collections::BTreeSet::new();
    let away = directory.persons().filter(|other| other.deputy.is_some() && other.is_absent(at));
    let mine = away.filter(|other| directory.stand_in(&other.code, at, &nobody).as_deref() == Some(person));
    std::iter::once(person.to_owned()).chain(mine.map(|other| other.code.clone())).collect()
}
