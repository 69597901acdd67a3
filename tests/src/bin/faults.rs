//! `cargo xtask faults`: real faults on real processes and engines under load.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Parser;
use tests::faults::{self, plan::Kind};

/// Kills, freezes, cuts off, wipes and fills, while callers call; then compares all that was said.
#[derive(Parser)]
struct Line {
    /// How long faults strike, about; starting and comparing come on top.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Gives the schedule; the same seed plays it again.
    #[arg(long)]
    seed: Option<u64>,
    /// Only these kinds, by name.
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    only: Vec<Kind>,
    /// Where logs, ledger and report are kept: in a folder named by the seed.
    #[arg(long, default_value = "target/faults")]
    folder: PathBuf,
    /// How the services were built: part of the report.
    #[arg(long, default_value = "dev")]
    profile: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    play(Line::parse()).await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

async fn play(line: Line) -> anyhow::Result<ExitCode> {
    let seed = line.seed.unwrap_or_else(|| std::process::id().into());
    let folder = std::path::absolute(line.folder)?.join(format!("seed-{seed}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let kinds = if line.only.is_empty() { Kind::all().collect() } else { line.only };
    let length = Duration::from_secs_f64(line.minutes * 60.0);
    faults::run(faults::Options { length, seed, kinds, folder, profile: line.profile }).await
}

fn kind(name: &str) -> Result<Kind, String> {
    let names: Vec<&str> = Kind::all().map(Kind::name).collect();
    Kind::parse(name).ok_or_else(|| format!("there is no `{name}`; there are: {}", names.join(", ")))
}
