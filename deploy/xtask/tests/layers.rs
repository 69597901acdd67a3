//! The layers hold in this workspace, and the rules that say so can be broken.

use xtask::layers::{self, Crate};

fn one(name: &str, needs: &[&str]) -> Crate {
    Crate { name: name.into(), needs: needs.iter().map(ToString::to_string).collect(), ..Crate::default() }
}

fn broken(name: &str, needs: &[&str]) -> Vec<String> {
    let found = layers::breaches(&[one(name, needs)]);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_crate_keeps_to_its_layer() {
    let crates = layers::workspace().unwrap();
    assert!(crates.iter().any(|it| it.name == "intake-core"), "the workspace was read");
    let found: Vec<String> = layers::breaches(&crates).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_comes_along_through_others_is_seen() {
    let crates = layers::workspace().unwrap();
    let chassis = crates.iter().find(|it| it.name == "chassis").unwrap();
    assert!(chassis.brings_along.contains("mio"), "tokio's own dependency");
}

#[test]
fn the_permitted_directions_are_permitted() {
    let sound = [
        one("playbook", &["calendar", "jiff"]),
        one("chassis-core", &["proto", "organisation"]),
        one("intake-core", &["chassis-core", "proto", "calendar"]),
        one("intake", &["intake-core", "chassis", "proto", "sqlx"]),
        one("trial", &["intake-core", "sla-watchdog-core", "playbook"]),
        one("audit", &["chassis-core", "proto"]),
        one("simulator", &["intake-core", "dispatch-core", "audit", "chassis-core"]),
        one("hotline", &["intake", "dispatch", "chassis", "trial", "audit"]),
        one("tests", &["hotline", "local-engines"]),
        one("xtask", &["local-engines"]),
        one("stage", &["chassis", "chassis-core", "proto", "local-engines"]),
        one("tests", &["stage"]),
        one("fuzz-targets", &["hotline", "intake-core", "chassis", "trial"]),
    ];
    assert_eq!(layers::breaches(&sound), []);
}

#[test]
fn each_wrong_direction_is_a_breach() {
    let wrong = [
        ("calendar", "playbook"),
        ("calendar", "proto"),
        ("proto", "calendar"),
        ("intake-core", "dispatch-core"),
        ("intake-core", "intake"),
        ("intake-core", "chassis"),
        ("chassis", "intake-core"),
        ("intake", "dispatch"),
        ("intake", "dispatch-core"),
        ("intake", "local-engines"),
        ("intake", "hotline"),
        ("intake", "trial"),
        ("trial", "chassis"),
        ("trial", "intake"),
        ("audit", "intake-core"),
        ("simulator", "chassis"),
        ("simulator", "intake"),
        ("intake-core", "simulator"),
        ("xtask", "hotline"),
        ("intake", "stage"),
        ("hotline", "stage"),
        ("chassis", "stage"),
        ("stage", "intake"),
        ("stage", "intake-core"),
    ];
    let unseen: Vec<_> = wrong.iter().filter(|(from, to)| broken(from, &[to]).is_empty()).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

#[test]
fn a_core_that_reaches_outside_is_a_breach_however_far_the_way() {
    let core = Crate {
        brings_along: ["serde".to_owned(), "mio".to_owned()].into(),
        ..one("intake-core", &["chassis-core"])
    };
    let found = layers::breaches(&[core]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), "intake-core -> mio: a pure crate reaches outside");
}

#[test]
fn tests_of_a_service_may_start_servers_but_not_other_services() {
    let with_tests = |name: &str| Crate { needs_for_tests: [name.to_owned()].into(), ..one("intake", &[]) };
    assert_eq!(layers::breaches(&[with_tests("local-engines")]), []);
    assert_eq!(layers::breaches(&[with_tests("stage")]), []);
    assert_eq!(layers::breaches(&[with_tests("dispatch")]).len(), 1);
}

#[test]
fn a_crate_without_a_layer_is_asked_for_one() {
    assert_eq!(broken("newcomer", &[]).len(), 1);
}
