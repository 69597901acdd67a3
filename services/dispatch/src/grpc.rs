//! The contract: requests become commands, words are sealed on the way in.

use std::sync::Arc;

use chassis::{
    Handle,
    handle::Accepted,
    rpc::{Caller, answer, parse_id},
};
use chassis_core::{Ask, Refusal, RefusalKind};
use dispatch_core::{Command, Dispatch, Reply, Work, allowed_actions, in_whose_place, may_see};
use organisation::Snapshot;
use proto::{
    Id,
    common::v1::Position,
    dispatch::v1::{self as contract, dispatch_service_server::DispatchService},
};
use tonic::{Request, Response, Status};

use crate::{
    moving,
    read::{self, Wanted},
    report::{plain, seal_words},
    shown::{Eyes, Words, show},
};

/// Orders in a list, if the caller does not say, and at most.
const LISTED: u32 = 50;
const MOST_LISTED: u32 = 500;

type Answered<R> = Result<Response<R>, Refusal>;

pub(crate) struct Desk {
    handle: Handle<Dispatch>,
}

impl Desk {
    pub fn new(handle: Handle<Dispatch>) -> Desk {
        Desk { handle }
    }

    async fn work(&self, ticket: Id) -> Result<Work, Refusal> {
        self.handle
            .load::<Work>(ticket)
            .await?
            .ok_or_else(|| Refusal::not_found("工单", "work order of ticket", ticket))
    }

    /// The order, if the caller may see it. Who may not learns as little as of one that does not exist.
    async fn visible(&self, caller: &Caller, ticket: &str) -> Result<(Work, Arc<Snapshot>), Refusal> {
        let ticket = parse_id("ticket_id", ticket)?;
        let work = self.work(ticket).await?;
        let directory = self.handle.directory();
        match may_see(&work, &directory, caller.actor(), self.handle.now()) {
            true => Ok((work, directory)),
            false => Err(Refusal::not_found("工单", "work order of ticket", ticket)),
        }
    }

    async fn submit(&self, ask: Ask, command: Command) -> Result<Accepted<Reply>, Refusal> {
        self.handle.submit(command.ticket().shard(), ask, command).await
    }

    async fn acknowledge(
        &self,
        ask: Ask,
        message: contract::AcknowledgeRequest,
    ) -> Answered<contract::AcknowledgeResponse> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let accepted =
            self.submit(ask, Command::Acknowledge { ticket, cycle: cycle(message.cycle)? }).await?;
        Ok(answer(contract::AcknowledgeResponse { position: place(&accepted) }, accepted.at))
    }

    async fn refuse(&self, ask: Ask, message: contract::RefuseRequest) -> Answered<contract::RefuseResponse> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let owner = self.work(ticket).await?.sealing_owner();
        let command = Command::Refuse {
            ticket,
            cycle: cycle(message.cycle)?,
            reason: message.reason.trim().to_owned(),
            text: seal_words(self.handle.vault(), owner, &message.text).await?,
        };
        let accepted = self.submit(ask, command).await?;
        Ok(answer(contract::RefuseResponse { position: place(&accepted) }, accepted.at))
    }

    async fn assign(&self, ask: Ask, message: contract::AssignRequest) -> Answered<contract::AssignResponse> {
        let command = Command::Assign {
            ticket: parse_id("ticket_id", &message.ticket_id)?,
            cycle: cycle(message.cycle)?,
            step: message.step,
            person: message.person.trim().to_owned(),
        };
        let accepted = self.submit(ask, command).await?;
        Ok(answer(contract::AssignResponse { position: place(&accepted) }, accepted.at))
    }

    async fn complete(
        &self,
        caller: &Caller,
        ask: Ask,
        message: contract::CompleteStepRequest,
    ) -> Answered<contract::CompleteStepResponse> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let cycle = cycle(message.cycle)?;
        let work = self.work(ticket).await?;
        let directory = self.handle.directory();
        // Whoever may not see the case gets the core's refusal, not the names of its fields.
        let report = match may_see(&work, &directory, caller.actor(), self.handle.now()) {
            true => {
                plain(&work, &directory, &message)?.seal(self.handle.vault(), work.sealing_owner()).await?
            }
            false => dispatch_core::Report::default(),
        };
        let command = Command::CompleteStep { ticket, cycle, step: message.step, report };
        let accepted = self.submit(ask, command).await?;
        let position = place(&accepted);
        let Reply::Ready { steps } = accepted.reply else { return Err(other_reply()) };
        Ok(answer(contract::CompleteStepResponse { ready: steps, position }, accepted.at))
    }

    async fn decide(
        &self,
        ask: Ask,
        message: contract::DecideApprovalRequest,
    ) -> Answered<contract::DecideApprovalResponse> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let approved = match message.decision.as_str() {
            "approved" => true,
            "rejected" => false,
            _ => {
                return Err(Refusal::field(
                    "decision",
                    "须为 approved 或 rejected。",
                    "approved or rejected",
                ));
            }
        };
        if message.stage == 0 {
            return Err(Refusal::field(
                "stage",
                "须写明审批级次，从 1 起。",
                "names the stage that was shown, from 1",
            ));
        }
        let owner = self.work(ticket).await?.sealing_owner();
        let command = Command::DecideApproval {
            ticket,
            cycle: cycle(message.cycle)?,
            approval: parse_id("approval_id", &message.approval_id)?,
            stage: message.stage,
            approved,
            text: seal_words(self.handle.vault(), owner, &message.text).await?,
            verbal_by: Some(message.verbal_by.trim().to_owned()).filter(|person| !person.is_empty()),
        };
        let accepted = self.submit(ask, command).await?;
        let position = place(&accepted);
        let Reply::Decided { last } = accepted.reply else { return Err(other_reply()) };
        Ok(answer(contract::DecideApprovalResponse { r#final: last, position }, accepted.at))
    }

    async fn confirm(
        &self,
        ask: Ask,
        message: contract::ConfirmApprovalRequest,
    ) -> Answered<contract::ConfirmApprovalResponse> {
        let ticket = parse_id("ticket_id", &message.ticket_id)?;
        let approved = match message.decision.as_str() {
            "approved" => true,
            "denied" => false,
            _ => return Err(Refusal::field("decision", "须为 approved 或 denied。", "approved or denied")),
        };
        let owner = self.work(ticket).await?.sealing_owner();
        let command = Command::ConfirmApproval {
            ticket,
            cycle: cycle(message.cycle)?,
            approval: parse_id("approval_id", &message.approval_id)?,
            stage: message.stage,
            approved,
            text: seal_words(self.handle.vault(), owner, &message.text).await?,
        };
        let accepted = self.submit(ask, command).await?;
        Ok(answer(contract::ConfirmApprovalResponse { position: place(&accepted) }, accepted.at))
    }

    async fn get(
        &self,
        caller: &Caller,
        message: contract::GetWorkRequest,
    ) -> Answered<contract::GetWorkResponse> {
        let (work, directory) = self.visible(caller, &message.ticket_id).await?;
        let words = match message.reveal_reason.trim() {
            "" => Words::Masked,
            reason => Words::Opened { reason },
        };
        let eyes = self.eyes(caller, &directory, words);
        eyes.check(&work)?;
        let work = Some(show(&work, &eyes).await?);
        Ok(Response::new(contract::GetWorkResponse { work }))
    }

    async fn list(
        &self,
        caller: &Caller,
        message: contract::ListWorkRequest,
    ) -> Answered<contract::ListWorkResponse> {
        let directory = self.handle.directory();
        let wanted = self.wanted(caller, &message, &directory)?;
        let found = read::open(self.handle.reads(), &wanted).await?;
        let full = found.len() == wanted.limit as usize;
        let next = found.last().filter(|_| full).map(|work| work.ticket.to_string()).unwrap_or_default();
        let eyes = self.eyes(caller, &directory, Words::Left);
        let mut work = Vec::new();
        for order in &found {
            work.push(show(order, &eyes).await?);
        }
        Ok(Response::new(contract::ListWorkResponse { work, next }))
    }

    fn wanted(
        &self,
        caller: &Caller,
        message: &contract::ListWorkRequest,
        directory: &Snapshot,
    ) -> Result<Wanted, Refusal> {
        let me = caller.actor().person().unwrap_or_default();
        let person = message.person.trim();
        let own = !person.is_empty() && person == me && message.branch.is_empty();
        Ok(Wanted {
            after: Some(message.after.as_str())
                .filter(|id| !id.is_empty())
                .map(|id| parse_id("after", id))
                .transpose()?,
            // One's own work may lie anywhere: a deputy's does.
            branches: if own { None } else { read::branches(caller.actor(), &message.branch, directory) },
            holders: Some(person)
                .filter(|person| !person.is_empty())
                .map(|person| in_whose_place(person, directory, self.handle.now())),
            approvals_only: message.approvals_only,
            asker: me.to_owned(),
            limit: if message.limit == 0 { LISTED } else { message.limit.min(MOST_LISTED) },
        })
    }

    async fn allowed(
        &self,
        caller: &Caller,
        message: contract::GetAllowedActionsRequest,
    ) -> Answered<contract::GetAllowedActionsResponse> {
        let (work, directory) = self.visible(caller, &message.ticket_id).await?;
        let actions = allowed_actions(&work, &directory, caller.actor(), self.handle.now())?;
        Ok(Response::new(contract::GetAllowedActionsResponse { actions }))
    }

    fn eyes<'a>(&'a self, caller: &'a Caller, directory: &'a Snapshot, words: Words<'a>) -> Eyes<'a> {
        Eyes { handle: &self.handle, directory, actor: caller.actor(), at: self.handle.now(), words }
    }
}

#[tonic::async_trait]
impl DispatchService for Desk {
    async fn acknowledge(
        &self,
        request: Request<contract::AcknowledgeRequest>,
    ) -> Result<Response<contract::AcknowledgeResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        Desk::acknowledge(self, ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn refuse(
        &self,
        request: Request<contract::RefuseRequest>,
    ) -> Result<Response<contract::RefuseResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        Desk::refuse(self, ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn assign(
        &self,
        request: Request<contract::AssignRequest>,
    ) -> Result<Response<contract::AssignResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        Desk::assign(self, ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn complete_step(
        &self,
        request: Request<contract::CompleteStepRequest>,
    ) -> Result<Response<contract::CompleteStepResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        self.complete(&caller, ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn decide_approval(
        &self,
        request: Request<contract::DecideApprovalRequest>,
    ) -> Result<Response<contract::DecideApprovalResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        self.decide(ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn confirm_approval(
        &self,
        request: Request<contract::ConfirmApprovalRequest>,
    ) -> Result<Response<contract::ConfirmApprovalResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        self.confirm(ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn get_work(
        &self,
        request: Request<contract::GetWorkRequest>,
    ) -> Result<Response<contract::GetWorkResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.get(&caller, request.into_inner()).await.map_err(|refusal| caller.status(refusal))
    }

    async fn preview_move(
        &self,
        request: Request<contract::PreviewMoveRequest>,
    ) -> Result<Response<contract::PreviewMoveResponse>, Status> {
        let caller = Caller::of(&request)?;
        chassis::moving::administrator(&caller, &self.handle.directory())?;
        let found = moving::preview(&self.handle, request.get_ref()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn list_work(
        &self,
        request: Request<contract::ListWorkRequest>,
    ) -> Result<Response<contract::ListWorkResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.list(&caller, request.into_inner()).await.map_err(|refusal| caller.status(refusal))
    }

    async fn get_allowed_actions(
        &self,
        request: Request<contract::GetAllowedActionsRequest>,
    ) -> Result<Response<contract::GetAllowedActionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.allowed(&caller, request.into_inner()).await.map_err(|refusal| caller.status(refusal))
    }
}

fn place(accepted: &Accepted<Reply>) -> Option<Position> {
    Some(accepted.at.into())
}

fn cycle(cycle: u32) -> Result<u32, Refusal> {
    if cycle == 0 {
        return Err(Refusal::field(
            "cycle",
            "须写明工单的轮次，从 1 起。",
            "names the cycle that was seen, from 1",
        ));
    }
    Ok(cycle)
}

/// The id was used by the same caller for another kind of request.
fn other_reply() -> Refusal {
    Refusal::new(
        RefusalKind::AlreadyExists,
        "request-id",
        "这个请求号已用于另一种请求，请换一个新的请求号。",
        "This request id was used for another kind of request; use a new one.",
    )
}
