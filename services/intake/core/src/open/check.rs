//! What a person can get wrong when opening a case, named field by field.

use std::sync::Arc;

use chassis_core::{Actor, Refusal, Violation};
use organisation::Snapshot;
use playbook::{CaseType, Facts, Playbook};
use proto::Time;

use crate::{
    command::Open,
    form::{self, Demand, Filled, violation},
    state::Customer,
};

/// How far back an import may reach, in days.
const OLDEST_IMPORT_DAYS: i64 = 400;

/// Playbook, case type, branch and channel: without them nothing else can be checked.
pub(super) fn rule_book<'a>(
    command: &Open,
    directory: &'a Snapshot,
) -> Result<(&'a Arc<Playbook>, &'a CaseType), Refusal> {
    let mut wrong: Vec<Violation> = branch_misfit(&command.branch, directory).into_iter().collect();
    let playbook = directory.active_playbook(&command.playbook);
    let case_type = playbook.and_then(|playbook| playbook.case_type(&command.case_type));
    match (playbook, case_type) {
        (None, _) => wrong.push(violation(
            "playbook",
            format!("没有启用名为 {} 的规则手册。", command.playbook),
            format!("No playbook {} is active.", command.playbook),
        )),
        (Some(playbook), None) => wrong.push(violation(
            "case_type",
            format!("规则手册 {} 没有工单类型 {}。", playbook.id, command.case_type),
            format!("Playbook {} has no case type {}.", playbook.id, command.case_type),
        )),
        (Some(_), Some(case_type)) => wrong.extend(channel_misfit(case_type, &command.channel)),
    }
    match (playbook, case_type) {
        (Some(playbook), Some(case_type)) if wrong.is_empty() => Ok((playbook, case_type)),
        _ => Err(Refusal::invalid(wrong)),
    }
}

fn branch_misfit(branch: &str, directory: &Snapshot) -> Option<Violation> {
    let (zh, en) = match directory.node(branch) {
        None => (format!("组织中没有门店 {branch}。"), format!("There is no branch {branch}.")),
        Some(node) if node.level != "branch" => {
            (format!("{branch} 不是门店，请选择具体门店。"), format!("{branch} is not a branch; name one."))
        }
        Some(node) if node.closed => {
            (format!("门店 {branch} 已停业。"), format!("Branch {branch} is closed down."))
        }
        Some(_) => return None,
    };
    Some(violation("branch", zh, en))
}

fn channel_misfit(case_type: &CaseType, channel: &str) -> Option<Violation> {
    if case_type.channels.iter().any(|known| known.code == channel) {
        return None;
    }
    let known: Vec<&str> = case_type.channels.iter().map(|channel| channel.code.as_str()).collect();
    Some(violation(
        "channel",
        format!("渠道只能是 {}。", known.join("、")),
        format!("The channel is one of {}.", known.join(", ")),
    ))
}

/// When it was said. Only systems may say so: nobody puts his own lateness right.
pub(super) fn said_at(command: &Open, actor: &Actor, now: Time) -> Result<Time, Refusal> {
    let Some(at) = command.occurred_at else { return Ok(now) };
    let refuse = |zh: &str, en: &str| Err(Refusal::field("occurred_at", zh, en));
    if !matches!(actor, Actor::System { .. }) {
        return refuse("只有导入系统可以指定发生时间。", "Only importing systems may say when it happened.");
    }
    if at > now {
        return refuse("发生时间不能晚于现在。", "It cannot have happened in the future.");
    }
    if at < now.plus(-OLDEST_IMPORT_DAYS * 24 * Time::HOUR) {
        return refuse("发生时间不能早于 400 天前。", "It cannot have happened more than 400 days ago.");
    }
    Ok(at)
}

pub(super) fn misfits(
    command: &Open,
    customer: Option<&Customer>,
    case_type: &CaseType,
    known: &Facts,
    directory: &Snapshot,
) -> Vec<Violation> {
    let filled =
        Filled { facts: &command.facts, personal: &command.personal, about_persons: &command.about_persons };
    let mut wrong = form::check(case_type, &filled, known, Demand::Whole, directory);
    wrong.extend(form::check_persons(&command.about_persons, directory));
    if let Some(channel) = command.facts.code("channel").filter(|channel| *channel != command.channel) {
        wrong.push(violation(
            "form.channel",
            format!("与渠道 {} 不一致（{channel}）。", command.channel),
            format!("It says {channel}, but the call came by {}.", command.channel),
        ));
    }
    if let Some(asset) = command.asset
        && customer.is_none_or(|customer| customer.asset(asset).is_none())
    {
        wrong.push(violation(
            "asset_id",
            "该客户档案中没有此车辆或商品，请先识别来电。",
            "This customer's file has no such asset; identify it first.",
        ));
    }
    wrong
}
