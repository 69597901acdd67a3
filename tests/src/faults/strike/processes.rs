//! Replicas die, sleep and are replaced.

use std::time::Duration;

use anyhow::Context;
use hotline::run::{self, Part};
use proto::Service;
use tokio::time::{Instant, sleep};

use super::{Field, LONGER, Outcome};
use crate::faults::{
    crew::{Seat, Side},
    plan::Strike,
    probe,
    rig::Rig,
};

const START: Duration = Duration::from_secs(60);
/// A writer drains what it has accepted; more is a service that does not end.
const ENDING: Duration = Duration::from_secs(20);
/// How long a woken sleeper may think about it.
const WAKING: Duration = Duration::from_secs(5);
/// A case goes all the way within this time.
const WHOLE: Duration = Duration::from_secs(60);
/// Cases that are brought to the sleeper, to see what it says of them.
const BROUGHT: usize = 5;

async fn owner(field: &Field, service: Service) -> anyhow::Result<Seat> {
    let side = probe::owner(&field.rig, service).await;
    Ok(Seat { service, side: side.with_context(|| format!("nobody owns {service}"))? })
}

/// The other replica takes over; the killed one is started again afterwards.
pub async fn kill_owner(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let seat = owner(field, strike.service).await?;
    let struck = Instant::now();
    field.rig.crew.kill(seat);
    outcome.killed += 1;
    let limit = strike.kind.limit();
    let owned = probe::until_owned(&field.rig, &[seat.other()], struck, limit * LONGER).await;
    outcome.taken_over(owned, limit);
    // With one replica everything works already.
    match probe::errand(&field.rig, &field.desk, struck, WHOLE).await {
        Ok(after) => outcome.whole = Some(after),
        Err(why) => outcome.breaches.push(format!("with one replica: {why}")),
    }
    back(&field.rig, seat).await?;
    Ok(struck)
}

/// Nobody should notice.
pub async fn kill_waiting(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let seat = owner(field, strike.service).await?.other();
    let struck = Instant::now();
    field.rig.crew.kill(seat);
    outcome.killed += 1;
    let owned = probe::until_owned(&field.rig, &[seat.other()], struck, strike.kind.limit()).await;
    outcome.taken_over(owned, strike.kind.limit());
    sleep(strike.lasts).await;
    back(&field.rig, seat).await?;
    Ok(struck)
}

pub async fn kill_both(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let seats = [Side::A, Side::B].map(|side| Seat { service: strike.service, side });
    for seat in seats {
        field.rig.crew.kill(seat);
        outcome.killed += 1;
    }
    sleep(strike.lasts).await;
    let healed = Instant::now();
    for seat in seats {
        field.rig.crew.start(seat)?;
    }
    Ok(healed)
}

/// The other replica takes over from a sleeper. While it sleeps it is asked for things; when it wakes, what it says is
/// compared: it owns nothing, and what it accepts is on record (the ledger is compared with the journal at the end).
pub async fn freeze_owner(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    let seat = owner(field, strike.service).await?;
    let struck = Instant::now();
    rig.crew.freeze(seat);
    let limit = strike.kind.limit();
    let brought = async {
        if strike.service == Service::Intake {
            // Accepted by whomever: into the ledger with it.
            let cases = (0..BROUGHT).map(|_| field.desk.take_one(Some(seat.side)));
            futures::future::join_all(cases).await;
        }
    };
    let sleeping = async {
        let owned = probe::until_owned(rig, &[seat.other()], struck, limit * LONGER).await;
        sleep(strike.lasts.saturating_sub(struck.elapsed())).await;
        // Asked while it sleeps, answered when it wakes.
        let asked = probe::shards(rig, seat, WAKING);
        let waking = async {
            sleep(Duration::from_millis(100)).await;
            rig.crew.wake(seat);
        };
        (owned, tokio::join!(asked, waking).0)
    };
    let ((), (owned, claimed)) = tokio::join!(brought, sleeping);
    let deposed = owned.is_ok();
    outcome.taken_over(owned, limit);
    if deposed && claimed > 0 {
        outcome.breaches.push(format!("{seat} was deposed, woke, and spoke for {claimed} shards"));
    }
    Ok(Instant::now())
}

/// Every replica of every service, one after the other, in good order; callers go on calling.
pub async fn rolling_restart(field: &Field, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let mut longest = Duration::ZERO;
    for seat in Seat::all() {
        let began = Instant::now();
        if !field.rig.crew.end(seat, ENDING).await {
            outcome.breaches.push(format!("{seat} did not end within {ENDING:?} of being asked to"));
        }
        let owned = probe::until_owned(&field.rig, &[seat.other()], began, ENDING * 2).await;
        match owned {
            Ok(after) => longest = longest.max(after),
            Err(why) => outcome.breaches.push(why),
        }
        back(&field.rig, seat).await?;
    }
    outcome.owned = Some(longest);
    Ok(Instant::now())
}

/// Started again, until it says that it serves.
async fn back(rig: &Rig, seat: Seat) -> anyhow::Result<()> {
    rig.crew.start(seat)?;
    run::ready(&rig.side(seat.side).config, &[Part::Service(seat.service)], START).await
}
