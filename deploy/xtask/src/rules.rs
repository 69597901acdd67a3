//! `cargo xtask rules`: the coverage of the rules catalogue.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{live, program, rule_books, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// The catalogue.
    #[arg(long, default_value = "../shared/design/rules.md")]
    catalogue: PathBuf,
    /// Take each clause away, one at a time: a rule is shown if scenarios that cover it fail without it.
    #[arg(long)]
    mutate: bool,
    /// Fail if fewer of the catalogue's rules are shown, in per cent.
    #[arg(long, value_name = "PERCENT")]
    min: Option<u8>,
    /// Anything else for `hotline playbook rules`: `--all`, `--language zh-CN`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Every folder of `deploy/playbooks` is a rule book.
pub fn run(args: &Args) -> Result<ExitCode> {
    let hotline = workspace::build_hotline("dev")?;
    let mut command = Command::new(hotline);
    command.current_dir(workspace::root()).args(["playbook", "rules"]);
    command.arg(&args.catalogue).args(rule_books::packs()?);
    if args.mutate {
        command.arg("--mutate");
    }
    if let Some(min) = args.min {
        command.args(["--min", &min.to_string()]);
    }
    // What the live runs found, if there were any.
    let live = live::results();
    if live.exists() {
        command.arg("--live").arg(live);
    }
    command.args(&args.more);
    let status = command.status().context("`hotline playbook rules` could not be run")?;
    Ok(program::exit_code(status))
}
