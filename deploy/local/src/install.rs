//! Installing a tool once per machine and checkout: completely or not at all.
//!
//! Everything is prepared in a staging directory and renamed when complete, under a lock that a second process waits
//! for. What an interrupted attempt left is thrown away by the next one.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::error::{Error, OnFile, Result};

/// Where engines and tools are kept: `target/engines` of this workspace.
#[must_use]
pub fn root() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let engines = target.join("engines");
    engines.canonicalize().unwrap_or(engines)
}

/// The directory `root/name`, filled by `fill` if it is not there yet.
pub fn once<E: From<Error>>(
    root: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<PathBuf, E> {
    let complete = root.join(name);
    if complete.is_dir() {
        return Ok(complete);
    }
    fs::create_dir_all(root).on("create", root)?;
    let lock = root.join(format!(".lock-{name}"));
    let guard = OpenOptions::new().create(true).truncate(false).write(true).open(&lock).on("open", &lock)?;
    guard.lock().on("lock", &lock)?;
    if complete.is_dir() {
        return Ok(complete);
    }
    let staging = staging(root, name);
    if staging.exists() {
        fs::remove_dir_all(&staging).on("clear", &staging)?;
    }
    fs::create_dir(&staging).on("create", &staging)?;
    fill(&staging)?;
    fs::rename(&staging, &complete).on("put in place", &complete)?;
    Ok(complete)
}

fn staging(root: &Path, name: &str) -> PathBuf {
    root.join(format!(".staging-{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_installation_is_redone() {
        let root = tempfile::tempdir().unwrap();
        let left = staging(root.path(), "tool");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("program"), "trunc").unwrap();
        let dir = once::<Error>(root.path(), "tool", |staging| {
            assert!(!staging.join("program").exists(), "the old attempt is gone");
            fs::write(staging.join("program"), "complete").on("write", staging)
        })
        .unwrap();
        assert_eq!(fs::read_to_string(dir.join("program")).unwrap(), "complete");
        assert!(!left.exists());
    }

    #[test]
    fn a_failed_installation_leaves_nothing_that_looks_complete() {
        let root = tempfile::tempdir().unwrap();
        let fails = once(root.path(), "tool", |staging| {
            fs::write(staging.join("program"), "half").unwrap();
            Err(Error::NoUnprivilegedUser)
        });
        assert!(fails.is_err());
        assert!(!root.path().join("tool").exists());
    }

    #[test]
    fn two_at_once_install_one() {
        let root = tempfile::tempdir().unwrap();
        let count = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    once::<Error>(root.path(), "tool", |_| {
                        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        Ok(())
                    })
                    .unwrap();
                });
            }
        });
        assert_eq!(count.into_inner(), 1);
    }
}
