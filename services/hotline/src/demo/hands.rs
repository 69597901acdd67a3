//! One person does one thing, over the contracts, with his own token.

use proto::{
    common::v1::AllowedAction,
    dispatch::v1::{
        AcknowledgeRequest, AssignRequest, CompleteStepRequest, DecideApprovalRequest,
        GetAllowedActionsRequest, RefuseRequest,
    },
    follow_up::v1::{RecordAttemptRequest, RecordCallRequest},
};
use tonic::Status;
use tonic_types::StatusExt;

use crate::{
    client::request_id,
    demo::{
        clock::Clock,
        draw::Draws,
        paper::{self, Named},
        people::{People, Tools},
        turn::{Deed, Turn, What},
    },
};

/// Why nothing was done: the gate's code.
pub type TurnedAway = String;

/// A thing to do.
#[derive(Clone, Debug)]
pub struct Task {
    pub turn: Turn,
    pub deed: Deed,
    /// The row that the case came from.
    pub identity: String,
    pub before: u32,
    pub tries: usize,
}

/// Does it as whoever is to do it, or as the next one in line after a failure.
pub async fn carry_out(people: &People, draws: Draws, clock: &Clock, task: &Task) -> Result<(), TurnedAway> {
    let line = in_line(people, task);
    let Some(person) = line.get(task.tries % line.len().max(1)) else { return Err("nobody".to_owned()) };
    let tools = people.tools(person).map_err(|_| "no-tools".to_owned())?;
    let done = match &task.turn.what {
        What::HandOff(_) => answer_hand_off(tools, task).await,
        What::Step { id, .. } if task.deed == Deed::Assign => assign(tools, people, task, id).await,
        What::Step { id, .. } => complete(tools, people, draws, clock, task, id).await,
        What::Approval { id, stage } => decide(tools, task, id, *stage).await,
        What::Call { id, .. } => call(tools, draws, task, id).await,
    };
    done.map_err(|status| gate(&status))
}

/// Who may be meant, best first: the person named, who stands in for him, who holds the role, who answers for the branch.
fn in_line(people: &People, task: &Task) -> Vec<String> {
    let (turn, staff) = (&task.turn, &people.staff);
    let mut line = vec![turn.person.clone()];
    line.extend(staff.deputy(&turn.person).map(str::to_owned));
    let mut holders = staff.holders(&turn.role, &turn.branch);
    if !holders.is_empty() {
        let spread = turn.ticket.bytes().map(usize::from).sum::<usize>() % holders.len();
        holders.rotate_left(spread);
    }
    line.extend(holders);
    if !matches!(turn.what, What::Call { .. }) {
        for role in ["cr-manager", "gm", "service-manager", "area-manager", "brand-division"] {
            line.extend(staff.holders(role, &turn.branch));
        }
    }
    let mut seen = std::collections::HashSet::new();
    line.retain(|code| staff.knows(code) && !turn.barred.contains(code) && seen.insert(code.clone()));
    line
}

/// What the person may do about the case; what he may not, with its gate.
async fn allowed(
    tools: &Tools,
    turn: &Turn,
    action: &str,
    target: &str,
) -> Result<Option<AllowedAction>, Status> {
    let ask = GetAllowedActionsRequest { ticket_id: turn.ticket.clone() };
    let actions = tools.dispatch.clone().get_allowed_actions(ask).await?.into_inner().actions;
    Ok(actions.into_iter().find(|found| found.action == action && found.target == target))
}

async fn must_be_allowed(tools: &Tools, turn: &Turn, action: &str, target: &str) -> Result<(), Status> {
    match allowed(tools, turn, action, target).await? {
        Some(found) if found.allowed => Ok(()),
        Some(found) => Err(Status::permission_denied(found.gate)),
        None => Err(Status::failed_precondition("not-offered")),
    }
}

async fn answer_hand_off(tools: Tools, task: &Task) -> Result<(), Status> {
    let turn = &task.turn;
    let mut dispatch = tools.dispatch.clone();
    if let Deed::Refuse(reason) = task.deed
        && allowed(&tools, turn, "refuse", "").await?.is_some_and(|found| found.allowed)
    {
        let refusal = RefuseRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
            reason: reason.to_owned(),
            text: "请转相关负责人处理。".to_owned(),
        };
        return dispatch.refuse(refusal).await.map(|_| ());
    }
    must_be_allowed(&tools, turn, "acknowledge", "").await?;
    let acknowledged =
        AcknowledgeRequest { request_id: request_id(), ticket_id: turn.ticket.clone(), cycle: turn.cycle };
    dispatch.acknowledge(acknowledged).await.map(|_| ())
}

async fn assign(tools: Tools, people: &People, task: &Task, step: &str) -> Result<(), Status> {
    let turn = &task.turn;
    must_be_allowed(&tools, turn, "assign", step).await?;
    let roles = ["service-manager", "cr-manager", "gm", "cr-specialist"];
    let mut free = roles.iter().flat_map(|role| people.staff.holders(role, &turn.branch));
    let person = free.find(|person| !turn.barred.contains(person));
    let person = person.ok_or_else(|| Status::failed_precondition("nobody"))?;
    let assignment = AssignRequest {
        request_id: request_id(),
        ticket_id: turn.ticket.clone(),
        cycle: turn.cycle,
        step: step.to_owned(),
        person,
    };
    tools.dispatch.clone().assign(assignment).await.map(|_| ())
}

async fn complete(
    tools: Tools,
    people: &People,
    draws: Draws,
    clock: &Clock,
    task: &Task,
    step: &str,
) -> Result<(), Status> {
    let turn = &task.turn;
    must_be_allowed(&tools, turn, "complete_step", step).await?;
    let one_of = |role: &str| {
        let found = people.staff.holders(role, &turn.branch);
        found.into_iter().find(|person| !turn.barred.contains(person)).unwrap_or_default()
    };
    let (handler, supervisor) = (one_of("service-manager"), one_of("cr-manager"));
    let handler = if handler.is_empty() { one_of("gm") } else { handler };
    let named = Named { handler: &handler, supervisor: &supervisor };
    let paper = paper::fill(draws, &task.identity, turn.cycle, step, task.before, &named, clock.now());
    let report = CompleteStepRequest {
        request_id: request_id(),
        ticket_id: turn.ticket.clone(),
        cycle: turn.cycle,
        step: step.to_owned(),
        fields: paper.fields,
        proofs: paper.proofs,
        occurred_at: 0,
    };
    tools.dispatch.clone().complete_step(report).await.map(|_| ())
}

async fn decide(tools: Tools, task: &Task, approval: &str, stage: u32) -> Result<(), Status> {
    let turn = &task.turn;
    must_be_allowed(&tools, turn, "decide_approval", approval).await?;
    let (decision, text) = match task.deed {
        Deed::Reject => ("rejected", "补偿依据不足，请重新核算。"),
        _ => ("approved", "同意。"),
    };
    let verdict = DecideApprovalRequest {
        request_id: request_id(),
        ticket_id: turn.ticket.clone(),
        cycle: turn.cycle,
        approval_id: approval.to_owned(),
        decision: decision.to_owned(),
        text: text.to_owned(),
        stage,
        verbal_by: String::new(),
    };
    tools.dispatch.clone().decide_approval(verdict).await.map(|_| ())
}

async fn call(tools: Tools, draws: Draws, task: &Task, follow_up: &str) -> Result<(), Status> {
    let turn = &task.turn;
    let mut desk = tools.follow_up.clone();
    if let Deed::NotReached(outcome) = task.deed {
        let attempt = RecordAttemptRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
            follow_up_id: follow_up.to_owned(),
            outcome: outcome.to_owned(),
            text: String::new(),
        };
        return desk.record_attempt(attempt).await.map(|_| ());
    }
    let record = RecordCallRequest {
        request_id: request_id(),
        ticket_id: turn.ticket.clone(),
        cycle: turn.cycle,
        follow_up_id: follow_up.to_owned(),
        text: "已说明处理结果。".to_owned(),
        answers: paper::answers(draws, &task.identity, turn.cycle, &turn.rule),
    };
    desk.record_call(record).await.map(|_| ())
}

/// The gate that a status names, else its sentence.
fn gate(status: &Status) -> TurnedAway {
    let named = status.get_details_error_info().and_then(|info| info.metadata.get("gate").cloned());
    let mut text = named.unwrap_or_else(|| status.message().to_owned());
    if let Some(bad) = status.get_details_bad_request() {
        for violation in bad.field_violations {
            text.push_str(&format!(" {}: {}", violation.field, violation.description));
        }
    }
    text
}
