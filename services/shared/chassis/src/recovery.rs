//! What an administrator sees of a lost tail, and how he opens the next epoch.
//!
//! ```text
//! ListLost  --> take.rs (heads against stream and readers) + ghosts.rs (what the stream still tells)
//! OpenEpoch --> the loop: `history.rewound`, in one batch --> the writer starts over with the shard
//! ```

use chassis_core::{
    Answer, Core, Opening, Refusal,
    epoch::Lost,
    store::{Head, Remembered, RequestKey},
};
use proto::{
    Service, Shard, Time,
    journal::v1::{
        self as wire, HistoryRewound, ListGhostsRequest, ListGhostsResponse, ListKnownRequest,
        ListKnownResponse, ListLostResponse, OpenEpochRequest, OpenEpochResponse,
    },
};
use sqlx::Row;
use tokio::sync::oneshot;
use tonic::{Response, Status};

use crate::{
    ghosts::{self, Ghost, Stretch},
    handle::{Handle, store_failed, unavailable},
    journal::Peers,
    rpc::{Caller, answer},
    take,
    writer::Control,
};

/// Who may take history back.
pub(crate) const ADMINISTRATORS: [&str; 2] = ["administrator", "system"];
/// Who may see what is lost.
pub(crate) const LOOKERS: [&str; 4] = ["administrator", "system", "service", "auditor"];
const PAGE: i64 = 1_000;
const LONGEST_REASON: usize = 64;

pub(crate) struct Desk<C: Core> {
    pub handle: Handle<C>,
    pub nats: async_nats::Client,
    pub peers: Peers,
}

impl<C: Core> Desk<C> {
    /// How far another service's journal is applied here.
    pub async fn known(
        &self,
        caller: &Caller,
        ask: &ListKnownRequest,
    ) -> Result<Response<ListKnownResponse>, Status> {
        let failed = |error: sqlx::Error| caller.status(store_failed(&error));
        if ask.service == Service::Directory.name() {
            let heads = self.known_directory().await.map_err(failed)?.into_iter().collect();
            return Ok(Response::new(ListKnownResponse { heads }));
        }
        let rows =
            sqlx::query("select from_shard, epoch, seq, hash from cursor where service = $1 and not peer")
                .bind(&ask.service)
                .fetch_all(self.handle.reads())
                .await
                .map_err(failed)?;
        let head = |row: &sqlx::postgres::PgRow| {
            let hash: Vec<u8> = row.get("hash");
            wire::Head {
                shard: row.get::<i16, _>("from_shard") as u32,
                epoch: row.get::<i32, _>("epoch") as u32,
                seq: row.get::<i64, _>("seq") as u64,
                hash: if hash.iter().any(|byte| *byte != 0) { hash } else { Vec::new() },
            }
        };
        Ok(Response::new(ListKnownResponse { heads: rows.iter().map(head).collect() }))
    }

    /// The kept copy of the directory's journal has no hashes; its epoch stands in the entry that opened it.
    async fn known_directory(&self) -> Result<Option<wire::Head>, sqlx::Error> {
        if C::SERVICE == Service::Directory {
            return Ok(None);
        }
        let pool = self.handle.reads();
        let seq: i64 =
            sqlx::query_scalar("select coalesce(max(seq), 0) from directory_entry").fetch_one(pool).await?;
        let opened: Option<Vec<u8>> = sqlx::query_scalar(
            "select payload from directory_entry where kind = $1 order by seq desc limit 1",
        )
        .bind(<HistoryRewound as proto::Event>::TYPE)
        .fetch_optional(pool)
        .await?;
        let opened = opened.and_then(|payload| prost::Message::decode(payload.as_slice()).ok());
        let epoch = opened.map_or(1, |said: HistoryRewound| said.epoch);
        Ok((seq > 0).then_some(wire::Head { shard: 0, epoch, seq: seq as u64, hash: Vec::new() }))
    }

    /// Looked up anew, at whatever replica.
    pub async fn lost(&self, caller: &Caller) -> Result<Response<ListLostResponse>, Status> {
        let failed = |error: sqlx::Error| caller.status(store_failed(&error));
        let pool = self.handle.reads();
        let rows = sqlx::query("select shard, epoch, seq, hash, stamp from shard order by shard")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
        let heads: Vec<Head> = rows.iter().filter_map(head).collect();
        let lost = take::compare(C::SERVICE, &heads, pool, &self.nats, &self.peers).await.map_err(failed)?;
        let mut tails = Vec::new();
        for lost in lost {
            if let Some(head) = heads.iter().find(|head| head.shard == lost.shard) {
                tails.push(self.tail(head, lost).await);
            }
        }
        Ok(Response::new(ListLostResponse { tails }))
    }

    async fn tail(&self, head: &Head, lost: Lost) -> wire::LostTail {
        let from = (head.epoch, head.seq);
        let stretch = Stretch { service: C::SERVICE, shard: head.shard, from, to: lost.known };
        let ghosts = ghosts::of(&self.nats, stretch).await.unwrap_or_else(|why| {
            tracing::warn!(service = %C::SERVICE, shard = %head.shard, why, "the stream does not tell the lost entries");
            Vec::new()
        });
        wire::LostTail {
            head: Some(wire::Head {
                shard: head.shard.number().into(),
                epoch: head.epoch,
                seq: head.seq,
                hash: head.hash.to_vec(),
            }),
            known_epoch: lost.known.0,
            known_seq: lost.known.1,
            known_by: lost.by,
            differs: lost.differs,
            ghosts: ghosts.into_iter().map(|ghost| to_wire(C::SERVICE, head.shard, ghost)).collect(),
        }
    }

    pub async fn ghosts(
        &self,
        caller: &Caller,
        ask: &ListGhostsRequest,
    ) -> Result<Response<ListGhostsResponse>, Status> {
        let failed = |error: sqlx::Error| caller.status(store_failed(&error));
        let pool = self.handle.reads();
        let stretches = sqlx::query(
            "select service, shard, reader, peer, own, epoch, from_epoch, from_seq, to_epoch, to_seq from rewinding \
             where not (own and peer) order by service, shard, epoch, reader",
        )
        .fetch_all(pool)
        .await
        .map_err(failed)?;
        let ghosts = sqlx::query(
            "select service, shard, epoch, seq, kind, subject, recorded_at from ghost \
             order by service, shard, epoch, seq offset $1 limit $2",
        )
        .bind(ask.after as i64)
        .bind(PAGE)
        .fetch_all(pool)
        .await
        .map_err(failed)?;
        Ok(Response::new(ListGhostsResponse {
            withdrawn: stretches.iter().map(withdrawn).collect(),
            more: ghosts.len() as i64 == PAGE,
            ghosts: ghosts.iter().map(kept).collect(),
        }))
    }

    pub async fn open_epoch(
        &self,
        caller: &Caller,
        order: &OpenEpochRequest,
    ) -> Result<Response<OpenEpochResponse>, Status> {
        let status = |refusal: Refusal| caller.status(refusal);
        let ask = caller.ask(&order.request_id, order)?;
        check_reason(&order.reason).map_err(status)?;
        let Some(shard) = Shard::new(order.shard as u16) else {
            return Err(status(Refusal::field("shard", "没有这个分片。", "there is no such shard")));
        };
        let known = self.remembered(&ask.request).await.map_err(|error| status(store_failed(&error)))?;
        if let Some(known) = known {
            let Answer { at, .. } = known.answer(C::SERVICE, &ask.content).map_err(status)?;
            return Ok(answer(OpenEpochResponse { position: Some(at.into()) }, at));
        }
        let opening = Opening {
            shard,
            actor: ask.actor.code(),
            request: ask.request,
            content: ask.content,
            reason: order.reason.clone(),
            withdraw: order.withdraw.then_some((order.known_epoch, order.known_seq)),
        };
        let elsewhere = || {
            unavailable(
                "no-owner",
                "该分片不在此副本，请询问其他副本。",
                "This replica does not own the shard; ask the others.",
            )
        };
        let control =
            self.handle.control().filter(|_| self.handle.owns(shard)).ok_or_else(|| status(elsewhere()))?;
        let (outcome, decided) = oneshot::channel();
        control.send(Control::OpenEpoch { opening, outcome }).map_err(|_| status(elsewhere()))?;
        let Answer { at, .. } = decided.await.map_err(|_| status(elsewhere()))?.map_err(status)?;
        tracing::warn!(service = %C::SERVICE, %shard, %at, by = caller.actor().code(), reason = order.reason, "opened an epoch");
        Ok(answer(OpenEpochResponse { position: Some(at.into()) }, at))
    }

    async fn remembered(&self, request: &RequestKey) -> Result<Option<Remembered>, sqlx::Error> {
        let row =
            sqlx::query("select shard, content, epoch, seq from reply where request = $1 and caller = $2")
                .bind(request.id.uuid())
                .bind(&request.caller)
                .fetch_optional(self.handle.reads())
                .await?;
        Ok(row.and_then(|row| {
            Some(Remembered {
                shard: Shard::new(row.get::<i16, _>("shard") as u16)?,
                request: request.clone(),
                content: row.get::<Vec<u8>, _>("content").try_into().ok()?,
                reply: Vec::new(),
                epoch: row.get::<i32, _>("epoch") as u32,
                seq: row.get::<i64, _>("seq") as u64,
            })
        }))
    }
}

/// It stands in the journal, which holds no words of people.
fn check_reason(reason: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=LONGEST_REASON).contains(&reason.len()) && reason.chars().all(fits) {
        return Ok(());
    }
    Err(Refusal::field(
        "reason",
        "须为代码：1 至 64 个字母、数字、- _ 或 .（例如 restored-backup）。",
        "must be a code: 1 to 64 letters, digits, - _ or . (restored-backup, say)",
    ))
}

fn head(row: &sqlx::postgres::PgRow) -> Option<Head> {
    Some(Head {
        shard: Shard::new(row.get::<i16, _>("shard") as u16)?,
        epoch: row.get::<i32, _>("epoch") as u32,
        seq: row.get::<i64, _>("seq") as u64,
        hash: row.get::<Vec<u8>, _>("hash").try_into().ok()?,
        stamp: Time(row.get("stamp")),
    })
}

fn to_wire(service: Service, shard: Shard, ghost: Ghost) -> wire::Ghost {
    wire::Ghost {
        service: service.name().to_owned(),
        shard: shard.number().into(),
        epoch: ghost.at.0,
        seq: ghost.at.1,
        r#type: ghost.kind,
        subject: ghost.subject.map(|id| id.to_string()).unwrap_or_default(),
        recorded_at: ghost.recorded_at,
    }
}

fn kept(row: &sqlx::postgres::PgRow) -> wire::Ghost {
    let subject: Option<uuid::Uuid> = row.get("subject");
    wire::Ghost {
        service: row.get("service"),
        shard: row.get::<i16, _>("shard") as u32,
        epoch: row.get::<i32, _>("epoch") as u32,
        seq: row.get::<i64, _>("seq") as u64,
        r#type: row.get("kind"),
        subject: subject
            .and_then(|id| proto::Id::from_uuid(id).ok())
            .map(|id| id.to_string())
            .unwrap_or_default(),
        recorded_at: row.get("recorded_at"),
    }
}

fn withdrawn(row: &sqlx::postgres::PgRow) -> wire::Withdrawn {
    wire::Withdrawn {
        service: row.get("service"),
        shard: row.get::<i16, _>("shard") as u32,
        reader: row.get::<i16, _>("reader") as u32,
        addressed: row.get("peer"),
        epoch: row.get::<i32, _>("epoch") as u32,
        from_epoch: row.get::<i32, _>("from_epoch") as u32,
        from_seq: row.get::<i64, _>("from_seq") as u64,
        to_epoch: row.get::<i32, _>("to_epoch") as u32,
        to_seq: row.get::<i64, _>("to_seq") as u64,
        own: row.get("own"),
    }
}
