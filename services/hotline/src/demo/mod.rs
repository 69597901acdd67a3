//! A day at the call centre with everything in one process.
//!
//! ```text
//! packs.rs (rule books) --> ground.rs (organisation, calendars, rule book) --> clock.rs (a Monday, 08:00, accelerated)
//!   openings.rs: rows of a table, or cases invented by the rule book (invented.rs), each at its own time --> intake
//!   cast.rs: lists --> turn.rs (whose turn, what he makes of it) --> hands.rs (one person, one deed)
//!     paper.rs, pen.rs: forms, as the rule book asks for them
//!   watch.rs: event stream --> tally.rs --> show.rs (progress), the summary, `hotline verify`
//! ```
//!
//! Invariants
//! * The cast finds its work and does it only through the contracts, each person with a token of his own.
//! * Nothing here knows a rule book: steps, fields, proofs, limits and questions are read off the one that is played.
//! * Decisions are pure and come from the seed and the row (draw.rs): the same seed gives the same cast.
//! * What is counted comes from the event stream, never from what the cast believes to have done.

pub mod cast;
pub mod clock;
pub mod draw;
pub mod ground;
pub mod hands;
pub mod invented;
pub mod openings;
pub mod packs;
pub mod paper;
pub mod pen;
pub mod people;
pub mod show;
pub mod tally;
pub mod turn;
pub mod watch;

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use chassis::{Config, telemetry};
use directory::files::Reading;
use jiff::Timestamp;
use playbook::{Playbook, report::Period};
use proto::{
    Service, Time, dispatch::v1::GetWorkRequest, follow_up::v1::GetFollowUpsRequest,
    reporting::v1::IssueReportRequest,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Connection, explain, request_id},
    import::send::Sent,
    run::{self, Part},
    staffing::{self, Size},
    verify::{collect, report},
};
use cast::Cast;
use clock::{Clock, Work};
use draw::Draws;
use invented::Invented;
use openings::{Rows, Source};
use packs::Pack;
use people::People;
use show::Show;
use tally::Tally;
use watch::Heard;

/// A day in a minute.
const SPEED: f64 = 1440.0;
const SLOWEST: f64 = 360.0;
/// Up to so many cases the usual speed is kept.
const USUAL: f64 = 400.0;
/// Ten business days and the weekends between them.
const LONGEST: i64 = 14 * DAY;
/// Of an invented day: what is planned for later (a visit in three months) stays open, with its reason.
const LONGEST_INVENTED: i64 = 8 * DAY;
const DAY: i64 = 24 * Time::HOUR;
const PATIENCE: Duration = Duration::from_secs(60);
/// All are closed and stay so.
const CALM: Duration = Duration::from_secs(2);
/// How the report marks figures of single branches, and how much of it is shown.
const BY_BRANCH: &str = "门店";
const REPORT_LINES: usize = 40;
/// How long the audit waits for what is under way.
const SETTLING: Duration = Duration::from_secs(30);

/// The invented organisation of a pack: two of each role at each place, for nobody decides on his own request.
const INVENTED: Size = Size { branches: 4, to_an_area: 2, holders: 2, posts: usize::MAX };

/// Who signs in to look around in the sample organisation: one of each role, with an account in deploy/directory.
const ACCOUNTS: [(&str, &str); 14] = [
    ("QH-CC1", "call-centre agent 坐席"),
    ("QH-CCS", "call-centre supervisor 主管"),
    ("SF-E01-CRM", "customer-relations manager of a branch 客户关系经理"),
    ("SF-E01-CRS", "customer-relations specialist 客户关系专员"),
    ("SF-E01-SVM", "service manager 服务经理"),
    ("SF-E01-SLM", "sales manager 销售经理"),
    ("SF-E01-RC", "receptionist 首接人员"),
    ("SF-E01-GM", "general manager of a branch 总经理"),
    ("SF-E-AM", "area manager 区域经理"),
    ("SF-BD1", "brand division 品牌事业部"),
    ("QH-LEG1", "legal 法务部"),
    ("QH-VP", "operations VP 运营副总裁"),
    ("QH-CEO", "CEO 总裁"),
    ("QH-ADM", "administrator 系统管理员"),
];

/// What is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which rule book.
    pub pack: Pack,
    pub input: Option<PathBuf>,
    pub mapping: Option<PathBuf>,
    pub dealers: Option<PathBuf>,
    pub tickets: Option<usize>,
    pub speed: Option<f64>,
    pub seed: u64,
    pub exit: bool,
}

/// What is played, where.
struct Day {
    book: Arc<Playbook>,
    source: Source,
    organisation: Reading,
    accounts: Vec<(String, String)>,
}

impl Day {
    /// The sample day is a table at the sample organisation; every other pack's is invented.
    fn read(options: &Options) -> anyhow::Result<Day> {
        let book = options.pack.load()?;
        if options.pack.is_sample() {
            let rows = Rows::read(options.input.as_deref(), options.mapping.as_deref(), options.tickets)?;
            let accounts = ACCOUNTS.map(|(code, role)| (code.to_owned(), role.to_owned())).to_vec();
            let organisation = ground::organisation(options.dealers.as_deref())?;
            return Ok(Day { book, source: Source::Rows(rows), organisation, accounts });
        }
        let mut organisation = staffing::organisation(&[&book], INVENTED);
        let accounts = staffing::accounts(&book, &mut organisation);
        let invented = Invented::new(book.clone(), Draws(options.seed), options.tickets)?;
        Ok(Day { book, source: Source::Invented(invented), organisation, accounts })
    }
}

/// Starts the services, plays the day, and stops or stays.
pub async fn run(config: Config, options: Options) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::start(&config.telemetry, "hotline-demo")?;
    let day = Day::read(&options)?;
    if day.source.is_empty() {
        bail!("nothing is to be opened");
    }
    let accounts = day.accounts.clone();
    let stop = CancellationToken::new();
    let running = run::start(config.clone(), &Part::all(), stop.clone())?;
    let mut services = tokio::spawn(running.wait());
    let played = tokio::select! {
        ended = &mut services => {
            ended.context("the services panicked")??;
            bail!("the services stopped before the day was over");
        }
        played = play(&config, &options, day) => played,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped by hand")),
    };
    if let Ok(whole) = &played
        && !options.exit
    {
        look_around(&config, *whole, &accounts);
        tokio::select! {
            ended = &mut services => ended.context("the services panicked")??,
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    stop.cancel();
    if !services.is_finished() {
        services.await.context("the services panicked")??;
    }
    Ok(if played? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The day from beginning to end; whether every promise was kept.
async fn play(config: &Config, options: &Options, day: Day) -> anyhow::Result<bool> {
    let Day { book, source, organisation, .. } = day;
    let began = Instant::now();
    run::ready(config, &Part::all(), PATIENCE).await?;
    let connection = Connection::open(config.clone()).await?;
    ground::put_in_force(&connection, &organisation, &[options.pack])
        .await
        .context("the organisation is not in place")?;
    // Once more: the root of the organisation is known only now.
    let connection = Connection::open(config.clone()).await?;
    let people = Arc::new(People::read(&connection).await?);
    let at = real_now();
    let (monday, comings, bad) = read_day(&source, &people, at);
    for bad in bad.iter().take(5) {
        eprintln!("line {} is left out: {:?}", bad.line, bad.wrong);
    }
    intake_is_ready(&source, &connection, at, &comings).await?;
    let (heard, listening) = watch::listen(&config.nats_url).await?;
    let listening = tokio::spawn(listening);
    let speed = options.speed.unwrap_or_else(|| speed_for(comings.len()));
    let (clock, monday) = begin(&connection, monday, speed).await?;
    eprintln!(
        "{}: {} cases at {} branches; {} is the first day, {speed} times as fast; services up after {:.1} s",
        book.id,
        comings.len(),
        people.staff.branches.len(),
        clock::shown(monday),
        began.elapsed().as_secs_f64()
    );
    let draws = Draws(options.seed);
    let cast = Cast::new(people, book.clone(), clock.clone(), draws);
    let sender = source.sender(&connection, at, false);
    let working = tokio::spawn(cast.clone().work());
    let pace = tokio::spawn({
        let (clock, connection, cast, heard) =
            (clock.clone(), connection.clone(), cast.clone(), heard.clone());
        let work = move || Work {
            overdue: cast.overdue() + heard.look(|tally| tally.undispatched.len()),
            next: cast.next_deed(),
        };
        async move { clock.keep_pace(&connection, work).await }
    });
    let longest = if options.pack.is_sample() { LONGEST } else { LONGEST_INVENTED };
    let mut show = Show::new(comings.len() as u64);
    let showing = async {
        loop {
            heard.look(|tally| show.update(clock.now(), tally));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let lived = tokio::select! {
        lived = live(comings, monday, &clock, &sender, &cast, &heard, longest) => lived,
        () = showing => unreachable!("it shows for ever"),
    };
    pace.abort();
    clock.slow_down(&connection).await?;
    working.abort();
    heard.look(|tally| show.update(clock.now(), tally));
    show.finish();
    let opened = lived?;
    println!("\n{} after {:.0} s", clock::shown(clock.now()), began.elapsed().as_secs_f64());
    // The last words of the day are still on their way to reporting and the outbox.
    let kept = finish(&connection, &book, monday, &heard, &cast, opened).await;
    listening.abort();
    kept
}

/// All cases come, and are lived to their end.
async fn live(
    comings: Vec<openings::Coming>,
    monday: Time,
    clock: &Clock,
    sender: &crate::import::send::Sender,
    cast: &Arc<Cast>,
    heard: &Heard,
    longest: i64,
) -> anyhow::Result<usize> {
    let (opened, bad) = openings::open(comings, monday, clock, sender, cast).await?;
    for bad in &bad {
        eprintln!("line {} was refused: {:?}", bad.line, bad.wrong);
    }
    let mut of_the_day: Option<Vec<String>> = None;
    let mut calm: Option<Instant> = None;
    while clock.now() < monday.plus(longest) {
        // A rule book may open new duties every day: it is the first day's cases that are lived to their end.
        if of_the_day.is_none() && clock.now() > monday.plus(DAY) {
            of_the_day = Some(heard.look(|tally| tally.open.keys().cloned().collect()));
        }
        let over = heard.look(|tally| {
            let ended = |day: &Vec<String>| day.iter().all(|ticket| !tally.open.contains_key(ticket));
            let whole = tally.opened >= opened as u64;
            whole && (tally.open.is_empty() || of_the_day.as_ref().is_some_and(ended))
        });
        match (over, calm) {
            (true, Some(since)) if since.elapsed() > CALM => break,
            (true, Some(_)) => {}
            (true, None) => calm = Some(Instant::now()),
            (false, _) => calm = None,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(opened)
}

/// The summary, the week's figures, and whether every promise was kept.
async fn finish(
    connection: &Connection,
    book: &Playbook,
    week: Time,
    heard: &Heard,
    cast: &Arc<Cast>,
    opened: usize,
) -> anyhow::Result<bool> {
    let audit = collect::audit(connection, SETTLING).await?;
    let tally = heard.look(Clone::clone);
    println!();
    for (name, count) in tally.lines() {
        println!("{name:<16} {count}");
    }
    let turned_away = cast.turned_away();
    if !turned_away.is_empty() {
        let list: Vec<String> = turned_away.iter().map(|(gate, count)| format!("{gate} {count}")).collect();
        println!("{:<16} {}", "turned away", list.join(", "));
    }
    match report_of(connection, book, week).await {
        Ok(table) => println!("\n{}", abridged(&table)),
        Err(error) => eprintln!("the report cannot be had: {error:#}"),
    }
    for (what, count) in still_open(connection, &tally, &cast.waiting()).await? {
        println!("still open: {count} x {what}");
    }
    println!("{}\n{}", report::table(&audit), ::audit::verdict(&audit.findings));
    Ok(audit.findings.is_empty() && tally.opened >= opened as u64 && opened > 0)
}

/// Why what is open is open: whom it waits for, by type and reason, with their counts.
async fn still_open(
    connection: &Connection,
    tally: &Tally,
    waiting: &HashMap<String, String>,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut reasons = BTreeMap::new();
    for (ticket, case_type) in &tally.open {
        let why = match waiting.get(ticket) {
            Some(turn) => turn.clone(),
            None => planned(connection, ticket).await?,
        };
        *reasons.entry(format!("{case_type}: {why}")).or_default() += 1;
    }
    Ok(reasons)
}

/// What is planned for a case that nobody can do anything about now.
async fn planned(connection: &Connection, ticket: &str) -> anyhow::Result<String> {
    let system = connection.system();
    let refused = |status: tonic::Status| anyhow::anyhow!(explain(&status));
    let ask = GetFollowUpsRequest { ticket_id: ticket.to_owned(), ..Default::default() };
    let calls = connection.follow_up(&system).get_follow_ups(ask).await.map_err(refused)?.into_inner();
    let next =
        calls.follow_ups.iter().filter(|call| call.state == "scheduled").min_by_key(|call| call.try_at);
    if let Some(call) = next {
        return Ok(format!("follow-up {} planned", call.rule));
    }
    let ask = GetWorkRequest { ticket_id: ticket.to_owned(), ..Default::default() };
    let work = connection.dispatch(&system).get_work(ask).await.map_err(refused)?.into_inner().work;
    let steps = work.iter().flat_map(|work| &work.steps).filter(|step| step.state == "waiting");
    let steps: Vec<&str> = steps.map(|step| step.id.as_str()).collect();
    let state = work.as_ref().map_or("no work order", |work| work.state.as_str());
    Ok(match steps.as_slice() {
        [] => state.to_owned(),
        steps => format!("{state}, waiting for what comes before {}", steps.join(", ")),
    })
}

/// The week's report if the rule book has one, else the first that it has.
async fn report_of(connection: &Connection, book: &Playbook, at: Time) -> anyhow::Result<String> {
    let periods: Vec<Period> = book.reports.iter().map(|report| report.period).collect();
    let weekly = periods.iter().find(|period| **period == Period::Weekly);
    let Some(period) = weekly.or(periods.first()) else {
        return Ok("(the rule book asks for no report)".to_owned());
    };
    let request = IssueReportRequest {
        request_id: request_id(),
        playbook: book.id.clone(),
        period: period.as_str().to_owned(),
        at: at.0,
        format: "table".to_owned(),
        language: "zh-CN".to_owned(),
    };
    let issued = connection.reporting(&connection.system()).issue_report(request).await;
    let issued = issued.map_err(|status| anyhow::anyhow!(explain(&status)))?.into_inner();
    Ok(String::from_utf8_lossy(&issued.document).into_owned())
}

/// The whole group's part; each branch has lines of its own in the report.
fn abridged(table: &str) -> String {
    let is_branch = |line: &&str| line.split_whitespace().any(|word| word == BY_BRANCH);
    let whole: Vec<&str> = table.lines().filter(|line| !is_branch(line)).collect();
    let mut text = whole.iter().take(REPORT_LINES).copied().collect::<Vec<_>>().join("\n");
    let left = table.lines().count() - whole.len().min(REPORT_LINES);
    if left > 0 {
        text.push_str(&format!("\n... {left} more lines: hotline report weekly"));
    }
    text
}

fn read_day(
    source: &Source,
    people: &People,
    at: Timestamp,
) -> (Time, Vec<openings::Coming>, Vec<crate::import::Bad>) {
    let monday = clock::next_monday(at);
    let (comings, bad) = source.comings(&people.staff, monday, at);
    (monday, comings, bad)
}

/// Business time never goes back: with the data of an earlier demo the day is a later Monday.
async fn begin(connection: &Connection, monday: Time, speed: f64) -> anyhow::Result<(Clock, Time)> {
    let mut monday = monday;
    for _ in 0..100 {
        match Clock::start(connection, monday, speed).await {
            Ok(clock) => return Ok((clock, monday)),
            Err(error) if error.to_string().contains("FailedPrecondition") => {
                monday = clock::next_monday(monday.to_timestamp());
            }
            Err(error) => return Err(error),
        }
    }
    bail!("business time is years ahead; start with empty data")
}

/// Until intake knows the branches and the rule book.
async fn intake_is_ready(
    source: &Source,
    connection: &Connection,
    at: Timestamp,
    comings: &[openings::Coming],
) -> anyhow::Result<()> {
    let Some(first) = comings.first() else { bail!("no case fits") };
    let rehearsal = source.sender(connection, at, true).by(&first.mapping);
    let until = Instant::now() + PATIENCE;
    loop {
        match rehearsal.send(&first.case).await {
            Sent::Fits | Sent::Opened(_) => return Ok(()),
            Sent::Down(status) if Instant::now() > until => {
                bail!("intake does not answer: {}", explain(&status))
            }
            Sent::Bad(wrong) if Instant::now() > until => bail!("the first case is refused: {wrong:?}"),
            Sent::Down(_) | Sent::Bad(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Long tables are given more time, for the machine has to keep up.
fn speed_for(cases: usize) -> f64 {
    (SPEED * USUAL / (cases.max(1) as f64)).clamp(SLOWEST, SPEED)
}

fn look_around(config: &Config, whole: bool, accounts: &[(String, String)]) {
    let state = config.state_dir.display();
    println!(
        "\nEverything stays up until Ctrl-C{}. In another terminal:",
        if whole { "" } else { ", and something is wrong" }
    );
    println!("  export HOTLINE_BASE_PORT={} HOTLINE_STATE_DIR={state}", config.base_port);
    println!("  export HOTLINE_NATS_URL={} HOTLINE_DATABASE_URL={}", config.nats_url, config.database_url);
    println!(
        "  hotline ticket show NUMBER     hotline events tail --all     hotline report weekly --format table"
    );
    for service in Service::ALL {
        println!("  {:<14} {}", service.to_string(), config.address(service));
    }
    println!("  messages that were sent: {state}/outbox");
    println!("\nThe console:  http://{}", shown_address(config));
    println!("  accounts, one per role (password hotline-demo):");
    for (code, role) in accounts {
        println!("    {code:<12} {role}");
    }
}

/// As a browser on this machine reaches it: it keeps cookies on `localhost`.
fn shown_address(config: &Config) -> String {
    let address = config.console_address();
    let is_local = address.ip().is_loopback() || address.ip().is_unspecified();
    if is_local { format!("localhost:{}", address.port()) } else { address.to_string() }
}

/// Request ids are dated by the caller's clock.
#[allow(clippy::disallowed_methods, reason = "a caller's request id is dated by the caller's clock")]
fn real_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_shown_without_its_branches() {
        let text = abridged("立案数  全部  118\n立案数  门店  一店  5\n销案数  全部  114");
        assert_eq!(text, "立案数  全部  118\n销案数  全部  114\n... 1 more lines: hotline report weekly");
    }

    #[test]
    fn long_tables_run_slower() {
        assert_eq!(speed_for(118), SPEED);
        assert_eq!(speed_for(800), 720.0);
        assert_eq!(speed_for(100_000), SLOWEST);
    }
}
