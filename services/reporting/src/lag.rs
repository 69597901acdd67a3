//! How far each source has been read, beside how far it has got.

use std::{collections::BTreeMap, time::Duration};

use chassis::{Handle, handle::store_failed};
use chassis_core::{Core, Refusal};
use proto::{
    Service,
    journal::v1::{HeadsRequest, journal_service_client::JournalServiceClient},
    reporting::v1::Lag,
};
use reporting_core::Reporting;
use tonic::{Request, transport::Endpoint};

use crate::read;

/// A source that does not answer must not hold up the answer about the others.
const PATIENCE: Duration = Duration::from_secs(1);

/// Per source and shard; a head of 0 says that the source did not answer.
pub async fn lags(handle: &Handle<Reporting>) -> Result<Vec<Lag>, Refusal> {
    let cursors: Vec<(String, i16, i64)> = sqlx::query_as(read::CURSORS)
        .fetch_all(handle.reads())
        .await
        .map_err(|error| store_failed(&error))?;
    let mut lags: BTreeMap<(String, u32), Lag> = BTreeMap::new();
    for (service, shard, seq) in cursors {
        let (shard, read_seq) = (u32::from(shard.unsigned_abs()), seq.unsigned_abs());
        lags.insert((service.clone(), shard), Lag { service, shard, read_seq, head_seq: 0 });
    }
    let heads =
        futures::future::join_all(Reporting::SOURCES.iter().map(|source| heads(handle, *source))).await;
    for (service, shard, head_seq) in heads.into_iter().flatten() {
        let new = Lag { service: service.name().to_owned(), shard, read_seq: 0, head_seq };
        lags.entry((service.name().to_owned(), shard)).or_insert(new).head_seq = head_seq;
    }
    Ok(lags.into_values().collect())
}

/// The newest entries of a source, over all its replicas.
async fn heads(handle: &Handle<Reporting>, source: Service) -> Vec<(Service, u32, u64)> {
    let mut newest: BTreeMap<u32, u64> = BTreeMap::new();
    for address in handle.config().peers_of(source) {
        match tokio::time::timeout(PATIENCE, ask(handle, &address)).await {
            Ok(Ok(heads)) => {
                for (shard, seq) in heads {
                    let known = newest.entry(shard).or_default();
                    *known = seq.max(*known);
                }
            }
            Ok(Err(error)) => tracing::debug!(%source, %error, "a source did not tell its heads"),
            Err(_) => tracing::debug!(%source, "a source did not tell its heads in time"),
        }
    }
    newest.into_iter().map(|(shard, seq)| (source, shard, seq)).collect()
}

async fn ask(handle: &Handle<Reporting>, address: &str) -> Result<Vec<(u32, u64)>, tonic::Status> {
    let unavailable = |error: &dyn std::fmt::Display| tonic::Status::unavailable(error.to_string());
    let endpoint = Endpoint::from_shared(address.to_owned()).map_err(|error| unavailable(&error))?;
    let channel = endpoint.connect().await.map_err(|error| unavailable(&error))?;
    let token =
        handle.issuer().for_service(Service::Reporting.name()).map_err(|error| unavailable(&error))?;
    let mut request = Request::new(HeadsRequest {});
    let bearer = format!("Bearer {token}").parse().map_err(|_| unavailable(&"the token is no header"))?;
    request.metadata_mut().insert("authorization", bearer);
    let response = JournalServiceClient::new(channel).heads(request).await?;
    Ok(response.into_inner().heads.into_iter().map(|head| (head.shard, head.seq)).collect())
}
