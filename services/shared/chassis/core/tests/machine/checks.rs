//! What must be true of a world that has come to rest.

use std::collections::{BTreeMap, HashMap, HashSet};

use chassis_core::{Core, Entry, aside::SetAside};
use proto::{
    Event, Id, Shard, Time,
    envelope::Position,
    intake::v1::TicketNoted,
    journal::v1::{QuarantineDiscarded, QuarantineRedriven},
};

use crate::{
    node::Node,
    toys::{Counter, Image, Ledger, Line, POISON, POISON_WORDS, UNSTORABLE, ledger_id},
    world::World,
};

pub fn all(world: &World) {
    let (till, mirror) = (world.till.entries(), world.mirror.entries());
    let stamps: BTreeMap<String, &Entry> =
        till.iter().chain(&mirror).map(|entry| (entry.at.to_string(), entry)).collect();
    journal_is_sound(&till, &stamps);
    journal_is_sound(&mirror, &stamps);
    only_answered_commands_are_left(&world.till);
    only_answered_commands_are_left(&world.mirror);
    orders_are_on_record(world, &till, &mirror);
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

fn only_answered_commands_are_left<C: Core>(node: &Node<C>) {
    for SetAside { kind, reason, .. } in node.store.set_aside() {
        assert!(kind == "command" && reason.contains(POISON_WORDS), "{}: {kind} left: {reason}", C::SERVICE);
    }
    assert!(node.owned().iter().all(|shard| node.store.trying(*shard).is_none()), "nothing is being tried");
}

/// Who, and what: each accepted order once.
fn orders_are_on_record(world: &World, till: &[Entry], mirror: &[Entry]) {
    let kinds = [QuarantineRedriven::TYPE, QuarantineDiscarded::TYPE];
    let said = till.iter().chain(mirror).filter(|entry| kinds.contains(&&*entry.kind));
    let mut causes = HashSet::new();
    for entry in said {
        assert_eq!(entry.actor, "person:T9");
        assert!(causes.insert(&entry.cause), "one order, one entry");
    }
    assert!(causes.len() >= world.operator.redriven, "every accepted order is on record");
}

/// What waits stands in its source's order, behind what was decided and before what is not heard yet.
pub fn nothing_overtakes(world: &World) {
    let till = in_order(world.till.store.set_aside());
    let mirror = in_order(world.mirror.store.set_aside());
    for (aggregate, heard) in mirror {
        let Some(image) = world.mirror.get::<Image>(aggregate) else { continue };
        let first = heard.first().map(|at| at.seq);
        let last = image.heard.last().map(|(at, _)| at.seq);
        assert!(first.is_none() || last < first, "{aggregate}: {last:?} was decided before {first:?}");
    }
    for (aggregate, heard) in till {
        let Some(counter) = world.till.get::<Counter>(aggregate) else { continue };
        for (at, _) in &counter.visits {
            let waiting = heard.iter().find(|wait| wait.service == at.service && wait.shard == at.shard);
            assert!(waiting.is_none_or(|wait| at.seq < wait.seq), "{aggregate}: {at} overtook {waiting:?}");
        }
    }
}

/// Events that wait, by aggregate, each queue in its order.
fn in_order(asides: Vec<SetAside>) -> BTreeMap<Id, Vec<Position>> {
    let mut queues: BTreeMap<Id, Vec<Position>> = BTreeMap::new();
    for aside in asides {
        let at = aside.cause.strip_prefix("event:").and_then(|at| at.parse::<Position>().ok());
        if let (Some(aggregate), Some(at)) = (aside.aggregate, at) {
            let queue = queues.entry(aggregate).or_default();
            let same =
                queue.iter().rev().find(|other| (other.service, other.shard) == (at.service, at.shard));
            assert!(same.is_none_or(|before| before.seq < at.seq), "{at} waits in its place");
            queue.push(at);
        }
    }
    queues
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
            assert!(
                add.amount < 0 || add.amount == POISON || add.amount == UNSTORABLE,
                "refused without reason"
            );
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

/// Positions and stamps of a counter's notes, but for those that were discarded.
fn notes(world: &World, till: &[Entry], id: Id) -> Vec<(Position, Time)> {
    let discarded = discarded(world);
    let of_it = till.iter().filter(|entry| entry.about.subject == Some(id));
    of_it
        .filter(|entry| {
            *entry.kind == *TicketNoted::TYPE && !discarded.contains(&format!("event:{}", entry.at))
        })
        .map(|entry| (entry.at, entry.recorded_at))
        .collect()
}

/// Causes of what the mirror's journal says was dropped.
fn discarded(world: &World) -> HashSet<String> {
    use proto::AnyEvent;
    let said = world.mirror.entries();
    let ids = said.iter().filter_map(|entry| match AnyEvent::decode(&entry.kind, &entry.payload) {
        Ok(AnyEvent::QuarantineDiscarded(discarded)) => Some(discarded.quarantine_id),
        _ => None,
    });
    ids.map(|id| world.operator.discarding[&id].clone()).collect()
}

fn the_mirror_heard_all_in_order(world: &World, till: &[Entry], mirror: &[Entry]) {
    for id in &world.counters {
        let expected = notes(world, till, *id);
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
        let notes = notes(world, till, *id);
        for (deadline, known) in image.verdicts {
            let stamped = notes.iter().filter(|(_, at)| *at <= deadline).count();
            assert_eq!(known, stamped, "judged {id} at {deadline} with all that was stamped up to it");
        }
    }
}
