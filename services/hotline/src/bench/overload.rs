//! Twice as many calls as are carried out, for a while: nobody may wait long, nothing accepted may be lost, and whoever
//! is refused is told when to try again.
//!
//! The calls come whether or not those before them were answered, as calls do.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};
use tonic::{Code, Status};

use proto::intake::v1::intake_service_client::IntakeServiceClient;

use crate::{
    bench::{
        Bench, Round,
        calls::Caller,
        intake::{calls, drained, retry_delay},
        measure::{percentile, resident},
        reference,
    },
    client::{Link, explain},
};

/// For finding out what is carried out.
const SUSTAINED: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(5);
const SCHEMAS: [&str; 1] = ["intake"];

/// How one call went.
enum Call {
    /// Microseconds of each of its two commands.
    Opened {
        identified: u64,
        opened: u64,
    },
    Refused {
        had_delay: bool,
        after: u64,
    },
    /// Anything but a refusal for overload: the outcome is not known, or it is a fault.
    Failed(String),
}

#[derive(Default)]
struct Seen {
    identified: Vec<u64>,
    opened: Vec<u64>,
    refusals: Vec<u64>,
    without_delay: u64,
    failed: u64,
    first_failure: Option<String>,
}

impl Seen {
    fn add(&mut self, call: Call) {
        match call {
            Call::Opened { identified, opened } => {
                self.identified.push(identified);
                self.opened.push(opened);
            }
            Call::Refused { had_delay, after } => {
                self.refusals.push(after);
                self.without_delay += u64::from(!had_delay);
            }
            Call::Failed(why) => {
                self.failed += 1;
                self.first_failure.get_or_insert(why);
            }
        }
    }
}

pub async fn run(
    bench: &mut Bench,
    callers: usize,
    seconds: u64,
    rounds: usize,
) -> anyhow::Result<Vec<Round>> {
    let numbers = Arc::new(AtomicU64::new(0));
    calls(bench, &numbers, callers, Duration::from_secs(2)).await?;
    drained(bench).await?;
    let mut done = Vec::new();
    for _ in 0..rounds {
        let sustained = calls(bench, &numbers, callers, SUSTAINED).await?.rate();
        drained(bench).await?;
        done.push(round(bench, &numbers, sustained, Duration::from_secs(seconds)).await?);
    }
    Ok(done)
}

async fn round(
    bench: &mut Bench,
    numbers: &Arc<AtomicU64>,
    sustained: f64,
    time: Duration,
) -> anyhow::Result<Round> {
    let before = reference::count(&mut bench.store, &SCHEMAS).await?;
    let memory = resident();
    let began = Instant::now();
    let (mut seen, most) = offer(bench, numbers, sustained * 2.0, time).await?;
    let took = began.elapsed().as_secs_f64();
    let drain = drained(bench).await?;
    let after = reference::count(&mut bench.store, &SCHEMAS).await?;
    let kept = after["intake.ticket"] - before["intake.ticket"];
    if let Some(failure) = &seen.first_failure {
        eprintln!("{} calls failed, the first: {failure}", seen.failed);
    }
    let (opened, refused) = (seen.opened.len() as f64, seen.refusals.len() as f64);
    let ms = |values: &mut [u64], share| percentile(values, share) as f64 / 1e3;
    Ok(Round::new(vec![
        ("carried out before / s", sustained),
        ("offered / s", (opened + refused + seen.failed as f64) / took),
        ("accepted / s", opened / took),
        ("refused / s", refused / took),
        ("refused without a delay", seen.without_delay as f64),
        ("failed", seen.failed as f64),
        ("accepted open p50 ms", ms(&mut seen.opened, 0.5)),
        ("accepted open p99 ms", ms(&mut seen.opened, 0.99)),
        ("accepted identify p50 ms", ms(&mut seen.identified, 0.5)),
        ("accepted identify p99 ms", ms(&mut seen.identified, 0.99)),
        ("refusal p99 ms", ms(&mut seen.refusals, 0.99)),
        ("memory before MB", memory as f64 / 1e6),
        ("memory at most MB", most as f64 / 1e6),
        ("lost", opened - kept as f64),
        ("drained after s", drain.as_secs_f64()),
    ]))
}

/// Begins so many calls a second; what became of them, and the most memory that was used.
async fn offer(
    bench: &Bench,
    numbers: &Arc<AtomicU64>,
    rate: f64,
    time: Duration,
) -> anyhow::Result<(Seen, u64)> {
    let intake = bench.connection.intake(&bench.connection.system());
    let (began, mut begun, mut most) = (Instant::now(), 0_u64, 0);
    let branches = Arc::new(bench.branches.clone());
    let (mut tasks, mut seen) = (JoinSet::new(), Seen::default());
    let mut step = tokio::time::interval(STEP);
    while began.elapsed() < time {
        step.tick().await;
        while (begun as f64) < began.elapsed().as_secs_f64() * rate {
            let caller = Caller::new(numbers.fetch_add(1, Ordering::Relaxed));
            tasks.spawn(call(intake.clone(), caller, branches.clone()));
            begun += 1;
        }
        while let Some(call) = tasks.try_join_next() {
            seen.add(call?);
        }
        most = most.max(resident());
    }
    while let Some(call) = tasks.join_next().await {
        seen.add(call?);
    }
    Ok((seen, most))
}

async fn call(mut intake: IntakeServiceClient<Link>, caller: Caller, branches: Arc<Vec<String>>) -> Call {
    let first = Instant::now();
    let known = match intake.identify(caller.identify()).await {
        Ok(known) => known.into_inner(),
        Err(status) => return refused(&status, first),
    };
    let identified = first.elapsed().as_micros() as u64;
    let second = Instant::now();
    match intake.open_ticket(caller.open(known, &branches)).await {
        Ok(_) => Call::Opened { identified, opened: second.elapsed().as_micros() as u64 },
        Err(status) => refused(&status, second),
    }
}

fn refused(status: &Status, began: Instant) -> Call {
    match status.code() {
        Code::ResourceExhausted => Call::Refused {
            had_delay: retry_delay(status).is_some(),
            after: began.elapsed().as_micros() as u64,
        },
        _ => Call::Failed(explain(status)),
    }
}

pub fn targets() -> Value {
    json!({
        "refused without a delay": 0,
        "failed": 0,
        "accepted open p99 ms": 250.0,
        "accepted identify p99 ms": 250.0,
        "lost": 0,
    })
}
