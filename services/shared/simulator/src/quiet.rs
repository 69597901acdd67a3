//! What must be true of a world at rest: everything was heard once (P3), every state agrees with the journals and with
//! the others (P4, P9), verdicts and figures follow from the journals alone (P2, P7), the stream tells what the
//! journals hold.

use std::collections::BTreeMap;

use audit::{
    Audit, Head, Heads,
    seen::{self, Seen},
};
use chassis_core::{Aggregate, Entry, RowKey};
use dispatch_core::Work;
use intake_core::Ticket;
use playbook::report::Period;
use proto::{Id, Service, Shard, Time};
use reporting_core::{Reporting, Row, Span, document::Document, figures};
use sla_watchdog_core::{Case, Watchdog};

use crate::{replay::Replay, site::index, world::World};

pub fn look(world: &mut World) {
    everything_was_heard_once(world);
    world.watch.audit.settle_cases();
    states_agree(world);
    the_stream_tells_the_journals(world);
    verdicts_follow_the_journals(world);
    figures_follow_the_journals(world);
    world.watch.report_findings(&mut world.ground);
    let uncovered = world.watch.uncovered.keys().next().copied();
    if let Some(id) = uncovered {
        world.ground.violation(format!("P9: {id} is open, and at rest without a clock and without a wait"));
    }
}

/// After older copies: what was taken back is listed, and everything else is as it must be.
pub fn look_after_copies(world: &mut World) {
    world.watch.audit = audit_anew(world);
    world.watch.audit.settle_cases();
    everything_was_heard_once(world);
    states_agree(world);
    let audit = std::mem::take(&mut world.watch.audit);
    for finding in audit.findings.examples() {
        world.ground.violation(format!("{} at {}: {}", finding.what, finding.place, finding.text));
    }
}

/// As `hotline verify` looks at a running system: journals, stream, heads.
fn audit_anew(world: &World) -> Audit {
    let mut audit = Audit::default();
    let mut heads = Heads::new();
    // Intake's first, for whom it bars decides about the others.
    for service in Service::ALL {
        for shard in Shard::all() {
            journal(world, service, shard).iter().for_each(|entry| audit.entry(entry));
            let head = world.store(service).head(shard);
            if head.seq > 0 {
                let head = Head { epoch: head.epoch, seq: head.seq, hash: head.hash };
                heads.insert((service, shard), head);
            }
        }
    }
    world.ground.bus.messages().for_each(|entry| audit.told(entry));
    audit.settle_heads(&heads, &heads);
    audit.settle_stream(true);
    audit
}

/// A journal of one shard.
pub fn journal(world: &World, service: Service, shard: Shard) -> Vec<Entry> {
    world.store(service).journal(shard, 0).collect()
}

/// What the stream still tells and no journal holds any more.
fn withdrawn(world: &World) -> BTreeMap<(Service, Shard), Vec<Entry>> {
    let mut withdrawn: BTreeMap<(Service, Shard), Vec<Entry>> = BTreeMap::new();
    if world.ground.known.is_none() {
        return withdrawn;
    }
    for message in world.ground.bus.messages() {
        let at = message.at;
        if world.store(at.service).journal(at.shard, at.seq - 1).next().is_none_or(|entry| entry.at != at) {
            withdrawn.entry((at.service, at.shard)).or_default().push((**message).clone());
        }
    }
    withdrawn
}

fn everything_was_heard_once(world: &mut World) {
    let withdrawn = withdrawn(world);
    let wrong: Vec<String> = world
        .sites
        .iter()
        .flat_map(|site| {
            site.misheard(&|service, shard| journal(world, service, shard), &|service, shard| {
                withdrawn.get(&(service, shard)).cloned().unwrap_or_default()
            })
        })
        .collect();
    wrong.into_iter().for_each(|wrong| world.ground.violation(wrong));
}

fn row<T: Aggregate>(world: &World, service: Service, id: Id) -> Option<T> {
    rmp_serde::from_slice(&world.store(service).body(RowKey::of::<T>(id))?).ok()
}

/// Every ticket as all services have it.
fn states_agree(world: &mut World) {
    let cases: Vec<(Id, audit::cases::Case)> =
        world.watch.audit.cases.iter().map(|(id, case)| (id, case.clone())).collect();
    let is_ghost = |id: Id| world.watch.audit.withdrawn.concerns(id);
    let cases: Vec<(Id, audit::cases::Case)> =
        cases.into_iter().filter(|(id, case)| case.opened > 0 && !is_ghost(*id)).collect();
    for (id, case) in cases {
        let seen = seen(world, id);
        let mut findings = audit::Findings::default();
        seen.compare(&id.to_string(), &case, &mut findings);
        for finding in findings.examples() {
            // Work that nobody can take is looked after every hour: the world's staff comes and goes.
            if finding.what != "nobody-holds-it" {
                let text = format!("{} at {}: {}", finding.what, finding.place, finding.text);
                world.ground.violation(text);
            }
        }
    }
}

fn seen(world: &World, id: Id) -> Seen {
    let ticket = row::<Ticket>(world, Service::Intake, id).map(|ticket| {
        let progress = ticket.progress();
        seen::Ticket { open: ticket.is_open(), cycle: ticket.cycle, told_of: progress.marks.len() == 3 }
    });
    let work = row::<Work>(world, Service::Dispatch, id).map(|work| seen::Work {
        held: work.hand_off.assignee.is_some() || !work.hand_off.role.role.is_empty(),
        state: work.state.code().to_owned(),
    });
    let chase = row::<Case>(world, Service::SlaWatchdog, id).map(|case| {
        let any = |states: &[&str]| case.clocks.iter().any(|clock| states.contains(&clock.state().name()));
        seen::Chase { live: any(&["running", "paused", "breached"]), running: any(&["running"]) }
    });
    let row = row::<Row>(world, Service::Reporting, id)
        .map(|row| seen::Row { state: row.state().as_str().to_owned(), cycle: row.cycle });
    Seen { ticket, work, chase, row }
}

/// From its oldest message on the stream holds every entry, and nothing else.
fn the_stream_tells_the_journals(world: &mut World) {
    let mut heard: BTreeMap<(Service, Shard), Vec<u64>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for message in world.ground.bus.messages() {
        let at = message.at;
        let known = world.store(at.service).journal(at.shard, at.seq - 1).next();
        if known.as_ref() != Some(message.as_ref()) {
            wrong.push(format!("the stream tells {at} otherwise than the journal"));
        }
        heard.entry((at.service, at.shard)).or_default().push(at.seq);
    }
    for ((service, shard), mut seqs) in heard {
        seqs.sort_unstable();
        seqs.dedup();
        let (first, last) = (seqs[0], seqs[seqs.len() - 1]);
        let head = world.store(service).head(shard).seq;
        if last != head || seqs.len() as u64 != last - first + 1 {
            wrong.push(format!(
                "the stream holds {} of {service} {shard} from {first} to {last}, the head is {head}",
                seqs.len()
            ));
        }
    }
    wrong.into_iter().for_each(|wrong| world.ground.violation(wrong));
}

/// Sources of one shard in the order of time; what one source said keeps its order.
fn by_time(world: &World, sources: &[Service], shard: Shard) -> Vec<Entry> {
    let mut entries: Vec<Entry> = sources
        .iter()
        .filter(|service| **service != Service::Directory)
        .flat_map(|service| journal(world, *service, shard))
        .collect();
    entries.sort_by_key(|entry| (entry.recorded_at, index(entry.at.service), entry.at.seq));
    entries
}

/// A clock as it must stand: cycle, name, which one -> since when, missed at, ended how and when.
type Verdicts = BTreeMap<(u32, String, String), (Time, Option<Time>, Option<String>)>;

fn verdicts(case: &Case) -> Verdicts {
    let of = |(cycle, clock): (u32, &sla_watchdog_core::Ledger)| {
        let ended = clock.ended.map(|ended| format!("{:?} {:?}", ended.how, ended.at));
        ((cycle, clock.clock.clone(), clock.instance.clone()), (clock.started_at, clock.breached, ended))
    };
    case.all_clocks().filter(|(_, clock)| !clock.retracted).map(of).collect()
}

/// P2: judged anew in the order of time, every clock comes out as it stands.
fn verdicts_follow_the_journals(world: &mut World) {
    let Some(directory) = world.sites[index(Service::SlaWatchdog)]
        .directory(0)
        .or_else(|| world.sites[index(Service::SlaWatchdog)].directory(1))
        .cloned()
    else {
        return;
    };
    let now = world.ground.database_time(index(Service::SlaWatchdog));
    let sources = world.sites[index(Service::SlaWatchdog)].sources();
    let mut wrong = Vec::new();
    for shard in Shard::all() {
        let mut replay = Replay::<Watchdog>::new(&directory);
        let played = by_time(world, sources, shard).iter().try_for_each(|entry| {
            replay.fire_before(entry.recorded_at.min(now.plus(1)))?;
            replay.hear(entry)
        });
        if let Err(why) = played.and_then(|()| replay.fire_before(now.plus(1))) {
            wrong.push(format!("P2: shard {shard} cannot be judged again: {why}"));
        }
        for (id, body) in replay.bodies("cases") {
            let must: Case = rmp_serde::from_slice(body).expect("it was encoded a moment ago");
            let is =
                row::<Case>(world, Service::SlaWatchdog, id).map(|case| verdicts(&case)).unwrap_or_default();
            let must = verdicts(&must);
            if is != must {
                wrong.push(format!(
                    "P2: clocks of {id} stand otherwise than the journals say: {}",
                    difference(&is, &must)
                ));
            }
        }
    }
    wrong.into_iter().for_each(|wrong| world.ground.violation(wrong));
}

fn difference(is: &Verdicts, must: &Verdicts) -> String {
    let keys: std::collections::BTreeSet<_> = is.keys().chain(must.keys()).collect();
    let differ = keys.into_iter().filter(|key| is.get(*key) != must.get(*key));
    differ
        .map(|key| format!("{key:?} is {:?}, must be {:?}", is.get(key), must.get(key)))
        .collect::<Vec<_>>()
        .join("; ")
}

/// P7: the read model made anew, source after source, is the same to the byte, and so are the figures.
fn figures_follow_the_journals(world: &mut World) {
    let place = index(Service::Reporting);
    let Some(directory) =
        world.sites[place].directory(0).or_else(|| world.sites[place].directory(1)).cloned()
    else {
        return;
    };
    let mut wrong = Vec::new();
    let mut made_anew: Vec<Row> = Vec::new();
    for shard in Shard::all() {
        let mut replay = Replay::<Reporting>::new(&directory);
        for service in
            world.sites[place].sources().iter().rev().filter(|service| **service != Service::Directory)
        {
            for entry in journal(world, *service, shard) {
                if let Err(why) = replay.hear(&entry) {
                    wrong.push(format!("P7: {} cannot be heard again: {why}", entry.at));
                }
            }
        }
        for (id, body) in replay.bodies(Row::TABLE.name) {
            let kept = world.store(Service::Reporting).body(RowKey::of::<Row>(id));
            if kept.as_deref() != Some(body) {
                let kept: Option<Row> = kept.and_then(|body| rmp_serde::from_slice(&body).ok());
                let anew: Option<Row> = rmp_serde::from_slice(body).ok();
                wrong.push(format!(
                    "P7: the row of {id} is not what the journals make: {kept:?} and {anew:?}"
                ));
            }
            made_anew.extend(rmp_serde::from_slice::<Row>(body).ok());
        }
    }
    let kept: Vec<Row> = world
        .store(Service::Reporting)
        .rows(Row::TABLE.name)
        .filter_map(|(_, body)| rmp_serde::from_slice(&body).ok())
        .collect();
    made_anew.sort_by_key(Aggregate::id);
    let (kept, anew) = (weekly(&kept, &directory, world), weekly(&made_anew, &directory, world));
    if kept != anew {
        wrong.push("P7: the weekly figures differ from what the journals make".to_owned());
    }
    wrong.into_iter().for_each(|wrong| world.ground.violation(wrong));
}

fn weekly(rows: &[Row], directory: &organisation::Snapshot, world: &World) -> Option<Vec<u8>> {
    let playbook = directory.active_playbook("dealer-group")?;
    let span = Span::around(Period::Weekly, world.ground.time(), &reporting_core::zone_of(directory)).ok()?;
    let lines = figures(rows.iter(), playbook, &span);
    let title = playbook.name.clone();
    let document =
        Document { playbook, directory, span: &span, lines: &lines, lang: playbook::Lang::Zh, title };
    Some(document.csv())
}
