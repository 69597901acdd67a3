//! Who may record, and on what.

use chassis_core::{Actor, Halt, Refusal, RefusalKind, Step};
use organisation::Snapshot;
use playbook::{CaseType, Playbook, RoleAt};
use proto::Id;

use crate::{
    case::{CallBack, Case, Known},
    command::NotReached,
};

/// The case, in the cycle that the command names.
pub(crate) fn case_in_cycle(ticket: Id, cycle: u32, step: &Step<'_>) -> Result<(Case, Known), Halt> {
    let mut case: Case = step.need(ticket, "工单", "ticket")?;
    let known = case.known.take().ok_or_else(|| Refusal::not_found("工单", "ticket", ticket))?;
    let present = known.matter.cycle;
    if cycle < present {
        return Err(Refusal::new(
            RefusalKind::Aborted,
            "stale-cycle",
            format!("工单已重新开启，现在是第 {present} 轮；您看到的是第 {cycle} 轮。没有记录任何内容，请刷新后再试。"),
            format!("The case was re-opened and is in cycle {present}; you saw cycle {cycle}. Nothing was recorded; read it again."),
        )
        .into());
    }
    if cycle > present {
        let mut refusal = Refusal::new(
            RefusalKind::Unavailable,
            "cycle-ahead",
            format!("第 {cycle} 轮的重新开启还没有传到回访，请稍后再试。"),
            format!("The re-opening to cycle {cycle} has not reached follow-up yet; try again in a moment."),
        );
        refusal.retry_after_ms = Some(500);
        return Err(refusal.into());
    }
    Ok((case, known))
}

/// The call-back, if it is still to be made.
pub(crate) fn open_call(known: &Known, id: Id) -> Result<&CallBack, Refusal> {
    let call = known.call_back(id).ok_or_else(|| Refusal::not_found("回访任务", "call-back", id))?;
    match call.state_code() {
        "scheduled" => Ok(call),
        state => Err(Refusal::precondition(
            "call-back-over",
            format!("这次回访已经结束（{}），没有再记录。", state_zh(state)),
            format!("This call-back is over ({state}); nothing more was recorded."),
        )),
    }
}

/// Nobody is out when he is rung up, and no letter is busy.
pub(crate) fn may_come_of(call: &CallBack, outcome: NotReached) -> Result<(), Refusal> {
    let possible = NotReached::of(call.kind);
    if possible.contains(&outcome) {
        return Ok(());
    }
    let codes = possible.iter().map(|outcome| outcome.code()).collect::<Vec<_>>().join(", ");
    Err(Refusal::field("outcome", format!("只能是 {codes}。"), format!("one of {codes}")))
}

fn state_zh(state: &str) -> &'static str {
    match state {
        "recorded" => "已记录",
        "given_up" => "多次未接通，已放弃",
        _ => "已取消",
    }
}

/// Whoever makes the call holds the role that the playbook names, for this branch, and is not
/// the person complained about.
pub(crate) fn may_record(
    known: &Known,
    (playbook, role): (&Playbook, &RoleAt),
    actor: &Actor,
    step: &Step<'_>,
) -> Result<String, Refusal> {
    let directory = step.directory();
    let branch = known.matter.branch.as_str();
    match actor {
        Actor::Person { code, .. } => {
            if known.barred.contains(code) {
                let case_type = playbook.case_type(&known.matter.case_type);
                return Err(barred(&case_type.map(CaseType::bar_rules).unwrap_or_default()));
            }
            if directory.may_act(code, &role.role, branch, step.now()) {
                return Ok(code.clone());
            }
            Err(if actor.has_role(&role.role) { other_branch(branch) } else { not_your_role(&role.role) })
        }
        Actor::System { code, grants } => {
            let within = |node: &str| directory.is_within(branch, node);
            if grants.iter().any(|g| (g.role == "system" || g.role == role.role) && within(&g.node)) {
                return Ok(code.clone());
            }
            Err(not_your_role(&role.role))
        }
        Actor::Service { .. } => Err(not_your_role(&role.role)),
    }
}

/// Whether somebody may see the follow-up of a case: with some role at its branch or above, and
/// not the person complained about.
pub fn may_see(known: &Known, actor: &Actor, directory: &Snapshot) -> bool {
    let barred = actor.person().is_some_and(|code| known.barred.contains(code));
    let within = |node: &str| directory.is_within(&known.matter.branch, node);
    !barred && actor.grants().iter().any(|grant| within(&grant.node))
}

fn barred(rules: &[String]) -> Refusal {
    Refusal::denied(
        "barred",
        "按规定您不参与这个工单。没有记录任何内容，请交给同事处理。",
        "You may take no part in this case. Nothing was recorded; hand it to a colleague.",
    )
    .citing(rules)
}

fn other_branch(branch: &str) -> Refusal {
    Refusal::denied(
        "other-branch",
        format!("您的岗位不在门店 {branch} 的范围内，没有记录任何内容。"),
        format!("You do not hold this role for branch {branch}; nothing was recorded."),
    )
}

fn not_your_role(role: &str) -> Refusal {
    Refusal::denied(
        "not-your-role",
        format!("这次回访由岗位“{role}”来做，没有记录任何内容。"),
        format!("This call-back is made by the role `{role}`; nothing was recorded."),
    )
}
