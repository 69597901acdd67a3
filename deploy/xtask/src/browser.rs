//! The browser of the console's tests: Chromium of the machine, or Debian's package; what drives it, from npm.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use local_engines::install;

use crate::workspace::{self, succeed};

const LOCK: &str = include_str!("../../../tests/browser/package-lock.json");
const PACKAGE: &str = include_str!("../../../tests/browser/package.json");
/// By these names systems know it.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
const PACKAGES: [&str; 2] = ["chromium", "fonts-noto-cjk"];

/// The folder that holds `node_modules`, made if need be. Another lock file is another folder.
pub fn tools() -> Result<PathBuf> {
    let root = workspace::target().join("tools");
    let name = format!("browser-{:08x}", crate::python::fingerprint(LOCK));
    install::once(&root, &name, |staging| {
        eprintln!("installing what drives the browser (once)");
        std::fs::create_dir_all(staging)?;
        std::fs::write(staging.join("package.json"), PACKAGE)?;
        std::fs::write(staging.join("package-lock.json"), LOCK)?;
        succeed(
            Command::new("npm")
                .args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(staging),
        )
        .context("the console's tests need Node 20 with npm (Debian: apt-get install nodejs npm)")?;
        Ok(())
    })
}

/// Where the browser is. `None`: none is there and none can be installed; the tests that need one say that they are
/// skipped, and fail where `CI` is set.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from).filter(|path| path.is_file());
    named.or_else(on_path).or_else(|| {
        install_package();
        on_path()
    })
}

fn on_path() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    NAMES.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
}

/// On Debian and its kin, as root. Elsewhere nothing is touched.
fn install_package() {
    if !Path::new("/usr/bin/apt-get").is_file() || !is_root() {
        eprintln!(
            "no Chromium on the PATH: the console's browser tests are skipped (apt-get install chromium)"
        );
        return;
    }
    eprintln!("installing Chromium (once)");
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        succeed(&mut command)
    };
    let install = [&["install", "-y", "-qq", "--no-install-recommends"][..], &PACKAGES].concat();
    // The lists may be older than the packages, or not there at all.
    if apt(&install).or_else(|_| apt(&["update", "-qq"]).and_then(|()| apt(&install))).is_err() {
        eprintln!("Chromium could not be installed: the console's browser tests are skipped");
    }
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output();
    said.is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}
