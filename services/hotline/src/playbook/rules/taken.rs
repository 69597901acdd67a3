//! `hotline playbook rules --mutate`: each clause taken away in turn, and what the scenarios say to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use comfy_table::{Table, presets};
use playbook::Lang;
use trial::{
    ground::Ground,
    scenario::Scenario,
    taken::{Book, Place, Variant, noticed},
};

use super::{Coverage, Rules, Tried};
use crate::playbook::{files, print, say};

const THREADS: usize = 2;

/// What became of a rule's clauses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Shown {
    clauses: usize,
    noticed: usize,
    unnoticed: BTreeSet<String>,
    /// The language demands that something stands there.
    fixed: BTreeSet<String>,
}

/// A clause that was taken away, or could not be.
struct Finding {
    rules: Vec<String>,
    place: String,
    /// The rules that noticed; `None`: it cannot be taken away.
    noticed: Option<BTreeSet<String>>,
}

/// Prints the table; whether enough rules are shown.
pub(super) fn report(
    rules: &Rules,
    tried: &[Tried],
    catalogue: &BTreeSet<String>,
    found: &BTreeMap<String, Coverage>,
) -> std::io::Result<bool> {
    let lang = rules.language.into();
    let mut shown: BTreeMap<String, Shown> = BTreeMap::new();
    // What breaks without its clause counts as noticed; nobody wants to read how it broke.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let findings: Vec<Finding> = tried.iter().flat_map(Tried::taken_apart).collect();
    panic::set_hook(hook);
    findings.iter().for_each(|finding| finding.count(&mut shown));
    print(format_args!("{}\n", table(&shown, found, lang)))?;
    summary(rules, catalogue, found, &shown, lang)
}

impl Tried {
    fn taken_apart(&self) -> Vec<Finding> {
        let Some(book) = Book::read(&self.texts) else { return Vec::new() };
        let places = book.places();
        let (next, findings) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Some((at, place)) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, places.get(at)?)))
                    {
                        let found = self.without(&book, place);
                        findings.lock().unwrap_or_else(PoisonError::into_inner).push((at, found));
                    }
                });
            }
        });
        let mut findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        findings.sort_by_key(|(at, _)| *at);
        findings.into_iter().flat_map(|(_, found)| found).collect()
    }

    /// A scenario that fails anyway notices nothing.
    fn covering(&self, rules: &[String]) -> Vec<Scenario> {
        let covers = |scenario: &Scenario| scenario.covers.iter().any(|rule| rules.contains(rule));
        let held = self.scenarios.iter().zip(&self.held).filter(|(_, held)| **held);
        held.map(|(scenario, _)| scenario).filter(|scenario| covers(scenario)).cloned().collect()
    }

    fn without(&self, book: &Book, place: &Place) -> Vec<Finding> {
        let finding = |name: &str, noticed| Finding {
            rules: place.rules.clone(),
            place: format!("{}:{} {name}", short(&place.file), place.line),
            noticed,
        };
        let variants = book.lacking(place);
        if variants.is_empty() {
            return vec![finding(&place.name, None)];
        }
        let scenarios = self.covering(&place.rules);
        let judged = variants.iter().map(|variant| {
            let noticed = self.noticed_by(&place.rules, &scenarios, variant);
            finding(&variant.name, Some(noticed))
        });
        judged.collect()
    }

    fn noticed_by(&self, rules: &[String], scenarios: &[Scenario], variant: &Variant) -> BTreeSet<String> {
        if scenarios.is_empty() {
            return BTreeSet::new();
        }
        let ground = Ground::imagined(&variant.playbook, &self.branches, &[]);
        match ground.with(&files::borrowed(&variant.texts)).snapshot() {
            Ok(directory) => noticed(rules, scenarios, &directory, &variant.playbook),
            // It loads, so only the organisation could be at fault, and that is the same for all.
            Err(_) => BTreeSet::new(),
        }
    }
}

impl Finding {
    fn count(&self, shown: &mut BTreeMap<String, Shown>) {
        for rule in &self.rules {
            let shown = shown.entry(rule.clone()).or_default();
            match &self.noticed {
                None => drop(shown.fixed.insert(self.place.clone())),
                Some(noticed) => {
                    shown.clauses += 1;
                    if noticed.contains(rule) {
                        shown.noticed += 1;
                    } else {
                        shown.unnoticed.insert(self.place.clone());
                    }
                }
            }
        }
    }
}

/// The end of a path: the folder names the rule book.
fn short(file: &str) -> String {
    let parts: Vec<&str> = file.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}

/// Its scenarios hold, and at least one of its clauses is missed when it is gone.
fn is_shown(rule: &str, found: &BTreeMap<String, Coverage>, shown: &BTreeMap<String, Shown>) -> bool {
    found.get(rule).is_some_and(Coverage::holds) && shown.get(rule).is_some_and(|shown| shown.noticed > 0)
}

fn table(shown: &BTreeMap<String, Shown>, found: &BTreeMap<String, Coverage>, lang: Lang) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        say(lang, "条款", "rule"),
        say(lang, "条文", "clauses"),
        say(lang, "去掉即失败", "noticed"),
        say(lang, "已证明", "shown"),
        say(lang, "去掉也没人发现", "unnoticed"),
    ]);
    let rules = shown.keys().chain(found.keys().filter(|rule| found[*rule].scenarios > 0));
    for rule in rules.collect::<BTreeSet<_>>() {
        let own = shown.get(rule).cloned().unwrap_or_default();
        let fixed = say(lang, "（去不掉）", " (cannot be taken away)");
        let places = own.unnoticed.iter().cloned();
        let places: Vec<String> =
            places.chain(own.fixed.iter().map(|place| format!("{place}{fixed}"))).collect();
        let mark =
            if is_shown(rule, found, shown) { say(lang, "是", "yes") } else { say(lang, "否", "NO") };
        table.add_row([
            rule.clone(),
            own.clauses.to_string(),
            own.noticed.to_string(),
            mark.to_owned(),
            places.join("\n"),
        ]);
    }
    table
}

fn summary(
    rules: &Rules,
    catalogue: &BTreeSet<String>,
    found: &BTreeMap<String, Coverage>,
    shown: &BTreeMap<String, Shown>,
    lang: Lang,
) -> std::io::Result<bool> {
    let proved: Vec<&String> = catalogue.iter().filter(|rule| is_shown(rule, found, shown)).collect();
    let whole = proved.iter().filter(|rule| shown[**rule].unnoticed.is_empty()).count();
    let share = proved.len() * 100 / catalogue.len().max(1);
    print(format_args!(
        "{}: {} ({share} %), {}: {whole}\n",
        say(lang, "去掉条文后场景会失败的条款", "rules whose absence is noticed"),
        proved.len(),
        say(lang, "其中每处都会", "in every clause"),
    ))?;
    let wanted = rules.min.map_or(0, usize::from);
    if share < wanted {
        print(format_args!("{}: {wanted} %\n", say(lang, "低于要求", "fewer than demanded")))?;
    }
    Ok(share >= wanted)
}
