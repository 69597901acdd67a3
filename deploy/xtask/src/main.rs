//! The command line of `cargo xtask`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, check, demo, engines, faults, fuzz, mutate, rule_books, rules, screenshots, sim, test};

/// Everything that is done with this workspace beyond building it.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the whole system on this machine with its own NATS and Postgres.
    Demo(demo::Args),
    /// Runs all tests; arguments go to the test runner.
    Test(test::Args),
    /// Takes pictures of the console's main pages, in both languages.
    Screenshots,
    /// Formatting, lints, layers, contracts, compose file: what a change must pass beside the tests.
    Check,
    /// Which crate may depend on which.
    Layers,
    /// Measures the system against its targets.
    Bench(bench::Args),
    /// Which rules of the catalogue the rule books carry, and which scenarios show that they hold.
    Rules(rules::Args),
    /// The documents beside the rule books: compares them, or writes them anew.
    RuleBooks(rule_books::Args),
    /// Plays simulated worlds, with faults between any two actions.
    Sim(sim::Args),
    /// Plants faults one at a time and looks whether the tests notice.
    Mutate(mutate::Args),
    /// Real faults on real processes and engines under load, ending with `hotline verify`.
    Faults(faults::Args),
    /// Lets libFuzzer loose on every parser that meets the outside.
    Fuzz(fuzz::Args),
    /// Runs NATS and Postgres alone and prints their urls, until Ctrl-C.
    Engines(engines::Args),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Line::parse().command {
        Command::Demo(args) => demo::run(args).await,
        Command::Test(args) => test::run(args).await,
        Command::Screenshots => screenshots::run().await,
        Command::Check => check::run(),
        Command::Layers => check::layers().map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(args).await,
        Command::Rules(args) => rules::run(&args),
        Command::RuleBooks(args) => rule_books::run(&args),
        Command::Sim(args) => sim::run(args).await,
        Command::Mutate(args) => mutate::run(&args),
        Command::Faults(args) => faults::run(args).await,
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Engines(args) => engines::run(args).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
