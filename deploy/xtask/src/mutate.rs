//! `cargo xtask mutate`: do the tests notice? Plants one fault after the other (`tests/mutations/*.toml`) in a copy of the
//! workspace and runs the tests that ought to turn red. What stays green is a test that is missing, or has its reason.

mod copy;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::workspace;

/// Tests that run longer hang, and a fault that makes them hang has been noticed.
const PATIENCE_SECONDS: &str = "300";
/// What `timeout` says then.
const HUNG: i32 = 124;

#[derive(clap::Args)]
pub struct Args {
    /// Only those whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Shows the list and plants nothing.
    #[arg(long)]
    list: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    mutation: Vec<Mutation>,
}

/// A fault, and who ought to notice it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutation {
    /// What goes wrong with it, in the words of somebody who suffers from it.
    pub name: String,
    /// From the root of the workspace.
    pub file: PathBuf,
    /// Stands in the file exactly once.
    pub find: String,
    pub put: String,
    /// Packages whose tests are run, in order, until one turns red.
    pub tests: Vec<String>,
    /// Why it is right that nothing notices.
    pub survives: Option<String>,
}

impl Mutation {
    /// The file with the fault in it.
    pub fn plant(&self, root: &Path) -> Result<String> {
        let path = root.join(&self.file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let found = text.matches(&self.find).count();
        ensure!(found == 1, "\"{}\": its place stands {found} times in {}", self.name, self.file.display());
        Ok(text.replacen(&self.find, &self.put, 1))
    }
}

/// All that are listed, by file and place.
pub fn listed(root: &Path) -> Result<Vec<Mutation>> {
    let folder = root.join("tests/mutations");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "toml"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let listed: Listed = toml::from_str(&fs::read_to_string(&file)?)
            .with_context(|| format!("{} does not fit", file.display()))?;
        all.extend(listed.mutation);
    }
    Ok(all)
}

/// How one ended.
enum Outcome {
    /// By the tests of this package.
    Noticed(String),
    Survived,
    /// The fault itself does not compile: it says nothing about the tests.
    NotBuilt,
}

pub fn run(args: &Args) -> Result<ExitCode> {
    let mut mutations = listed(workspace::root())?;
    if let Some(part) = &args.only {
        mutations.retain(|mutation| mutation.name.contains(part.as_str()));
        ensure!(!mutations.is_empty(), "no mutation's name contains \"{part}\"");
    }
    if args.list {
        for mutation in &mutations {
            println!("{:<70} {}", mutation.name, mutation.file.display());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let bench = Bench::new()?;
    bench.must_be_green(&mutations)?;
    let mut table = Vec::new();
    let (mut noticed, mut wrong) = (0, 0);
    for (place, mutation) in mutations.iter().enumerate() {
        let began = Instant::now();
        let outcome = bench.try_out(place, mutation)?;
        let (word, is_wrong) = match (&outcome, &mutation.survives) {
            (Outcome::Noticed(by), None) => (format!("noticed by {by}"), false),
            (Outcome::Noticed(by), Some(_)) => (format!("noticed by {by}, against what the list says"), true),
            (Outcome::Survived, Some(why)) => (format!("survives: {why}"), false),
            (Outcome::Survived, None) => ("SURVIVES".to_owned(), true),
            (Outcome::NotBuilt, _) => ("DOES NOT COMPILE".to_owned(), true),
        };
        noticed += u32::from(matches!(outcome, Outcome::Noticed(_)));
        wrong += u32::from(is_wrong);
        let line = format!("{:<70} {word} ({:.0} s)", mutation.name, began.elapsed().as_secs_f64());
        println!("{line}");
        table.push(line);
    }
    let score = format!("{noticed} of {} noticed", mutations.len());
    println!("{score}");
    table.push(score);
    fs::write(bench.place.join("result.txt"), table.join("\n") + "\n")?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The copy in which faults are planted.
struct Bench {
    place: PathBuf,
    source: PathBuf,
}

impl Bench {
    fn new() -> Result<Bench> {
        let place = workspace::target().join("mutate");
        let source = place.join("source");
        fs::create_dir_all(place.join("logs"))?;
        fs::create_dir_all(place.join("target"))?;
        copy::bring_up(workspace::root(), &source)?;
        copy::lend(&workspace::target().join("engines"), &place.join("target/engines"))?;
        Ok(Bench { place, source })
    }

    /// Tests that are red by themselves notice nothing.
    fn must_be_green(&self, mutations: &[Mutation]) -> Result<()> {
        let packages: BTreeSet<&String> = mutations.iter().flat_map(|mutation| &mutation.tests).collect();
        for package in packages {
            eprintln!("== {package} as it is");
            let log = self.log(&format!("as-it-is-{package}"));
            ensure!(self.build(package, &log)?, "{package} does not compile: see {}", log.display());
            ensure!(!self.is_red(package, &log)?, "{package} is red as it is: see {}", log.display());
        }
        Ok(())
    }

    fn try_out(&self, place: usize, mutation: &Mutation) -> Result<Outcome> {
        let file = self.source.join(&mutation.file);
        let sound = fs::read_to_string(&file)?;
        fs::write(&file, mutation.plant(&self.source)?)?;
        let outcome = self.hunt(place, mutation);
        fs::write(&file, sound)?;
        outcome
    }

    fn hunt(&self, place: usize, mutation: &Mutation) -> Result<Outcome> {
        if mutation.tests.is_empty() {
            bail!("\"{}\" names no tests", mutation.name);
        }
        for package in &mutation.tests {
            let log = self.log(&format!("{place:02}-{package}"));
            if !self.build(package, &log)? {
                return Ok(Outcome::NotBuilt);
            }
            if self.is_red(package, &log)? {
                return Ok(Outcome::Noticed(package.clone()));
            }
        }
        Ok(Outcome::Survived)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.place.join("logs").join(format!("{name}.txt"))
    }

    fn build(&self, package: &str, log: &Path) -> Result<bool> {
        let mut command = self.cargo(package, log)?;
        command.arg("--no-run");
        Ok(command.status()?.success())
    }

    fn is_red(&self, package: &str, log: &Path) -> Result<bool> {
        let status = self.cargo(package, log)?.status().context("cannot run the tests")?;
        Ok(status.code() == Some(HUNG) || !status.success())
    }

    /// `cargo test` of one package of the copy, its output in the log.
    fn cargo(&self, package: &str, log: &Path) -> Result<Command> {
        let cargo = workspace::cargo();
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", PATIENCE_SECONDS]).arg(cargo.get_program());
        for (name, value) in cargo.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command
            .args(["test", "--quiet", "--lib", "--bins", "--tests", "-p", package])
            .current_dir(&self.source)
            .env("CARGO_TARGET_DIR", self.place.join("target"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_fault_has_its_place_and_its_witnesses() {
        let root = workspace::root();
        let all = listed(root).unwrap();
        assert!(all.len() >= 40, "{} are few", all.len());
        let names: BTreeSet<&str> = all.iter().map(|mutation| mutation.name.as_str()).collect();
        assert_eq!(names.len(), all.len(), "two have the same name");
        for mutation in &all {
            let planted = mutation.plant(root).unwrap();
            let sound = fs::read_to_string(root.join(&mutation.file)).unwrap();
            assert_ne!(planted, sound, "{} changes nothing", mutation.name);
            assert!(!mutation.tests.is_empty(), "nobody looks for: {}", mutation.name);
        }
    }

    #[test]
    fn a_fault_without_its_place_says_so() {
        let text = "[[mutation]]\nname = \"x\"\nfile = \"Cargo.toml\"\nfind = \"no such words\"\nput = \"\"\ntests = []";
        let listed: Listed = toml::from_str(text).unwrap();
        let error = listed.mutation[0].plant(workspace::root()).unwrap_err().to_string();
        assert_eq!(error, "\"x\": its place stands 0 times in Cargo.toml");
    }
}
