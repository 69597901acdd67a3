//! When nothing is left to do anywhere: every loop is idle, everybody has heard everybody to the end, and asking once more
//! finds the same. Two rounds are needed, for one service is asked after another.

use std::{collections::BTreeMap, time::Duration};

use anyhow::bail;
use futures::future::try_join_all;
use proto::{
    Service, Time,
    journal::v1::{GetRestRequest, GetRestResponse},
};
use tokio::time::{Instant, sleep};

use super::World;

const PATIENCE: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(2);

/// How far each journal goes, by service and shard.
pub type Heads = BTreeMap<(Service, u32), u64>;

/// A system at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    pub heads: Heads,
    /// When something falls due next, by service.
    pub due: Vec<Time>,
}

/// # Errors
/// It does not come to rest; says who is busy, or has not heard what.
pub async fn rest(world: &World) -> anyhow::Result<Rest> {
    let until = Instant::now() + PATIENCE;
    let mut before = None;
    loop {
        let round = ask(world).await?;
        let busy = match seen(&round, world.now()) {
            Ok(rest) if before.as_ref() == Some(&rest) => return Ok(rest),
            Ok(rest) => {
                before = Some(rest);
                continue;
            }
            Err(busy) => busy,
        };
        before = None;
        if Instant::now() > until {
            bail!("no rest after {PATIENCE:?}: {busy}");
        }
        sleep(AGAIN).await;
    }
}

type Round = Vec<(Service, GetRestResponse)>;

async fn ask(world: &World) -> anyhow::Result<Round> {
    let asked = Service::ALL.into_iter().map(|service| async move {
        let until = Instant::now() + PATIENCE;
        loop {
            match world.connection.journal(service).get_rest(GetRestRequest {}).await {
                Ok(answer) => return anyhow::Ok((service, answer.into_inner())),
                Err(status) if Instant::now() > until => {
                    bail!("{service} does not tell: {}", hotline::client::explain(&status))
                }
                Err(_) => sleep(AGAIN).await,
            }
        }
    });
    try_join_all(asked).await
}

fn seen(round: &Round, now: Time) -> Result<Rest, String> {
    let mut heads = Heads::new();
    for (service, told) in round {
        heads.extend(told.heads.iter().map(|head| ((*service, head.shard), head.seq)));
    }
    let directory = heads.get(&(Service::Directory, 0)).copied().unwrap_or_default();
    for (service, told) in round {
        if !told.busy.is_empty() {
            return Err(format!("{service} is busy with: {}", told.busy));
        }
        if told.directory_seq != directory || told.business_at != now.0 {
            return Err(format!("{service} has not heard the directory yet"));
        }
        for known in &told.known {
            let Some(source) = Service::parse(&known.service) else { continue };
            let head = heads.get(&(source, known.shard)).copied().unwrap_or_default();
            if known.seq < head {
                return Err(format!(
                    "{service} has heard {source}/{} to {} of {head}",
                    known.shard, known.seq
                ));
            }
        }
    }
    let due = round.iter().filter_map(|(_, told)| Time(told.next_due_at).set()).collect();
    Ok(Rest { heads, due })
}
