//! Whole lives: routed, taken over, every step, approvals, the call-back, closed. The cast is driven by the event stream,
//! so nobody polls and nobody waits.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, DeliverPolicy, pull},
};
use futures::StreamExt;
use jiff::tz::TimeZone;
use playbook::{Facts, Playbook};
use proto::{
    AnyEvent,
    common::v1::TicketRef,
    dispatch::v1::{AcknowledgeRequest, CompleteStepRequest, DecideApprovalRequest},
    envelope,
    follow_up::v1::RecordCallRequest,
    subject,
};
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::Instant};
use tonic::Status;
use trial::filling::{self, Place, Plain};

use crate::{
    bench::{
        Bench, Round,
        calls::Caller,
        intake::drained,
        measure::{median, percentile},
        reference,
    },
    client::{Connection, explain, request_id},
    demo::{
        packs::{Pack, SAMPLE},
        paper,
        pen::on_paper,
        people::People,
    },
};

const REFERENCE_LIVES: usize = 2_000;
const WARM: Duration = Duration::from_secs(3);
/// What is under way at the end is lived to its end.
const ENDING: Duration = Duration::from_secs(120);
const SCHEMAS: [&str; 6] = ["intake", "dispatch", "sla_watchdog", "follow_up", "reporting", "notify"];

/// Lives on their way.
struct Lives {
    people: Arc<People>,
    book: Arc<Playbook>,
    place: Place,
    connection: Connection,
    branches: Vec<String>,
    began: Mutex<HashMap<String, Instant>>,
    /// A place is free again when a life ends.
    places: Arc<Semaphore>,
    numbers: AtomicU64,
    closed: AtomicU64,
    refused: AtomicU64,
    refusal: Mutex<Option<String>>,
    /// Microseconds from the opening to the closing.
    spans: Mutex<Vec<u64>>,
    stopping: AtomicBool,
}

impl Lives {
    fn began(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.began.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, done: Result<(), Status>) {
        if let Err(status) = done {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(explain(&status));
        }
    }

    /// Opens one case after the other, as places come free.
    async fn open_all(self: Arc<Lives>) {
        while !self.stopping.load(Ordering::Relaxed) {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            place.forget();
            let lives = self.clone();
            tokio::spawn(async move {
                let opened = lives.open().await;
                if opened.is_err() {
                    lives.places.add_permits(1);
                }
                lives.note(opened);
            });
        }
    }

    async fn open(&self) -> Result<(), Status> {
        let caller = Caller::new(self.numbers.fetch_add(1, Ordering::Relaxed));
        let began = Instant::now();
        let mut intake = self.connection.intake(&self.connection.system());
        let known = intake.identify(caller.identify()).await?.into_inner();
        let opened = intake.open_ticket(caller.open(known, &self.branches)).await?.into_inner();
        self.began().insert(opened.ticket_id, began);
        Ok(())
    }

    /// What somebody does as soon as he hears of it.
    async fn react(self: Arc<Lives>, event: AnyEvent) {
        let done = match event {
            AnyEvent::WorkDispatched(said) => self.acknowledge(said.ticket, &said.role, &said.assignee).await,
            AnyEvent::WorkStepReady(said) if said.step != "approve_solution" => {
                self.complete(said.ticket, &said.step, &said.role, &said.assignee).await
            }
            AnyEvent::ApprovalAsked(said) => {
                let person = self.holder(&said.role, &said.approver, said.ticket.as_ref());
                self.decide(said.ticket, person, said.approval_id, said.stage).await
            }
            AnyEvent::FollowUpScheduled(said) => {
                self.call(said.ticket, &said.role, said.follow_up_id, &said.rule).await
            }
            AnyEvent::TicketClosed(said) => {
                self.close(&said.ticket.unwrap_or_default().ticket_id);
                Ok(())
            }
            _ => Ok(()),
        };
        self.note(done);
    }

    fn holder(&self, role: &str, named: &str, ticket: Option<&TicketRef>) -> String {
        if !named.is_empty() {
            return named.to_owned();
        }
        let branch = ticket.map(|ticket| ticket.branch.as_str()).unwrap_or_default();
        self.people.staff.holders(role, branch).into_iter().next().unwrap_or_default()
    }

    fn tools(&self, person: &str) -> Result<crate::demo::people::Tools, Status> {
        self.people.tools(person).map_err(|error| Status::not_found(error.to_string()))
    }

    async fn acknowledge(&self, ticket: Option<TicketRef>, role: &str, named: &str) -> Result<(), Status> {
        let person = self.holder(role, named, ticket.as_ref());
        let TicketRef { ticket_id, cycle, .. } = ticket.unwrap_or_default();
        let request = AcknowledgeRequest { request_id: request_id(), ticket_id, cycle };
        self.tools(&person)?.dispatch.acknowledge(request).await.map(|_| ())
    }

    async fn complete(
        &self,
        ticket: Option<TicketRef>,
        step: &str,
        role: &str,
        named: &str,
    ) -> Result<(), Status> {
        let person = self.holder(role, named, ticket.as_ref());
        let TicketRef { ticket_id, cycle, case_type, .. } = ticket.unwrap_or_default();
        let rule =
            self.book.case_type(&case_type).and_then(|case_type| Some((case_type, case_type.step(step)?)));
        let (case_type, rule) = rule.ok_or_else(|| Status::not_found(step.to_owned()))?;
        // The plainest way, so that nothing is sent back.
        let pens = Plain::turns(&rule.fields, &person);
        let filled = filling::settled(rule, case_type, &Facts::new(), &self.place, pens);
        let request = CompleteStepRequest {
            request_id: request_id(),
            ticket_id: ticket_id.clone(),
            cycle,
            step: step.to_owned(),
            fields: on_paper(filled.words),
            proofs: paper::proofs(rule, &ticket_id),
            occurred_at: 0,
        };
        self.tools(&person)?.dispatch.complete_step(request).await.map(|_| ())
    }

    async fn decide(
        &self,
        ticket: Option<TicketRef>,
        person: String,
        approval_id: String,
        stage: u32,
    ) -> Result<(), Status> {
        let TicketRef { ticket_id, cycle, .. } = ticket.unwrap_or_default();
        let request = DecideApprovalRequest {
            request_id: request_id(),
            ticket_id,
            cycle,
            approval_id,
            decision: "approved".to_owned(),
            text: "同意。".to_owned(),
            stage,
            verbal_by: String::new(),
        };
        self.tools(&person)?.dispatch.decide_approval(request).await.map(|_| ())
    }

    async fn call(
        &self,
        ticket: Option<TicketRef>,
        role: &str,
        follow_up_id: String,
        rule: &str,
    ) -> Result<(), Status> {
        let person = self.holder(role, "", ticket.as_ref());
        let TicketRef { ticket_id, cycle, .. } = ticket.unwrap_or_default();
        let questions = self.book.follow_up(rule).into_iter().flat_map(|rule| &rule.questions);
        let answers = questions.map(|question| (question.id.clone(), filling::best_answer(question)));
        let answers = on_paper(answers.collect());
        let text = "已说明处理结果。".to_owned();
        let request =
            RecordCallRequest { request_id: request_id(), ticket_id, cycle, follow_up_id, text, answers };
        self.tools(&person)?.follow_up.record_call(request).await.map(|_| ())
    }

    fn close(&self, ticket: &str) {
        let Some(began) = self.began().remove(ticket) else { return };
        self.closed.fetch_add(1, Ordering::Relaxed);
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).push(began.elapsed().as_micros() as u64);
        self.places.add_permits(1);
    }
}

/// Runs the rounds, with so many lives on their way at once.
pub async fn run(
    bench: &mut Bench,
    at_once: usize,
    seconds: u64,
    rounds: usize,
) -> anyhow::Result<Vec<Round>> {
    let people = Arc::new(People::read(&bench.connection).await?);
    let book = Pack::find(SAMPLE)?.load()?;
    let lives = Arc::new(Lives {
        people,
        place: Place { currency: book.currency.clone(), zone: TimeZone::UTC },
        book,
        connection: bench.connection.clone(),
        branches: bench.branches.clone(),
        began: Mutex::default(),
        places: Arc::new(Semaphore::new(at_once)),
        // Other callers than those of an earlier bench on the same data.
        numbers: AtomicU64::new(30_000_000),
        closed: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        refusal: Mutex::default(),
        spans: Mutex::default(),
        stopping: AtomicBool::new(false),
    });
    let listening = tokio::spawn(listen(bench.connection.config.nats_url.clone(), lives.clone()).await?);
    let mut done = Vec::new();
    for _ in 0..rounds {
        done.push(round(bench, &lives, Duration::from_secs(seconds)).await?);
    }
    listening.abort();
    Ok(done)
}

async fn listen(nats_url: String, lives: Arc<Lives>) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let client =
        chassis::nats::connect(&nats_url, "hotline-bench").await.context("NATS cannot be reached")?;
    let consumer = jetstream::new(client)
        .create_consumer_on_stream(
            pull::Config {
                deliver_policy: DeliverPolicy::New,
                ack_policy: AckPolicy::None,
                filter_subjects: wanted(),
                ..pull::Config::default()
            },
            subject::EVENT_STREAM,
        )
        .await
        .context("the event stream cannot be read")?;
    let mut messages = consumer.messages().await?;
    Ok(async move {
        while let Some(Ok(message)) = messages.next().await {
            let kind = message.headers.as_ref().and_then(|headers| headers.get(envelope::TYPE));
            let event = kind.and_then(|kind| AnyEvent::decode(kind.as_str(), &message.payload).ok());
            if let Some(event) = event {
                tokio::spawn(lives.clone().react(event));
            }
        }
    })
}

/// Only what somebody acts on.
fn wanted() -> Vec<String> {
    [
        "dispatch.*.work.dispatched",
        "dispatch.*.work.step_ready",
        "dispatch.*.approval.asked",
        "follow-up.*.follow_up.scheduled",
        "intake.*.ticket.closed",
    ]
    .iter()
    .map(|said| format!("hotline.event.{said}"))
    .collect()
}

async fn round(bench: &mut Bench, lives: &Arc<Lives>, time: Duration) -> anyhow::Result<Round> {
    lives.stopping.store(false, Ordering::Relaxed);
    let opening = tokio::spawn(lives.clone().open_all());
    tokio::time::sleep(WARM).await;
    let before = reference::count(&mut bench.store, &SCHEMAS).await?;
    let (store, cpu) = bench.used(&SCHEMAS).await?;
    lives.spans.lock().unwrap_or_else(PoisonError::into_inner).clear();
    let (began, first) = (Instant::now(), lives.closed.load(Ordering::Relaxed));
    tokio::time::sleep(time).await;
    let closed = lives.closed.load(Ordering::Relaxed) - first;
    let rate = closed as f64 / began.elapsed().as_secs_f64();
    let cpu = bench.processes.cpu().since(cpu);
    let used = bench.used(&SCHEMAS).await?.0.since(store);
    let measured = lives.closed.load(Ordering::Relaxed) - first;
    let mut spans = std::mem::take(&mut *lives.spans.lock().unwrap_or_else(PoisonError::into_inner));
    lives.stopping.store(true, Ordering::Relaxed);
    let unfinished = end(lives).await;
    opening.abort();
    drained(bench).await?;
    let after = reference::count(&mut bench.store, &SCHEMAS).await?;
    let whole = (after["intake.ticket"] - before["intake.ticket"]).max(1) as usize;
    let reference =
        median(&reference::rates(&mut bench.store, &before, &after, whole, 3, REFERENCE_LIVES).await?);
    let refused = lives.refused.swap(0, Ordering::Relaxed);
    if let Some(refusal) = lives.refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
        eprintln!("{refused} deeds were refused, the first: {refusal}");
    }
    let each = |amount: f64, of: u64| amount / of.max(1) as f64;
    Ok(Round::new(vec![
        ("lives / s", rate),
        ("reference / s", reference),
        ("ratio", rate / reference),
        ("span p50 ms", percentile(&mut spans, 0.5) as f64 / 1e3),
        ("span p99 ms", percentile(&mut spans, 0.99) as f64 / 1e3),
        ("CPU ms / life, all processes", each(cpu.total() * 1e3, closed)),
        ("of it services and load", each(cpu.services * 1e3, closed)),
        ("of it Postgres", each(cpu.postgres * 1e3, closed)),
        ("of it NATS", each(cpu.nats * 1e3, closed)),
        ("WAL kB / life", each(used.wal as f64 / 1e3, measured)),
        ("transactions / life", each(used.transactions as f64, measured)),
        ("journal entries / life", each(used.entries as f64, measured)),
        ("kB kept / life", each(used.bytes as f64 / 1e3, measured)),
        ("refused", refused as f64),
        ("unfinished", unfinished as f64),
    ]))
}

/// Lets what is under way end; what does not is counted and forgotten.
async fn end(lives: &Lives) -> usize {
    let until = Instant::now() + ENDING;
    while Instant::now() < until && !lives.began().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let left = lives.began().len();
    lives.began().clear();
    lives.places.add_permits(left);
    left
}

pub fn targets() -> Value {
    json!({
        "lives / s": 600, "ratio": 0.5, "CPU ms / life, all processes": 3.0, "WAL kB / life": 60, "kB kept / life": 25,
        "unfinished": 0
    })
}
