//! What somebody may do now, and why not: asked of the same checks that the
//! commands pass, so a button and a command never disagree.

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use proto::{Time, common::v1::AllowedAction};

use crate::{placing::Rules, state::Work, view::View};

/// Every action on a work order that this actor could think of. Fields and
/// proofs are not asked for here: they come with the report.
pub fn allowed_actions(
    work: &Work,
    directory: &Snapshot,
    actor: &Actor,
    at: Time,
) -> Result<Vec<AllowedAction>, Refusal> {
    let rules = Rules::of(directory, &work.playbook, work.version, &work.case_type)?;
    let view = View { work, rules, actor, at };
    let mut actions =
        vec![answer("acknowledge", "", view.may_answer_hand_off()), answer("refuse", "", view.may_refuse())];
    for rule in &rules.case_type.steps {
        if rule.approval.is_none() && rule.applies(&work.facts) && work.done_step(&rule.id).is_none() {
            actions.push(answer("complete_step", &rule.id, view.may_complete(&rule.id)));
            actions.push(answer("assign", &rule.id, view.may_assign(&rule.id)));
        }
    }
    for approval in work.open_approvals() {
        let verdict = view.may_decide(approval.id, None).map(|_| ());
        actions.push(answer("decide_approval", &approval.id.to_string(), verdict));
    }
    for (approval, turn) in work.owed_papers() {
        actions.push(answer(
            "confirm_approval",
            &approval.id.to_string(),
            view.may_confirm(approval.id, turn),
        ));
    }
    Ok(actions)
}

fn answer(action: &str, target: &str, verdict: Result<(), Refusal>) -> AllowedAction {
    let mut answer =
        AllowedAction { action: action.to_owned(), target: target.to_owned(), ..Default::default() };
    match verdict {
        Ok(()) => answer.allowed = true,
        Err(refusal) => {
            answer.gate = refusal.gate;
            answer.reason_zh = refusal.zh;
            answer.reason_en = refusal.en;
            answer.rule = refusal.rule.unwrap_or_default();
        }
    }
    answer
}
