//! Which server programs are used: those on PATH if recent enough, else the pinned ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::account::Account;
use crate::error::{Error, OnFile, Result};
use crate::install;
use crate::wheel::{NATS, POSTGRES};

/// The client is built for 2.12's interface of JetStream.
const NATS_AT_LEAST: (u32, u32) = (2, 12);
/// `transaction_timeout`, one of the guards of the writer's session, came with 17; so did the built-in locale.
const POSTGRES_AT_LEAST: (u32, u32) = (17, 0);

/// The programs of one Postgres installation.
#[derive(Clone, Debug)]
pub(crate) struct PostgresPrograms {
    bin: PathBuf,
    pub(crate) major: u32,
}

impl PostgresPrograms {
    pub(crate) fn postgres(&self) -> PathBuf {
        self.bin.join("postgres")
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.bin.join("initdb")
    }

    /// Another program of the same installation.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    pub(crate) fn psql(&self) -> PathBuf {
        self.bin.join("psql")
    }
}

/// `nats-server`: found or installed once per process.
pub(crate) fn nats_server() -> Result<PathBuf> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = match on_path("nats-server").filter(|it| version(it) >= Some(NATS_AT_LEAST)) {
        Some(found) => found,
        None => NATS.programs(&install::root())?.join("nats-server"),
    };
    Ok(FOUND.get_or_init(|| found).clone())
}

/// A Postgres that `account` can run.
pub(crate) fn postgres(account: Option<&Account>) -> Result<PostgresPrograms> {
    static FOUND: OnceLock<PostgresPrograms> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = match postgres_on_path() {
        Some(found) if account.is_none_or(|user| user.can_run(&found.postgres())) => found,
        _ => pinned_postgres(account)?,
    };
    Ok(FOUND.get_or_init(|| found).clone())
}

/// Any client for SQL will do for a server that somebody else runs.
pub(crate) fn psql() -> Result<PathBuf> {
    match on_path("psql") {
        Some(found) => Ok(found),
        None => Ok(postgres(None)?.psql()),
    }
}

/// Distributions link programs into PATH one by one; the others lie where the link leads.
fn postgres_on_path() -> Option<PostgresPrograms> {
    let postgres = on_path("postgres")?.canonicalize().ok()?;
    let found = version(&postgres).filter(|it| *it >= POSTGRES_AT_LEAST)?;
    let programs = PostgresPrograms { bin: postgres.parent()?.to_owned(), major: found.0 };
    (programs.initdb().is_file() && programs.psql().is_file()).then_some(programs)
}

fn pinned_postgres(account: Option<&Account>) -> Result<PostgresPrograms> {
    let bin = POSTGRES.programs(&install::root())?;
    let major = POSTGRES.version.split('.').next();
    let major = major.and_then(|it| it.parse().ok()).expect("a pinned version begins with a number");
    let programs = PostgresPrograms { bin, major };
    match account {
        Some(account) if !account.can_run(&programs.postgres()) => {
            let copy = reachable_copy(&install::root(), &std::env::temp_dir(), account)?;
            Ok(PostgresPrograms { bin: copy, major })
        }
        _ => Ok(programs),
    }
}

/// A checkout below a private directory (root's home) hides the programs from the user who is to run them.
fn reachable_copy(from: &Path, temp: &Path, account: &Account) -> Result<PathBuf> {
    let name = format!("{}-{}", POSTGRES.package, POSTGRES.version);
    let root = temp.join("hotline-engines");
    crate::refuge::own_directory(&root)?;
    let dir = install::once(&root, &name, |staging| copy_tree(&from.join(&name), staging))?;
    let bin = dir.join(POSTGRES.bin);
    if account.can_run(&bin.join("postgres")) {
        return Ok(bin);
    }
    Err(Error::Unreachable { user: account.name.clone(), dir: from.to_owned(), fallback: root })
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).on("read", from)? {
        let entry = entry.on("read", from)?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().on("read", &source)?.is_dir() {
            fs::create_dir_all(&target).on("create", &target)?;
            copy_tree(&source, &target)?;
        } else {
            fs::copy(&source, &target).on("copy", &source)?;
        }
    }
    Ok(())
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

fn version(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `nats-server: v2.15.1`, `postgres (PostgreSQL) 18.6 (Debian ...)`, `postgres (PostgreSQL) 19beta1`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let word = word.strip_prefix('v').unwrap_or(word);
        let mut numbers = word.split(|it: char| !it.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next().and_then(|it| it.parse().ok()).unwrap_or(0);
        Some((major, minor))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_servers_print_them() {
        assert_eq!(parse_version("nats-server: v2.15.1\n"), Some((2, 15)));
        assert_eq!(parse_version("postgres (PostgreSQL) 18.6 (Debian 18.6-1)"), Some((18, 6)));
        assert_eq!(parse_version("postgres (PostgreSQL) 19beta1"), Some((19, 0)));
        assert_eq!(parse_version("no such thing"), None);
    }

    #[test]
    fn programs_below_a_private_directory_are_copied_to_a_reachable_one() {
        let Some(account) = Account::for_postgres().unwrap() else {
            return; // only root runs servers as somebody else
        };
        let private = tempfile::tempdir().unwrap();
        crate::refuge::set_mode(private.path(), 0o700).unwrap();
        let name = format!("{}-{}", POSTGRES.package, POSTGRES.version);
        let bin = private.path().join(&name).join(POSTGRES.bin);
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join("postgres");
        fs::write(&program, "#!/bin/sh\necho 'postgres (PostgreSQL) 18.6'\n").unwrap();
        crate::refuge::set_mode(&program, 0o755).unwrap();
        assert!(!account.can_run(&program));

        let temp = tempfile::tempdir().unwrap();
        crate::refuge::set_mode(temp.path(), 0o755).unwrap();
        let copy = reachable_copy(private.path(), temp.path(), &account).unwrap();
        assert!(account.can_run(&copy.join("postgres")));
    }
}
