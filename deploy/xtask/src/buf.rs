//! buf, which checks the contracts: pinned, from npm.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use local_engines::install;

use crate::workspace::{self, succeed};

const VERSION: &str = "1.75.0";

/// The program, installed if need be. The platform's own package: the common one is a script that needs node to run.
pub fn buf_binary() -> Result<PathBuf> {
    let package = package()?;
    let root = workspace::target().join("tools");
    let dir = install::once(&root, &format!("buf-{VERSION}"), |staging| {
        eprintln!("installing buf {VERSION} (once)");
        succeed(
            Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save"])
                .arg("--prefix")
                .arg(staging)
                .arg(format!("{package}@{VERSION}")),
        )
        .context("checking the contracts needs npm (Debian: apt-get install npm)")
    })?;
    Ok(dir.join("node_modules").join(package).join("bin/buf"))
}

/// Rules and formatting of the contracts.
pub fn lint() -> Result<()> {
    let buf = buf_binary()?;
    succeed(Command::new(&buf).arg("lint").current_dir(workspace::root().join("proto")))
}

fn package() -> Result<&'static str> {
    Ok(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "@bufbuild/buf-linux-x64",
        ("linux", "aarch64") => "@bufbuild/buf-linux-aarch64",
        ("macos", "x86_64") => "@bufbuild/buf-darwin-x64",
        ("macos", "aarch64") => "@bufbuild/buf-darwin-arm64",
        (os, arch) => bail!("there is no pinned buf for {os} on {arch}"),
    })
}
