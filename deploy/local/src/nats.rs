//! One NATS server with JetStream and the three accounts; up in milliseconds, so a test may well have its own.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex as Guard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::sync::Mutex;

use crate::error::{Error, OnFile, Result};
use crate::home::{self, Home};
use crate::keeper::{self, OnOurDeath};
use crate::nats_users::{self, Secrets};
use crate::running::Running;
use crate::{blocking, occupants, port, programs};

pub(crate) const ENGINE: &str = "NATS";
const CONFIG: &str = include_str!("../nats.conf");
const ATTEMPTS: u32 = 3;
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Whose url is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatsUser {
    /// The services' user.
    Core,
    /// Who feeds the branches: everything in the BRANCH account.
    BranchGateway,
    /// Who reads the copy of the event stream.
    Analytics,
    /// Who sets that copy up.
    AnalyticsAdmin,
}

/// Where and how a server is started.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    pub dir: PathBuf,
    /// None: a free one.
    pub port: Option<u16>,
    /// Throws away what is in `dir`.
    pub fresh: bool,
    /// Codes of branches that get a user of their own.
    pub branches: Vec<String>,
}

impl NatsOptions {
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> NatsOptions {
        NatsOptions { dir: dir.into(), port: None, fresh: false, branches: Vec::new() }
    }
}

/// A server's place in a cluster.
#[derive(Clone, Debug)]
struct Place {
    number: usize,
    /// Where all of them hear each other, in the order of their numbers.
    routes: Vec<u16>,
}

impl Place {
    /// What the configuration of a single server lacks.
    fn within(&self, config: &str) -> String {
        let routes: Vec<String> =
            self.routes.iter().map(|port| format!("\"nats-route://127.0.0.1:{port}\"")).collect();
        let named = config.replace("server_name: hotline", &format!("server_name: hotline-{}", self.number));
        format!(
            "{named}\ncluster {{\n    name: hotline\n    listen: \"127.0.0.1:{}\"\n    routes: [{}]\n    \
             no_advertise: true\n}}\n",
            self.routes[self.number],
            routes.join(", ")
        )
    }
}

/// A running server; killed when dropped, or when this process dies.
pub struct Nats {
    running: Mutex<Option<Running>>,
    home: Home,
    program: PathBuf,
    port: u16,
    secrets: Secrets,
    branches: Guard<BTreeMap<String, String>>,
    place: Option<Place>,
}

impl Nats {
    pub async fn start(options: NatsOptions) -> Result<Nats> {
        Nats::start_at(options, Secrets::generate()?, None).await
    }

    /// So many servers that know each other and take the same users. Who connects is not told of the others: he is
    /// given all urls.
    pub async fn start_cluster(options: NatsOptions, servers: usize) -> Result<Vec<Nats>> {
        let first = port::free_ports(servers as u16)?;
        let routes: Vec<u16> = (first..).take(servers).collect();
        let secrets = Secrets::generate()?;
        let mut started = Vec::new();
        for number in 0..servers {
            let own =
                NatsOptions { dir: options.dir.join(number.to_string()), port: None, ..options.clone() };
            let place = Place { number, routes: routes.clone() };
            started.push(Nats::start_at(own, secrets.clone(), Some(place)).await?);
        }
        Ok(started)
    }

    async fn start_at(options: NatsOptions, secrets: Secrets, place: Option<Place>) -> Result<Nats> {
        for branch in &options.branches {
            nats_users::check_branch(branch)?;
        }
        let program = blocking(programs::nats_server).await?;
        let home = Home::take(ENGINE, &options.dir).await?;
        if options.fresh {
            remove(&home.join("store"))?;
        }
        let mut nats = Nats {
            running: Mutex::new(None),
            port: port::choose(ENGINE, options.port)?,
            program,
            home,
            secrets,
            branches: Guard::default(),
            place,
        };
        for branch in options.branches {
            nats.admit(branch)?;
        }
        nats.write_config()?;
        nats.start_on_some_port(options.port.is_some()).await?;
        Ok(nats)
    }

    /// As the services' user. The password is in it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(NatsUser::Core)
    }

    #[must_use]
    pub fn url_of(&self, user: NatsUser) -> String {
        let (name, password) = self.secrets.of(user);
        self.url_for(name, password)
    }

    /// The url of a branch's own user, if it has one.
    #[must_use]
    pub fn branch_url(&self, branch: &str) -> Option<String> {
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        let password = branches.get(branch)?;
        Some(self.url_for(&nats_users::branch_user(branch), password))
    }

    /// Gives a branch a user while the server runs, and returns its url.
    pub async fn add_branch(&self, branch: &str) -> Result<String> {
        nats_users::check_branch(branch)?;
        self.admit(branch.to_owned())?;
        self.write_config()?;
        let pid = self.running.lock().await.as_ref().map(Running::pid);
        if let Some(pid) = pid {
            self.reload(pid).await;
        }
        Ok(self.branch_url(branch).expect("the branch was just admitted"))
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    pub async fn kill(&self) -> Result<()> {
        if let Some(mut running) = self.running.lock().await.take() {
            running.kill();
        }
        occupants::kill(self.home.path()).await
    }

    /// Starts the server again on the same port with what its store holds; ends it in good order first if it runs.
    pub async fn restart(&self) -> Result<()> {
        self.halt().await;
        self.launch().await
    }

    /// Loses everything that JetStream holds, as a broken disk would. Kills a running server; `restart` brings up an
    /// empty one.
    pub async fn wipe_storage(&self) -> Result<()> {
        self.kill().await?;
        remove(&self.home.join("store"))
    }

    /// Keeps a copy of everything that JetStream holds, as a backup would: taken while the server is down. Kills a
    /// running one.
    pub async fn save_storage(&self) -> Result<()> {
        self.kill().await?;
        let saved = self.home.join("store.saved");
        remove(&saved)?;
        copy(&self.home.join("store"), &saved)
    }

    /// Puts the saved copy in place of what the store holds now. Kills a running server.
    pub async fn put_back_storage(&self) -> Result<()> {
        self.kill().await?;
        let store = self.home.join("store");
        remove(&store)?;
        copy(&self.home.join("store.saved"), &store)
    }

    pub async fn stop(self) {
        self.halt().await;
    }

    async fn halt(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.stop(Signal::TERM, STOP_WITHIN).await;
        }
    }

    /// Somebody else may take a free port between our look and the server's.
    async fn start_on_some_port(&mut self, fixed: bool) -> Result<()> {
        let mut attempt = 1;
        loop {
            match self.launch().await {
                Err(Error::Ended { .. }) if !fixed && attempt < ATTEMPTS => {
                    attempt += 1;
                    self.port = port::choose(ENGINE, None)?;
                }
                outcome => return outcome,
            }
        }
    }

    async fn launch(&self) -> Result<()> {
        let mut slot = self.running.lock().await;
        let mut running = Running::spawn(ENGINE, self.command(), &self.home.join("nats.log"))?;
        let port = self.port;
        running.until(async |_| greets((Ipv4Addr::LOCALHOST, port)).await).await?;
        *slot = Some(running);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = keeper::tied(&self.program, OnOurDeath::Kill);
        command
            .arg("--config")
            .arg(self.home.join("nats.conf"))
            .current_dir(self.home.path())
            .env("HOTLINE_NATS_HOST", "127.0.0.1")
            .env("HOTLINE_NATS_PORT", self.port.to_string())
            .env("HOTLINE_NATS_STORE", quoted(&self.home.join("store")));
        command.envs(self.secrets.environment());
        command
    }

    fn admit(&self, branch: String) -> Result<()> {
        let password = crate::secret::password()?;
        let mut branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        branches.entry(branch).or_insert(password);
        Ok(())
    }

    fn write_config(&self) -> Result<()> {
        let config = self.home.join("nats.conf");
        let text = self.place.as_ref().map_or_else(|| CONFIG.to_owned(), |place| place.within(CONFIG));
        fs::write(&config, text).on("write", &config)?;
        let users = self.home.join("branches.conf");
        let branches = self.branches.lock().unwrap_or_else(PoisonError::into_inner);
        write_private(&users, &nats_users::render(&branches))
    }

    /// The server says in its log when the new users are in; nothing else tells.
    async fn reload(&self, pid: u32) {
        const DONE: &str = "Reloaded server configuration";
        let log = self.home.join("nats.log");
        let count = || {
            let text = fs::read(&log).unwrap_or_default();
            String::from_utf8_lossy(&text).matches(DONE).count()
        };
        let before = count();
        keeper::signal(pid, Signal::HUP);
        let limit = tokio::time::Instant::now() + STOP_WITHIN;
        while count() == before && tokio::time::Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn url_for(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }
}

/// Ends a server in `dir`, whoever started it; returns whether there was one.
pub(crate) async fn stop_in(dir: &Path) -> Result<bool> {
    home::stop(ENGINE, dir).await
}

/// Whether a server answers where the url says; the first of several will do.
pub(crate) async fn check_named(variable: &'static str, url: &str) -> Result<()> {
    let first = url.split(',').next().unwrap_or_default();
    let place = first.split_once("://").map_or(first, |(_, rest)| rest);
    let place = place.rsplit('@').next().unwrap_or_default().trim_end_matches('/');
    let address = if place.contains(':') { place.to_owned() } else { format!("{place}:4222") };
    if greets(&address).await {
        return Ok(());
    }
    Err(Error::BadUrl { variable, problem: format!("no NATS server answers at {address}") })
}

/// A NATS server speaks first.
async fn greets(address: impl ToSocketAddrs) -> bool {
    let Ok(stream) = TcpStream::connect(address).await else {
        return false;
    };
    let mut line = String::new();
    let mut reader = BufReader::new(stream);
    let read = tokio::time::timeout(Duration::from_secs(2), reader.read_line(&mut line)).await;
    matches!(read, Ok(Ok(_))) && line.starts_with("INFO ")
}

fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display())
}

fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).on("remove", dir),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).on("create", to)?;
    for entry in fs::read_dir(from).on("read", from)? {
        let entry = entry.on("read", from)?;
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &place)?;
        } else {
            fs::copy(&source, &place).on("copy", &source)?;
        }
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).on("write", path)?;
    crate::refuge::set_mode(path, 0o600)
}
