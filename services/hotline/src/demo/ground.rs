//! What has to be there before the first call: the organisation, its calendars and its rule books.

use std::path::Path;

use anyhow::{Context, bail};
use directory::files::{self, Reading};
use proto::directory::v1::{
    ActivateCalendarRequest, ActivatePlaybookRequest, DocumentFile, ImportRecordsRequest, NodeRecord,
    PersonRecord,
};

use crate::{
    client::{Connection, explain, request_id},
    demo::packs::{Pack, SAMPLE},
};

const NODES: &str = include_str!("../../../../deploy/directory/nodes.csv");
const PERSONS: &str = include_str!("../../../../deploy/directory/persons.csv");
/// Parents first.
pub const CALENDARS: [&str; 3] = [
    include_str!("../../../../deploy/calendars/china.yaml"),
    include_str!("../../../../deploy/calendars/dealer-shop.yaml"),
    include_str!("../../../../deploy/calendars/call-centre.yaml"),
];

/// Records in one message to the directory.
const CHUNK: usize = 2_000;

/// Puts the sample organisation in force; with a dealer list in place of its branches.
pub async fn prepare(connection: &Connection, dealers: Option<&Path>) -> anyhow::Result<()> {
    put_in_force(connection, &organisation(dealers)?, &[Pack::find(SAMPLE)?]).await
}

/// Calendars, organisation, rule books, in this order: each names what comes before it.
pub async fn put_in_force(
    connection: &Connection,
    organisation: &Reading,
    packs: &[Pack],
) -> anyhow::Result<()> {
    furnish(connection, organisation).await?;
    for pack in packs {
        activate(connection, pack).await?;
    }
    Ok(())
}

/// Calendars and the organisation that keeps them.
pub async fn furnish(connection: &Connection, organisation: &Reading) -> anyhow::Result<()> {
    for source in CALENDARS {
        let request = ActivateCalendarRequest { request_id: request_id(), source: source.to_owned() };
        let active = connection.directory(&connection.system()).activate_calendar(request).await;
        unless_there(active.map(|_| ()).map_err(|status| explain(&status)))?;
    }
    for nodes in organisation.nodes.chunks(CHUNK) {
        import(connection, nodes.to_vec(), Vec::new()).await?;
    }
    for persons in organisation.persons.chunks(CHUNK) {
        import(connection, Vec::new(), persons.to_vec()).await?;
    }
    Ok(())
}

/// Loads a rule book and puts it in force.
pub async fn activate(connection: &Connection, pack: &Pack) -> anyhow::Result<()> {
    let file = |(path, text): &(&str, &str)| DocumentFile { path: (*path).into(), text: (*text).into() };
    let files = pack.files.iter().map(file).collect();
    let request = ActivatePlaybookRequest { request_id: request_id(), files };
    let active = connection.directory(&connection.system()).activate_playbook(request).await;
    unless_there(active.map(|_| ()).map_err(|status| explain(&status)))
}

/// Data that were kept from an earlier demo hold the same versions already.
fn unless_there(activated: Result<(), String>) -> anyhow::Result<()> {
    match activated {
        Err(why) if !why.contains("version") && !why.contains("版") => bail!("{why}"),
        _ => Ok(()),
    }
}

/// The sample organisation, or its head over the branches of a dealer list.
pub fn organisation(dealers: Option<&Path>) -> anyhow::Result<Reading> {
    let sample = merge(
        files::read("nodes.csv", NODES.as_bytes(), "")?,
        files::read("persons.csv", PERSONS.as_bytes(), "")?,
    );
    let Some(path) = dealers else { return Ok(sample) };
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut head = above_areas(sample);
    let division =
        head.nodes.iter().filter_map(|record| record.node.as_ref()).find(|node| node.level == "division");
    let parent = division.map(|node| node.code.clone()).context("the sample organisation has no division")?;
    let list = files::read(&name, &bytes, &parent)?;
    let branches: Vec<String> = list
        .nodes
        .iter()
        .filter_map(|record| record.node.as_ref())
        .filter(|node| node.level == "branch")
        .map(|node| node.code.clone())
        .collect();
    if branches.is_empty() {
        bail!("{} names no branch", path.display());
    }
    head = merge(head, list);
    head.persons.extend(files::staff_for(branches.iter().map(String::as_str)));
    Ok(head)
}

fn merge(mut one: Reading, other: Reading) -> Reading {
    one.nodes.extend(other.nodes);
    one.persons.extend(other.persons);
    one.bad.extend(other.bad);
    one.warnings.extend(other.warnings);
    one
}

/// The group and its divisions with their people.
fn above_areas(sample: Reading) -> Reading {
    let mut kept = std::collections::HashSet::new();
    let nodes: Vec<NodeRecord> = sample
        .nodes
        .into_iter()
        .filter(|record| {
            record.node.as_ref().is_some_and(|node| matches!(node.level.as_str(), "group" | "division"))
        })
        .inspect(|record| kept.extend(record.node.as_ref().map(|node| node.code.clone())))
        .collect();
    let persons: Vec<PersonRecord> = sample
        .persons
        .into_iter()
        .filter(|person| person.roles.iter().all(|role| kept.contains(&role.node)))
        .collect();
    Reading { nodes, persons, ..Reading::default() }
}

pub async fn import(
    connection: &Connection,
    nodes: Vec<NodeRecord>,
    persons: Vec<PersonRecord>,
) -> anyhow::Result<()> {
    let request = ImportRecordsRequest { request_id: request_id(), nodes, persons };
    let answer = connection.directory(&connection.system()).import_records(request).await;
    let answer = answer.map_err(|status| anyhow::anyhow!(explain(&status)))?.into_inner();
    for bad in &answer.bad {
        eprintln!("{} {}: {} / {}", bad.place, bad.field, bad.reason_zh, bad.reason_en);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_organisation_can_be_read() {
        let sample = organisation(None).unwrap();
        assert!(sample.bad.is_empty() && sample.nodes.len() > 24 && sample.persons.len() > 100);
    }

    #[test]
    fn dealers_take_the_place_of_the_sample_branches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dealers.csv");
        std::fs::write(
            &path,
            "area,area_code,dealer_code,dealer_name\n东区,E1,D1,示例一店\n东区,E2,D2,示例二店\n",
        )
        .unwrap();
        let whole = organisation(Some(&path)).unwrap();
        let branches =
            whole.nodes.iter().filter(|record| record.node.as_ref().unwrap().level == "branch").count();
        assert_eq!(branches, 2);
        assert!(whole.persons.iter().any(|person| person.code == "D1-GM"));
        assert!(whole.persons.iter().any(|person| person.code == "QH-CC1"));
        assert!(!whole.persons.iter().any(|person| person.code == "SF-E01-GM"));
    }
}
