//! `cargo xtask sim`: the whole system in simulated worlds, with faults. Built fast, because a world is a long day's
//! work; a failing seed is played again by the command that the simulator prints.

use std::process::ExitCode;

use anyhow::Result;

use crate::{program, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// For the simulator: `--seeds 2000`, `--seed 7 --log`, ...; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let simulator = tokio::task::spawn_blocking(|| workspace::build("simulator", "bench-run")).await??;
    let mut command = program::tied(&simulator);
    command.args(&args.more).current_dir(workspace::root());
    Ok(program::exit_code(program::run(command).await?))
}
