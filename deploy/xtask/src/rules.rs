//! `cargo xtask rules`: the coverage of the rules catalogue.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{program, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// The catalogue.
    #[arg(long, default_value = "../shared/design/rules.md")]
    catalogue: PathBuf,
    /// Anything else for `hotline playbook rules`: `--all`, `--language zh-CN`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Every folder of `deploy/playbooks` is a rule book.
pub fn run(args: &Args) -> Result<ExitCode> {
    let hotline = workspace::build_hotline("dev")?;
    let folder = workspace::root().join("deploy/playbooks");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut packs: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    packs.sort();
    let mut command = Command::new(hotline);
    command.current_dir(workspace::root()).args(["playbook", "rules"]);
    command.arg(&args.catalogue).args(packs).args(&args.more);
    let status = command.status().context("`hotline playbook rules` could not be run")?;
    Ok(program::exit_code(status))
}
