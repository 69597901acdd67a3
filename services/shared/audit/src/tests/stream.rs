//! Journals and stream side by side: what one has and the other has not, or tells differently.

use super::*;

#[test]
fn a_sound_system_has_no_findings_however_often_the_stream_repeats() {
    let mut world = World::default();
    world.life(1).life(2);
    let audit = world.audit_with(|entry| vec![entry.clone(), entry.clone()]);
    assert_eq!(found(&audit), []);
    assert_eq!(verdict(&audit.findings), "lost 0, doubled 0");
    assert_eq!((audit.entries, audit.messages), (14, 28));
}

#[test]
fn an_entry_that_never_came_is_lost() {
    let mut world = World::default();
    world.life(1);
    let audit = world.audit_with(|entry| if entry.at.seq == 2 { Vec::new() } else { vec![entry.clone()] });
    assert_eq!(found(&audit), [(Class::Lost, "not-in-stream", 3)], "the second of three journals");
    assert!(audit.findings.examples().iter().any(|finding| finding.place == "intake/3/2"));
}

#[test]
fn what_a_stream_dropped_by_age_is_not_lost_and_what_follows_is() {
    let mut world = World::default();
    (1..5).for_each(|number| {
        world.open(number, &[]);
    });
    let mut audit = Audit::default();
    world.entries.iter().for_each(|entry| audit.entry(entry));
    for entry in [&world.entries[1], &world.entries[3]] {
        send(&mut audit, entry);
    }
    assert_eq!(audit.missing(), 2);
    audit.settle_stream(true);
    assert_eq!(found(&audit), [(Class::Lost, "not-in-stream", 1)]);
}

#[test]
fn a_message_that_tells_it_differently_is_lost() {
    let mut world = World::default();
    world.open(1, &[]);
    let other = |entry: &Entry| vec![Entry { payload: vec![], ..entry.clone() }];
    assert_eq!(found(&world.audit_with(other)), [(Class::Lost, "other-content", 1)]);
    let actor = |entry: &Entry| vec![entry.clone(), Entry { actor: "person:X".into(), ..entry.clone() }];
    assert_eq!(found(&world.audit_with(actor)), [(Class::Lost, "other-content", 1)]);
}

#[test]
fn a_stream_beyond_its_journal_means_a_journal_that_lost() {
    let mut world = World::default();
    world.open(1, &[]).open(2, &[]);
    let ghost = world.entries.pop().unwrap();
    let known = world.entries[0].clone();
    world.heads.insert(Service::Intake, Head { epoch: 1, seq: 1, hash: known.hash });
    let audit = world.audit_with(|entry| vec![entry.clone(), ghost.clone()]);
    assert_eq!(found(&audit), [(Class::Lost, "said-but-not-on-record", 1)]);
}

#[test]
fn a_journal_with_a_gap_or_a_changed_entry_is_lost() {
    let mut world = World::default();
    world.open(1, &[]).open(2, &[]).open(3, &[]);
    let mut gap = World { heads: world.heads.clone(), entries: world.entries.clone() };
    gap.entries.remove(1);
    assert_eq!(gap.found(), [(Class::Lost, "journal-gap", 1)]);
    let mut changed = World { heads: world.heads.clone(), entries: world.entries.clone() };
    changed.entries[1].actor = "person:SOMEBODY".into();
    assert_eq!(changed.found(), [(Class::Lost, "hash-chain-broken", 1)]);
    world.entries.pop();
    assert_eq!(world.found(), [(Class::Lost, "journal-tail", 1)]);
}

#[test]
fn a_case_that_only_others_know_was_lost_by_intake() {
    let mut world = World::default();
    world.clock("timer:x", 1);
    assert_eq!(world.found(), [(Class::Lost, "case-never-opened", 1)]);
}
