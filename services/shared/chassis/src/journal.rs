//! The journal for its readers: `JournalService`, and the client that mends
//! gaps and asks whether a moment has passed.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis_core::{About, Core, Entry, Incoming, store::Source};
use futures::{StreamExt, stream::BoxStream};
use proto::{
    Id, SHARDS, Service, Shard, Time,
    envelope::Position,
    journal::v1::{
        self as wire, HeadsRequest, HeadsResponse, PassedRequest, PassedResponse, ReadRequest, ReadResponse,
        journal_service_client::JournalServiceClient, journal_service_server::JournalService,
    },
};
use sqlx::{PgPool, Row, postgres::PgRow};
use tokio::sync::{mpsc, oneshot};
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{
    config::Config,
    handle::{Handle, store_failed},
    identity::Issuer,
    rpc::{Caller, require_role},
    schema::in_time,
    writer::{Control, Feed},
};

/// A silent source delays judgement by at most this (longer than a take-over).
const PATIENCE: Duration = Duration::from_secs(30);
const PAGE: i64 = 1_000;

const READ: &str = "select epoch, seq, hash, kind, payload, subject, branch, actor, cause, hops, directory_seq, \
     recorded_at, occurred_at, shard, to_shard, pair_seq, traceparent from journal \
     where shard = $1 and seq > $2 order by seq limit $3";
const READ_PAIR: &str = "select epoch, seq, hash, kind, payload, subject, branch, actor, cause, hops, directory_seq, \
     recorded_at, occurred_at, shard, to_shard, pair_seq, traceparent from journal \
     where shard = $1 and to_shard = $4 and pair_seq > $2 order by pair_seq limit $3";

/// Entries of a shard after a sequence number, at most `limit`.
pub(crate) async fn after(
    pool: &PgPool,
    service: Service,
    shard: Shard,
    seq: u64,
    limit: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    let read = sqlx::query(READ).bind(shard.number() as i16).bind(seq as i64).bind(limit).fetch_all(pool);
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
}

impl<C: Core> Journal<C> {
    pub fn new(handle: Handle<C>) -> Journal<C> {
        Journal { handle }
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
        let sql = if ask.addressed_to.is_some() { READ_PAIR } else { READ };
        let mut query = sqlx::query(sql).bind(ask.shard as i16).bind(ask.after_seq as i64).bind(limit);
        if let Some(to) = ask.addressed_to {
            query = query.bind(to as i16);
        }
        let rows = query
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
        let heads = heads
            .into_iter()
            .map(|head| wire::Head {
                shard: head.shard.number().into(),
                epoch: head.epoch,
                seq: head.seq,
                hash: head.hash.to_vec(),
            })
            .collect();
        Ok(Response::new(PassedResponse { heads }))
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

fn incoming(entry: wire::Entry) -> Incoming {
    Incoming {
        epoch: entry.epoch,
        seq: entry.seq,
        pair_seq: entry.pair_seq,
        kind: entry.r#type.into(),
        payload: entry.payload.into(),
        subject: entry.subject.parse().ok(),
        branch: (!entry.branch.is_empty()).then_some(entry.branch),
        actor: entry.actor,
        hops: entry.hops.min(255) as u8,
        directory_seq: entry.directory_seq,
        recorded_at: Time(entry.recorded_at),
        occurred_at: Time(entry.occurred_at).set(),
        traceparent: entry.traceparent,
        stream_seq: 0,
    }
}

/// The other services' journals.
#[derive(Clone)]
pub(crate) struct Peers {
    own: &'static str,
    issuer: Arc<Issuer>,
    channels: Arc<HashMap<Service, Vec<Channel>>>,
    repairing: Arc<Mutex<HashSet<Source>>>,
    directory: Arc<tokio::sync::Mutex<()>>,
}

type Client = JournalServiceClient<Channel>;

impl Peers {
    pub fn new(own: Service, config: &Config, issuer: Arc<Issuer>) -> Result<Peers, tonic::transport::Error> {
        let mut channels = HashMap::new();
        for service in Service::ALL {
            let addresses = config.peers_of(service);
            let lazy = addresses
                .into_iter()
                .map(|address| {
                    Ok(Endpoint::from_shared(address)?
                        .connect_timeout(Duration::from_secs(2))
                        // A peer that hangs must not hold up the repair of its source for ever.
                        .timeout(PATIENCE)
                        .tcp_keepalive(Some(Duration::from_secs(10)))
                        .connect_lazy())
                })
                .collect::<Result<Vec<Channel>, tonic::transport::Error>>()?;
            channels.insert(service, lazy);
        }
        Ok(Peers {
            own: own.name(),
            issuer,
            channels: Arc::new(channels),
            repairing: Arc::default(),
            directory: Arc::default(),
        })
    }

    fn clients(&self, service: Service) -> impl Iterator<Item = Client> {
        self.channels
            .get(&service)
            .into_iter()
            .flatten()
            .map(|channel| JournalServiceClient::new(channel.clone()))
    }

    fn request<T>(&self, message: T) -> Option<Request<T>> {
        let token = self.issuer.for_service(self.own).ok()?;
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().ok()?);
        Some(request)
    }

    /// Reads a source's journal from after a place into the loop, to its end.
    pub fn repair(&self, source: Source, after: (u32, u64), feed: mpsc::Sender<Feed>) {
        if !self.lock(|set| set.insert(source)) {
            return;
        }
        let peers = self.clone();
        tokio::spawn(async move {
            let ask = ReadRequest {
                shard: source.from.number().into(),
                after_epoch: after.0,
                after_seq: after.1,
                limit: PAGE as u32,
                addressed_to: source.peer.then(|| source.to.number().into()),
            };
            peers.read_all(source.service, ask, |entry| Feed::Source(source, entry), &feed).await;
            peers.lock(|set| set.remove(&source));
        });
    }

    pub fn repair_directory(&self, after: u64, feed: mpsc::Sender<Feed>) {
        let peers = self.clone();
        tokio::spawn(async move {
            let Ok(_one_at_a_time) = peers.directory.try_lock() else { return };
            let ask = ReadRequest {
                shard: 0,
                after_epoch: 1,
                after_seq: after,
                limit: PAGE as u32,
                addressed_to: None,
            };
            peers.read_all(Service::Directory, ask, Feed::Directory, &feed).await;
        });
    }

    async fn read_all(
        &self,
        service: Service,
        mut ask: ReadRequest,
        wrap: impl Fn(Incoming) -> Feed,
        feed: &mpsc::Sender<Feed>,
    ) {
        loop {
            let Some(page) = self.read_page(service, &ask).await else { return };
            let full = page.len() as i64 >= PAGE;
            for entry in page {
                ask.after_seq = if ask.addressed_to.is_some() { entry.pair_seq } else { entry.seq };
                if feed.send(wrap(incoming(entry))).await.is_err() {
                    return;
                }
            }
            if !full {
                return;
            }
        }
    }

    /// From whichever replica answers: all read the same database.
    async fn read_page(&self, service: Service, ask: &ReadRequest) -> Option<Vec<wire::Entry>> {
        for mut client in self.clients(service) {
            let Ok(response) = client.read(self.request(*ask)?).await else { continue };
            let mut entries = Vec::new();
            let mut stream = response.into_inner();
            while let Some(Ok(read)) = stream.next().await {
                entries.extend(read.entry);
            }
            return Some(entries);
        }
        None
    }

    pub async fn heads(&self, service: Service) -> Option<Vec<(Shard, u32, u64)>> {
        for mut client in self.clients(service) {
            if let Ok(response) = client.heads(self.request(HeadsRequest {})?).await {
                return Some(response.into_inner().heads.iter().filter_map(head).collect());
            }
        }
        None
    }

    /// Asks all sources at once whether a moment has passed. Names those that stayed silent.
    pub async fn ask_passed(
        &self,
        sources: &[Service],
        until: Time,
    ) -> (Vec<(Service, Shard, u32, u64)>, Vec<Service>) {
        let asked = sources.iter().map(|service| async move {
            let heads = tokio::time::timeout(PATIENCE, self.passed_everywhere(*service, until)).await;
            (*service, heads.ok())
        });
        let mut heads = Vec::new();
        let mut silent = Vec::new();
        for (service, answered) in futures::future::join_all(asked).await {
            match answered {
                Some(answered) => heads.extend(answered.into_iter().map(|(s, e, q)| (service, s, e, q))),
                None => silent.push(service),
            }
        }
        (heads, silent)
    }

    /// Until every shard's writer has answered.
    async fn passed_everywhere(&self, service: Service, until: Time) -> Vec<(Shard, u32, u64)> {
        let mut heads: HashMap<Shard, (u32, u64)> = HashMap::new();
        let mut wait = Duration::from_millis(20);
        loop {
            for mut client in self.clients(service) {
                let Some(request) = self.request(PassedRequest { until_at: until.0 }) else { continue };
                if let Ok(response) = client.passed(request).await {
                    for (shard, epoch, seq) in response.into_inner().heads.iter().filter_map(head) {
                        heads.insert(shard, (epoch, seq));
                    }
                }
            }
            if heads.len() == usize::from(SHARDS) {
                return heads.into_iter().map(|(shard, (epoch, seq))| (shard, epoch, seq)).collect();
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(1));
        }
    }

    fn lock(&self, change: impl FnOnce(&mut HashSet<Source>) -> bool) -> bool {
        change(&mut self.repairing.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn head(head: &wire::Head) -> Option<(Shard, u32, u64)> {
    Some((Shard::new(head.shard as u16)?, head.epoch, head.seq))
}
