//! `hotline demo`: one invented day at the call centre, lived through by a seeded cast.

use std::{net::TcpListener, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use chassis::{Config, config::PORTS};
use clap::Args;

use crate::demo::{
    self,
    packs::{self, Pack},
};

/// Blocks of ports that are tried when the configured one is taken.
const BLOCKS: u16 = 20;

/// Starts everything, plays a day of cases with accelerated time and compares all journals at the end.
///
/// People of the directory acknowledge, refuse, stay silent, do their steps, approve and call back, each with a token of
/// his own and only through the contracts. The same seed gives the same cast. The last line is `lost N, doubled M`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Demo {
    /// Which of the rule books that come along; every other one than the sample's plays a day that is invented by it.
    #[arg(long, default_value = packs::SAMPLE)]
    pub pack: String,
    /// A table of complaints instead of the sample day (CSV, plain or gzipped).
    #[arg(long)]
    pub input: Option<PathBuf>,
    /// Which column becomes what; else the one of the shipped mappings whose columns the table has.
    #[arg(long)]
    pub mapping: Option<PathBuf>,
    /// A dealer list whose branches, with invented staff, take the place of the sample ones.
    #[arg(long)]
    pub dealers: Option<PathBuf>,
    /// At most so many cases.
    #[arg(long)]
    pub tickets: Option<usize>,
    /// Business seconds per real second by day; nights pass faster. Else 1440 (a day in a minute), less for long tables.
    #[arg(long)]
    pub speed: Option<f64>,
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Stop everything afterwards; the exit code is 1 if a promise was broken.
    #[arg(long)]
    pub exit: bool,
    /// Where keys and the outbox are kept; else the configuration's state folder.
    #[arg(long)]
    pub data: Option<PathBuf>,
    #[arg(long)]
    pub nats_url: Option<String>,
    #[arg(long)]
    pub database_url: Option<String>,
}

pub async fn carry_out(mut config: Config, command: Demo) -> anyhow::Result<ExitCode> {
    if config.is_production() {
        bail!("a demo moves business time, which production refuses");
    }
    if command.speed.is_some_and(|speed| !(1.0..=100_000.0).contains(&speed)) {
        bail!("--speed must lie between 1 and 100000");
    }
    let pack = Pack::find(&command.pack)?;
    let of_the_sample = command.input.is_some() || command.mapping.is_some() || command.dealers.is_some();
    if of_the_sample && !pack.is_sample() {
        bail!("--input, --mapping and --dealers belong to the pack `{}`", packs::SAMPLE);
    }
    config.nats_url = command.nats_url.unwrap_or(config.nats_url);
    config.database_url = command.database_url.unwrap_or(config.database_url);
    config.state_dir = command.data.unwrap_or(config.state_dir);
    config.base_port = free_ports(&config)?;
    // The services' daily business would tear the display apart.
    if config.telemetry.log_filter == "info" {
        config.telemetry.log_filter = "warn,sqlx=error".to_owned();
    }
    let options = demo::Options {
        pack,
        input: command.input,
        mapping: command.mapping,
        dealers: command.dealers,
        tickets: command.tickets,
        speed: command.speed,
        seed: command.seed,
        exit: command.exit,
    };
    demo::run(config, options).await
}

/// The configured ports, or the next block of them that nobody listens on.
pub fn free_ports(config: &Config) -> anyhow::Result<u16> {
    let free = |base: u16| (0..PORTS).all(|place| TcpListener::bind((config.listen, base + place)).is_ok());
    (0..BLOCKS)
        .filter_map(|block| config.base_port.checked_add(block * 10))
        .find(|base| *base < u16::MAX - 10 && free(*base))
        .with_context(|| format!("no free ports for the services from {} on", config.base_port))
}
