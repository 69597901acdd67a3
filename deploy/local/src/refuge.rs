//! Directories that another user can reach, when the one asked for is hidden from him.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::{Error, OnFile, Result};
use crate::occupants;

const PREFIX: &str = "hotline-engines-";
/// In a refuge: whose it is.
const ORIGIN: &str = "origin";

/// `dir` if `account` can use directories in it, else one for the same purpose under the system's temporary directory.
pub(crate) fn usable(dir: &Path, account: Option<&Account>) -> Result<PathBuf> {
    let Some(account) = account else {
        return Ok(dir.to_owned());
    };
    if lets_in(dir, account)? {
        return Ok(dir.to_owned());
    }
    sweep();
    let fallback = std::env::temp_dir().join(format!("{PREFIX}{}", flattened(dir)));
    own_directory(&fallback)?;
    let origin = fallback.join(ORIGIN);
    fs::write(&origin, dir.as_os_str().as_bytes()).on("write", &origin)?;
    if lets_in(&fallback, account)? {
        return Ok(fallback);
    }
    Err(Error::Unreachable {
        user: account.name.clone(),
        dir: dir.to_owned(),
        fallback: std::env::temp_dir(),
    })
}

/// Creates a directory in a place where others write too: one that somebody else put there is not used.
pub(crate) fn own_directory(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).on("create", path);
        }
        _ => {}
    }
    let found = fs::symlink_metadata(path).on("read", path)?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::Foreign { path: path.to_owned() });
    }
    set_mode(path, 0o755)
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).on("set the mode of", path)
}

/// A directory that belongs to the account is made and looked at with the account's eyes.
fn lets_in(dir: &Path, account: &Account) -> Result<bool> {
    let probe = dir.join("probe");
    fs::create_dir_all(&probe).on("create", &probe)?;
    account.own(&probe)?;
    let reachable = account.can_write(&probe);
    fs::remove_dir(&probe).on("remove", &probe)?;
    Ok(reachable)
}

/// Removes refuges whose directory is gone: nobody will come back for what is in them.
fn sweep() {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    for refuge in entries.map(|entry| entry.path()) {
        let name = refuge.file_name().unwrap_or_default().as_bytes();
        let ours = name.starts_with(PREFIX.as_bytes()) && own_directory(&refuge).is_ok();
        if !ours {
            continue;
        }
        let Ok(origin) = fs::read(refuge.join(ORIGIN)) else {
            continue;
        };
        if !Path::new(OsStr::from_bytes(&origin)).exists() {
            occupants::kill_now(&refuge);
            // Another process may be removing it too.
            let _ = fs::remove_dir_all(&refuge);
        }
    }
}

fn flattened(dir: &Path) -> String {
    dir.to_string_lossy().trim_matches('/').replace(|it: char| !it.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_directory_gets_a_refuge() {
        let Some(account) = Account::for_postgres().unwrap() else {
            return; // only root runs servers as somebody else
        };
        let hidden = tempfile::tempdir().unwrap();
        set_mode(hidden.path(), 0o700).unwrap();
        let refuge = usable(hidden.path(), Some(&account)).unwrap();
        assert_ne!(refuge, hidden.path());
        assert_eq!(usable(hidden.path(), Some(&account)).unwrap(), refuge, "found again");
        set_mode(hidden.path(), 0o755).unwrap();
        assert_eq!(usable(hidden.path(), Some(&account)).unwrap(), hidden.path());

        set_mode(hidden.path(), 0o700).unwrap();
        drop(hidden);
        sweep();
        assert!(!refuge.exists(), "its directory is gone");
    }

    #[test]
    fn a_directory_that_is_a_link_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let link = temp.path().join("link");
        std::os::unix::fs::symlink(temp.path(), &link).unwrap();
        assert!(matches!(own_directory(&link), Err(Error::Foreign { .. })));
    }
}
