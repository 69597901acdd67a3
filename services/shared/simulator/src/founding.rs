//! The sample organisation, its calendars and its rule book, as commands to the directory: what `hotline demo`
//! prepares, too.

use std::sync::Arc;

use chassis_core::{Actor, Grant, Sealed};
use directory_core::{
    ActivateCalendar, ActivatePlaybook, Command, File, Import, Kept, NodeInput, PersonInput, Reply, RoleHeld,
};

use crate::order::Order;

const NODES: &str = include_str!("../../../../deploy/directory/nodes.csv");
const PERSONS: &str = include_str!("../../../../deploy/directory/persons.csv");
const PLAYBOOK: &str = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");
/// Parents first.
const CALENDARS: [&str; 3] = [
    include_str!("../../../../deploy/calendars/china.yaml"),
    include_str!("../../../../deploy/calendars/dealer-shop.yaml"),
    include_str!("../../../../deploy/calendars/call-centre.yaml"),
];
const LEVELS: [(&str, &str); 4] =
    [("集团", "group"), ("品牌事业部", "division"), ("大区", "area"), ("门店", "branch")];

pub fn administrator() -> Actor {
    let grants = vec![Grant { role: "system".to_owned(), node: "*".to_owned() }];
    Actor::System { code: "founding".to_owned(), grants }
}

/// Everything that is put in place before the first call, in its order.
pub fn orders() -> Vec<Order> {
    let calendars =
        CALENDARS.map(|source| Command::ActivateCalendar(ActivateCalendar { source: source.to_owned() }));
    let import = Command::Import(Import { nodes: nodes(), persons: persons(), as_previewed: None });
    calendars.into_iter().chain([import, playbook(PLAYBOOK)]).map(order).collect()
}

/// The same rules once more, under the next number: cases that are open stay with the first.
pub fn second_version() -> Order {
    order(playbook(&PLAYBOOK.replacen("\nversion: 1\n", "\nversion: 2\n", 1)))
}

/// What the directory would not take.
pub fn left_out(reply: &[u8]) -> Option<String> {
    match rmp_serde::from_slice(reply) {
        Ok(Reply::Imported { bad, .. }) if !bad.is_empty() => Some(format!("{:?}", bad[0])),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

pub fn order(command: Command) -> Order {
    Order::Directory(Arc::new(command))
}

fn playbook(text: &str) -> Command {
    let file = File { path: "playbook.yaml".to_owned(), text: text.to_owned() };
    Command::ActivatePlaybook(ActivatePlaybook::new(vec![file]))
}

fn nodes() -> Vec<NodeInput> {
    let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    rows(NODES)
        .map(|(place, row)| {
            let level = LEVELS.iter().find(|(zh, _)| *zh == row[2].as_str()).map_or("", |(_, en)| en);
            NodeInput {
                place,
                code: row[0].clone(),
                parent: filled(&row[1]),
                level: level.to_owned(),
                name: row[3].clone(),
                calendar: filled(&row[4]),
                zone: filled(&row[5]),
                closed: false,
                phone: None,
                address: None,
            }
        })
        .collect()
}

/// A name as the vault would have sealed it; nobody is called by it here.
pub fn name() -> Option<Kept> {
    Some(Kept { sealed: Sealed::parse("s1.name")?, token: "name".to_owned() })
}

/// Telephones and passwords stay out.
fn persons() -> Vec<PersonInput> {
    let held = |item: &str| {
        let (role, node) = item.trim().split_once('@')?;
        Some(RoleHeld { role: role.to_owned(), node: node.to_owned() })
    };
    rows(PERSONS)
        .map(|(place, row)| PersonInput {
            place,
            code: row[0].clone(),
            name: name(),
            phone: None,
            mail: None,
            roles: row[4].split(';').filter_map(held).collect(),
            deputy: Some(row[5].clone()).filter(|deputy| !deputy.is_empty()),
            absences: Vec::new(),
            disabled: false,
            skills: Vec::new(),
            password: None,
        })
        .collect()
}

fn rows(text: &'static str) -> impl Iterator<Item = (String, Vec<String>)> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    records
        .into_iter()
        .enumerate()
        .map(|(line, record)| (format!("line {}", line + 2), record.iter().map(str::to_owned).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_organisation_is_read_whole() {
        assert_eq!(nodes().len(), NODES.lines().count() - 1);
        assert_eq!(persons().len(), PERSONS.lines().count() - 1);
        assert!(nodes().iter().all(|node| !node.level.is_empty()));
        assert!(persons().iter().all(|person| !person.roles.is_empty()));
        assert!(matches!(second_version(), Order::Directory(command)
            if matches!(&*command, Command::ActivatePlaybook(activate) if activate.files[0].text.contains("\nversion: 2\n"))));
    }
}
