//! `hotline ticket open | show`.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::{Context, bail};
use chassis::Config;
use clap::{Args, Subcommand};
use proto::{
    Time,
    dispatch::v1::GetWorkRequest,
    follow_up::v1::GetFollowUpsRequest,
    intake::v1::{GetTicketRequest, IdentifyRequest, OpenTicketRequest, Ticket},
    sla_watchdog::v1::GetClocksRequest,
};

use crate::client::{Connection, explain, request_id};

#[derive(Debug, Subcommand)]
pub enum TicketCommand {
    /// Open a case.
    Open(Open),
    /// Show a case as its owners see it.
    Show {
        /// The number that was read out, or the id.
        ticket: String,
        /// Show personal fields; the reason goes on record.
        #[arg(long)]
        reveal: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Open {
    #[arg(long)]
    pub phone: String,
    #[arg(long)]
    pub name: String,
    #[arg(long, default_value = "")]
    pub plate: String,
    #[arg(long, default_value = "")]
    pub vin: String,
    #[arg(long, default_value = "")]
    pub model: String,
    #[arg(long)]
    pub branch: String,
    /// The line of business.
    #[arg(long, default_value = "dealer-group")]
    pub playbook: String,
    #[arg(long, default_value = "complaint")]
    pub case_type: String,
    #[arg(long, default_value = "phone")]
    pub channel: String,
    /// Fields of the form: --field category=repair_quality --field content=...
    #[arg(long = "field", value_parser = pair)]
    pub fields: Vec<(String, String)>,
    /// Persons complained about, by directory code.
    #[arg(long)]
    pub about: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` is not NAME=VALUE"))
}

pub async fn carry_out(config: Config, command: TicketCommand) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    match command {
        TicketCommand::Open(open) => self::open(&connection, open).await,
        TicketCommand::Show { ticket, reveal } => show(&connection, &ticket, reveal).await,
    }
}

async fn open(connection: &Connection, open: Open) -> anyhow::Result<ExitCode> {
    let mut intake = connection.intake(&connection.system());
    let identified = intake
        .identify(IdentifyRequest {
            request_id: request_id(),
            phone: open.phone.clone(),
            name: open.name.clone(),
            plate: open.plate.clone(),
            vin: open.vin.clone(),
            model: open.model.clone(),
            brand: String::new(),
        })
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?
        .into_inner();
    let mut form: BTreeMap<String, String> = open.fields.into_iter().collect();
    let given =
        [("customer_name", open.name), ("phone", open.phone), ("plate", open.plate), ("model", open.model)];
    for (field, value) in given {
        if !value.is_empty() {
            form.entry(field.to_owned()).or_insert(value);
        }
    }
    let opened = intake
        .open_ticket(OpenTicketRequest {
            request_id: request_id(),
            customer_id: identified.customer_id,
            asset_id: identified.asset_id,
            playbook: open.playbook,
            case_type: open.case_type,
            branch: open.branch,
            channel: open.channel,
            form,
            about_persons: open.about,
            occurred_at: 0,
        })
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?
        .into_inner();
    if opened.ticket_id.is_empty() {
        println!("contact  {}", opened.contact_id);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}  {}  {} {}", opened.number, opened.ticket_id, opened.severity, opened.reasons.join(" "));
    Ok(ExitCode::SUCCESS)
}

async fn show(connection: &Connection, ticket: &str, reveal: Option<String>) -> anyhow::Result<ExitCode> {
    let actor = connection.system();
    let mut ask =
        GetTicketRequest { reveal_reason: reveal.clone().unwrap_or_default(), ..Default::default() };
    match ticket.parse::<proto::Id>() {
        Ok(id) => ask.ticket_id = id.to_string(),
        Err(_) => ask.number = ticket.to_owned(),
    }
    let found = connection.intake(&actor).get_ticket(ask).await.map_err(|s| anyhow::anyhow!(explain(&s)))?;
    let Some(ticket) = found.into_inner().ticket else { bail!("the answer holds no ticket") };
    let id = ticket.r#ref.as_ref().context("a ticket without its reference")?.ticket_id.clone();
    print_ticket(&ticket);
    let work = connection
        .dispatch(&actor)
        .get_work(GetWorkRequest { ticket_id: id.clone(), reveal_reason: String::new() })
        .await;
    if let Ok(Some(work)) = work.map(|answer| answer.into_inner().work) {
        println!("work     {} at {} ({}) {}", work.state, work.unit, work.role, work.assignee);
        for step in work.steps {
            println!("  step   {:<20} {:<12} {} {}", step.id, step.state, step.role, time(step.done_at));
        }
        for approval in work.approvals {
            println!("  approval {} {}", approval.kind, approval.state);
        }
    }
    let clocks = connection.watchdog(&actor).get_clocks(GetClocksRequest { ticket_id: id.clone() }).await;
    for clock in clocks.map(|answer| answer.into_inner().clocks).unwrap_or_default() {
        println!(
            "clock    {:<20} {:<10} due {}  rungs {}",
            format!("{} {}", clock.clock, clock.instance),
            clock.state,
            time(clock.due_at),
            clock.rungs.len()
        );
    }
    let calls = connection
        .follow_up(&actor)
        .get_follow_ups(GetFollowUpsRequest { ticket_id: id, reveal_reason: String::new() })
        .await;
    for call in calls.map(|answer| answer.into_inner().follow_ups).unwrap_or_default() {
        println!("{:<8} {:<20} {:<10} try {}", call.kind, call.rule, call.state, time(call.try_at));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_ticket(ticket: &Ticket) {
    let reference = ticket.r#ref.clone().unwrap_or_default();
    println!("{}  {}  cycle {}", reference.number, reference.ticket_id, reference.cycle);
    println!(
        "{}  {} at {}  {} / {}  {}",
        ticket.state,
        reference.case_type,
        reference.branch,
        ticket.category,
        ticket.severity,
        ticket.reasons.join(" ")
    );
    println!("opened {}  closed {}", time(ticket.opened_at), time(ticket.closed_at));
    let mut personal: Vec<_> = ticket.personal.iter().collect();
    personal.sort();
    for (field, value) in personal {
        println!("  {field}: {value}");
    }
}

fn time(at: i64) -> String {
    Time(at).set().map_or_else(|| "-".to_owned(), |at| at.to_string())
}
