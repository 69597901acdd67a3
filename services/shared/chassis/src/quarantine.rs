//! Quarantine for administrators: `QuarantineService`, the same for every service.

use chassis_core::{
    Core, Refusal,
    aside::{Order, REASONS, SetAside, Wish},
    kept::Kept,
};
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::{
    DESCRIPTORS, Id,
    common::v1::Position,
    journal::v1::{
        self as wire, DiscardRequest, DiscardResponse, GetQuarantinedRequest, GetQuarantinedResponse,
        ListQuarantineRequest, ListQuarantineResponse, RedriveRequest, RedriveResponse,
        quarantine_service_server::QuarantineService,
    },
};
use serde_json::{Value, json};
use sqlx::Row;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    handle::{Accepted, Handle, store_failed},
    recovery::ADMINISTRATORS,
    rpc::{Caller, answer, parse_id, require_role_at_root},
    session::aside_of,
};

const PAGE: u32 = 100;
const MOST: u32 = 1_000;

/// The first of each queue with how many wait behind it, and what holds nothing.
const LIST: &str = "select q.*, (select count(*) from quarantine b \
     where b.aggregate = q.aggregate and b.place > q.place) as behind from quarantine q \
     where q.id > $1 and not exists (select from quarantine f \
     where f.aggregate = q.aggregate and f.place < q.place) order by q.id limit $2";
const ONE: &str = "select q.*, (select count(*) from quarantine b \
     where b.aggregate = q.aggregate and b.place > q.place) as behind from quarantine q where q.id = $1";
const BEHIND: &str = "select b.*, 0::int8 as behind from quarantine q join quarantine b \
     on b.aggregate = q.aggregate and b.place > q.place where q.id = $1 order by b.place limit $2";

pub(crate) struct Quarantine<C: Core> {
    handle: Handle<C>,
}

impl<C: Core> Quarantine<C> {
    pub fn new(handle: Handle<C>) -> Quarantine<C> {
        Quarantine { handle }
    }

    /// What is set aside concerns everybody's cases: only for the whole organisation.
    #[allow(clippy::result_large_err, reason = "tonic's status is what handlers return")]
    fn administrator<T>(&self, request: &Request<T>) -> Result<Caller, Status> {
        let caller = Caller::of(request)?;
        require_role_at_root(&caller, &ADMINISTRATORS, &self.handle.directory())?;
        Ok(caller)
    }

    async fn inputs(
        &self,
        sql: &'static str,
        id: Uuid,
        limit: Option<u32>,
    ) -> Result<Vec<(SetAside, u32)>, Refusal> {
        let mut query = sqlx::query(sql).bind(id);
        if let Some(limit) = limit {
            query = query.bind(i64::from(limit));
        }
        let rows = query.fetch_all(self.handle.reads()).await.map_err(|error| store_failed(&error))?;
        rows.iter()
            .map(|row| Ok((aside_of(row)?, row.get::<i64, _>("behind") as u32)))
            .collect::<Result<_, crate::session::SessionError>>()
            .map_err(|error| {
                tracing::error!(%error, "an input in quarantine cannot be read");
                Refusal::new(
                    chassis_core::RefusalKind::Internal,
                    "stored",
                    "存储的记录无法读取；已记录待查。",
                    "A stored record cannot be read; it is on record for us.",
                )
            })
    }

    async fn carry_out(
        &self,
        caller: &Caller,
        request_id: &str,
        message: &impl prost::Message,
        (id, reason, wish): (&str, &str, Wish),
    ) -> Result<Accepted<chassis_core::aside::Handled>, Status> {
        let ask = caller.ask(request_id, message)?;
        let id = parse_id("id", id).map_err(|refusal| caller.status(refusal))?;
        if !REASONS.contains(&reason) {
            let known = REASONS.join(", ");
            let refusal = Refusal::field("reason", format!("须为其一：{known}"), format!("one of {known}"));
            return Err(caller.status(refusal));
        }
        let order = Order { id, wish, reason: reason.to_owned() };
        self.handle.order(ask, order).await.map_err(|refusal| caller.status(refusal))
    }
}

#[tonic::async_trait]
impl<C: Core> QuarantineService for Quarantine<C> {
    async fn list_quarantine(
        &self,
        request: Request<ListQuarantineRequest>,
    ) -> Result<Response<ListQuarantineResponse>, Status> {
        let caller = self.administrator(&request)?;
        let ask = request.into_inner();
        let after = match ask.after.as_str() {
            "" => Uuid::nil(),
            text => parse_id("after", text).map_err(|refusal| caller.status(refusal))?.uuid(),
        };
        let limit = if ask.limit == 0 { PAGE } else { ask.limit.min(MOST) };
        let inputs = self.inputs(LIST, after, Some(limit)).await.map_err(|refusal| caller.status(refusal))?;
        Ok(Response::new(ListQuarantineResponse { inputs: inputs.into_iter().map(shown).collect() }))
    }

    async fn get_quarantined(
        &self,
        request: Request<GetQuarantinedRequest>,
    ) -> Result<Response<GetQuarantinedResponse>, Status> {
        let caller = self.administrator(&request)?;
        let status = |refusal| caller.status(refusal);
        let id = parse_id("id", &request.get_ref().id).map_err(status)?;
        let found = self.inputs(ONE, id.uuid(), None).await.map_err(status)?.pop();
        let Some(found) = found else {
            return Err(status(Refusal::not_found("隔离的输入", "input in quarantine", id)));
        };
        let content_json = content(&found.0.payload).to_string();
        let behind = self.inputs(BEHIND, id.uuid(), Some(PAGE)).await.map_err(status)?;
        Ok(Response::new(GetQuarantinedResponse {
            input: Some(shown(found)),
            content_json,
            behind: behind.into_iter().map(shown).collect(),
        }))
    }

    async fn redrive(&self, request: Request<RedriveRequest>) -> Result<Response<RedriveResponse>, Status> {
        let caller = self.administrator(&request)?;
        let ask = request.into_inner();
        let what = (ask.id.as_str(), ask.reason.as_str(), Wish::Redrive);
        let Accepted { reply, at } = self.carry_out(&caller, &ask.request_id, &ask, what).await?;
        let response = RedriveResponse {
            position: Some(Position::from(at)),
            applied: reply.applied,
            failed_id: text(reply.failed),
            more: reply.more,
        };
        Ok(answer(response, at))
    }

    async fn discard(&self, request: Request<DiscardRequest>) -> Result<Response<DiscardResponse>, Status> {
        let caller = self.administrator(&request)?;
        let ask = request.into_inner();
        let what = (ask.id.as_str(), ask.reason.as_str(), Wish::Discard);
        let Accepted { reply, at } = self.carry_out(&caller, &ask.request_id, &ask, what).await?;
        let response = DiscardResponse {
            position: Some(Position::from(at)),
            applied: reply.applied,
            failed_id: text(reply.failed),
            more: reply.more,
        };
        Ok(answer(response, at))
    }
}

fn text(id: Option<Id>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn shown((aside, behind): (SetAside, u32)) -> wire::Quarantined {
    wire::Quarantined {
        id: aside.id.to_string(),
        aggregate_id: text(aside.aggregate),
        input_type: aside.kind,
        cause: aside.cause,
        fault: aside.fault.map_or("", chassis_core::aside::Fault::code).to_owned(),
        reason: aside.reason,
        set_aside_at: aside.at.0,
        behind,
    }
}

/// As far as it can be read; what is personal in it was sealed before it came to the loop.
fn content(payload: &[u8]) -> Value {
    match Kept::decode(payload) {
        Ok(Kept::Event { at, kind, payload, actor, hops, recorded_at, .. }) => json!({
            "event": kind, "at": at.to_string(), "actor": actor, "hops": hops, "recorded_at": recorded_at.0,
            "data": event(&kind, &payload),
        }),
        Ok(Kept::Timer { name, id, due, .. }) => json!({ "timer": name, "id": id, "due_at": due.0 }),
        Ok(Kept::Command(command)) => {
            json!({ "command": rmp_serde::from_slice::<Value>(&command).unwrap_or(Value::Null) })
        }
        Err(why) => json!({ "unreadable": why }),
    }
}

fn event(kind: &str, payload: &[u8]) -> Value {
    DescriptorPool::decode(DESCRIPTORS)
        .ok()
        .and_then(|pool| pool.get_message_by_name(kind))
        .and_then(|descriptor| DynamicMessage::decode(descriptor, payload).ok())
        .and_then(|message| serde_json::to_value(&message).ok())
        .unwrap_or(Value::Null)
}
