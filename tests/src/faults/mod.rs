//! Real faults on real processes and engines, under load, from a seed.
//!
//! ```text
//! plan.rs (seed -> schedule) --> strike/ (carries one out) --> probe.rs (who owns, does a case go all the way)
//!   rig.rs: engines, two replicas of each service (crew.rs), a line with weather between every two (links.rs, proxy.rs)
//!   load.rs: callers until answered --> ledger.rs       hotline::demo::cast: people who work, at accelerated time
//! rest.rs: heal, come to rest, `hotline verify`, ledger against journal --> report.rs
//! ```
//!
//! Invariants
//! * The seed gives the schedule, the callers and the cast; what the machine makes of it is measured.
//! * Nothing is forgiven: a call that is never answered, an answer that changes, an owner missing for too long, a process
//!   that ends by itself, an input set aside, memory that grows, and whatever `hotline verify` finds, fail the run.

pub mod crew;
pub mod disk;
pub mod ledger;
pub mod links;
pub mod load;
pub mod memory;
pub mod plan;
pub mod probe;
pub mod proxy;
pub mod report;
pub mod rest;
pub mod rig;
pub mod strike;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use hotline::demo::{
    cast::Cast,
    clock::{self, Clock, Work},
    draw::Draws,
    packs::{self, Pack},
};
use proto::Time;
use tokio::{task::JoinSet, time::Instant};

use disk::Disks;
use ledger::Ledger;
use load::{Desk, Load};
use memory::Memory;
use plan::{Kind, Needs, Strike};
use report::Report;
use rig::{Make, Rig};
use strike::Field;

/// Cases a second, beside errands.
const RATE: f64 = 3.0;
/// Business time against real time: silent people are late within minutes.
const SPEED: f64 = 240.0;
/// Of a run with all kinds, the part that each of the other rigs gets.
const SHARE: f64 = 0.1;
const CLUSTER: usize = 3;

pub struct Options {
    pub length: Duration,
    pub seed: u64,
    pub kinds: Vec<Kind>,
    pub folder: PathBuf,
    pub profile: String,
}

/// Plays the schedule; the exit code says whether all was well.
pub async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut report = Report::new(options.seed, &options.profile);
    let disks = Disks::possible();
    let seasons = seasons(&options, &disks, &mut report);
    let strikes = || seasons.iter().flat_map(|season| &season.strikes);
    println!("seed {}: {} strikes", options.seed, strikes().count());
    for strike in strikes() {
        println!("{strike}");
    }
    for Season { name, make, strikes } in &seasons {
        if strikes.is_empty() {
            continue;
        }
        println!("== {name}: {} strikes", strikes.len());
        let folder = options.folder.join(name.replace(' ', "-"));
        season(&folder, *make, options.seed, strikes, &mut report).await?;
    }
    report.took = began.elapsed();
    std::fs::write(options.folder.join("report.txt"), report.text())?;
    std::fs::write(options.folder.join("report.json"), format!("{:#}\n", report.json()))?;
    println!("\n{}", report.text());
    println!("kept in {}", options.folder.display());
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is struck on one rig.
struct Season {
    name: &'static str,
    make: Make,
    strikes: Vec<Strike>,
}

/// The usual rig, one with three NATS servers, and one whose Postgres is copied, promoted and put back.
fn seasons(options: &Options, disks: &Result<(), String>, report: &mut Report) -> Vec<Season> {
    let of = |needs: &[Needs]| -> Vec<Kind> {
        options.kinds.iter().copied().filter(|kind| needs.contains(&kind.needs())).collect()
    };
    let mut usual = of(&[Needs::Nothing]);
    match disks {
        Ok(()) => usual.extend(of(&[Needs::Disks])),
        Err(why) => of(&[Needs::Disks]).into_iter().for_each(|kind| report.skip(kind.name(), why.clone())),
    }
    let (in_cluster, mut copied) = (of(&[Needs::Cluster]), of(&[Needs::Copies]));
    let restores = copied.contains(&Kind::RestorePostgres);
    copied.retain(|kind| *kind != Kind::RestorePostgres);
    let others = usize::from(!in_cluster.is_empty()) + usize::from(!copied.is_empty());
    let (own, share) = match (usual.is_empty(), others) {
        (false, _) => (1.0 - SHARE * others as f64, SHARE),
        (true, others) => (0.0, 1.0 / others.max(1) as f64),
    };
    let schedule =
        |kinds: &[Kind], share: f64| plan::schedule(options.seed, options.length.mul_f64(share), kinds);
    let with_disks = usual.iter().any(|kind| kind.needs() == Needs::Disks);
    let mut copies = schedule(&copied, share);
    copies.extend(restores.then(|| plan::last(options.seed, Kind::RestorePostgres)));
    let mut seasons = vec![
        Season {
            name: "one NATS server",
            make: Make { nats: 1, disks: with_disks },
            strikes: schedule(&usual, own),
        },
        Season {
            name: "three NATS servers",
            make: Make { nats: CLUSTER, disks: false },
            strikes: schedule(&in_cluster, share),
        },
        Season { name: "another Postgres", make: Make { nats: 1, disks: false }, strikes: copies },
    ];
    let all = seasons.iter_mut().flat_map(|season| &mut season.strikes);
    all.enumerate().for_each(|(place, strike)| strike.number = place + 1);
    seasons
}

/// One rig from its start to its rest.
async fn season(
    folder: &Path,
    make: Make,
    seed: u64,
    strikes: &[Strike],
    report: &mut Report,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let rig = Rig::start(folder, make).await?;
    let ledger = Arc::new(Ledger::create(&folder.join("ledger.txt"))?);
    let desk = Desk::new(&rig, ledger.clone(), seed);
    let memory = Memory::default();
    let mut helpers = JoinSet::new();
    helpers.spawn(memory.clone().watch(rig.crew.clone()));
    let (cast, clock) = people_at_work(&rig, seed, &mut helpers).await?;
    let load = Load::start(&desk, RATE);
    let field = Field { rig, desk, load, cast };
    for strike in strikes {
        println!("{strike}");
        let outcome = strike::carry_out(&field, strike).await;
        tell(&outcome);
        report.struck(strike, &outcome);
    }
    let Field { rig, desk, load, .. } = field;
    load.end().await;
    helpers.abort_all();
    clock.slow_down(&rig.connection).await?;
    let rest = rest::come_to(&rig, &desk).await?;
    std::fs::write(folder.join("verify.txt"), &rest.said)?;
    println!("{}", rest.said);
    report.rested(&rest);
    report.breaches.extend(memory.breaches());
    report.held(memory.most().into_iter().map(|(seat, most)| (seat.to_string(), most)));
    report.accepted += ledger.len();
    report.repeats += ledger.repeats();
    report.tries += ledger.tries();
    report.longest = report.longest.max(ledger.longest());
    rig.end().await
}

/// The cast works, each person with a token of his own, and business time runs.
async fn people_at_work(
    rig: &Rig,
    seed: u64,
    helpers: &mut JoinSet<()>,
) -> anyhow::Result<(Arc<Cast>, Clock)> {
    let clock = Clock::start(&rig.connection, clock::next_monday(real_now()), SPEED).await?;
    let book = Pack::find(packs::SAMPLE)?.load()?;
    let cast = Cast::new(rig.people.clone(), book, clock.clone(), Draws(seed));
    cast.all_opened();
    let working = cast.clone();
    helpers.spawn(async move {
        if let Err(error) = working.work().await {
            eprintln!("the cast does not work: {error:#}");
        }
    });
    let (pace, cast_at_work, connection) = (clock.clone(), cast.clone(), rig.connection.clone());
    helpers.spawn(async move {
        loop {
            // The directory may be away: time goes on at the last pace.
            // Under faults no hour counts as idle.
            let work = || Work { overdue: cast_at_work.overdue(), next: Some(Time::UNSET) };
            let _ = pace.keep_pace(&connection, work).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    Ok((cast, clock))
}

fn tell(outcome: &strike::Outcome) {
    let shown =
        |time: Option<Duration>| time.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()));
    println!(
        "      owner after {}, whole after {} {}",
        shown(outcome.owned),
        shown(outcome.whole),
        outcome.remarks.join("; ")
    );
    for breach in &outcome.breaches {
        println!("      BREACH: {breach}");
    }
}

#[allow(clippy::disallowed_methods, reason = "played next week, as people would")]
fn real_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
