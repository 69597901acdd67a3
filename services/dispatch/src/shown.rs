//! Work orders as people are shown them: words masked, unless somebody gives a reason.

use std::collections::BTreeMap;

use chassis::{Handle, mask};
use chassis_core::{Actor, Refusal, RefusalKind, Sealed};
use dispatch_core::{
    Approval, Dispatch, DoneStep, OpenStep, Outline, Proof, Stage, Work, may_reveal, outline,
};
use organisation::{Snapshot, facts};
use playbook::ProofKind;
use proto::{Time, common::v1::Money, dispatch::v1 as contract};

/// The words of verdicts and refusals, as the playbook's `reveal` may name them.
const WORDS: &str = "text";

/// Whether words are shown at all, masked, or opened.
pub(crate) enum Words<'a> {
    /// Lists: not even how many there are.
    Left,
    Masked,
    Opened {
        reason: &'a str,
    },
}

pub(crate) struct Eyes<'a> {
    pub handle: &'a Handle<Dispatch>,
    pub directory: &'a Snapshot,
    pub actor: &'a Actor,
    pub at: Time,
    pub words: Words<'a>,
}

impl Eyes<'_> {
    /// Whoever asks for words must be able to have some of them.
    pub fn check(&self, work: &Work) -> Result<(), Refusal> {
        let mut fields =
            work.done.iter().flat_map(|done| done.sealed.keys().map(String::as_str)).chain([WORDS]);
        let opened = matches!(self.words, Words::Opened { .. });
        if !opened || fields.any(|field| may_reveal(work, self.directory, self.actor, self.at, field)) {
            return Ok(());
        }
        Err(Refusal::denied(
            "reveal",
            "您的岗位不能查看原文；可以查看隐藏后的记录。",
            "Your role may not reveal what was written; the masked record is open to you.",
        ))
    }

    async fn open(&self, work: &Work, field: &str, sealed: &Sealed) -> Result<String, Refusal> {
        let vault = self.handle.vault();
        let opened = match self.words {
            Words::Left => return Ok(String::new()),
            Words::Opened { reason } if may_reveal(work, self.directory, self.actor, self.at, field) => {
                vault.open(sealed, self.actor, reason).await
            }
            Words::Opened { .. } | Words::Masked => {
                vault.open_unrecorded(sealed).await.map(|text| mask::text(&text))
            }
        };
        match opened {
            // Erased as the law wants it: the record stays, the words are gone.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => Ok(String::new()),
            other => other,
        }
    }

    async fn words(&self, work: &Work, sealed: Option<&Sealed>) -> Result<String, Refusal> {
        match sealed {
            Some(sealed) => self.open(work, WORDS, sealed).await,
            None => Ok(String::new()),
        }
    }

    async fn personal(&self, work: &Work, done: &DoneStep) -> Result<BTreeMap<String, String>, Refusal> {
        let mut personal = BTreeMap::new();
        if matches!(self.words, Words::Left) {
            return Ok(personal);
        }
        for (field, sealed) in &done.sealed {
            personal.insert(field.clone(), self.open(work, field, sealed).await?);
        }
        Ok(personal)
    }
}

pub(crate) async fn show(work: &Work, eyes: &Eyes<'_>) -> Result<contract::Work, Refusal> {
    let mut steps = Vec::new();
    for line in outline(work, eyes.directory)? {
        steps.push(step(work, &line, eyes).await?);
    }
    let mut approvals = Vec::new();
    for asked in work.approvals.iter().filter(|approval| approval.cycle == work.cycle) {
        approvals.push(approval(work, asked, eyes).await?);
    }
    let mut given_back = Vec::new();
    for back in work.given_back.iter().filter(|back| back.cycle == work.cycle) {
        given_back.push(contract::GivenBack {
            hand_off: back.hand_off,
            by: back.by.clone(),
            reason: back.reason.clone(),
            text: eyes.words(work, back.text.as_ref()).await?,
            given_back_at: back.at.0,
        });
    }
    Ok(contract::Work {
        ticket: Some(work.ticket_ref()),
        order_id: work.order.to_string(),
        state: work.state.code().to_owned(),
        unit: work.unit.clone(),
        role: work.hand_off.role.role.clone(),
        assignee: work.hand_off.assignee.clone().unwrap_or_default(),
        hand_off: work.hand_off.number,
        steps,
        approvals,
        barred: work.barred.iter().cloned().collect(),
        given_back,
    })
}

async fn step(work: &Work, line: &Outline<'_>, eyes: &Eyes<'_>) -> Result<contract::Step, Refusal> {
    let id = &line.rule.id;
    let (open, done) = (work.open.get(id), work.done_step(id));
    let mut shown = contract::Step {
        id: id.clone(),
        name_zh: line.rule.name.zh.clone(),
        name_en: line.rule.name.en.clone(),
        state: line.standing.code().to_owned(),
        role: line.role.clone(),
        ..Default::default()
    };
    if let Some(open) = open {
        shown.assignee = holder(work, open).unwrap_or_default();
        shown.helpers.clone_from(&open.helpers);
        shown.ready_at = open.ready_at.0;
    }
    if let Some(done) = done {
        shown.ready_at = done.ready_at.0;
        shown.done_at = done.at.0;
        shown.done_by.clone_from(&done.by);
        shown.facts = facts::to_proto(&done.facts);
        shown.personal = eyes.personal(work, done).await?.into_iter().collect();
        shown.proofs = done.proofs.iter().map(proof).collect();
    }
    Ok(shown)
}

/// Who has an open step: its assignee, or whose approval is asked.
fn holder(work: &Work, open: &OpenStep) -> Option<String> {
    let asked = open.approval.and_then(|id| work.approval(id)?.stage()?.approver.clone());
    open.assignee.clone().or(asked)
}

async fn approval(work: &Work, approval: &Approval, eyes: &Eyes<'_>) -> Result<contract::Approval, Refusal> {
    let mut stages = Vec::new();
    for asked in &approval.stages {
        stages.push(stage(work, asked, eyes).await?);
    }
    Ok(contract::Approval {
        approval_id: approval.id.to_string(),
        kind: approval.kind.clone(),
        amount: approval.amount.as_ref().map(|a| Money { currency: a.currency.clone(), minor: a.minor }),
        requester: approval.requesters.first().cloned().unwrap_or_default(),
        stages,
        state: approval.state.code().to_owned(),
        step: approval.step.clone(),
    })
}

async fn stage(work: &Work, stage: &Stage, eyes: &Eyes<'_>) -> Result<contract::ApprovalStage, Refusal> {
    let mut shown = contract::ApprovalStage {
        role: stage.role.role.clone(),
        approver: stage.approver.clone().unwrap_or_default(),
        asked_at: stage.asked_at.0,
        stage: stage.place + 1,
        ..Default::default()
    };
    if let Some(verdict) = &stage.verdict {
        shown.decision = if verdict.approved { "approved" } else { "rejected" }.to_owned();
        shown.by.clone_from(&verdict.by);
        shown.decided_at = verdict.at.0;
        shown.text = eyes.words(work, verdict.text.as_ref()).await?;
        if let Some(verbal) = &verdict.verbal {
            shown.recorded_by.clone_from(&verbal.recorded_by);
            let paper = verbal.paper.as_ref().map(|paper| paper.approved);
            shown.paper = paper.map_or("missing", |is| if is { "confirmed" } else { "denied" }).to_owned();
        }
    }
    Ok(shown)
}

fn proof(proof: &Proof) -> contract::Proof {
    let kind = match proof.kind {
        ProofKind::Photo => "photo",
        ProofKind::Signature => "signature",
        ProofKind::Recording => "recording",
        ProofKind::Document => "document",
    };
    contract::Proof {
        kind: kind.to_owned(),
        reference: proof.reference.clone(),
        digest: proof.digest.clone(),
    }
}
