//! `hotline journal`: what a shard has lost, and the order that opens its next epoch.

use std::process::ExitCode;

use anyhow::{Context, bail};
use chassis::{Config, core::Actor};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use proto::{
    Service, Shard, Time,
    journal::v1::{
        Ghost, ListGhostsRequest, ListGhostsResponse, ListLostRequest, LostTail, OpenEpochRequest,
    },
};
use tonic::{Code, Status};

use crate::{
    cli::service,
    client::{Connection, explain, request_id},
};

#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Show what shards have lost that others heard; with --confirm give it up and go on.
    Recover(Recover),
    /// Open a shard's next epoch by order, after a standby was promoted for instance.
    Epoch(Epoch),
    /// Show what was withdrawn, and which cases it was about.
    Ghosts {
        /// Only what this service said, or heard before it was withdrawn.
        #[arg(long, value_parser = service)]
        service: Option<Service>,
    },
}

#[derive(Debug, Args)]
pub struct Recover {
    #[arg(long, value_parser = service)]
    pub service: Service,
    /// Only this shard; else all that have lost something.
    #[arg(long, value_parser = shard)]
    pub shard: Option<Shard>,
    /// The lost entries stay lost: open the next epoch.
    #[arg(long, requires = "reason")]
    pub confirm: bool,
    #[command(flatten)]
    pub order: Order,
}

#[derive(Debug, Args)]
pub struct Epoch {
    #[arg(long, value_parser = service)]
    pub service: Service,
    #[arg(long, value_parser = shard)]
    pub shard: Shard,
    #[command(flatten)]
    pub order: Order,
}

#[derive(Debug, Args)]
pub struct Order {
    /// Why, as a code that stands in the journal: restored-backup, promoted, CHG-1234.
    #[arg(long)]
    pub reason: Option<String>,
    /// The administrator who orders it, by directory code; else the command line itself.
    #[arg(long)]
    pub person: Option<String>,
}

fn shard(number: &str) -> Result<Shard, String> {
    number.parse().ok().and_then(Shard::new).ok_or_else(|| "0 to 15".to_owned())
}

pub async fn carry_out(config: Config, command: JournalCommand) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    match command {
        JournalCommand::Recover(recover) => self::recover(&connection, recover).await,
        JournalCommand::Epoch(epoch) => {
            let actor = connection.orderer(epoch.order.person.as_deref()).await?;
            let reason = epoch.order.reason.context("--reason is needed: it stands in the journal")?;
            let order = OpenEpochRequest {
                request_id: request_id(),
                shard: epoch.shard.number().into(),
                reason,
                ..OpenEpochRequest::default()
            };
            println!("{}", open(&connection, epoch.service, &actor, order).await?);
            Ok(ExitCode::SUCCESS)
        }
        JournalCommand::Ghosts { service } => {
            ghosts(&connection, service).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// What the shards of a service have lost, as it stands now.
pub async fn lost(connection: &Connection, service: Service) -> anyhow::Result<Vec<LostTail>> {
    let answer = connection.journal(service).list_lost(ListLostRequest {}).await;
    let answer = answer.map_err(|status| anyhow::anyhow!("{service}: {}", explain(&status)))?;
    Ok(answer.into_inner().tails)
}

async fn recover(connection: &Connection, command: Recover) -> anyhow::Result<ExitCode> {
    let is_asked = |tail: &LostTail| {
        let number = tail.head.as_ref().map(|head| head.shard);
        command.shard.is_none_or(|shard| number == Some(shard.number().into()))
    };
    let tails: Vec<LostTail> =
        lost(connection, command.service).await?.into_iter().filter(is_asked).collect();
    if tails.is_empty() {
        println!("{}: nothing is lost that others know of", command.service);
        return Ok(ExitCode::SUCCESS);
    }
    for tail in &tails {
        println!("{}", shown(command.service, tail));
    }
    if !command.confirm {
        println!("Nothing was changed. These shards accept nothing until `--confirm --reason <code>`.");
        return Ok(ExitCode::FAILURE);
    }
    let actor = connection.orderer(command.order.person.as_deref()).await?;
    let reason = command.order.reason.unwrap_or_default();
    for tail in tails {
        let at = open(connection, command.service, &actor, give_up(&tail, &reason)).await?;
        println!("opened at {at}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The order that gives up what this tail lists.
pub fn give_up(tail: &LostTail, reason: &str) -> OpenEpochRequest {
    OpenEpochRequest {
        request_id: request_id(),
        shard: tail.head.as_ref().map(|head| head.shard).unwrap_or_default(),
        reason: reason.to_owned(),
        withdraw: true,
        known_epoch: tail.known_epoch,
        known_seq: tail.known_seq,
    }
}

/// Whichever replica owns the shard answers; the place of the entry.
pub async fn open(
    connection: &Connection,
    service: Service,
    actor: &Actor,
    order: OpenEpochRequest,
) -> anyhow::Result<String> {
    let mut last: Option<Status> = None;
    for mut client in connection.journals(service, actor)? {
        match client.open_epoch(order.clone()).await {
            Ok(answer) => {
                let at = answer.into_inner().position.context("an answer without its position")?;
                return Ok(format!("{}/{}/{}.{}", at.service, at.shard, at.epoch, at.seq));
            }
            Err(status) if status.code() == Code::Unavailable => last = Some(status),
            Err(status) => bail!("{service}: {}", explain(&status)),
        }
    }
    match last {
        Some(status) => bail!("{service}: {}", explain(&status)),
        None => bail!("{service} has no address"),
    }
}

fn shown(service: Service, tail: &LostTail) -> String {
    let head = tail.head.clone().unwrap_or_default();
    let differs = if tail.differs { "; others tell an entry differently that stands here" } else { "" };
    format!(
        "{service} shard {}: the journal ends at {}.{}; {} know up to {}.{}{differs}\n{}",
        head.shard,
        head.epoch,
        head.seq,
        tail.known_by.join(", "),
        tail.known_epoch,
        tail.known_seq,
        table(&tail.ghosts)
    )
}

fn table(ghosts: &[Ghost]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["entry", "type", "time", "subject"]);
    for ghost in ghosts {
        let at = format!("{}/{}/{}.{}", ghost.service, ghost.shard, ghost.epoch, ghost.seq);
        let kind = if ghost.r#type.is_empty() { "(nobody holds it any more)" } else { &ghost.r#type };
        let time = Time(ghost.recorded_at).set().map(|time| time.to_string()).unwrap_or_default();
        table.add_row([at, kind.to_owned(), time, ghost.subject.clone()]);
    }
    table
}

/// All that one service has on record as withdrawn.
pub async fn withdrawn(connection: &Connection, service: Service) -> anyhow::Result<ListGhostsResponse> {
    let mut client = connection.journal(service);
    let mut all = ListGhostsResponse::default();
    loop {
        let ask = ListGhostsRequest { after: all.ghosts.len() as u64 };
        let page = client.list_ghosts(ask).await;
        let page = page.map_err(|status| anyhow::anyhow!("{service}: {}", explain(&status)))?.into_inner();
        all.withdrawn = page.withdrawn;
        all.ghosts.extend(page.ghosts);
        if !page.more {
            return Ok(all);
        }
    }
}

async fn ghosts(connection: &Connection, only: Option<Service>) -> anyhow::Result<()> {
    let mut any = false;
    for service in Service::ALL.into_iter().filter(|service| only.is_none_or(|only| only == *service)) {
        let all = withdrawn(connection, service).await?;
        for stretch in &all.withdrawn {
            any = true;
            let whose = if stretch.own { "took back its own" } else { "had heard and lost" };
            println!(
                "{service} {whose} {}/{} after {}.{} up to {}.{} (epoch {})",
                stretch.service,
                stretch.shard,
                stretch.from_epoch,
                stretch.from_seq,
                stretch.to_epoch,
                stretch.to_seq,
                stretch.epoch
            );
        }
        if !all.ghosts.is_empty() {
            println!("{}", table(&all.ghosts));
        }
    }
    if !any {
        println!("nothing was ever withdrawn");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        journal: JournalCommand,
    }

    fn parsed(words: &[&str]) -> Result<JournalCommand, clap::Error> {
        Line::try_parse_from([&["journal"], words].concat()).map(|line| line.journal)
    }

    #[test]
    fn history_is_given_up_with_a_reason_only() {
        assert!(parsed(&["recover", "--service", "intake", "--confirm"]).is_err());
        let asked = parsed(&["recover", "--service", "intake", "--shard", "3", "--confirm", "--reason", "x"]);
        let Ok(JournalCommand::Recover(recover)) = asked else { panic!("it is an order") };
        assert_eq!((recover.service, recover.shard), (Service::Intake, Shard::new(3)));
        assert!(parsed(&["recover", "--service", "nobody"]).is_err());
        assert!(parsed(&["epoch", "--service", "intake", "--shard", "16", "--reason", "x"]).is_err());
    }

    #[test]
    fn a_tail_is_shown_with_its_ghosts() {
        let ghost = Ghost {
            service: "intake".into(),
            shard: 3,
            epoch: 1,
            seq: 12,
            r#type: "hotline.intake.v1.TicketOpened".into(),
            subject: "a-case".into(),
            recorded_at: 1_700_000_000_000_000,
        };
        let head = proto::journal::v1::Head { shard: 3, epoch: 1, seq: 11, hash: Vec::new() };
        let unknown =
            Ghost { seq: 13, r#type: String::new(), recorded_at: 0, subject: String::new(), ..ghost.clone() };
        let tail = LostTail {
            head: Some(head),
            known_epoch: 1,
            known_seq: 13,
            known_by: vec!["stream".into(), "dispatch".into()],
            differs: false,
            ghosts: vec![ghost, unknown],
        };
        let text = shown(Service::Intake, &tail);
        for part in [
            "ends at 1.11",
            "stream, dispatch know up to 1.13",
            "TicketOpened",
            "2023-11-14",
            "a-case",
            "nobody holds",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let order = give_up(&tail, "restored-backup");
        assert_eq!((order.shard, order.withdraw, order.known_seq), (3, true, 13));
    }
}
