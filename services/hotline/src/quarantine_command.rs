//! `hotline quarantine`: inputs that a service could not decide, and what waits behind them.

use std::process::ExitCode;

use chassis::Config;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use proto::{
    Service,
    journal::v1::{
        DiscardRequest, GetQuarantinedRequest, ListQuarantineRequest, Quarantined, RedriveRequest,
    },
};
use tonic::Status;

use crate::{
    cli::service,
    client::{Connection, explain, request_id},
};

#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List what could not be decided: the first input of each queue, and how many wait behind it.
    List {
        /// Only this service; else all.
        #[arg(value_parser = service)]
        service: Option<Service>,
    },
    /// Show one input with its content and what waits behind it.
    Show {
        #[arg(value_parser = service)]
        service: Service,
        /// Its id, as listed.
        id: String,
    },
    /// Decide the first input of a queue again, then what waits behind it, in order.
    Redrive(Order),
    /// Drop the first input of a queue for good, and go on with what waits behind it.
    Discard(Order),
}

#[derive(Debug, Args)]
pub struct Order {
    #[arg(value_parser = service)]
    pub service: Service,
    /// Its id, as listed.
    pub id: String,
    /// Goes on record.
    #[arg(long)]
    pub reason: Reason,
    /// The administrator who orders it, by directory code; else the command line itself.
    #[arg(long)]
    pub person: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Reason {
    /// The program or the rule book was mended.
    Mended,
    /// Somebody did by hand what it would have done.
    DoneByHand,
    /// It was said again in another way.
    Repeated,
    /// It does not matter any more.
    Obsolete,
    /// It should never have been said.
    Wrong,
}

impl Reason {
    fn code(self) -> String {
        match self {
            Reason::Mended => "mended",
            Reason::DoneByHand => "done-by-hand",
            Reason::Repeated => "repeated",
            Reason::Obsolete => "obsolete",
            Reason::Wrong => "wrong",
        }
        .to_owned()
    }
}

fn said(status: &Status) -> anyhow::Error {
    anyhow::anyhow!(explain(status))
}

pub async fn carry_out(config: Config, command: QuarantineCommand) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    match command {
        QuarantineCommand::List { service } => {
            let services = match service {
                Some(service) => vec![service],
                None => Service::ALL.to_vec(),
            };
            list(&connection, &services).await?;
        }
        QuarantineCommand::Show { service, id } => show(&connection, service, id).await?,
        QuarantineCommand::Redrive(order) => {
            let ask = RedriveRequest { request_id: request_id(), id: order.id, reason: order.reason.code() };
            let actor = connection.orderer(order.person.as_deref()).await?;
            let mut client = connection.quarantine(order.service, &actor);
            let done = client.redrive(ask).await.map_err(|status| said(&status))?.into_inner();
            report(done.applied, &done.failed_id, done.more);
        }
        QuarantineCommand::Discard(order) => {
            let ask = DiscardRequest { request_id: request_id(), id: order.id, reason: order.reason.code() };
            let actor = connection.orderer(order.person.as_deref()).await?;
            let mut client = connection.quarantine(order.service, &actor);
            let done = client.discard(ask).await.map_err(|status| said(&status))?.into_inner();
            report(done.applied, &done.failed_id, done.more);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(connection: &Connection, services: &[Service]) -> anyhow::Result<()> {
    let mut count = 0;
    for service in services {
        let mut client = connection.quarantine(*service, &connection.system());
        let mut after = String::new();
        loop {
            let ask = ListQuarantineRequest { after, limit: 0 };
            let page = client.list_quarantine(ask).await.map_err(|status| said(&status))?.into_inner().inputs;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            page.iter().for_each(|input| println!("{service:<13} {}", line(input)));
            count += page.len();
        }
    }
    if count == 0 {
        println!("nothing is in quarantine");
    }
    Ok(())
}

async fn show(connection: &Connection, service: Service, id: String) -> anyhow::Result<()> {
    let mut client = connection.quarantine(service, &connection.system());
    let found = client
        .get_quarantined(GetQuarantinedRequest { id })
        .await
        .map_err(|status| said(&status))?
        .into_inner();
    if let Some(input) = &found.input {
        println!(
            "{}\ncause      {}\nholds back {}\n{}",
            line(input),
            input.cause,
            input.aggregate_id,
            input.reason
        );
    }
    println!("{}", found.content_json);
    found.behind.iter().for_each(|input| println!("  behind it: {}", line(input)));
    Ok(())
}

fn line(input: &Quarantined) -> String {
    let at = Timestamp::from_microsecond(input.set_aside_at).unwrap_or_default();
    let fault = if input.fault.is_empty() { "waits" } else { &input.fault };
    format!("{}  {at:.0}  {fault:<9} {}  ({} behind)", input.id, input.input_type, input.behind)
}

fn report(applied: u32, failed: &str, more: bool) {
    let left = match (failed, more) {
        ("", false) => "nothing is held back any more".to_owned(),
        ("", true) => "the others follow by themselves".to_owned(),
        (failed, _) => format!("{failed} failed and is the first now"),
    };
    println!("{applied} inputs decided; {left}");
}
