//! The typed refusals of dispatch: each names its gate, says what was left
//! unchanged by being one, and what to do instead.

use chassis_core::{Refusal, RefusalKind};
use playbook::{CaseType, Text};

pub(crate) fn barred(case_type: &CaseType) -> Refusal {
    Refusal::denied(
        "barred",
        "您是本案被投诉的人员，不能参与处理。",
        "You are a person complained about in this case and may take no part in it.",
    )
    .citing(&case_type.bar_rules())
}

pub(crate) fn barred_person(person: &str, case_type: &CaseType) -> Refusal {
    Refusal::denied(
        "barred",
        format!("{person} 是本案被投诉的人员，不能参与处理。请指派他人。"),
        format!(
            "{person} is complained about in this case and may take no part in it. Choose somebody else."
        ),
    )
    .citing(&case_type.bar_rules())
}

pub(crate) fn stale_cycle(named: u32, now: u32) -> Refusal {
    Refusal::new(
        RefusalKind::Aborted,
        "stale-cycle",
        format!("本案已重新打开：现在是第 {now} 轮，您的操作针对第 {named} 轮。请刷新。"),
        format!(
            "The case was opened again: it is in cycle {now}, this was meant for cycle {named}. Read it again."
        ),
    )
}

/// The re-opening is on its way from intake.
pub(crate) fn future_cycle(named: u32, now: u32) -> Refusal {
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "cycle-not-here-yet",
        format!("第 {named} 轮的重新打开还没有到达派工（现在是第 {now} 轮）。请稍后再试。"),
        format!(
            "The re-opening as cycle {named} has not reached dispatch yet (it is in cycle {now}). Try again shortly."
        ),
    );
    refusal.retry_after_ms = Some(500);
    refusal
}

pub(crate) fn completed() -> Refusal {
    Refusal::precondition("completed", "本轮派工已完成；如需继续，请先重新打开。", "completed; re-open first")
}

pub(crate) fn withdrawn() -> Refusal {
    Refusal::precondition(
        "withdrawn",
        "工单已随案件结束而收回；如需继续，请先重新打开。",
        "The work was withdrawn when the case ended; re-open first.",
    )
}

pub(crate) fn disabled() -> Refusal {
    Refusal::denied("disabled", "您的账号已停用。", "Your account is disabled.")
}

pub(crate) fn other_branch(branch: &str) -> Refusal {
    Refusal::denied(
        "other-branch",
        format!("这是门店 {branch} 的工单，不在您的范围内。"),
        format!("This work belongs to branch {branch}, which is outside of yours."),
    )
}

pub(crate) fn not_yours(role: &str) -> Refusal {
    Refusal::denied(
        "role",
        format!("这由 {role} 或其代理人处理。"),
        format!("This is for the {role}, or whoever stands in for that role."),
    )
}

pub(crate) fn already_acknowledged(by: &str) -> Refusal {
    Refusal::precondition(
        "acknowledged",
        format!("工单已由 {by} 接收。"),
        format!("The work was acknowledged by {by} already."),
    )
}

pub(crate) fn not_acknowledged() -> Refusal {
    Refusal::precondition(
        "not-acknowledged",
        "工单还没有人接收；请先接单。",
        "Nobody has acknowledged the work yet; acknowledge it first.",
    )
}

pub(crate) fn last_resort() -> Refusal {
    Refusal::precondition(
        "last-resort",
        "再往上没有人可以接手；请接单后指派合适的人员。",
        "There is nobody further up who could take it; acknowledge it and assign the steps.",
    )
}

pub(crate) fn needs_reason() -> Refusal {
    Refusal::field(
        "reason",
        "退回工单必须填写原因代码（小写字母、数字、_ 或 -，不超过 64 个字符）。",
        "a refusal needs a reason code (lower-case letters, digits, `_` or `-`, 64 at most)",
    )
}

pub(crate) fn unknown_step(step: &str) -> Refusal {
    Refusal::field(
        "step",
        format!("规则手册中没有步骤 {step}。"),
        format!("the playbook has no step `{step}` for this case"),
    )
}

pub(crate) fn step_done(name: &Text, by: &str) -> Refusal {
    Refusal::precondition(
        "step-done",
        format!("“{}”已由 {by} 完成。", name.zh),
        format!("\"{}\" was done by {by} already.", name.en),
    )
}

pub(crate) fn not_applicable(name: &Text) -> Refusal {
    Refusal::precondition(
        "not-applicable",
        format!("本案不需要“{}”。", name.zh),
        format!("\"{}\" does not apply to this case.", name.en),
    )
}

/// `missing`: steps that come first.
pub(crate) fn needs_step(name: &Text, missing: &[&Text], rules: &[String]) -> Refusal {
    let zh = missing.iter().map(|text| format!("“{}”", text.zh)).collect::<Vec<_>>().join("、");
    let en = missing.iter().map(|text| format!("\"{}\"", text.en)).collect::<Vec<_>>().join(", ");
    Refusal::precondition(
        "needs-step",
        format!("“{}”之前要先完成{zh}。", name.zh),
        format!("\"{}\" needs {en} to be done first.", name.en),
    )
    .citing(rules)
}

pub(crate) fn needs_approval(name: &Text, rules: &[String]) -> Refusal {
    Refusal::precondition(
        "needs-approval",
        format!("“{}”由审批完成，不能直接填报。", name.zh),
        format!("\"{}\" is done by an approval, not by a report.", name.en),
    )
    .citing(rules)
}

pub(crate) fn needs_linked_case(step: &Text, rules: &[String]) -> Refusal {
    Refusal::precondition(
        "needs-linked-case",
        format!("“{}”要等关联工单办结后才能完成。", step.zh),
        format!("\"{}\" is done when the case that it opened is closed.", step.en),
    )
    .citing(rules)
}

/// The fields' own rules, else the step's.
pub(crate) fn needs_fields(missing: &[&playbook::Field], rules: &[String]) -> Refusal {
    let mut own: Vec<String> = missing.iter().flat_map(|field| field.rules.clone()).collect();
    own.sort_unstable();
    own.dedup();
    let list = |text: fn(&Text) -> &String| {
        missing
            .iter()
            .map(|field| format!("{} ({})", text(&field.label), field.name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    Refusal::precondition(
        "needs-field",
        format!("还缺少：{}。", list(|t| &t.zh)),
        format!("still missing: {}", list(|t| &t.en)),
    )
    .citing(if own.is_empty() { rules } else { &own })
}

pub(crate) fn needs_proofs(missing: &[&Text], rules: &[String]) -> Refusal {
    let list = |text: fn(&Text) -> &String| {
        missing.iter().map(|name| text(name).as_str()).collect::<Vec<_>>().join(", ")
    };
    Refusal::precondition(
        "needs-proof",
        format!("还缺少凭证：{}。", list(|t| &t.zh)),
        format!("needs a proof: {}", list(|t| &t.en)),
    )
    .citing(rules)
}

/// `rules`: those of the authority matrix.
pub(crate) fn own_request(rules: &[String]) -> Refusal {
    Refusal::denied("own-request", "任何人不得审批自己提出的申请。", "Nobody approves a request of his own.")
        .citing(rules)
}

pub(crate) fn decided_before(rules: &[String]) -> Refusal {
    Refusal::denied(
        "decided-before",
        "您已审批过本申请的前一级；下一级须由他人审批。",
        "You decided an earlier stage of this request; the next one is for somebody else.",
    )
    .citing(rules)
}

pub(crate) fn no_verbal() -> Refusal {
    Refusal::precondition(
        "no-verbal",
        "规则手册不允许这类审批先口头同意。",
        "The playbook does not let this be approved by word of mouth.",
    )
}

pub(crate) fn no_approver(person: &str) -> Refusal {
    Refusal::precondition(
        "no-approver",
        format!("{person} 无权审批这一级，或不在岗。"),
        format!("{person} may not decide this stage, or is not there."),
    )
}

pub(crate) fn not_his_paper(approver: &str) -> Refusal {
    Refusal::denied(
        "not-yours",
        format!("手续须由 {approver} 本人补办；其不在岗时由代理人补办。"),
        format!("The paper is {approver}'s own, or his deputy's while he is away."),
    )
}

pub(crate) fn no_paper_due() -> Refusal {
    Refusal::new(
        RefusalKind::Aborted,
        "no-paper-due",
        "这一级没有待补的手续，请刷新。",
        "No paper is owed for this stage. Read it again.",
    )
}

pub(crate) fn stale_stage(turn: u32) -> Refusal {
    Refusal::new(
        RefusalKind::Aborted,
        "stale-stage",
        format!("审批已变化（现在是第 {turn} 级，或已有结论）。请刷新。"),
        format!("The approval has moved on (stage {turn}, or decided). Read it again."),
    )
}

pub(crate) fn cannot_take(person: &str) -> Refusal {
    Refusal::precondition(
        "absent",
        format!("{person} 不在岗或已停用，不能接手。"),
        format!("{person} is absent or disabled and cannot take it."),
    )
}

pub(crate) fn already_his(person: &str) -> Refusal {
    Refusal::precondition(
        "already-assigned",
        format!("这一步已经由 {person} 负责。"),
        format!("{person} holds this step already."),
    )
}

pub(crate) fn outside(person: &str, branch: &str) -> Refusal {
    Refusal::precondition(
        "other-branch",
        format!("{person} 不属于门店 {branch}，也不担任该步骤的角色。"),
        format!("{person} neither belongs to branch {branch} nor holds the role of the step."),
    )
}

pub(crate) fn no_rule_book(playbook: &str, version: u32, case_type: &str) -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "no-rule-book",
        format!("规则手册 {playbook} 第 {version} 版（{case_type}）不在目录中。"),
        format!("The directory has no playbook {playbook} version {version} with case type {case_type}."),
    )
}
