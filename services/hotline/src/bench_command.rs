//! `hotline bench`: how much, how fast, beside a reference taken in the same run.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use chassis::Config;
use clap::{Args, ValueEnum};

use crate::{
    bench::{self, Size},
    demo_command::free_ports,
};

/// Starts all services in this process and measures a path.
///
/// The reference writes the very rows and journal entries of that path in bulk on one connection and does nothing else.
/// Use an empty database of its own: the cases stay.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Bench {
    pub what: What,
    /// How long each round is.
    #[arg(long, default_value_t = 30)]
    pub seconds: u64,
    /// Callers (intake), or lives on their way at once (life).
    #[arg(long, default_value_t = 256)]
    pub callers: usize,
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Of the invented organisation (packs).
    #[arg(long, default_value_t = 1_000)]
    pub branches: usize,
    /// Also as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    #[arg(long)]
    pub nats_url: Option<String>,
    #[arg(long)]
    pub database_url: Option<String>,
    /// Where keys and the outbox are kept; else the configuration's state folder.
    #[arg(long)]
    pub data: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum What {
    /// Cases taken in over gRPC.
    Intake,
    /// Whole lives through all services.
    Life,
    /// Twice as many calls as are carried out: what is accepted, how fast, and how the rest is refused.
    Overload,
    /// The console's pages over 200,000 cases, and two hundred open boards. No reference.
    Desk,
    /// A thousand branches with all rule books in force.
    Packs,
}

pub async fn carry_out(mut config: Config, command: Bench) -> anyhow::Result<ExitCode> {
    if config.is_production() {
        bail!("a bench fills the store with invented cases; it is refused in production");
    }
    if command.seconds == 0 || command.callers == 0 || command.rounds == 0 || command.branches == 0 {
        bail!("--seconds, --callers, --rounds and --branches begin at 1");
    }
    config.nats_url = command.nats_url.unwrap_or(config.nats_url);
    config.database_url = command.database_url.unwrap_or(config.database_url);
    config.state_dir = command.data.unwrap_or(config.state_dir);
    config.base_port = free_ports(&config)?;
    if config.telemetry.log_filter == "info" {
        config.telemetry.log_filter = "error".to_owned();
    }
    let what = match command.what {
        What::Intake => bench::What::Intake,
        What::Life => bench::What::Life,
        What::Overload => bench::What::Overload,
        What::Desk => bench::What::Desk,
        What::Packs => bench::What::Packs,
    };
    let size = Size {
        callers: command.callers,
        seconds: command.seconds,
        rounds: command.rounds,
        branches: command.branches,
    };
    bench::run(config, what, size, command.json.as_deref()).await
}
