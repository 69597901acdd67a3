//! The pair: one NATS server, one Postgres server, ours or somebody else's.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::nats::{self, Nats, NatsOptions, NatsUser};
use crate::postgres::{self, Postgres, PostgresOptions, Tuning};
use crate::sql::{self, Server};
use crate::{blocking, programs};

const NATS_URL: &str = "NATS_URL";
const DATABASE_URL: &str = "DATABASE_URL";
/// A Postgres server that a whole test run shares. Not DATABASE_URL, which would also make sqlx's macros ask that
/// server while compiling.
const TEST_DATABASE_URL: &str = "TEST_DATABASE_URL";

/// Whose servers are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Servers {
    /// Those named by `NATS_URL` and `DATABASE_URL`, ours where one is not named.
    NamedOrOurs,
    /// Ours, whatever the environment says: for who kills them.
    Ours,
    /// A NATS server of our own (subjects cannot be told apart otherwise) and the Postgres of the test run, named by
    /// `TEST_DATABASE_URL`, if there is one.
    TestRun,
}

#[derive(Clone, Debug)]
pub struct Options {
    /// Everything is below it: `nats/`, `postgres/`, the logs. Given up for a refuge under the temporary directory
    /// when Postgres' user cannot reach it.
    pub dir: PathBuf,
    pub servers: Servers,
    /// None: free ones.
    pub nats_port: Option<u16>,
    pub pg_port: Option<u16>,
    /// Throws away what an earlier run kept in `dir`.
    pub fresh: bool,
    pub tuning: Tuning,
    /// Codes of branches that get a NATS user of their own.
    pub branches: Vec<String>,
}

impl Options {
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Options {
        Options {
            dir: dir.into(),
            servers: Servers::NamedOrOurs,
            nats_port: None,
            pg_port: None,
            fresh: false,
            tuning: Tuning::Test,
            branches: Vec::new(),
        }
    }

    /// For a test: empty, and sharing the run's Postgres.
    #[must_use]
    pub fn for_tests(dir: impl Into<PathBuf>) -> Options {
        Options { servers: Servers::TestRun, fresh: true, ..Options::new(dir) }
    }

    /// For a test that kills servers: empty, and nobody else's.
    #[must_use]
    pub fn ours(dir: impl Into<PathBuf>) -> Options {
        Options { servers: Servers::Ours, fresh: true, ..Options::new(dir) }
    }
}

enum NatsServer {
    Ours(Box<Nats>),
    Named { url: String },
}

enum PostgresServer {
    Ours(Box<Postgres>),
    Named { url: String, variable: &'static str },
}

/// Both servers, ready.
pub struct Engines {
    nats: NatsServer,
    postgres: PostgresServer,
}

impl Engines {
    /// Finds or starts both at the same time and returns when both are ready.
    pub async fn start(options: Options) -> Result<Engines> {
        let (nats, postgres) = tokio::try_join!(start_nats(&options), start_postgres(&options))?;
        Ok(Engines { nats, postgres })
    }

    /// As the services' user.
    #[must_use]
    pub fn nats_url(&self) -> String {
        match &self.nats {
            NatsServer::Ours(nats) => nats.url(),
            NatsServer::Named { url } => url.clone(),
        }
    }

    /// As another user; a server that somebody else named has its own.
    pub fn nats_url_of(&self, user: NatsUser) -> Result<String> {
        Ok(self.our_nats("logging in as another user")?.url_of(user))
    }

    /// The database `hotline` as superuser (or the one that was named).
    #[must_use]
    pub fn database_url(&self) -> String {
        match &self.postgres {
            PostgresServer::Ours(postgres) => postgres.url(),
            PostgresServer::Named { url, .. } => url.clone(),
        }
    }

    /// An empty database of that name; returns its url. On a shared server the name should carry the process id.
    pub async fn fresh_database(&self, name: &str) -> Result<String> {
        sql::fresh_database(&self.server().await?, name, None).await
    }

    /// A copy of another database that nobody is connected to.
    pub async fn copied_database(&self, name: &str, template: &str) -> Result<String> {
        sql::fresh_database(&self.server().await?, name, Some(template)).await
    }

    /// Runs statements in a database and returns the rows as text, columns separated by `|`.
    pub async fn sql(&self, database: &str, statements: &str) -> Result<String> {
        sql::run(&self.server().await?, database, statements).await
    }

    pub fn nats_dir(&self) -> Result<&Path> {
        Ok(self.our_nats("looking into its directory")?.dir())
    }

    /// SIGKILL.
    pub async fn kill_nats(&self) -> Result<()> {
        self.our_nats("killing")?.kill().await
    }

    /// On the same port, with what its store holds.
    pub async fn restart_nats(&self) -> Result<()> {
        self.our_nats("restarting")?.restart().await
    }

    /// Kills the server and removes all streams; `restart_nats` brings up an empty one.
    pub async fn wipe_nats_storage(&self) -> Result<()> {
        self.our_nats("wiping")?.wipe_storage().await
    }

    /// SIGKILL to the postmaster and every backend.
    pub async fn kill_postgres(&self) -> Result<()> {
        self.our_postgres("killing")?.kill().await
    }

    /// On the same port; after a kill it recovers first.
    pub async fn restart_postgres(&self) -> Result<()> {
        self.our_postgres("restarting")?.restart().await
    }

    /// Stops ours in good order; leaves named ones alone.
    pub async fn stop(self) -> Result<()> {
        if let NatsServer::Ours(nats) = self.nats {
            nats.stop().await;
        }
        match self.postgres {
            PostgresServer::Ours(postgres) => postgres.stop().await,
            PostgresServer::Named { .. } => Ok(()),
        }
    }

    pub fn our_nats(&self, what: &'static str) -> Result<&Nats> {
        match &self.nats {
            NatsServer::Ours(nats) => Ok(nats),
            NatsServer::Named { .. } => {
                Err(Error::NotOurs { what, engine: nats::ENGINE, variable: NATS_URL })
            }
        }
    }

    pub fn our_postgres(&self, what: &'static str) -> Result<&Postgres> {
        match &self.postgres {
            PostgresServer::Ours(postgres) => Ok(postgres),
            PostgresServer::Named { variable, .. } => {
                Err(Error::NotOurs { what, engine: postgres::ENGINE, variable })
            }
        }
    }

    async fn server(&self) -> Result<Server> {
        match &self.postgres {
            PostgresServer::Ours(postgres) => Ok(postgres.server()),
            PostgresServer::Named { url, variable } => {
                Server::named(blocking(programs::psql).await?, variable, url)
            }
        }
    }
}

/// Ends what runs in `dir`, whoever started it; returns whether there was anything.
pub async fn stop_in(dir: &Path) -> Result<bool> {
    let nats = nats::stop_in(&dir.join("nats")).await?;
    let postgres = postgres::stop_in(&dir.join("postgres")).await?;
    Ok(nats || postgres)
}

async fn start_nats(options: &Options) -> Result<NatsServer> {
    if options.servers == Servers::NamedOrOurs
        && let Some(url) = variable(NATS_URL)
    {
        nats::check_named(NATS_URL, &url).await?;
        return Ok(NatsServer::Named { url });
    }
    let nats = Nats::start(NatsOptions {
        dir: options.dir.join("nats"),
        port: options.nats_port,
        fresh: options.fresh,
        branches: options.branches.clone(),
    });
    nats.await.map(|nats| NatsServer::Ours(Box::new(nats)))
}

async fn start_postgres(options: &Options) -> Result<PostgresServer> {
    let named = match options.servers {
        Servers::NamedOrOurs => Some(DATABASE_URL),
        Servers::TestRun => Some(TEST_DATABASE_URL),
        Servers::Ours => None,
    };
    if let Some(name) = named
        && let Some(url) = variable(name)
    {
        let server = Server::named(blocking(programs::psql).await?, name, &url)?;
        sql::run(&server, "postgres", "SELECT 1").await?;
        return Ok(PostgresServer::Named { url, variable: name });
    }
    let postgres = Postgres::start(PostgresOptions {
        dir: options.dir.join("postgres"),
        port: options.pg_port,
        fresh: options.fresh,
        tuning: options.tuning,
    });
    let postgres = postgres.await?;
    Ok(PostgresServer::Ours(Box::new(postgres)))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
