//! What an import would change, before it does: the same checks and the same
//! comparison, over the same rows.

use std::collections::BTreeMap;

use crate::{
    command::{BadRecord, Import, Kept, NodeInput, PersonInput},
    import::{node_row, person_row, same_node, same_person},
    node_checks, person_checks,
    state::{Catalogue, NodeRow, PersonRow, RoleHeld},
};

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Added,
    Changed,
    /// A branch is closed, a person disabled.
    Ended,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Changed => "changed",
            How::Ended => "ended",
        }
    }
}

/// One field. What is personal is told by its token only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    pub field: &'static str,
    pub before: String,
    pub after: String,
    pub sealed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// node, person
    pub kind: &'static str,
    pub code: String,
    pub place: String,
    pub how: How,
    pub fields: Vec<FieldChange>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    pub changes: Vec<Change>,
    pub unchanged: usize,
    /// Known records that the import does not speak of.
    pub not_mentioned: usize,
    pub bad: Vec<BadRecord>,
}

impl Preview {
    /// Names what would change; sealing the same words anew gives the same name.
    pub fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut text = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        };
        for change in &self.changes {
            for part in [change.kind, &change.code, change.how.as_str()] {
                text(part);
            }
            for field in &change.fields {
                for part in [field.field, &field.before, &field.after] {
                    text(part);
                }
            }
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// What these records would change, in the order of the import.
pub fn preview(
    import: &Import,
    catalogue: &Catalogue,
    nodes: &BTreeMap<String, NodeRow>,
    persons: &BTreeMap<String, PersonRow>,
) -> Preview {
    let mut preview = Preview::default();
    let fit = node_checks::fitting(&import.nodes, catalogue, &mut preview.bad);
    let staff = person_checks::fitting(&import.persons, &fit, catalogue, &mut preview.bad);
    let known_nodes = catalogue.nodes.keys().filter(|code| !fit.contains_key(code.as_str())).count();
    let known_persons = catalogue.persons.iter().filter(|code| !staff.contains_key(code.as_str())).count();
    preview.not_mentioned = known_nodes + known_persons;
    let is_taken =
        |input: &&NodeInput| fit.get(input.code.as_str()).is_some_and(|one| std::ptr::eq(*one, *input));
    for input in import.nodes.iter().filter(is_taken) {
        match node(input, nodes.get(&input.code)) {
            Some(change) => preview.changes.push(change),
            None => preview.unchanged += 1,
        }
    }
    let is_taken =
        |input: &&PersonInput| staff.get(input.code.as_str()).is_some_and(|one| std::ptr::eq(*one, *input));
    for input in import.persons.iter().filter(is_taken) {
        match person(input, persons.get(&input.code)) {
            Some(change) => preview.changes.push(change),
            None => preview.unchanged += 1,
        }
    }
    preview
}

fn how(is_new: bool, ends: bool) -> How {
    match (is_new, ends) {
        (true, _) => How::Added,
        (false, true) => How::Ended,
        (false, false) => How::Changed,
    }
}

fn node(input: &NodeInput, old: Option<&NodeRow>) -> Option<Change> {
    let new = node_row(input);
    if old.is_some_and(|old| same_node(old, &new)) {
        return None;
    }
    let ends = new.closed && old.is_some_and(|old| !old.closed);
    let said = |row: &NodeRow| {
        let row = row.says();
        [
            ("parent", row.parent),
            ("level", row.level),
            ("name", row.name),
            ("calendar", row.calendar),
            ("zone", row.zone),
            ("closed", yes(row.closed)),
        ]
    };
    let mut fields = differing(old.map(said), said(&new));
    fields.extend(sealed("phone", old.and_then(|old| old.phone.as_ref()), new.phone.as_ref()));
    fields.extend(sealed("address", old.and_then(|old| old.address.as_ref()), new.address.as_ref()));
    Some(Change {
        kind: "node",
        code: new.code,
        place: input.place.clone(),
        how: how(old.is_none(), ends),
        fields,
    })
}

fn person(input: &PersonInput, old: Option<&PersonRow>) -> Option<Change> {
    let new = person_row(input);
    let new_password = input.password.is_some();
    if !new_password && old.is_some_and(|old| same_person(old, &new)) {
        return None;
    }
    let ends = new.disabled && old.is_some_and(|old| !old.disabled);
    let said = |row: &PersonRow| {
        let absences = row.absences.iter().map(|(from, to)| format!("{from}/{to}"));
        [
            ("roles", roles(&row.roles)),
            ("deputy", row.deputy.clone().unwrap_or_default()),
            ("absences", absences.collect::<Vec<_>>().join(", ")),
            ("disabled", yes(row.disabled)),
        ]
    };
    let mut fields = differing(old.map(said), said(&new));
    for (field, old, new) in [
        ("name", old.and_then(|old| old.name.as_ref()), new.name.as_ref()),
        ("phone", old.and_then(|old| old.phone.as_ref()), new.phone.as_ref()),
        ("mail", old.and_then(|old| old.mail.as_ref()), new.mail.as_ref()),
    ] {
        fields.extend(sealed(field, old, new));
    }
    if new_password {
        let field = "password";
        fields.push(FieldChange { field, before: String::new(), after: String::new(), sealed: true });
    }
    Some(Change {
        kind: "person",
        code: new.code,
        place: input.place.clone(),
        how: how(old.is_none(), ends),
        fields,
    })
}

fn roles(held: &[RoleHeld]) -> String {
    held.iter().map(|held| format!("{}@{}", held.role, held.node)).collect::<Vec<_>>().join(", ")
}

fn yes(value: bool) -> String {
    if value { "yes".to_owned() } else { String::new() }
}

fn differing<const N: usize>(
    old: Option<[(&'static str, String); N]>,
    new: [(&'static str, String); N],
) -> Vec<FieldChange> {
    let before = old.unwrap_or_else(|| new.clone().map(|(field, _)| (field, String::new())));
    let pairs = before.into_iter().zip(new).filter(|((_, before), (_, after))| before != after);
    pairs.map(|((field, before), (_, after))| FieldChange { field, before, after, sealed: false }).collect()
}

/// Tokens tell that words differ; they are kept out of what people see.
fn sealed(field: &'static str, old: Option<&Kept>, new: Option<&Kept>) -> Option<FieldChange> {
    let token = |kept: Option<&Kept>| kept.map(|kept| kept.token.clone()).unwrap_or_default();
    (!Kept::same(old, new)).then(|| FieldChange {
        field,
        before: token(old),
        after: token(new),
        sealed: true,
    })
}
