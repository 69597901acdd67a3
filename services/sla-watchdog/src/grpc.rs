//! The contract: the clocks of a ticket, and what is due next.

use chassis::{
    Handle,
    handle::Accepted,
    rpc::{Caller, answer, parse_id},
};
use chassis_core::{Ask, Refusal, RefusalKind};
use proto::{
    Time,
    sla_watchdog::v1::{self as contract, sla_watchdog_service_server::SlaWatchdogService},
};
use sla_watchdog_core::{AskExtension, Case, Command, DecideExtension, Reply, Watchdog, may_see};
use tonic::{Request, Response, Status};

use crate::{
    moving,
    read::{self, Wanted},
    shown,
};

/// Clocks in a list, if the caller does not say, and at most.
const LISTED: u32 = 50;
const MOST_LISTED: u32 = 500;

pub(crate) struct Desk {
    handle: Handle<Watchdog>,
}

impl Desk {
    pub fn new(handle: Handle<Watchdog>) -> Desk {
        Desk { handle }
    }

    async fn clocks(
        &self,
        caller: &Caller,
        message: contract::GetClocksRequest,
    ) -> Result<contract::GetClocksResponse, Refusal> {
        let id = parse_id("ticket_id", &message.ticket_id)?;
        let case: Option<Case> = self.handle.load(id).await?;
        let case =
            case.filter(|case| case.cycle > 0).ok_or_else(|| Refusal::not_found("工单", "ticket", id))?;
        let directory = self.handle.directory();
        if !may_see(&case, caller.actor(), &directory) {
            return Err(not_yours());
        }
        let clocks = case.all_clocks().map(|(cycle, ledger)| shown::clock(&case, cycle, ledger, &directory));
        Ok(contract::GetClocksResponse { clocks: clocks.collect(), ticket: Some(case.to_ref()) })
    }

    async fn ask_extension(
        &self,
        ask: Ask,
        message: contract::AskExtensionRequest,
    ) -> Result<Response<contract::AskExtensionResponse>, Refusal> {
        let command = Command::AskExtension(AskExtension {
            ticket: parse_id("ticket_id", &message.ticket_id)?,
            cycle: message.cycle,
            clock: message.clock,
            instance: message.instance,
            longer: Some(message.longer).filter(|text| !text.is_empty()),
            reason: message.reason,
        });
        let Accepted { reply, at } = self.submit(ask, command).await?;
        let Reply::ExtensionAsked { number } = reply else { return Err(other_reply()) };
        Ok(answer(contract::AskExtensionResponse { number, position: Some(at.into()) }, at))
    }

    async fn decide_extension(
        &self,
        ask: Ask,
        message: contract::DecideExtensionRequest,
    ) -> Result<Response<contract::DecideExtensionResponse>, Refusal> {
        let command = Command::DecideExtension(DecideExtension {
            ticket: parse_id("ticket_id", &message.ticket_id)?,
            cycle: message.cycle,
            clock: message.clock,
            instance: message.instance,
            number: message.number,
            granted: message.granted,
        });
        let Accepted { reply, at } = self.submit(ask, command).await?;
        let Reply::ExtensionDecided { due } = reply else { return Err(other_reply()) };
        let due_at = due.unwrap_or(Time::UNSET).0;
        Ok(answer(contract::DecideExtensionResponse { due_at, position: Some(at.into()) }, at))
    }

    async fn submit(&self, ask: Ask, command: Command) -> Result<Accepted<Reply>, Refusal> {
        self.handle.submit(command.ticket().shard(), ask, command).await
    }

    async fn due(
        &self,
        caller: &Caller,
        message: contract::ListDueRequest,
    ) -> Result<contract::ListDueResponse, Refusal> {
        let directory = self.handle.directory();
        let mut branches = read::branches(caller.actor(), &directory);
        if !message.branch.is_empty() {
            if branches.as_ref().is_some_and(|seen| !seen.contains(&message.branch)) {
                return Err(not_yours());
            }
            branches = Some(vec![message.branch]);
        }
        let limit = if message.limit == 0 { LISTED } else { message.limit.min(MOST_LISTED) };
        let asker = caller.actor().person().unwrap_or_default();
        let wanted =
            Wanted { branches: branches.as_deref(), asker, until: Time(message.until_at).set(), limit };
        let cases = read::due(self.handle.reads(), &wanted).await?;
        Ok(contract::ListDueResponse { clocks: shown::due(&cases, wanted.until, limit, &directory) })
    }
}

fn not_yours() -> Refusal {
    Refusal::denied("not-yours", "您不能查看这里的时限。", "You may not see the clocks here.")
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

#[tonic::async_trait]
impl SlaWatchdogService for Desk {
    async fn get_clocks(
        &self,
        request: Request<contract::GetClocksRequest>,
    ) -> Result<Response<contract::GetClocksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.clocks(&caller, request.into_inner()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn ask_extension(
        &self,
        request: Request<contract::AskExtensionRequest>,
    ) -> Result<Response<contract::AskExtensionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        Desk::ask_extension(self, ask, message).await.map_err(|refusal| caller.status(refusal))
    }

    async fn decide_extension(
        &self,
        request: Request<contract::DecideExtensionRequest>,
    ) -> Result<Response<contract::DecideExtensionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        Desk::decide_extension(self, ask, message).await.map_err(|refusal| caller.status(refusal))
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

    async fn list_due(
        &self,
        request: Request<contract::ListDueRequest>,
    ) -> Result<Response<contract::ListDueResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.due(&caller, request.into_inner()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }
}
