//! Where two rule books differ over the same cases.

use std::collections::{BTreeMap, BTreeSet};

use playbook::Lang;

use super::{Group, Tally, tally::Count};

/// One figure that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub figure: &'static str,
    pub old: u64,
    pub new: u64,
}

/// Everything that is not the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub total: Vec<Line>,
    pub groups: BTreeMap<Group, Vec<Line>>,
    pub clocks: BTreeMap<String, Vec<Line>>,
    pub told: BTreeMap<String, (u64, u64)>,
    pub severities: BTreeMap<String, (u64, u64)>,
    pub calls: BTreeMap<String, (u64, u64)>,
}

impl Difference {
    pub fn between(old: &Tally, new: &Tally) -> Difference {
        Difference {
            total: lines(&old.total, &new.total),
            groups: each(&old.groups, &new.groups),
            clocks: each(&old.clocks, &new.clocks),
            told: numbers(&old.told, &new.told),
            severities: numbers(&old.severities, &new.severities),
            calls: numbers(&old.calls, &new.calls),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Difference::default()
    }

    /// For a terminal.
    pub fn render(&self, lang: Lang) -> String {
        let word = |zh: &'static str, en: &'static str| match lang {
            Lang::Zh => zh,
            Lang::En => en,
        };
        if self.is_empty() {
            return word("两版没有差别。\n", "No difference.\n").to_owned();
        }
        let mut out = String::new();
        section(&mut out, word("合计", "in all"), [(String::new(), &self.total)].into_iter(), lang);
        let groups =
            self.groups.iter().map(|(group, lines)| (format!("{} · {}", group.branch, group.matter), lines));
        section(&mut out, word("按门店和类型", "by branch and type"), groups, lang);
        let clocks = self.clocks.iter().map(|(clock, lines)| (clock.clone(), lines));
        section(&mut out, word("按时钟", "by clock"), clocks, lang);
        let pairs = [
            (word("升级通知到", "escalations to"), &self.told),
            (word("严重程度", "severity"), &self.severities),
            (word("回访", "call-backs"), &self.calls),
        ];
        for (title, numbers) in pairs.into_iter().filter(|(_, numbers)| !numbers.is_empty()) {
            out.push_str(&format!("{title}\n"));
            for (name, (old, new)) in numbers {
                out.push_str(&format!("  {name}: {}\n", change(*old, *new)));
            }
        }
        out
    }
}

fn section<'l>(
    out: &mut String,
    title: &str,
    rows: impl Iterator<Item = (String, &'l Vec<Line>)>,
    lang: Lang,
) {
    let mut rows = rows.filter(|(_, lines)| !lines.is_empty()).peekable();
    if rows.peek().is_none() {
        return;
    }
    out.push_str(&format!("{title}\n"));
    for (name, lines) in rows {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| format!("{} {}", figure_name(line.figure, lang), change(line.old, line.new)))
            .collect();
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        out.push_str(&format!("  {name}{}\n", lines.join(lang_comma(lang))));
    }
}

fn lang_comma(lang: Lang) -> &'static str {
    match lang {
        Lang::Zh => "，",
        Lang::En => ", ",
    }
}

fn change(old: u64, new: u64) -> String {
    let by = i128::from(new) - i128::from(old);
    format!("{old} -> {new} ({by:+})")
}

/// A figure's name for people.
pub fn figure_name(figure: &str, lang: Lang) -> &str {
    let names = [
        ("cases", "案件", "cases"),
        ("started", "时钟", "clocks"),
        ("met", "按时", "met"),
        ("breached", "逾期", "late"),
        ("cancelled", "取消", "cancelled"),
        ("running", "未决", "undecided"),
        ("warnings", "预警", "warnings"),
        ("rungs", "升级", "escalations"),
        ("calls", "回访", "call-backs"),
    ];
    let found = names.iter().find(|(known, ..)| *known == figure);
    found.map_or(figure, |(_, zh, en)| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    })
}

fn lines(old: &Count, new: &Count) -> Vec<Line> {
    let pairs = old.figures().into_iter().zip(new.figures());
    pairs
        .filter(|((_, old), (_, new))| old != new)
        .map(|((figure, old), (_, new))| Line { figure, old, new })
        .collect()
}

fn each<K: Ord + Clone>(old: &BTreeMap<K, Count>, new: &BTreeMap<K, Count>) -> BTreeMap<K, Vec<Line>> {
    let nothing = Count::default();
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .map(|key| (key, lines(old.get(key).unwrap_or(&nothing), new.get(key).unwrap_or(&nothing))))
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(key, lines)| (key.clone(), lines))
        .collect()
}

fn numbers(old: &BTreeMap<String, u64>, new: &BTreeMap<String, u64>) -> BTreeMap<String, (u64, u64)> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let at = |map: &BTreeMap<String, u64>, key: &String| map.get(key).copied().unwrap_or_default();
    keys.into_iter()
        .map(|key| (key.clone(), (at(old, key), at(new, key))))
        .filter(|(_, (old, new))| old != new)
        .collect()
}
