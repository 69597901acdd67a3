//! Records of the organisation come in: good ones are kept, bad ones reported
//! with their place, unchanged ones say nothing.

use std::collections::BTreeMap;

use chassis_core::{About, Halt, Refusal, RefusalKind, RowKey, Step};
use proto::directory::v1 as said;

use crate::{
    command::{Import, Kept, NodeInput, PersonInput, Reply},
    node_checks, person_checks,
    preview::preview,
    state::{Account, Catalogue, NodeRow, PersonRow, Placed},
};

/// Records in one event: a message of the broker holds at most 1 MB.
const RECORDS_PER_EVENT: usize = 250;

/// The rows that an import will look at.
pub(crate) fn keys(import: &Import) -> Vec<RowKey> {
    let nodes = import.nodes.iter().map(|node| RowKey::of::<NodeRow>(NodeRow::key(&node.code)));
    let persons = import.persons.iter().map(|person| RowKey::of::<PersonRow>(PersonRow::key(&person.code)));
    let accounts = import.persons.iter().filter(|person| person.password.is_some());
    let accounts = accounts.map(|person| RowKey::of::<Account>(Account::key(&person.code)));
    nodes.chain(persons).chain(accounts).collect()
}

pub(crate) fn import(import: &Import, mut catalogue: Catalogue, step: &mut Step<'_>) -> Result<Reply, Halt> {
    if let Some(seen) = &import.as_previewed {
        as_previewed(import, seen, &catalogue, step)?;
    }
    let mut bad = Vec::new();
    let nodes = node_checks::fitting(&import.nodes, &catalogue, &mut bad);
    let persons = person_checks::fitting(&import.persons, &nodes, &catalogue, &mut bad);
    let known = catalogue.clone();
    let changed_nodes = keep_nodes(&nodes, &mut catalogue, step)?;
    let changed_persons = keep_persons(&persons, &mut catalogue, step)?;
    if catalogue != known {
        step.put(&catalogue);
    }
    let unchanged = nodes.len() - changed_nodes.len() + persons.len() - changed_persons.len();
    let reply = Reply::Imported {
        nodes: changed_nodes.len() as u32,
        persons: changed_persons.len() as u32,
        unchanged: unchanged as u32,
        bad,
    };
    say(changed_nodes, changed_persons, step);
    Ok(reply)
}

/// Refuses what somebody has not seen: the directory or the files have changed since his preview.
fn as_previewed(import: &Import, seen: &str, catalogue: &Catalogue, step: &mut Step<'_>) -> Result<(), Halt> {
    let (mut nodes, mut persons) = (BTreeMap::new(), BTreeMap::new());
    for input in &import.nodes {
        if let Some(row) = step.get::<NodeRow>(NodeRow::key(&input.code))? {
            nodes.insert(input.code.clone(), row);
        }
    }
    for input in &import.persons {
        if let Some(row) = step.get::<PersonRow>(PersonRow::key(&input.code))? {
            persons.insert(input.code.clone(), row);
        }
    }
    if preview(import, catalogue, &nodes, &persons).digest() == seen {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::Aborted,
        "changed",
        "组织资料或文件在预览之后有变化，没有导入。请重新预览。",
        "The organisation or the files have changed since the preview; nothing was imported. Preview again.",
    )
    .into())
}

fn keep_nodes(
    plan: &BTreeMap<&str, &NodeInput>,
    catalogue: &mut Catalogue,
    step: &mut Step<'_>,
) -> Result<Vec<said::Node>, Halt> {
    let mut changed = Vec::new();
    for input in plan.values() {
        let row = node_row(input);
        if step.get::<NodeRow>(NodeRow::key(&input.code))?.is_some_and(|old| same_node(&old, &row)) {
            continue;
        }
        catalogue.nodes.insert(row.code.clone(), Placed { parent: row.parent.clone(), level: row.level });
        changed.push(row.says());
        step.put(&row);
    }
    Ok(changed)
}

fn keep_persons(
    plan: &BTreeMap<&str, &PersonInput>,
    catalogue: &mut Catalogue,
    step: &mut Step<'_>,
) -> Result<Vec<said::Person>, Halt> {
    let mut changed = Vec::new();
    for input in plan.values() {
        let row = person_row(input);
        let new_password = keep_password(input, step)?;
        let same =
            step.get::<PersonRow>(PersonRow::key(&input.code))?.is_some_and(|old| same_person(&old, &row));
        if same && !new_password {
            continue;
        }
        catalogue.persons.insert(row.code.clone());
        changed.push(row.says());
        step.put(&row);
    }
    Ok(changed)
}

fn keep_password(input: &PersonInput, step: &mut Step<'_>) -> Result<bool, Halt> {
    let Some(hash) = &input.password else { return Ok(false) };
    let old = step.get::<Account>(Account::key(&input.code))?;
    if old.is_some_and(|account| account.hash == *hash) {
        return Ok(false);
    }
    step.put(&Account { code: input.code.clone(), hash: hash.clone() });
    Ok(true)
}

/// The whole new state of every changed record; nodes before those who work there.
fn say(nodes: Vec<said::Node>, persons: Vec<said::Person>, step: &mut Step<'_>) {
    for chunk in nodes.chunks(RECORDS_PER_EVENT) {
        step.say(About::default(), said::DirectoryChanged { nodes: chunk.to_vec(), ..Default::default() });
    }
    for chunk in persons.chunks(RECORDS_PER_EVENT) {
        step.say(About::default(), said::DirectoryChanged { persons: chunk.to_vec(), ..Default::default() });
    }
}

pub(crate) fn node_row(input: &NodeInput) -> NodeRow {
    NodeRow {
        code: input.code.clone(),
        parent: input.parent.clone(),
        level: input.level().expect("checked before"),
        name: input.name.trim().to_owned(),
        calendar: input.calendar.clone(),
        zone: input.zone.clone(),
        closed: input.closed,
        phone: input.phone.clone(),
        address: input.address.clone(),
    }
}

pub(crate) fn person_row(input: &PersonInput) -> PersonRow {
    let mut roles = input.roles.clone();
    roles.sort();
    roles.dedup();
    let mut absences = input.absences.clone();
    absences.sort();
    let mut skills = input.skills.clone();
    skills.sort();
    skills.dedup();
    PersonRow {
        code: input.code.clone(),
        name: input.name.clone(),
        phone: input.phone.clone(),
        mail: input.mail.clone(),
        roles,
        deputy: input.deputy.clone(),
        absences,
        disabled: input.disabled,
        skills,
    }
}

pub(crate) fn same_node(old: &NodeRow, new: &NodeRow) -> bool {
    old.says() == new.says()
        && Kept::same(old.phone.as_ref(), new.phone.as_ref())
        && Kept::same(old.address.as_ref(), new.address.as_ref())
}

pub(crate) fn same_person(old: &PersonRow, new: &PersonRow) -> bool {
    old.says() == new.says()
        && Kept::same(old.name.as_ref(), new.name.as_ref())
        && Kept::same(old.phone.as_ref(), new.phone.as_ref())
        && Kept::same(old.mail.as_ref(), new.mail.as_ref())
}
