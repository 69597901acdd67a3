//! The contract: what was told, to whom, and what became of it.

use chassis::{
    Handle,
    rpc::{Caller, parse_id},
};
use chassis_core::Refusal;
use notify_core::{Case, Notice, Notify, may_see};
use proto::{
    Id,
    notify::v1::{self as contract, notify_service_server::NotifyService},
};
use tonic::{Request, Response, Status};

use crate::{
    read,
    shown::{Eyes, show},
};

/// Notices in a list, if the caller does not say, and at most.
const LISTED: u32 = 50;
const MOST_LISTED: u32 = 500;

pub(crate) struct Desk {
    handle: Handle<Notify>,
}

impl Desk {
    pub fn new(handle: Handle<Notify>) -> Desk {
        Desk { handle }
    }

    async fn list(
        &self,
        caller: &Caller,
        message: contract::ListNoticesRequest,
    ) -> Result<contract::ListNoticesResponse, Refusal> {
        let limit = if message.limit == 0 { LISTED } else { message.limit.min(MOST_LISTED) };
        let found = if message.ticket_id.is_empty() {
            self.newest(caller, limit).await?
        } else {
            self.of_ticket(caller, parse_id("ticket_id", &message.ticket_id)?, limit).await?
        };
        let eyes = Eyes { handle: &self.handle, actor: caller.actor(), reason: message.reveal_reason.trim() };
        let mut notices = Vec::with_capacity(found.len());
        for notice in &found {
            notices.push(show(notice, &eyes).await?);
        }
        Ok(contract::ListNoticesResponse { notices })
    }

    async fn newest(&self, caller: &Caller, limit: u32) -> Result<Vec<Notice>, Refusal> {
        let branches = read::branches(caller.actor(), &self.handle.directory());
        let asker = caller.actor().person().unwrap_or_default();
        read::newest(self.handle.reads(), branches.as_deref(), asker, limit).await
    }

    async fn of_ticket(&self, caller: &Caller, ticket: Id, limit: u32) -> Result<Vec<Notice>, Refusal> {
        let case: Option<Case> = self.handle.load(ticket).await?;
        let known =
            case.and_then(|case| case.known).ok_or_else(|| Refusal::not_found("工单", "ticket", ticket))?;
        if !may_see(&known, caller.actor(), &self.handle.directory()) {
            return Err(Refusal::denied(
                "not-yours",
                "您不能查看这个工单的通知。",
                "You may not see the notices of this case.",
            ));
        }
        read::of_ticket(self.handle.reads(), ticket, limit).await
    }
}

#[tonic::async_trait]
impl NotifyService for Desk {
    async fn list_notices(
        &self,
        request: Request<contract::ListNoticesRequest>,
    ) -> Result<Response<contract::ListNoticesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.list(&caller, request.into_inner()).await;
        found.map(Response::new).map_err(|refusal| caller.status(refusal))
    }
}
