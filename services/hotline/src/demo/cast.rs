//! The cast looks at the lists, finds whose turn it is, and acts when the time has come.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use playbook::Playbook;
use proto::{Time, dispatch::v1::ListWorkRequest, follow_up::v1::ListDueRequest};
use tokio::{sync::Semaphore, time::Instant};
use tonic::Status;

use crate::demo::{
    clock::Clock,
    draw::Draws,
    hands::{self, Stage, Task},
    people::{People, Tools},
    turn::{self, Comings, Deed, Turn, What},
};

/// How many act at once.
const AT_ONCE: usize = 24;
const EVERY: Duration = Duration::from_millis(250);
/// How often somebody whose time has come, or who found no room, is sent out.
const SEND: Duration = Duration::from_millis(20);
/// Nobody minds who is so late, in business time.
const GRACE: i64 = 3 * Time::MINUTE;
/// What a list still shows so long after it was done is tried again.
const STALE: Duration = Duration::from_secs(3);
const PAGE: u32 = 500;
/// After being turned away; each time twice as long, up to half a day.
const AGAIN: i64 = 15 * Time::MINUTE;
const LONGEST_AGAIN: usize = 5;

type Key = (String, u32, What);

enum Standing {
    Waiting { due: Time },
    Flying { due: Time },
    Done { at: Instant },
}

struct Entry {
    task: Task,
    standing: Standing,
}

/// What the cast knows.
#[derive(Default)]
struct Desk {
    entries: HashMap<Key, Entry>,
    comings: Comings,
    identities: HashMap<String, String>,
    turned_away: BTreeMap<String, u64>,
    /// Branches where nobody does anything.
    silent: HashSet<String>,
}

/// Everybody, at work.
pub struct Cast {
    stage: Stage,
    desk: Mutex<Desk>,
    all_opened: AtomicBool,
    opening: AtomicUsize,
    room: Arc<Semaphore>,
}

impl Cast {
    /// Plays the cases of one rule book.
    pub fn new(people: Arc<People>, book: Arc<Playbook>, clock: Clock, draws: Draws) -> Arc<Cast> {
        Arc::new(Cast {
            stage: Stage { people, book, clock, draws },
            desk: Mutex::default(),
            all_opened: AtomicBool::new(false),
            opening: AtomicUsize::new(0),
            room: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which row a case came from, so that its life is the same in every run.
    pub fn came_from(&self, ticket: String, identity: String) {
        self.desk().identities.insert(ticket, identity);
    }

    /// A case is being opened from here until what this gives is dropped.
    pub fn opening(self: &Arc<Cast>) -> Opening {
        self.opening.fetch_add(1, Ordering::Relaxed);
        Opening(self.clone())
    }

    /// Cases that come now come from nowhere.
    pub fn all_opened(&self) {
        self.all_opened.store(true, Ordering::Relaxed);
    }

    /// Nobody at this branch does anything, until it is said otherwise.
    pub fn silence(&self, branch: &str, silent: bool) {
        let mut desk = self.desk();
        if silent {
            desk.silent.insert(branch.to_owned());
        } else {
            desk.silent.remove(branch);
        }
    }

    /// Gates at which somebody was turned away, with their counts.
    pub fn turned_away(&self) -> BTreeMap<String, u64> {
        self.desk().turned_away.clone()
    }

    /// How many should have acted a while ago, and calls that are being taken.
    pub fn overdue(&self) -> usize {
        let now = self.stage.clock.now();
        let is_overdue = |entry: &&Entry| match entry.standing {
            Standing::Waiting { due } | Standing::Flying { due } => due.plus(GRACE) <= now,
            Standing::Done { .. } => false,
        };
        let desk = self.desk();
        let awake = desk.entries.values().filter(|entry| !desk.silent.contains(&entry.task.turn.branch));
        awake.filter(is_overdue).count() + self.opening.load(Ordering::Relaxed)
    }

    /// When the next of them acts; nobody knows of anything to do: not at all.
    pub fn next_deed(&self) -> Option<Time> {
        if !self.all_opened.load(Ordering::Relaxed) || self.opening.load(Ordering::Relaxed) > 0 {
            return Some(self.stage.clock.now());
        }
        let due = |entry: &Entry| match entry.standing {
            Standing::Waiting { due } | Standing::Flying { due } => Some(due),
            Standing::Done { at } if at.elapsed() < STALE => Some(self.stage.clock.now()),
            Standing::Done { .. } => None,
        };
        self.desk().entries.values().filter_map(due).min()
    }

    /// What each open case waits for, as far as anybody can do something about it.
    pub fn waiting(&self) -> HashMap<String, String> {
        let desk = self.desk();
        let turns = desk.entries.values().map(|entry| &entry.task.turn);
        turns.map(|turn| (turn.ticket.clone(), turn.shown())).collect()
    }

    /// For ever.
    pub async fn work(self: Arc<Cast>) -> anyhow::Result<()> {
        let overseer = self.stage.people.overseer();
        tokio::join!(self.keep_looking(&overseer), self.keep_sending());
        Ok(())
    }

    /// For ever. Finding out takes long when there are thousands of cases; nobody waits for it who knows what to do.
    async fn keep_sending(self: &Arc<Cast>) {
        loop {
            self.send_out();
            tokio::time::sleep(SEND).await;
        }
    }

    async fn keep_looking(&self, overseer: &Tools) {
        loop {
            let began = Instant::now();
            match self.look(overseer).await {
                Ok(turns) => self.take_note(turns, began),
                Err(status) => self.note_refusal(format!("list: {}", status.message())),
            }
            // A list that takes long is asked for less often: looking must not keep the others from working.
            let pause = EVERY.saturating_sub(began.elapsed()).max(began.elapsed() * 2);
            tokio::time::sleep(pause).await;
        }
    }

    /// Everything that waits for somebody, as whoever oversees all branches sees it.
    async fn look(&self, overseer: &Tools) -> Result<Vec<Turn>, Status> {
        let mut turns = Vec::new();
        let mut after = String::new();
        let mut dispatch = overseer.dispatch.clone();
        loop {
            let ask = ListWorkRequest { limit: PAGE, after, ..Default::default() };
            let page = dispatch.list_work(ask).await?.into_inner();
            turns.extend(page.work.iter().flat_map(turn::of_work));
            if page.next.is_empty() {
                break;
            }
            after = page.next;
        }
        let ask = ListDueRequest { until_at: 0, limit: PAGE, branch: String::new() };
        let due = overseer.follow_up.clone().list_due(ask).await?.into_inner().follow_ups;
        turns.extend(due.iter().filter_map(turn::of_call));
        Ok(turns)
    }

    /// New turns are planned; what is no longer shown is over.
    fn take_note(&self, turns: Vec<Turn>, began: Instant) {
        let now = self.stage.clock.now();
        let complete = self.all_opened.load(Ordering::Relaxed);
        let mut desk = self.desk();
        let desk = &mut *desk;
        let mut shown = HashSet::new();
        for turn in turns {
            let key = turn.key();
            shown.insert(key.clone());
            if let Some(entry) = desk.entries.get_mut(&key) {
                entry.refresh(turn, began, now);
                continue;
            }
            let identity = match desk.identities.get(&turn.ticket) {
                Some(identity) => identity.clone(),
                None if complete => turn.number.clone(),
                // Its opening has not been answered yet.
                None => continue,
            };
            let before = desk.comings.another(&turn);
            let plan = turn::plan(self.stage.draws, &self.stage.book, &identity, &turn, before, now);
            let task = Task { turn, deed: plan.deed, identity, before, tries: 0 };
            desk.entries.insert(key, Entry { task, standing: Standing::Waiting { due: plan.due } });
        }
        desk.entries
            .retain(|key, entry| shown.contains(key) || matches!(entry.standing, Standing::Flying { .. }));
    }

    /// Sends out whoever is to act by now.
    fn send_out(self: &Arc<Cast>) {
        let now = self.stage.clock.now();
        let mut desk = self.desk();
        let Desk { entries, silent, .. } = &mut *desk;
        for (key, entry) in entries {
            let Standing::Waiting { due } = entry.standing else { continue };
            if due > now || silent.contains(&entry.task.turn.branch) {
                continue;
            }
            let Ok(place) = self.room.clone().try_acquire_owned() else { return };
            entry.standing = Standing::Flying { due };
            let (cast, key, task) = (self.clone(), key.clone(), entry.task.clone());
            tokio::spawn(async move {
                let done = cast.stage.carry_out(&task).await;
                cast.returned(&key, done);
                drop(place);
            });
        }
    }

    fn returned(&self, key: &Key, done: Result<(), hands::TurnedAway>) {
        if let Err(gate) = &done {
            tracing::debug!(?key, gate, "turned away");
            self.note_refusal(gate.clone());
        }
        let now = self.stage.clock.now();
        let mut desk = self.desk();
        let Some(entry) = desk.entries.get_mut(key) else { return };
        entry.standing = match done {
            Ok(()) => Standing::Done { at: Instant::now() },
            Err(_) => {
                let again = AGAIN << entry.task.tries.min(LONGEST_AGAIN);
                entry.task.tries += 1;
                Standing::Waiting { due: now.plus(again) }
            }
        };
    }

    fn note_refusal(&self, gate: String) {
        *self.desk().turned_away.entry(gate).or_default() += 1;
    }
}

/// A call that is being taken.
pub struct Opening(Arc<Cast>);

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.opening.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Entry {
    /// The list shows it once more. A person may have been found for a step that had none.
    fn refresh(&mut self, turn: Turn, began: Instant, now: Time) {
        if self.task.deed == Deed::Assign && !turn.person.is_empty() {
            self.task.deed = Deed::Complete;
        }
        self.task.turn = turn;
        if let Standing::Done { at } = self.standing
            && began.saturating_duration_since(at) > STALE
        {
            self.task.tries += 1;
            self.standing = Standing::Waiting { due: now };
        }
    }
}
