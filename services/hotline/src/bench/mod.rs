//! Measurements that the targets are stated for, each beside a reference taken in the same run.
//!
//! ```text
//! intake.rs (callers over gRPC)   life.rs (a cast driven by the event stream)   overload.rs (twice what is carried out)
//!   calls.rs: invented callers   packs.rs (a thousand branches, all rule books at once)
//! desk.rs (pages over many.rs: 200,000 cases, copied)
//!   measure.rs: percentiles, CPU of all processes, WAL      reference.rs: the very rows, in bulk, on one connection
//! ```
//!
//! Invariants: a figure is the median of the rounds; what was refused, lost or left unfinished is shown beside it.

pub mod calls;
pub mod desk;
pub mod intake;
pub mod life;
pub mod many;
pub mod measure;
pub mod overload;
pub mod packs;
pub mod reference;

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::Context;
use chassis::{Config, telemetry};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    client::Connection,
    demo::{ground, people::People},
    run::{self, Part},
};
use measure::{Cpu, Processes, Store, median};

const PATIENCE: Duration = Duration::from_secs(60);

/// Which path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Intake,
    Life,
    Overload,
    /// The console's pages over many cases.
    Desk,
    Packs,
}

impl What {
    /// What has to run for it.
    fn parts(self) -> Vec<Part> {
        if self == What::Desk { Part::all() } else { Part::services() }
    }

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

/// How long, how many.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub callers: usize,
    pub seconds: u64,
    pub rounds: usize,
    /// Of the invented organisation (packs).
    pub branches: usize,
}

/// What a measurement works with.
pub struct Bench {
    pub connection: Connection,
    pub store: PgConnection,
    pub processes: Processes,
    pub branches: Vec<String>,
}

impl Bench {
    /// What has been written and used so far.
    pub async fn used(&mut self, schemas: &[&str]) -> anyhow::Result<(Store, Cpu)> {
        let store = Store::read(&mut self.store, schemas).await?;
        Ok((store, self.processes.cpu()))
    }
}

/// The figures of one round, by name, in order.
#[derive(Clone, Debug)]
pub struct Round(Vec<(&'static str, f64)>);

impl Round {
    pub fn new(figures: Vec<(&'static str, f64)>) -> Round {
        Round(figures)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }

    fn get(&self, name: &str) -> f64 {
        self.0.iter().find(|(found, _)| *found == name).map_or(0.0, |(_, value)| *value)
    }
}

/// Starts all services in this process, measures, prints.
pub async fn run(config: Config, what: What, size: Size, json: Option<&Path>) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::start(&config.telemetry, "hotline-bench")?;
    let stop = CancellationToken::new();
    let running = run::start(config.clone(), &what.parts(), stop.clone())?;
    let mut services = tokio::spawn(running.wait());
    let measured = tokio::select! {
        ended = &mut services => {
            ended.context("the services panicked")??;
            anyhow::bail!("the services stopped before the measurement was over");
        }
        measured = measure(&config, what, size) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped by hand")),
    };
    stop.cancel();
    services.await.context("the services panicked")??;
    let rounds = measured?;
    let targets = match what {
        What::Intake => intake::targets(),
        What::Life => life::targets(),
        What::Overload => overload::targets(),
        What::Desk => desk::targets(),
        What::Packs => packs::targets(),
    };
    println!("{}", table(&rounds, &targets));
    if let Some(path) = json {
        measure::write_json(path, &document(what, size, &rounds, &targets))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(config: &Config, what: What, size: Size) -> anyhow::Result<Vec<Round>> {
    let began = Instant::now();
    run::ready(config, &what.parts(), PATIENCE).await?;
    eprintln!("services up after {:.1} s", began.elapsed().as_secs_f64());
    let connection = Connection::open(config.clone()).await?;
    if what == What::Packs {
        return packs::run(config, &connection, size).await;
    }
    ground::prepare(&connection, None).await.context("the organisation is not in place")?;
    let connection = Connection::open(config.clone()).await?;
    let mut store = measure::connect(&config.database_url).await?;
    let processes = Processes::find(&mut store, &config.nats_url).await?;
    if !processes.sees_all() {
        eprintln!("the engines run elsewhere: their processor time is left out");
    }
    let people = People::read(&connection).await?;
    let branches = people.staff.branches.iter().map(|(code, _)| code.clone()).collect();
    let mut bench = Bench { connection, store, processes, branches };
    // The organisation has to be known everywhere before the first call.
    intake::drained(&bench).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    match what {
        What::Intake => intake::run(&mut bench, size.callers, size.seconds, size.rounds).await,
        What::Life => life::run(&mut bench, size.callers, size.seconds, size.rounds).await,
        What::Overload => overload::run(&mut bench, size.callers, size.seconds, size.rounds).await,
        What::Desk => {
            let base = format!("http://localhost:{}", config.console_address().port());
            desk::run(&mut bench, &base, size.rounds).await
        }
        What::Packs => unreachable!("it has an organisation of its own"),
    }
}

fn table(rounds: &[Round], targets: &Value) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut head = vec!["figure".to_owned(), "median".to_owned(), "target".to_owned()];
    head.extend((1..=rounds.len()).map(|round| format!("round {round}")));
    table.set_header(head);
    for name in rounds.first().into_iter().flat_map(Round::names) {
        let target = targets.get(name).map(ToString::to_string).unwrap_or_default();
        let mut row = vec![name.to_owned(), shown(middle(rounds, name)), target];
        row.extend(rounds.iter().map(|round| shown(round.get(name))));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn middle(rounds: &[Round], name: &str) -> f64 {
    median(&rounds.iter().map(|round| round.get(name)).collect::<Vec<_>>())
}

fn shown(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn document(what: What, size: Size, rounds: &[Round], targets: &Value) -> Value {
    let names: Vec<&str> = rounds.first().into_iter().flat_map(Round::names).collect();
    let medians: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!(middle(rounds, name)))).collect();
    let all: Vec<Value> = rounds
        .iter()
        .map(|round| round.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect())
        .map(Value::Object)
        .collect();
    json!({
        "what": what.name(),
        "callers": size.callers,
        "seconds": size.seconds,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "median": medians,
        "rounds": all,
        "target": targets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds() -> Vec<Round> {
        [100.0, 900.0, 300.0]
            .map(|rate| Round::new(vec![("lives / s", rate), ("ratio", rate / 1_000.0)]))
            .to_vec()
    }

    #[test]
    fn the_table_shows_the_median_beside_its_target() {
        let text = table(&rounds(), &json!({ "lives / s": 600 })).to_string();
        let line = text.lines().find(|line| line.contains("lives / s")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words, ["lives", "/", "s", "300", "600", "100", "900", "300"]);
    }

    #[test]
    fn the_document_holds_every_round() {
        let size = Size { callers: 2, seconds: 1, rounds: 3, branches: 1 };
        let document = document(What::Life, size, &rounds(), &json!({}));
        assert_eq!(document["median"]["ratio"], 0.3);
        assert_eq!(document["rounds"].as_array().unwrap().len(), 3);
    }
}
