//! The work: steps with their facts and proofs, approvals with their stages.

use jiff::tz::TimeZone;
use playbook::Field;
use proto::{
    Time,
    dispatch::v1::{Approval, Step, Work},
};

use crate::{
    names::Names,
    pages::ticket::spoken,
    shown::{self, money},
};

pub struct Shown {
    pub name: String,
    pub state: &'static str,
    pub sign: &'static str,
    pub word: String,
    pub who: String,
    pub when: String,
    pub rules: Vec<String>,
    pub facts: Vec<(String, String)>,
    pub proofs: Vec<Proof>,
}

pub struct Proof {
    pub name: String,
    /// Empty: kept elsewhere.
    pub link: String,
    pub digest: String,
}

pub fn shown(work: &Work, names: &Names<'_>, zone: &TimeZone) -> Vec<Shown> {
    let id = work.ticket.as_ref().map_or("", |ticket| &ticket.ticket_id);
    work.steps.iter().map(|step| one(step, id, names, zone)).collect()
}

fn one(step: &Step, ticket: &str, names: &Names<'_>, zone: &TimeZone) -> Shown {
    let tongue = names.tongue;
    let (state, sign, zh, en) = match step.state.as_str() {
        "ready" => ("ready", "▶", "可以开始", "ready"),
        "in_approval" => ("ready", "◈", "审批中", "in approval"),
        "done" => ("done", "✓", "完成", "done"),
        "skipped" => ("skipped", "–", "不需要", "not needed"),
        _ => ("waiting", "○", "等待前序", "waits for others"),
    };
    let rule = names.case_type.and_then(|kind| kind.step(&step.id));
    let fields: &[Field] = rule.map_or(&[], |rule| &rule.fields);
    let mut facts = shown::facts(&organisation::facts::from_proto(&step.facts), fields, zone, tongue);
    for field in fields {
        if let Some(text) = step.personal.get(&field.name).filter(|text| !text.is_empty()) {
            facts.push((tongue.text(&field.label).to_owned(), text.clone()));
        }
    }
    let proof = |proof: &proto::dispatch::v1::Proof| Proof {
        name: proof_kind(&proof.kind, names),
        link: crate::pages::attachments::link(ticket, &proof.reference),
        digest: proof.digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
    };
    Shown {
        name: tongue.say(&step.name_zh, &step.name_en).to_owned(),
        state,
        sign,
        word: tongue.say(zh, en).to_owned(),
        who: match (step.done_by.as_str(), step.assignee.as_str()) {
            ("", "") => names.role(&step.role),
            ("", assignee) => assignee.to_owned(),
            (by, _) => shown::actor(by, tongue),
        },
        when: shown::moment(Time(step.done_at), zone),
        rules: rule.map(|rule| rule.rules.clone()).unwrap_or_default(),
        facts,
        proofs: step.proofs.iter().map(proof).collect(),
    }
}

pub fn proof_kind(kind: &str, names: &Names<'_>) -> String {
    let (zh, en) = match kind {
        "photo" => ("照片", "photo"),
        "signature" => ("签名", "signature"),
        "recording" => ("录音", "recording"),
        "document" => ("文件", "document"),
        other => return other.to_owned(),
    };
    names.tongue.say(zh, en).to_owned()
}

/// An approval, stage by stage.
pub struct Asked {
    pub step: String,
    pub amount: String,
    pub requester: String,
    pub state: String,
    pub tone: &'static str,
    pub stages: Vec<String>,
}

pub fn approvals(work: &Work, names: &Names<'_>, zone: &TimeZone) -> Vec<Asked> {
    work.approvals.iter().map(|approval| asked(approval, names, zone)).collect()
}

pub fn amount(approval: &Approval) -> String {
    approval.amount.as_ref().map(|amount| money(&amount.currency, amount.minor)).unwrap_or_default()
}

fn asked(approval: &Approval, names: &Names<'_>, zone: &TimeZone) -> Asked {
    let tongue = names.tongue;
    let stage = |stage: &proto::dispatch::v1::ApprovalStage| {
        let who = if stage.by.is_empty() { &stage.approver } else { &stage.by };
        let verdict = match stage.decision.as_str() {
            "approved" => tongue.say("同意", "approved"),
            "rejected" => tongue.say("驳回", "rejected"),
            _ => tongue.say("待决", "open"),
        };
        let at =
            shown::moment(Time(if stage.decided_at == 0 { stage.asked_at } else { stage.decided_at }), zone);
        let words = if stage.text.is_empty() { String::new() } else { format!(" {}", stage.text) };
        let paper = spoken::paper(stage, names);
        format!("{}. {} {who}: {verdict} {at}{paper}{words}", stage.stage, names.role(&stage.role))
    };
    let (tone, zh, en) = match approval.state.as_str() {
        "approved" => ("good", "已批准", "approved"),
        "rejected" => ("late", "已驳回", "rejected"),
        _ => ("now", "审批中", "open"),
    };
    Asked {
        step: names.step(&approval.step),
        amount: amount(approval),
        requester: approval.requester.clone(),
        state: tongue.say(zh, en).to_owned(),
        tone,
        stages: approval.stages.iter().map(stage).collect(),
    }
}

/// Who has the case in hand.
pub fn holder(work: &Work, names: &Names<'_>) -> String {
    if work.assignee.is_empty() {
        names.role(&work.role)
    } else {
        format!("{} {}", names.role(&work.role), work.assignee)
    }
}
