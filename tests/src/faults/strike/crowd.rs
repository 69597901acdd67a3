//! Too much of something: connections, calls, silence.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{Field, Outcome};
use crate::faults::{
    plan::{Kind, Strike},
    rig::Rig,
};

const BURST: u64 = 10;
/// A storm: so many connections to each engine, all at once.
const STORM: usize = 300;
/// More than the server takes.
const TOO_MANY: usize = 400;
const CONNECT: Duration = Duration::from_secs(10);
const DEAF: usize = 4;

pub async fn strike(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    match strike.kind {
        Kind::Storm => storm(rig, outcome).await,
        Kind::Exhaust => exhaust(rig, strike, outcome).await?,
        Kind::Burst => {
            field.load.times(BURST);
            sleep(strike.lasts).await;
            field.load.times(1);
        }
        Kind::SilentBranch => {
            let branch = rig.branches[strike.amount as usize % rig.branches.len()].clone();
            field.cast.silence(&branch, true);
            sleep(strike.lasts).await;
            field.cast.silence(&branch, false);
        }
        _ => {
            // Dropped at the end, if the server has not had enough of them before.
            let _deaf = deaf(rig).await?;
            sleep(strike.lasts).await;
        }
    }
    Ok(Instant::now())
}

async fn storm(rig: &Rig, outcome: &mut Outcome) {
    let mut knocking = JoinSet::new();
    let nats = format!("127.0.0.1:{}", rig.nats[0].port());
    for _ in 0..STORM {
        let (url, nats) = (rig.postgres().url(), nats.clone());
        knocking.spawn(async move {
            let in_vain = match timeout(CONNECT, PgConnection::connect(&url)).await {
                Ok(Ok(mut session)) => session.execute("SELECT 1").await.is_err(),
                _ => true,
            };
            let stream = timeout(CONNECT, TcpStream::connect(nats)).await;
            drop(stream);
            in_vain
        });
    }
    let in_vain = knocking.join_all().await.into_iter().filter(|in_vain| *in_vain).count();
    outcome.remarks.push(format!("{in_vain} of {STORM} were turned away"));
}

/// Takes every connection that Postgres gives, then ends sessions of the service, which has to get in again.
async fn exhaust(rig: &Rig, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<()> {
    let url = rig.postgres().url();
    let mut taken = Vec::new();
    while taken.len() < TOO_MANY {
        match timeout(CONNECT, PgConnection::connect(&url)).await {
            Ok(Ok(session)) => taken.push(session),
            _ => break,
        }
    }
    outcome.remarks.push(format!("{} connections taken", taken.len()));
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'hotline-{}%'",
        strike.service
    );
    if let Some(session) = taken.last_mut() {
        session.execute(sqlx::AssertSqlSafe(end)).await?;
    }
    // What came free is taken as well, as far as nobody was faster.
    while let Ok(Ok(session)) = timeout(CONNECT, PgConnection::connect(&url)).await {
        taken.push(session);
    }
    sleep(strike.lasts).await;
    Ok(())
}

/// Subscribers to everything who never read.
async fn deaf(rig: &Rig) -> anyhow::Result<Vec<TcpStream>> {
    let url = rig.nats[0].url();
    let (who, place) = url.trim_start_matches("nats://").rsplit_once('@').unwrap_or_default();
    let (user, password) = who.split_once(':').unwrap_or_default();
    let mut streams = Vec::new();
    for _ in 0..DEAF {
        let mut stream = TcpStream::connect(place).await?;
        let hello = format!(
            "CONNECT {{\"verbose\":false,\"pedantic\":false,\"user\":\"{user}\",\"pass\":\"{password}\",\"headers\":true}}\r\n\
             SUB hotline.> 1\r\nPING\r\n"
        );
        stream.write_all(hello.as_bytes()).await?;
        streams.push(stream);
    }
    Ok(streams)
}
