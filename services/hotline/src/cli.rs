//! Flags and commands.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use chassis::{Config, config::DEFAULTS};
use clap::{Parser, Subcommand, ValueEnum};
use proto::Service;

use crate::{
    activate_command, bench_command,
    client::Connection,
    demo_command, directory_command, events_command, import_command, journal_command, playbook,
    quarantine_command, report_command,
    run::{self, Part},
    ticket_command, verify_command,
};

/// The call centre: services, and the tools to look after them.
#[derive(Debug, Parser)]
#[command(name = "hotline", version, propagate_version = true)]
pub struct Cli {
    /// Configuration file (TOML). Defaults: `hotline config`; single keys: HOTLINE_* variables.
    #[arg(long, short, global = true)]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all services and the console in this process.
    Up,
    /// Run one service.
    Run { service: ServiceName },
    /// Print the configuration's defaults, commented.
    Config,
    /// Ask a running service whether it serves; for containers.
    Healthcheck {
        /// Only this service; else all.
        service: Option<ServiceName>,
    },
    /// Print a token for a system or a person (development: needs the signing key).
    Token {
        /// A person's directory code; without it: the command line itself.
        #[arg(long)]
        person: Option<String>,
    },
    /// Cases.
    #[command(subcommand)]
    Ticket(ticket_command::TicketCommand),
    /// The event stream.
    #[command(subcommand)]
    Events(events_command::EventsCommand),
    /// Open a case for every row of a table.
    Import(import_command::Import),
    /// Compare journals, event stream and read models: lost nothing, doubled nothing.
    Verify(verify_command::Verify),
    /// Journals after a restore or a promotion: what is lost, and the next epoch.
    #[command(subcommand)]
    Journal(journal_command::JournalCommand),
    /// Figures of a week or a month as a table or CSV.
    Report(report_command::Report),
    /// Start everything and play a day of complaints with a seeded cast.
    Demo(demo_command::Demo),
    /// Measure a path beside a reference taken in the same run.
    Bench(bench_command::Bench),
    /// Rule books: check, show, try on imagined and on recorded cases.
    #[command(subcommand)]
    Playbook(playbook::PlaybookCommand),
    /// Inputs that could not be decided: look at them, have them decided again, drop them.
    #[command(subcommand)]
    Quarantine(quarantine_command::QuarantineCommand),
    /// Branches, people, playbooks, calendars, and how business time runs.
    #[command(subcommand)]
    Directory(directory_command::DirectoryCommand),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ServiceName {
    Intake,
    Dispatch,
    SlaWatchdog,
    FollowUp,
    Reporting,
    Notify,
    Directory,
    Console,
}

impl From<ServiceName> for Part {
    fn from(name: ServiceName) -> Self {
        let service = match name {
            ServiceName::Intake => Service::Intake,
            ServiceName::Dispatch => Service::Dispatch,
            ServiceName::SlaWatchdog => Service::SlaWatchdog,
            ServiceName::FollowUp => Service::FollowUp,
            ServiceName::Reporting => Service::Reporting,
            ServiceName::Notify => Service::Notify,
            ServiceName::Directory => Service::Directory,
            ServiceName::Console => return Part::Console,
        };
        Part::Service(service)
    }
}

/// One of the seven that keep a journal, by name.
pub fn service(name: &str) -> Result<Service, String> {
    let names = Service::ALL.map(Service::name).join(", ");
    Service::parse(name).ok_or_else(|| format!("one of {names}"))
}

/// Reads the configuration as every command does.
pub fn config(file: Option<&std::path::Path>) -> anyhow::Result<Config> {
    Config::load(file, std::env::vars()).context("the configuration does not fit")
}

pub async fn carry_out(cli: Cli) -> anyhow::Result<ExitCode> {
    if matches!(cli.command, Command::Config) {
        print!("{DEFAULTS}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Command::Playbook(command) = cli.command {
        return match command {
            playbook::PlaybookCommand::Activate(activate) => {
                activate_command::carry_out(config(cli.config.as_deref())?, activate).await
            }
            other => playbook::carry_out(other),
        };
    }
    let config = config(cli.config.as_deref())?;
    match cli.command {
        Command::Config | Command::Playbook(_) => Ok(ExitCode::SUCCESS),
        Command::Up => run::up(config).await,
        Command::Run { service } => run::one(config, service.into()).await,
        Command::Healthcheck { service } => run::healthcheck(&config, service.map(Into::into)).await,
        Command::Token { person } => {
            let connection = Connection::open(config).await?;
            println!("{}", connection.token(person.as_deref()).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Ticket(command) => ticket_command::carry_out(config, command).await,
        Command::Events(command) => events_command::carry_out(config, command).await,
        Command::Import(command) => import_command::carry_out(config, command).await,
        Command::Verify(command) => verify_command::carry_out(config, command).await,
        Command::Journal(command) => journal_command::carry_out(config, command).await,
        Command::Report(command) => report_command::carry_out(config, command).await,
        Command::Demo(command) => demo_command::carry_out(config, command).await,
        Command::Bench(command) => bench_command::carry_out(config, command).await,
        Command::Quarantine(command) => quarantine_command::carry_out(config, command).await,
        Command::Directory(command) => directory_command::carry_out(config, command).await,
    }
}
