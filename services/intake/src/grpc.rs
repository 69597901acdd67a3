//! The contract: who calls, under which request id, and what is answered. One method a call, each
//! short; fields become commands in `desk`, rows become messages in `view`.

use chassis::{
    Accepted, Handle,
    rpc::{Caller, answer},
};
use chassis_core::Refusal;
use intake_core::{Command, Intake, Reply};
use proto::intake::v1::{self as wire, intake_service_server::IntakeService};
use tonic::{Request, Response, Status};

use crate::{
    desk, moving,
    view::{self, Look},
};

/// Metadata of an answer that should be looked at again.
const WARNING: &str = "hotline-warning";

pub(crate) struct Intakes {
    handle: Handle<Intake>,
}

impl Intakes {
    pub fn new(handle: Handle<Intake>) -> Intakes {
        Intakes { handle }
    }

    async fn submit<T>(
        &self,
        ask: chassis_core::Ask,
        command: Command,
        take: impl FnOnce(Reply) -> Option<T>,
    ) -> Result<Accepted<T>, Refusal> {
        desk::reply(desk::submit(&self.handle, ask, command).await?, take)
    }
}

#[tonic::async_trait]
impl IntakeService for Intakes {
    async fn identify(
        &self,
        request: Request<wire::IdentifyRequest>,
    ) -> Result<Response<wire::IdentifyResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let (command, doubtful) = desk::identify(&self.handle, &ask, &message).await?;
            let accepted = self.submit(ask, command, |reply| match reply {
                Reply::Identified(identified) => Some(identified),
                _ => None,
            });
            Ok((accepted.await?, doubtful))
        };
        let (Accepted { reply, at }, doubtful) = work.await.map_err(|refusal| caller.status(refusal))?;
        let id = |id: proto::Id| id.to_string();
        let mut response = answer(
            wire::IdentifyResponse {
                customer_id: id(reply.customer),
                asset_id: reply.asset.map(id).unwrap_or_default(),
                created: reply.created,
                file_check: reply.file_check.to_string(),
                open_tickets: reply.open_tickets.into_iter().map(id).collect(),
                position: Some(at.into()),
            },
            at,
        );
        if doubtful {
            response
                .metadata_mut()
                .insert(WARNING, tonic::metadata::MetadataValue::from_static("vin-check-digit"));
        }
        Ok(response)
    }

    async fn open_ticket(
        &self,
        request: Request<wire::OpenTicketRequest>,
    ) -> Result<Response<wire::OpenTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::open(&self.handle, &ask, &message).await?;
            let answers =
                |reply: Reply| matches!(reply, Reply::Opened(_) | Reply::Contacted(_)).then_some(reply);
            self.submit(ask, command, answers).await
        };
        let Accepted { reply, at } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(wire::OpenTicketResponse { position: Some(at.into()), ..opened(reply) }, at))
    }

    async fn note_ticket(
        &self,
        request: Request<wire::NoteTicketRequest>,
    ) -> Result<Response<wire::NoteTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::note(&self.handle, &message).await?;
            self.submit(ask, command, |reply| matches!(reply, Reply::Noted).then_some(())).await
        };
        let Accepted { at, .. } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(wire::NoteTicketResponse { position: Some(at.into()) }, at))
    }

    async fn reclassify_ticket(
        &self,
        request: Request<wire::ReclassifyTicketRequest>,
    ) -> Result<Response<wire::ReclassifyTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::reclassify(&self.handle, &message).await?;
            let judged = |reply| if let Reply::Reclassified(judged) = reply { Some(judged) } else { None };
            self.submit(ask, command, judged).await
        };
        let Accepted { reply, at } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(
            wire::ReclassifyTicketResponse {
                category: reply.category,
                severity: reply.severity,
                reasons: reply.reasons,
                position: Some(at.into()),
            },
            at,
        ))
    }

    async fn close_ticket(
        &self,
        request: Request<wire::CloseTicketRequest>,
    ) -> Result<Response<wire::CloseTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::close(&message)?;
            self.submit(ask, command, |reply| matches!(reply, Reply::Closed).then_some(())).await
        };
        let Accepted { at, .. } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(wire::CloseTicketResponse { position: Some(at.into()) }, at))
    }

    async fn reopen_ticket(
        &self,
        request: Request<wire::ReopenTicketRequest>,
    ) -> Result<Response<wire::ReopenTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::reopen(&message)?;
            let reopened = |reply| if let Reply::Reopened { cycle } = reply { Some(cycle) } else { None };
            self.submit(ask, command, reopened).await
        };
        let Accepted { reply: cycle, at } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(wire::ReopenTicketResponse { cycle, position: Some(at.into()) }, at))
    }

    async fn get_ticket(
        &self,
        request: Request<wire::GetTicketRequest>,
    ) -> Result<Response<wire::GetTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let work = async {
            let look = Look::new(caller.actor(), &message.reveal_reason, caller.wants_chinese())?;
            view::ticket(&self.handle, &look, &message).await
        };
        let ticket = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(wire::GetTicketResponse { ticket: Some(ticket) }))
    }

    async fn get_customer(
        &self,
        request: Request<wire::GetCustomerRequest>,
    ) -> Result<Response<wire::GetCustomerResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let work = async {
            let look = Look::new(caller.actor(), &message.reveal_reason, caller.wants_chinese())?;
            view::customer(&self.handle, &look, &message).await
        };
        work.await.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn get_customer_address(
        &self,
        request: Request<wire::GetCustomerAddressRequest>,
    ) -> Result<Response<wire::GetCustomerAddressResponse>, Status> {
        let caller = Caller::of(&request)?;
        let address = view::address(&self.handle, caller.actor(), request.get_ref()).await;
        address.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn set_customer_messages(
        &self,
        request: Request<wire::SetCustomerMessagesRequest>,
    ) -> Result<Response<wire::SetCustomerMessagesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let command = desk::set_messages(&message)?;
            self.submit(ask, command, |reply| matches!(reply, Reply::MessagesSet).then_some(())).await
        };
        let Accepted { at, .. } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(wire::SetCustomerMessagesResponse { position: Some(at.into()) }, at))
    }

    async fn find_tickets(
        &self,
        request: Request<wire::FindTicketsRequest>,
    ) -> Result<Response<wire::FindTicketsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = view::search(&self.handle, caller.actor(), request.get_ref()).await;
        let tickets = found.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(wire::FindTicketsResponse { tickets }))
    }

    async fn preview_ticket(
        &self,
        request: Request<wire::PreviewTicketRequest>,
    ) -> Result<Response<wire::PreviewTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let open = request.into_inner().open.unwrap_or_default();
        let seen = desk::preview(&self.handle, caller.actor(), &open).await;
        let seen = seen.map_err(|refusal| caller.status(refusal))?;
        let clock = |(clock, due): (String, proto::Time)| wire::PreviewClock { clock, due_at: due.0 };
        Ok(Response::new(wire::PreviewTicketResponse {
            reasons: seen.judged.reason_codes(),
            category: seen.judged.category,
            severity: seen.judged.severity,
            unit: seen.unit,
            role: seen.role,
            clocks: seen.clocks.into_iter().map(clock).collect(),
            contact: seen.contact,
        }))
    }

    async fn preview_move(
        &self,
        request: Request<wire::PreviewMoveRequest>,
    ) -> Result<Response<wire::PreviewMoveResponse>, Status> {
        let caller = Caller::of(&request)?;
        chassis::moving::administrator(&caller, &self.handle.directory())?;
        let page = moving::page(&self.handle, &caller, request.get_ref()).await;
        page.map(Response::new).map_err(|refusal| caller.status(refusal))
    }

    async fn move_ticket(
        &self,
        request: Request<wire::MoveTicketRequest>,
    ) -> Result<Response<wire::MoveTicketResponse>, Status> {
        let caller = Caller::of(&request)?;
        let message = request.into_inner();
        let ask = caller.ask(&message.request_id, &message)?;
        let work = async {
            let moved = |reply| if let Reply::Moved(moved) = reply { Some(moved) } else { None };
            self.submit(ask, moving::command(&message)?, moved).await
        };
        let Accepted { reply, at } = work.await.map_err(|refusal| caller.status(refusal))?;
        Ok(answer(
            wire::MoveTicketResponse {
                from_version: reply.from,
                category: reply.category,
                severity: reply.severity,
                position: Some(at.into()),
            },
            at,
        ))
    }

    async fn get_allowed_actions(
        &self,
        request: Request<wire::GetAllowedActionsRequest>,
    ) -> Result<Response<wire::GetAllowedActionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let actions = view::actions(&self.handle, caller.actor(), request.get_ref()).await;
        let actions = actions.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(wire::GetAllowedActionsResponse { actions }))
    }
}

/// A case, or the contact that it was.
fn opened(reply: Reply) -> wire::OpenTicketResponse {
    match reply {
        Reply::Opened(opened) => wire::OpenTicketResponse {
            ticket_id: opened.ticket.to_string(),
            number: opened.number,
            category: opened.category,
            severity: opened.severity,
            reasons: opened.reasons,
            ..Default::default()
        },
        Reply::Contacted(contact) => wire::OpenTicketResponse {
            contact_id: contact.contact.to_string(),
            category: contact.category,
            ..Default::default()
        },
        Reply::Identified(_)
        | Reply::Noted
        | Reply::Planned
        | Reply::Reclassified(_)
        | Reply::Closed
        | Reply::Moved(_)
        | Reply::MessagesSet
        | Reply::Reopened { .. } => wire::OpenTicketResponse::default(),
    }
}
