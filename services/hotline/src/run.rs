//! Running services: one, or all in this process.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use chassis::{Config, Setup, StartError, telemetry};
use futures::future::BoxFuture;
use proto::Service;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Runs one service until it is told to stop.
pub async fn one(config: Config, service: Service) -> anyhow::Result<ExitCode> {
    run(config, vec![service]).await
}

/// Runs all services in this process.
pub async fn up(config: Config) -> anyhow::Result<ExitCode> {
    run(config, Service::ALL.to_vec()).await
}

async fn run(config: Config, services: Vec<Service>) -> anyhow::Result<ExitCode> {
    let name = match services.as_slice() {
        [one] => format!("hotline-{one}"),
        _ => "hotline".to_owned(),
    };
    let _telemetry = telemetry::start(&config.telemetry, &name)?;
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let running = start(config.clone(), &services, stop.clone())?;
    tokio::spawn(async move {
        if ready(&config, &services, Duration::from_secs(120)).await.is_ok() {
            for service in services {
                tracing::info!(%service, address = %config.address(service), "serving");
            }
        }
    });
    running.wait().await?;
    Ok(ExitCode::SUCCESS)
}

/// Services of this process.
pub struct Running {
    tasks: JoinSet<(Service, Result<(), StartError>)>,
    stop: CancellationToken,
}

/// Starts services in this process; `Running::wait` reports the first that fails.
pub fn start(config: Config, services: &[Service], stop: CancellationToken) -> anyhow::Result<Running> {
    let setup = Setup::new(config, stop.clone())?;
    let mut tasks = JoinSet::new();
    for service in services.iter().copied() {
        let setup = setup.clone();
        tasks.spawn(async move { (service, serve(setup, service).await) });
    }
    Ok(Running { tasks, stop })
}

impl Running {
    /// Until all have ended. One that fails stops the others.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        let mut failed = None;
        while let Some(ended) = self.tasks.join_next().await {
            let (service, result) = ended.context("a service panicked")?;
            if let Err(error) = result {
                let error = anyhow::Error::new(error).context(format!("{service} failed"));
                tracing::error!(%service, error = %format!("{error:#}"), "a service failed: stopping");
                failed.get_or_insert(error);
            }
            self.stop.cancel();
        }
        failed.map_or(Ok(()), Err)
    }
}

fn serve(setup: Setup, service: Service) -> BoxFuture<'static, Result<(), StartError>> {
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

/// Waits until every service says that it serves.
pub async fn ready(config: &Config, services: &[Service], patience: Duration) -> anyhow::Result<()> {
    let until = Instant::now() + patience;
    for service in services {
        while !is_serving(config, *service).await {
            if Instant::now() > until {
                bail!("{service} does not serve at {} after {patience:?}", config.address(*service));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

/// Asks over gRPC health; exit code 1 if one does not serve.
pub async fn healthcheck(config: &Config, only: Option<Service>) -> anyhow::Result<ExitCode> {
    let mut all = true;
    for service in Service::ALL.into_iter().filter(|service| only.is_none_or(|only| only == *service)) {
        let serving = is_serving(config, service).await;
        println!("{service}: {}", if serving { "serving" } else { "not serving" });
        all &= serving;
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn is_serving(config: &Config, service: Service) -> bool {
    let Some(address) = config.peers_of(service).into_iter().next() else { return false };
    let Ok(endpoint) = Endpoint::from_shared(address) else { return false };
    let Ok(channel) = endpoint.connect_timeout(Duration::from_secs(2)).connect().await else { return false };
    let asked = HealthClient::new(channel).check(HealthCheckRequest { service: String::new() }).await;
    asked.is_ok_and(|answer| answer.into_inner().status == ServingStatus::Serving as i32)
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
