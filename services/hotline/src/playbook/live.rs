//! Which scenarios hold in the running services: written by the live runs, read by `hotline playbook rules --live`.
//!
//! A result is of one text of a scenario under one text of a rule book: when either has changed since, it says nothing.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use trial::scenario::{self, Scenario};

use super::{
    files::{self, Texts},
    scenarios::beside,
};

/// One scenario, played in the running services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The rule book's folder.
    pub pack: String,
    pub file: String,
    pub scenario: String,
    /// The rules that it covers.
    pub rules: Vec<String>,
    pub held: bool,
    /// What did not come true.
    pub why: Vec<String>,
    /// Of the scenario's text, and of the rule book's.
    pub digest: String,
    pub rule_book: String,
}

/// Everything that was played so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    pub played: Vec<Played>,
}

/// A rule book with its scenarios, from its folder.
#[derive(Clone, Debug)]
pub struct Pack {
    pub name: String,
    pub texts: Texts,
    pub digest: String,
    pub scenarios: Vec<Scenario>,
}

impl Pack {
    /// # Errors
    /// Files that cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<Pack> {
        let texts = files::texts(&[path.to_path_buf()])?;
        let mut scenarios = Vec::new();
        for file in beside(path)? {
            scenarios.extend(scenario::read(&name_of(&file), &files::text(&file)?)?);
        }
        Ok(Pack { name: name_of(path), digest: digest(&texts), texts, scenarios })
    }

    /// Every folder below this one is a rule book.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn all(folder: &Path) -> anyhow::Result<Vec<Pack>> {
        let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
        paths.sort();
        paths.iter().map(|path| Pack::open(path)).collect()
    }
}

/// Of a rule book, wherever its folder lies.
pub fn digest(texts: &Texts) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, text) in texts {
        hasher.update(name_of(Path::new(path)).as_bytes()).update(&[0]).update(text.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex().to_string()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Results {
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn read(path: &Path) -> anyhow::Result<Results> {
        let text = files::text(path)?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no results", path.display()))
    }

    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let text = serde_json::to_string_pretty(self)?;
        // Whole or not at all: a run may be interrupted at any time.
        let beside = path.with_extension("part");
        std::fs::write(&beside, text).with_context(|| beside.display().to_string())?;
        std::fs::rename(&beside, path).with_context(|| path.display().to_string())
    }

    /// Takes the place of an older result of the same scenario.
    pub fn put(&mut self, played: Played) {
        let key = |it: &Played| (it.pack.clone(), it.file.clone(), it.scenario.clone());
        let place = self.played.binary_search_by_key(&key(&played), key);
        match place {
            Ok(place) => self.played[place] = played,
            Err(place) => self.played.insert(place, played),
        }
    }

    /// By scenario and rule book as they read; what is out of date is never asked for.
    pub fn by_text(&self) -> BTreeMap<(&str, &str), bool> {
        self.played.iter().map(|it| ((it.digest.as_str(), it.rule_book.as_str()), it.held)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(scenario: &str, digest: &str, held: bool) -> Played {
        Played {
            pack: "shop".into(),
            file: "a.test.yaml".into(),
            scenario: scenario.into(),
            rules: Vec::new(),
            held,
            why: Vec::new(),
            digest: digest.into(),
            rule_book: "book".into(),
        }
    }

    #[test]
    fn a_newer_result_takes_the_place_of_the_older_and_another_text_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live/results.json");
        let mut results = Results::default();
        results.put(played("b", "1", false));
        results.put(played("a", "2", true));
        results.put(played("b", "3", true));
        results.write(&path).unwrap();
        let read = Results::read(&path).unwrap();
        assert_eq!(read, results);
        let by_text = read.by_text();
        assert_eq!(by_text.get(&("3", "book")), Some(&true));
        assert_eq!(by_text.get(&("1", "book")), None, "its text has changed since");
        assert_eq!(by_text.get(&("3", "another book")), None);
        assert_eq!(by_text.len(), 2);
    }
}
