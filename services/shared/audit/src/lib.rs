//! Whether everything that was said arrived everywhere, once: the same eyes for the running system
//! (`hotline verify`) and for the simulated one.
//!
//! ```text
//! journals --entries--> Audit (chain, causes, cases, clocks, persons) <--messages-- event stream
//! seen.rs: what each service shows of a ticket --> compared with the journals
//!                                      '--> Findings
//! ```
//!
//! Invariants
//! * The audit is pure: it sees entries and messages one by one and keeps a few bytes of each, so a million fit.
//! * Intake's entries are taken before those of others that rest on them: whom it bars decides how their entries
//!   are judged.
//! * Transport may repeat; it may not lose or change. State may do none of the three.

pub mod cases;
pub mod causes;
pub mod chain;
pub mod clocks;
pub mod finding;
pub mod persons;
pub mod seen;
pub mod withdrawn;

use std::collections::HashMap;

use chassis_core::Entry;
use proto::{AnyEvent, Service, Shard};

use cases::Cases;
use causes::Causes;
use chain::{Chain, Message, Print};
use clocks::Clocks;
pub use finding::{Class, Finding, Findings, verdict};
use persons::Persons;
use withdrawn::Withdrawn;

/// What a service's head says of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub epoch: u32,
    pub seq: u64,
    pub hash: [u8; 32],
}

/// Heads by place.
pub type Heads = HashMap<(Service, Shard), Head>;

/// The comparison as far as it has come.
#[derive(Default)]
pub struct Audit {
    chains: HashMap<(Service, Shard), Chain>,
    causes: Causes,
    pub cases: Cases,
    clocks: Clocks,
    persons: Persons,
    /// Newest places that the stream named beyond what was read of the journals.
    ahead: HashMap<(Service, Shard), u64>,
    /// What was taken back.
    pub withdrawn: Withdrawn,
    pub findings: Findings,
    pub entries: u64,
    pub messages: u64,
}

impl Audit {
    /// A journal entry; each shard's in their order, intake's before the other services'.
    pub fn entry(&mut self, entry: &Entry) {
        self.entries += 1;
        let place = (entry.at.service, entry.at.shard);
        self.chains.entry(place).or_default().take(entry, &mut self.findings);
        self.causes.take(entry, &mut self.findings);
        let event = match AnyEvent::decode(&entry.kind, &entry.payload) {
            Ok(event) => event,
            Err(error) => {
                self.findings.add(Class::Differs, "unreadable", entry.at, error);
                return;
            }
        };
        self.withdrawn.effect(entry, &event);
        self.cases.take(entry, &event, &mut self.findings);
        self.clocks.take(entry, &event, &mut self.cases, &mut self.findings);
        self.persons.take(entry, &event, &mut self.findings);
    }

    /// A message of the event stream, in any order, as often as it comes.
    pub fn message(&mut self, message: &Message<'_>) {
        self.messages += 1;
        let at = message.at;
        let place = (at.service, at.shard);
        let chain = self.chains.entry(place).or_default();
        if chain.is_withdrawn(at) {
            self.withdrawn.message(message);
        } else if at.seq > chain.head() {
            let ahead = self.ahead.entry(place).or_default();
            *ahead = at.seq.max(*ahead);
        } else {
            chain.heard(message, &mut self.findings);
        }
    }

    /// An entry as the stream holds it, where that keeps entries.
    pub fn told(&mut self, entry: &Entry) {
        self.message(&chain::as_message(entry).message());
    }

    /// A message that names no place: nobody of ours sent it.
    pub fn stray(&mut self, subject: &str) {
        self.messages += 1;
        self.findings.add(Class::Differs, "stray-message", subject, "not one of ours");
    }

    /// Entries that have not been found in the stream so far.
    pub fn missing(&self) -> u64 {
        self.chains.values().map(Chain::missing).sum()
    }

    /// The journals end where their services say. `read_to`: heads as of the reading; `now`: as of
    /// the end, beyond which the stream must not reach.
    pub fn settle_heads(&mut self, read_to: &Heads, now: &Heads) {
        for (place, head) in read_to {
            self.chains.entry(*place).or_default().ends_at(*place, head, &mut self.findings);
        }
        for (place, ahead) in &self.ahead {
            let head = now.get(place).map_or(0, |head| head.seq);
            if *ahead > head {
                let text = format!("the stream has {ahead}, the journal ends at {head}");
                self.findings.add_many(
                    Class::Lost,
                    "said-but-not-on-record",
                    ahead - head,
                    show(*place),
                    text,
                );
            }
        }
    }

    /// Everything was in the stream. `cut`: its oldest messages were dropped by age, so what is
    /// older than the first one seen of a shard is not missing.
    pub fn settle_stream(&mut self, cut: bool) {
        for (place, chain) in &self.chains {
            chain.settle(*place, cut, &mut self.findings);
        }
    }

    /// What the journals alone say against the promises.
    pub fn settle_cases(&mut self) {
        self.cases.settle(&self.withdrawn, &mut self.findings);
    }

    pub fn chain(&self, service: Service, shard: Shard) -> Option<&Chain> {
        self.chains.get(&(service, shard))
    }
}

fn show((service, shard): (Service, Shard)) -> String {
    format!("{service}/{shard}")
}

/// A short print of a text, for maps that hold a million of them.
fn print_of(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let hash = hasher.finalize();
    // 0 stands for "nothing" in tables of prints.
    hash.as_bytes().first_chunk().map_or(1, |head| u64::from_le_bytes(*head).max(1))
}

#[cfg(test)]
mod tests;
