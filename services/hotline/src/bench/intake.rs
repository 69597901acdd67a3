//! Taking tickets in: callers that open one case after the other over gRPC.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proto::reporting::v1::GetLagRequest;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tonic_types::StatusExt;

use crate::{
    bench::{
        Bench, Round,
        calls::Caller,
        measure::{median, percentile},
        reference,
    },
    client::explain,
};

/// Everything downstream has this long to catch up.
const DRAIN: Duration = Duration::from_secs(300);
const REFERENCE_LIVES: usize = 5_000;
/// For the figures of one caller alone.
const ALONE: Duration = Duration::from_secs(5);
const SCHEMAS: [&str; 1] = ["intake"];

/// What callers saw in one go.
#[derive(Default)]
pub struct Seen {
    opened: u64,
    refused: u64,
    first_refusal: Option<String>,
    /// Microseconds of each opening, and of finding the customer and opening together.
    pub openings: Vec<u64>,
    whole: Vec<u64>,
    seconds: f64,
}

impl Seen {
    /// As a caller would: he waits as long as he is told.
    async fn refused(&mut self, status: &tonic::Status) {
        self.refused += 1;
        self.first_refusal.get_or_insert_with(|| explain(status));
        if let Some(delay) = retry_delay(status) {
            tokio::time::sleep(delay).await;
        }
    }

    /// Cases opened a second.
    pub fn rate(&self) -> f64 {
        self.opened as f64 / self.seconds
    }

    fn join(&mut self, other: Seen) {
        self.opened += other.opened;
        self.refused += other.refused;
        self.first_refusal = self.first_refusal.take().or(other.first_refusal);
        self.openings.extend(other.openings);
        self.whole.extend(other.whole);
    }
}

/// Runs the rounds. Returns what goes into the table and the JSON.
pub async fn run(
    bench: &mut Bench,
    callers: usize,
    seconds: u64,
    rounds: usize,
) -> anyhow::Result<Vec<Round>> {
    let numbers = Arc::new(AtomicU64::new(0));
    let mut done = Vec::new();
    // Once without measuring: connections, prepared statements, caches.
    calls(bench, &numbers, callers, Duration::from_secs(2)).await?;
    drained(bench).await?;
    for _ in 0..rounds {
        done.push(round(bench, &numbers, callers, seconds).await?);
    }
    Ok(done)
}

async fn round(
    bench: &mut Bench,
    numbers: &Arc<AtomicU64>,
    callers: usize,
    seconds: u64,
) -> anyhow::Result<Round> {
    let mut alone = calls(bench, numbers, 1, ALONE.min(Duration::from_secs(seconds))).await?;
    drained(bench).await?;
    let before = reference::count(&mut bench.store, &SCHEMAS).await?;
    let (store, cpu) = bench.used(&SCHEMAS).await?;
    let mut seen = calls(bench, numbers, callers, Duration::from_secs(seconds)).await?;
    let cpu = bench.processes.cpu().since(cpu);
    let drain = drained(bench).await?;
    let (store_after, _) = bench.used(&SCHEMAS).await?;
    let after = reference::count(&mut bench.store, &SCHEMAS).await?;
    let kept = after["intake.ticket"] - before["intake.ticket"];
    let lives = seen.opened as usize;
    let reference =
        median(&reference::rates(&mut bench.store, &before, &after, lives, 3, REFERENCE_LIVES).await?);
    let rate = seen.rate();
    let used = store_after.since(store);
    let each = |amount: f64| amount / seen.opened.max(1) as f64;
    if let Some(refusal) = &seen.first_refusal {
        eprintln!("{} calls were refused, the first: {refusal}", seen.refused);
    }
    Ok(Round::new(vec![
        ("tickets / s", rate),
        ("reference / s", reference),
        ("ratio", rate / reference),
        ("open p50 ms", percentile(&mut seen.openings, 0.5) as f64 / 1e3),
        ("open p99 ms", percentile(&mut seen.openings, 0.99) as f64 / 1e3),
        ("identify + open p50 ms", percentile(&mut seen.whole, 0.5) as f64 / 1e3),
        ("identify + open p99 ms", percentile(&mut seen.whole, 0.99) as f64 / 1e3),
        ("one caller: open p50 ms", percentile(&mut alone.openings, 0.5) as f64 / 1e3),
        ("one caller: open p99 ms", percentile(&mut alone.openings, 0.99) as f64 / 1e3),
        ("refused", seen.refused as f64),
        ("lost", (seen.opened as i64 - kept) as f64),
        ("drained after s", drain.as_secs_f64()),
        ("CPU ms / ticket (until the last call)", each(cpu.total() * 1e3)),
        ("WAL kB / ticket (all services, drained)", each(used.wal as f64 / 1e3)),
        ("journal entries / ticket (intake)", each(used.entries as f64)),
    ]))
}

/// After which time a refused call may be tried again, if the refusal says so.
pub fn retry_delay(status: &tonic::Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// Callers, each with one case after the other, until the time is over.
pub async fn calls(
    bench: &Bench,
    numbers: &Arc<AtomicU64>,
    callers: usize,
    time: Duration,
) -> anyhow::Result<Seen> {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let mut intake = bench.connection.intake(&bench.connection.system());
        let (numbers, branches) = (numbers.clone(), bench.branches.clone());
        tasks.spawn(async move {
            let mut seen = Seen::default();
            while began.elapsed() < time {
                let caller = Caller::new(numbers.fetch_add(1, Ordering::Relaxed));
                let first = Instant::now();
                let known = match intake.identify(caller.identify()).await {
                    Ok(known) => known.into_inner(),
                    Err(status) => {
                        seen.refused(&status).await;
                        continue;
                    }
                };
                let second = Instant::now();
                match intake.open_ticket(caller.open(known, &branches)).await {
                    Ok(_) => {
                        seen.opened += 1;
                        seen.openings.push(second.elapsed().as_micros() as u64);
                        seen.whole.push(first.elapsed().as_micros() as u64);
                    }
                    Err(status) => seen.refused(&status).await,
                }
            }
            seen
        });
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        all.join(seen?);
    }
    all.seconds = began.elapsed().as_secs_f64();
    Ok(all)
}

/// Until every reader of every journal is at its end and stays there; how long it took.
pub async fn drained(bench: &Bench) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut calm: Option<(Instant, Vec<u64>)> = None;
    loop {
        let mut reporting = bench.connection.reporting(&bench.connection.system());
        let lags =
            reporting.get_lag(GetLagRequest {}).await.map_err(|status| anyhow::anyhow!(explain(&status)))?;
        let lags = lags.into_inner().lags;
        let heads: Vec<u64> = lags.iter().map(|lag| lag.head_seq).collect();
        let behind = lags.iter().any(|lag| lag.read_seq < lag.head_seq);
        match &calm {
            Some((since, before)) if !behind && *before == heads => {
                if since.elapsed() > Duration::from_secs(1) {
                    return Ok(since.duration_since(began));
                }
            }
            _ => calm = (!behind).then(|| (Instant::now(), heads)),
        }
        if began.elapsed() > DRAIN {
            anyhow::bail!("not drained after {DRAIN:?}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The medians as JSON.
pub fn targets() -> Value {
    json!({ "tickets / s": 6_000, "ratio": 0.4, "one caller: open p50 ms": 1.5, "one caller: open p99 ms": 5.0, "lost": 0 })
}
