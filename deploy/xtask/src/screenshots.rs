//! `cargo xtask screenshots`: the console's main pages in both languages, as its tests saw them, into
//! `services/console/screenshots`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::{test, workspace};

/// Named by `tests/browser`: each in Chinese and in English.
const PAGES: [&str; 12] = [
    "desk-filled",
    "board",
    "ticket",
    "ticket-phone",
    "duties",
    "approvals",
    "call",
    "figures",
    "figure-cases",
    "tried",
    "import",
    "health",
];
const LANGUAGES: [&str; 2] = ["zh", "en"];
/// All of them together; they are kept with the source.
const LARGEST: u64 = 3_000_000;

pub async fn run() -> Result<ExitCode> {
    let taken = workspace::target().join("screenshots");
    if taken.is_dir() {
        fs::remove_dir_all(&taken)?;
    }
    fs::create_dir_all(&taken)?;
    let outcome = test::run_taking_pictures(&taken, "test(console::)").await?;
    if outcome != ExitCode::SUCCESS {
        return Ok(outcome);
    }
    keep(&taken, &workspace::root().join("services/console/screenshots"))?;
    Ok(ExitCode::SUCCESS)
}

fn keep(taken: &Path, kept: &Path) -> Result<()> {
    fs::create_dir_all(kept)?;
    let mut bytes = 0;
    for name in PAGES.iter().flat_map(|page| LANGUAGES.map(|language| format!("{page}-{language}.png"))) {
        let from = taken.join(&name);
        bytes +=
            fs::copy(&from, kept.join(&name)).with_context(|| format!("no picture {}", from.display()))?;
    }
    ensure!(bytes <= LARGEST, "the pictures have {bytes} bytes; {LARGEST} may be kept with the source");
    println!("{} pictures, {bytes} bytes, in {}", PAGES.len() * LANGUAGES.len(), kept.display());
    Ok(())
}
