//! Where things are, and how cargo is called.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// The root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two levels below the root")
}

#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where a command's servers keep their data.
#[must_use]
pub fn data(purpose: &str) -> PathBuf {
    target().join("engines-data").join(purpose)
}

/// The cargo that runs us, in the root. It does not inherit what cargo told us about ourselves: ring's build watches
/// these variables, and would be built again, with all above it, whenever a build by hand follows one of ours.
#[must_use]
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| ABOUT_US.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command.current_dir(root());
    command
}

const ABOUT_US: [&str; 3] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"];

/// Builds the one binary with a profile and returns its path. For the whole workspace, as everything is built: one
/// package alone would choose other features of the libraries below, and all of them would be built again.
pub fn build_hotline(profile: &str) -> Result<PathBuf> {
    build("hotline", profile)
}

/// Builds a program with a profile and returns its path.
pub fn build(program: &str, profile: &str) -> Result<PathBuf> {
    build_all(&[program], profile).map(|mut built| built.remove(0))
}

/// Builds programs with a profile and returns their paths.
pub fn build_all(programs: &[&str], profile: &str) -> Result<Vec<PathBuf>> {
    let mut build = cargo();
    build.args(["build", "--workspace", "--profile", profile]);
    for program in programs {
        build.args(["--bin", program]);
    }
    succeed(&mut build)?;
    // Cargo keeps what the profile `dev` builds under another name.
    let folder = target().join(if profile == "dev" { "debug" } else { profile });
    Ok(programs.iter().map(|program| folder.join(program)).collect())
}

/// Runs a command to its end; anything but success is an error that shows the command.
pub fn succeed(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    Ok(())
}

/// The command as somebody would type it.
#[must_use]
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs one part of a command under a heading and says how long it took.
pub fn phase<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("== {name}");
    let began = Instant::now();
    let outcome = work();
    let word = if outcome.is_ok() { "done" } else { "FAILED" };
    eprintln!("== {name}: {word} after {:.1} s", began.elapsed().as_secs_f64());
    outcome
}
