//! One person does one thing, over the contracts, with his own token.

use std::sync::Arc;

use follow_up_core::NotReached;
use jiff::tz::TimeZone;
use playbook::{Facts, FollowUpKind, Playbook};
use proto::{
    dispatch::v1::{
        AcknowledgeRequest, AssignRequest, CompleteStepRequest, DecideApprovalRequest,
        GetAllowedActionsRequest, RefuseRequest,
    },
    follow_up::v1::{RecordAttemptRequest, RecordCallRequest},
    intake::v1::GetTicketRequest,
};
use tonic::Status;
use tonic_types::StatusExt;

use crate::{
    client::request_id,
    demo::{
        clock::Clock,
        draw::Draws,
        paper::{self, Case, Papers},
        people::{People, Tools},
        turn::{Deed, Turn, What},
    },
};

/// Why nothing was done: the gate's code.
pub type TurnedAway = String;

/// Who steps in when those who are meant may not, at most.
const LONGEST_LINE: usize = 12;

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

/// What everybody works with.
#[derive(Clone)]
pub struct Stage {
    pub people: Arc<People>,
    pub book: Arc<Playbook>,
    pub clock: Clock,
    pub draws: Draws,
}

impl Stage {
    /// Does it as whoever is to do it, or as the next one in line after a failure.
    pub async fn carry_out(&self, task: &Task) -> Result<(), TurnedAway> {
        let line = self.in_line(task);
        let Some(person) = line.get(task.tries % line.len().max(1)) else { return Err("nobody".to_owned()) };
        let done = match &task.turn.what {
            What::Call { id, .. } => {
                let tools = self.tools(person).map_err(|status| gate(&status))?;
                self.call(tools, task, id).await
            }
            What::HandOff(_) => self.answer_hand_off(&line, task).await,
            What::Step { id, .. } if task.deed == Deed::Assign => self.assign(&line, task, id).await,
            What::Step { id, .. } => self.complete(&line, task, id).await,
            What::Approval { id, stage } => self.decide(&line, task, id, *stage).await,
        };
        done.map_err(|status| gate(&status))
    }

    fn tools(&self, person: &str) -> Result<Tools, Status> {
        self.people.tools(person).map_err(|error| Status::not_found(error.to_string()))
    }

    /// Who may be meant, best first: the person named, who stands in for him, who holds the role, who answers for the
    /// branch.
    fn in_line(&self, task: &Task) -> Vec<String> {
        let (turn, staff) = (&task.turn, &self.people.staff);
        let mut line = vec![turn.person.clone()];
        line.extend(staff.deputy(&turn.person).map(str::to_owned));
        let mut holders = staff.holders(&turn.role, &turn.branch);
        if !holders.is_empty() {
            let spread = turn.ticket.bytes().map(usize::from).sum::<usize>() % holders.len();
            holders.rotate_left(spread);
        }
        line.extend(holders);
        if !matches!(turn.what, What::Call { .. }) {
            line.extend(staff.upwards(&turn.branch));
        }
        let mut seen = std::collections::HashSet::new();
        line.retain(|code| staff.knows(code) && !turn.barred.contains(code) && seen.insert(code.clone()));
        line.truncate(LONGEST_LINE);
        line
    }

    /// The first in line who may do it; if nobody may, why the first may not.
    async fn first_allowed(
        &self,
        line: &[String],
        task: &Task,
        action: &str,
        target: &str,
    ) -> Result<Tools, Status> {
        let mut why = None;
        let begin = task.tries % line.len().max(1);
        for person in line[begin..].iter().chain(&line[..begin]) {
            let tools = self.tools(person)?;
            let ask = GetAllowedActionsRequest { ticket_id: task.turn.ticket.clone() };
            let actions = tools.dispatch.clone().get_allowed_actions(ask).await?.into_inner().actions;
            match actions.into_iter().find(|found| found.action == action && found.target == target) {
                Some(found) if found.allowed => return Ok(tools),
                Some(found) => why = why.or(Some(Status::permission_denied(found.gate))),
                None => why = why.or(Some(Status::failed_precondition("not-offered"))),
            }
        }
        Err(why.unwrap_or_else(|| Status::failed_precondition("nobody")))
    }

    async fn answer_hand_off(&self, line: &[String], task: &Task) -> Result<(), Status> {
        let turn = &task.turn;
        if let Deed::Refuse(reason) = task.deed
            && let Ok(mut tools) = self.first_allowed(line, task, "refuse", "").await
        {
            let refusal = RefuseRequest {
                request_id: request_id(),
                ticket_id: turn.ticket.clone(),
                cycle: turn.cycle,
                reason: reason.to_owned(),
                text: "请转相关负责人处理。".to_owned(),
            };
            return tools.dispatch.refuse(refusal).await.map(|_| ());
        }
        let mut tools = self.first_allowed(line, task, "acknowledge", "").await?;
        let acknowledged = AcknowledgeRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
        };
        tools.dispatch.acknowledge(acknowledged).await.map(|_| ())
    }

    async fn assign(&self, line: &[String], task: &Task, step: &str) -> Result<(), Status> {
        let turn = &task.turn;
        let mut tools = self.first_allowed(line, task, "assign", step).await?;
        let staff = &self.people.staff;
        let free = staff.holders(&turn.role, &turn.branch).into_iter().chain(staff.upwards(&turn.branch));
        let person = free.into_iter().find(|person| !turn.barred.contains(person));
        let person = person.ok_or_else(|| Status::failed_precondition("nobody"))?;
        let assignment = AssignRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
            step: step.to_owned(),
            person,
        };
        tools.dispatch.assign(assignment).await.map(|_| ())
    }

    async fn complete(&self, line: &[String], task: &Task, step: &str) -> Result<(), Status> {
        let turn = &task.turn;
        let mut tools = self.first_allowed(line, task, "complete_step", step).await?;
        let case_type = self.book.case_type(&turn.case_type);
        let rule = case_type.and_then(|case_type| Some((case_type, case_type.step(step)?)));
        let (case_type, rule) = rule.ok_or_else(|| Status::failed_precondition("another-rule-book"))?;
        let mut staff = self.people.staff.upwards(&turn.branch);
        staff.retain(|person| !turn.barred.contains(person));
        staff.truncate(LONGEST_LINE);
        let papers = Papers {
            draws: self.draws,
            book: &self.book,
            case_type,
            staff: &staff,
            now: self.clock.now(),
            zone: TimeZone::fixed(jiff::tz::offset(8)),
        };
        let case = Case {
            identity: &task.identity,
            branch: &turn.branch,
            cycle: turn.cycle,
            // Who was turned away writes something else.
            before: task.before + task.tries as u32,
        };
        let mut known = self.known(&tools, turn).await?;
        known.absorb(turn.facts.clone());
        let paper = papers.report(rule, case, &known);
        let report = CompleteStepRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
            step: step.to_owned(),
            fields: paper.fields,
            proofs: paper.proofs,
            occurred_at: 0,
        };
        tools.dispatch.complete_step(report).await.map(|_| ())
    }

    /// What intake knows of the case; who may not read it there fills in by what the work order says.
    async fn known(&self, tools: &Tools, turn: &Turn) -> Result<Facts, Status> {
        let ask = GetTicketRequest { ticket_id: turn.ticket.clone(), ..Default::default() };
        match tools.intake.clone().get_ticket(ask).await {
            Ok(found) => {
                let ticket = found.into_inner().ticket.unwrap_or_default();
                Ok(organisation::facts::from_proto(&ticket.facts))
            }
            Err(status) if status.code() == tonic::Code::PermissionDenied => Ok(Facts::new()),
            Err(status) => Err(status),
        }
    }

    async fn decide(&self, line: &[String], task: &Task, approval: &str, stage: u32) -> Result<(), Status> {
        let turn = &task.turn;
        let mut tools = self.first_allowed(line, task, "decide_approval", approval).await?;
        let (decision, text) = match task.deed {
            Deed::Reject => ("rejected", "依据不足，请重新核算。"),
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
        tools.dispatch.decide_approval(verdict).await.map(|_| ())
    }

    /// The customer is called, visited, written to; or not reached.
    async fn call(&self, tools: Tools, task: &Task, follow_up: &str) -> Result<(), Status> {
        let turn = &task.turn;
        let mut desk = tools.follow_up.clone();
        let rule = self.book.follow_up(&turn.rule);
        if task.deed == Deed::NotReached {
            let ways = NotReached::of(rule.map_or(FollowUpKind::Call, |rule| rule.kind));
            let attempt = RecordAttemptRequest {
                request_id: request_id(),
                ticket_id: turn.ticket.clone(),
                cycle: turn.cycle,
                follow_up_id: follow_up.to_owned(),
                outcome: ways.first().map(|way| way.code().to_owned()).unwrap_or_default(),
                text: String::new(),
            };
            return desk.record_attempt(attempt).await.map(|_| ());
        }
        let answers =
            rule.map(|rule| paper::answers(self.draws, &task.identity, turn.cycle, rule, &Facts::new()));
        let record = RecordCallRequest {
            request_id: request_id(),
            ticket_id: turn.ticket.clone(),
            cycle: turn.cycle,
            follow_up_id: follow_up.to_owned(),
            text: "已说明处理结果。".to_owned(),
            answers: answers.unwrap_or_default(),
        };
        desk.record_call(record).await.map(|_| ())
    }
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
