//! `hotline playbook rules`: which rules of a catalogue the rule books carry, which scenarios cover them, and whether
//! those hold; with `--mutate` also whether they would fail without the rule.

mod taken;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::bail;
use clap::Args;
use comfy_table::{Table, presets};
use playbook::Lang;
use serde_json::Value;
use trial::scenario::{self, Scenario};

use super::{
    Language,
    files::{self, Place, Texts},
    live::{self, Results},
    print, say,
    scenarios::{Stage, beside},
};

#[derive(Debug, Args)]
pub struct Rules {
    /// The catalogue: a text with table rows that begin with the rule's number.
    pub catalogue: PathBuf,
    /// Rule books, each with its `*.test.yaml`.
    #[arg(required = true)]
    pub rule_books: Vec<PathBuf>,
    /// Also the rules that no rule book names.
    #[arg(long)]
    pub all: bool,
    /// Take each clause away, one at a time: a rule is shown if scenarios that cover it fail without it.
    #[arg(long)]
    pub mutate: bool,
    /// What the live runs wrote: also say which scenarios hold in the running services.
    #[arg(long, value_name = "FILE")]
    pub live: Option<PathBuf>,
    /// Fail if fewer of the catalogue's rules are shown, in per cent: by the absence of a clause, live, or both.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min: Option<u8>,
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
}

/// What is known about one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    pub rule_books: BTreeSet<String>,
    pub scenarios: usize,
    pub failed: usize,
    /// In the running services; the rest were not played, or have changed since.
    pub live: usize,
    pub live_failed: usize,
}

/// A rule book, its scenarios, and which of them hold.
pub(super) struct Tried {
    pub texts: Texts,
    pub branches: BTreeSet<String>,
    pub stage: Stage,
    pub scenarios: Vec<Scenario>,
    pub held: Vec<bool>,
}

/// Scenarios that cover a rule which is not in the catalogue are a slip of the pen, so they count as failed.
pub fn carry_out(rules: &Rules) -> anyhow::Result<ExitCode> {
    let lang = rules.language.into();
    let kinds = kinds(&files::text(&rules.catalogue)?);
    let catalogue: BTreeSet<String> = kinds.keys().cloned().collect();
    let mut found: BTreeMap<String, Coverage> =
        catalogue.iter().map(|rule| (rule.clone(), Coverage::default())).collect();
    if rules.min.is_some() && !rules.mutate && rules.live.is_none() {
        bail!(
            "{}",
            say(
                lang,
                "--min 要与 --mutate 或 --live 一起用",
                "--min needs --mutate or --live: it says of what"
            )
        );
    }
    let results = rules.live.as_deref().map(Results::read).transpose()?;
    let mut tried = Vec::new();
    for path in rule_books(&rules.rule_books, lang)? {
        tried.push(Tried::open(path, lang)?);
    }
    tried.iter().for_each(|book| book.cover(&mut found));
    if let Some(results) = &results {
        let by_text = results.by_text();
        tried.iter().for_each(|book| book.cover_live(&by_text, &mut found));
    }
    // Readings are named beside rules and have a page of their own.
    let unknown: Vec<&String> =
        found.keys().filter(|rule| !catalogue.contains(*rule) && !rule.starts_with("A-")).collect();
    let enough = if rules.mutate {
        taken::report(rules, &tried, &catalogue, &found)?
    } else {
        print(format_args!("{}\n", table(rules, &found, &kinds, lang)))?;
        true
    };
    let enough = enough & (results.is_none() || live_enough(rules, &catalogue, &found, lang)?);
    let count = |what: fn(&Coverage) -> bool| {
        found.iter().filter(|(rule, coverage)| catalogue.contains(*rule) && what(coverage)).count()
    };
    let carried = count(|coverage| !coverage.rule_books.is_empty());
    let covered = count(Coverage::holds);
    let failed = count(|coverage| coverage.failed > 0);
    print(format_args!(
        "{}: {}, {}: {carried}, {}: {covered}, {}: {failed}\n",
        say(lang, "条款", "rules"),
        catalogue.len(),
        say(lang, "规则书承载", "carried by a rule book"),
        say(lang, "场景证明", "shown by a scenario"),
        say(lang, "不成立", "not holding"),
    ))?;
    for rule in &unknown {
        print(format_args!("{rule}: {}\n", say(lang, "目录里没有这一条", "no such rule in the catalogue")))?;
    }
    let good = failed == 0 && unknown.is_empty() && enough;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of the paths that are rule books, for a shell's `*` names guides and schemas too.
fn rule_books(paths: &[PathBuf], lang: Lang) -> anyhow::Result<Vec<&PathBuf>> {
    let (books, others): (Vec<_>, Vec<_>) =
        paths.iter().partition(|path| path.is_dir() || !path.exists() || files::is_rule_book(path));
    for path in others {
        eprintln!("{}: {}", path.display(), say(lang, "不是规则书，略过", "no rule book, left out"));
    }
    if books.is_empty() {
        bail!("no rule book: name folders, or files that end in .yaml");
    }
    Ok(books)
}

/// Table rows whose first cell looks like `DG-08`, with the second one: the kind of rule.
fn kinds(text: &str) -> BTreeMap<String, String> {
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?.to_owned(), cells.next().unwrap_or_default().to_owned()))
    });
    rows.filter(|(number, _)| is_number(number)).collect()
}

/// How many rules are shown in the running services; whether these are as many as demanded.
fn live_enough(
    rules: &Rules,
    catalogue: &BTreeSet<String>,
    found: &BTreeMap<String, Coverage>,
    lang: Lang,
) -> anyhow::Result<bool> {
    let of = |what: fn(&Coverage) -> bool| {
        catalogue.iter().filter(|rule| found.get(*rule).is_some_and(what)).count()
    };
    let (shown, failed) = (of(Coverage::holds_live), of(|coverage| coverage.live_failed > 0));
    let share = shown * 100 / catalogue.len().max(1);
    print(format_args!(
        "{}: {shown} ({share} %), {}: {failed}\n",
        say(lang, "在运行的服务中证明", "shown live"),
        say(lang, "不成立", "not holding"),
    ))?;
    let wanted = rules.min.map_or(0, usize::from);
    if share < wanted {
        print(format_args!("{}: {wanted} %\n", say(lang, "低于要求", "fewer than demanded")))?;
    }
    Ok(share >= wanted && failed == 0)
}

fn is_number(word: &str) -> bool {
    word.split_once('-').is_some_and(|(group, number)| {
        !group.is_empty()
            && group.chars().all(|c| c.is_ascii_uppercase())
            && !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit())
    })
}

impl Coverage {
    /// Scenarios cover it, and all of them come true.
    fn holds(&self) -> bool {
        self.scenarios > 0 && self.failed == 0
    }

    /// `yes`, `NO`, or how many of its scenarios were played.
    fn live_shown(&self, lang: Lang) -> String {
        match (self.live, self.live_failed) {
            (0, _) => String::new(),
            (_, failed) if failed > 0 => format!("{} {failed}", say(lang, "否", "NO")),
            (live, _) if live < self.scenarios => {
                format!("{} {live}/{}", say(lang, "是", "yes"), self.scenarios)
            }
            _ => say(lang, "是", "yes").to_owned(),
        }
    }

    /// At least one of them was played in the running services, and what was played came true there too.
    fn holds_live(&self) -> bool {
        self.live > 0 && self.live_failed == 0
    }
}

impl Tried {
    fn open(path: &PathBuf, lang: Lang) -> anyhow::Result<Tried> {
        let texts = files::texts(std::slice::from_ref(path))?;
        let mut scenarios = Vec::new();
        for file in beside(path)? {
            scenarios.extend(scenario::read(&file.display().to_string(), &files::text(&file)?)?);
        }
        let branches = scenarios.iter().map(|scenario| scenario.branch.clone()).collect();
        let stage = Stage::set(&texts, &Place::default(), &branches, lang)?;
        let holds = |scenario| scenario::play(scenario, &stage.directory, &stage.playbook).holds();
        let held = scenarios.iter().map(holds).collect();
        Ok(Tried { texts, branches, stage, scenarios, held })
    }

    fn cover(&self, found: &mut BTreeMap<String, Coverage>) {
        let playbook = &self.stage.playbook;
        let mut named = BTreeSet::new();
        collect(&playbook.to_json(), &mut named);
        for rule in named {
            found.entry(rule).or_default().rule_books.insert(playbook.id.clone());
        }
        for (scenario, holds) in self.scenarios.iter().zip(&self.held) {
            for rule in &scenario.covers {
                let coverage = found.entry(rule.clone()).or_default();
                coverage.scenarios += 1;
                coverage.failed += usize::from(!holds);
            }
        }
    }
}

impl Tried {
    /// Results of other texts are of other scenarios.
    fn cover_live(&self, held: &BTreeMap<(&str, &str), bool>, found: &mut BTreeMap<String, Coverage>) {
        let book = live::digest(&self.texts);
        for scenario in &self.scenarios {
            let Some(held) = held.get(&(scenario.digest.as_str(), book.as_str())) else { continue };
            for rule in &scenario.covers {
                let coverage = found.entry(rule.clone()).or_default();
                coverage.live += 1;
                coverage.live_failed += usize::from(!held);
            }
        }
    }
}

/// Everything that stands under `rules` anywhere in a rule book.
fn collect(value: &Value, rules: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, rules)),
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::Array(items) if key == "rules" => {
                        rules.extend(items.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    value => collect(value, rules),
                }
            }
        }
        _ => {}
    }
}

fn table(
    rules: &Rules,
    found: &BTreeMap<String, Coverage>,
    kinds: &BTreeMap<String, String>,
    lang: Lang,
) -> Table {
    let mut table = Table::new();
    let mut header = vec![
        say(lang, "条款", "rule"),
        say(lang, "类别", "kind"),
        say(lang, "规则书", "rule books"),
        say(lang, "场景", "scenarios"),
        say(lang, "成立", "holds"),
    ];
    if rules.live.is_some() {
        header.push(say(lang, "在运行的服务中", "live"));
    }
    table.load_style(presets::NOTHING).set_header(header);
    for (rule, coverage) in found {
        if !rules.all && coverage.rule_books.is_empty() && coverage.scenarios == 0 {
            continue;
        }
        let holds = match (coverage.scenarios, coverage.failed) {
            (0, _) => "",
            (_, 0) => say(lang, "是", "yes"),
            _ => say(lang, "否", "NO"),
        };
        let books = coverage.rule_books.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let kind = kinds.get(rule).cloned().unwrap_or_default();
        let mut row = vec![rule.clone(), kind, books, coverage.scenarios.to_string(), holds.to_owned()];
        if rules.live.is_some() {
            row.push(coverage.live_shown(lang));
        }
        table.add_row(row);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_the_rows_of_a_catalogue() {
        let text = "# Rules\n| id | kind |\n| --- | --- |\n| DG-01 | RECORD | as A-05 says |\n| PM-03 | CLOCK |\n|no-1|x|\n";
        let found = kinds(text);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["DG-01", "PM-03"]);
        assert_eq!(found["PM-03"], "CLOCK");
    }

    #[test]
    fn a_rule_is_shown_live_only_if_all_that_was_played_came_true() {
        let coverage =
            |live, live_failed| Coverage { scenarios: 3, live, live_failed, ..Coverage::default() };
        assert!(!coverage(0, 0).holds_live());
        assert!(coverage(2, 0).holds_live() && !coverage(3, 1).holds_live());
        assert_eq!(coverage(2, 0).live_shown(Lang::En), "yes 2/3");
        assert_eq!(coverage(3, 1).live_shown(Lang::En), "NO 1");
        assert_eq!(coverage(3, 0).live_shown(Lang::En), "yes");
        assert_eq!(coverage(0, 0).live_shown(Lang::En), "");
    }
}
