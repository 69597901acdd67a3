//! The console from start to graceful stop.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use chassis::{Config, Setup, StartError};
use object_store::local::LocalFileSystem;
use proto::Time;
use tokio::net::TcpListener;

use crate::{
    assets,
    directory::Directory,
    guard,
    live::Live,
    pages,
    peers::Peers,
    provider::Provider,
    session::{Confirmed, Ended, Seal, Throttle},
    visitor,
};

/// A form: words of people, no files.
const LARGEST_FORM: usize = 256 * 1024;

/// What all pages share.
pub struct Console {
    pub config: Arc<Config>,
    pub peers: Peers,
    pub directory: Directory,
    pub live: Live,
    pub cookies: Seal,
    /// Attachments and their receipts.
    pub attachments: Seal,
    pub store: LocalFileSystem,
    pub ended: Ended,
    pub confirmed: Confirmed,
    /// Who says who somebody is, if not the directory itself.
    pub provider: Option<Provider>,
    pub throttle: Throttle,
}

impl Console {
    /// The longest that a session lives, in microseconds.
    pub fn longest_session(&self) -> i64 {
        i64::from(self.config.console.session_hours.max(1)) * Time::HOUR
    }
}

/// Serves the pages until `setup.stop`.
pub async fn run(setup: Setup) -> Result<(), StartError> {
    let config = setup.config.clone();
    let peers = Peers::new(&config, setup.issuer.clone()).map_err(StartError::Peer)?;
    let address = config.console_address();
    let listener =
        TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
    let nats = chassis::nats::connect(&config.nats_url, "hotline-console").await.map_err(|source| {
        StartError::Nats { url: chassis::nats::without_password(&config.nats_url), source }
    })?;
    let directory = Directory::default();
    let live = Live::default();
    tokio::spawn(directory.clone().follow(peers.clone(), setup.stop.clone()));
    tokio::spawn(live.clone().listen(nats, directory.clone(), setup.stop.clone()));
    let console = Arc::new(Console {
        peers,
        directory,
        live,
        cookies: Seal::new(&setup.master_key, "hotline 2026 console cookies"),
        attachments: Seal::new(&setup.master_key, "hotline 2026 console attachments"),
        store: store(&config)?,
        ended: Ended::default(),
        confirmed: Confirmed::default(),
        provider: provider(&config)?,
        throttle: Throttle::default(),
        config,
    });
    let app = routes(console).into_make_service_with_connect_info::<SocketAddr>();
    let stop = setup.stop.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        served = serving => served.map_err(|error| StartError::Other(format!("the pages ended: {error}"))),
        // Open event streams would hold a graceful stop up for ever.
        () = async { stop.cancelled().await; tokio::time::sleep(std::time::Duration::from_secs(2)).await } => Ok(()),
    }
}

fn provider(config: &Config) -> Result<Option<Provider>, StartError> {
    let named = &config.identity.provider;
    let made = named.is_set().then(|| Provider::new(named)).transpose();
    made.map_err(|error| StartError::Other(format!("identity.provider: {error}")))
}

/// A local folder; the replicas of a console share it.
fn store(config: &Config) -> Result<LocalFileSystem, StartError> {
    let folder = config.state_dir.join("attachments");
    let failed = |error: &dyn std::fmt::Display| StartError::Other(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
    LocalFileSystem::new_with_prefix(&folder).map_err(|error| failed(&error))
}

fn routes(console: Arc<Console>) -> Router {
    let inside = Router::new()
        .merge(pages::routes())
        .layer(middleware::from_fn_with_state(console.clone(), visitor::admit));
    Router::new()
        .merge(inside)
        .route("/sign-in", get(pages::sign_in::page).post(pages::sign_in::enter))
        .route("/sign-in/provider", get(pages::vouched::begin))
        .route("/sign-in/answer", get(pages::vouched::answer))
        .route("/sign-out", post(pages::sign_in::leave))
        .route("/language", post(pages::sign_in::choose_language))
        .route("/assets/{name}", get(assets::serve))
        .route("/healthz", get(async || "serving\n"))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(middleware::from_fn(guard::guard))
        .with_state(console)
}
