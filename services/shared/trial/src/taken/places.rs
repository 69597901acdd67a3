//! What there is to take away: clauses that carry rules, and in each of them its gates, approvals and limits.

use playbook::yaml::{Node, Yaml};

use super::book::{Book, Path, children};

/// Something that a rule justifies.
#[derive(Clone, Debug)]
pub struct Place {
    pub rules: Vec<String>,
    /// `types/complaint/steps/judge/needs/1`
    pub name: String,
    pub file: String,
    pub line: u32,
    pub(super) path: Path,
    pub(super) part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole clause.
    Clause,
    /// An entry or item that holds something back: it goes.
    Gate,
    /// A span of time: it becomes so long that it never ends.
    Limit,
}

/// Entries that demand something before work may go on.
const GATES: &[&str] = &["required", "bars", "approval"];
/// The same, each item for itself.
const LISTS_OF_GATES: &[&str] = &["needs", "proofs", "loops", "chain"];
const LIMITS: &[&str] = &["limit", "due"];

impl Book {
    /// In the order of the files.
    pub fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (file, (_, root)) in self.files.iter().enumerate() {
            self.collect(&Path { file, steps: Vec::new() }, root, &mut places);
        }
        places
    }

    fn collect(&self, path: &Path, node: &Node, places: &mut Vec<Place>) {
        let rules = rules(node);
        if !rules.is_empty() && !path.steps.is_empty() {
            places.push(self.place(path, node, &rules, Part::Clause));
            self.parts(path, node, &rules, places);
        }
        for (at, child) in children(node).enumerate() {
            self.collect(&path.child(at), child, places);
        }
    }

    fn parts(&self, path: &Path, node: &Node, rules: &[String], places: &mut Vec<Place>) {
        for (at, entry) in node.entries().iter().enumerate() {
            let (key, path) = (entry.key.as_str(), path.child(at));
            if GATES.contains(&key) && entry.node.scalar() != Some("false") {
                places.push(self.place(&path, &entry.node, rules, Part::Gate));
            }
            // A parameter's limit is all that it is.
            if LIMITS.contains(&key) && !self.name(&path).starts_with("params/") {
                places.push(self.place(&path, &entry.node, rules, Part::Limit));
            }
            if LISTS_OF_GATES.contains(&key)
                && let Yaml::List(items) = &entry.node.value
            {
                let gate = |(at, item)| self.place(&path.child(at), item, rules, Part::Gate);
                places.extend(items.iter().enumerate().map(gate));
            }
        }
    }

    fn place(&self, path: &Path, node: &Node, rules: &[String], part: Part) -> Place {
        Place {
            rules: rules.to_vec(),
            name: self.name(path),
            file: self.files[path.file].0.clone(),
            line: node.span.line,
            path: path.clone(),
            part,
        }
    }
}

fn rules(node: &Node) -> Vec<String> {
    let listed = node.peek("rules").map(Node::items).unwrap_or_default();
    listed.iter().filter_map(Node::scalar).filter(|rule| !rule.is_empty()).map(str::to_owned).collect()
}
