//! The unprivileged user that Postgres runs as when we are root.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, OnFile, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Nobody else is needed unless we are root.
    pub(crate) fn for_postgres() -> Result<Option<Account>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let path = Path::new("/etc/passwd");
        let users = fs::read_to_string(path).on("read", path)?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| find(&users, name))
            .map(Some)
            .ok_or(Error::NoUnprivilegedUser)
    }

    pub(crate) fn own(&self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid)).on("hand over", path)
    }

    /// Tried rather than computed from mode bits: access lists and mounts have a say too.
    pub(crate) fn can_write(&self, dir: &Path) -> bool {
        let mut test = Command::new("test");
        test.arg("-w").arg(dir);
        quietly_succeeds(run_as(&mut test, Some(self)))
    }

    pub(crate) fn can_run(&self, program: &Path) -> bool {
        quietly_succeeds(run_as(Command::new(program).arg("--version"), Some(self)))
    }
}

/// Lets `command` run as `account` (as ourselves if none), in a directory that every user may be in.
pub(crate) fn run_as<'c>(command: &'c mut Command, account: Option<&Account>) -> &'c mut Command {
    if let Some(account) = account {
        command.uid(account.uid).gid(account.gid);
    }
    command.current_dir("/")
}

fn quietly_succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn find(users: &str, name: &str) -> Option<Account> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(Account {
        name: name.to_owned(),
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgres-old:x:7:7::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        let found = find(users, "postgres").unwrap();
        assert_eq!((found.uid, found.gid), (101, 104));
        assert_eq!(find(users, "nobody"), None);
    }
}
