//! Another Postgres: a standby that takes over, and an older copy that comes back.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, bail};
use hotline::journal_command::{give_up, lost, open};
use proto::{Service, journal::v1::LostTail};
use tokio::time::{Instant, sleep};

use super::{Field, Outcome};
use crate::faults::{crew::Seat, plan::Strike, probe, rig::Rig};

/// Until every service has looked, and everything that was lost is given up.
const RECOVERY: Duration = Duration::from_secs(120);
/// Services that outlive their database say what they had committed.
const LAST_WORDS: Duration = Duration::from_secs(2);
const OPENED: &str = "hotline.intake.v1.TicketOpened";
const REASON: &str = "restored-backup";

/// A synchronous standby follows, its primary is killed, and the address moves over: nothing that was answered is gone.
pub async fn promote(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    let primary = rig.postgres();
    let standby = primary.standby(&rig.place.join(format!("standby-{}", strike.number))).await?;
    sleep(strike.lasts).await;
    primary.kill().await?;
    outcome.killed += 1;
    standby.promote().await.context("the standby does not take over")?;
    rig.move_to(standby);
    Ok(Instant::now())
}

/// Postgres comes back as it was some time ago. No service may go on over what it lost; an operator gives it up, tail by
/// tail, and every accepted case that is gone stands in the lists.
pub async fn restore(field: &Field, strike: &Strike, outcome: &mut Outcome) -> anyhow::Result<Instant> {
    let rig = &field.rig;
    rig.postgres().save().await?;
    let before = field.desk.ledger.len();
    sleep(strike.lasts).await;
    // Callers on hold: what one of them was told a moment ago may be what is given up.
    field.load.pause(&field.desk).await;
    let after = field.desk.ledger.len();
    rig.postgres().kill().await?;
    sleep(LAST_WORDS).await;
    rig.crew.kill_all();
    outcome.killed += 1 + Seat::all().count();
    rig.postgres().put_back().await?;
    rig.postgres().restart().await?;
    for seat in Seat::all() {
        rig.crew.start(seat)?;
    }
    let started = Instant::now();
    let given_up = recover(rig, started).await?;
    let cases = field.desk.ledger.give_up(&given_up.cases);
    outcome.remarks.push(format!(
        "{} cases accepted since the copy, {cases} of them given up; {} entries in {} tails listed; recovered after {:.1} s",
        after - before,
        given_up.entries,
        given_up.tails,
        started.elapsed().as_secs_f64()
    ));
    if cases == 0 {
        outcome.breaches.push("an older copy came back and no accepted case was listed as lost".to_owned());
    }
    field.load.times(1);
    Ok(Instant::now())
}

#[derive(Default)]
struct GivenUp {
    tails: usize,
    entries: usize,
    /// Those whose opening was withdrawn.
    cases: BTreeSet<String>,
}

/// As an operator does it: look, give up what is listed, until every shard has its owner.
async fn recover(rig: &Rig, since: Instant) -> anyhow::Result<GivenUp> {
    let mut all = GivenUp::default();
    loop {
        for service in Service::ALL {
            // A replica that is starting is asked again.
            for tail in lost(&rig.connection, service).await.unwrap_or_default() {
                give_up_tail(rig, service, &tail, &mut all).await?;
            }
        }
        if probe::until_all_owned(rig, Instant::now(), Duration::from_secs(2)).await.is_ok() {
            return Ok(all);
        }
        if since.elapsed() > RECOVERY {
            bail!("after {RECOVERY:?} and {} tails given up not every shard has an owner", all.tails);
        }
    }
}

async fn give_up_tail(rig: &Rig, service: Service, tail: &LostTail, all: &mut GivenUp) -> anyhow::Result<()> {
    let actor = rig.connection.system();
    for side in &rig.sides {
        // The shard is at one of the two; what was found newer meanwhile is listed at the next look.
        if open(side, service, &actor, give_up(tail, REASON)).await.is_ok() {
            all.tails += 1;
            all.entries += tail.ghosts.len();
            let openings = tail.ghosts.iter().filter(|ghost| ghost.r#type == OPENED);
            all.cases.extend(openings.map(|ghost| ghost.subject.clone()));
            return Ok(());
        }
    }
    sleep(Duration::from_millis(300)).await;
    Ok(())
}
