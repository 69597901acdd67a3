//! `cargo xtask demo`: the whole system on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use local_engines::{Engines, NatsUser, Options};

use crate::{program, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// Which rule book of deploy/playbooks is played; else the sample day of the dealer group.
    #[arg(long)]
    pack: Option<String>,
    /// A file with complaints to take in instead of the sample ones.
    #[arg(long)]
    input: Option<PathBuf>,
    /// How many tickets are opened.
    #[arg(long)]
    tickets: Option<u64>,
    /// How many times faster than the real one the clock runs.
    #[arg(long)]
    speed: Option<f64>,
    /// Ends when everything has been shown; otherwise the system stays up until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Goes on with the data of the last demo.
    #[arg(long)]
    keep: bool,
    /// Anything else for `hotline demo`.
    #[arg(last = true)]
    more: Vec<String>,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let options = Options { fresh: !args.keep, ..Options::new(workspace::data("demo")) };
    // The servers are found, installed and started while the program is built.
    // A table may hold thousands of cases: there optimised code saves more time than it costs to build.
    let profile = if args.input.is_some() { "bench-run" } else { "dev" };
    let building = async { tokio::task::spawn_blocking(move || workspace::build_hotline(profile)).await? };
    let starting = async { Engines::start(options).await.context("the engines did not start") };
    let (hotline, engines) = tokio::try_join!(building, starting)?;

    let mut command = program::tied(&hotline);
    command.current_dir(workspace::root());
    // What sets up the branches' and the analysts' streams needs their accounts; only our own server tells.
    if let Ok(nats) = engines.our_nats("logging in as another user") {
        command
            .env("NATS_BRANCH_URL", nats.url_of(NatsUser::BranchGateway))
            .env("NATS_ANALYTICS_ADMIN_URL", nats.url_of(NatsUser::AnalyticsAdmin));
    }
    command.args(arguments(&args, &engines.nats_url(), &engines.database_url()));
    let outcome = program::run(command).await;
    engines.stop().await?;
    Ok(program::exit_code(outcome?))
}

fn arguments(args: &Args, nats: &str, database: &str) -> Vec<String> {
    let mut words: Vec<String> =
        ["demo", "--nats-url", nats, "--database-url", database].map(str::to_owned).to_vec();
    if let Some(pack) = &args.pack {
        words.extend(["--pack".into(), pack.clone()]);
    }
    if let Some(input) = &args.input {
        // The program runs in the root of the workspace, the caller may not.
        let input = std::path::absolute(input).unwrap_or_else(|_| input.clone());
        words.extend(["--input".into(), input.display().to_string()]);
    }
    if let Some(tickets) = args.tickets {
        words.extend(["--tickets".into(), tickets.to_string()]);
    }
    if let Some(speed) = args.speed {
        words.extend(["--speed".into(), speed.to_string()]);
    }
    if args.exit {
        words.push("--exit".into());
    }
    words.extend(args.more.iter().cloned());
    words
}
