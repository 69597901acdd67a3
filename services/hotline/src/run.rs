//! Running services: one, or all in this process.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use chassis::{Config, Setup, StartError, serve::WHOLE_HISTORY, telemetry};
use futures::future::BoxFuture;
use proto::Service;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// What a process can run: a service with a journal, or the console before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Service(Service),
    Console,
}

impl Part {
    /// All services, and the console.
    pub fn all() -> Vec<Part> {
        Service::ALL.into_iter().map(Part::Service).chain([Part::Console]).collect()
    }

    /// What can be measured and killed: all but the console.
    pub fn services() -> Vec<Part> {
        Service::ALL.into_iter().map(Part::Service).collect()
    }

    fn address(self, config: &Config) -> SocketAddr {
        match self {
            Part::Service(service) => config.address(service),
            Part::Console => config.console_address(),
        }
    }
}

impl From<Service> for Part {
    fn from(service: Service) -> Self {
        Part::Service(service)
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Service(service) => service.fmt(f),
            Part::Console => f.write_str("console"),
        }
    }
}

/// Runs one service until it is told to stop.
pub async fn one(config: Config, part: Part) -> anyhow::Result<ExitCode> {
    run(config, vec![part]).await
}

/// Runs everything in this process.
pub async fn up(config: Config) -> anyhow::Result<ExitCode> {
    run(config, Part::all()).await
}

async fn run(config: Config, parts: Vec<Part>) -> anyhow::Result<ExitCode> {
    let name = match parts.as_slice() {
        [one] => format!("hotline-{one}"),
        _ => "hotline".to_owned(),
    };
    let _telemetry = telemetry::start(&config.telemetry, &name)?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let running = start(config.clone(), &parts, stop.clone())?;
    tokio::spawn(async move {
        if ready(&config, &parts, Duration::from_secs(120)).await.is_ok() {
            for part in parts {
                tracing::info!(service = %part, address = %part.address(&config), "serving");
            }
        }
    });
    running.wait().await?;
    Ok(ExitCode::SUCCESS)
}

/// Services of this process.
pub struct Running {
    tasks: JoinSet<(Part, Result<(), StartError>)>,
    stop: CancellationToken,
}

/// Starts services in this process; `Running::wait` reports the first that fails.
pub fn start(config: Config, parts: &[Part], stop: CancellationToken) -> anyhow::Result<Running> {
    let setup = Setup::new(config, stop.clone())?;
    let mut tasks = JoinSet::new();
    for part in parts.iter().copied() {
        let setup = setup.clone();
        tasks.spawn(async move { (part, serve(setup, part).await) });
    }
    Ok(Running { tasks, stop })
}

impl Running {
    /// Until all have ended. One that fails stops the others.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let mut failed = None;
        while let Some(ended) = self.tasks.join_next().await {
            let (part, result) = ended.context("a service panicked")?;
            if let Err(error) = result {
                let error = anyhow::Error::new(error).context(format!("{part} failed"));
                tracing::error!(service = %part, error = %format!("{error:#}"), "a service failed: stopping");
                failed.get_or_insert(error);
            }
            self.stop.cancel();
        }
        failed.map_or(Ok(()), Err)
    }
}

fn serve(setup: Setup, part: Part) -> BoxFuture<'static, Result<(), StartError>> {
    let service = match part {
        Part::Service(service) => service,
        Part::Console => return Box::pin(console::run(setup)),
    };
    match service {
        Service::Intake => Box::pin(intake::run(setup)),
        Service::Dispatch => Box::pin(dispatch::run(setup)),
        Service::SlaWatchdog => Box::pin(sla_watchdog::run(setup)),
        Service::FollowUp => Box::pin(follow_up::run(setup)),
        Service::Reporting => Box::pin(reporting::run(setup)),
        Service::Notify => Box::pin(notify::run(setup)),
        Service::Directory => Box::pin(directory::run(setup)),
    }
}

/// Waits until everything says that it serves.
pub async fn ready(config: &Config, parts: &[Part], patience: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + patience;
    for part in parts {
        while !is_serving(config, *part).await {
            if Instant::now() > until {
                bail!("{part} does not serve at {} after {patience:?}", part.address(config));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Asks over gRPC health, the console over HTTP; exit code 1 if one does not serve.
pub async fn healthcheck(config: &Config, only: Option<Part>) -> anyhow::Result<ExitCode> {
    let mut all = true;
    for part in Part::all().into_iter().filter(|part| only.is_none_or(|only| only == *part)) {
        let serving = is_serving(config, part).await;
        let whole = match part {
            Part::Service(service) if serving => asks_health(config, service, WHOLE_HISTORY).await,
            Part::Service(_) | Part::Console => true,
        };
        let state = match (serving, whole) {
            (true, true) => "serving",
            (true, false) => "serving, but a shard has lost its tail: hotline journal recover",
            (false, _) => "not serving",
        };
        println!("{part}: {state}");
        // A lost tail needs a person; starting the container again would not help.
        all &= serving;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn is_serving(config: &Config, part: Part) -> bool {
    match part {
        Part::Service(service) => asks_health(config, service, "").await,
        Part::Console => console_is_serving(config).await.is_ok_and(|serving| serving),
    }
}

async fn asks_health(config: &Config, service: Service, what: &str) -> bool {
    let Some(address) = config.peers_of(service).into_iter().next() else { return false };
    let Ok(endpoint) = Endpoint::from_shared(address) else { return false };
    let Ok(channel) = endpoint.connect_timeout(Duration::from_secs(2)).connect().await else { return false };
    let asked = HealthClient::new(channel).check(HealthCheckRequest { service: what.to_owned() }).await;
    asked.is_ok_and(|answer| answer.into_inner().status == ServingStatus::Serving as i32)
}

/// One question, one line of the answer: no client library is needed for that.
async fn console_is_serving(config: &Config) -> std::io::Result<bool> {
    let mut address = config.console_address();
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let asking = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n").await?;
        let mut first = [0; 12];
        stream.read_exact(&mut first).await?;
        Ok(first.ends_with(b" 200"))
    };
    tokio::time::timeout(Duration::from_secs(2), asking).await?
}

/// Ctrl-C or SIGTERM: gracefully; a second time: at once.
async fn stop_on_signal(stop: CancellationToken) {
    let mut terminated = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::error!(%error, "signals cannot be heard");
            return;
        }
    };
    for turn in 0..2 {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
        if turn == 0 {
            tracing::info!("stopping; once more to stop at once");
            stop.cancel();
        }
    }
    std::process::exit(130);
}
