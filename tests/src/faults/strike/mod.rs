//! Carrying faults out: each kind strikes, waits, heals, and says how long it took until all was well again.
//!
//! ```text
//! processes.rs  services: killed, frozen, restarted in turn
//! engines.rs    NATS and Postgres: killed, wiped, cut short, put back to an old copy, crashed, disks full
//! copies.rs     Postgres: a standby takes over, an older copy is put back and its lost tails given up by order
//! network.rs    lines: cut, slow, dead, reset
//! crowd.rs      too much of something: connections, calls, silence
//! ```

mod copies;
mod crowd;
mod engines;
mod network;
mod processes;

use std::{sync::Arc, time::Duration};

use hotline::demo::cast::Cast;
use tokio::time::Instant;

use crate::faults::{
    load::{Desk, Load},
    plan::{Kind, Strike},
    probe,
    rig::Rig,
};

/// Where faults strike.
pub struct Field {
    pub rig: Rig,
    pub desk: Arc<Desk>,
    pub load: Load,
    pub cast: Arc<Cast>,
}

/// What came of a strike.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Until the shards had an owner again: after the strike where a replica takes over, else after healing.
    pub owned: Option<Duration>,
    /// Until a case went all the way: after the strike where a replica was killed, else after healing.
    pub whole: Option<Duration>,
    /// What must not be.
    pub breaches: Vec<String>,
    pub remarks: Vec<String>,
    pub killed: usize,
}

impl Outcome {
    fn taken_over(&mut self, owned: Result<Duration, String>, limit: Duration) {
        match owned {
            Ok(after) if after > limit => {
                self.owned = Some(after);
                self.breaches.push(format!("taken over after {after:.1?} only, {limit:?} is allowed"));
            }
            Ok(after) => self.owned = Some(after),
            Err(why) => self.breaches.push(why),
        }
    }
}

/// Takes over from a dead or frozen owner longer than allowed are waited for, to say how long they took.
const LONGER: u32 = 4;

/// Strikes, heals, and waits until all is well.
pub async fn carry_out(field: &Field, strike: &Strike) -> Outcome {
    tokio::time::sleep(strike.after).await;
    let mut outcome = Outcome::default();
    let done = match strike.kind {
        Kind::KillOwner => processes::kill_owner(field, strike, &mut outcome).await,
        Kind::KillWaiting => processes::kill_waiting(field, strike, &mut outcome).await,
        Kind::KillBoth => processes::kill_both(field, strike, &mut outcome).await,
        Kind::FreezeOwner => processes::freeze_owner(field, strike, &mut outcome).await,
        Kind::RollingRestart => processes::rolling_restart(field, &mut outcome).await,
        Kind::KillNats
        | Kind::WipeNats
        | Kind::TruncateNats
        | Kind::RestoreNats
        | Kind::FullNats
        | Kind::LoseNatsNode => engines::nats(field, strike, &mut outcome).await,
        Kind::KillBackends | Kind::CrashPostgres | Kind::RestartPostgres | Kind::FullPostgres => {
            engines::postgres(field, strike, &mut outcome).await
        }
        Kind::PromoteStandby => copies::promote(field, strike, &mut outcome).await,
        Kind::RestorePostgres => copies::restore(field, strike, &mut outcome).await,
        Kind::CutPostgres
        | Kind::CutNats
        | Kind::CutPeers
        | Kind::SlowPostgres
        | Kind::SlowNats
        | Kind::SlowPeers
        | Kind::HalfOpen
        | Kind::Resets => network::strike(field, strike, &mut outcome).await,
        Kind::Storm | Kind::Exhaust | Kind::Burst | Kind::SilentBranch | Kind::SlowSubscriber => {
            crowd::strike(field, strike, &mut outcome).await
        }
    };
    let healed = match done {
        Ok(healed) => healed,
        Err(error) => {
            outcome.breaches.push(format!("the fault could not be carried out: {error:#}"));
            Instant::now()
        }
    };
    well_again(field, strike, healed, &mut outcome).await;
    field.rig.links.heal();
    outcome
}

/// Owners everywhere, and a case goes all the way.
async fn well_again(field: &Field, strike: &Strike, healed: Instant, outcome: &mut Outcome) {
    let limit = strike.kind.limit().max(Duration::from_secs(60));
    let owned = probe::until_all_owned(&field.rig, healed, limit).await;
    if outcome.owned.is_none() {
        outcome.taken_over(owned, strike.kind.limit());
    } else if let Err(why) = owned {
        outcome.breaches.push(why);
    }
    match probe::errand(&field.rig, &field.desk, healed, limit).await {
        Ok(after) => outcome.whole = outcome.whole.or(Some(after)),
        Err(why) => outcome.breaches.push(why),
    }
}
