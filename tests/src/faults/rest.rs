//! The end: everything heals, nobody calls, the system comes to rest; then all that was said is compared.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use proto::{Service, Shard, envelope::Position, journal::v1::ReadRequest};
use tokio::time::Instant;

use crate::{
    faults::{
        crew::{Crew, Side},
        ledger::{Compared, Ledger, Openings},
        load::Desk,
        probe,
        rig::Rig,
    },
    replicas,
};

/// What is under way may take so long to arrive.
const SETTLING: u64 = 120;
const OPENED: &str = "hotline.intake.v1.TicketOpened";
const PAGE: u32 = 2_000;
const ASKING_AGAIN: usize = 16;

/// What was found at the end.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// The last line of `hotline verify`.
    pub verdict: String,
    pub said: String,
    pub compared: Compared,
    pub openings: usize,
    pub breaches: Vec<String>,
}

/// Heals, waits, compares.
pub async fn come_to(rig: &Rig, desk: &Arc<Desk>) -> anyhow::Result<Rest> {
    rig.links.heal();
    let mut rest = Rest::default();
    if let Err(why) = probe::until_all_owned(rig, Instant::now(), Duration::from_secs(60)).await {
        rest.breaches.push(format!("at the end: {why}"));
    }
    ask_everything_again(desk).await;
    verify(rig, &mut rest)?;
    let journal = openings(rig).await?;
    rest.openings = journal.tickets.len();
    rest.compared = desk.ledger.compare(&journal);
    judge(&mut rest, &desk.ledger, &rig.crew);
    set_aside(rig, &mut rest).await?;
    Ok(rest)
}

/// Whatever was accepted once is answered alike for as long as it is remembered.
async fn ask_everything_again(desk: &Arc<Desk>) {
    use futures::StreamExt;
    let all = desk.ledger.all();
    let asking = all.iter().enumerate().map(|(place, accepted)| {
        let side = if place % 2 == 0 { Side::A } else { Side::B };
        desk.ask_again(accepted, side)
    });
    futures::stream::iter(asking).buffer_unordered(ASKING_AGAIN).collect::<Vec<()>>().await;
}

/// The program itself, as an operator would run it.
fn verify(rig: &Rig, rest: &mut Rest) -> anyhow::Result<()> {
    let mut command = Command::new(replicas::program()?);
    command.args(["verify", "--wait", &SETTLING.to_string()]);
    command.envs(rig.tool.iter().cloned()).stdin(Stdio::null());
    let said = command.output().context("`hotline verify` cannot be run")?;
    rest.said = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    let verdict = rest.said.lines().rev().find(|line| line.starts_with("lost "));
    rest.verdict = verdict.unwrap_or("`hotline verify` gave no verdict").to_owned();
    if !said.status.success() || !rest.verdict.starts_with("lost 0, doubled 0") {
        rest.breaches.push(format!("hotline verify: {}", rest.verdict));
    }
    Ok(())
}

/// Intake's whole journal, over the contract.
async fn openings(rig: &Rig) -> anyhow::Result<Openings> {
    let mut client = rig.connection.journal(Service::Intake);
    let mut found = Openings::default();
    for shard in Shard::all() {
        let mut ask = ReadRequest { shard: shard.number().into(), limit: PAGE, ..ReadRequest::default() };
        loop {
            let mut page = client.read(ask).await?.into_inner();
            let before = ask.after_seq;
            while let Some(read) = page.message().await? {
                let Some(entry) = read.entry else { bail!("an entry without content") };
                ask.after_seq = entry.seq;
                let at = Position { service: Service::Intake, shard, epoch: entry.epoch, seq: entry.seq };
                if entry.r#type == OPENED {
                    found.tickets.push(entry.subject.clone());
                }
                found.about.insert(at.to_string(), entry.subject);
            }
            if ask.after_seq == before {
                break;
            }
        }
    }
    Ok(found)
}

fn judge(rest: &mut Rest, ledger: &Ledger, crew: &Crew) {
    if ledger.is_empty() {
        rest.breaches.push("nothing was accepted, so nothing was shown".to_owned());
    }
    if !rest.compared.is_clean() {
        let Compared { missing, doubled, unasked, misplaced } = &rest.compared;
        let counts =
            [("missing", missing), ("doubled", doubled), ("unasked", unasked), ("misplaced", misplaced)];
        for (what, found) in counts.iter().filter(|(_, found)| !found.is_empty()) {
            rest.breaches.push(format!("{} {what} in the journal, such as {}", found.len(), found[0]));
        }
    }
    rest.breaches.extend(ledger.faults());
    rest.breaches.extend(crew.deserters().into_iter().map(|who| format!("ended by itself: {who}")));
}

/// Faults outside are no reason to set an input aside.
async fn set_aside(rig: &Rig, rest: &mut Rest) -> anyhow::Result<()> {
    for service in Service::ALL {
        let schema = service.schema();
        let ask = format!("SELECT count(*), max(reason) FROM {schema}.quarantine");
        let found = rig.postgres().sql("hotline", &ask).await?;
        if !found.trim().starts_with("0|") {
            rest.breaches.push(format!("{service} set inputs aside: {}", found.trim()));
        }
    }
    Ok(())
}
