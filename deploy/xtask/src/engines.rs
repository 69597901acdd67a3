//! `cargo xtask engines`: the two servers alone, for working on one service or looking into a database.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use local_engines::{Engines, NatsUser, Options, Servers, Tuning};

use crate::{program, workspace};

const PURPOSE: &str = "standing";

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Throws away what the last run kept.
    #[arg(long)]
    fresh: bool,
    /// Tuned for measuring.
    #[arg(long)]
    bench: bool,
    /// A free one if not given.
    #[arg(long)]
    nats_port: Option<u16>,
    /// A free one if not given.
    #[arg(long)]
    pg_port: Option<u16>,
}

#[derive(Subcommand)]
enum Action {
    /// Stops the pair that runs, whoever started it.
    Stop,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    match args.action {
        Some(Action::Stop) => stop().await?,
        None => stand(&args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn stand(args: &Args) -> Result<()> {
    let engines = Engines::start(Options {
        servers: Servers::Ours,
        nats_port: args.nats_port,
        pg_port: args.pg_port,
        fresh: args.fresh,
        tuning: if args.bench { Tuning::Bench } else { Tuning::Test },
        ..Options::new(workspace::data(PURPOSE))
    })
    .await?;
    // For `cargo xtask`, which then uses them instead of its own; for `hotline` itself.
    for prefix in ["", "HOTLINE_"] {
        println!("export {prefix}NATS_URL={}", engines.nats_url());
        println!("export {prefix}DATABASE_URL={}", engines.database_url());
    }
    for (name, user) in [
        ("branch gateway", NatsUser::BranchGateway),
        ("analytics", NatsUser::Analytics),
        ("analytics admin", NatsUser::AnalyticsAdmin),
    ] {
        println!("# NATS as {name}: {}", engines.nats_url_of(user)?);
    }
    println!("# until Ctrl-C, or `cargo xtask engines stop`");
    program::until_asked_to_end().await?;
    Ok(engines.stop().await?)
}

async fn stop() -> Result<()> {
    let stopped = local_engines::stop_in(&workspace::data(PURPOSE)).await?;
    println!("{}", if stopped { "stopped" } else { "nothing was running" });
    Ok(())
}
