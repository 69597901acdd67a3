//! `cargo xtask rule-books`: the documents beside the rule books, made from them.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{program, workspace};

const RENEW: &str = "cargo xtask rule-books --write";

#[derive(clap::Args)]
pub struct Args {
    /// Write them; else they are compared, and a stale one fails.
    #[arg(long)]
    write: bool,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    Ok(program::exit_code(books(args.write)?))
}

/// Every document says what its rule book says.
pub fn current() -> Result<()> {
    if books(false)?.success() {
        return Ok(());
    }
    bail!("documents of rule books are stale: {RENEW}")
}

fn books(write: bool) -> Result<std::process::ExitStatus> {
    let hotline = workspace::build_hotline("dev")?;
    let mut command = Command::new(hotline);
    command.current_dir(workspace::root()).args(["playbook", "books", "--renew", RENEW]).args(packs()?);
    if write {
        command.arg("--write");
    }
    command.status().context("`hotline playbook books` could not be run")
}

/// Every folder of `deploy/playbooks` is a rule book.
pub fn packs() -> Result<Vec<PathBuf>> {
    let short = PathBuf::from("deploy/playbooks");
    let folder = workspace::root().join(&short);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    let mut packs: Vec<PathBuf> = folders.map(|entry| short.join(entry.file_name())).collect();
    packs.sort();
    Ok(packs)
}
