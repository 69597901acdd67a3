//! `simulator`: plays worlds from seeds and says what came of them. Run by `cargo xtask sim`.

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use clap::Parser;
use simulator::{
    Listening, Options, Outcome,
    fault::{Coverage, Kind},
    plan::DAY,
    play, shrink,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// From so many seeds on every pair of action and fault must have been tried.
const MANY: u64 = 500;

#[derive(Parser)]
#[command(name = "cargo xtask sim", about = "Plays the whole system in simulated worlds, with faults")]
struct Line {
    /// How many worlds are played.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of each world.
    #[arg(long, default_value_t = 7)]
    days: u64,
    /// Calls a day.
    #[arg(long, default_value_t = 72)]
    tickets: u64,
    /// Faults a day.
    #[arg(long, default_value_t = 30)]
    faults: u64,
    /// Only these faults of the plan, by number; `none` for none.
    #[arg(long)]
    only_faults: Option<String>,
    /// Only these calls of the plan, by number; `none` for none.
    #[arg(long)]
    only_tickets: Option<String>,
    /// Print everything that happens.
    #[arg(long)]
    log: bool,
    /// Plays spent on making a failing plan smaller.
    #[arg(long, default_value_t = 60)]
    shrink: usize,
}

impl Line {
    fn options(&self, seed: u64) -> Result<Options, String> {
        Ok(Options {
            seed,
            days: self.days,
            tickets: self.tickets,
            faults: self.faults,
            only_faults: places(self.only_faults.as_deref())?,
            only_tickets: places(self.only_tickets.as_deref())?,
        })
    }
}

fn places(text: Option<&str>) -> Result<Option<Vec<usize>>, String> {
    let Some(text) = text else { return Ok(None) };
    if text == "none" {
        return Ok(Some(Vec::new()));
    }
    let read = |word: &str| word.trim().parse().map_err(|_| format!("`{word}` is not a number of the plan"));
    text.split(',').map(read).collect::<Result<Vec<usize>, String>>().map(Some)
}

fn main() -> ExitCode {
    let line = Line::parse();
    match run(&line) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: &Line) -> Result<bool, String> {
    line.options(line.seed)?;
    if line.log {
        let outcome = play(&line.options(line.seed)?, Listening::Print);
        println!("seed {}: trace {:016x}", line.seed, outcome.trace);
        outcome.violations.iter().for_each(|violation| println!("{violation}"));
        return Ok(outcome.violations.is_empty());
    }
    let began = Instant::now();
    let total = play_all(line)?;
    print(line, &total, began.elapsed().as_secs_f64());
    if let Some(seed) = total.failed.first() {
        explain(line, *seed)?;
        return Ok(false);
    }
    let empty = total.coverage.empty();
    if line.seeds >= MANY && !empty.is_empty() {
        println!("{} pairs of action and fault were never tried: {empty:?}", empty.len());
        return Ok(false);
    }
    Ok(true)
}

#[derive(Default)]
struct Total {
    played: u64,
    simulated: u64,
    coverage: Coverage,
    figures: simulator::world::Figures,
    failed: Vec<u64>,
}

impl Total {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.played += 1;
        self.simulated += outcome.simulated;
        self.coverage.add(&outcome.coverage);
        self.figures.add(&outcome.figures);
        if !outcome.violations.is_empty() {
            self.failed.push(seed);
            self.failed.sort_unstable();
        }
    }
}

/// Each core takes the next seed; a world never knows of the others.
fn play_all(line: &Line) -> Result<Total, String> {
    let (next, failed) = (AtomicU64::new(line.seed), AtomicBool::new(false));
    let total = Mutex::new(Total::default());
    let end = line.seed + line.seeds;
    let work = || -> Result<(), String> {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let outcome = play(&line.options(seed)?, Listening::Nobody);
            let is_bad = !outcome.violations.is_empty();
            failed.fetch_or(is_bad, Ordering::Relaxed);
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.add(seed, &outcome);
            if total.played.is_multiple_of(100) {
                eprintln!("{} worlds", total.played);
            }
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a worker panicked".to_owned())?)
    })?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn print(line: &Line, total: &Total, seconds: f64) {
    let days = total.simulated as f64 / DAY as f64;
    let figures = &total.figures;
    println!("{} worlds from seed {}, {days:.1} simulated days in {seconds:.1} s", total.played, line.seed);
    println!(
        "{} cases, {} closings, {} journal entries, {} missed deadlines",
        figures.tickets, figures.closed, figures.entries, figures.breaches
    );
    println!(
        "{} requests in {} attempts, {} lives of replicas",
        figures.requests, figures.attempts, figures.restarts
    );
    println!(
        "{} worlds ended on older copies: {} entries withdrawn and listed, {} accepted requests among them",
        figures.put_back, figures.withdrawn, figures.given_up
    );
    println!();
    print!("{}", total.coverage.table());
    let struck: Vec<String> = Kind::ALL
        .into_iter()
        .map(|kind| format!("{} {}", kind.name(), total.coverage.struck(kind)))
        .collect();
    println!("\nactions under each fault: {}", struck.join(", "));
    match total.failed.len() {
        0 => println!("every promise was kept"),
        count => println!("{count} worlds broke a promise: seeds {:?}", total.failed),
    }
}

/// What went wrong, in the smallest part of its plan that still goes wrong, and how to see it again.
fn explain(line: &Line, seed: u64) -> Result<(), String> {
    let options = line.options(seed)?;
    println!("\nseed {seed} fails; making it smaller ...");
    let small = shrink::shrink(&options, line.shrink);
    let outcome = play(&small, Listening::Keep);
    println!("the last that happened:");
    outcome.last_lines.iter().for_each(|line| println!("  {line}"));
    println!("what must not be:");
    outcome.violations.iter().for_each(|violation| println!("  {violation}"));
    println!("again, whole:  cargo xtask sim {}", options.words());
    println!("again, small:  cargo xtask sim {} --log", small.words());
    Ok(())
}
