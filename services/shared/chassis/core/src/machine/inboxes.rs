//! The inboxes of all sources. There are hundreds and few of them move at a time: those that do are known apart, so that
//! a happening costs what it moves and not what there is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    inbox::Inbox,
    store::{Cursor, Source},
};

pub(super) struct Inboxes {
    all: BTreeMap<Source, Inbox>,
    /// At least those that are not at rest.
    stirred: BTreeSet<Source>,
}

impl Inboxes {
    pub fn new(inboxes: impl Iterator<Item = (Source, Inbox)>) -> Inboxes {
        Inboxes { all: inboxes.collect(), stirred: BTreeSet::new() }
    }

    pub fn get(&self, source: &Source) -> Option<&Inbox> {
        self.all.get(source)
    }

    /// Whoever changes an inbox stirs it.
    pub fn get_mut(&mut self, source: &Source) -> Option<&mut Inbox> {
        let inbox = self.all.get_mut(source)?;
        self.stirred.insert(*source);
        Some(inbox)
    }

    pub fn all(&self) -> impl Iterator<Item = (&Source, &Inbox)> {
        self.all.iter()
    }

    /// Every inbox that is not at rest, in the order of sources.
    pub fn moving(&self) -> impl Iterator<Item = (&Source, &Inbox)> {
        self.stirred.iter().filter_map(|source| Some((source, self.all.get(source)?)))
    }

    /// Does this to every inbox that is not at rest.
    pub fn for_each_moving(&mut self, mut change: impl FnMut(&Source, &mut Inbox)) {
        for source in &self.stirred {
            if let Some(inbox) = self.all.get_mut(source) {
                change(source, inbox);
            }
        }
    }

    pub fn saved(&mut self, cursors: Vec<(Source, Cursor)>) {
        for (source, cursor) in cursors {
            if let Some(inbox) = self.get_mut(&source) {
                inbox.saved = cursor;
            }
        }
    }

    /// Forgets those that came to rest.
    pub fn settle(&mut self) {
        let all = &self.all;
        self.stirred.retain(|source| all.get(source).is_some_and(|inbox| !inbox.is_at_rest()));
    }
}
