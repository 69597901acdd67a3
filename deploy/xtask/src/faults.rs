//! `cargo xtask faults`: real faults on real processes and engines under load. Services and rig are built alike; what is
//! measured is kept under `target/faults/`.

use std::process::ExitCode;

use anyhow::Result;

use crate::{program, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// `dev` takes less time to build, and what overflows panics.
    #[arg(long, default_value = "bench-run")]
    profile: String,
    /// For the rig: `--minutes 30`, `--seed 7`, `--only kill-owner,wipe-nats`; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let profile = args.profile.clone();
    let rig =
        tokio::task::spawn_blocking(move || workspace::build_all(&["hotline", "faults"], &profile)).await??;
    let mut command = program::tied(&rig[1]);
    command.args(["--folder".into(), workspace::target().join("faults")]).args(["--profile", &args.profile]);
    command.args(&args.more).current_dir(workspace::root());
    Ok(program::exit_code(program::run(command).await?))
}
