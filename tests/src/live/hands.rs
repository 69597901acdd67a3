//! What somebody means to do, as a request with his own token.

use chassis::core::{Actor, Refusal, RefusalKind};
use hotline::client::request_id;
use playbook::{Playbook, ProofKind};
use proto::{
    dispatch::v1::{
        AcknowledgeRequest, AssignRequest, CompleteStepRequest, ConfirmApprovalRequest,
        DecideApprovalRequest, GetWorkRequest, Proof, RefuseRequest, Work,
    },
    follow_up::v1::{GetFollowUpsRequest, RecordAttemptRequest, RecordCallRequest},
    intake::v1::{
        CloseTicketRequest, IdentifyRequest, NoteTicketRequest, OpenTicketRequest, ReclassifyTicketRequest,
        ReopenTicketRequest,
    },
    sla_watchdog::v1::{AskExtensionRequest, DecideExtensionRequest},
};
use trial::town::{Doing, identifying};

use super::{
    World,
    refused::{Done, done},
};

/// Words that a scenario does not spell out.
const WORDS: &str = "按情景记录。";

/// Somebody with his token.
pub struct Hands<'w> {
    pub world: &'w World,
    pub actor: Actor,
    pub playbook: &'w Playbook,
    /// The case and the cycle that he sees; an opening has none.
    pub ticket: String,
    pub cycle: u32,
}

impl Hands<'_> {
    /// # Errors
    /// No rule refused it, yet it could not be done.
    pub async fn carry_out(&self, doing: &Doing) -> Done<()> {
        match doing {
            Doing::Open { .. } => self.open(doing).await,
            Doing::Acknowledge
            | Doing::Refuse { .. }
            | Doing::Assign { .. }
            | Doing::Complete { .. }
            | Doing::Decide { .. }
            | Doing::Confirm { .. } => self.work(doing).await,
            Doing::Reach { .. } | Doing::Miss { .. } => self.call(doing).await,
            Doing::AskTime { .. } | Doing::DecideTime { .. } => self.more_time(doing).await,
            Doing::Note { .. } | Doing::Close { .. } | Doing::Reopen { .. } | Doing::Reclassify { .. } => {
                self.register(doing).await
            }
        }
    }

    async fn open(&self, doing: &Doing) -> Done<()> {
        let Doing::Open { playbook, case_type, branch, channel, form } = doing else { return Ok(Ok(())) };
        let mut request = OpenTicketRequest {
            request_id: request_id(),
            playbook: playbook.clone(),
            case_type: case_type.clone(),
            branch: branch.clone(),
            channel: channel.clone(),
            form: form.clone(),
            ..OpenTicketRequest::default()
        };
        let rule = self.playbook.case_type(case_type);
        let said = rule.map(|rule| identifying(rule, form)).unwrap_or_default();
        let mut intake = self.world.connection.intake(&self.actor);
        if let Some(phone) = said.get("phone") {
            let text = |kind: &str| said.get(kind).cloned().unwrap_or_default();
            let ask = IdentifyRequest {
                request_id: request_id(),
                phone: phone.clone(),
                plate: text("plate"),
                vin: text("vin"),
                ..IdentifyRequest::default()
            };
            match done(intake.identify(ask).await)? {
                Ok(known) => (request.customer_id, request.asset_id) = (known.customer_id, known.asset_id),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
        said_nothing(done(intake.open_ticket(request).await))
    }

    async fn work(&self, doing: &Doing) -> Done<()> {
        let mut dispatch = self.world.connection.dispatch(&self.actor);
        let (request_id, ticket_id, cycle) = (request_id(), self.ticket.clone(), self.cycle);
        match doing {
            Doing::Refuse { reason } => {
                let (reason, text) = (reason.clone(), WORDS.to_owned());
                let request = RefuseRequest { request_id, ticket_id, cycle, reason, text };
                said_nothing(done(dispatch.refuse(request).await))
            }
            Doing::Assign { step, person } => {
                let (step, person) = (step.clone(), person.clone());
                let request = AssignRequest { request_id, ticket_id, cycle, step, person };
                said_nothing(done(dispatch.assign(request).await))
            }
            Doing::Complete { step, form, proofs } => {
                let request = CompleteStepRequest {
                    request_id,
                    ticket_id,
                    cycle,
                    step: step.clone(),
                    fields: form.clone(),
                    proofs: proofs.iter().map(proof).collect(),
                    occurred_at: 0,
                };
                said_nothing(done(dispatch.complete_step(request).await))
            }
            Doing::Decide { step, stage, approved, verbal_by, .. } => {
                let Some(approval_id) = self.open_approval(step).await? else {
                    return Ok(Err(nothing_there("no-approval", "no approval is open")));
                };
                let request = DecideApprovalRequest {
                    request_id,
                    ticket_id,
                    cycle,
                    approval_id,
                    decision: if *approved { "approved" } else { "rejected" }.to_owned(),
                    text: if *approved { String::new() } else { WORDS.to_owned() },
                    stage: *stage,
                    verbal_by: verbal_by.clone().unwrap_or_default(),
                };
                said_nothing(done(dispatch.decide_approval(request).await))
            }
            Doing::Confirm { step, stage, approved, .. } => {
                let Some(approval_id) = self.approval_without_paper(step, *stage).await? else {
                    return Ok(Err(nothing_there("no-paper-due", "no paper is owed")));
                };
                let request = ConfirmApprovalRequest {
                    request_id,
                    ticket_id,
                    cycle,
                    approval_id,
                    stage: *stage,
                    decision: if *approved { "approved" } else { "denied" }.to_owned(),
                    text: String::new(),
                };
                said_nothing(done(dispatch.confirm_approval(request).await))
            }
            _ => {
                let request = AcknowledgeRequest { request_id, ticket_id, cycle };
                said_nothing(done(dispatch.acknowledge(request).await))
            }
        }
    }

    async fn open_approval(&self, step: &str) -> anyhow::Result<Option<String>> {
        let work = self.seen_work().await?;
        let mut approvals = work.iter().flat_map(|work| &work.approvals);
        let open = approvals.rfind(|approval| approval.state == "open" && approval.step == step);
        Ok(open.map(|approval| approval.approval_id.clone()))
    }

    async fn approval_without_paper(&self, step: &str, stage: u32) -> anyhow::Result<Option<String>> {
        let work = self.seen_work().await?;
        let mut approvals = work.iter().flat_map(|work| &work.approvals);
        let owes = |approval: &&proto::dispatch::v1::Approval| {
            let missing =
                |it: &proto::dispatch::v1::ApprovalStage| it.stage == stage && it.paper == "missing";
            approval.step == step && approval.stages.iter().any(missing)
        };
        Ok(approvals.find(owes).map(|approval| approval.approval_id.clone()))
    }

    /// As the command line sees it: whoever acts knows what he was asked for.
    async fn seen_work(&self) -> anyhow::Result<Option<Work>> {
        let system = self.world.connection.system();
        let ask = GetWorkRequest { ticket_id: self.ticket.clone(), reveal_reason: String::new() };
        let shown = done(self.world.connection.dispatch(&system).get_work(ask).await)?;
        Ok(shown.ok().and_then(|shown| shown.work))
    }

    async fn call(&self, doing: &Doing) -> Done<()> {
        let (Doing::Reach { rule, .. } | Doing::Miss { rule, .. }) = doing else { return Ok(Ok(())) };
        let Some(follow_up_id) = self.open_call(rule).await? else {
            return Ok(Err(nothing_there("no-call-back", "no call-back is to be made")));
        };
        let mut desk = self.world.connection.follow_up(&self.actor);
        let (request_id, ticket_id, cycle) = (request_id(), self.ticket.clone(), self.cycle);
        let text = WORDS.to_owned();
        if let Doing::Miss { outcome, .. } = doing {
            let outcome = outcome.code().to_owned();
            let request = RecordAttemptRequest { request_id, ticket_id, cycle, follow_up_id, outcome, text };
            return said_nothing(done(desk.record_attempt(request).await));
        }
        let Doing::Reach { answers, .. } = doing else { return Ok(Ok(())) };
        let answers = answers.clone();
        let request = RecordCallRequest { request_id, ticket_id, cycle, follow_up_id, text, answers };
        said_nothing(done(desk.record_call(request).await))
    }

    async fn open_call(&self, rule: &str) -> anyhow::Result<Option<String>> {
        let system = self.world.connection.system();
        let ask = GetFollowUpsRequest { ticket_id: self.ticket.clone(), reveal_reason: String::new() };
        let shown = done(self.world.connection.follow_up(&system).get_follow_ups(ask).await)?;
        let calls = shown.map(|shown| shown.follow_ups).unwrap_or_default();
        let open = calls.into_iter().find(|call| call.rule == rule && call.state == "scheduled");
        Ok(open.map(|call| call.follow_up_id))
    }

    async fn more_time(&self, doing: &Doing) -> Done<()> {
        let mut watchdog = self.world.connection.watchdog(&self.actor);
        let (request_id, ticket_id, cycle) = (request_id(), self.ticket.clone(), self.cycle);
        match doing {
            Doing::DecideTime { clock, instance, number, granted } => {
                let request = DecideExtensionRequest {
                    request_id,
                    ticket_id,
                    cycle,
                    clock: clock.clone(),
                    instance: instance.clone(),
                    number: *number,
                    granted: *granted,
                };
                said_nothing(done(watchdog.decide_extension(request).await))
            }
            Doing::AskTime { clock, instance, longer, reason } => {
                let request = AskExtensionRequest {
                    request_id,
                    ticket_id,
                    cycle,
                    clock: clock.clone(),
                    instance: instance.clone(),
                    longer: longer.clone().unwrap_or_default(),
                    reason: reason.clone(),
                };
                said_nothing(done(watchdog.ask_extension(request).await))
            }
            _ => Ok(Ok(())),
        }
    }

    async fn register(&self, doing: &Doing) -> Done<()> {
        let mut intake = self.world.connection.intake(&self.actor);
        let (request_id, ticket_id) = (request_id(), self.ticket.clone());
        match doing {
            Doing::Close { outcome } => {
                let request = CloseTicketRequest { request_id, ticket_id, outcome: outcome.clone() };
                said_nothing(done(intake.close_ticket(request).await))
            }
            Doing::Reopen { reason } => {
                let request = ReopenTicketRequest { request_id, ticket_id, reason: reason.clone() };
                said_nothing(done(intake.reopen_ticket(request).await))
            }
            Doing::Reclassify { form } => {
                let (form, about_persons) = (form.clone(), Vec::new());
                let request = ReclassifyTicketRequest { request_id, ticket_id, form, about_persons };
                said_nothing(done(intake.reclassify_ticket(request).await))
            }
            Doing::Note { kind, words, wait_begun, wait_ended } => {
                let request = NoteTicketRequest {
                    request_id,
                    ticket_id,
                    kind: kind.clone(),
                    text: if *words { WORDS.to_owned() } else { String::new() },
                    wait_begun: wait_begun.clone().unwrap_or_default(),
                    wait_ended: wait_ended.clone().unwrap_or_default(),
                };
                said_nothing(done(intake.note_ticket(request).await))
            }
            _ => Ok(Ok(())),
        }
    }
}

fn said_nothing<T>(done: Done<T>) -> Done<()> {
    done.map(|done| done.map(|_| ()))
}

fn proof(kind: &ProofKind) -> Proof {
    let kind = match kind {
        ProofKind::Photo => "photo",
        ProofKind::Signature => "signature",
        ProofKind::Recording => "recording",
        ProofKind::Document => "document",
    };
    Proof { kind: kind.to_owned(), reference: "scenario/1".to_owned(), digest: vec![7; 32] }
}

/// What the cores have open and the services do not: a difference, and it will show.
fn nothing_there(gate: &str, en: &str) -> Refusal {
    Refusal::new(
        RefusalKind::Precondition,
        gate,
        format!("服务中没有：{en}"),
        format!("in the services {en}"),
    )
}
