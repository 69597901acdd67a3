//! Who lives in an engine's directory.
//!
//! Every process of a server works in its own directory (Postgres' backends change into the data directory, NATS is
//! started in its store's), so the working directory tells reliably whose process it is: no recorded process id that
//! could meanwhile belong to somebody else, and none forgotten that was forked a moment ago.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::keeper::{self, Signal};

const NAMES: [&str; 3] = ["postgres", "nats-server", "initdb"];
const PATIENCE: Duration = Duration::from_secs(10);

/// Process ids of servers that work in `dir` or below, oldest first (so a postmaster comes before its backends).
/// Empty where there is no /proc.
pub(crate) fn of(dir: &Path) -> Vec<u32> {
    let Ok(dir) = dir.canonicalize() else {
        return Vec::new();
    };
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut found: Vec<u32> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| is_engine(*pid) && works_in(*pid, &dir))
        .collect();
    found.sort_unstable();
    found
}

/// Kills every server in `dir` with SIGKILL, including what is forked meanwhile, and returns when none is left.
pub(crate) async fn kill(dir: &Path) -> Result<()> {
    let began = Instant::now();
    loop {
        let pids = of(dir);
        if pids.is_empty() {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(Error::Undying { dir: dir.to_owned(), pids });
        }
        signal_all(&pids, Signal::KILL);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Asks the servers in `dir` to end in good order (Postgres: a fast shutdown), and kills what does not.
pub(crate) async fn end(dir: &Path) -> Result<()> {
    let began = Instant::now();
    signal_all(&of(dir), Signal::INT);
    while !of(dir).is_empty() {
        if began.elapsed() > PATIENCE {
            return kill(dir).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// The same as [`kill`] for destructors: one blow, without waiting.
pub(crate) fn kill_now(dir: &Path) {
    signal_all(&of(dir), Signal::KILL);
}

fn signal_all(pids: &[u32], sent: Signal) {
    for pid in pids {
        keeper::signal(*pid, sent);
    }
}

fn is_engine(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| NAMES.contains(&name.trim()))
}

fn works_in(pid: u32, dir: &Path) -> bool {
    let Ok(cwd) = fs::read_link(format!("/proc/{pid}/cwd")) else {
        return false;
    };
    let bytes = cwd.as_os_str().as_bytes();
    let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(bytes);
    PathBuf::from(OsStr::from_bytes(bytes)).starts_with(dir)
}
