//! One shard's journal: gapless, chained by hash, each entry in the stream with the same content.

use chassis_core::{Entry, epoch};
use proto::{Event, Service, Shard, envelope::Position, journal::v1::HistoryRewound};

use crate::{Class, Findings, Head, print_of, show};

/// An event as it came over the stream.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    pub at: Position,
    pub kind: &'a str,
    pub payload: &'a [u8],
    pub subject: &'a str,
    pub actor: &'a str,
    pub cause: &'a str,
    pub hops: u8,
    pub directory_seq: u64,
    pub recorded_at: i64,
    pub occurred_at: i64,
    pub to: Option<Shard>,
    pub pair_seq: u64,
    /// The first eight bytes of the entry's hash.
    pub hash: [u8; 8],
}

/// What is remembered of a shard: eight bytes and a bit of each entry.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    epoch: u32,
    hash: [u8; 32],
    /// By seq - 1; 0: not in the journal.
    prints: Vec<u64>,
    heard: Vec<bool>,
    pairs: [u64; proto::SHARDS as usize],
    epochs: Vec<Epoch>,
}

/// A further epoch, and the number after which it withdrew what an older one had said.
#[derive(Clone, Copy, Debug)]
struct Epoch {
    epoch: u32,
    after: u64,
}

impl Chain {
    /// The last number that was read.
    pub fn head(&self) -> u64 {
        self.prints.len() as u64
    }

    pub(super) fn take(&mut self, entry: &Entry, findings: &mut Findings) {
        let (seq, head) = (entry.at.seq, self.head());
        if seq <= head {
            findings.add(Class::Doubled, "journal-number-twice", entry.at, "this number was given before");
            return;
        }
        let mut gap = seq - head - 1;
        let is_next = self.epoch > 0 && entry.at.epoch > self.epoch;
        if is_next || *entry.kind == *HistoryRewound::TYPE {
            gap = self.open_epoch(entry, gap, findings);
        }
        findings.add_many(
            Class::Lost,
            "journal-gap",
            gap,
            entry.at,
            format!("{gap} entries before it are gone"),
        );
        if entry.at.epoch < self.epoch {
            findings.add(Class::Differs, "epoch-falls", entry.at, format!("after epoch {}", self.epoch));
        }
        // After a gap the chain cannot be followed; from here on it can again.
        if gap == 0 && entry.chained(&self.hash) != entry.hash {
            findings.add(Class::Lost, "hash-chain-broken", entry.at, "it, or one before it, was changed");
        }
        self.pair(entry, findings);
        self.prints.resize(seq as usize - 1, 0);
        self.prints.push(print(&as_message(entry)));
        self.heard.resize(seq as usize, false);
        (self.epoch, self.hash) = (entry.at.epoch, entry.hash);
    }

    /// An epoch begins over an entry that says where it follows; numbers that it leaves out were withdrawn.
    /// How many are missing without such a reason.
    fn open_epoch(&mut self, entry: &Entry, gap: u64, findings: &mut Findings) -> u64 {
        let Some(said) = epoch::rewound(&entry.kind, &entry.payload) else {
            let text = format!("epoch {} without history.rewound", entry.at.epoch);
            findings.add(Class::Differs, "epoch-unopened", entry.at, text);
            return gap;
        };
        if entry.to.is_some() {
            // Said once more, to one home.
            return gap;
        }
        let follows = said.from_seq == self.head() && (said.from_hash == self.hash || self.head() == 0);
        if !follows || said.epoch != entry.at.epoch || entry.at.epoch <= self.epoch {
            let text = format!(
                "it says {}.{}, and follows {}.{}",
                said.from_epoch,
                said.from_seq,
                self.epoch,
                self.head()
            );
            findings.add(Class::Lost, "epoch-follows-something-else", entry.at, text);
        }
        self.epochs.push(Epoch { epoch: entry.at.epoch, after: said.from_seq });
        gap.saturating_sub(said.to_seq.max(said.from_seq) - said.from_seq)
    }

    /// Said in an older epoch, beyond what the next one kept of it.
    pub(super) fn is_withdrawn(&self, at: Position) -> bool {
        let newer = self.epochs.iter().filter(|epoch| at.epoch < epoch.epoch);
        newer.into_iter().any(|epoch| at.seq > epoch.after)
    }

    /// Entries for another home are gapless in their pair.
    fn pair(&mut self, entry: &Entry, findings: &mut Findings) {
        let Some((to, pair)) = entry.to else { return };
        let last = &mut self.pairs[usize::from(to.number())];
        let expected = *last + 1;
        if pair > expected {
            let text = format!("number {pair} to shard {to}, {expected} was expected");
            findings.add_many(Class::Lost, "pair-gap", pair - expected, entry.at, text);
        } else if pair < expected {
            findings.add(
                Class::Doubled,
                "pair-number-twice",
                entry.at,
                format!("number {pair} to shard {to}"),
            );
        }
        *last = pair.max(*last);
    }

    pub(super) fn heard(&mut self, message: &Message<'_>, findings: &mut Findings) {
        let place = message.at.seq.saturating_sub(1) as usize;
        match self.prints.get(place) {
            Some(known) if *known == print(message) => self.heard[place] = true,
            Some(0) | None => {
                findings.add(
                    Class::Lost,
                    "said-but-not-on-record",
                    message.at,
                    "in the stream, not in the journal",
                );
            }
            Some(_) => {
                findings.add(Class::Lost, "other-content", message.at, "the stream tells it differently");
                self.heard[place] = true;
            }
        }
    }

    pub(super) fn missing(&self) -> u64 {
        self.prints.iter().zip(&self.heard).filter(|(print, heard)| **print != 0 && !**heard).count() as u64
    }

    pub(super) fn ends_at(&self, place: (Service, Shard), head: &Head, findings: &mut Findings) {
        let read = self.head();
        if read < head.seq {
            let text = format!("it says {}, the journal ends at {read}", head.seq);
            findings.add_many(Class::Lost, "journal-tail", head.seq - read, show(place), text);
        } else if read == head.seq && read > 0 && self.hash != head.hash {
            findings.add(
                Class::Lost,
                "hash-chain-broken",
                show(place),
                "the head has another hash than the last entry",
            );
        }
    }

    pub(super) fn settle(&self, (service, shard): (Service, Shard), cut: bool, findings: &mut Findings) {
        let first =
            if cut { self.heard.iter().position(|heard| *heard).unwrap_or(self.heard.len()) } else { 0 };
        for place in first..self.prints.len() {
            if self.prints[place] != 0 && !self.heard[place] {
                let seq = place as u64 + 1;
                findings.add(
                    Class::Lost,
                    "not-in-stream",
                    format!("{service}/{shard}/{seq}"),
                    "on record, not in the event stream",
                );
            }
        }
    }
}

pub(super) fn as_message(entry: &Entry) -> MessageOf<'_> {
    MessageOf { entry, subject: entry.about.subject.map(|id| id.to_string()).unwrap_or_default() }
}

/// An entry with its subject as text.
pub(super) struct MessageOf<'a> {
    entry: &'a Entry,
    subject: String,
}

/// Whatever can be printed alike from both sides.
pub(super) trait Print {
    fn message(&self) -> Message<'_>;
}

impl Print for Message<'_> {
    fn message(&self) -> Message<'_> {
        *self
    }
}

impl Print for MessageOf<'_> {
    fn message(&self) -> Message<'_> {
        let entry = self.entry;
        let mut hash = [0; 8];
        hash.copy_from_slice(&entry.hash[..8]);
        Message {
            at: entry.at,
            kind: &entry.kind,
            payload: &entry.payload,
            subject: &self.subject,
            actor: &entry.actor,
            cause: &entry.cause,
            hops: entry.hops,
            directory_seq: entry.directory_seq,
            recorded_at: entry.recorded_at.0,
            occurred_at: entry.about.occurred_at.unwrap_or_default().0,
            to: entry.to.map(|(to, _)| to),
            pair_seq: entry.to.map_or(0, |(_, pair)| pair),
            hash,
        }
    }
}

fn print(of: &impl Print) -> u64 {
    let message = of.message();
    let to = message.to.map_or(u16::MAX, Shard::number);
    print_of(&[
        &message.at.epoch.to_le_bytes(),
        message.kind.as_bytes(),
        message.payload,
        message.subject.as_bytes(),
        message.actor.as_bytes(),
        message.cause.as_bytes(),
        &[message.hops],
        &message.directory_seq.to_le_bytes(),
        &message.recorded_at.to_le_bytes(),
        &message.occurred_at.to_le_bytes(),
        &to.to_le_bytes(),
        &message.pair_seq.to_le_bytes(),
        &message.hash,
    ])
}
