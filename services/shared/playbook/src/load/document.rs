//! The files of a playbook as one document: sections may be spread over files, each id once.

use std::collections::HashSet;

use crate::{
    load::reader::Ctx,
    yaml::{Entry, Node, Span},
};

/// Sections in the order in which people read them.
pub(crate) const HEAD: &[&str] = &["playbook", "version", "name", "line", "currency"];
pub(crate) const SECTIONS: &[&str] = &[
    "roles",
    "params",
    "waits",
    "types",
    "tables",
    "approvals",
    "clocks",
    "duties",
    "follow_ups",
    "tells",
    "figures",
    "reports",
    "privacy",
];

pub(crate) struct Document<'n> {
    roots: Vec<&'n Node>,
}

impl<'n> Document<'n> {
    /// Checks the top level of every file.
    pub fn new(ctx: &mut Ctx, roots: &'n [Node]) -> Self {
        let mut kept = Vec::new();
        for root in roots {
            if root.is_null() {
                continue;
            }
            ctx.object(root);
            for entry in root.entries() {
                let known = || HEAD.iter().chain(SECTIONS).copied();
                if !known().any(|k| k == entry.key) {
                    ctx.unknown("PB0002", entry.key_span, ("部分", "section"), &entry.key, known());
                }
            }
            kept.push(root);
        }
        let document = Self { roots: kept };
        document.refuse_doubles(ctx);
        document
    }

    fn refuse_doubles(&self, ctx: &mut Ctx) {
        for key in HEAD.iter().chain(&["privacy"]) {
            let mut given = self.roots.iter().flat_map(|r| r.entries()).filter(|e| e.key == *key);
            let _first = given.next();
            for again in given {
                ctx.error(
                    "PB0005",
                    again.key_span,
                    format!("“{key}”在另一个文件里已经写过"),
                    format!("`{key}` stands in another file already"),
                );
            }
        }
        for section in SECTIONS.iter().filter(|s| **s != "privacy") {
            let mut seen: HashSet<&str> = HashSet::new();
            for entry in self.entries(section) {
                if !seen.insert(&entry.key) {
                    ctx.error(
                        "PB0005",
                        entry.key_span,
                        format!("“{}”在另一个文件里已经写过", entry.key),
                        format!("`{}` stands in another file already", entry.key),
                    );
                }
            }
        }
    }

    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.roots.iter().find_map(|root| root.peek(key)).filter(|n| !n.is_null())
    }

    pub fn scalar(&self, key: &str) -> Option<&'n str> {
        self.get(key).and_then(Node::scalar)
    }

    /// The section's node in each file.
    pub fn sections(&self, section: &str) -> Vec<&'n Node> {
        self.roots.iter().filter_map(|root| root.peek(section)).collect()
    }

    fn entries(&self, section: &str) -> impl Iterator<Item = &'n Entry> {
        self.sections(section).into_iter().flat_map(Node::entries)
    }

    pub fn named(&self, section: &str) -> impl Iterator<Item = (&'n str, &'n Node)> {
        self.entries(section).map(|e| (e.key.as_str(), &e.node))
    }

    /// Where to point at when something is missing altogether.
    pub fn start(&self) -> Span {
        self.roots.first().map(|r| Span { length: 1, ..r.span }).unwrap_or_default()
    }
}
