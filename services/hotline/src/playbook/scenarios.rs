//! `hotline playbook test` and `simulate`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};
use calendar::Limit;
use clap::{Args, ValueEnum};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use organisation::Snapshot;
use playbook::{Lang, Playbook};
use proto::Time;
use trial::{
    scenario::{self, Acting, Scenario},
    town::{Deed, What},
};

use super::{
    Language,
    files::{self, Place, Texts},
    print, say,
};

#[derive(Debug, Args)]
pub struct Test {
    /// The rule book: file or folder.
    pub rule_book: PathBuf,
    /// Scenario files; else every `*.test.yaml` beside the rule book.
    pub scenarios: Vec<PathBuf>,
    /// Print the timeline of every scenario, not only of those that fail.
    #[arg(long)]
    pub timeline: bool,
    #[command(flatten)]
    pub place: Place,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// Everybody does his part half an hour after he may.
    #[default]
    Everybody,
    /// Nobody does anything: every clock runs out.
    Nobody,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// The rule book: file or folder.
    pub rule_book: PathBuf,
    /// The case type; else the first.
    #[arg(long = "type")]
    pub case_type: Option<String>,
    /// A field of the form, `category=brake`; required ones that are not named are made up.
    #[arg(long = "field", value_name = "NAME=VALUE")]
    pub fields: Vec<String>,
    #[arg(long, default_value = "B1")]
    pub branch: String,
    /// When it is opened, on the branch's clock.
    #[arg(long, default_value = "2026-03-02 10:00")]
    pub at: String,
    /// So long it is watched.
    #[arg(long = "for", default_value = "90 days")]
    pub watched_for: String,
    #[arg(long, value_enum, default_value_t)]
    pub acts: Who,
    #[command(flatten)]
    pub place: Place,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

/// A rule book in force somewhere.
pub struct Stage {
    pub playbook: Arc<Playbook>,
    pub directory: Snapshot,
}

impl Stage {
    /// Loads the rule book and puts it in force in an organisation with these branches.
    pub fn set(
        texts: &Texts,
        place: &Place,
        branches: &BTreeSet<String>,
        lang: Lang,
    ) -> anyhow::Result<Stage> {
        let playbook = files::load(texts, lang)?;
        let ground = place.ground(&playbook, branches)?.with(&files::borrowed(texts));
        Ok(Stage { directory: ground.snapshot()?, playbook: Arc::new(playbook) })
    }
}

pub fn test(test: &Test) -> anyhow::Result<ExitCode> {
    let lang = test.language.into();
    let scenarios = scenarios(test)?;
    let branches = scenarios.iter().map(|scenario| scenario.branch.clone()).collect();
    let texts = files::texts(std::slice::from_ref(&test.rule_book))?;
    let stage = Stage::set(&texts, &test.place, &branches, lang)?;
    let mut failed = 0;
    for scenario in &scenarios {
        let outcome = scenario::play(scenario, &stage.directory, &stage.playbook);
        let mark = if outcome.holds() { say(lang, "通过", "ok") } else { say(lang, "失败", "FAILED") };
        let covers = if scenario.covers.is_empty() {
            String::new()
        } else {
            format!(" [{}]", scenario.covers.join(", "))
        };
        print(format_args!("{mark}  {}{covers}\n", scenario.scenario))?;
        for miss in &outcome.misses {
            print(format_args!("      {}\n", miss.get(lang)))?;
        }
        if test.timeline || !outcome.holds() {
            print(format_args!("{}", outcome.render(lang)))?;
        }
        failed += usize::from(!outcome.holds());
    }
    let (words, more) = (say(lang, "场景", "scenarios"), say(lang, "失败", "failed"));
    print(format_args!("{words}: {}, {more}: {failed}\n", scenarios.len()))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn scenarios(test: &Test) -> anyhow::Result<Vec<Scenario>> {
    let files = match test.scenarios.as_slice() {
        [] => beside(&test.rule_book)?,
        given => given.to_vec(),
    };
    let mut scenarios = Vec::new();
    for file in &files {
        scenarios.extend(scenario::read(&file.display().to_string(), &files::text(file)?)?);
    }
    if scenarios.is_empty() {
        bail!("no scenario: name files, or put `*.test.yaml` beside the rule book");
    }
    Ok(scenarios)
}

/// Scenarios lie beside the rule book.
pub fn beside(rule_book: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = match rule_book.is_dir() {
        true => rule_book,
        false => rule_book.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    };
    let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let named = |path: &PathBuf| path.to_string_lossy().ends_with(".test.yaml");
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(named).collect();
    found.sort();
    Ok(found)
}

pub fn simulate(simulate: &Simulate) -> anyhow::Result<ExitCode> {
    let lang = simulate.language.into();
    let texts = files::texts(std::slice::from_ref(&simulate.rule_book))?;
    let stage = Stage::set(&texts, &simulate.place, &BTreeSet::from([simulate.branch.clone()]), lang)?;
    let mut opening = Deed::new(What::Open);
    opening.case_type.clone_from(&simulate.case_type);
    for field in &simulate.fields {
        let (name, value) = field.split_once('=').with_context(|| format!("`{field}` is not NAME=VALUE"))?;
        opening.form.insert(name.to_owned(), value.into());
    }
    let (start, until) = span(simulate, &stage)?;
    let acting = match simulate.acts {
        Who::Everybody => Acting::Promptly,
        Who::Nobody => Acting::Never,
    };
    let place = (simulate.branch.as_str(), start, until);
    let outcome = scenario::simulate(&opening, &stage.directory, &stage.playbook, place, acting);
    print(format_args!("{}", outcome.render(lang)))?;
    for miss in &outcome.misses {
        print(format_args!("{}\n", miss.get(lang)))?;
    }
    Ok(if outcome.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn span(simulate: &Simulate, stage: &Stage) -> anyhow::Result<(Time, Time)> {
    let zone = stage.directory.zone_of(&simulate.branch).and_then(|zone| TimeZone::get(zone).ok());
    let zone = zone.with_context(|| format!("there is no branch {}", simulate.branch))?;
    let start: Timestamp = match simulate.at.parse::<Timestamp>() {
        Ok(at) => at,
        Err(_) => {
            let wall: DateTime =
                simulate.at.parse().with_context(|| format!("`{}` is no time", simulate.at))?;
            zone.to_timestamp(wall)?
        }
    };
    let limit = Limit::parse(&simulate.watched_for).map_err(|why| anyhow::anyhow!("--for: {why}"))?;
    let calendar = stage.directory.calendar_of(&simulate.branch).context("the branch has no calendar")?;
    let until = calendar.deadline(start, &limit, &[]).due.context("`--for` has no end")?;
    Ok((start.into(), until.into()))
}
