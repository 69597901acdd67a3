//! What is wrong, counted by kind, with the first few of each kind to look at.

use std::{collections::BTreeMap, fmt::Display};

use serde::Serialize;

/// Examples kept of each kind.
const EXAMPLES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Something that was said is not where it should be.
    Lost,
    /// Something took effect twice.
    Doubled,
    /// A promise is broken: P4, P5, P9.
    Promise,
    /// Two services tell different things.
    Differs,
    /// Not wrong yet: a reader has not come so far.
    Behind,
}

/// One example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub class: Class,
    /// A stable code: `clock-breached-twice`.
    pub what: &'static str,
    /// A position, a ticket, a shard.
    pub place: String,
    pub text: String,
}

#[derive(Clone, Debug, Default)]
pub struct Findings {
    counts: BTreeMap<(Class, &'static str), u64>,
    examples: Vec<Finding>,
}

impl Findings {
    pub fn add(&mut self, class: Class, what: &'static str, place: impl Display, text: impl Display) {
        self.add_many(class, what, 1, place, text);
    }

    /// So many of them, with one example.
    pub fn add_many(
        &mut self,
        class: Class,
        what: &'static str,
        count: u64,
        place: impl Display,
        text: impl Display,
    ) {
        if count == 0 {
            return;
        }
        *self.counts.entry((class, what)).or_default() += count;
        let known = self.examples.iter().filter(|known| known.what == what && known.class == class).count();
        if known < EXAMPLES {
            self.examples.push(Finding { class, what, place: place.to_string(), text: text.to_string() });
        }
    }

    pub fn count(&self, class: Class) -> u64 {
        self.counts.iter().filter(|((of, _), _)| *of == class).map(|(_, count)| count).sum()
    }

    pub fn of(&self, what: &str) -> u64 {
        self.counts.iter().filter(|((_, of), _)| *of == what).map(|(_, count)| count).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    pub fn counts(&self) -> impl Iterator<Item = (Class, &'static str, u64)> {
        self.counts.iter().map(|((class, what), count)| (*class, *what, *count))
    }

    pub fn examples(&self) -> &[Finding] {
        &self.examples
    }
}

/// The last word of an audit.
pub fn verdict(findings: &Findings) -> String {
    format!("lost {}, doubled {}", findings.count(Class::Lost), findings.count(Class::Doubled))
}
