//! The Python environment of the tests that use the contracts from outside the workspace.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use local_engines::install;

use crate::workspace::{self, succeed};

const REQUIREMENTS: &str = include_str!("../python-requirements.txt");

/// The interpreter of an environment with the pinned packages, made if need be. Another list is another environment.
pub fn python_env() -> Result<PathBuf> {
    let root = workspace::target().join("tools");
    let name = format!("python-{:08x}", fingerprint(REQUIREMENTS));
    let dir = install::once(&root, &name, |staging| {
        eprintln!("installing Python packages for the tests (once)");
        // Without its own pip, which Debian keeps in a package apart; the one outside installs into it.
        succeed(Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(staging))?;
        let requirements = staging.join("requirements.txt");
        std::fs::write(&requirements, REQUIREMENTS)?;
        succeed(
            Command::new("python3")
                .args(["-m", "pip", "--python"])
                .arg(staging.join("bin/python"))
                .args(["install", "--quiet", "--no-input", "--only-binary", ":all:", "--requirement"])
                .arg(requirements)
                .env("PIP_USER", "0")
                .env("PIP_ROOT_USER_ACTION", "ignore"),
        )
        .context("the tests need python3 with pip 22.3 or later (Debian: apt-get install python3-pip python3-venv)")
    })?;
    Ok(dir.join("bin/python"))
}

/// FNV-1a: stable across compilers, which the standard hasher does not promise.
pub(crate) fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
