//! One Postgres server: initialised, started, killed with all its backends, started again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::Mutex;

use crate::account::{Account, run_as};
use crate::error::{Error, OnFile, Result};
use crate::home::{self, Home};
use crate::keeper::{self, OnOurDeath};
use crate::programs::{self, PostgresPrograms};
use crate::running::Running;
use crate::sql::{self, Server};
use crate::{blocking, occupants, port, refuge, secret};

pub(crate) const ENGINE: &str = "Postgres";
pub(crate) const USER: &str = "hotline";
const ATTEMPTS: u32 = 3;
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// What the server is tuned for; durability (`fsync`, `synchronous_commit`, `full_page_writes`) is on in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tuning {
    /// Small, many connections: several servers fit on a laptop.
    #[default]
    Test,
    /// What the measured targets are stated for: `shared_buffers` 2 GB, `max_wal_size` 8 GB, all else default.
    Bench,
}

impl Tuning {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Tuning::Test => &["shared_buffers=64MB", "max_connections=200"],
            Tuning::Bench => &["shared_buffers=2GB", "max_wal_size=8GB"],
        }
    }
}

/// Where and how a server is started.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    pub dir: PathBuf,
    /// None: a free one.
    pub port: Option<u16>,
    /// Throws away what is in `dir`.
    pub fresh: bool,
    pub tuning: Tuning,
}

impl PostgresOptions {
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> PostgresOptions {
        PostgresOptions { dir: dir.into(), port: None, fresh: false, tuning: Tuning::Test }
    }
}

/// A running server with a database `hotline`; killed when dropped, or when this process dies.
pub struct Postgres {
    pub(crate) running: Mutex<Option<Running>>,
    /// Under the home directory, or in a place that the account can reach.
    pub(crate) data: PathBuf,
    pub(crate) home: Home,
    pub(crate) programs: PostgresPrograms,
    pub(crate) account: Option<Account>,
    pub(crate) tuning: Tuning,
    pub(crate) port: u16,
    pub(crate) password: String,
}

impl Postgres {
    pub async fn start(options: PostgresOptions) -> Result<Postgres> {
        let account = Account::for_postgres()?;
        let user = account.clone();
        let programs = blocking(move || programs::postgres(user.as_ref())).await?;
        let home = Home::take(ENGINE, &options.dir).await?;
        let data = refuge::usable(home.path(), account.as_ref())?.join("data");
        occupants::kill(&data).await?;
        if options.fresh && data.exists() {
            fs::remove_dir_all(&data).on("remove", &data)?;
        }
        let mut postgres = Postgres {
            running: Mutex::new(None),
            port: port::choose(ENGINE, options.port)?,
            tuning: options.tuning,
            password: String::new(),
            data,
            home,
            programs,
            account,
        };
        let new = !postgres.data.exists();
        if new {
            postgres.initialise()?;
        }
        postgres.password = postgres.read_password()?;
        postgres.check_version()?;
        postgres.start_on_some_port(options.port.is_some()).await?;
        if new {
            postgres.fresh_database(USER).await?;
        }
        Ok(postgres)
    }

    /// The database `hotline`, as superuser. The password is in it.
    #[must_use]
    pub fn url(&self) -> String {
        self.server().url(USER)
    }

    /// The same server, another database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        self.server().url(database)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    #[must_use]
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// An empty database of that name (an older one of the same name is dropped, with all who use it).
    pub async fn fresh_database(&self, name: &str) -> Result<String> {
        sql::fresh_database(&self.server(), name, None).await
    }

    /// A copy of another database that nobody is connected to: what a migrated template costs is paid once.
    pub async fn copied_database(&self, name: &str, template: &str) -> Result<String> {
        sql::fresh_database(&self.server(), name, Some(template)).await
    }

    /// Runs statements in a database and returns the rows as text, columns separated by `|`.
    pub async fn sql(&self, database: &str, statements: &str) -> Result<String> {
        sql::run(&self.server(), database, statements).await
    }

    /// SIGKILL to the postmaster and every backend at once.
    pub async fn kill(&self) -> Result<()> {
        let mut slot = self.running.lock().await;
        if let Some(mut running) = slot.take() {
            running.kill();
        }
        occupants::kill(&self.data).await
    }

    /// Starts the server again on the same port (after a kill it recovers); ends it in good order first if it runs.
    pub async fn restart(&self) -> Result<()> {
        self.halt().await?;
        self.launch().await
    }

    /// A fast shutdown: open transactions are rolled back, a checkpoint is written.
    pub async fn stop(self) -> Result<()> {
        self.halt().await
    }

    pub(crate) fn server(&self) -> Server {
        Server::ours(self.programs.psql(), USER, &self.password, self.port)
    }

    async fn halt(&self) -> Result<()> {
        if let Some(running) = self.running.lock().await.take() {
            running.stop(Signal::INT, STOP_WITHIN).await;
        }
        occupants::kill(&self.data).await
    }

    /// Into a directory beside, renamed when complete: an interrupted one is redone.
    fn initialise(&self) -> Result<()> {
        let staging = self.data.with_file_name("data.new");
        if staging.exists() {
            fs::remove_dir_all(&staging).on("clear", &staging)?;
        }
        fs::create_dir(&staging).on("create", &staging)?;
        refuge::set_mode(&staging, 0o700)?;
        let secret = self.data.with_file_name("password.new");
        let password = secret::password()?;
        fs::write(&secret, &password).on("write", &secret)?;
        refuge::set_mode(&secret, 0o600)?;
        if let Some(account) = &self.account {
            account.own(&staging)?;
            account.own(&secret)?;
        }
        self.initdb(&staging, &secret)?;
        let kept = self.password_file();
        fs::rename(&secret, &kept).on("put in place", &kept)?;
        fs::rename(&staging, &self.data).on("put in place", &self.data)
    }

    fn initdb(&self, data: &Path, secret: &Path) -> Result<()> {
        let program = self.programs.initdb();
        let mut command = Command::new(&program);
        command
            .arg("--pgdata")
            .arg(data)
            .arg("--pwfile")
            .arg(secret)
            .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            // Rounds slow down guessing; a password of 128 random bits needs none, and an unoptimised
            // program opens sixty connections at its start.
            .args(["--set", "scram_iterations=1"])
            .args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"])
            .arg("--no-instructions")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        // The files reach the disk with the first checkpoint anyway; until then there is nothing worth keeping.
        command.arg("--no-sync");
        let output = run_as(&mut command, self.account.as_ref())
            .output()
            .map_err(|source| Error::Run { program: program.display().to_string(), source })?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Ended {
            engine: "initdb",
            status: output.status,
            log: data.to_owned(),
            tail: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn password_file(&self) -> PathBuf {
        self.data.with_file_name("password")
    }

    fn read_password(&self) -> Result<String> {
        let path = self.password_file();
        fs::read_to_string(&path).on("read", &path)
    }

    fn check_version(&self) -> Result<()> {
        let path = self.data.join("PG_VERSION");
        let found = fs::read_to_string(&path).on("read", &path)?;
        if found.trim() == self.programs.major.to_string() {
            return Ok(());
        }
        Err(Error::OtherVersion {
            dir: self.data.clone(),
            found: found.trim().to_owned(),
            running: self.programs.major,
        })
    }

    /// Somebody else may take a free port between our look and the server's.
    pub(crate) async fn start_on_some_port(&mut self, fixed: bool) -> Result<()> {
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
        let pid_file = self.data.join("postmaster.pid");
        forget(&pid_file)?;
        let mut running = Running::spawn(ENGINE, self.command(), &self.home.join("postgres.log"))?;
        running.until(async |pid| says_ready(&pid_file, pid)).await?;
        *slot = Some(running);
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = keeper::tied(&self.programs.postgres(), OnOurDeath::Kill);
        command.arg("-D").arg(&self.data);
        let port = format!("port={}", self.port);
        let fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories=", &port];
        for setting in fixed.iter().chain(self.tuning.settings()) {
            command.args(["-c", setting]);
        }
        command.env("TZ", "UTC");
        run_as(&mut command, self.account.as_ref());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The postmaster first, by its handle; its backends would only notice at their next wait.
        if let Some(mut running) = self.running.get_mut().take() {
            running.kill();
            occupants::kill_now(&self.data);
        }
    }
}

/// Ends a server in `dir`, whoever started it; returns whether there was one.
pub(crate) async fn stop_in(dir: &Path) -> Result<bool> {
    let asked = home::stop(ENGINE, dir).await?;
    let account = Account::for_postgres()?;
    if !dir.exists() {
        return Ok(asked);
    }
    let data = refuge::usable(dir, account.as_ref())?.join("data");
    let orphans = !occupants::of(&data).is_empty();
    occupants::end(&data).await?;
    Ok(asked || orphans)
}

/// A killed postmaster leaves its file, and in a container nobody may collect its corpse, which the next one takes for
/// a living process. We know better: nothing works in the directory any more.
fn forget(pid_file: &Path) -> Result<()> {
    match fs::remove_file(pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).on("remove", pid_file),
        _ => Ok(()),
    }
}

/// The postmaster's own file: its process id in the first line, its state in the eighth.
fn says_ready(pid_file: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let mut lines = text.lines();
    let whose = lines.next().and_then(|line| line.trim().parse().ok());
    whose == Some(pid) && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}
