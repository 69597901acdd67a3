//! Directories for servers that live as long as one process.
//!
//! A test's servers are killed with it, and nobody is left to tidy up; so the next one does.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::error::{OnFile, Result};
use crate::{install, occupants};

/// A directory for this process under `target/engines-data/scratch`; those of processes that are gone are removed.
pub fn scratch(name: &str) -> Result<PathBuf> {
    let root = install::root().with_file_name("engines-data").join("scratch");
    within(&root, name)
}

fn within(root: &Path, name: &str) -> Result<PathBuf> {
    fs::create_dir_all(root).on("create", root)?;
    for entry in fs::read_dir(root).on("read", root)?.flatten() {
        if owner(&entry.path()).is_some_and(|pid| !lives(pid)) {
            occupants::kill_now(&entry.path());
            // Another process may be removing it too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let dir = root.join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&dir).on("create", &dir)?;
    Ok(dir)
}

fn owner(dir: &Path) -> Option<i32> {
    dir.file_name()?.to_str()?.rsplit('-').next()?.parse().ok()
}

fn lives(pid: i32) -> bool {
    let Some(pid) = Pid::from_raw(pid) else {
        return false;
    };
    // Not being allowed to signal it is a sign of life too.
    test_kill_process(pid) != Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_that_is_gone_left_is_removed_and_the_rest_is_not() {
        let root = tempfile::tempdir().unwrap();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        gone.wait().unwrap();
        let left = root.path().join(format!("intake-{}", gone.id()));
        let alive = root.path().join("intake-1");
        let other = root.path().join("notes");
        for dir in [&left, &alive, &other] {
            fs::create_dir(dir).unwrap();
        }
        let mine = within(root.path(), "intake").unwrap();
        assert!(mine.ends_with(format!("intake-{}", std::process::id())));
        assert!(!left.exists());
        assert!(alive.exists() && other.exists() && mine.exists());
    }
}
