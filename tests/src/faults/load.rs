//! Callers who open cases and ask, with the same request id and at whichever replica, until they are answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use hotline::{
    bench::calls::Caller,
    client::{Link, explain},
    demo::draw::Draws,
};
use proto::{
    envelope,
    intake::v1::{OpenTicketRequest, OpenTicketResponse, intake_service_client::IntakeServiceClient},
};
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::faults::{
    crew::Side,
    ledger::{Accepted, Ledger},
    rig::Rig,
};

const CALLERS: usize = 48;
/// Calls that wait for a caller; beyond them callers do not call.
const QUEUE: usize = 128;
/// An answer that does not come is asked for elsewhere.
const ANSWER: Duration = Duration::from_secs(8);
const AGAIN: Duration = Duration::from_millis(150);
/// Who is not answered for so long gives up, which no caller may have to.
const PATIENCE: Duration = Duration::from_secs(180);
/// In this share of the cases somebody presses the button twice.
const TWICE: f64 = 0.2;

/// A question on its way.
type Asking<T> = BoxFuture<'static, Result<Response<T>, Status>>;

/// What callers need.
pub struct Desk {
    pub ledger: Arc<Ledger>,
    intakes: [IntakeServiceClient<Link>; 2],
    branches: Vec<String>,
    numbers: AtomicU64,
    busy: AtomicUsize,
    draws: Draws,
}

impl Desk {
    pub fn new(rig: &Rig, ledger: Arc<Ledger>, seed: u64) -> Arc<Desk> {
        let intakes = [Side::A, Side::B].map(|side| {
            let connection = rig.side(side);
            connection.intake(&rig.connection.system())
        });
        let branches = rig.branches.clone();
        Arc::new(Desk {
            ledger,
            intakes,
            branches,
            numbers: AtomicU64::new(0),
            busy: AtomicUsize::new(0),
            draws: Draws(seed),
        })
    }

    pub fn intake(&self, side: Side) -> IntakeServiceClient<Link> {
        self.intakes[side as usize].clone()
    }

    /// The next caller's case, from his number to the accepted opening. `first`: whom he asks first.
    pub async fn take_one(&self, first: Option<Side>) -> Option<Accepted> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut draw = self.draws.of(&["caller", &number.to_string()]);
        let sides = [Side::A, Side::B];
        let first = first.unwrap_or(sides[usize::from(draw.happens(0.5))]);
        let caller = Caller::new(number);
        let who = caller.identify();
        let known = self
            .insist("identify", first, |mut intake| {
                let who = who.clone();
                async move { intake.identify(who).await }.boxed()
            })
            .await?
            .into_inner();
        let request = caller.open(known, &self.branches);
        let opened = self.insist("open", first, |intake| opening(intake, &request)).await?;
        let accepted = accepted(request, &opened);
        self.ledger.accept(accepted.clone());
        if draw.happens(TWICE) {
            self.ask_again(&accepted, first.other()).await;
        }
        Some(accepted)
    }

    /// The same request once more, at the other door: the same answer.
    pub async fn ask_again(&self, before: &Accepted, side: Side) {
        let ask = |intake| opening(intake, &before.request);
        if let Some(again) = self.insist("open again", side, ask).await {
            let now = accepted(before.request.clone(), &again);
            self.ledger.repeated(before, &now.ticket, &now.number, &now.position);
        }
    }

    async fn insist<T>(
        &self,
        what: &str,
        first: Side,
        ask: impl Fn(IntakeServiceClient<Link>) -> Asking<T>,
    ) -> Option<Response<T>> {
        let began = Instant::now();
        let mut side = first;
        for tries in 1.. {
            let answer = timeout(ANSWER, ask(self.intake(side))).await;
            let status = match answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer"))) {
                Ok(answer) => {
                    self.ledger.answered(tries, began.elapsed());
                    return Some(answer);
                }
                Err(status) => status,
            };
            if !passes(&status) {
                self.ledger.wrong(format!("{what} was refused for good: {}", explain(&status)));
                return None;
            }
            if began.elapsed() > PATIENCE {
                self.ledger
                    .wrong(format!("{what} was not answered within {PATIENCE:?}: {}", explain(&status)));
                return None;
            }
            sleep(delay(&status)).await;
            side = side.other();
        }
        None
    }
}

fn opening(mut intake: IntakeServiceClient<Link>, request: &OpenTicketRequest) -> Asking<OpenTicketResponse> {
    let request = request.clone();
    async move { intake.open_ticket(request).await }.boxed()
}

fn accepted(request: OpenTicketRequest, opened: &Response<OpenTicketResponse>) -> Accepted {
    let position = opened.metadata().get(envelope::POSITION).and_then(|value| value.to_str().ok());
    let said = opened.get_ref();
    Accepted {
        request,
        ticket: said.ticket_id.clone(),
        number: said.number.clone(),
        position: position.unwrap_or_default().to_owned(),
    }
}

/// Whether asking again may help.
pub fn passes(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable
            | Code::Unknown
            | Code::Cancelled
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
    )
}

/// What the server asks for, else a moment.
fn delay(status: &Status) -> Duration {
    status.get_details_retry_info().and_then(|info| info.retry_delay).unwrap_or(AGAIN)
}

/// Calls come in at a rate, whatever becomes of them.
pub struct Load {
    /// Cases in a thousand seconds.
    rate: Arc<AtomicU64>,
    usual: u64,
    stop: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    pub fn start(desk: &Arc<Desk>, a_second: f64) -> Load {
        let usual = (a_second * 1e3) as u64;
        let (rate, stop) = (Arc::new(AtomicU64::new(usual)), Arc::new(AtomicBool::new(false)));
        let (calls, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut callers = JoinSet::new();
        callers.spawn(ring(calls, rate.clone(), stop.clone()));
        for _ in 0..CALLERS {
            let (desk, waiting) = (desk.clone(), waiting.clone());
            callers.spawn(async move {
                loop {
                    let call: Option<()> = waiting.lock().await.recv().await;
                    if call.is_none() {
                        return;
                    }
                    desk.busy.fetch_add(1, Ordering::SeqCst);
                    desk.take_one(None).await;
                    desk.busy.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
        Load { rate, usual, stop, callers }
    }

    /// So many times the usual rate, from now on.
    pub fn times(&self, factor: u64) {
        self.rate.store(self.usual * factor, Ordering::Relaxed);
    }

    /// Nobody calls until `times`; those under way are answered first.
    pub async fn pause(&self, desk: &Desk) {
        self.times(0);
        // Who waits in the queue is taken within moments; then it is the answers that take time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        while desk.busy.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// No more calls; those under way are answered first.
    pub async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.callers.join_next().await.is_some() {}
    }
}

async fn ring(calls: mpsc::Sender<()>, rate: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let mut next = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let rate = rate.load(Ordering::Relaxed);
        if rate == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            next = Instant::now();
            continue;
        }
        // Nobody free: this caller hangs up before he is connected.
        let _ = calls.try_send(());
        next += Duration::from_secs(1_000) / rate as u32;
        next = next.max(Instant::now() - Duration::from_secs(1));
        tokio::time::sleep_until(next).await;
    }
}
