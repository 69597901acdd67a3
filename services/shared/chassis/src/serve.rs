//! A service from start to graceful stop.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chassis_core::Core;
use futures::future::BoxFuture;
use proto::{
    DESCRIPTORS,
    journal::v1::{
        journal_service_server::JournalServiceServer, quarantine_service_server::QuarantineServiceServer,
    },
};
use sqlx::migrate::Migrator;
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;

use crate::{
    config::{ConfigError, Setup},
    executor::{self, Executor},
    forward::{self, Forwarder},
    handle::{Handle, Shared, View},
    identity::IdentityError,
    journal::{Journal, Peers},
    quarantine::Quarantine,
    rpc::Desk,
    schema::{self, SchemaError},
    telemetry::Instruments,
    vault::{Vault, VaultError},
    writer::Writer,
};

#[derive(Debug, Error)]
pub enum StartError {
    #[error("the configuration does not fit")]
    Config(#[from] ConfigError),
    #[error("identity could not be set up")]
    Identity(#[from] IdentityError),
    #[error("the vault could not be set up")]
    Vault(#[from] VaultError),
    #[error("the schema could not be prepared")]
    Schema(#[from] SchemaError),
    #[error("NATS at {url} cannot be reached")]
    Nats { url: String, source: crate::nats::NatsError },
    #[error("a peer's address does not fit")]
    Peer(#[source] tonic::transport::Error),
    #[error("listening on {address} failed; is something else using the port?")]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
    #[error("the gRPC server ended")]
    Serve(#[source] tonic::transport::Error),
    #[error("reflection could not be set up")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("the writer stopped on a broken invariant: {0}")]
    Broken(String),
    #[error("{0}")]
    Other(String),
}

/// What a service brings beside its core.
pub struct Service<C: Core> {
    pub migrations: &'static Migrator,
    /// Its gRPC services over the handle.
    pub routes: Box<dyn FnOnce(Handle<C>) -> Routes + Send>,
    /// Built over the handle, which they report through.
    pub executors: Box<dyn FnOnce(Handle<C>) -> Vec<Arc<dyn Executor<C>>> + Send>,
}

/// Runs a service until `setup.stop`. Boxed, so that its many parts stay one
/// type for the compiler.
pub fn serve<C: Core>(setup: Setup, service: Service<C>) -> BoxFuture<'static, Result<(), StartError>> {
    Box::pin(run(setup, service))
}

async fn run<C: Core>(setup: Setup, service: Service<C>) -> Result<(), StartError> {
    let config = setup.config.clone();
    let options = schema::options(&config.database_url, C::SERVICE)?;
    prepare(&options, C::SERVICE, service.migrations, &setup).await?;
    let pool = schema::pool(options.clone(), config.read_connections);
    let nats = crate::nats::connect(&config.nats_url, &format!("hotline-{}", C::SERVICE)).await.map_err(
        |source| StartError::Nats { url: crate::nats::without_password(&config.nats_url), source },
    )?;
    let peers = Peers::new(C::SERVICE, &config, setup.issuer.clone()).map_err(StartError::Peer)?;
    let (commands, commands_in) = mpsc::channel(config.limits.waiting_commands);
    let shared = Arc::new(Shared {
        vault: Vault::new(setup.master_key.clone(), pool.clone()),
        pool,
        issuer: setup.issuer.clone(),
        verifier: setup.verifier.clone(),
        commands,
        view: std::sync::RwLock::new(View::default()),
        clock: std::sync::RwLock::default(),
        started: std::time::Instant::now(),
        process: uuid::Uuid::from_bytes(crate::secret::random_bytes()),
        forwarder: Forwarder::new(nats.clone()),
        applied: watch::Sender::new(0),
        cursors: std::sync::Mutex::new(HashMap::new()),
        control: std::sync::Mutex::new(None),
        journal_moved: watch::Sender::new(0),
        directory_moved: watch::Sender::new(0),
        chores: AtomicU64::new(u64::MAX),
        executors: AtomicUsize::new(0),
        config: config.clone(),
    });
    let handle = Handle::new(shared.clone());
    let listener = TcpListener::bind(config.address(C::SERVICE))
        .await
        .map_err(|source| StartError::Listen { address: config.address(C::SERVICE), source })?;
    let journal = Journal::new(handle.clone(), nats.clone(), peers.clone());
    let writer = Writer {
        shared,
        options,
        nats: nats.clone(),
        peers,
        commands: commands_in,
        wanted: owned::<C>(&config)?,
        instruments: Instruments::new(C::SERVICE),
        stop: setup.stop.clone(),
    };
    let writing = tokio::spawn(writer.run());
    tokio::spawn(forward::receive(handle.clone(), nats));
    let executors = (service.executors)(handle.clone());
    handle.shared.executors.store(executors.len(), Ordering::Relaxed);
    for executor in executors {
        tokio::spawn(executor::run(handle.clone(), executor, setup.stop.clone()));
    }
    let routes = (service.routes)(handle.clone());
    answer(listener, routes.add_service(JournalServiceServer::new(journal)), handle, &setup, writing).await
}

/// The directory has one home; all others sixteen.
fn owned<C: Core>(config: &crate::Config) -> Result<Vec<proto::Shard>, StartError> {
    let shards = config.owned_shards()?;
    Ok(if C::SERVICE == proto::Service::Directory { proto::Shard::all().take(1).collect() } else { shards })
}

/// Postgres may come up after us.
async fn prepare(
    options: &sqlx::postgres::PgConnectOptions,
    service: proto::Service,
    migrations: &Migrator,
    setup: &Setup,
) -> Result<(), StartError> {
    let mut tries = 0;
    loop {
        match schema::prepare(options, service, migrations).await {
            Ok(()) => return Ok(()),
            Err(error @ SchemaError::Connect(_)) if tries < 60 && !setup.stop.is_cancelled() => {
                tries += 1;
                if tries % 10 == 1 {
                    tracing::warn!(%service, error = %crate::writer::chain(&error), "waiting for Postgres");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// gRPC until the stop; then the writer drains.
async fn answer<C: Core>(
    listener: TcpListener,
    routes: Routes,
    handle: Handle<C>,
    setup: &Setup,
    writing: tokio::task::JoinHandle<Result<(), String>>,
) -> Result<(), StartError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    tokio::spawn(report_health(reporter, handle.clone()));
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .build_v1()
        .map_err(StartError::Reflection)?;
    let clock = handle.clone();
    let desk = Desk {
        verifier: handle.verifier(),
        master: setup.master_key.clone(),
        real_now: Arc::new(move || clock.knows_time().then(|| clock.real_now())),
    };
    let routes = routes
        .add_service(QuarantineServiceServer::new(Quarantine::new(handle)))
        .add_service(health)
        .add_service(reflection);
    let stop = setup.stop.clone();
    let serving = tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .trace_fn(|request| tracing::info_span!("rpc", method = request.uri().path()))
        .layer(tonic::service::InterceptorLayer::new(move |mut request: tonic::Request<()>| {
            request.extensions_mut().insert(desk.clone());
            Ok(request)
        }))
        .layer(tower::util::MapResponseLayer::new(crate::rpc::too_large))
        .add_routes(routes)
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), stop.cancelled_owned());
    tokio::pin!(serving);
    tokio::pin!(writing);
    tokio::select! {
        served = &mut serving => {
            served.map_err(StartError::Serve)?;
            setup.stop.cancel();
            finished(writing.await)
        }
        written = &mut writing => {
            // A broken invariant: nothing can be accepted any more.
            let ended = finished(written);
            if ended.is_ok() {
                let _ = tokio::time::timeout(Duration::from_secs(5), serving).await;
            }
            ended
        }
    }
}

fn finished(writing: Result<Result<(), String>, tokio::task::JoinError>) -> Result<(), StartError> {
    match writing {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(StartError::Broken(why)),
        Err(error) => Err(StartError::Broken(error.to_string())),
    }
}

/// Serving while a writer runs here, or while it waits for shards. `journal`: not while a shard here has lost its tail.
async fn report_health<C: Core>(reporter: tonic_health::server::HealthReporter, handle: Handle<C>) {
    let mut was = None;
    loop {
        let now = (handle.is_ready(), handle.lost().is_empty());
        if was != Some(now) {
            reporter.set_service_status("", status(now.0)).await;
            reporter.set_service_status(WHOLE_HISTORY, status(now.0 && now.1)).await;
            was = Some(now);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What health calls the question whether every shard here has its whole history.
pub const WHOLE_HISTORY: &str = "journal";

fn status(serving: bool) -> tonic_health::ServingStatus {
    if serving { tonic_health::ServingStatus::Serving } else { tonic_health::ServingStatus::NotServing }
}
