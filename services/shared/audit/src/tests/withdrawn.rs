//! Epochs: what was taken back is listed; what is gone without an epoch is lost.

use chassis_core::Said;
use proto::journal::v1::HistoryRewound;

use super::*;

/// The newest entries of intake are gone, others had heard them; then the next epoch begins.
fn rewound(world: &mut World, gone: usize) -> Vec<Entry> {
    let of_intake = |entry: &&Entry| entry.at.service == Service::Intake;
    let last = world.entries.iter().filter(of_intake).count();
    let ghosts: Vec<Entry> = world.entries.iter().filter(of_intake).skip(last - gone).cloned().collect();
    world.entries.retain(|entry| !ghosts.iter().any(|ghost| ghost.at == entry.at));
    let kept = world.entries.iter().rfind(of_intake).expect("one is kept").clone();
    let newest = ghosts.last().map_or(kept.at, |ghost| ghost.at);
    let said = HistoryRewound {
        epoch: 2,
        from_epoch: kept.at.epoch,
        from_seq: kept.at.seq,
        from_hash: kept.hash.to_vec(),
        to_epoch: newest.epoch,
        to_seq: newest.seq,
        reason: "restored".into(),
        from_pair_seq: 0,
    };
    let said = Said::new(About::default(), None, said);
    let at = Position { epoch: 2, seq: newest.seq + 1, ..kept.at };
    let mut entry = Entry {
        at,
        kind: said.kind.into(),
        payload: said.payload,
        cause: "request:r".into(),
        ..kept.clone()
    };
    entry.hash = entry.chained(&kept.hash);
    world.heads.insert(Service::Intake, Head { epoch: 2, seq: at.seq, hash: entry.hash });
    world.entries.push(entry);
    ghosts
}

fn audited(world: &World, ghosts: &[Entry]) -> Audit {
    let mut audit = Audit::default();
    world.entries.iter().for_each(|entry| audit.entry(entry));
    world.entries.iter().chain(ghosts).for_each(|entry| send(&mut audit, entry));
    audit.settle_heads(&world.heads(), &world.heads());
    audit.settle_stream(false);
    audit.settle_cases();
    audit
}

#[test]
fn what_was_taken_back_is_listed_with_the_cases_that_it_concerns() {
    let mut world = World::default();
    world.life(1).open(2, &[]).clock("event:intake/3/1.3", 2);
    let ghosts = rewound(&mut world, 1);
    let audit = audited(&world, &ghosts);
    assert_eq!(found(&audit), [], "nothing is lost that was not taken back");
    let listed: Vec<_> = audit.withdrawn.ghosts().map(|(at, _, id)| (at.to_string(), id)).collect();
    assert_eq!(listed, [("intake/3/1.3".to_owned(), Some(id(2)))]);
    assert!(audit.withdrawn.concerns(id(2)) && !audit.withdrawn.concerns(id(1)));
}

#[test]
fn an_order_takes_nothing_back() {
    let mut world = World::default();
    world.life(1);
    rewound(&mut world, 0);
    let audit = audited(&world, &[]);
    assert_eq!(found(&audit), []);
    assert!(audit.withdrawn.is_empty());
}

#[test]
fn the_same_without_its_entry_is_lost() {
    let mut world = World::default();
    world.life(1).open(2, &[]).clock("event:intake/3/1.3", 2);
    let ghosts = rewound(&mut world, 1);
    world.entries.pop();
    world.heads.insert(Service::Intake, {
        let kept = world.entries.iter().rfind(|entry| entry.at.service == Service::Intake).expect("kept");
        Head { epoch: 1, seq: kept.at.seq, hash: kept.hash }
    });
    let classes: Vec<_> =
        found(&audited(&world, &ghosts)).into_iter().map(|(class, what, _)| (class, what)).collect();
    assert!(classes.contains(&(Class::Lost, "said-but-not-on-record")), "{classes:?}");
    assert!(classes.contains(&(Class::Lost, "case-never-opened")), "{classes:?}");
}

#[test]
fn an_epoch_that_follows_something_else_or_leaves_more_out_is_found() {
    let mut world = World::default();
    world.life(1).open(2, &[]).open(3, &[]);
    let ghosts = rewound(&mut world, 1);
    let before_last =
        world.entries.iter().rposition(|entry| entry.kind.contains("TicketOpened")).expect("the second");
    let dropped = world.entries.remove(before_last);
    let audit = audited(&world, &ghosts);
    let whats: Vec<_> = found(&audit).into_iter().map(|(_, what, _)| what).collect();
    assert!(whats.contains(&"epoch-follows-something-else") && whats.contains(&"journal-gap"), "{whats:?}");
    assert_eq!(dropped.at.seq, 3);

    let mut silent = World::default();
    silent.open(1, &[]).open(2, &[]);
    let last = silent.entries.last_mut().expect("two");
    last.at.epoch = 2;
    let whats: Vec<_> = found(&audited(&silent, &[])).into_iter().map(|(_, what, _)| what).collect();
    assert!(whats.contains(&"epoch-unopened"), "{whats:?}");
}
