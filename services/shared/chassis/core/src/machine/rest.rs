//! What the loop would say if somebody asked whether it has anything left to do.

use std::time::Duration;

use proto::Time;

use super::{Judging, Machine, Phase};
use crate::{
    core::Core,
    store::{Cursor, Head, Source},
};

/// A loop as it stands, for who waits until a whole system has come to rest.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// What is left to do, as a code; `None`: nothing waits, is under way or is due.
    pub busy: Option<&'static str>,
    pub directory_seq: u64,
    pub business_now: Time,
    /// When the next timer falls due.
    pub next_due: Option<Time>,
    pub heads: Vec<Head>,
    /// How far each other service was heard.
    pub known: Vec<(Source, Cursor)>,
}

impl<C: Core> Machine<C> {
    pub fn rest(&self, monotonic: Duration) -> Rest {
        let business_now = self.business_now(monotonic);
        let next_due = self.timers.first().map(|timer| timer.due);
        let asked = self.waiting_commands() + self.barriers.len() + self.openings.len();
        let due = self.wants_timers() || next_due.is_some_and(|due| due <= business_now);
        let heard = self.inboxes.moving().all(|(_, inbox)| inbox.is_quiet());
        let left = [
            ("batch", !matches!(self.phase, Phase::Idle)),
            ("judging", !matches!(self.judging, Judging::Nothing)),
            ("asked", asked > 0),
            ("due", due),
            ("events", !heard),
            ("directory", !self.directory_inbox.has_nothing()),
            ("peers", !self.peers_were_heard()),
        ];
        Rest {
            busy: left.into_iter().find(|(_, is)| *is).map(|(what, _)| what),
            directory_seq: self.directory.seq(),
            business_now,
            next_due,
            heads: self.heads.values().cloned().collect(),
            known: self.committed_cursors().map(|(source, cursor)| (*source, cursor)).collect(),
        }
    }

    /// What homes here said to each other has arrived.
    fn peers_were_heard(&self) -> bool {
        self.pairs.iter().all(|((from, to), said)| {
            let source = Source { service: C::SERVICE, from: *from, to: *to, peer: true };
            self.inboxes.get(&source).is_none_or(|inbox| inbox.cursor.seq >= *said)
        })
    }
}
