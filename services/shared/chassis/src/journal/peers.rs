//! The client side: what other services' journals tell and know.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis_core::{Incoming, epoch::Known, store::Source};
use futures::StreamExt;
use proto::{
    SHARDS, Service, Shard, Time,
    journal::v1::{
        self as wire, HeadsRequest, ListKnownRequest, PassedRequest, ReadRequest,
        journal_service_client::JournalServiceClient,
    },
};
use tokio::sync::mpsc;
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use super::PAGE;
use crate::{config::Config, identity::Issuer, writer::Feed};

/// A silent source delays judgement by at most this (longer than a take-over).
const PATIENCE: Duration = Duration::from_secs(30);

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
        cause: entry.cause,
        hops: entry.hops.min(255) as u8,
        directory_seq: entry.directory_seq,
        recorded_at: Time(entry.recorded_at),
        occurred_at: Time(entry.occurred_at).set(),
        to: entry.to_shard.and_then(|to| Shard::new(to as u16)),
        traceparent: entry.traceparent,
        hash: entry.hash,
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
                // The directory's numbers are never given twice.
                after_epoch: 0,
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
                ask.after_epoch = if ask.after_epoch == 0 { 0 } else { entry.epoch };
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

    /// How far a service has applied the journal of this one.
    pub async fn known(&self, service: Service, of: Service) -> Option<Vec<(Shard, Known)>> {
        for mut client in self.clients(service) {
            let ask = ListKnownRequest { service: of.name().to_owned() };
            if let Ok(response) = client.list_known(self.request(ask)?).await {
                let known = |head: wire::Head| {
                    let at = (head.epoch, head.seq);
                    let by = service.name().to_owned();
                    Some((
                        Shard::new(head.shard as u16)?,
                        Known { by, at, hash: head.hash, recorded_at: None },
                    ))
                };
                return Some(response.into_inner().heads.into_iter().filter_map(known).collect());
            }
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
