//! The whole system as it would stand in a machine room: engines of its own, two replicas of each service, a line with
//! weather between every two of them, and a door for callers that leads to either replica.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use chassis::Config;
use hotline::{
    client::Connection,
    demo::people::People,
    run::{self, Part},
};
use local_engines::{Nats, NatsOptions, Postgres, PostgresOptions};
use proto::Service;
use tokio::task::JoinHandle;

use crate::{
    faults::{
        crew::{Crew, Orders, Seat, Side},
        disk::Disks,
        links::{Links, To},
        proxy::Line,
    },
    replicas, system,
};

const START: Duration = Duration::from_secs(180);

/// What a rig is made of.
#[derive(Clone, Copy, Debug)]
pub struct Make {
    /// NATS servers: one, or three that keep three copies of the stream.
    pub nats: usize,
    /// Disks of a limited size for the engines' data.
    pub disks: bool,
}

pub struct Rig {
    pub folder: PathBuf,
    /// Another one after a standby took over.
    postgres: RwLock<Arc<Postgres>>,
    /// What was taken over: its folder stays locked until the end.
    retired: Mutex<Vec<Arc<Postgres>>>,
    /// Where engines may put their data.
    pub place: PathBuf,
    pub nats: Vec<Nats>,
    pub links: Links,
    pub crew: Arc<Crew>,
    /// Through the door.
    pub connection: Connection,
    /// Straight to each side's replicas.
    pub sides: [Connection; 2],
    pub people: Arc<People>,
    pub branches: Vec<String>,
    pub disks: Option<Disks>,
    /// The configuration of a tool beside the services.
    pub tool: Vec<(String, String)>,
    _doors: Vec<Line>,
    watching: JoinHandle<()>,
}

impl Rig {
    /// Everything serves, with the sample organisation in force. Logs are kept in the folder.
    pub async fn start(folder: &Path, make: Make) -> anyhow::Result<Rig> {
        let place = local_engines::scratch("faults")?.join("engines");
        let disks = if make.disks { Some(Disks::mount(&place)?) } else { None };
        let (postgres, nats) = tokio::try_join!(start_postgres(&place), start_nats(&place, make.nats))?;
        // What a checkpoint would keep must fit on the small disk.
        for setting in ["ALTER SYSTEM SET max_wal_size = '256MB'", "SELECT pg_reload_conf()"] {
            postgres.sql("postgres", setting).await?;
        }
        let ports = [system::free_ports()?, system::free_ports()?];
        let nats_at: Vec<SocketAddr> = nats.iter().map(|nats| local(nats.port())).collect();
        let links =
            Links::open(local(postgres.port()), &nats_at, |seat| Orders::address(ports, seat)).await?;
        let common = common(&place);
        let variables =
            Seat::all().map(|seat| (seat, replica(&common, &postgres, &nats, &links, ports, seat)));
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs)?;
        let program = replicas::program()?;
        let crew = Crew::new(Orders { program, logs, ports, variables: variables.collect() });
        for seat in Seat::all() {
            crew.start(seat)?;
        }
        let watching = tokio::spawn(crew.clone().watch());
        let mut doors = Vec::new();
        for service in Service::ALL {
            let both = [Side::A, Side::B].map(|side| Orders::address(ports, Seat { service, side }));
            doors.push(Line::open(format!("callers -> {service}"), both.to_vec()).await?);
        }
        let mut tool = common;
        tool.extend([
            ("HOTLINE_DATABASE_URL".to_owned(), postgres.url()),
            ("HOTLINE_NATS_URL".to_owned(), joined(nats.iter().map(Nats::url))),
        ]);
        let config_of = |own: Vec<(String, String)>| {
            Config::load(None, tool.iter().cloned().chain(own)).context("the rig's configuration")
        };
        let sides = [Side::A, Side::B]
            .map(|side| config_of(vec![("HOTLINE_BASE_PORT".to_owned(), ports[side as usize].to_string())]));
        for side in &sides {
            let config = side.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
            run::ready(config, &Part::services(), START).await?;
        }
        let through: Vec<_> = Service::ALL
            .into_iter()
            .zip(&doors)
            .map(|(service, door)| (peers(service), format!("http://{}", door.address())))
            .collect();
        let front = config_of(through.clone())?;
        let (connection, people) = system::furnish(&front).await?;
        let [a, b] = sides;
        let sides = [Connection::open(a?).await?, Connection::open(b?).await?];
        tool.extend(through);
        let branches = people.staff.branches.iter().map(|(code, _)| code.clone()).collect();
        let rig = Rig {
            folder: folder.to_owned(),
            postgres: RwLock::new(Arc::new(postgres)),
            retired: Mutex::default(),
            place,
            nats,
            links,
            crew,
            connection,
            sides,
            people: Arc::new(people),
            branches,
            disks,
            tool,
            _doors: doors,
            watching,
        };
        rig.rule_book_is_known().await?;
        rig.keep_copies().await?;
        Ok(rig)
    }

    /// Of several NATS servers each keeps a copy of the stream: an operator's choice, made once.
    async fn keep_copies(&self) -> anyhow::Result<()> {
        if self.nats.len() == 1 {
            return Ok(());
        }
        let client = chassis::nats::connect(&self.nats[0].url(), "rig").await?;
        let context = async_nats::jetstream::new(client);
        let stream = context.get_stream(proto::subject::EVENT_STREAM).await?;
        let mut config = stream.cached_info().config.clone();
        config.num_replicas = self.nats.len();
        context.update_stream(config).await.context("the stream cannot be copied to all servers")?;
        Ok(())
    }

    pub fn postgres(&self) -> Arc<Postgres> {
        self.postgres.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A standby has taken over: from now on everybody reaches it instead.
    pub fn move_to(&self, standby: Postgres) {
        let address = local(standby.port());
        let former = {
            let mut now = self.postgres.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *now, Arc::new(standby))
        };
        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(former);
        let seats: Vec<Seat> = Seat::all().collect();
        self.links.chosen(&seats, |to| to == To::Postgres).for_each(|line| line.lead(address));
    }

    pub fn side(&self, side: Side) -> &Connection {
        &self.sides[side as usize]
    }

    /// Intake previews a case as soon as branches and rule book have come to it; a freshly promoted replica too.
    async fn rule_book_is_known(&self) -> anyhow::Result<()> {
        let mut wanted = crate::desk::opening(system::BRANCH, crate::forms::complaint());
        wanted.request_id = String::new();
        let ask = proto::intake::v1::PreviewTicketRequest { open: Some(wanted) };
        for _ in 0..600 {
            let mut intake = self.connection.intake(&self.connection.system());
            if intake.preview_ticket(ask.clone()).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::bail!("intake does not come to know the rule book")
    }

    /// Ends services and engines; nothing is checked any more.
    pub async fn end(self) -> anyhow::Result<()> {
        self.watching.abort();
        self.crew.kill_all();
        self.postgres().kill().await?;
        for nats in self.nats {
            nats.stop().await;
        }
        drop(self.disks);
        Ok(())
    }
}

async fn start_postgres(place: &Path) -> anyhow::Result<Postgres> {
    let options = PostgresOptions { fresh: true, ..PostgresOptions::new(place.join("postgres")) };
    Postgres::start(options).await.context("Postgres does not start")
}

async fn start_nats(place: &Path, servers: usize) -> anyhow::Result<Vec<Nats>> {
    let options = NatsOptions { fresh: true, ..NatsOptions::new(place.join("nats")) };
    let started = match servers {
        1 => Nats::start(options).await.map(|nats| vec![nats]),
        _ => Nats::start_cluster(options, servers).await,
    };
    started.context("NATS does not start")
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn joined(urls: impl Iterator<Item = String>) -> String {
    urls.collect::<Vec<_>>().join(",")
}

fn peers(service: Service) -> String {
    format!("HOTLINE_PEERS__{}", service.name().replace('-', "_").to_uppercase())
}

/// What all processes have in common: keys and the outbox of messages.
fn common(place: &Path) -> Vec<(String, String)> {
    let pairs = [
        ("STATE_DIR", place.with_file_name("state").display().to_string()),
        ("READ_CONNECTIONS", "3".to_owned()),
        ("TELEMETRY__LOG_FILTER", "info".to_owned()),
    ];
    pairs.into_iter().map(|(key, value)| (format!("HOTLINE_{key}"), value)).collect()
}

/// A replica reaches everything over lines of its own.
fn replica(
    common: &[(String, String)],
    postgres: &Postgres,
    nats: &[Nats],
    links: &Links,
    ports: [u16; 2],
    seat: Seat,
) -> Vec<(String, String)> {
    let over =
        |url: String, port: u16, line: SocketAddr| url.replace(&local(port).to_string(), &line.to_string());
    let mut variables: BTreeMap<String, String> = common.iter().cloned().collect();
    let mut set = |key: &str, value: String| variables.insert(key.to_owned(), value);
    set("HOTLINE_DATABASE_URL", over(postgres.url(), postgres.port(), links.address(seat, To::Postgres)));
    let nats_urls =
        nats.iter().zip(links.nats_of(seat)).map(|(nats, line)| over(nats.url(), nats.port(), line));
    set("HOTLINE_NATS_URL", joined(nats_urls));
    set("HOTLINE_BASE_PORT", ports[seat.side as usize].to_string());
    for service in Service::ALL.into_iter().filter(|service| *service != seat.service) {
        let lines = links.peers_of(seat, service).into_iter().map(|line| format!("http://{line}"));
        set(&peers(service), joined(lines));
    }
    variables.into_iter().collect()
}
