//! What must never be, looked at with every commit.

use std::collections::{BTreeMap, BTreeSet};

use audit::Audit;
use chassis_core::{Value, aside::Fault, store::Batch};
use proto::{Event, Id, Service, envelope::Position, intake::v1 as intake, sla_watchdog::v1 as watchdog};

use crate::{ground::Ground, plan::HOUR, spy::POISON, world::Figures};

/// What is remembered of an entry that others rest on.
#[derive(Clone, Copy)]
struct Said {
    recorded_at: i64,
    directory_seq: u64,
    hops: u8,
}

/// An open case without a clock and without a wait may be on its way to closing for so long, faults included.
const UNCOVERED: u64 = 3 * HOUR;

#[derive(Default)]
pub struct Watch {
    pub audit: Audit,
    pub figures: Figures,
    said: BTreeMap<(Service, u16), Vec<Said>>,
    /// The cause of the newest entry of each shard: what one step says has one stamp.
    causes: BTreeMap<(Service, u16), String>,
    /// Cases that nobody chases, and since when.
    pub uncovered: BTreeMap<Id, u64>,
    findings: usize,
}

impl Watch {
    pub fn committed(&mut self, service: usize, batch: &Batch, ground: &mut Ground) {
        nothing_fails(service, batch, ground);
        self.requests_are_remembered(batch, ground);
        for entry in &batch.entries {
            self.audit.entry(entry);
            self.figures.entries += 1;
            match &*entry.kind {
                intake::TicketOpened::TYPE => self.figures.tickets += 1,
                intake::TicketClosed::TYPE => self.figures.closed += 1,
                watchdog::ClockBreached::TYPE => self.figures.breaches += 1,
                _ => {}
            }
            if let Err(why) = self.follows(entry) {
                ground.violation(format!("{}: {why}", entry.at));
            }
        }
        self.report_findings(ground);
        if Service::ALL[service] == Service::SlaWatchdog {
            self.look_at_cases(batch, ground);
        }
    }

    /// An effect of a request without its answer on record would be done again when it is asked again (P1).
    fn requests_are_remembered(&self, batch: &Batch, ground: &mut Ground) {
        let remembered: BTreeSet<String> =
            batch.replies.iter().map(|reply| format!("request:{}", reply.request.id)).collect();
        let forgotten = |cause: &&String| cause.starts_with("request:") && !remembered.contains(*cause);
        if let Some(cause) = batch.entries.iter().map(|entry| &entry.cause).find(forgotten) {
            ground.violation(format!("P1: {cause} took effect and its answer was not kept with it"));
        }
    }

    /// Stamps rise within a shard and are never before their cause; nobody acts under older rules than his cause.
    fn follows(&mut self, entry: &chassis_core::Entry) -> Result<(), String> {
        let place = (entry.at.service, entry.at.shard.number());
        let known =
            Said { recorded_at: entry.recorded_at.0, directory_seq: entry.directory_seq, hops: entry.hops };
        if let Some(cause) = entry.cause.strip_prefix("event:") {
            let at: Position = cause.parse().map_err(|_| format!("the cause {cause} is no place"))?;
            let cause = self
                .said
                .get(&(at.service, at.shard.number()))
                .and_then(|said| said.get((at.seq - 1) as usize))
                .copied()
                .ok_or_else(|| format!("its cause {at} was never committed"))?;
            if known.recorded_at < cause.recorded_at {
                return Err(format!("stamped before its cause {at}"));
            }
            if known.directory_seq < cause.directory_seq {
                return Err(format!("decided under older rules than its cause {at}"));
            }
            if known.hops != cause.hops + 1 {
                return Err(format!("{} hops after {} of its cause", known.hops, cause.hops));
            }
        }
        let last_cause = self.causes.entry(place).or_default();
        let said = self.said.entry(place).or_default();
        if let Some(last) = said.last() {
            let is_later = known.recorded_at > last.recorded_at
                || (known.recorded_at == last.recorded_at && *last_cause == entry.cause);
            if !is_later {
                return Err("its stamp does not rise".to_owned());
            }
        }
        last_cause.clone_from(&entry.cause);
        said.push(known);
        Ok(())
    }

    /// What the audit found since the last look.
    pub fn report_findings(&mut self, ground: &mut Ground) {
        let examples = self.audit.findings.examples();
        for finding in &examples[self.findings..] {
            ground.violation(format!("{} at {}: {}", finding.what, finding.place, finding.text));
        }
        self.findings = examples.len();
    }

    /// P9: an open case has a running clock or a named wait. Between a seal and the closing there may be a moment
    /// without; it must not last.
    fn look_at_cases(&mut self, batch: &Batch, ground: &mut Ground) {
        for (key, change) in batch.rows.iter().filter(|(key, _)| key.table == "cases") {
            let Some((_, columns)) = &change.put else { continue };
            if columns.contains(&Value::from("uncovered")) {
                self.uncovered.entry(key.id).or_insert(ground.now);
            } else {
                self.uncovered.remove(&key.id);
            }
        }
        if let Some((id, _)) = self.uncovered.iter().find(|(_, since)| ground.now - **since > UNCOVERED) {
            ground.violation(format!("P9: {id} is open without a clock and without a wait for hours"));
        }
    }
}

/// Only what was poisoned, or met a death, is set aside.
pub fn nothing_fails(service: usize, batch: &Batch, ground: &mut Ground) {
    for aside in &batch.aside.put {
        let is_planned = match aside.fault {
            None | Some(Fault::Died) => true,
            Some(Fault::Refused) => aside.reason.contains(POISON),
            Some(Fault::Panicked | Fault::Hops | Fault::Store) => false,
        };
        if !is_planned {
            let text =
                format!("{} of {:?} was set aside: {}", aside.kind, Service::ALL[service], aside.reason);
            ground.violation(text);
        }
    }
}
