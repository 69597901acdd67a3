//! `hotline playbook check` and `show`.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::Args;
use organisation::Snapshot;
use playbook::{Diagnostic, Playbook, render_all};

use super::{
    Language,
    files::{self, Place},
    print, say,
};

#[derive(Debug, Args)]
pub struct Check {
    /// The rule book's files, or its folder.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Also whether every branch can fill every role that is needed.
    #[arg(long = "directory", value_name = "FILE")]
    pub directory: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
    /// One JSON object per finding instead of a text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The rule book's files, or its folder.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

pub fn show(show: &Show) -> anyhow::Result<ExitCode> {
    let lang = show.language.into();
    let playbook = files::load(&files::texts(&show.files)?, lang)?;
    print(format_args!("{}", playbook.show(lang)))?;
    Ok(ExitCode::SUCCESS)
}

/// Errors make it fail; warnings do not.
pub fn check(check: &Check) -> anyhow::Result<ExitCode> {
    let lang = check.language.into();
    let texts = files::texts(&check.files)?;
    let found = match Playbook::load(&files::borrowed(&texts)) {
        Ok(playbook) => findings(check, &playbook)?,
        Err(found) => found,
    };
    let errors = found.iter().filter(|finding| finding.is_error()).count();
    if check.json {
        for finding in &found {
            print(format_args!("{}\n", serde_json::to_string(finding)?))?;
        }
    } else {
        print(format_args!("{}", render_all(&found, lang)))?;
        let (words, more) = (say(lang, "错误", "errors"), say(lang, "警告", "warnings"));
        print(format_args!("{words}: {errors}, {more}: {}\n", found.len() - errors))?;
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn findings(check: &Check, playbook: &Playbook) -> anyhow::Result<Vec<Diagnostic>> {
    let mut found = playbook.check();
    found.extend(playbook.unsupported());
    if !check.directory.is_empty() {
        let place = Place { calendars: Vec::new(), directory: check.directory.clone() };
        let snapshot = place.ground(playbook, &BTreeSet::new())?.snapshot()?;
        found.extend(unfilled(playbook, &snapshot));
    }
    Ok(found)
}

fn unfilled(playbook: &Playbook, directory: &Snapshot) -> Vec<Diagnostic> {
    let open = directory.nodes().filter(|node| node.level == "branch" && !node.closed);
    let branches: Vec<&str> = open.map(|node| node.code.as_str()).collect();
    playbook.unfilled_roles(branches, |branch, role| {
        let at = proto::Time::UNSET;
        !directory.resolve(role, branch, at, &BTreeSet::new()).persons.is_empty()
    })
}
