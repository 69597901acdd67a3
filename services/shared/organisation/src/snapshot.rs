//! The fold of the directory's journal.

use std::{collections::BTreeMap, sync::Arc};

use calendar::{Calendar, CalendarSource};
use playbook::{Playbook, diagnostic::Diagnostic};
use proto::{AnyEvent, Time, directory::v1 as said};
use thiserror::Error;

use crate::{shelf, time_law::TimeLaw};

/// An entry that this program cannot take in: the reader stops with an alarm.
#[derive(Debug, Error)]
pub enum ApplyError {
    #[error("directory entry {found} came after {known}: the order is broken")]
    OutOfOrder { known: u64, found: u64 },
    #[error("playbook {id} version {version} was activated but does not load here: {why}")]
    Playbook { id: String, version: u32, why: String },
    #[error("calendar {id} was activated but does not compile here: {why}")]
    Calendar { id: String, why: String },
    #[error("time mode {0} is unknown to this program")]
    TimeMode(String),
}

/// A node of the organisation: group, division, area, branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub code: String,
    pub parent: Option<String>,
    pub level: String,
    pub name: String,
    pub calendar: Option<String>,
    pub zone: Option<String>,
    pub closed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHeld {
    pub role: String,
    pub node: String,
}

/// A person by code; names stay sealed in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub code: String,
    pub roles: Vec<RoleHeld>,
    pub deputy: Option<String>,
    /// From (included) to (excluded).
    pub absences: Vec<(Time, Time)>,
    pub disabled: bool,
    /// What he is good at: categories, case types, brands, tags.
    pub skills: Vec<String>,
}

impl Person {
    pub fn is_absent(&self, at: Time) -> bool {
        self.absences.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    pub fn holds(&self, role: &str, node: &str) -> bool {
        self.roles.iter().any(|held| held.role == role && held.node == node)
    }
}

/// Cheap to clone: maps are shared until one changes.
#[derive(Clone, Default)]
pub struct Snapshot {
    seq: u64,
    pub(crate) nodes: Arc<BTreeMap<String, Node>>,
    pub(crate) persons: Arc<BTreeMap<String, Person>>,
    /// (node, role) -> person codes in order.
    pub(crate) holders: Arc<BTreeMap<(String, String), Vec<String>>>,
    playbooks: Arc<BTreeMap<String, BTreeMap<u32, Arc<Playbook>>>>,
    sources: Arc<BTreeMap<String, CalendarSource>>,
    calendars: Arc<BTreeMap<String, Calendar>>,
    law: TimeLaw,
}

impl Snapshot {
    /// The newest directory entry taken in.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Takes in the next entry of the directory's journal.
    pub fn apply(&mut self, seq: u64, event: &AnyEvent) -> Result<(), ApplyError> {
        // Numbers that a rewound history withdrew are not given again.
        let may_jump = matches!(event, AnyEvent::HistoryRewound(_)) && seq > self.seq;
        if seq != self.seq + 1 && !may_jump {
            return Err(ApplyError::OutOfOrder { known: self.seq, found: seq });
        }
        match event {
            AnyEvent::DirectoryChanged(changed) => self.change(changed),
            AnyEvent::PlaybookActivated(active) => self.activate_playbook(active)?,
            AnyEvent::CalendarActivated(active) => self.activate_calendar(active)?,
            AnyEvent::TimeMoved(moved) => {
                self.law = TimeLaw::of(moved).ok_or_else(|| ApplyError::TimeMode(moved.mode.clone()))?;
            }
            // Other events may stand in the same journal; they change nothing here.
            _ => {}
        }
        self.seq = seq;
        Ok(())
    }

    pub fn law(&self) -> TimeLaw {
        self.law
    }

    pub fn node(&self, code: &str) -> Option<&Node> {
        self.nodes.get(code)
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    pub fn person(&self, code: &str) -> Option<&Person> {
        self.persons.get(code)
    }

    pub fn persons(&self) -> impl Iterator<Item = &Person> {
        self.persons.values()
    }

    /// The node itself and those above it. Ends even if the parents form a circle.
    pub fn upwards<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Node> {
        let mut next = self.nodes.get(code);
        let mut left = 16;
        std::iter::from_fn(move || {
            let node = next?;
            left -= 1;
            next = node.parent.as_deref().filter(|_| left > 0).and_then(|parent| self.nodes.get(parent));
            Some(node)
        })
    }

    /// Whether `node` is `above` or lies below it.
    pub fn is_within(&self, node: &str, above: &str) -> bool {
        self.upwards(node).any(|n| n.code == above)
    }

    /// The version that a ticket was opened under.
    pub fn playbook(&self, id: &str, version: u32) -> Option<&Arc<Playbook>> {
        self.playbooks.get(id)?.get(&version)
    }

    /// The newest version: new tickets are opened under it.
    pub fn active_playbook(&self, id: &str) -> Option<&Arc<Playbook>> {
        self.playbooks.get(id)?.values().next_back()
    }

    /// The same with a rule book that nobody has activated, for looking at what it would do.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub fn with_candidate(
        &self,
        files: &[(&str, &str)],
    ) -> Result<(Snapshot, Arc<Playbook>), Vec<Diagnostic>> {
        let playbook = shelf::load(files)?;
        let mut with = self.clone();
        let versions = Arc::make_mut(&mut with.playbooks).entry(playbook.id.clone()).or_default();
        versions.insert(playbook.version, playbook.clone());
        Ok((with, playbook))
    }

    pub fn playbook_ids(&self) -> impl Iterator<Item = &str> {
        self.playbooks.keys().map(String::as_str)
    }

    pub fn calendar(&self, id: &str) -> Option<&Calendar> {
        self.calendars.get(id)
    }

    pub fn calendar_source(&self, id: &str) -> Option<&CalendarSource> {
        self.sources.get(id)
    }

    /// The calendar of a branch: its own, else the next one up.
    pub fn calendar_of(&self, node: &str) -> Option<&Calendar> {
        self.upwards(node).find_map(|n| n.calendar.as_deref()).and_then(|id| self.calendars.get(id))
    }

    /// The zone of a branch: its own, else the next one up.
    pub fn zone_of(&self, node: &str) -> Option<&str> {
        self.upwards(node).find_map(|n| n.zone.as_deref())
    }

    fn change(&mut self, changed: &said::DirectoryChanged) {
        let nodes = Arc::make_mut(&mut self.nodes);
        for code in &changed.removed_nodes {
            nodes.remove(code);
        }
        for node in &changed.nodes {
            nodes.insert(node.code.clone(), Node::from(node));
        }
        if changed.persons.is_empty() && changed.removed_persons.is_empty() {
            return;
        }
        let persons = Arc::make_mut(&mut self.persons);
        let holders = Arc::make_mut(&mut self.holders);
        let gone = changed.removed_persons.iter().chain(changed.persons.iter().map(|p| &p.code));
        for code in gone {
            if let Some(old) = persons.remove(code) {
                for held in old.roles {
                    if let Some(list) = holders.get_mut(&(held.node, held.role)) {
                        list.retain(|other| other != code);
                    }
                }
            }
        }
        for person in &changed.persons {
            let person = Person::from(person);
            for held in &person.roles {
                let list = holders.entry((held.node.clone(), held.role.clone())).or_default();
                if let Err(place) = list.binary_search(&person.code) {
                    list.insert(place, person.code.clone());
                }
            }
            persons.insert(person.code.clone(), person);
        }
    }

    fn activate_playbook(&mut self, active: &said::PlaybookActivated) -> Result<(), ApplyError> {
        let files: Vec<(&str, &str)> =
            active.files.iter().map(|f| (f.path.as_str(), f.text.as_str())).collect();
        let playbook = shelf::load(&files).map_err(|problems| ApplyError::Playbook {
            id: active.id.clone(),
            version: active.version,
            why: problems.first().map(|problem| problem.render(playbook::Lang::En)).unwrap_or_default(),
        })?;
        Arc::make_mut(&mut self.playbooks)
            .entry(active.id.clone())
            .or_default()
            .insert(active.version, playbook);
        Ok(())
    }

    fn activate_calendar(&mut self, active: &said::CalendarActivated) -> Result<(), ApplyError> {
        let fail = |why: String| ApplyError::Calendar { id: active.id.clone(), why };
        let source = CalendarSource::from_yaml(&active.source)
            .map_err(|problems| fail(problems.first().map(ToString::to_string).unwrap_or_default()))?;
        let sources = Arc::make_mut(&mut self.sources);
        sources.insert(active.id.clone(), source);
        // A parent's change reaches its heirs: all are compiled anew, there are few.
        let all: Vec<CalendarSource> = sources.values().cloned().collect();
        let mut compiled = BTreeMap::new();
        for source in &all {
            let calendar = Calendar::compile(source, &all).map_err(|problems| {
                fail(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            })?;
            compiled.insert(source.id.clone(), calendar);
        }
        self.calendars = Arc::new(compiled);
        Ok(())
    }
}

impl From<&said::Node> for Node {
    fn from(node: &said::Node) -> Self {
        Node {
            code: node.code.clone(),
            parent: filled(&node.parent),
            level: node.level.clone(),
            name: node.name.clone(),
            calendar: filled(&node.calendar),
            zone: filled(&node.zone),
            closed: node.closed,
        }
    }
}

impl From<&said::Person> for Person {
    fn from(person: &said::Person) -> Self {
        Person {
            code: person.code.clone(),
            roles: person
                .roles
                .iter()
                .map(|r| RoleHeld { role: r.role.clone(), node: r.node.clone() })
                .collect(),
            deputy: filled(&person.deputy),
            absences: person.absences.iter().map(|a| (Time(a.from_at), Time(a.to_at))).collect(),
            disabled: person.disabled,
            skills: person.skills.clone(),
        }
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
