//! The ground that cases are tried on: an organisation, its calendars and the rule books, folded as the services fold
//! what the directory says.

use std::collections::BTreeSet;

use organisation::{ApplyError, Snapshot};
use playbook::{Level, Playbook};
use proto::{AnyEvent, directory::v1 as directory};

/// Where nobody said which hours count: every day from nine to six.
pub const USUAL_HOURS: &str =
    "id: usual-hours\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"09:00-18:00\"]\n";

/// The calendars that come along.
const CALENDARS: [(&str, &str); 3] = [
    ("china", include_str!("../../../../deploy/calendars/china.yaml")),
    ("dealer-shop", include_str!("../../../../deploy/calendars/dealer-shop.yaml")),
    ("call-centre", include_str!("../../../../deploy/calendars/call-centre.yaml")),
];

/// Their names, for who misspelt one.
pub(crate) fn calendar_names() -> String {
    CALENDARS.map(|(id, _)| id).join(", ")
}

/// The same ground, where a branch keeps another calendar: one of its own, or one that comes along. `None`: there is
/// neither.
pub(crate) fn keeping(directory: &Snapshot, calendar: &str, branch: &str) -> Option<Snapshot> {
    let mut ground = directory.clone();
    let node = ground.node(branch)?.clone();
    take_in(&mut ground, calendar)?;
    let node = directory::Node {
        code: node.code,
        parent: node.parent.unwrap_or_default(),
        level: node.level,
        name: node.name,
        calendar: calendar.to_owned(),
        zone: node.zone.unwrap_or_default(),
        closed: node.closed,
    };
    let changed = directory::DirectoryChanged { nodes: vec![node], ..Default::default() };
    ground.apply(ground.seq() + 1, &changed.into()).ok()?;
    Some(ground)
}

/// The text of a calendar that comes along.
fn text_of(calendar: &str) -> Option<&'static str> {
    CALENDARS.iter().find(|(id, _)| *id == calendar).map(|(_, text)| *text)
}

/// A calendar and those that it extends, parents first, unless they are there.
fn take_in(ground: &mut Snapshot, calendar: &str) -> Option<()> {
    if ground.calendar(calendar).is_some() {
        return Some(());
    }
    let text = text_of(calendar)?;
    let source = calendar::CalendarSource::from_yaml(text).ok()?;
    if let Some(parent) = &source.extends {
        take_in(ground, parent)?;
    }
    let source = text.to_owned();
    let active = directory::CalendarActivated { id: calendar.to_owned(), version: 1, source };
    ground.apply(ground.seq() + 1, &active.into()).ok()
}

/// What an organisation is made of.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    pub nodes: Vec<directory::Node>,
    pub persons: Vec<directory::Person>,
    /// Sources, parents first; of an imagined organisation the last one that is not the call centre's is the branches'.
    pub calendars: Vec<String>,
    /// Files of each rule book, as (path, text).
    pub playbooks: Vec<Vec<(String, String)>>,
}

impl Ground {
    /// An organisation as small as the rule book allows: one node of each level above the branches, and one invented
    /// person for every role.
    pub fn imagined(playbook: &Playbook, branches: &BTreeSet<String>, calendars: &[String]) -> Ground {
        let calendars = match calendars {
            [] => vec![USUAL_HOURS.to_owned()],
            given => given.to_vec(),
        };
        let sources =
            calendars.iter().rev().filter_map(|text| calendar::CalendarSource::from_yaml(text).ok());
        let sources: Vec<_> = sources.collect();
        let hours = sources.iter().find(|source| source.id != "call-centre");
        let zone = hours.into_iter().chain(&sources).find_map(|source| source.zone.as_deref());
        let node = |code: &str, parent: &str, level: &str| directory::Node {
            code: code.to_owned(),
            parent: parent.to_owned(),
            level: level.to_owned(),
            name: code.to_owned(),
            zone: zone.unwrap_or("Asia/Shanghai").to_owned(),
            ..Default::default()
        };
        let mut nodes = vec![
            directory::Node {
                calendar: hours.map(|source| source.id.clone()).unwrap_or_default(),
                ..node("group", "", "group")
            },
            node("division", "group", "division"),
            node("area", "division", "area"),
        ];
        nodes.extend(branches.iter().map(|branch| node(branch, "area", "branch")));
        let mut persons = Vec::new();
        for role in playbook.roles.values() {
            match role.level {
                Level::Branch => persons.extend(branches.iter().map(|branch| person(&role.id, branch))),
                level => persons.push(person(&role.id, level.as_str())),
            }
        }
        Ground { nodes, persons, calendars, playbooks: Vec::new() }
    }

    pub fn with(mut self, files: &[(&str, &str)]) -> Ground {
        let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        self.playbooks.push(files.iter().map(own).collect());
        self
    }

    /// The same before it is folded, where a branch keeps another calendar (see `keeping`).
    pub fn kept(mut self, calendar: &str, branch: &str) -> Option<Ground> {
        self.bring(calendar)?;
        let node = self.nodes.iter_mut().find(|node| node.code == branch)?;
        calendar.clone_into(&mut node.calendar);
        Some(self)
    }

    /// A calendar and those that it extends, parents first, unless they are there.
    fn bring(&mut self, calendar: &str) -> Option<()> {
        if self.calendars.iter().any(|source| id_of(source).as_deref() == Some(calendar)) {
            return Some(());
        }
        let text = text_of(calendar)?;
        if let Some(parent) = calendar::CalendarSource::from_yaml(text).ok()?.extends {
            self.bring(&parent)?;
        }
        self.calendars.push(text.to_owned());
        Some(())
    }

    /// Folded.
    ///
    /// # Errors
    /// A calendar or rule book that does not load.
    pub fn snapshot(&self) -> Result<Snapshot, ApplyError> {
        let mut snapshot = Snapshot::default();
        let mut take = |event: AnyEvent| {
            let seq = snapshot.seq() + 1;
            snapshot.apply(seq, &event)
        };
        for source in &self.calendars {
            let (id, version) = (id_of(source).unwrap_or_default(), 1);
            take(directory::CalendarActivated { id, version, source: source.clone() }.into())?;
        }
        let (nodes, persons) = (self.nodes.clone(), self.persons.clone());
        take(directory::DirectoryChanged { nodes, persons, ..Default::default() }.into())?;
        for files in &self.playbooks {
            let texts: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
            // Held until it is active, so that it is read once.
            let playbook = organisation::read_playbook(&texts).ok();
            let (id, version) =
                playbook.as_ref().map(|book| (book.id.clone(), book.version)).unwrap_or_default();
            let file = |(path, text): &(String, String)| directory::DocumentFile {
                path: path.clone(),
                text: text.clone(),
            };
            let files = files.iter().map(file).collect();
            take(directory::PlaybookActivated { id, version, files }.into())?;
        }
        Ok(snapshot)
    }
}

/// The id that a calendar's source gives itself; a source that cannot be read is refused when it is taken in.
fn id_of(source: &str) -> Option<String> {
    calendar::CalendarSource::from_yaml(source).ok().map(|source| source.id)
}

/// Nobody real: the role and the place are the name.
fn person(role: &str, node: &str) -> directory::Person {
    directory::Person {
        code: format!("{role}.{node}"),
        roles: vec![directory::Role { role: role.to_owned(), node: node.to_owned() }],
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = include_str!("../../../../deploy/playbooks/bicycle-shop/playbook.yaml");

    #[test]
    fn another_calendar_is_kept_alike_before_and_after_folding() {
        let files = [("shop.yaml", SHOP)];
        let playbook = Playbook::load(&files).unwrap();
        let branches = BTreeSet::from(["B1".to_owned(), "B2".to_owned()]);
        let ground = Ground::imagined(&playbook, &branches, &[]).with(&files);
        let after = keeping(&ground.snapshot().unwrap(), "dealer-shop", "B2").unwrap();
        let before = ground.kept("dealer-shop", "B2").unwrap().snapshot().unwrap();
        for branch in ["B1", "B2"] {
            let hours =
                |ground: &Snapshot| ground.calendar_of(branch).map(|calendar| calendar.id().to_owned());
            assert_eq!(hours(&after), hours(&before), "{branch}");
            assert_eq!(after.zone_of(branch), before.zone_of(branch), "{branch}");
        }
        assert!(Ground::imagined(&playbook, &branches, &[]).kept("chna", "B2").is_none());
    }
}
