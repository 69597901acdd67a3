//! The files of a rule book as trees in which a part can be found, changed and left out.

use playbook::yaml::{self, Node, Yaml};

use super::write;

/// Where a node stands: the file, then which child of which child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path {
    pub file: usize,
    pub steps: Vec<usize>,
}

impl Path {
    pub fn child(&self, at: usize) -> Path {
        let mut child = self.clone();
        child.steps.push(at);
        child
    }

    /// Its parent and which child of it.
    pub fn parent(&self) -> Option<(Path, usize)> {
        let (last, steps) = self.steps.split_last()?;
        Some((Path { file: self.file, steps: steps.to_vec() }, *last))
    }
}

/// A rule book's files, read.
#[derive(Clone, Debug)]
pub struct Book {
    pub(super) files: Vec<(String, Node)>,
}

impl Book {
    /// `None` if a file is not well formed; the loader says why.
    pub fn read(texts: &[(String, String)]) -> Option<Book> {
        let file = |(path, text): &(String, String)| Some((path.clone(), yaml::tree(text)?));
        Some(Book { files: texts.iter().map(file).collect::<Option<_>>()? })
    }

    /// As files again, and for each line of each file the path of what stands there.
    pub(super) fn texts(&self) -> (Vec<(String, String)>, Vec<Vec<Path>>) {
        let written = self.files.iter().enumerate().map(|(at, (name, root))| {
            let (text, lines) = write::text(at, root);
            ((name.clone(), text), lines)
        });
        written.unzip()
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Node> {
        let root = &self.files.get(path.file)?.1;
        path.steps.iter().try_fold(root, |node, at| children(node).nth(*at))
    }

    fn get_mut(&mut self, path: &Path) -> Option<&mut Node> {
        let root = &mut self.files.get_mut(path.file)?.1;
        path.steps.iter().try_fold(root, |node, at| match &mut node.value {
            Yaml::Map(entries) => entries.get_mut(*at).map(|entry| &mut entry.node),
            Yaml::List(items) => items.get_mut(*at),
            Yaml::Scalar { .. } => None,
        })
    }

    /// The entry under a key of the mapping at `path`.
    pub(super) fn entry(&self, path: &Path, key: &str) -> Option<Path> {
        let at = self.get(path)?.entries().iter().position(|entry| entry.key == key)?;
        Some(path.child(at))
    }

    #[must_use]
    pub(super) fn with(&self, path: &Path, value: Yaml) -> Book {
        let mut book = self.clone();
        if let Some(node) = book.get_mut(path) {
            node.value = value;
        }
        book
    }

    /// Without the entry or item at `path`. The root stays.
    #[must_use]
    pub(super) fn without(&self, path: &Path) -> Book {
        let mut book = self.clone();
        let parent = path.parent();
        let node = parent.as_ref().and_then(|(parent, at)| Some((book.get_mut(parent)?, *at)));
        match node {
            Some((Node { value: Yaml::Map(entries), .. }, at)) if at < entries.len() => {
                entries.remove(at);
            }
            Some((Node { value: Yaml::List(items), .. }, at)) if at < items.len() => {
                items.remove(at);
            }
            _ => {}
        }
        book
    }

    /// For people: `types/complaint/steps/judge`, list items by number.
    pub(super) fn name(&self, path: &Path) -> String {
        let mut words = Vec::new();
        let mut here = Path { file: path.file, steps: Vec::new() };
        for at in &path.steps {
            let entries = self.get(&here).map(Node::entries).unwrap_or_default();
            words.push(entries.get(*at).map_or_else(|| (at + 1).to_string(), |entry| entry.key.clone()));
            here = here.child(*at);
        }
        words.join("/")
    }
}

pub(super) fn children(node: &Node) -> Box<dyn Iterator<Item = &Node> + '_> {
    match &node.value {
        Yaml::Map(entries) => Box::new(entries.iter().map(|entry| &entry.node)),
        Yaml::List(items) => Box::new(items.iter()),
        Yaml::Scalar { .. } => Box::new(std::iter::empty()),
    }
}

pub(super) fn word(text: &str) -> Yaml {
    Yaml::Scalar { text: text.to_owned(), plain: false }
}
