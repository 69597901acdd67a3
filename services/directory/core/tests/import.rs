//! Records come in: what is kept, what is left out, what is said.

mod desk;

use chassis_core::{Actor, RefusalKind};
use desk::*;
use directory_core::{Account, Catalogue, Command, Import, NodeRow, PersonRow};
use proto::Time;

fn places(records: &[(&str, &str)]) -> Vec<(String, String)> {
    records.iter().map(|(place, field)| ((*place).to_owned(), (*field).to_owned())).collect()
}

#[test]
fn records_may_come_in_any_order() {
    let desk = Desk::sample();
    assert!(desk.snapshot.is_within("B1", "G"));
    assert!(
        desk.snapshot.person("P1").is_some_and(|p| p.holds("gm", "B1") && p.deputy.as_deref() == Some("P2"))
    );
    assert_eq!(desk.core.get::<Catalogue>(Catalogue::key()).unwrap().root(), Some("G"));
}

#[test]
fn the_same_records_again_say_nothing() {
    let mut desk = Desk::sample();
    let before = desk.seq();
    let (kept, bad) =
        desk.import(vec![node("A", "D", "area")], vec![person("P2", &[("cr-manager", "B1")], None)]);
    assert_eq!((kept, bad, desk.seq()), ((0, 0, 2), vec![], before));
}

#[test]
fn only_changed_records_are_said() {
    let mut desk = Desk::sample();
    let mut closed = node("B1", "A", "branch");
    closed.closed = true;
    let command = Command::Import(Import {
        nodes: vec![closed, node("A", "D", "area")],
        persons: vec![person("P2", &[("gm", "A")], None)],
        as_previewed: None,
    });
    desk.core.command(&desk.actor, directory_core::home(), &command).unwrap();
    let said = said_changes(&mut desk.core);
    let nodes: Vec<_> = said.iter().flat_map(|c| &c.nodes).map(|n| (n.code.as_str(), n.closed)).collect();
    let persons: Vec<_> = said.iter().flat_map(|c| &c.persons).map(|p| p.code.as_str()).collect();
    assert_eq!((nodes, persons), (vec![("B1", true)], vec!["P2"]));
}

#[test]
fn bad_records_are_left_out_and_good_ones_kept() {
    let mut desk = Desk::sample();
    let bad = desk.refused(
        vec![
            node("B2", "A", "branch"),
            node("B 3", "A", "branch"),
            node("B4", "X", "branch"),
            node("B5", "A", "shop"),
        ],
        vec![],
    );
    assert_eq!(
        bad,
        places(&[("nodes.csv:B 3", "code"), ("nodes.csv:B5", "level"), ("nodes.csv:B4", "parent")])
    );
    assert!(desk.snapshot.node("B2").is_some() && desk.snapshot.node("B4").is_none());
}

#[test]
fn whatever_hangs_on_a_bad_node_falls_with_it() {
    let mut desk = Desk::sample();
    let nodes = vec![node("B9", "A9", "branch"), node("A9", "D9", "area"), node("D9", "X", "division")];
    let bad = desk.refused(nodes, vec![person("P9", &[("gm", "B9")], None), person("P8", &[], Some("P9"))]);
    let fields: Vec<_> = bad.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(fields, ["nodes.csv:D9", "nodes.csv:A9", "nodes.csv:B9", "persons.csv:P9", "persons.csv:P8"]);
}

#[test]
fn a_parent_stands_higher() {
    let mut desk = Desk::sample();
    assert_eq!(desk.refused(vec![node("A2", "B1", "area")], vec![]), places(&[("nodes.csv:A2", "parent")]));
    assert_eq!(desk.refused(vec![node("B2", "B1", "branch")], vec![]), places(&[("nodes.csv:B2", "parent")]));
    // Levels may be skipped, and departments stand below branches.
    assert!(
        desk.refused(vec![node("B3", "G", "branch"), node("B1-CR", "B1", "department")], vec![]).is_empty()
    );
}

#[test]
fn a_node_cannot_sink_below_those_under_it() {
    let mut desk = Desk::sample();
    assert_eq!(desk.refused(vec![node("A", "D", "branch")], vec![]), places(&[("nodes.csv:A", "level")]));
    // Unless they move away in the same import.
    assert!(desk.refused(vec![node("A", "D", "branch"), node("B1", "D", "branch")], vec![]).is_empty());
}

#[test]
fn circles_are_refused() {
    let mut desk = Desk::sample();
    assert_eq!(desk.refused(vec![node("A", "A", "area")], vec![]), places(&[("nodes.csv:A", "parent")]));
    let (_, bad) = desk.import(vec![node("X", "Y", "area"), node("Y", "X", "area")], vec![]);
    assert_eq!(bad.len(), 2);
    assert!(bad.iter().all(|record| record.en.contains("above itself")), "{bad:?}");
}

#[test]
fn there_is_one_group() {
    let mut desk = Desk::sample();
    assert_eq!(desk.refused(vec![node("H", "", "group")], vec![]), places(&[("nodes.csv:H", "parent")]));
    assert_eq!(desk.refused(vec![node("H", "G", "group")], vec![]), places(&[("nodes.csv:H", "parent")]));
    assert_eq!(desk.refused(vec![node("D2", "", "division")], vec![]), places(&[("nodes.csv:D2", "parent")]));
}

#[test]
fn a_code_that_comes_twice_is_kept_once() {
    let mut desk = Desk::sample();
    let mut again = node("B2", "D", "branch");
    again.place = "nodes.csv:9".into();
    let (kept, bad) = desk.import(vec![node("B2", "A", "branch"), again], vec![]);
    assert_eq!(kept, (1, 0, 0));
    assert!(bad[0].place == "nodes.csv:9" && bad[0].en.contains("nodes.csv:B2"));
    assert_eq!(desk.snapshot.node("B2").unwrap().parent.as_deref(), Some("A"));
}

#[test]
fn zones_and_calendars_must_exist() {
    let mut desk = Desk::sample();
    let mut mars = node("B2", "A", "branch");
    mars.zone = Some("Mars/Base".into());
    let mut closed = node("B3", "A", "branch");
    closed.calendar = Some("nowhere".into());
    assert_eq!(
        desk.refused(vec![mars, closed.clone()], vec![]),
        places(&[("nodes.csv:B2", "zone"), ("nodes.csv:B3", "calendar")])
    );
    desk.ask(&calendar("id: nowhere\nversion: 1\nzone: Asia/Shanghai\nweek:\n  daily: [\"08:00-18:00\"]\n"))
        .unwrap();
    assert!(desk.refused(vec![closed], vec![]).is_empty());
    assert!(desk.snapshot.calendar_of("B3").is_some());
}

#[test]
fn persons_are_checked_one_by_one() {
    let mut desk = Desk::sample();
    let mut nameless = person("Q1", &[], None);
    nameless.name = None;
    let mut backwards = person("Q2", &[], None);
    backwards.absences = vec![(Time(20), Time(20))];
    let bad = desk.refused(
        vec![],
        vec![
            nameless,
            backwards,
            person("Q3", &[("", "B1")], None),
            person("Q4", &[("gm", "B7")], None),
            person("Q5", &[], Some("Q5")),
            person("Q6", &[], Some("nobody")),
            person("Q7", &[("gm", "B1")], Some("P1")),
        ],
    );
    let fields: Vec<_> = bad.iter().map(|(_, field)| field.as_str()).collect();
    assert_eq!(fields, ["name", "absences", "roles", "roles", "deputy", "deputy"]);
    assert!(desk.snapshot.person("Q7").is_some());
}

#[test]
fn two_persons_may_stand_in_for_each_other() {
    let mut desk = Desk::sample();
    assert!(
        desk.refused(vec![], vec![person("Q1", &[], Some("Q2")), person("Q2", &[], Some("Q1"))]).is_empty()
    );
}

#[test]
fn the_token_tells_whether_sealed_words_changed() {
    let mut desk = Desk::sample();
    let mut same = person("P2", &[("cr-manager", "B1")], None);
    same.name = Some(kept("P2"));
    assert_eq!(desk.import(vec![], vec![same.clone()]).0, (0, 0, 1));
    same.phone = Some(kept("another phone"));
    assert_eq!(desk.import(vec![], vec![same]).0, (0, 1, 0));
    let row: PersonRow = desk.core.get(PersonRow::key("P2")).unwrap();
    assert_eq!(row.phone.unwrap().token, "another phone");
}

#[test]
fn a_password_is_set_apart_and_never_said() {
    let mut desk = Desk::sample();
    let mut input = person("P1", &[("gm", "B1")], Some("P2"));
    input.password = Some("$argon2id$hash".into());
    let command = Command::Import(Import { persons: vec![input.clone()], ..Import::default() });
    desk.core.command(&desk.actor, directory_core::home(), &command).unwrap();
    let said = said_changes(&mut desk.core);
    assert!(!format!("{said:?}").contains("argon2"));
    assert_eq!(said[0].persons[0].code, "P1", "that an account changed is on record");
    let account: Account = desk.core.get(Account::key("P1")).unwrap();
    assert_eq!(account.hash, "$argon2id$hash");
    // The same hash again, and no hash at all, change nothing.
    assert_eq!(desk.import(vec![], vec![input.clone()]).0, (0, 0, 1));
    input.password = None;
    assert_eq!(desk.import(vec![], vec![input]).0, (0, 0, 1));
    assert!(desk.core.get::<Account>(Account::key("P1")).is_some());
}

#[test]
fn a_long_import_is_said_in_pieces_that_the_broker_carries() {
    let mut desk = Desk::sample();
    let before = desk.seq();
    let persons =
        (0..510).map(|n| person(&format!("S{n}"), &[("cr-specialist", "B1")], Some("P1"))).collect();
    assert_eq!(desk.import(vec![], persons).0, (0, 510, 0));
    assert_eq!(desk.seq() - before, 3);
    assert_eq!(desk.snapshot.persons().count(), 512);
}

#[test]
fn only_administrators_of_the_whole_group_may_change_it() {
    let mut desk = Desk::sample();
    for grants in [vec![], vec![grant("gm", "G")], vec![grant("administrator", "A")]] {
        desk.actor = Actor::Person { code: "P1".into(), grants };
        let refusal = desk.ask(&Command::Import(Import::default())).unwrap_err();
        assert_eq!((refusal.kind, refusal.gate.as_str()), (RefusalKind::Denied, "not-administrator"));
    }
    desk.actor = Actor::Person { code: "P1".into(), grants: vec![grant("administrator", "G")] };
    assert!(desk.ask(&Command::Import(Import::default())).is_ok());
}

#[test]
fn an_empty_directory_can_be_filled() {
    let mut desk = Desk::empty();
    desk.actor = Actor::System { code: "setup".into(), grants: vec![grant("system", "whatever")] };
    assert_eq!(desk.import(vec![node("G", "", "group")], vec![]).0, (1, 0, 0));
    assert!(desk.ask(&Command::Import(Import::default())).is_err(), "from then on the root counts");
}

#[test]
fn rows_hold_what_was_imported() {
    let mut desk = Desk::sample();
    let mut shop = node("B2", "A", "branch");
    (shop.phone, shop.address, shop.zone) =
        (Some(kept("021-1")), Some(kept("road")), Some("Asia/Shanghai".into()));
    desk.import(vec![shop], vec![]);
    let row: NodeRow = desk.core.get(NodeRow::key("B2")).unwrap();
    assert_eq!((row.parent.as_deref(), row.zone.as_deref()), (Some("A"), Some("Asia/Shanghai")));
    assert_eq!(row.phone.unwrap().token, "021-1");
}

#[test]
fn a_name_in_the_wrong_column_is_not_repeated() {
    let mut desk = Desk::sample();
    let (_, bad) = desk.import(vec![], vec![person("某某某", &[], None), person("Q1", &[], Some("某某"))]);
    assert_eq!(bad.len(), 2);
    assert!(!format!("{bad:?}").replace("persons.csv:某某某", "").contains("某某"), "{bad:?}");
}

#[test]
fn a_tool_may_speak_for_the_whole_group() {
    let mut desk = Desk::sample();
    desk.actor = Actor::System { code: "cli".into(), grants: vec![grant("system", "*")] };
    assert!(desk.ask(&Command::Import(Import::default())).is_ok());
}
