//! Epochs: whether a shard still has all that others heard from it, and the
//! entry that opens the next epoch when it has not.
//!
//! ```text
//! head, what stream and readers know --> judge --> nothing | Lost: the shard waits
//! operator's order --> Opening --> Rewinding: `history.rewound` here, and to each other home
//! ```
//!
//! Numbers go on above everything that is known, so none is given twice; the
//! hash chain goes on over the entry.

use proto::{AnyEvent, Event, Service, Shard, Time, envelope::Position, journal::v1::HistoryRewound};

use crate::{
    entry::{About, Entry, Said},
    refusal::{Refusal, RefusalKind},
    store::{Head, Remembered, RequestKey, Source},
};

/// Where an entry stands in its shard: epochs first, for each withdraws what an older one said beyond it.
pub type Place = (u32, u64);

/// What somebody knows of a shard's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// `stream`, or a service.
    pub by: String,
    pub at: Place,
    /// The first bytes of that entry's hash; empty: not known.
    pub hash: Vec<u8>,
    pub recorded_at: Option<Time>,
}

/// A shard that does not have all that others heard from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub shard: Shard,
    /// The newest entry that others know.
    pub known: Place,
    pub by: Vec<String>,
    /// They tell an entry differently that stands in the journal.
    pub differs: bool,
    pub recorded_at: Option<Time>,
}

impl Lost {
    /// One line for the log.
    pub fn reason(&self, head: &Head) -> String {
        let (epoch, seq) = self.known;
        let what = if self.differs { "others tell an entry differently" } else { "others know more" };
        format!(
            "shard {} ends at {}.{}; {what} ({}: up to {epoch}.{seq}): its tail is lost, it accepts nothing until \
             `hotline journal recover`",
            self.shard,
            head.epoch,
            head.seq,
            self.by.join(", ")
        )
    }
}

/// Compares a head with what others know. `own`: the hash of the entry that
/// stands at a place of the journal; an entry of an older epoch that is not
/// there was withdrawn.
pub fn judge(head: &Head, known: &[Known], own: impl Fn(Place) -> Option<[u8; 32]>) -> Option<Lost> {
    let mut lost: Option<Lost> = None;
    for other in known {
        let beyond = other.at > (head.epoch, head.seq);
        let differs = !beyond
            && match own(other.at) {
                Some(hash) => !hash.starts_with(&other.hash),
                None => other.at.0 == head.epoch && other.at.1 > 0,
            };
        if !beyond && !differs {
            continue;
        }
        let lost = lost.get_or_insert_with(|| Lost {
            shard: head.shard,
            known: other.at,
            by: Vec::new(),
            differs: false,
            recorded_at: None,
        });
        lost.known = lost.known.max(other.at);
        lost.recorded_at = lost.recorded_at.max(other.recorded_at);
        lost.differs |= differs;
        if !lost.by.contains(&other.by) {
            lost.by.push(other.by.clone());
        }
    }
    lost
}

/// An order to open the next epoch of a shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub shard: Shard,
    /// Who orders it: stands on the entry.
    pub actor: String,
    pub request: RequestKey,
    /// Keyed hash of the order, as of any request.
    pub content: [u8; 16],
    /// A code.
    pub reason: String,
    /// The newest known entry that is given up; `None`: nothing is lost, it is
    /// an order.
    pub withdraw: Option<Place>,
}

impl Opening {
    /// What a repeated order is answered.
    pub(crate) fn remembered(&self, at: Position) -> Remembered {
        let (request, content) = (self.request.clone(), self.content);
        Remembered { shard: self.shard, request, content, reply: Vec::new(), epoch: at.epoch, seq: at.seq }
    }

    /// Whether this may be done with a shard in this state.
    pub(crate) fn check(&self, lost: Option<&Lost>) -> Result<(), Refusal> {
        match (self.withdraw, lost) {
            (None, None) => Ok(()),
            (Some(known), Some(lost)) if known == lost.known => Ok(()),
            (Some(_), Some(lost)) => Err(Refusal::precondition(
                "known-more",
                format!(
                    "该分片已知的最后一条记录是 {}.{}，与列出的不同。请重新列出后再确认。",
                    lost.known.0, lost.known.1
                ),
                format!(
                    "The newest known entry of this shard is {}.{}, not the one that was listed. List again, then confirm.",
                    lost.known.0, lost.known.1
                ),
            )),
            (Some(_), None) => Err(Refusal::precondition(
                "nothing-lost",
                "该分片没有丢失记录，没有任何改动。",
                "This shard has lost nothing; nothing was changed.",
            )),
            (None, Some(_)) => Err(lost_tail(self.shard)),
        }
    }
}

/// A stretch of history that was taken back: as said here, or as met by a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewinding {
    pub source: Source,
    /// Said by this service itself.
    pub own: bool,
    /// Where `history.rewound` stands; for addressed entries by the pair's number.
    pub at: Place,
    pub from: Place,
    /// The newest one withdrawn that is known; a reader's: the newest one it had applied.
    pub to: Place,
}

impl Rewinding {
    /// One line for the log of a reader.
    pub fn heard(&self) -> String {
        let Source { service, from, to, .. } = self.source;
        format!(
            "{service} shard {from} withdrew what shard {to} had heard after {}.{} up to {}.{}: `hotline journal ghosts`",
            self.from.0, self.from.1, self.to.0, self.to.1
        )
    }
}

/// What opening an epoch writes.
pub(crate) struct Opened {
    pub head: Head,
    pub entries: Vec<Entry>,
    pub rewindings: Vec<Rewinding>,
    /// (to, the pair's number).
    pub pairs: Vec<(Shard, u64)>,
}

/// The next epoch of a shard: one entry for everybody and one for each home
/// that is addressed, so whoever reads only those crosses as well.
pub(crate) fn open(
    service: Service,
    head: &Head,
    lost: Option<&Lost>,
    opening: &Opening,
    pair: impl Fn(Shard) -> u64,
    (now, directory_seq): (Time, u64),
) -> Opened {
    let to = lost.map_or((head.epoch, head.seq), |lost| lost.known);
    let heard = lost.and_then(|lost| lost.recorded_at).unwrap_or_default();
    let stamp = now.max(head.stamp.plus(1)).max(heard.plus(1));
    let next = Head { epoch: head.epoch.max(to.0) + 1, seq: head.seq.max(to.1), stamp, ..head.clone() };
    let mut opened = Opened { head: next, entries: Vec::new(), rewindings: Vec::new(), pairs: Vec::new() };
    let said = HistoryRewound {
        epoch: opened.head.epoch,
        from_epoch: head.epoch,
        from_seq: head.seq,
        from_hash: head.hash.to_vec(),
        to_epoch: to.0,
        to_seq: to.1,
        reason: opening.reason.clone(),
        from_pair_seq: 0,
    };
    let homes = Shard::all().filter(|_| service != Service::Directory);
    for home in std::iter::once(None).chain(homes.map(Some)) {
        let kept = home.map_or(head.seq, &pair);
        let said = HistoryRewound { from_pair_seq: home.map_or(0, |_| kept), ..said.clone() };
        opened.head.seq += 1;
        let said = Said::new(About::default(), home, said);
        let at = Position { service, shard: head.shard, epoch: opened.head.epoch, seq: opened.head.seq };
        let mut entry = Entry {
            at,
            hash: [0; 32],
            kind: said.kind.into(),
            payload: said.payload,
            about: said.about,
            actor: opening.actor.clone(),
            cause: format!("request:{}", opening.request.id),
            hops: 0,
            directory_seq,
            recorded_at: stamp,
            to: home.map(|home| (home, kept + 1)),
            traceparent: String::new(),
        };
        entry.hash = entry.chained(&opened.head.hash);
        opened.head.hash = entry.hash;
        opened.entries.push(entry);
        opened.pairs.extend(home.map(|home| (home, kept + 1)));
        let seq = home.map_or(at.seq, |_| kept + 1);
        opened.rewindings.push(Rewinding {
            source: Source {
                service,
                from: head.shard,
                to: home.unwrap_or(head.shard),
                peer: home.is_some(),
            },
            own: true,
            at: (at.epoch, seq),
            from: (head.epoch, kept),
            to: home.map_or(to, |_| (head.epoch, kept)),
        });
    }
    opened
}

/// What an entry of this kind says of where it follows, if it opens an epoch.
pub fn rewound(kind: &str, payload: &[u8]) -> Option<HistoryRewound> {
    if kind != HistoryRewound::TYPE {
        return None;
    }
    match AnyEvent::decode(kind, payload) {
        Ok(AnyEvent::HistoryRewound(said)) => Some(said),
        _ => None,
    }
}

/// The typed refusal of a shard that waits for its recovery.
pub fn lost_tail(shard: Shard) -> Refusal {
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "lost-tail",
        format!(
            "分片 {shard} 的记录不完整（可能恢复了较旧的备份），在管理员确认之前不受理任何请求。没有任何改动。"
        ),
        format!(
            "Shard {shard} does not have all that others heard from it (an older copy was restored?). It accepts nothing \
             until an administrator has recovered it; nothing was changed."
        ),
    );
    refusal.retry_after_ms = Some(30_000);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(epoch: u32, seq: u64) -> Head {
        Head { shard: Shard::new(3).expect("one"), epoch, seq, hash: [7; 32], stamp: Time(50) }
    }

    fn known(by: &str, epoch: u32, seq: u64, hash: u8) -> Known {
        Known {
            by: by.to_owned(),
            at: (epoch, seq),
            hash: vec![hash; 8],
            recorded_at: Some(Time(seq as i64)),
        }
    }

    /// A journal of epoch 2 from 11 on, and 1 to 7 of epoch 1; 8 to 10 were withdrawn.
    fn own((epoch, seq): Place) -> Option<[u8; 32]> {
        matches!((epoch, seq), (1, 1..=7) | (2, 11..=20)).then_some([7; 32])
    }

    #[test]
    fn who_knows_as_much_or_less_takes_nothing_away() {
        let others = [known("stream", 2, 20, 7), known("dispatch", 2, 12, 7), known("notify", 1, 7, 7)];
        assert_eq!(judge(&head(2, 20), &others, own), None);
        assert_eq!(judge(&head(2, 20), &[], own), None, "nobody knows anything");
        let withdrawn = [known("stream", 1, 10, 9)];
        assert_eq!(judge(&head(2, 20), &withdrawn, own), None, "the new epoch is not in the stream yet");
    }

    #[test]
    fn more_or_another_hash_is_a_lost_tail() {
        let more = judge(&head(2, 20), &[known("stream", 2, 22, 7), known("notify", 2, 25, 7)], own).unwrap();
        assert_eq!((more.known, more.differs, more.by.len()), ((2, 25), false, 2));
        assert_eq!(more.recorded_at, Some(Time(25)));
        let later_epoch = judge(&head(2, 20), &[known("stream", 3, 4, 7)], own).unwrap();
        assert_eq!(later_epoch.known, (3, 4));
        let other = judge(&head(2, 20), &[known("stream", 2, 20, 8)], own).unwrap();
        assert!(other.differs && other.known == (2, 20));
        let hole = judge(&head(2, 20), &[known("stream", 2, 9, 7)], own).unwrap();
        assert!(hole.differs, "an entry of this epoch that is not in the journal");
        let unknown_hash = Known { hash: Vec::new(), ..known("notify", 2, 20, 0) };
        assert_eq!(judge(&head(2, 20), &[unknown_hash], own), None);
    }

    #[test]
    fn an_epoch_opens_above_all_that_is_known_and_chains_on() {
        let lost = judge(&head(2, 20), &[known("stream", 2, 25, 7)], own).unwrap();
        let id = proto::Id::of_hash([1; 16], proto::Bucket::first_of(lost.shard));
        let opening = Opening {
            shard: lost.shard,
            actor: "person:A".to_owned(),
            request: RequestKey { caller: "person:A".to_owned(), id },
            content: [0; 16],
            reason: "restored".to_owned(),
            withdraw: Some((2, 25)),
        };
        assert!(opening.check(Some(&lost)).is_ok());
        assert_eq!(opening.check(None).unwrap_err().gate, "nothing-lost");
        let stale = Opening { withdraw: Some((2, 24)), ..opening.clone() };
        assert_eq!(stale.check(Some(&lost)).unwrap_err().gate, "known-more");
        let order = Opening { withdraw: None, ..opening.clone() };
        assert_eq!(order.check(Some(&lost)).unwrap_err().gate, "lost-tail");

        let opened = open(Service::Intake, &head(2, 20), Some(&lost), &opening, |_| 4, (Time(1), 9));
        assert_eq!(opened.entries.len(), 17, "for everybody, and to each home");
        let mut before = [7; 32];
        for (place, entry) in opened.entries.iter().enumerate() {
            assert_eq!((entry.at.epoch, entry.at.seq), (3, 26 + place as u64));
            assert_eq!(entry.hash, entry.chained(&before));
            assert!(entry.recorded_at > Time(50), "never before the last stamp");
            before = entry.hash;
        }
        assert_eq!((opened.head.epoch, opened.head.seq, opened.head.hash), (3, 42, before));
        let said = rewound(&opened.entries[0].kind, &opened.entries[0].payload).unwrap();
        assert_eq!((said.from_epoch, said.from_seq, said.to_epoch, said.to_seq), (2, 20, 2, 25));
        assert_eq!(opened.entries[5].to.map(|(_, pair)| pair), Some(5));
        let directory = open(Service::Directory, &head(2, 20), None, &order, |_| 0, (Time(1), 9));
        assert_eq!((directory.entries.len(), directory.head.seq), (1, 21), "one home addresses nobody");
    }
}
