//! What all tests of this core need: somebody at the desk, and records.
#![allow(dead_code)]

use chassis_core::{Actor, Grant, Refusal, Sealed, rehearsal::Rehearsal};
use directory_core::{
    BadRecord, Command, Directory, File, Import, Kept, MoveTime, NodeInput, PersonInput, Reply, RoleHeld,
    home,
};
use organisation::Snapshot;
use proto::{AnyEvent, Time};

pub const NOW: Time = Time(1_780_000_000_000_000);

pub struct Desk {
    pub core: Rehearsal<Directory>,
    pub actor: Actor,
    /// What a reader of the journal sees.
    pub snapshot: Snapshot,
}

pub fn system() -> Actor {
    Actor::System { code: "import".into(), grants: vec![grant("system", "G")] }
}

pub fn grant(role: &str, node: &str) -> Grant {
    Grant { role: role.into(), node: node.into() }
}

impl Desk {
    pub fn empty() -> Desk {
        Desk {
            core: Rehearsal::new(Snapshot::default(), NOW),
            actor: system(),
            snapshot: Snapshot::default(),
        }
    }

    /// Group G, division D, area A, branch B1 with a manager and his deputy.
    pub fn sample() -> Desk {
        let mut desk = Desk::empty();
        let nodes = vec![
            node("B1", "A", "branch"),
            node("A", "D", "area"),
            node("D", "G", "division"),
            node("G", "", "group"),
        ];
        let persons =
            vec![person("P1", &[("gm", "B1")], Some("P2")), person("P2", &[("cr-manager", "B1")], None)];
        let (kept, bad) = desk.import(nodes, persons);
        assert_eq!((kept, bad), ((4, 2, 0), vec![]));
        desk
    }

    pub fn ask(&mut self, command: &Command) -> Result<Reply, Refusal> {
        let reply = self.core.command(&self.actor, home(), command)?;
        for event in self.core.take_said() {
            let seq = self.snapshot.seq() + 1;
            self.snapshot.apply(seq, &event).expect("whatever the directory says, readers can take in");
        }
        Ok(reply)
    }

    /// Nodes, persons and unchanged records; and what was left out.
    pub fn import(
        &mut self,
        nodes: Vec<NodeInput>,
        persons: Vec<PersonInput>,
    ) -> ((u32, u32, u32), Vec<BadRecord>) {
        match self
            .ask(&Command::Import(Import { nodes, persons, as_previewed: None }))
            .expect("imports are accepted")
        {
            Reply::Imported { nodes, persons, unchanged, bad } => ((nodes, persons, unchanged), bad),
            other => panic!("{other:?}"),
        }
    }

    /// The fields of a single bad record.
    pub fn refused(&mut self, nodes: Vec<NodeInput>, persons: Vec<PersonInput>) -> Vec<(String, String)> {
        let (_, bad) = self.import(nodes, persons);
        for record in &bad {
            assert!(!record.zh.is_empty() && !record.en.is_empty(), "both languages");
        }
        bad.into_iter().map(|record| (record.place, record.field)).collect()
    }

    pub fn seq(&self) -> u64 {
        self.snapshot.seq()
    }
}

pub fn kept(words: &str) -> Kept {
    let sealed = Sealed::parse(&format!("{}{}", Sealed::PREFIX, "x".repeat(words.len()))).expect("sealed");
    Kept { sealed, token: words.to_owned() }
}

pub fn node(code: &str, parent: &str, level: &str) -> NodeInput {
    NodeInput {
        place: format!("nodes.csv:{code}"),
        code: code.into(),
        parent: (!parent.is_empty()).then(|| parent.into()),
        level: level.into(),
        name: format!("name of {code}"),
        calendar: None,
        zone: None,
        closed: false,
        phone: None,
        address: None,
    }
}

pub fn person(code: &str, roles: &[(&str, &str)], deputy: Option<&str>) -> PersonInput {
    PersonInput {
        place: format!("persons.csv:{code}"),
        code: code.into(),
        name: Some(kept(code)),
        phone: None,
        mail: None,
        roles: roles
            .iter()
            .map(|(role, node)| RoleHeld { role: (*role).into(), node: (*node).into() })
            .collect(),
        deputy: deputy.map(str::to_owned),
        absences: vec![],
        disabled: false,
        skills: vec![],
        password: None,
    }
}

pub fn playbook(text: &str) -> Command {
    let files = vec![File { path: "small.yaml".into(), text: text.into() }];
    Command::ActivatePlaybook(directory_core::ActivatePlaybook::new(files))
}

pub fn calendar(source: &str) -> Command {
    Command::ActivateCalendar(directory_core::ActivateCalendar { source: source.into() })
}

pub fn time(mode: &str, business: Option<Time>, factor_milli: u64, database: Time) -> Command {
    let wanted = MoveTime {
        mode: mode.into(),
        business_at: business,
        factor_milli,
        database_at: database,
        production: false,
    };
    Command::MoveTime(wanted)
}

pub fn said_changes(core: &mut Rehearsal<Directory>) -> Vec<proto::directory::v1::DirectoryChanged> {
    let changes = core.take_said().into_iter().map(|event| match event {
        AnyEvent::DirectoryChanged(changed) => changed,
        other => panic!("{other:?}"),
    });
    changes.collect()
}
