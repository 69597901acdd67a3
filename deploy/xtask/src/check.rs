//! `cargo xtask check`: what a change must pass beside the tests. Every part runs, so that one look shows all that is
//! wrong.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::{cargo, phase, root, succeed};
use crate::{buf, compose, generality, layers, rule_books};

type Part = fn() -> Result<()>;

pub fn run() -> Result<ExitCode> {
    let parts: [(&str, Part); 7] = [
        ("formatting", formatting),
        ("layers", layers),
        ("no business in services", no_business),
        ("contracts", buf::lint),
        ("compose file", compose_file),
        ("lints", lints),
        ("documents of rule books", rule_books::current),
    ];
    let failed: Vec<&str> = parts
        .into_iter()
        .filter_map(|(name, part)| {
            let error = phase(name, part).err()?;
            eprintln!("error: {error:#}");
            Some(name)
        })
        .collect();
    if failed.is_empty() {
        println!("check: all {} parts passed", parts.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("check: failed: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

pub fn layers() -> Result<()> {
    let breaches = layers::breaches(&layers::workspace()?);
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() {
        return Ok(());
    }
    bail!("{} dependencies go the wrong way", breaches.len())
}

/// What serves names no rule book.
fn no_business() -> Result<()> {
    let found = generality::found()?;
    for named in &found {
        println!("{named}");
    }
    if found.is_empty() {
        return Ok(());
    }
    bail!("{} words of rule books in services", found.len())
}

fn formatting() -> Result<()> {
    succeed(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]);
    succeed(&mut clippy)
}

fn compose_file() -> Result<()> {
    let path = root().join("docker-compose.yml");
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("there is no docker-compose.yml");
            return Ok(());
        }
        text => text?,
    };
    let faults = compose::faults(&text)?;
    for fault in &faults {
        println!("docker-compose.yml: {fault}");
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} faults in the compose file", faults.len())
}
