//! `cargo xtask bench`: the measurements that the targets are stated for.
//!
//! Same machine for everything, servers with the tuning of the targets and empty at the start; a table for people and
//! JSON for comparing, both under `target/bench/`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use clap::ValueEnum;
use local_engines::{Engines, Options, Servers, Tuning};

use crate::{program, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// What is measured.
    what: What,
    /// Anything else for `hotline bench`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    more: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Taking tickets in: commands a second, and how long each takes.
    Intake,
    /// Whole lives of tickets, from the first call to the closing.
    Life,
    /// Twice as many calls as are carried out: `overload --seconds 300 --rounds 1`.
    Overload,
    /// The console's pages over 200,000 cases, and two hundred open boards.
    Desk,
    /// A thousand branches with all rule books in force: checks, memory, how soon everybody knows.
    Packs,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Intake => "intake",
            What::Life => "life",
            What::Overload => "overload",
            What::Desk => "desk",
            What::Packs => "packs",
        }
    }
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let hotline = tokio::task::spawn_blocking(|| workspace::build_hotline("bench-run")).await??;
    let engines = Engines::start(Options {
        servers: Servers::Ours,
        fresh: true,
        tuning: Tuning::Bench,
        ..Options::new(workspace::data("bench"))
    })
    .await?;
    let results = workspace::target().join("bench");
    fs::create_dir_all(&results)?;
    let json = results.join(format!("{}.json", args.what.name()));
    let table = results.join(format!("{}.txt", args.what.name()));

    let mut command = program::tied(&hotline);
    command
        .args(["bench", args.what.name()])
        .args(["--nats-url", &engines.nats_url(), "--database-url", &engines.database_url()])
        .arg("--json")
        .arg(&json)
        .args(&args.more)
        .current_dir(workspace::root());
    let outcome = run_keeping_output(command, table.clone()).await;
    engines.stop().await?;
    let status = outcome?;
    if status.success() {
        eprintln!("kept in {} and {}", shown(&table), shown(&json));
    }
    Ok(program::exit_code(status))
}

/// The program's output goes to the terminal and into a file.
async fn run_keeping_output(mut command: Command, table: PathBuf) -> Result<std::process::ExitStatus> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(Stdio::from(writer));
    let mut file = File::create(&table).with_context(|| format!("cannot write {}", table.display()))?;
    let copying = tokio::task::spawn_blocking(move || -> Result<()> {
        for line in BufReader::new(reader).lines() {
            let line = line?;
            println!("{line}");
            writeln!(file, "{line}")?;
        }
        Ok(())
    });
    let status = program::run(command).await?;
    copying.await??;
    Ok(status)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}
