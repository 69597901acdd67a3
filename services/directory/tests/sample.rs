//! The sample organisation: it imports whole, and the dealer group's rule
//! book finds somebody for every role at every branch.

use std::collections::BTreeSet;

use chassis_core::{Actor, Grant, Sealed, rehearsal::Rehearsal};
use directory::files::{self, Reading};
use directory_core::{
    ActivateCalendar, ActivatePlaybook, BadRecord, Command, Directory, File, Import, Kept, NodeInput,
    PersonInput, Reply, RoleHeld, home,
};
use organisation::Snapshot;
use playbook::{Level, RoleAt};
use proto::{
    Time,
    directory::v1::{NodeRecord, PersonRecord},
};

/// 23 November 2026, 10:00 in Shanghai.
const NOW: Time = Time(1_795_399_200_000_000);

fn read(name: &str, bytes: &[u8]) -> Reading {
    let reading = files::read(name, bytes, "SF").expect("a file of ours");
    assert!(reading.bad.is_empty() && reading.warnings.is_empty(), "{reading:?}");
    reading
}

fn kept(text: &str) -> Option<Kept> {
    let sealed = Sealed::parse(&format!("{}x", Sealed::PREFIX)).expect("sealed");
    (!text.is_empty()).then(|| Kept { sealed, token: text.to_owned() })
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn node(record: NodeRecord) -> NodeInput {
    let node = record.node.expect("a node");
    NodeInput {
        place: record.place,
        code: node.code,
        parent: filled(node.parent),
        level: node.level,
        name: node.name,
        calendar: filled(node.calendar),
        zone: filled(node.zone),
        closed: node.closed,
        phone: kept(&record.phone),
        address: kept(&record.address),
    }
}

fn person(record: PersonRecord) -> PersonInput {
    PersonInput {
        place: record.place,
        code: record.code,
        name: kept(&record.name),
        phone: kept(&record.phone),
        mail: kept(&record.mail),
        roles: record.roles.into_iter().map(|held| RoleHeld { role: held.role, node: held.node }).collect(),
        deputy: filled(record.deputy),
        absences: record.absences.iter().map(|a| (Time(a.from_at), Time(a.to_at))).collect(),
        disabled: record.disabled,
        skills: record.skills,
        password: None,
    }
}

struct Desk {
    core: Rehearsal<Directory>,
    snapshot: Snapshot,
}

impl Desk {
    fn ask(&mut self, command: &Command) -> Reply {
        let grants = vec![Grant { role: "system".into(), node: "*".into() }];
        let actor = Actor::System { code: "cli".into(), grants };
        let reply = self.core.command(&actor, home(), command).unwrap_or_else(|refusal| panic!("{refusal}"));
        for event in self.core.take_said() {
            self.snapshot.apply(self.snapshot.seq() + 1, &event).expect("readers can take it in");
        }
        reply
    }

    fn import(&mut self, nodes: Vec<NodeRecord>, persons: Vec<PersonRecord>) -> (u32, u32, Vec<BadRecord>) {
        let import = Import {
            nodes: nodes.into_iter().map(node).collect(),
            persons: persons.into_iter().map(person).collect(),
            as_previewed: None,
        };
        match self.ask(&Command::Import(import)) {
            Reply::Imported { nodes, persons, bad, .. } => (nodes, persons, bad),
            other => panic!("{other:?}"),
        }
    }

    /// Calendars first, then the lists.
    fn sample() -> Desk {
        let mut desk = Desk { core: Rehearsal::new(Snapshot::default(), NOW), snapshot: Snapshot::default() };
        for source in [
            include_str!("../../../deploy/calendars/china.yaml"),
            include_str!("../../../deploy/calendars/dealer-shop.yaml"),
            include_str!("../../../deploy/calendars/call-centre.yaml"),
        ] {
            desk.ask(&Command::ActivateCalendar(ActivateCalendar { source: source.into() }));
        }
        let nodes = read("nodes.csv", include_bytes!("../../../deploy/directory/nodes.csv")).nodes;
        let persons = read("persons.csv", include_bytes!("../../../deploy/directory/persons.csv")).persons;
        assert_eq!(desk.import(nodes, persons), (31, 160, vec![]));
        desk
    }
}

fn level(text: &str) -> Level {
    Level::ALL.into_iter().find(|level| level.as_str() == text).expect("a level of the playbook")
}

fn find(snapshot: &Snapshot, role: &str, at: &str, branch: &str) -> Vec<String> {
    snapshot.resolve(&RoleAt { role: role.into(), level: level(at) }, branch, NOW, &BTreeSet::new()).persons
}

#[test]
fn the_sample_shows_what_it_promises() {
    let snapshot = Desk::sample().snapshot;
    let branches: Vec<_> = snapshot.nodes().filter(|node| node.level == "branch").collect();
    assert_eq!(branches.len(), 24);
    assert_eq!(find(&snapshot, "gm", "branch", "SF-E01"), ["SF-E01-GM"]);
    // On long leave: the specialist stands in.
    assert_eq!(find(&snapshot, "cr-manager", "branch", "NP-S02"), ["NP-S02-CRS"]);
    // Vacant.
    assert!(find(&snapshot, "service-manager", "branch", "NP-S03").is_empty());
    assert!(find(&snapshot, "area-manager", "area", "NP-W01").is_empty());
    // The general manager of SF-E02 is away in December.
    let december = Time(1_796_608_800_000_000);
    let gm = RoleAt { role: "gm".into(), level: Level::Branch };
    assert_eq!(snapshot.resolve(&gm, "SF-E02", december, &BTreeSet::new()).persons, ["SF-E02-SVM"]);
    for branch in branches {
        assert_eq!(snapshot.calendar_of(&branch.code).map(|c| c.id()), Some("dealer-shop"));
        assert_eq!(snapshot.zone_of(&branch.code), Some("Asia/Shanghai"));
        let team = find(&snapshot, "crisis-team", "branch", &branch.code);
        assert!(team.iter().any(|person| person.ends_with("-GM")), "{}: {team:?}", branch.code);
    }
}

#[test]
fn the_dealer_groups_rule_book_finds_its_people() {
    let mut desk = Desk::sample();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/playbooks/dealer-group/playbook.yaml");
    let text = std::fs::read_to_string(path).expect("the pack is there");
    let files = vec![File { path: "playbook.yaml".into(), text }];
    desk.ask(&Command::ActivatePlaybook(ActivatePlaybook::new(files)));
    let playbook = desk.snapshot.active_playbook("dealer-group").expect("in force").clone();
    let vacant = [("NP-S03", "service-manager")];
    for branch in desk.snapshot.nodes().filter(|node| node.level == "branch") {
        for role in playbook.roles.values().filter(|role| role.required) {
            let found = find(&desk.snapshot, &role.id, role.level.as_str(), &branch.code);
            let meant = vacant.contains(&(branch.code.as_str(), role.id.as_str()))
                || (role.id == "area-manager" && branch.code.starts_with("NP-W"));
            assert_eq!(found.is_empty(), meant, "{} at {}: {found:?}", role.id, branch.code);
        }
    }
}

#[test]
fn a_dealer_list_can_be_tried_with_invented_staff() {
    let mut desk = Desk::sample();
    let list = "area,province,city,area_code,dealer_code,dealer_name,address,tel,service_tel,lon,lat\n\
        东区,甲省,甲市,E2,X00001,甲店,甲路1号,021-11112222,,,\n东区,甲省,乙市,E3,X00002,乙店,乙路2号,,,,\n";
    let reading = read("dealers.csv", list.as_bytes());
    let codes: Vec<String> = reading
        .nodes
        .iter()
        .filter_map(|r| r.node.clone())
        .filter(|n| n.level == "branch")
        .map(|n| n.code)
        .collect();
    let staff = files::staff_for(codes.iter().map(String::as_str));
    // SF-E is there already: the two dealers come under it.
    let (nodes, persons, bad) = desk.import(reading.nodes, staff);
    assert_eq!((nodes, persons, bad), (3, 10, vec![]));
    assert_eq!(find(&desk.snapshot, "gm", "branch", "X00002"), ["X00002-GM"]);
    assert_eq!(find(&desk.snapshot, "area-manager", "area", "X00002"), ["SF-E-AM"]);
}

#[test]
fn every_account_of_the_sample_is_one_that_the_readme_names() {
    let persons = read("persons.csv", include_bytes!("../../../deploy/directory/persons.csv")).persons;
    let readme = include_str!("../../../deploy/directory/README.md");
    for person in persons.iter().filter(|person| !person.password.is_empty()) {
        assert!(readme.contains(&format!("`{}`", person.code)), "{}", person.code);
        assert_eq!(person.password, "hotline-demo");
    }
    assert!(persons.iter().all(|p| p.mail.ends_with("@example.com") && p.phone.starts_with("142")));
}
