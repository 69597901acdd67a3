//! A large group: a thousand branches with somebody in every role, every rule book that comes along in force at once. How
//! long a rule book is looked through, what all of it weighs, how soon everybody knows, and whether a caller notices.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::{Context, bail};
use chassis::Config;
use jiff::Timestamp;
use playbook::Playbook;
use proto::directory::v1::NodeRecord;
use serde_json::{Value, json};
use tokio::time::Instant;
use trial::ground::Ground;

use crate::{
    bench::{
        Bench, Round, Size,
        calls::Caller,
        intake::{calls, drained},
        measure::{self, Processes, median, percentile},
    },
    client::{Connection, explain},
    demo::{
        ground,
        packs::{PACKS, SAMPLE},
    },
    staffing,
};

const PATIENCE: Duration = Duration::from_secs(120);
const CHANGES: usize = 5;
const CLOCKS: usize = 12;

/// One round: what is put in force stays.
pub async fn run(config: &Config, connection: &Connection, size: Size) -> anyhow::Result<Vec<Round>> {
    let books = PACKS.iter().map(|pack| pack.load()).collect::<anyhow::Result<Vec<Arc<Playbook>>>>()?;
    let checks: Vec<f64> = books.iter().map(|book| checked(book)).collect::<anyhow::Result<_>>()?;
    let borrowed: Vec<&Playbook> = books.iter().map(AsRef::as_ref).collect();
    let shape = staffing::Size { branches: size.branches, to_an_area: 25, holders: 1, posts: 12 };
    let group = staffing::organisation(&borrowed, shape);
    let projected = projection(&group, &borrowed)?;
    let before = resident();
    let began = Instant::now();
    ground::furnish(connection, &group).await.context("the organisation is not in place")?;
    let furnished = began.elapsed();
    let began = Instant::now();
    for pack in &PACKS {
        ground::activate(connection, pack).await.with_context(|| format!("the pack {}", pack.name))?;
    }
    let activated = began.elapsed();
    let bench = bench(config, &group).await?;
    known(&bench, &bench.branches[0]).await?;
    drained(&bench).await?;
    let everywhere = began.elapsed();
    let memory = resident();
    let numbers = Arc::new(AtomicU64::new(60_000_000));
    calls(&bench, &numbers, 1, Duration::from_secs(2)).await?;
    let mut alone = calls(&bench, &numbers, 1, Duration::from_secs(size.seconds)).await?;
    drained(&bench).await?;
    let mut changes = Vec::new();
    for number in 0..CHANGES {
        changes.push(change(&bench, &group.nodes, number).await?);
    }
    Ok(vec![Round::new(vec![
        ("branches", size.branches as f64),
        ("persons", group.persons.len() as f64),
        ("rule books", books.len() as f64),
        ("looking through all, s", checks.iter().sum::<f64>()),
        ("the longest, s", checks.iter().copied().fold(0.0, f64::max)),
        ("organisation imported, s", furnished.as_secs_f64()),
        ("rule books activated, s", activated.as_secs_f64()),
        ("known everywhere after, s", everywhere.as_secs_f64()),
        ("memory before, MB", before),
        ("memory with all in force, MB", memory),
        ("one caller: open p50 ms", percentile(&mut alone.openings, 0.5) as f64 / 1e3),
        ("one caller: open p99 ms", percentile(&mut alone.openings, 0.99) as f64 / 1e3),
        ("a new branch is known after, ms", median(&changes) * 1e3),
        ("12 clocks at each branch, ms", projected * 1e3),
    ])])
}

/// Seconds; a rule book with a fault would not be activated.
fn checked(book: &Playbook) -> anyhow::Result<f64> {
    let began = Instant::now();
    let errors = book.check().into_iter().filter(playbook::Diagnostic::is_error).count();
    if errors > 0 {
        bail!("the rule book {} has {errors} faults", book.id);
    }
    Ok(began.elapsed().as_secs_f64())
}

/// Seconds for the deadlines of so many clocks at every branch, under each one's own calendar.
fn projection(group: &directory::files::Reading, books: &[&Playbook]) -> anyhow::Result<f64> {
    let nodes: Vec<_> = group.nodes.iter().filter_map(|record| record.node.clone()).collect();
    let branches: Vec<String> =
        nodes.iter().filter(|node| node.level == "branch").map(|node| node.code.clone()).collect();
    let calendars = ground::CALENDARS.map(str::to_owned).to_vec();
    let snapshot = Ground { nodes, calendars, ..Ground::default() }.snapshot()?;
    let clocks = books.iter().flat_map(|book| &book.clocks);
    let limits: Vec<_> = clocks.flat_map(|clock| clock.limit.rows.iter().map(|row| &row.limit)).collect();
    let start: Timestamp = "2026-03-02T02:00:00Z".parse()?;
    let began = Instant::now();
    let mut due = 0;
    for (number, branch) in branches.iter().enumerate() {
        let calendar = snapshot.calendar_of(branch).context("a branch without a calendar")?;
        let own = limits.iter().cycle().skip(number * CLOCKS % limits.len().max(1)).take(CLOCKS);
        due += own.filter(|limit| calendar.deadline(start, limit, &[]).due.is_some()).count();
    }
    if due == 0 {
        bail!("no clock of the rule books has a deadline");
    }
    Ok(began.elapsed().as_secs_f64())
}

async fn bench(config: &Config, group: &directory::files::Reading) -> anyhow::Result<Bench> {
    let connection = Connection::open(config.clone()).await?;
    let mut store = measure::connect(&config.database_url).await?;
    let processes = Processes::find(&mut store, &config.nats_url).await?;
    let nodes = group.nodes.iter().filter_map(|record| record.node.as_ref());
    let branches = nodes.filter(|node| node.level == "branch").map(|node| node.code.clone()).collect();
    Ok(Bench { connection, store, processes, branches })
}

/// Until intake would open a case of the sample's rule book at this branch.
async fn known(bench: &Bench, branch: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut intake = bench.connection.intake(&bench.connection.system());
    let caller = Caller::new(59_000_000);
    loop {
        let known = intake.identify(caller.identify()).await;
        let refused = match known {
            Ok(known) => {
                let open = Some(caller.open(known.into_inner(), &[branch.to_owned()]));
                let asked = intake.preview_ticket(proto::intake::v1::PreviewTicketRequest { open }).await;
                match asked {
                    Ok(_) => return Ok(began.elapsed()),
                    Err(status) => status,
                }
            }
            Err(status) => status,
        };
        if began.elapsed() > PATIENCE {
            bail!("intake does not know {branch} and {SAMPLE}: {}", explain(&refused));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Seconds from the order for a new branch to a case that may be opened there.
async fn change(bench: &Bench, nodes: &[NodeRecord], number: usize) -> anyhow::Result<f64> {
    let like = nodes.iter().rev().find_map(|record| record.node.clone()).context("no branch")?;
    let code = format!("{}-N{number}", staffing::GROUP);
    let node = proto::directory::v1::Node { code: code.clone(), name: format!("新店{number}"), ..like };
    let record = NodeRecord { place: code.clone(), node: Some(node), ..NodeRecord::default() };
    let began = Instant::now();
    ground::import(&bench.connection, vec![record], Vec::new()).await?;
    known(bench, &code).await?;
    Ok(began.elapsed().as_secs_f64())
}

/// Megabytes that this process holds: all services, and the load.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1e3
}

pub fn targets() -> Value {
    json!({ "looking through all, s": 1.0, "12 clocks at each branch, ms": 1_000, "one caller: open p50 ms": 1.5,
            "one caller: open p99 ms": 5.0 })
}
