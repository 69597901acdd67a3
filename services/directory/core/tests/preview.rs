//! What an import would change is what it then changes, and nothing that was not seen.

mod desk;

use std::collections::BTreeMap;

use chassis_core::RefusalKind;
use desk::*;
use directory_core::{Catalogue, Command, How, Import, NodeRow, PersonRow, Preview, preview};

fn look(desk: &Desk, import: &Import) -> Preview {
    let catalogue = desk.core.get::<Catalogue>(Catalogue::key()).unwrap();
    let nodes = import.nodes.iter().filter_map(|one| desk.core.get::<NodeRow>(NodeRow::key(&one.code)));
    let nodes: BTreeMap<_, _> = nodes.map(|row| (row.code.clone(), row)).collect();
    let persons =
        import.persons.iter().filter_map(|one| desk.core.get::<PersonRow>(PersonRow::key(&one.code)));
    let persons: BTreeMap<_, _> = persons.map(|row| (row.code.clone(), row)).collect();
    preview(import, &catalogue, &nodes, &persons)
}

fn import() -> Import {
    let mut closed = node("B1", "A", "branch");
    closed.closed = true;
    let mut moved = person("P2", &[("gm", "A")], None);
    moved.phone = Some(kept("13800000000"));
    Import {
        nodes: vec![closed, node("A", "D", "area"), node("B2", "A", "branch"), node("B3", "X", "branch")],
        persons: vec![moved],
        as_previewed: None,
    }
}

#[test]
fn changes_are_told_apart_and_personal_words_are_not_shown() {
    let desk = Desk::sample();
    let seen = look(&desk, &import());
    let told: Vec<_> = seen.changes.iter().map(|one| (one.code.as_str(), one.how)).collect();
    assert_eq!(told, [("B1", How::Ended), ("B2", How::Added), ("P2", How::Changed)]);
    // D, G and P1 are not in the files; A is, unchanged; B3 does not fit.
    assert_eq!((seen.unchanged, seen.not_mentioned, seen.bad.len()), (1, 3, 1));
    let fields: Vec<_> = seen.changes[2].fields.iter().map(|one| (one.field, one.sealed)).collect();
    assert_eq!(fields, [("roles", false), ("phone", true)]);
}

#[test]
fn only_what_was_seen_is_imported() {
    let mut desk = Desk::sample();
    let seen = look(&desk, &import()).digest();
    let with = |digest: &str, import: Import| {
        Command::Import(Import { as_previewed: Some(digest.to_owned()), ..import })
    };
    let mut other = import();
    other.nodes[2].name = "another shop".to_owned();
    let refused = desk.ask(&with(&seen, other)).unwrap_err();
    assert_eq!((refused.kind, refused.gate.as_str()), (RefusalKind::Aborted, "changed"));
    assert!(desk.snapshot.node("B2").is_none(), "nothing of it");
    desk.ask(&with(&seen, import())).unwrap();
    assert!(desk.snapshot.node("B2").is_some() && desk.snapshot.node("B1").unwrap().closed);
    assert!(look(&desk, &import()).changes.is_empty());
    // The directory has moved on since: what was seen is not what would happen.
    assert!(desk.ask(&with(&seen, import())).is_err());
}
