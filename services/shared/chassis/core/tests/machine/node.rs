//! One service of the simulated world: a store that survives, and a life (the
//! machine and all that is under way) that does not.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use chassis_core::{
    Action, Core, Entry, Happening, Incoming, Limits, Machine, Outcome, RowKey, Value,
    aggregate::Aggregate,
    memory::Memory,
    store::{Batch, Head, Source},
};
use proto::{Id, Service, Shard, Time};

use uuid::Uuid;

use crate::{dice::Dice, toys::NOT_TAKEN};

/// What a node asks of the world around it.
pub enum Out {
    Answer(u64, Outcome),
    AskPassed(Time),
    AnswerPassed(u64, Vec<Head>),
    Repair(Source, u64),
    RepairDirectory(u64),
}

pub struct Node<C: Core> {
    pub store: Memory,
    owned: Vec<Shard>,
    limits: Limits,
    life: Option<Life<C>>,
    lives: u128,
    /// Batches that the database did not take.
    pub refused: usize,
}

struct Life<C: Core> {
    machine: Machine<C>,
    actions: VecDeque<Action>,
    /// The store has answered; the machine has not heard it yet.
    answer: Option<Happening<C>>,
    feed: VecDeque<Happening<C>>,
    /// The publisher: sent up to here, acknowledged up to there.
    sent: BTreeMap<Shard, u64>,
    marks: BTreeMap<Shard, u64>,
    /// How far its reader is in the stream.
    read: usize,
}

impl<C: Core> Node<C> {
    pub fn new(owned: &[Shard], limits: Limits, dice: &mut Dice) -> Node<C> {
        let timers_held = if dice.chance(500) { 3 } else { 50_000 };
        Node {
            store: Memory::new::<C>(Time(0), timers_held),
            owned: owned.to_vec(),
            limits,
            life: None,
            lives: 0,
            refused: 0,
        }
    }

    pub fn is_alive(&self) -> bool {
        self.life.is_some()
    }

    pub fn owned(&self) -> &[Shard] {
        &self.owned
    }

    /// Begins as a stranger, with what the store holds.
    pub fn start(&mut self, now: Duration) {
        let mut found = self.store.find(&self.owned);
        self.lives += 1;
        found.aside = self.store.take(&self.owned, Uuid::from_u128(self.lives));
        let marks: BTreeMap<Shard, u64> = found.published.iter().copied().collect();
        let read = found.cursors.iter().map(|(_, cursor)| cursor.stream_seq).max().unwrap_or(0);
        let machine = Machine::new(self.limits, found, now).expect("the directory folds");
        self.life = Some(Life {
            machine,
            actions: VecDeque::new(),
            answer: None,
            feed: VecDeque::new(),
            sent: marks.clone(),
            marks,
            read: read as usize,
        });
    }

    pub fn hear(&mut self, happening: Happening<C>, now: Duration) {
        if let Some(life) = &mut self.life {
            let actions = life.machine.on(happening, now);
            life.actions.extend(actions);
        }
    }

    /// Queued for the machine as by the reader, in order.
    pub fn feed(&mut self, happening: Happening<C>) {
        if let Some(life) = &mut self.life {
            life.feed.push_back(happening);
        }
    }

    /// Carries out one thing that is under way; false if nothing was. May
    /// crash before it, in it (then nobody knows) or after it.
    pub fn turn(&mut self, dice: &mut Dice, crash: u64, now: Duration) -> (bool, Option<Out>) {
        let Some(life) = &mut self.life else { return (false, None) };
        if dice.chance(crash) {
            self.life = None;
            return (true, None);
        }
        if let Some(action) = life.actions.pop_front() {
            let out = self.carry_out(action);
            if dice.chance(crash) {
                self.life = None;
                return (true, None);
            }
            return (true, out);
        }
        let waits_for_store = life.answer.is_some();
        if waits_for_store && dice.chance(600) {
            let answer = life.answer.take().expect("just seen");
            self.hear(answer, now);
        } else if life.machine.has_room_for_events()
            && let Some(fed) = life.feed.pop_front()
        {
            self.hear(fed, now);
        } else {
            return (waits_for_store, None);
        }
        (true, None)
    }

    fn carry_out(&mut self, action: Action) -> Option<Out> {
        let life = self.life.as_mut().expect("only the living act");
        let answer = match action {
            Action::Load(plan) => Happening::Loaded(self.store.load(&plan)),
            Action::Commit(batch) if is_refused(&batch) => {
                self.refused += 1;
                Happening::Refused { why: "22003".to_owned() }
            }
            Action::Commit(batch) => {
                let database_now = self.store.commit(&batch).expect("one writer, sound batches");
                Happening::Committed { database_now }
            }
            Action::Beat => Happening::Beaten { database_now: self.store.beat() },
            Action::LoadTimers => Happening::Timers(self.store.timers(&self.owned)),
            Action::Publish(_) | Action::Alarm(_) | Action::StartOver => return None,
            Action::Answer { token, outcome } => return Some(Out::Answer(token, outcome)),
            Action::AskPassed { until } => return Some(Out::AskPassed(until)),
            Action::AnswerPassed { token, heads } => return Some(Out::AnswerPassed(token, heads)),
            Action::Repair { source, after } => return Some(Out::Repair(source, after.1)),
            Action::RepairDirectory { after } => return Some(Out::RepairDirectory(after)),
            Action::Stop(why) => panic!("{} stopped: {why}", C::SERVICE),
        };
        assert!(life.answer.is_none(), "one store action at a time");
        life.answer = Some(answer);
        None
    }

    /// The next entry on its way to the stream. A lost connection sends again from the last mark.
    pub fn publish(&mut self, dice: &mut Dice, faulty: bool, now: Duration) -> Option<Entry> {
        let life = self.life.as_mut()?;
        let shard = self.owned[dice.below(self.owned.len())];
        if faulty && dice.chance(10) {
            life.sent = life.marks.clone();
        }
        let sent = life.sent.entry(shard).or_default();
        let entry = self.store.journal(shard, *sent).next();
        match &entry {
            Some(entry) => *sent = entry.at.seq,
            None if life.marks.get(&shard) != Some(sent) => {
                life.marks.insert(shard, *sent);
                let marks = life.marks.iter().map(|(shard, seq)| (*shard, *seq)).collect();
                self.hear(Happening::Published(marks), now);
            }
            None => {}
        }
        entry
    }

    /// Takes the next message of the stream, a repeated or an early one now and then, or loses it.
    pub fn read(&mut self, stream: &[Entry], dice: &mut Dice, faulty: bool) -> bool {
        let Some(life) = &mut self.life else { return false };
        if life.read >= stream.len() {
            return false;
        }
        let mut place = life.read;
        if faulty && dice.chance(150) {
            // Out of order; it will come again in its place, unless that is lost.
            place = dice.below(stream.len());
        } else {
            life.read += 1;
            if faulty && dice.chance(60) {
                return true;
            }
        }
        if let Some(happening) = self.place(&stream[place], place as u64 + 1) {
            self.feed(happening);
        }
        true
    }

    fn place(&self, entry: &Entry, stream_seq: u64) -> Option<Happening<C>> {
        let (service, from) = (entry.at.service, entry.at.shard);
        let source = match entry.to {
            Some((to, _)) if service == C::SERVICE => Source { service, from, to, peer: true },
            _ if service == C::SERVICE => return None,
            _ => Source { service, from, to: from, peer: false },
        };
        Some(Happening::Heard { source, entry: Incoming::of(entry, stream_seq) })
    }

    /// Says where a source's journal ends.
    pub fn announce(&mut self, heads: impl Iterator<Item = Head>, service: Service, now: Duration) {
        for head in heads {
            let source = Source { service, from: head.shard, to: head.shard, peer: false };
            self.hear(Happening::Announced { source, epoch: head.epoch, seq: head.seq }, now);
        }
        let pairs: Vec<_> = self.store.pairs().collect();
        for (from, to, seq) in pairs {
            let source = Source { service: C::SERVICE, from, to, peer: true };
            self.hear(Happening::Announced { source, epoch: 1, seq }, now);
        }
    }

    pub fn heads(&self) -> Vec<Head> {
        self.owned.iter().map(|shard| self.store.head(*shard)).collect()
    }

    /// When the machine wants to be woken.
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        self.life.as_ref().map(|life| life.machine.wake_at(now))
    }

    pub fn get<T: Aggregate>(&self, id: Id) -> Option<T> {
        let body = self.store.body(RowKey::of::<T>(id))?;
        Some(rmp_serde::from_slice(&body).expect("rows hold what steps put"))
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.owned.iter().flat_map(|shard| self.store.journal(*shard, 0)).collect()
    }
}

/// The database's own no: a value that does not fit its column.
pub fn is_refused(batch: &Batch) -> bool {
    let rows = batch.rows.iter().filter_map(|(_, change)| change.put.as_ref());
    rows.flat_map(|(_, columns)| columns).any(|value| *value == Value::Int(NOT_TAKEN))
}
