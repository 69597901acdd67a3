//! An invented organisation: a group, an area, two branches and a closed one, three people, and the
//! test's playbook, as the directory says them.

use chassis_core::{Actor, Grant};
use organisation::Snapshot;
use proto::{AnyEvent, directory::v1 as directory};

pub fn person(code: &str, role: &str, node: &str) -> Actor {
    Actor::Person { code: code.into(), grants: vec![Grant { role: role.into(), node: node.into() }] }
}

pub fn agent() -> Actor {
    person("P-AGENT", "call-centre-agent", "G")
}

pub fn importer() -> Actor {
    Actor::System { code: "import".into(), grants: vec![Grant { role: "system".into(), node: "G".into() }] }
}

pub fn changed() -> directory::DirectoryChanged {
    let node = |code: &str, parent: &str, level: &str| directory::Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        ..Default::default()
    };
    let staff = |code: &str, role: &str, at: &str| directory::Person {
        code: code.into(),
        roles: vec![directory::Role { role: role.into(), node: at.into() }],
        ..Default::default()
    };
    let mut closed = node("B9", "A", "branch");
    closed.closed = true;
    directory::DirectoryChanged {
        nodes: vec![
            node("G", "", "group"),
            node("A", "G", "area"),
            node("B1", "A", "branch"),
            node("B2", "A", "branch"),
            closed,
        ],
        persons: vec![
            staff("P-AGENT", "call-centre-agent", "G"),
            staff("P-CR1", "cr-manager", "B1"),
            staff("P-GM1", "gm", "B1"),
        ],
        ..Default::default()
    }
}

pub fn activated() -> directory::PlaybookActivated {
    let text = include_str!("playbook.yaml");
    if let Err(found) = playbook::Playbook::load(&[("playbook.yaml", text)]) {
        panic!("{}", playbook::render_all(&found, playbook::Lang::En));
    }
    directory::PlaybookActivated {
        id: "test".into(),
        version: 1,
        files: vec![directory::DocumentFile { path: "playbook.yaml".into(), text: text.into() }],
    }
}

/// What the directory has said, folded.
pub fn organisation() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let said = [AnyEvent::DirectoryChanged(changed()), AnyEvent::PlaybookActivated(activated())];
    for (seq, event) in said.iter().enumerate() {
        snapshot.apply(seq as u64 + 1, event).expect("the directory's entries fit");
    }
    snapshot
}
