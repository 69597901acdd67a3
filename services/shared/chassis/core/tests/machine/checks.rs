//! What must be true of a world that has come to rest.

use std::collections::{BTreeMap, HashMap, HashSet};

use chassis_core::{Core, Entry, store::SetAside};
use proto::{Event, Id, Shard, Time, envelope::Position, intake::v1::TicketNoted};

use crate::{
    node::Node,
    toys::{Counter, Image, Ledger, Line, MIRROR_POISON, POISON, POISON_WORDS, ledger_id},
    world::World,
};

pub fn all(world: &World) {
    let (till, mirror) = (world.till.entries(), world.mirror.entries());
    let stamps: BTreeMap<String, &Entry> =
        till.iter().chain(&mirror).map(|entry| (entry.at.to_string(), entry)).collect();
    journal_is_sound(&till, &stamps);
    journal_is_sound(&mirror, &stamps);
    only_poison_is_set_aside(&world.till);
    only_poison_is_set_aside(&world.mirror);
    accepted_requests_count_once(world, &till);
    timers_fired_once(world);
    addressed_entries_arrived_once(world, &till);
    the_mirror_heard_all_in_order(world, &till, &mirror);
    verdicts_follow_the_journal(world, &till);
}

/// How many there were to check.
pub fn verdicts(world: &World) -> usize {
    let images = world.counters.iter().filter_map(|id| world.mirror.get::<Image>(*id));
    images.map(|image| image.verdicts.len()).sum()
}

/// Gapless, chained, stamped upwards and never before the cause.
fn journal_is_sound(entries: &[Entry], by_place: &BTreeMap<String, &Entry>) {
    let mut ends: BTreeMap<Shard, (u64, [u8; 32], Time, &str)> = BTreeMap::new();
    let mut pairs: BTreeMap<(Shard, Shard), u64> = BTreeMap::new();
    for entry in entries {
        let (seq, hash, stamp, cause) = ends.entry(entry.at.shard).or_default();
        assert_eq!(entry.at.seq, *seq + 1, "no gaps in {}", entry.at);
        assert_eq!(entry.hash, entry.chained(hash), "the chain holds at {}", entry.at);
        // What one step says has one stamp.
        let is_later = entry.recorded_at > *stamp || (entry.recorded_at == *stamp && *cause == entry.cause);
        assert!(is_later, "stamps rise at {}", entry.at);
        (*seq, *hash, *stamp, *cause) = (entry.at.seq, entry.hash, entry.recorded_at, &entry.cause);
        if let Some((to, number)) = entry.to {
            let last = pairs.entry((entry.at.shard, to)).or_default();
            assert_eq!(number, *last + 1, "no gaps between {} and {to}", entry.at.shard);
            *last = number;
        }
        if let Some(cause) = entry.cause.strip_prefix("event:") {
            let cause = by_place.get(cause).expect("a cause that was committed");
            assert!(entry.recorded_at >= cause.recorded_at, "{} is not before its cause", entry.at);
            assert!(entry.directory_seq >= cause.directory_seq, "{} knows its cause's rules", entry.at);
            assert_eq!(entry.hops, cause.hops + 1);
        }
    }
}

fn only_poison_is_set_aside<C: Core>(node: &Node<C>) {
    for SetAside { reason, .. } in node.store.set_aside() {
        assert!(reason.contains(POISON_WORDS), "{} set aside: {reason}", C::SERVICE);
    }
}

fn accepted_requests_count_once(world: &World, till: &[Entry]) {
    let mut totals: BTreeMap<Id, i64> = BTreeMap::new();
    let mut lines: BTreeMap<Shard, u64> = BTreeMap::new();
    let mut ids = HashSet::new();
    let mut said: HashMap<&str, usize> = HashMap::new();
    for entry in till.iter().filter(|entry| *entry.kind == *TicketNoted::TYPE) {
        *said.entry(&entry.cause).or_default() += 1;
    }
    for request in &world.requests {
        let notes = said.get(&*format!("request:{}", request.key.id)).copied().unwrap_or_default();
        let add = &request.add;
        let Some(Ok(answer)) = &request.answered else {
            assert!(add.amount < 0 || add.amount == POISON, "refused without reason");
            assert_eq!(notes, 0, "what was refused left nothing behind");
            continue;
        };
        assert_eq!(notes, 1, "an accepted request has its effect once");
        let line: Id = rmp_serde::from_slice(&answer.reply).expect("the till's reply");
        assert!(ids.insert(line), "minted ids differ");
        assert_eq!(world.till.get::<Line>(line).expect("its line").counter, add.counter);
        *totals.entry(add.counter).or_default() += add.amount;
        *lines.entry(add.counter.shard()).or_default() += 1;
    }
    for (id, total) in totals {
        assert_eq!(world.till.get::<Counter>(id).expect("it was counted").total, total);
    }
    for (shard, lines) in lines {
        assert_eq!(world.till.get::<Ledger>(ledger_id(shard)).expect("it was kept").lines, lines);
    }
}

fn timers_fired_once(world: &World) {
    for counter in world.counters.iter().filter_map(|id| world.till.get::<Counter>(*id)) {
        assert_eq!((counter.ring, counter.warn), (None, None), "nothing is left armed");
        assert_eq!(counter.stale, 0, "a timer that was moved or taken away does not fire");
        assert_eq!(counter.fired + counter.undone, counter.armed);
    }
}

fn addressed_entries_arrived_once(world: &World, till: &[Entry]) {
    for id in &world.counters {
        let Some(counter) = world.till.get::<Counter>(*id) else { continue };
        for from in world.till.owned() {
            let sent: Vec<Position> = till
                .iter()
                .filter(|entry| entry.to.is_some() && entry.at.shard == *from && visits(entry, *id))
                .map(|entry| entry.at)
                .collect();
            let arrived: Vec<Position> =
                counter.visits.iter().map(|(at, _)| *at).filter(|at| at.shard == *from).collect();
            assert_eq!(sent, arrived, "from {from} to {id}");
        }
    }
}

fn visits(entry: &Entry, id: Id) -> bool {
    use proto::{AnyEvent, intake::v1::AssetComplained};
    *entry.kind == *AssetComplained::TYPE
        && matches!(AnyEvent::decode(&entry.kind, &entry.payload),
            Ok(AnyEvent::AssetComplained(visited)) if visited.asset_id == id.to_string())
}

/// Positions and stamps of a counter's notes that the mirror does not fail on.
fn notes(till: &[Entry], id: Id) -> Vec<(Position, Time)> {
    use proto::AnyEvent;
    let is_read = |entry: &&Entry| match AnyEvent::decode(&entry.kind, &entry.payload) {
        Ok(AnyEvent::TicketNoted(noted)) => {
            i64::from(noted.ticket.expect("said with a ticket").cycle) != MIRROR_POISON
        }
        _ => false,
    };
    let of_it = till.iter().filter(|entry| entry.about.subject == Some(id));
    of_it.filter(is_read).map(|entry| (entry.at, entry.recorded_at)).collect()
}

fn the_mirror_heard_all_in_order(world: &World, till: &[Entry], mirror: &[Entry]) {
    for id in &world.counters {
        let expected = notes(till, *id);
        let heard = world.mirror.get::<Image>(*id).map_or_else(Vec::new, |image| image.heard);
        assert_eq!(heard, expected, "the mirror heard every note of {id} once, in order");
        let said = mirror.iter().filter(|e| e.about.subject == Some(*id) && e.cause.starts_with("event:"));
        let echoes = world.till.get::<Counter>(*id).map_or(0, |counter| counter.echoes as usize);
        assert_eq!((said.count(), echoes), (expected.len(), expected.len()), "and answered once");
    }
}

/// The same journals give the same verdicts, whatever happened on the way.
fn verdicts_follow_the_journal(world: &World, till: &[Entry]) {
    for id in &world.counters {
        let Some(image) = world.mirror.get::<Image>(*id) else { continue };
        let notes = notes(till, *id);
        for (deadline, known) in image.verdicts {
            let stamped = notes.iter().filter(|(_, at)| *at <= deadline).count();
            assert_eq!(known, stamped, "judged {id} at {deadline} with all that was stamped up to it");
        }
    }
}
