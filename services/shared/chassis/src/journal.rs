//! The journal for its readers: `JournalService`, and the client that mends
//! gaps and asks whether a moment has passed.

mod peers;

use std::sync::atomic::Ordering;

use chassis_core::{About, Core, Entry, Rest, store::Head};
use futures::{StreamExt, stream::BoxStream};
use proto::{
    Id, Service, Shard, Time,
    envelope::Position,
    journal::v1::{
        self as wire, GetRestRequest, GetRestResponse, HeadsRequest, HeadsResponse, ListGhostsRequest,
        ListGhostsResponse, ListKnownRequest, ListKnownResponse, ListLostRequest, ListLostResponse,
        OpenEpochRequest, OpenEpochResponse, PassedRequest, PassedResponse, ReadRequest, ReadResponse,
        journal_service_server::JournalService,
    },
};
use sqlx::{AssertSqlSafe, PgPool, Row, postgres::PgRow};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status};

pub(crate) use self::peers::Peers;
use crate::{
    handle::{Handle, store_failed},
    recovery,
    rpc::{Caller, require_role, require_role_at_root},
    schema::in_time,
    writer::Control,
};

const PAGE: i64 = 1_000;

const COLUMNS: &str = "epoch, seq, hash, kind, payload, subject, branch, actor, cause, hops, directory_seq, \
     recorded_at, occurred_at, shard, to_shard, pair_seq, traceparent";

/// `$5`: the epoch in which the reader is. Beyond the number that it has follow the entries of newer epochs also
/// where they begin below it: then it had heard more than anybody knew.
fn read_sql(pairs: bool) -> String {
    let (number, which) =
        if pairs { ("pair_seq", "and to_shard = $4") } else { ("seq", "and $4::int2 is null") };
    let reader = if pairs { "r.peer and r.reader = $4" } else { "not r.peer" };
    format!(
        "select {COLUMNS} from journal where shard = $1 {which} and {number} > least($2, coalesce(\
         (select min(r.seq) - 1 from rewinding r where r.own and r.shard = $1 and {reader} and $5 > 0 and r.epoch > $5), \
         $2)) order by {number} limit $3"
    )
}

/// Entries of a shard after a sequence number, at most `limit`.
pub(crate) async fn after(
    pool: &PgPool,
    service: Service,
    shard: Shard,
    seq: u64,
    limit: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    let sql = read_sql(false);
    let read = sqlx::query(AssertSqlSafe(sql))
        .bind(shard.number() as i16)
        .bind(seq as i64)
        .bind(limit)
        .bind(None::<i16>)
        .bind(0)
        .fetch_all(pool);
    let rows = in_time(read).await?;
    Ok(rows.iter().filter_map(|row| entry(row, service)).collect())
}

fn entry(row: &PgRow, service: Service) -> Option<Entry> {
    let hash: Vec<u8> = row.get("hash");
    let to = row.get::<Option<i16>, _>("to_shard").and_then(|to| Shard::new(to as u16));
    Some(Entry {
        at: Position {
            service,
            shard: Shard::new(row.get::<i16, _>("shard") as u16)?,
            epoch: row.get::<i32, _>("epoch") as u32,
            seq: row.get::<i64, _>("seq") as u64,
        },
        hash: hash.try_into().ok()?,
        kind: row.get::<String, _>("kind").into(),
        payload: row.get("payload"),
        about: About {
            subject: row.get::<Option<uuid::Uuid>, _>("subject").and_then(|id| Id::from_uuid(id).ok()),
            branch: row.get("branch"),
            occurred_at: row.get::<Option<i64>, _>("occurred_at").map(Time),
        },
        actor: row.get("actor"),
        cause: row.get("cause"),
        hops: row.get::<i16, _>("hops") as u8,
        directory_seq: row.get::<i64, _>("directory_seq") as u64,
        recorded_at: Time(row.get("recorded_at")),
        to: to.zip(row.get::<Option<i64>, _>("pair_seq").map(|pair| pair as u64)),
        traceparent: row.get("traceparent"),
    })
}

/// The server side, the same for every service.
pub(crate) struct Journal<C: Core> {
    handle: Handle<C>,
    recovery: recovery::Desk<C>,
}

impl<C: Core> Journal<C> {
    pub fn new(handle: Handle<C>, nats: async_nats::Client, peers: Peers) -> Journal<C> {
        Journal { recovery: recovery::Desk { handle: handle.clone(), nats, peers }, handle }
    }

    /// Every executor has read every journal to its end, and reported what it did.
    async fn executors_are_done(&self) -> Result<bool, sqlx::Error> {
        let executors = self.handle.shared.executors.load(Ordering::Relaxed);
        if executors == 0 {
            return Ok(true);
        }
        let behind: i64 = sqlx::query_scalar(
            "select count(*) from shard s where s.seq > 0 and \
             (select count(*) from executor e where e.shard = s.shard and e.seq >= s.seq) < $1",
        )
        .bind(executors as i64)
        .fetch_one(self.handle.reads())
        .await?;
        Ok(behind == 0)
    }
}

#[tonic::async_trait]
impl<C: Core> JournalService for Journal<C> {
    type ReadStream = BoxStream<'static, Result<ReadResponse, Status>>;

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &["service", "auditor"])?;
        let ask = request.into_inner();
        let limit = if ask.limit == 0 { PAGE } else { i64::from(ask.limit).min(10 * PAGE) };
        let rows = sqlx::query(AssertSqlSafe(read_sql(ask.addressed_to.is_some())))
            .bind(ask.shard as i16)
            .bind(ask.after_seq as i64)
            .bind(limit)
            .bind(ask.addressed_to.map(|to| to as i16))
            .bind(ask.after_epoch as i32)
            .fetch_all(self.handle.reads())
            .await
            .map_err(|error| caller.status(store_failed(&error)))?;
        let entries: Vec<_> = rows
            .iter()
            .filter_map(|row| entry(row, C::SERVICE))
            .map(|entry| Ok(ReadResponse { entry: Some(to_wire(entry)) }))
            .collect();
        Ok(Response::new(futures::stream::iter(entries).boxed()))
    }

    async fn heads(&self, request: Request<HeadsRequest>) -> Result<Response<HeadsResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &["service", "auditor"])?;
        let rows = sqlx::query("select shard, epoch, seq, hash from shard order by shard")
            .fetch_all(self.handle.reads())
            .await
            .map_err(|error| caller.status(store_failed(&error)))?;
        let heads = rows
            .iter()
            .map(|row| wire::Head {
                shard: row.get::<i16, _>("shard") as u32,
                epoch: row.get::<i32, _>("epoch") as u32,
                seq: row.get::<i64, _>("seq") as u64,
                hash: row.get("hash"),
            })
            .collect();
        Ok(Response::new(HeadsResponse { heads }))
    }

    /// Answered by the writer itself, after a round trip; a replica without
    /// shards answers with none.
    async fn passed(&self, request: Request<PassedRequest>) -> Result<Response<PassedResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &["service"])?;
        let until = Time(request.into_inner().until_at);
        let (answer, answered) = oneshot::channel();
        let control = self.handle.control();
        let Some(control) = control else { return Ok(Response::new(PassedResponse::default())) };
        if control.send(Control::AskedPassed { until, answer }).is_err() {
            return Ok(Response::new(PassedResponse::default()));
        }
        let heads = answered.await.map_err(|_| Status::unavailable("the shards are changing hands"))?;
        Ok(Response::new(PassedResponse { heads: heads.into_iter().map(head_to_wire).collect() }))
    }

    /// Told by the writer itself, between two of its steps.
    async fn get_rest(&self, request: Request<GetRestRequest>) -> Result<Response<GetRestResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &["service", "auditor"])?;
        let (answer, answered) = oneshot::channel();
        let asked =
            self.handle.control().is_some_and(|control| control.send(Control::AskedRest(answer)).is_ok());
        let rest = if asked { answered.await.ok() } else { None };
        let Some(rest) = rest else {
            return Err(Status::unavailable("the shards are changing hands, or are elsewhere"));
        };
        let sent = self.executors_are_done().await.map_err(|error| caller.status(store_failed(&error)))?;
        let left = [("chores", !self.handle.did_all_chores()), ("executors", !sent)];
        let busy = rest.busy.or(left.into_iter().find(|(_, is)| *is).map(|(what, _)| what));
        Ok(Response::new(to_rest(rest, busy.unwrap_or_default())))
    }

    async fn list_known(
        &self,
        request: Request<ListKnownRequest>,
    ) -> Result<Response<ListKnownResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &["service", "auditor"])?;
        self.recovery.known(&caller, &request.into_inner()).await
    }

    async fn list_lost(
        &self,
        request: Request<ListLostRequest>,
    ) -> Result<Response<ListLostResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &recovery::LOOKERS)?;
        self.recovery.lost(&caller).await
    }

    async fn list_ghosts(
        &self,
        request: Request<ListGhostsRequest>,
    ) -> Result<Response<ListGhostsResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role(&caller, &recovery::LOOKERS)?;
        self.recovery.ghosts(&caller, &request.into_inner()).await
    }

    async fn open_epoch(
        &self,
        request: Request<OpenEpochRequest>,
    ) -> Result<Response<OpenEpochResponse>, Status> {
        let caller = Caller::of(&request)?;
        require_role_at_root(&caller, &recovery::ADMINISTRATORS, &self.recovery.handle.directory())?;
        self.recovery.open_epoch(&caller, &request.into_inner()).await
    }
}

fn to_rest(rest: Rest, busy: &str) -> GetRestResponse {
    GetRestResponse {
        busy: busy.to_owned(),
        directory_seq: rest.directory_seq,
        business_at: rest.business_now.0,
        next_due_at: rest.next_due.unwrap_or(Time::UNSET).0,
        heads: rest.heads.into_iter().map(head_to_wire).collect(),
        known: rest
            .known
            .into_iter()
            .map(|(source, cursor)| wire::KnownHead {
                service: source.service.name().to_owned(),
                shard: source.from.number().into(),
                epoch: cursor.epoch,
                seq: cursor.seq,
            })
            .collect(),
    }
}

fn head_to_wire(head: Head) -> wire::Head {
    wire::Head {
        shard: head.shard.number().into(),
        epoch: head.epoch,
        seq: head.seq,
        hash: head.hash.to_vec(),
    }
}

fn to_wire(entry: Entry) -> wire::Entry {
    wire::Entry {
        service: entry.at.service.name().to_owned(),
        shard: entry.at.shard.number().into(),
        epoch: entry.at.epoch,
        seq: entry.at.seq,
        hash: entry.hash.to_vec(),
        r#type: entry.kind.to_string(),
        payload: entry.payload.into(),
        subject: entry.about.subject.map(|id| id.to_string()).unwrap_or_default(),
        branch: entry.about.branch.unwrap_or_default(),
        actor: entry.actor,
        cause: entry.cause,
        hops: entry.hops.into(),
        directory_seq: entry.directory_seq,
        recorded_at: entry.recorded_at.0,
        occurred_at: entry.about.occurred_at.unwrap_or_default().0,
        to_shard: entry.to.map(|(shard, _)| shard.number().into()),
        pair_seq: entry.to.map_or(0, |(_, pair)| pair),
        traceparent: entry.traceparent,
    }
}
