//! `cargo xtask fuzz`: libFuzzer on every parser that meets the outside, led by what its inputs reach.
//!
//! Built by cargo-fuzz (pinned, installed under `target/tools`) without a sanitizer, so the stable toolchain will do.
//! What was reached is kept in `target/fuzz/reached` for the next run; what fails is made small and put into the corpus,
//! where the short run of `cargo xtask test` meets it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use local_engines::install;

use crate::workspace::{cargo, phase, root, shown, succeed, target};

const VERSION: &str = "0.13.2";
/// The one program of the workspace `tests/fuzz/libfuzzer`.
const PROGRAM: &str = "any";

#[derive(clap::Args)]
pub struct Args {
    /// How long for each target.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// Only this one; the folders of tests/fuzz/corpus are their names.
    #[arg(long)]
    target: Option<String>,
}

/// What became of one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Outcome {
    executions: u64,
    coverage: u64,
    /// Put into the corpus.
    finds: Vec<PathBuf>,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let targets = targets(args.target.as_deref())?;
    let tool = Tool::installed()?;
    phase("libFuzzer with every parser", || tool.build())?;
    let mut outcomes = Vec::new();
    for name in targets {
        let outcome = phase(&name, || tool.fuzz(&name, args.minutes))?;
        outcomes.push((name, outcome));
    }
    println!("{:<16} {:>12} {:>9} {:>6}", "target", "executions", "coverage", "finds");
    for (name, outcome) in &outcomes {
        let finds = outcome.finds.len();
        println!("{name:<16} {:>12} {:>9} {finds:>6}", outcome.executions, outcome.coverage);
        outcome.finds.iter().for_each(|find| println!("    {}", find.display()));
    }
    let clean = outcomes.iter().all(|(_, outcome)| outcome.finds.is_empty());
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn corpus() -> PathBuf {
    root().join("tests/fuzz/corpus")
}

fn targets(only: Option<&str>) -> Result<Vec<String>> {
    let folders = fs::read_dir(corpus()).context("there is no corpus")?;
    let mut names: Vec<String> =
        folders.flatten().map(|it| it.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    if let Some(only) = only {
        ensure!(names.iter().any(|name| name == only), "no target `{only}`; there are: {}", names.join(", "));
        names.retain(|name| name == only);
    }
    Ok(names)
}

struct Tool {
    program: PathBuf,
}

impl Tool {
    fn installed() -> Result<Tool> {
        has_compiler()?;
        let dir = install::once(&target().join("tools"), &format!("cargo-fuzz-{VERSION}"), |staging| {
            eprintln!("installing cargo-fuzz {VERSION} (once)");
            let version = format!("={VERSION}");
            succeed(
                cargo()
                    .args(["install", "cargo-fuzz", "--locked", "--version", &version, "--root"])
                    .arg(staging)
                    .arg("--target-dir")
                    .arg(staging.join("build")),
            )?;
            fs::remove_dir_all(staging.join("build")).context("what it was built from stays behind")
        })?;
        Ok(Tool { program: dir.join("bin/cargo-fuzz") })
    }

    fn command(&self, word: &str) -> Command {
        // What we know of ourselves is not for the cargo below; the rest is as for any cargo of ours.
        let mut command = Command::new(&self.program);
        for (name, value) in cargo().get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .current_dir(root())
            .args([word, "--fuzz-dir", "tests/fuzz/libfuzzer", "--sanitizer", "none", "--target-dir"])
            .arg(target().join("fuzz/build"))
            .env("RUSTC_BOOTSTRAP", "1");
        command
    }

    fn build(&self) -> Result<()> {
        succeed(self.command("build").arg(PROGRAM))
    }

    fn fuzz(&self, name: &str, minutes: u64) -> Result<Outcome> {
        let (reached, failing) = (folder("reached", name)?, folder("failing", name)?);
        let before = files(&failing)?;
        let mut command = self.command("run");
        command.env("HOTLINE_FUZZ", name).arg(PROGRAM).arg(&reached).arg(corpus().join(name)).args([
            "--",
            &format!("-max_total_time={}", minutes * 60),
            "-timeout=20",
            "-rss_limit_mb=3072",
            "-max_len=32768",
            "-print_final_stats=1",
            &format!("-artifact_prefix={}/", failing.display()),
        ]);
        let mut outcome = watched(command)?;
        for file in files(&failing)?.into_iter().filter(|file| !before.contains(file)) {
            outcome.finds.push(self.kept(name, &file)?);
        }
        Ok(outcome)
    }

    /// As small as a minute makes it, in the corpus.
    fn kept(&self, name: &str, file: &Path) -> Result<PathBuf> {
        let small = file.with_extension("small");
        let mut smaller = self.command("run");
        smaller.env("HOTLINE_FUZZ", name).arg(PROGRAM).arg(file).args([
            "--",
            "-minimize_crash=1",
            "-max_total_time=60",
            "-timeout=20",
            &format!("-exact_artifact_path={}", small.display()),
        ]);
        // It ends with the failure that it looks for.
        let _ = smaller.stderr(Stdio::null()).status();
        let found = if small.is_file() { &small } else { file };
        let title = file.file_name().context("a find has a name")?;
        let kept = corpus().join(name).join(title);
        fs::copy(found, &kept).with_context(|| format!("cannot keep {}", kept.display()))?;
        Ok(kept)
    }
}

/// libFuzzer comes as C++ and is built with the first target.
fn has_compiler() -> Result<()> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let mut probe = Command::new(&compiler);
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    if probe.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    bail!(
        "libFuzzer needs a C++ compiler, and `{compiler}` is none (Debian: apt-get install g++; or set CXX)"
    )
}

/// `target/fuzz/<what>/<name>`, there from now on.
fn folder(what: &str, name: &str) -> Result<PathBuf> {
    let path = target().join("fuzz").join(what).join(name);
    fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    Ok(path)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files = entries.flatten().map(|entry| entry.path());
    Ok(files.filter(|file| file.extension().is_none_or(|it| it != "small")).collect())
}

/// Runs it to its end. Of what libFuzzer says, the figures are kept and the failure is shown.
fn watched(mut command: Command) -> Result<Outcome> {
    let name = shown(&command);
    let mut child = command.stderr(Stdio::piped()).spawn().with_context(|| format!("cannot run `{name}`"))?;
    let said = child.stderr.take().context("its errors were asked for")?;
    let mut outcome = Outcome::default();
    for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if !outcome.hear(&line) {
            eprintln!("   {line}");
        }
    }
    child.wait().with_context(|| format!("cannot wait for `{name}`"))?;
    ensure!(outcome.executions > 0, "`{name}` tried nothing");
    Ok(outcome)
}

impl Outcome {
    /// Whether the line was about progress.
    fn hear(&mut self, line: &str) -> bool {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(self.executions);
        }
        let is_progress = line.starts_with('#') || line.starts_with("stat::") || line.starts_with("INFO:");
        if line.starts_with('#') {
            let mut words = line.split_whitespace();
            // A failure ends it before the last figures: what the line before said must do.
            let count = words.next().and_then(|word| word.trim_start_matches('#').parse().ok());
            self.executions = count.unwrap_or(self.executions);
            let covered = words.skip_while(|word| *word != "cov:").nth(1).and_then(|word| word.parse().ok());
            self.coverage = covered.unwrap_or(self.coverage);
        }
        is_progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_heard_and_failures_shown() {
        let mut outcome = Outcome::default();
        assert!(outcome.hear("#1024\tpulse  cov: 812 ft: 1530 corp: 77/2109b lim: 33 exec/s: 512 rss: 70Mb"));
        assert!(outcome.hear("#99\tDONE   cov: 813 ft: 1"));
        assert!(outcome.hear("stat::number_of_executed_units: 2048"));
        assert!(!outcome.hear("thread '<unnamed>' panicked at x.rs:1:1:"));
        assert_eq!(outcome, Outcome { executions: 2048, coverage: 813, finds: Vec::new() });
    }

    #[test]
    fn only_targets_of_the_corpus_are_taken() {
        assert!(targets(None).unwrap().iter().any(|name| name == "playbook"));
        assert_eq!(targets(Some("limit")).unwrap(), ["limit"]);
        assert!(targets(Some("nothing")).unwrap_err().to_string().contains("playbook"));
    }
}
