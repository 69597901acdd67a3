//! `cargo xtask test --live-scenarios`: the rule books' scenarios in the running services.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use tests::live::run::{Options, run};

/// Each scenario in a fresh system, under manual time, over the public contracts.
#[derive(Parser)]
struct Line {
    /// Only this rule book.
    #[arg(long)]
    pack: Option<String>,
    /// Only scenarios in whose sentence or file this stands.
    #[arg(long)]
    scenario: Option<String>,
    /// A part of them: `1/10`.
    #[arg(long, default_value = "1/1", value_parser = share)]
    share: usize,
    /// Which part.
    #[arg(long, default_value_t = 0)]
    seed: usize,
    /// How many at once.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// The timeline of all, not only of those that fail.
    #[arg(long)]
    timeline: bool,
    #[arg(long, default_value = "deploy/playbooks")]
    folder: PathBuf,
    #[arg(long, default_value = "target/live/results.json")]
    results: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let line = Line::parse();
    let options = Options {
        folder: line.folder,
        pack: line.pack,
        scenario: line.scenario,
        share: line.share,
        seed: line.seed,
        jobs: line.jobs,
        results: line.results,
        timeline: line.timeline,
    };
    match run(options).await {
        Ok(tally) if tally.held == tally.wanted => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn share(text: &str) -> Result<usize, String> {
    let of = text.strip_prefix("1/").and_then(|of| of.parse().ok()).filter(|of| *of > 0);
    of.ok_or_else(|| format!("`{text}` is no share; write 1/10"))
}
