//! All of Hotline on engines of its own, with the sample organisation in force and time by hand.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, bail};
use chassis::{Config, core::Actor};
use hotline::{
    client::{Connection, explain, request_id},
    demo::{clock, ground, people::People},
    run::{self, Part},
    verify::collect,
};
use local_engines::{Engines, Options};
use proto::{Service, Time, directory::v1::MoveTimeRequest};
use stage::wait_for;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{heard, replicas::Replicas};

/// Unoptimised services on two busy cores take their time to come up.
const START: Duration = Duration::from_secs(120);
/// How long the audit waits for what is under way.
const SETTLING: Duration = Duration::from_secs(60);

/// Where most cases of the tests are opened.
pub const BRANCH: &str = "SF-E01";

/// Services, engines, people.
pub struct System {
    pub config: Config,
    pub connection: Connection,
    pub engines: Engines,
    pub people: People,
    pub replicas: Replicas,
    now: Mutex<Time>,
    in_process: Option<(CancellationToken, JoinHandle<anyhow::Result<()>>)>,
    _dir: tempfile::TempDir,
}

impl System {
    /// All services in this process.
    pub async fn start() -> System {
        System::begin(false, &[]).await.expect("the system starts")
    }

    /// The same with other values of the configuration (`CONSOLE__PORT`, ...).
    pub async fn start_with(values: &[(&str, &str)]) -> System {
        System::begin(false, values).await.expect("the system starts")
    }

    /// Each service a process of its own, on engines that nobody else uses: all of it can be killed.
    pub async fn in_processes() -> System {
        System::begin(true, &[]).await.expect("the system starts in processes")
    }

    async fn begin(apart: bool, values: &[(&str, &str)]) -> anyhow::Result<System> {
        let dir = tempfile::tempdir_in(local_engines::scratch("e2e")?)?;
        let place = dir.path().join("engines");
        let options = if apart { Options::ours(place) } else { Options::for_tests(place) };
        let engines = Engines::start(options).await?;
        let database = engines.fresh_database(&database_name(dir.path())).await?;
        let mut variables = variables(&database, &engines.nats_url(), dir.path().join("state"))?;
        variables.extend(values.iter().map(|(key, value)| (format!("HOTLINE_{key}"), (*value).to_owned())));
        let config = Config::load(None, variables.clone().into_iter())?;
        let replicas = Replicas::new(variables);
        let mut in_process = None;
        if apart {
            for service in Service::ALL {
                replicas.start(service)?;
            }
        } else {
            let stop = CancellationToken::new();
            let running = run::start(config.clone(), &Part::all(), stop.clone())?;
            in_process = Some((stop, tokio::spawn(running.wait())));
        }
        let parts = if apart { Part::services() } else { Part::all() };
        tokio::select! {
            ready = run::ready(&config, &parts, START) => ready?,
            ended = replicas.first_to_end() => bail!("{ended} ended before it served; see its log above"),
        }
        let (connection, people) = furnish(&config).await?;
        let now = clock::next_monday(real_now()).plus(Time::HOUR);
        let system = System {
            config,
            connection,
            engines,
            people,
            replicas,
            now: Mutex::new(now),
            in_process,
            _dir: dir,
        };
        system.set_time(now).await?;
        system.rule_book_is_known().await;
        Ok(system)
    }

    /// Business time, as it stands.
    pub fn now(&self) -> Time {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves business time on, in microseconds.
    pub async fn advance(&self, by: i64) {
        let then = self.now().plus(by);
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = then;
        self.set_time(then).await.expect("business time moves on");
    }

    async fn set_time(&self, at: Time) -> anyhow::Result<()> {
        let request = MoveTimeRequest {
            request_id: request_id(),
            mode: "manual".to_owned(),
            business_at: at.0,
            factor_milli: 0,
        };
        let moved = self.connection.directory(&self.system()).move_time(request).await;
        moved.map(|_| ()).map_err(|status| anyhow::anyhow!("time cannot be moved: {}", explain(&status)))
    }

    /// Intake previews a case as soon as branches and rule book have come to it.
    async fn rule_book_is_known(&self) {
        let mut wanted = crate::desk::opening(BRANCH, crate::forms::complaint());
        wanted.request_id = String::new();
        let ask = proto::intake::v1::PreviewTicketRequest { open: Some(wanted) };
        wait_for("intake knows the rule book", async || {
            let mut intake = self.connection.intake(&self.actor("QH-CC1"));
            intake.preview_ticket(ask.clone()).await.ok()
        })
        .await;
    }

    /// A person of the sample organisation.
    pub fn actor(&self, code: &str) -> Actor {
        self.people.staff.actor(code).unwrap_or_else(|| panic!("the organisation has no `{code}`"))
    }

    /// The command line: may read everything.
    pub fn system(&self) -> Actor {
        self.connection.system()
    }

    /// The configuration as a process gets it.
    pub fn variables(&self) -> &[(String, String)] {
        self.replicas.variables()
    }

    /// Every event so far, in the stream's order.
    pub async fn events(&self) -> Vec<heard::Event> {
        heard::all(&self.config.nats_url).await.expect("the event stream can be read")
    }

    /// Nothing lost, nothing doubled, no promise broken, on every journal, the stream and what is shown.
    pub async fn must_be_whole(&self) {
        let audit = collect::audit(&self.connection, SETTLING).await.expect("the audit runs");
        assert!(audit.entries > 0, "an audit of nothing proves nothing");
        assert!(audit.findings.is_empty(), "{:#?}", audit.findings);
    }

    /// Until every service says that it serves.
    pub async fn serves(&self) {
        run::ready(&self.config, &Part::services(), START).await.expect("all services serve");
    }

    /// Ends everything in good order.
    pub async fn stop(mut self) {
        self.replicas.kill_all();
        if let Some((stop, running)) = self.in_process.take() {
            stop.cancel();
            running.await.expect("no service panics").expect("services end in good order");
        }
        self.engines.stop().await.expect("engines stop");
    }
}

/// Organisation, calendars and rule book; then the connection that knows the organisation's root.
pub(crate) async fn furnish(config: &Config) -> anyhow::Result<(Connection, People)> {
    let bare = Connection::open(config.clone()).await?;
    ground::prepare(&bare, None).await.context("the sample organisation is not in place")?;
    for _ in 0..600 {
        let connection = Connection::open(config.clone()).await?;
        let people = People::read(&connection).await?;
        if people.staff.knows("SF-E01-GM")
            && people.staff.knows("QH-CC1")
            && connection.system().grants().iter().any(|grant| grant.node == "QH")
        {
            return Ok((connection, people));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("the directory does not show what was imported")
}

fn variables(database: &str, nats: &str, state: PathBuf) -> anyhow::Result<Vec<(String, String)>> {
    let pairs = [
        ("DATABASE_URL", database.to_owned()),
        ("NATS_URL", nats.to_owned()),
        ("BASE_PORT", free_ports()?.to_string()),
        ("STATE_DIR", state.display().to_string()),
        ("READ_CONNECTIONS", "2".to_owned()),
        ("TELEMETRY__LOG_FILTER", "warn".to_owned()),
    ];
    Ok(pairs.into_iter().map(|(key, value)| (format!("HOTLINE_{key}"), value)).collect())
}

/// Ports for all services, in a row.
pub fn free_ports() -> anyhow::Result<u16> {
    Ok(local_engines::free_ports(chassis::config::PORTS)?)
}

/// A port for one thing more.
pub fn free_port() -> u16 {
    local_engines::free_ports(1).expect("a free port")
}

/// Databases of several tests stand in one server.
fn database_name(dir: &Path) -> String {
    let own =
        dir.file_name().unwrap_or_default().to_string_lossy().replace(|c: char| !c.is_alphanumeric(), "");
    format!("e2e_{}_{}", std::process::id(), own.to_lowercase())
}

#[allow(clippy::disallowed_methods, reason = "tests are played next week, as people would")]
fn real_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
