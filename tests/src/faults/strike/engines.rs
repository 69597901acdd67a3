//! NATS and Postgres die, lose what they stored, and run out of disk.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use local_engines::keeper::{self, Signal};
use tokio::time::{Instant, sleep};

use super::{Field, Outcome};
use crate::faults::{
    disk::Disk,
    plan::{Kind, Strike},
    probe,
    rig::Rig,
};

/// With one of three NATS servers gone the others elect leaders and go on.
const WITHOUT_ONE: Duration = Duration::from_secs(30);
/// So many cases later the copy is old.
const LATER: usize = 20;

pub async fn nats(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    match strike.kind {
        Kind::LoseNatsNode => return lose_node(field, strike, outcome).await,
        Kind::FullNats => {
            let disks = rig.disks.as_ref().context("there is no small disk")?;
            disks.fill(Disk::Nats)?;
            sleep(strike.lasts).await;
            disks.make_room(Disk::Nats)?;
            // JetStream turns itself off when it cannot write; an operator makes room and starts it again.
            restart(rig).await?;
            return Ok(Instant::now());
        }
        Kind::RestoreNats => {
            for nats in &rig.nats {
                nats.save_storage().await?;
            }
            restart(rig).await?;
            later(field).await;
            for nats in &rig.nats {
                nats.put_back_storage().await?;
            }
        }
        Kind::WipeNats => {
            kill(rig).await?;
            for nats in &rig.nats {
                nats.wipe_storage().await?;
            }
        }
        Kind::TruncateNats => {
            kill(rig).await?;
            let cut = cut_short(rig)?;
            outcome.remarks.push(format!("{cut} bytes cut off"));
        }
        _ => kill(rig).await?,
    }
    outcome.killed += rig.nats.len();
    sleep(strike.lasts).await;
    restart(rig).await?;
    Ok(Instant::now())
}

async fn kill(rig: &Rig) -> anyhow::Result<()> {
    for nats in &rig.nats {
        nats.kill().await?;
    }
    Ok(())
}

async fn restart(rig: &Rig) -> anyhow::Result<()> {
    let starting = rig.nats.iter().map(|nats| nats.restart());
    for started in futures::future::join_all(starting).await {
        started.context("NATS does not start again")?;
    }
    Ok(())
}

fn stores(rig: &Rig) -> impl Iterator<Item = PathBuf> + '_ {
    rig.nats.iter().map(|nats| nats.dir().join("store"))
}

/// Until the copy is out of date.
async fn later(field: &Field) {
    let until = field.desk.ledger.len() + LATER;
    let patience = Instant::now() + WITHOUT_ONE;
    while field.desk.ledger.len() < until && Instant::now() < patience {
        sleep(Duration::from_millis(50)).await;
    }
}

/// Cuts a third off the stream's newest file, as a crash of the machine may; what it cut off.
fn cut_short(rig: &Rig) -> anyhow::Result<u64> {
    let mut cut = 0;
    for store in stores(rig) {
        let mut blocks = Vec::new();
        find_blocks(&store, &mut blocks)?;
        blocks.sort();
        let (_, newest) = blocks.last().context("the stream has no file yet")?;
        let file = fs::OpenOptions::new().write(true).open(newest)?;
        let length = file.metadata()?.len();
        file.set_len(length - length / 3)?;
        cut += length / 3;
    }
    ensure!(cut > 0, "there was nothing to cut off");
    Ok(cut)
}

/// Message files of the event stream, by their number.
fn find_blocks(folder: &Path, found: &mut Vec<(u64, PathBuf)>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_blocks(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "blk")
            && path.components().any(|part| part.as_os_str() == proto::subject::EVENT_STREAM)
            && !path.components().any(|part| part.as_os_str() == "obs")
        {
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok()).unwrap_or(0);
            found.push((number, path));
        }
    }
    Ok(())
}

/// Two of three go on; the third comes back and catches up.
async fn lose_node(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    let lost = &rig.nats[strike.amount as usize % rig.nats.len()];
    let struck = Instant::now();
    lost.kill().await?;
    outcome.killed += 1;
    match probe::errand(rig, &field.desk, struck, WITHOUT_ONE).await {
        Ok(after) => outcome.owned = Some(after),
        Err(why) => outcome.breaches.push(format!("with one NATS server gone: {why}")),
    }
    sleep(strike.lasts).await;
    lost.restart().await?;
    Ok(Instant::now())
}

pub async fn postgres(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    match strike.kind {
        Kind::KillBackends => return kill_backends(rig, strike, outcome).await,
        Kind::FullPostgres => {
            let disks = rig.disks.as_ref().context("there is no small disk")?;
            disks.fill(Disk::Postgres)?;
            sleep(strike.lasts).await;
            disks.make_room(Disk::Postgres)?;
        }
        Kind::RestartPostgres => {
            keeper::signal(postmaster(rig).await?, Signal::QUIT);
            sleep(strike.lasts).await;
        }
        _ => {
            rig.postgres().kill().await?;
            outcome.killed += 1;
            sleep(strike.lasts).await;
        }
    }
    rig.postgres().restart().await?;
    Ok(Instant::now())
}

async fn postmaster(rig: &Rig) -> anyhow::Result<u32> {
    let data = rig.postgres().sql("postgres", "SHOW data_directory").await?;
    let file = Path::new(data.trim()).join("postmaster.pid");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    text.lines().next().and_then(|line| line.trim().parse().ok()).context("postmaster.pid names no process")
}

/// SIGKILL to one (then Postgres ends all others too and recovers), or all sessions of the services ended by the
/// administrator.
async fn kill_backends(rig: &Rig, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let which = format!("application_name LIKE 'hotline-{}%'", strike.service);
    if strike.amount.is_multiple_of(2) {
        let ask = format!("SELECT min(pid) FROM pg_stat_activity WHERE {which}");
        let pid = rig.postgres().sql("postgres", &ask).await?;
        keeper::signal(pid.trim().parse().context("the service has no session")?, Signal::KILL);
        outcome.remarks.push("SIGKILL to one".to_owned());
    } else {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'hotline-%'";
        let ended = rig.postgres().sql("postgres", end).await?;
        outcome.remarks.push(format!("{} sessions ended", ended.trim()));
    }
    outcome.killed += 1;
    Ok(Instant::now())
}
