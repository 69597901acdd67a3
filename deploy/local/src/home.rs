//! The directory of one engine, held by one process at a time.
//!
//! The lock is the kernel's and dies with its holder, so whoever gets it knows that no supervisor is left; what still
//! runs in the directory then is an orphan of a crashed run and is ended before anything else happens.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, OnFile, Result};
use crate::{keeper, occupants};

const LOCK: &str = "lock";
const STOP_WITHIN: Duration = Duration::from_secs(30);

pub(crate) struct Home {
    dir: PathBuf,
    _lock: File,
}

impl Home {
    /// Takes the directory, creating it if need be, and ends the orphans of an earlier run in it.
    pub(crate) async fn take(engine: &'static str, dir: &Path) -> Result<Home> {
        let dir = std::path::absolute(dir).on("find", dir)?;
        fs::create_dir_all(&dir).on("create", &dir)?;
        let Some(lock) = try_lock(&dir)? else {
            return Err(Error::InUse {
                engine,
                owner: owner(&dir).map_or_else(|| "unknown".into(), |pid| pid.to_string()),
                dir,
            });
        };
        occupants::kill(&dir).await?;
        Ok(Home { dir, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// Ends what runs in `dir`, whoever started it: its supervisor is asked to, orphans are ended here.
/// Returns whether there was anything to end.
pub(crate) async fn stop(engine: &'static str, dir: &Path) -> Result<bool> {
    if !dir.exists() {
        return Ok(false);
    }
    let began = Instant::now();
    let mut asked = false;
    let _lock = loop {
        if let Some(lock) = try_lock(dir)? {
            break lock;
        }
        let supervisor = owner(dir);
        if !asked && let Some(pid) = supervisor {
            keeper::signal(pid, Signal::TERM);
            asked = true;
        }
        if began.elapsed() > STOP_WITHIN {
            return Err(Error::InUse {
                engine,
                dir: dir.to_owned(),
                owner: supervisor.map_or_else(|| "unknown".into(), |pid| pid.to_string()),
            });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let orphans = !occupants::of(dir).is_empty();
    occupants::end(dir).await?;
    Ok(asked || orphans)
}

fn try_lock(dir: &Path) -> Result<Option<File>> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .on("open", &path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(source)) => return Err(source).on("lock", &path),
    }
    file.set_len(0).on("write", &path)?;
    write!(file, "{}", std::process::id()).on("write", &path)?;
    Ok(Some(file))
}

fn owner(dir: &Path) -> Option<u32> {
    fs::read_to_string(dir.join(LOCK)).ok()?.trim().parse().ok()
}
