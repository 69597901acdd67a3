//! The loop as a state machine: `on(happening) -> actions`. The shell carries
//! actions out on Postgres and NATS; the simulator in memory, and may crash
//! between any two.
//!
//! ```text
//!          +--------- Beat (every 3 s, and before answers that changed nothing) ---------+
//!          v                                                                             |
//! Idle --gather--> Load --> decide --(a row is missing: Load again)--> Commit --> Answer, Publish, Wake --> Idle
//! ```

mod care;
mod epochs;
mod gather;
mod happening;
mod inboxes;
mod limits;
mod queue;
mod rest;
mod settle;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use organisation::Snapshot;
use proto::{Service, Shard, Time};

use self::inboxes::Inboxes;
pub use self::{
    happening::{Action, Happening},
    limits::Limits,
    rest::Rest,
};
use crate::{
    aggregate::RowKey,
    aside::{Order, Ward},
    batch::{OpenBatch, Undo},
    clock::Clock,
    core::Core,
    entry::Entry,
    epoch::{Lost, Opening, Rewinding},
    inbox::Inbox,
    input::{Ask, Input, Outcome},
    refusal::{Refusal, RefusalKind},
    step::{Rows, TimerChange},
    store::{Cursor, DirectoryEntry, Found, Head, Source, TimerRow},
};

/// Who finds too many orders waiting may ask again after this time.
const BUSY: Duration = Duration::from_millis(250);

enum Phase<C: Core> {
    Idle,
    /// What is to be tried is being written down.
    Marking {
        inputs: VecDeque<Input<C>>,
        open: OpenBatch,
    },
    Loading {
        waiting: VecDeque<Input<C>>,
        open: OpenBatch,
        asked: Vec<RowKey>,
    },
    Committing(Box<Settling>),
    LoadingTimers,
}

/// What follows when the store has answered.
#[derive(Default)]
struct Settling {
    answers: Vec<(u64, Outcome)>,
    entries: Vec<Arc<Entry>>,
    barriers: Vec<(u64, Vec<Head>)>,
    cursors: Vec<(Source, Cursor)>,
    timers: Vec<TimerChange>,
    /// For the case that the store does not take it.
    undo: Undo,
    directory: Vec<DirectoryEntry>,
    published: Vec<(Shard, u64)>,
    asked: Vec<(u64, Time)>,
    openings: Vec<u64>,
    starts_over: bool,
}

enum Judging {
    Nothing,
    Asking,
    Ready { until: Time, heads: Vec<(Service, Shard, u32, u64)>, silent: Vec<Service> },
}

/// A writer: one loop over the shards it owns.
pub struct Machine<C: Core> {
    limits: Limits,
    phase: Phase<C>,
    clock: Clock,
    directory: Snapshot,
    rows: Rows,
    heads: BTreeMap<Shard, Head>,
    /// Shards that wait for their recovery: nothing is decided for them.
    lost: BTreeMap<Shard, (Head, Lost)>,
    openings: Vec<(u64, Opening)>,
    /// Met by readers, not committed yet.
    rewindings: Vec<Rewinding>,
    pairs: BTreeMap<(Shard, Shard), u64>,
    inboxes: Inboxes,
    directory_inbox: Inbox,
    blocked: BTreeSet<Source>,
    commands: queue::Queue<C>,
    orders: VecDeque<(u64, Arc<Ask>, Order)>,
    /// What is held back, and what is not to be tried.
    ward: Ward,
    care: care::Care,
    /// Decided, not known to be committed.
    taken: Vec<Input<C>>,
    /// The directory's own service: as it was before the batch.
    directory_before: Option<Snapshot>,
    /// Taken in with a batch that the store did not take.
    unsaved_directory: Vec<DirectoryEntry>,
    timers: BTreeSet<TimerRow>,
    timers_by_key: settle::TimersByKey,
    /// Timers beyond this moment are in the store only.
    timers_until: Option<Time>,
    judging: Judging,
    barriers: Vec<(u64, Time)>,
    published: BTreeMap<Shard, u64>,
    last_trip: Duration,
    last_cursor_save: Duration,
    next_source: usize,
    leap_alarmed: bool,
}

impl<C: Core> Machine<C> {
    /// Begins as a stranger: everything it knows was just found in the store.
    pub fn new(limits: Limits, found: Found, monotonic: Duration) -> Result<Machine<C>, String> {
        let mut directory = Snapshot::default();
        for entry in &found.directory {
            gather::apply(&mut directory, entry)?;
        }
        let mut clock = Clock::default();
        clock.heard(found.database_now, monotonic);
        let (lost, heads) = epochs::apart(found.heads, found.lost);
        let mut ward = Ward::new(&found.aside);
        // What is held in a shard that waits waits with it.
        ward.held.retain(|aggregate, _| heads.contains_key(&aggregate.shard()));
        let owned: Vec<Shard> = heads.keys().copied().collect();
        let saved: BTreeMap<Source, Cursor> = found.cursors.into_iter().collect();
        // What a shard that waits addressed to others may be among what it lost.
        let inboxes = gather::sources::<C>(&owned)
            .filter(|source| !source.peer || !lost.contains_key(&source.from))
            .map(|source| (source, Inbox::new(saved.get(&source).copied().unwrap_or_default(), source.peer)));
        let inboxes = Inboxes::new(inboxes);
        let at = Cursor {
            epoch: epochs::of_directory(&found.directory),
            seq: directory.seq(),
            ..Cursor::default()
        };
        let mut machine = Machine {
            limits,
            phase: Phase::Idle,
            clock,
            directory_inbox: Inbox::new(at, false),
            directory,
            rows: Rows::new(),
            heads,
            lost,
            openings: Vec::new(),
            rewindings: Vec::new(),
            pairs: found.pairs.into_iter().map(|(from, to, n)| ((from, to), n)).collect(),
            inboxes,
            blocked: BTreeSet::new(),
            commands: queue::Queue::new(),
            orders: VecDeque::new(),
            ward,
            care: care::Care::new(&found.aside, limits.timers + limits.commands + limits.events, monotonic),
            taken: Vec::new(),
            directory_before: None,
            unsaved_directory: Vec::new(),
            timers: BTreeSet::new(),
            timers_by_key: settle::TimersByKey::new(),
            timers_until: None,
            judging: Judging::Nothing,
            barriers: Vec::new(),
            published: BTreeMap::new(),
            last_trip: monotonic,
            last_cursor_save: monotonic,
            next_source: 0,
            leap_alarmed: false,
        };
        machine.announce_pairs(monotonic);
        machine.hold_timers(found.timers);
        Ok(machine)
    }

    /// The directory as these entries make it: for a replica that waits.
    pub fn fold(entries: &[DirectoryEntry]) -> Result<Snapshot, String> {
        let mut directory = Snapshot::default();
        entries.iter().try_for_each(|entry| gather::apply(&mut directory, entry))?;
        Ok(directory)
    }

    pub fn directory(&self) -> &Snapshot {
        &self.directory
    }

    pub fn owns(&self, shard: Shard) -> bool {
        self.heads.contains_key(&shard)
    }

    /// Shards that wait for their recovery.
    pub fn lost(&self) -> impl Iterator<Item = &Lost> {
        self.lost.values().map(|(_, lost)| lost)
    }

    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.heads.values()
    }

    pub fn cursors(&self) -> impl Iterator<Item = (&Source, Cursor)> {
        self.inboxes.all().map(|(source, inbox)| (source, inbox.cursor))
    }

    /// How far one source was taken in; `None` for a source that nobody here reads.
    pub fn cursor(&self, source: &Source) -> Option<Cursor> {
        self.inboxes.get(source).map(|inbox| inbox.cursor)
    }

    /// Cursors whose effects are committed.
    pub fn committed_cursors(&self) -> impl Iterator<Item = (&Source, Cursor)> {
        self.inboxes.all().filter(|(source, _)| !source.peer).map(|(source, inbox)| (source, inbox.applied))
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn business_now(&self, monotonic: Duration) -> Time {
        if let Some(founded) = self.limits.founded_at.filter(|_| self.directory.seq() == 0) {
            return founded;
        }
        self.clock.business_now(&self.directory.law(), monotonic)
    }

    pub fn database_now(&self, monotonic: Duration) -> Time {
        self.clock.database_now(monotonic)
    }

    /// Whether the reader may pull more. Sources that stand still do not
    /// count: what they wait for may come by the same way.
    pub fn has_room_for_events(&self) -> bool {
        let moving = self.inboxes.moving().filter(|(source, inbox)| !self.stands_still(source, inbox));
        moving.map(|(_, inbox)| inbox.len()).sum::<usize>() < self.limits.waiting_events
    }

    pub fn waiting_commands(&self) -> usize {
        self.commands.len() + self.orders.len()
    }

    /// Takes in what happened and says what to do now.
    pub fn on(&mut self, happening: Happening<C>, monotonic: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        self.take_in(happening, monotonic, &mut actions);
        self.watch_sources(monotonic, &mut actions);
        // Events without effects need no round trip: on to the next ones at once.
        while matches!(self.phase, Phase::Idle) && self.go_on(monotonic, &mut actions) {}
        self.inboxes.settle();
        actions
    }

    /// When to tick though nothing happens.
    pub fn wake_at(&self, monotonic: Duration) -> Duration {
        let mut at = self.last_trip + self.limits.beat;
        let is_waiting =
            |(source, inbox): (&Source, &Inbox)| inbox.is_waiting() && !self.blocked.contains(source);
        let waiting = self.inboxes.moving().any(is_waiting) || self.directory_inbox.is_waiting();
        if waiting {
            at = at.min(monotonic + Duration::from_millis(250));
        }
        if self.inboxes.moving().any(|(_, inbox)| inbox.cursor != inbox.saved) {
            at = at.min(self.last_cursor_save + Duration::from_secs(1));
        }
        let trusts_clock = !C::JUDGES || self.clock.leapt().is_none();
        if trusts_clock
            && let (Some(first), Judging::Nothing) = (self.timers.first(), &self.judging)
            && let Some(due) = self.clock.monotonic_at(&self.directory.law(), first.due, monotonic)
        {
            at = at.min(due);
        }
        at
    }

    fn take_in(&mut self, happening: Happening<C>, now: Duration, actions: &mut Vec<Action>) {
        match happening {
            Happening::Command { token, home, ask, command } => {
                if self.has_room(token, now, actions) {
                    self.commands.push(token, home, ask, command, now);
                }
            }
            Happening::Order { token, ask, order } => {
                if self.has_room(token, now, actions) {
                    self.orders.push_back((token, ask, order));
                }
            }
            Happening::Heard { source, entry } => {
                if let Some(inbox) = self.inboxes.get_mut(&source)
                    && !self.blocked.contains(&source)
                {
                    inbox.take(entry, now);
                }
            }
            Happening::DirectoryHeard { entry } => self.directory_inbox.take(entry, now),
            Happening::Announced { source, epoch, seq } => {
                if let Some(inbox) = self.inboxes.get_mut(&source) {
                    inbox.announced(epoch, seq, now);
                }
            }
            Happening::DirectoryAnnounced { epoch, seq } => self.directory_inbox.announced(epoch, seq, now),
            Happening::Loaded(loaded) => self.loaded(loaded, now, actions),
            Happening::Committed { database_now } | Happening::Beaten { database_now } => {
                self.clock.heard(database_now, now);
                self.last_trip = now;
                self.written(now, actions);
            }
            Happening::Refused { why } => {
                self.last_trip = now;
                self.refused(&why, now, actions);
            }
            Happening::Timers(timers) => {
                self.last_trip = now;
                self.hold_timers(timers);
                self.phase = Phase::Idle;
            }
            Happening::AskedPassed { token, until } => self.barriers.push((token, until)),
            Happening::Passed { until, heads, silent } => {
                self.judging = Judging::Ready { until, heads, silent }
            }
            Happening::Published(marks) => {
                for (shard, seq) in marks {
                    let mark = self.published.entry(shard).or_default();
                    *mark = seq.max(*mark);
                }
            }
            Happening::OpenEpoch { token, opening } => self.openings.push((token, opening)),
            Happening::Tick => {}
        }
    }

    /// Whether one more may wait; else it is refused.
    fn has_room(&self, token: u64, now: Duration, actions: &mut Vec<Action>) -> bool {
        let too_many_orders = self.orders.len() >= self.limits.waiting_commands;
        let room = self.commands.room(&self.limits, now);
        let Some(after) = room.err().or(too_many_orders.then_some(BUSY)) else { return true };
        // Nothing was decided, so this answer needs no round trip before it.
        let mut refusal = Refusal::new(
            RefusalKind::Exhausted,
            "overload",
            "系统繁忙，请求未被接受。请稍后重试。",
            "Too busy: the request was not accepted. Try again after the delay.",
        );
        refusal.retry_after_ms = Some(u32::try_from(after.as_millis()).unwrap_or(u32::MAX));
        actions.push(Action::Answer { token, outcome: Err(refusal) });
        false
    }
}
