//! No service knows a line of business: no rule number, no rule book and no case type stands in what serves. All of
//! that is the playbook's to say; a refusal cites the clause that decided.
//!
//! Looked at are string literals outside of tests. Comments may name a rule: they argue with it, they do not act on it.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use saphyr::{LoadableYamlNode, YamlOwned};

use crate::workspace;

/// What serves; who plays, measures and demonstrates may name what he plays.
const SERVING: [&str; 12] = [
    "intake",
    "dispatch",
    "sla-watchdog",
    "follow-up",
    "reporting",
    "notify",
    "directory",
    "console",
    "shared/calendar",
    "shared/playbook",
    "shared/organisation",
    "shared/chassis",
];

/// Case types whose names are also words of the language and the contracts: kinds of field, of follow-up, of note.
const ALSO_WORDS: [&str; 7] = ["account", "contact", "letter", "order", "question", "service", "survey"];

/// The words of the rule books that come along.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Rule books and case types.
    names: BTreeSet<String>,
    /// What rule numbers begin with.
    prefixes: BTreeSet<String>,
}

/// A word of a rule book in what serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub file: PathBuf,
    pub line: usize,
    pub word: String,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Named { file, line, word } = self;
        write!(f, "{}:{line}: `{word}` belongs to a rule book, not to a service", file.display())
    }
}

/// Everything found in this workspace.
pub fn found() -> Result<Vec<Named>> {
    let root = workspace::root();
    let vocabulary = Vocabulary::read(&root.join("deploy/playbooks"))?;
    let mut named = Vec::new();
    for service in SERVING {
        let folder = root.join("services").join(service);
        for sources in [folder.join("src"), folder.join("core/src")] {
            for file in rust_files(&sources)? {
                let text = std::fs::read_to_string(&file)?;
                let short = file.strip_prefix(root).unwrap_or(&file);
                named.extend(vocabulary.look(short, &text));
            }
        }
    }
    Ok(named)
}

impl Vocabulary {
    /// Reads the folders of rule books.
    pub fn read(folder: &Path) -> Result<Vocabulary> {
        let mut vocabulary = Vocabulary::default();
        for pack in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            vocabulary.names.extend(pack.file_name().map(|name| name.to_string_lossy().into_owned()));
            for file in entries(&pack)? {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                if name.ends_with(".yaml") && !name.ends_with(".test.yaml") {
                    let text = std::fs::read_to_string(&file)?;
                    vocabulary.learn(&text).with_context(|| format!("reading {}", file.display()))?;
                }
            }
        }
        vocabulary.names.retain(|name| !ALSO_WORDS.contains(&name.as_str()));
        Ok(vocabulary)
    }

    fn learn(&mut self, text: &str) -> Result<()> {
        self.prefixes.extend(numbers(text).map(|(prefix, _)| prefix.to_owned()));
        for document in YamlOwned::load_from_str(text)? {
            let types = document.as_mapping_get("types").and_then(YamlOwned::as_mapping);
            let ids = types.into_iter().flat_map(|types| types.keys());
            self.names.extend(ids.filter_map(|id| id.as_str().map(str::to_owned)));
        }
        Ok(())
    }

    /// The words of rule books in the literals of a source file, up to its tests.
    #[must_use]
    pub fn look(&self, file: &Path, text: &str) -> Vec<Named> {
        let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        let mut named = Vec::new();
        for (line, literal) in literals(&text[..tests]) {
            let mut hit = |word: &str| {
                named.push(Named { file: file.to_owned(), line, word: word.to_owned() });
            };
            if self.names.contains(literal) {
                hit(literal);
            }
            for (prefix, number) in numbers(literal).filter(|(prefix, _)| self.prefixes.contains(*prefix)) {
                hit(&format!("{prefix}-{number}"));
            }
        }
        named
    }
}

/// `DG-18` and the like: one to three capitals, a hyphen, two digits.
fn numbers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    words.filter_map(|word| {
        let (prefix, number) = word.split_once('-')?;
        let letters = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_uppercase());
        (letters && number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()))
            .then_some((prefix, number))
    })
}

/// String literals with their lines. Comments are passed over; raw strings count as plain ones, which is enough here.
fn literals(text: &str) -> Vec<(usize, &str)> {
    let (bytes, mut found) = (text.as_bytes(), Vec::new());
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => line += 1,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            // A character: its quote is no beginning of a string.
            b'\'' if bytes.get(at + 1) == Some(&b'"') => at += 2,
            b'"' => {
                let begin = at + 1;
                at = begin;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let literal = text.get(begin..at.min(bytes.len())).unwrap_or_default();
                found.push((line, literal));
                line += literal.matches('\n').count();
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// All sources below, without modules that are compiled for tests only.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut for_tests = BTreeSet::new();
    for file in &files {
        let text = std::fs::read_to_string(file)?;
        for_tests.extend(test_modules(&text).into_iter().map(|module| modules_of(file).join(module)));
    }
    let is_for_tests =
        |path: &Path| path.with_extension("").ancestors().any(|above| for_tests.contains(above));
    files.retain(|path| !is_for_tests(path));
    files.sort();
    Ok(files)
}

/// Where the modules that a file declares lie.
fn modules_of(file: &Path) -> PathBuf {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "mod" | "main") => file.parent().unwrap_or(file).to_owned(),
        _ => file.with_extension(""),
    }
}

fn test_modules(text: &str) -> Vec<String> {
    let after = text.split("#[cfg(test)]\nmod ").skip(1);
    after
        .filter_map(|rest| Some(rest.split_once(';')?.0.to_owned()))
        .filter(|name| !name.contains('{'))
        .collect()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = read.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    Ok(paths)
}
