//! Deeds: a posted form becomes a command to its owner, who decides. What is
//! refused comes back in the form with every word that was entered.

use std::sync::Arc;

use axum::{Router, extract::Path, response::Response, routing::post};
use playbook::CaseType;
use proto::{
    common::v1::Position,
    dispatch::v1::{self as dispatch, dispatch_service_client::DispatchServiceClient},
    intake::v1 as intake,
    sla_watchdog::v1::{AskExtensionRequest, DecideExtensionRequest},
};
use tonic::Status;

use crate::{
    forms::{self, Posted, Received},
    language::Tongue,
    names::Names,
    pages::{
        attachments,
        ticket::{Case, deeds, more_time, spoken},
        written,
    },
    peers::{Asker, Link},
    server::Console,
    trouble::{self, Trouble},
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/tickets/{id}/do/{action}", post(act))
}

/// What the page says after a deed.
pub fn said(code: &str, tongue: Tongue) -> &'static str {
    let (zh, en) = match code {
        "acknowledge" => ("已接单。", "Taken over."),
        "refuse" => ("已退单，下一位已收到。", "Given back; the next one has it."),
        "assign" => ("已指派。", "Assigned."),
        "complete_step" => ("已完成并记录。", "Completed and on record."),
        "decide_approval" => ("决定已记录。", "The decision is on record."),
        "ask_extension" => ("已申请延期，等待决定。", "More time is asked for; it waits for the decision."),
        "decide_extension" => ("延期的决定已记录。", "The decision on more time is on record."),
        "spoken" => ("口头批准已记录，请审批人补签。", "The spoken approval is on record; its paper is due."),
        "confirm_paper" => ("补签已记录。", "The paper is on record."),
        "note" => ("已记录。", "On record."),
        "reclassify" => ("已重新判定。", "Judged anew."),
        "close" => ("已销项。", "Closed."),
        "reopen" => ("已重新立项。", "Opened again."),
        "opened" => ("已立项，工单正在派往门店。", "Opened; the work is on its way to the branch."),
        _ => return "",
    };
    tongue.say(zh, en)
}

async fn act(
    visitor: Visitor,
    Path((id, action)): Path<(String, String)>,
    form: Received,
) -> Result<Response, Trouble> {
    let posted = Posted::from(form);
    let ask = visitor.ask()?;
    match carry_out(&visitor, &ask, &id, &action, &posted).await {
        Ok(at) => {
            let back = forms::inside(posted.get("back")).map(str::to_owned);
            let to = back.unwrap_or_else(|| format!("/tickets/{id}?said={action}"));
            Ok(written(forms::go(&visitor, &to), at))
        }
        Err(status) => {
            let case = Case::read(&ask, &id, "").await?;
            let names = Names::of(&visitor.known.snapshot, visitor.tongue, Some(&case.reference));
            let deed = deeds::deed(&visitor, &case, &names, &action, posted.get("target"), &posted);
            forms::again(&visitor, status, deed.ok_or(Trouble::Missing)?)
        }
    }
}

async fn carry_out(
    visitor: &Visitor,
    ask: &Asker,
    id: &str,
    action: &str,
    posted: &Posted,
) -> Result<Option<Position>, Status> {
    let text = |name: &str| posted.get(name).to_owned();
    let (request_id, ticket_id, cycle) = (text("request_id"), id.to_owned(), posted.number("cycle"));
    let (mut intake, mut dispatch) = (ask.intake(), ask.dispatch());
    Ok(match action {
        "acknowledge" => {
            let request = dispatch::AcknowledgeRequest { request_id, ticket_id, cycle };
            dispatch.acknowledge(request).await?.into_inner().position
        }
        "refuse" => {
            let (reason, text) = (text("reason"), text("text"));
            let request = dispatch::RefuseRequest { request_id, ticket_id, cycle, reason, text };
            dispatch.refuse(request).await?.into_inner().position
        }
        "assign" => {
            let (step, person) = (text("target"), text("person"));
            let request = dispatch::AssignRequest { request_id, ticket_id, cycle, step, person };
            dispatch.assign(request).await?.into_inner().position
        }
        "complete_step" => {
            let request = dispatch::CompleteStepRequest {
                proofs: attachments::proofs(visitor, id, posted)?,
                fields: step_fields(visitor, posted),
                step: text("target"),
                occurred_at: 0,
                request_id,
                ticket_id,
                cycle,
            };
            dispatch.complete_step(request).await?.into_inner().position
        }
        "decide_approval" => {
            let request = dispatch::DecideApprovalRequest {
                approval_id: text("target"),
                decision: text("decision"),
                text: text("text"),
                stage: posted.number("stage"),
                request_id,
                ticket_id,
                cycle,
                verbal_by: String::new(),
            };
            dispatch.decide_approval(request).await?.into_inner().position
        }
        "spoken" | "confirm_paper" => return paper(&mut dispatch, id, action, posted).await,
        "ask_extension" | "decide_extension" => {
            return extension(ask, id, action, posted, visitor.tongue).await;
        }
        "note" => {
            let request = intake::NoteTicketRequest {
                kind: text("kind"),
                text: text("text"),
                wait_begun: text("wait_begun"),
                wait_ended: text("wait_ended"),
                request_id,
                ticket_id,
            };
            intake.note_ticket(request).await?.into_inner().position
        }
        "reclassify" => {
            let form = case_type(visitor, posted).map(|kind| posted.fields(&kind.form)).unwrap_or_default();
            let request =
                intake::ReclassifyTicketRequest { request_id, ticket_id, form, about_persons: Vec::new() };
            intake.reclassify_ticket(request).await?.into_inner().position
        }
        "close" => {
            let request = intake::CloseTicketRequest { request_id, ticket_id, outcome: text("outcome") };
            intake.close_ticket(request).await?.into_inner().position
        }
        "reopen" => {
            let request = intake::ReopenTicketRequest { request_id, ticket_id, reason: text("reason") };
            intake.reopen_ticket(request).await?.into_inner().position
        }
        _ => return Err(Status::not_found("there is no such deed")),
    })
}

/// The rule book that the form was made by; the owner reads the fields under the case's own.
fn case_type<'v>(visitor: &'v Visitor, posted: &Posted) -> Option<&'v CaseType> {
    let mut parts = posted.get("book").splitn(3, '/');
    let (id, version, kind) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    visitor.known.snapshot.playbook(id, version)?.case_type(kind)
}

fn step_fields(visitor: &Visitor, posted: &Posted) -> std::collections::BTreeMap<String, String> {
    let step = case_type(visitor, posted).and_then(|kind| kind.step(posted.get("target")));
    step.map(|step| posted.fields(&step.fields)).unwrap_or_default()
}

/// A spoken approval is taken down, or its paper comes.
async fn paper(
    dispatch: &mut DispatchServiceClient<Link>,
    id: &str,
    action: &str,
    posted: &Posted,
) -> Result<Option<Position>, Status> {
    let text = |name: &str| posted.get(name).to_owned();
    let (approval_id, stage) = spoken::parts(posted.get("target"));
    let (request_id, ticket_id, cycle) = (text("request_id"), id.to_owned(), posted.number("cycle"));
    if action == "confirm_paper" {
        let (decision, text) = (text("decision"), text("text"));
        let request = dispatch::ConfirmApprovalRequest {
            request_id,
            ticket_id,
            cycle,
            approval_id,
            stage,
            decision,
            text,
        };
        return Ok(dispatch.confirm_approval(request).await?.into_inner().position);
    }
    let request = dispatch::DecideApprovalRequest {
        request_id,
        ticket_id,
        cycle,
        approval_id,
        decision: "approved".to_owned(),
        text: text("text"),
        stage,
        verbal_by: text("verbal_by"),
    };
    Ok(dispatch.decide_approval(request).await?.into_inner().position)
}

async fn extension(
    ask: &Asker,
    id: &str,
    action: &str,
    posted: &Posted,
    tongue: Tongue,
) -> Result<Option<Position>, Status> {
    let text = |name: &str| posted.get(name).to_owned();
    let (clock, instance, number) = more_time::parts(posted.get("target"));
    let (request_id, ticket_id, cycle) = (text("request_id"), id.to_owned(), posted.number("cycle"));
    let mut watchdog = ask.watchdog();
    if action == "ask_extension" {
        let (longer, reason) = (text("longer"), text("reason"));
        let request = AskExtensionRequest { request_id, ticket_id, cycle, clock, instance, longer, reason };
        return Ok(watchdog.ask_extension(request).await?.into_inner().position);
    }
    let granted = match posted.get("granted") {
        "yes" => true,
        "no" => false,
        _ => return Err(trouble::missing("granted", "请选择。", "choose one", tongue)),
    };
    let request = DecideExtensionRequest { request_id, ticket_id, cycle, clock, instance, number, granted };
    Ok(watchdog.decide_extension(request).await?.into_inner().position)
}
