//! What the nodes ask of the world, and what they get.

use chassis_core::{Entry, Happening, Incoming, Outcome, RefusalKind};
use proto::Service;

use super::{Barrier, Waiting, World};
use crate::node::Out;

impl World {
    pub(super) fn till_wants(&mut self, out: Option<Out>) {
        match out {
            Some(Out::Answer(token, outcome)) => self.answered(token, outcome),
            Some(Out::AnswerPassed(token, heads)) => {
                if let Some(barrier) = self.barrier.as_mut().filter(|barrier| barrier.asked == Some(token)) {
                    barrier.heads = Some(heads);
                }
            }
            Some(Out::Repair(source, after)) if source.peer => {
                let entries: Vec<Entry> = self
                    .till
                    .store
                    .journal(source.from, 0)
                    .filter(|entry| entry.to.is_some_and(|(to, pair)| to == source.to && pair > after))
                    .collect();
                for entry in self.not_all(entries) {
                    let entry = Incoming::of(&entry, 0);
                    self.till.feed(Happening::Heard { source, entry });
                }
            }
            Some(Out::Repair(source, after)) => {
                let entries = self.mirror.store.journal(source.from, after).collect();
                for entry in self.not_all(entries) {
                    let entry = Incoming::of(&entry, 0);
                    self.till.feed(Happening::Heard { source, entry });
                }
            }
            Some(Out::RepairDirectory(after)) => {
                for entry in self.directory.iter().skip(after as usize).cloned() {
                    self.till.feed(Happening::DirectoryHeard { entry });
                }
            }
            Some(Out::AskPassed(_)) => panic!("the till does not judge"),
            None => {}
        }
    }

    pub(super) fn mirror_wants(&mut self, out: Option<Out>) {
        match out {
            Some(Out::AskPassed(until)) => {
                self.barrier = Some(Barrier { until, heads: None, asked: None });
            }
            Some(Out::Repair(source, after)) if !source.peer => {
                let entries = self.till.store.journal(source.from, after).collect();
                for entry in self.not_all(entries) {
                    let entry = Incoming::of(&entry, 0);
                    self.mirror.feed(Happening::Heard { source, entry });
                }
            }
            Some(Out::RepairDirectory(after)) => {
                for entry in self.directory.iter().skip(after as usize).cloned() {
                    self.mirror.feed(Happening::DirectoryHeard { entry });
                }
            }
            Some(Out::Answer(token, outcome)) => {
                assert!(self.operator.is_asked(token), "nobody else asks the mirror for anything");
                self.operator.answered(token, &outcome);
            }
            Some(Out::AnswerPassed(..) | Out::Repair(..)) => {
                panic!("nobody asks the mirror for anything")
            }
            None => {}
        }
    }

    /// A repair may break off.
    fn not_all(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        if self.faulty && self.dice.chance(300) {
            entries.truncate(self.dice.below(entries.len() + 1));
        }
        entries
    }

    /// The mirror's question goes to the till, again if that died; the answer comes back late.
    pub(super) fn carry_barrier(&mut self) {
        let Some(barrier) = &mut self.barrier else { return };
        if let Some(heads) = barrier.heads.take() {
            let heads =
                heads.iter().map(|head| (Service::Intake, head.shard, head.epoch, head.seq)).collect();
            let until = barrier.until;
            self.barrier = None;
            self.mirror.hear(Happening::Passed { until, heads, silent: Vec::new() }, self.now);
        } else if barrier.asked.is_none() {
            self.tokens += 1;
            barrier.asked = Some(self.tokens);
            let asked = Happening::AskedPassed { token: self.tokens, until: barrier.until };
            self.till.hear(asked, self.now);
        }
    }

    fn answered(&mut self, token: u64, outcome: Outcome) {
        if self.operator.is_asked(token) {
            return self.operator.answered(token, &outcome);
        }
        let Some(Waiting { request, forged }) = self.waiting.remove(&token) else {
            panic!("answered what was not asked, or twice");
        };
        let request = &mut self.requests[request];
        let outcome = outcome.map_err(|refusal| refusal.kind);
        if matches!(outcome, Err(RefusalKind::Exhausted | RefusalKind::Unavailable)) {
            return;
        }
        if forged {
            let expected = match request.answered {
                Some(Ok(_)) => RefusalKind::AlreadyExists,
                Some(Err(kind)) => kind,
                None => panic!("forged only once answered"),
            };
            assert_eq!(outcome, Err(expected), "another content under a known id");
            return;
        }
        match &request.answered {
            None => request.answered = Some(outcome),
            Some(first) => {
                self.repeats += 1;
                assert_eq!(*first, outcome, "a repeated request gets the same answer");
            }
        }
    }
}
