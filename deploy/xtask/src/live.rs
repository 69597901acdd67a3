//! `cargo xtask test --live-scenarios`: the scenarios of all rule books in the running services, each in a system of its own.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;

use crate::{program, workspace};

#[derive(clap::Args)]
#[group(id = "live")]
pub struct Args {
    /// The scenarios of the rule books in the running services, instead of the tests.
    #[arg(long)]
    pub live_scenarios: bool,
    /// Of these: only one rule book's.
    #[arg(long, requires = "live_scenarios")]
    pack: Option<String>,
    /// Only scenarios in whose sentence or file this stands.
    #[arg(long, value_name = "TEXT", requires = "live_scenarios")]
    scenario: Option<String>,
    /// A part of them, `1/10`; `--seed` says which.
    #[arg(long, requires = "live_scenarios")]
    share: Option<String>,
    #[arg(long, requires = "live_scenarios")]
    seed: Option<usize>,
    /// How many at once.
    #[arg(long, requires = "live_scenarios")]
    jobs: Option<usize>,
    /// `dev` takes less time to build.
    #[arg(long, value_name = "PROFILE", default_value = "bench-run", requires = "live_scenarios")]
    live_profile: String,
}

/// Where the results are kept: `cargo xtask rules` shows them.
#[must_use]
pub fn results() -> PathBuf {
    workspace::target().join("live/results.json")
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let profile = args.live_profile.clone();
    let built = tokio::task::spawn_blocking(move || workspace::build("live", &profile)).await??;
    let mut command = program::tied(&built);
    command.arg("--results").arg(results()).current_dir(workspace::root());
    let number = |number: usize| number.to_string();
    let options = [
        ("--pack", args.pack),
        ("--scenario", args.scenario),
        ("--share", args.share),
        ("--seed", args.seed.map(number)),
        ("--jobs", args.jobs.map(number)),
    ];
    for (name, value) in options {
        command.args(value.map(|value| [name.to_owned(), value]).into_iter().flatten());
    }
    Ok(program::exit_code(program::run(command).await?))
}
