//! The console's pages over many cases: how long the server takes for boards, tickets and searches, and how soon two
//! hundred open boards show a case that was opened just now.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chassis::core::{Actor, Grant};
use proto::{dispatch::v1::AcknowledgeRequest, reporting::v1::ListTicketsRequest};
use reqwest::{
    Client,
    header::{ACCEPT, COOKIE, ORIGIN, SET_COOKIE},
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    bench::{Bench, Round, calls::Caller, intake, many, measure::percentile},
    client::request_id,
};

/// Cases that are really taken in; the others are their copies.
const TAKEN: usize = 2_000;
const CASES: usize = 200_000;
const BOARDS: usize = 200;
/// Pages of each kind in a round.
const PAGES: usize = 300;
/// A board that has not changed after this long never will.
const PATIENCE: Duration = Duration::from_secs(20);
const WATCHER: &str = "person=QH-CCS&password=hotline-demo&to=/";

/// Somebody signed in, as a browser is.
#[derive(Clone)]
struct Desk {
    http: Client,
    base: String,
    cookie: String,
}

impl Desk {
    async fn enter(base: &str) -> anyhow::Result<Desk> {
        let http = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let ask = http.post(format!("{base}/sign-in")).header(ORIGIN, base);
        let ask = ask.header("content-type", "application/x-www-form-urlencoded").body(WATCHER);
        let answer = ask.send().await?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let cookie = cookies.filter_map(|line| line.split(';').next()).collect::<Vec<_>>().join("; ");
        if cookie.is_empty() {
            bail!("nobody was signed in: {}", answer.status());
        }
        Ok(Desk { http, base: base.to_owned(), cookie })
    }

    async fn get(&self, path: &str) -> anyhow::Result<String> {
        let ask = self.http.get(format!("{}{path}", self.base)).header(COOKIE, &self.cookie);
        let answer = ask.header(ACCEPT, "text/html").send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("{path} answers {status}");
        }
        Ok(answer.text().await?)
    }

    async fn find(&self, words: &str) -> anyhow::Result<String> {
        let ask = self.http.post(format!("{}/find/list", self.base)).header(COOKIE, &self.cookie);
        let ask = ask.header(ORIGIN, &self.base).header("hx-request", "true");
        let ask = ask.header("content-type", "application/x-www-form-urlencoded").body(format!("q={words}"));
        let answer = ask.send().await?;
        if !answer.status().is_success() {
            bail!("a search answers {}", answer.status());
        }
        Ok(answer.text().await?)
    }
}

/// Fills the store and measures. The figures of a round, and how many cases there were.
pub async fn run(bench: &mut Bench, base: &str, rounds: usize) -> anyhow::Result<Vec<Round>> {
    let began = Instant::now();
    fill(bench).await?;
    let cases: i64 =
        sqlx::query_scalar("select count(*) from reporting.ticket_row where opened_at is not null")
            .fetch_one(&mut bench.store)
            .await?;
    eprintln!("{cases} cases after {:.0} s", began.elapsed().as_secs_f64());
    let desk = Desk::enter(base).await?;
    let known = known(bench).await?;
    // Once without measuring.
    pages(&desk, &known, 30).await?;
    let mut done = Vec::new();
    for round in 0..rounds {
        let mut figures = vec![("cases", cases as f64)];
        figures.extend(pages(&desk, &known, PAGES).await?);
        figures.extend(boards(bench, &desk, round).await?);
        done.push(Round::new(figures));
    }
    Ok(done)
}

async fn fill(bench: &mut Bench) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for _ in 0..64 {
        let mut register = bench.connection.intake(&bench.connection.system());
        let (next, branches) = (next.clone(), bench.branches.clone());
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if number >= TAKEN {
                    return anyhow::Ok(());
                }
                let caller = Caller::new(number as u64);
                let known = register.identify(caller.identify()).await?.into_inner();
                register.open_ticket(caller.open(known, &branches)).await?;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    intake::drained(bench).await?;
    let copies = u16::try_from(CASES / TAKEN - 1).context("too many copies")?;
    let written = many::copy(&mut bench.store, copies).await?;
    eprintln!("{written} rows written again");
    Ok(())
}

/// Cases and branches that pages are asked for.
struct Known {
    tickets: Vec<String>,
    numbers: Vec<String>,
    branches: Vec<String>,
    cursors: Vec<String>,
}

async fn known(bench: &mut Bench) -> anyhow::Result<Known> {
    let tickets: Vec<(String, String)> = sqlx::query_as(
        "select id::text, number from reporting.ticket_row where opened_at is not null order by md5(id::text) limit 300",
    )
    .fetch_all(&mut bench.store)
    .await?;
    let mut cursors = vec![String::new()];
    for _ in 0..20 {
        let ask = ListTicketsRequest {
            state: "open".to_owned(),
            limit: 500,
            after_cursor: cursors.last().cloned().unwrap_or_default(),
            ..Default::default()
        };
        let page =
            bench.connection.reporting(&bench.connection.system()).list_tickets(ask).await?.into_inner();
        if page.next_cursor.is_empty() {
            break;
        }
        cursors.push(page.next_cursor);
    }
    let (ids, numbers) = tickets.into_iter().unzip();
    Ok(Known { tickets: ids, numbers, branches: bench.branches.clone(), cursors })
}

/// One after the other, as one person looks.
async fn pages(desk: &Desk, known: &Known, count: usize) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let (mut board, mut ticket, mut search) = (Vec::new(), Vec::new(), Vec::new());
    for place in 0..count {
        let branch = &known.branches[place % known.branches.len()];
        let path = match place % 4 {
            0 => "/board".to_owned(),
            1 => format!("/board?branch={branch}"),
            2 => "/board?severity=major".to_owned(),
            _ => format!("/board?after={}", known.cursors[place % known.cursors.len()]),
        };
        let began = Instant::now();
        desk.get(&path).await?;
        board.push(micros(began));
        let began = Instant::now();
        desk.get(&format!("/tickets/{}", known.tickets[place % known.tickets.len()])).await?;
        ticket.push(micros(began));
        let words = match place % 3 {
            0 => known.numbers[place % known.numbers.len()].clone(),
            1 => format!("142{:08}", place * 7 % TAKEN),
            _ => format!("{:04}", place * 7 % TAKEN),
        };
        let began = Instant::now();
        desk.find(&words).await?;
        search.push(micros(began));
    }
    let mut figures = Vec::new();
    for (names, mut times) in [
        (["board ms p50", "board ms p95", "board ms p99"], board),
        (["ticket ms p50", "ticket ms p95", "ticket ms p99"], ticket),
        (["search ms p50", "search ms p95", "search ms p99"], search),
    ] {
        for (name, share) in names.into_iter().zip([0.5, 0.95, 0.99]) {
            figures.push((name, percentile(&mut times, share) as f64 / 1000.0));
        }
    }
    Ok(figures)
}

fn micros(began: Instant) -> u64 {
    began.elapsed().as_micros() as u64
}

/// A case is taken over while so many boards show it as waiting; each reads its rows anew when it is told to, as the
/// page does, until the case is gone.
async fn boards(bench: &mut Bench, desk: &Desk, round: usize) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let (case, branch) = waiting(bench, round).await?;
    let rows = format!("/board/rows?branch={branch}&state=dispatched");
    if !desk.get(&rows).await?.contains(&case) {
        bail!("the case that is to change is not on the board");
    }
    let (told, mut ready) = tokio::sync::mpsc::channel(BOARDS);
    let mut open = JoinSet::new();
    for _ in 0..BOARDS {
        let (desk, told, rows, case) = (desk.clone(), told.clone(), rows.clone(), case.clone());
        open.spawn(async move { tokio::time::timeout(PATIENCE, watch(&desk, &rows, &case, told)).await });
    }
    for _ in 0..BOARDS {
        ready.recv().await.context("a board was not opened")?;
    }
    let grants = vec![Grant { role: "cr-manager".to_owned(), node: branch.clone() }];
    let manager = Actor::Person { code: format!("{branch}-CRM"), grants };
    let ask = AcknowledgeRequest { request_id: request_id(), ticket_id: case, cycle: 1 };
    let began = Instant::now();
    bench.connection.dispatch(&manager).acknowledge(ask).await?;
    let mut times = Vec::new();
    let mut missed = 0;
    while let Some(seen) = open.join_next().await {
        match seen? {
            Ok(Ok(at)) => times.push(at.saturating_duration_since(began).as_micros() as u64),
            Ok(Err(error)) => return Err(error),
            Err(_) => missed += 1,
        }
    }
    Ok(vec![
        ("boards open", BOARDS as f64),
        ("boards that missed it", f64::from(missed)),
        ("shown on a board s p50", percentile(&mut times, 0.5) as f64 / 1e6),
        ("shown on a board s p95", percentile(&mut times, 0.95) as f64 / 1e6),
        ("shown on a board s max", percentile(&mut times, 1.0) as f64 / 1e6),
    ])
}

/// A case that stands on the first page of its branch's board and was not taken over yet.
async fn waiting(bench: &mut Bench, round: usize) -> anyhow::Result<(String, String)> {
    let branches = bench.branches.clone();
    for branch in branches.iter().cycle().skip(round * 3).take(branches.len()) {
        let found: Option<String> = sqlx::query_scalar(
            "select id::text from reporting.ticket_row where opened_at is not null and branch = $1 \
             and state = 'dispatched' order by rank_at, id limit 1",
        )
        .bind(branch)
        .fetch_optional(&mut bench.store)
        .await?;
        if let Some(case) = found {
            return Ok((case, branch.clone()));
        }
    }
    bail!("no case waits to be taken over")
}

/// An open board: its stream, and its rows whenever it is told that something changed.
async fn watch(
    desk: &Desk,
    rows: &str,
    case: &str,
    told: tokio::sync::mpsc::Sender<()>,
) -> anyhow::Result<Instant> {
    let ask = desk.http.get(format!("{}/live", desk.base)).header(COOKIE, &desk.cookie);
    let mut stream = ask.send().await?.error_for_status()?;
    told.send(()).await?;
    loop {
        let said = stream.chunk().await?.context("the stream ended")?;
        let is_news = [b"changed".as_slice(), b"everything"]
            .iter()
            .any(|news| said.windows(news.len()).any(|window| window == *news));
        if is_news && !desk.get(rows).await?.contains(case) {
            return Ok(Instant::now());
        }
    }
}

/// As the targets are stated.
pub fn targets() -> Value {
    json!({
        "cases": CASES,
        "board ms p95": 30, "ticket ms p95": 30, "search ms p95": 20,
        "boards open": BOARDS, "boards that missed it": 0, "shown on a board s max": 1,
    })
}
