//! Leaving a part out so that the rest is still a rule book.

use std::sync::Arc;

use playbook::{
    Diagnostic, Playbook,
    yaml::{Node, Yaml},
};

use super::{
    book::{Book, Path, word},
    places::{Part, Place},
};

/// A rule book that lacks something.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What it lacks: the place, or a part of it.
    pub name: String,
    pub texts: Vec<(String, String)>,
    pub playbook: Arc<Playbook>,
}

/// So often what depends on a part is left out with it.
const ROUNDS: usize = 6;
/// Within the life of no case, and of no scenario.
const NEVER: &str = "3650 days";
/// Entries that say nothing about what happens.
const WORDS: &[&str] = &["name", "label", "rules", "ours", "text", "script", "reason", "template", "code"];

impl Book {
    /// The rule book without a place; if the language demands that something stands there, what comes nearest to it.
    /// Several if only parts of it can go; none if nothing can.
    pub fn lacking(&self, place: &Place) -> Vec<Variant> {
        let path = &place.path;
        let one = match place.part {
            Part::Clause => self.gone(path).or_else(|| self.neutral(path)),
            Part::Gate => self.gone(path),
            Part::Limit => self.with(path, word(NEVER)).loaded(),
        };
        match one {
            Some(one) => vec![one.named(&place.name)],
            None if place.part == Part::Clause => self.in_parts(path),
            None => Vec::new(),
        }
    }

    /// It goes, and with it what cannot be without it.
    fn gone(&self, path: &Path) -> Option<Variant> {
        let mut book = self.without(path);
        for _ in 0..ROUNDS {
            let (texts, lines) = book.texts();
            match load(&texts) {
                Ok(playbook) => return Some(Variant { name: String::new(), texts, playbook }),
                Err(found) => book = book.without_dependants(&found, &lines)?,
            }
        }
        None
    }

    fn without_dependants(&self, found: &[Diagnostic], lines: &[Vec<Path>]) -> Option<Book> {
        let place = |finding: &Diagnostic| {
            let file = self.files.iter().position(|(name, _)| *name == finding.file)?;
            let line = usize::try_from(finding.line).ok()?.checked_sub(1)?;
            let path = lines.get(file)?.get(line)?;
            // A whole section never goes.
            (depends(finding) && path.steps.len() > 1).then(|| path.clone())
        };
        let mut paths = found.iter().map(place).collect::<Option<Vec<Path>>>()?;
        // From behind, so that those before keep their places.
        paths.sort_unstable_by(|a, b| b.cmp(a));
        paths.dedup();
        Some(paths.iter().fold(self.clone(), |book, path| book.without(path)))
    }

    /// What must stand there says what it says elsewhere, or nothing that matters.
    fn neutral(&self, path: &Path) -> Option<Variant> {
        self.as_its_neighbour(path).or_else(|| self.without_end(path)).or_else(|| self.other_value(path))
    }

    /// A row of a table decides as another row does.
    fn as_its_neighbour(&self, path: &Path) -> Option<Variant> {
        let (list, own) = path.parent()?;
        ["then", "chain"].iter().find_map(|key| {
            let target = self.entry(path, key)?;
            let said = self.get(&target)?;
            let rows = self.get(&list)?.items().iter().enumerate().filter(|(at, _)| *at != own);
            let others = rows.filter_map(|(_, row)| row.peek(key));
            others.filter(|other| !same(other, said)).find_map(|other| {
                let other = other.value.clone();
                self.with(&target, other).loaded()
            })
        })
    }

    fn without_end(&self, path: &Path) -> Option<Variant> {
        self.with(&self.entry(path, "limit")?, word(NEVER)).loaded()
    }

    fn other_value(&self, path: &Path) -> Option<Variant> {
        let target = self.entry(path, "value").or_else(|| self.entry(path, "amount"))?;
        let other = if self.get(&target)?.scalar() == Some("1") { "2" } else { "1" };
        self.with(&target, word(other)).loaded()
    }

    /// Each of its entries that can go by itself.
    fn in_parts(&self, path: &Path) -> Vec<Variant> {
        let entries = self.get(path).map(Node::entries).unwrap_or_default();
        let parts = entries.iter().enumerate().filter(|(_, entry)| !WORDS.contains(&entry.key.as_str()));
        let without = |(at, _)| {
            let part = path.child(at);
            let variant = self.without(&part).loaded()?;
            Some(variant.named(&self.name(&part)))
        };
        parts.filter_map(without).collect()
    }

    fn loaded(&self) -> Option<Variant> {
        let (texts, _) = self.texts();
        let playbook = load(&texts).ok()?;
        Some(Variant { name: String::new(), texts, playbook })
    }
}

impl Variant {
    fn named(self, name: &str) -> Variant {
        Variant { name: name.to_owned(), ..self }
    }
}

fn load(texts: &[(String, String)]) -> Result<Arc<Playbook>, Vec<Diagnostic>> {
    let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    organisation::read_playbook(&files)
}

/// It names something that is gone, or lost something that it needs with it.
fn depends(finding: &Diagnostic) -> bool {
    finding.code.starts_with("PB01")
        || matches!(finding.code, "PB0003" | "PB0204" | "PB0306" | "PB0601" | "PB0605")
}

fn same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Yaml::Scalar { text: one, .. }, Yaml::Scalar { text: other, .. }) => one == other,
        (Yaml::List(one), Yaml::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Yaml::Map(one), Yaml::Map(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| one.key == other.key && same(&one.node, &other.node))
        }
        _ => false,
    }
}
