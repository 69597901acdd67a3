//! Disks that can be full: a memory file system of a limited size below each engine's data. Mounting needs root.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

/// Room for a long run; filled in a second.
const NATS: &str = "1g";
const POSTGRES: &str = "2g";
const FILLER: &str = "filler";

/// Whose disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    Nats,
    Postgres,
}

/// The mounts; unmounted when dropped.
pub struct Disks {
    nats: PathBuf,
    postgres: PathBuf,
}

impl Disks {
    /// Whether this process may mount at all, and if not, why.
    pub fn possible() -> Result<(), String> {
        let root = Command::new("id").arg("-u").output().is_ok_and(|said| said.stdout.trim_ascii() == b"0");
        if !root {
            return Err("needs root, to mount a small disk".to_owned());
        }
        let probe = tempfile::tempdir().map_err(|error| error.to_string())?;
        mount(probe.path(), "1m")
            .map_err(|error| format!("mounting a small disk is not allowed here: {error:#}"))?;
        unmount(probe.path());
        Ok(())
    }

    /// Two disks under this folder, where the engines will put their data.
    pub fn mount(place: &Path) -> anyhow::Result<Disks> {
        sweep();
        let disks = Disks { nats: place.join("nats"), postgres: place.join("postgres") };
        for (path, size) in [(&disks.nats, NATS), (&disks.postgres, POSTGRES)] {
            fs::create_dir_all(path)?;
            mount(path, size)?;
        }
        Ok(disks)
    }

    /// Not a byte is left.
    pub fn fill(&self, disk: Disk) -> anyhow::Result<()> {
        let path = self.path(disk).join(FILLER);
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        for chunk in [vec![0_u8; 1 << 20], vec![0_u8; 4 << 10]] {
            while file.write_all(&chunk).is_ok() {}
        }
        Ok(())
    }

    /// Somebody has made room.
    pub fn make_room(&self, disk: Disk) -> anyhow::Result<()> {
        let path = self.path(disk).join(FILLER);
        fs::remove_file(&path).with_context(|| path.display().to_string())
    }

    fn path(&self, disk: Disk) -> &Path {
        match disk {
            Disk::Nats => &self.nats,
            Disk::Postgres => &self.postgres,
        }
    }
}

impl Drop for Disks {
    fn drop(&mut self) {
        unmount(&self.nats);
        unmount(&self.postgres);
    }
}

/// Takes away what a run left that was killed: the process is part of its folder's name.
fn sweep() {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let ours = mounts.lines().filter_map(|line| line.strip_prefix("hotline-faults ")?.split(' ').next());
    for path in ours {
        let owner = path.split("/faults-").nth(1).and_then(|rest| rest.split('/').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            unmount(Path::new(path));
        }
    }
}

fn mount(path: &Path, size: &str) -> anyhow::Result<()> {
    let options = format!("size={size},mode=755");
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &options, "hotline-faults"]).arg(path).stdin(Stdio::null());
    let said = command.output().context("mount cannot be run")?;
    if !said.status.success() {
        bail!("{}", String::from_utf8_lossy(&said.stderr).trim());
    }
    Ok(())
}

/// Also if something still holds it: it goes away with its last user.
fn unmount(path: &Path) {
    let _ = Command::new("umount").arg("-l").arg(path).stdin(Stdio::null()).status();
}
