//! What a rule book is tried with, from disk.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use directory::files::Reading as Records;
use playbook::{Lang, Playbook, render_all};
use trial::{
    Mapping, Sheet,
    ground::Ground,
    recorded::{self, Reading, SheetRow},
};

use crate::import::{mapping::Encoding, table::Table};

/// Where cases are tried: an organisation and its hours.
#[derive(Clone, Debug, Default, Args)]
pub struct Place {
    /// Calendars, parents first; the last one is the branches', `call-centre` the call centre's. Without: 9 to 6 daily.
    #[arg(long = "calendar", value_name = "FILE")]
    pub calendars: Vec<PathBuf>,
    /// The organisation (nodes.csv, persons.csv or one YAML file). Without: one invented holder of each role.
    #[arg(long = "directory", value_name = "FILE")]
    pub directory: Vec<PathBuf>,
}

/// A rule book's files, as read: path and text.
pub type Texts = Vec<(String, String)>;

/// The rule book's YAML files: files as named, of a folder all.
pub fn texts(paths: &[PathBuf]) -> anyhow::Result<Texts> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut inside: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_rule_book(path)).collect();
        if inside.is_empty() {
            bail!("{} holds no .yaml file", path.display());
        }
        inside.sort();
        files.extend(inside);
    }
    files.iter().map(|path| Ok((path.display().to_string(), text(path)?))).collect()
}

/// Scenarios lie beside the rule book they try.
pub fn is_rule_book(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".yaml") && !name.ends_with(".test.yaml")
}

pub fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

pub fn borrowed(texts: &Texts) -> Vec<(&str, &str)> {
    texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

/// Loads a rule book, or says everything that is wrong with it.
pub fn load(texts: &Texts, lang: Lang) -> anyhow::Result<Playbook> {
    Playbook::load(&borrowed(texts)).map_err(|found| anyhow::anyhow!("{}", render_all(&found, lang)))
}

impl Place {
    /// The ground for a rule book and the branches that are spoken of.
    pub fn ground(&self, playbook: &Playbook, branches: &BTreeSet<String>) -> anyhow::Result<Ground> {
        let calendars = self.calendars.iter().map(|path| text(path)).collect::<anyhow::Result<Vec<_>>>()?;
        if self.directory.is_empty() {
            return Ok(Ground::imagined(playbook, branches, &calendars));
        }
        let mut records = Records::default();
        for path in &self.directory {
            let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let more = directory::files::read(&name, &bytes, "")?;
            records.nodes.extend(more.nodes);
            records.persons.extend(more.persons);
        }
        let person = |record: proto::directory::v1::PersonRecord| proto::directory::v1::Person {
            code: record.code,
            roles: record.roles,
            deputy: record.deputy,
            ..Default::default()
        };
        Ok(Ground {
            nodes: records.nodes.into_iter().filter_map(|record| record.node).collect(),
            persons: records.persons.into_iter().map(person).collect(),
            calendars,
            playbooks: Vec::new(),
        })
    }
}

/// A recorded table under its mapping; what could not be used is said on standard error.
pub fn recording(path: &Path, mapping: &Mapping, lang: Lang) -> anyhow::Result<Reading> {
    let table = Table::read(path, Encoding::Auto, b',')?;
    let rows =
        table.lines.into_iter().map(|line| SheetRow { line: line.number, fields: line.fields }).collect();
    let sheet = Sheet { headings: table.headings, rows };
    let reading = recorded::read(mapping, &sheet).map_err(|why| {
        anyhow::anyhow!("{}: {} ({})", path.display(), super::say(lang, &why.zh, &why.en), why.column)
    })?;
    report(&reading, lang);
    Ok(reading)
}

/// So many bad rows are shown one by one.
const SHOWN: usize = 10;

fn report(reading: &Reading, lang: Lang) {
    for skipped in reading.skipped.iter().take(SHOWN) {
        let why = super::say(lang, &skipped.zh, &skipped.en);
        eprintln!("{}: {} `{}`: {why}", skipped.line, skipped.column, skipped.found);
    }
    if reading.skipped.len() > SHOWN {
        eprintln!(
            "... {} ({})",
            reading.skipped.len(),
            super::say(lang, "处用不上", "places could not be used")
        );
    }
    for (activity, times) in &reading.unmapped {
        let why = super::say(lang, "对照表里没有这个活动", "the mapping does not name this activity");
        eprintln!("`{activity}` x {times}: {why}");
    }
}

/// A mapping file.
pub fn mapping(path: &Path) -> anyhow::Result<Mapping> {
    Ok(Mapping::parse(&path.display().to_string(), &text(path)?)?)
}
