//! The people of the world: whose turn it is, when he does it, and what he makes of it.
//!
//! The cast looks at what is committed: a work order shows whose turn it is, a follow-up shows which calls are due. What
//! somebody does comes from dice of its own (seed, call, cycle, thing), so that it is the same whatever goes wrong
//! around it. Some take too long, refuse, reject, are unhappy; those turned away leave it to the next in line.

pub mod openings;
mod paper;
mod people;
mod turns;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chassis_core::{Actor, Grant, Refusal, store::Batch};
use dispatch_core::Work;
use notify_core::{Notice, NoticeState, Outcome, Report};
use organisation::Snapshot;
use proto::{AnyEvent, Bucket, Id, Service, Time};

use crate::{
    dice::Dice,
    event::Event,
    ground::{BEGINNING, Ground},
    order::Order,
    plan::{HOUR, MINUTE, SECOND},
    site::index,
};
pub use turns::{Task, What};

/// After being turned away.
const AGAIN: u64 = 15 * MINUTE;
/// People work from eight to eight.
const MORNING: u64 = 8 * HOUR;
const EVENING: u64 = 20 * HOUR;
/// The world's day begins at seven.
const OFFSET: u64 = 7 * HOUR;

pub struct Cast {
    seed: u64,
    /// How much faster than usual people are.
    haste: u64,
    /// Calls in all: callers and cars come again.
    calls: u64,
    /// For what is drawn as the world goes.
    pub dice: Dice,
    pub staff: Snapshot,
    /// What is planned or was done already.
    planned: BTreeSet<(Id, u32, What)>,
    /// How often the same thing has come up in a cycle.
    comings: BTreeMap<(Id, u32, String), u32>,
    /// Which call a case came from.
    origins: BTreeMap<Id, usize>,
}

impl Cast {
    pub fn new(seed: u64, haste: u64, calls: u64) -> Cast {
        Cast {
            seed,
            haste,
            calls,
            dice: Dice::new(seed, "cast"),
            staff: Snapshot::default(),
            planned: BTreeSet::new(),
            comings: BTreeMap::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Dice of their own for everything that somebody decides.
    fn dice_of(&self, words: &str) -> Dice {
        Dice::new(self.seed, words)
    }

    /// What was committed shows whose turn it is.
    pub fn notice(&mut self, service: usize, batch: &Batch, ground: &mut Ground) {
        if service == index(Service::Directory) {
            for entry in &batch.entries {
                let taken = AnyEvent::decode(&entry.kind, &entry.payload)
                    .map_err(|error| error.to_string())
                    .and_then(|event| {
                        self.staff.apply(entry.at.seq, &event).map_err(|error| error.to_string())
                    });
                if let Err(why) = taken {
                    ground.violation(format!("the directory said what cannot be taken in: {why}"));
                }
            }
        }
        for (key, change) in &batch.rows {
            let Some((body, _)) = &change.put else { continue };
            let turns = match key.table {
                "work" => turns::of_work(body),
                "follow_up_case" => turns::of_calls(body),
                "notice" => {
                    self.notice_queued(key.id, body, ground);
                    continue;
                }
                _ => continue,
            };
            for turn in turns {
                self.plan(turn, ground);
            }
        }
    }

    /// A turn that has come up is taken at its time.
    fn plan(&mut self, turn: turns::Turn, ground: &mut Ground) {
        if !self.planned.insert((turn.ticket, turn.cycle, turn.what.clone())) {
            return;
        }
        let coming = self.comings.entry((turn.ticket, turn.cycle, turn.what.name())).or_default();
        let before = *coming;
        *coming += 1;
        let origin = self.origin(turn.ticket);
        let mut dice = self.dice_of(&format!("{origin} {} {} {before}", turn.cycle, turn.what.name()));
        let minutes = turns::minutes(&turn.what, &mut dice);
        let wait = minutes * MINUTE / self.haste + dice.below(MINUTE);
        let not_before = turn.not_before.0.saturating_sub(BEGINNING.0).max(0) as u64;
        let at = in_hours(ground.now.max(not_before) + wait, dice.below(90 * MINUTE / self.haste));
        let task = Task { ticket: turn.ticket, cycle: turn.cycle, what: turn.what, before, tries: 0 };
        ground.queue.plan(at, Event::Deed(Box::new(task)));
    }

    fn origin(&self, ticket: Id) -> String {
        match self.origins.get(&ticket) {
            Some(call) => format!("call {call}"),
            // A linked case, or one whose opening has not been answered yet.
            None => format!("ticket {ticket}"),
        }
    }

    /// A case was opened for this call; what else its caller and its branch will do with it.
    pub fn came_from(&mut self, ticket: Id, call: usize, ground: &mut Ground) {
        if self.origins.insert(ticket, call).is_some() {
            return;
        }
        let mut dice = self.dice_of(&format!("call {call} extras"));
        for (extra, after) in turns::extras(&mut dice) {
            let at = in_hours(ground.now + after / self.haste, 0);
            let what = What::Extra(extra);
            let task = Task { ticket, cycle: 1, what, before: 0, tries: 0 };
            ground.queue.plan(at, Event::Deed(Box::new(task)));
        }
    }

    /// The next one in line tries, after a while.
    pub fn turned_away(&mut self, task: Task, refusal: &Refusal, ground: &mut Ground) {
        ground
            .trace
            .say(ground.now, || format!("{} of {} is turned away: {refusal}", task.what.name(), task.ticket));
        if matches!(task.what, What::Extra(_)) {
            return;
        }
        let tries = task.tries + 1;
        let wait = AGAIN * u64::from(tries.min(16)) / self.haste.min(4);
        let at = in_hours(ground.now + wait, 0);
        ground.queue.plan(at, Event::Deed(Box::new(Task { tries, ..task })));
    }

    /// What somebody does about a task now; `None`: it is over, or there is nobody.
    pub fn carry_out(
        &mut self,
        task: &Task,
        now: Time,
        row: impl Fn(Service, &'static str, Id) -> Option<Vec<u8>>,
    ) -> Option<(Actor, Order)> {
        let origin = self.origin(task.ticket);
        let dice =
            self.dice_of(&format!("{origin} {} {} {} deed", task.cycle, task.what.name(), task.before));
        match &task.what {
            What::CallBack(..) => {
                let case = read(&row(Service::FollowUp, "follow_up_case", task.ticket)?)?;
                turns::call_back(&self.staff, task, &case, dice)
            }
            What::Extra(extra) => {
                let ticket = read(&row(Service::Intake, "ticket", task.ticket)?)?;
                openings::extra(&self.staff, *extra, &ticket, dice)
            }
            // Sent out by the executor.
            What::Telling(_) => None,
            What::HandOff(_) | What::Step(..) | What::Approval(..) => {
                let work: Work = read(&row(Service::Dispatch, "work", task.ticket)?)?;
                turns::work(&self.staff, task, &work, dice, now)
            }
        }
    }

    /// A notice waits to be sent: its executor will do so.
    fn notice_queued(&mut self, id: Id, body: &[u8], ground: &mut Ground) {
        let Some(notice) = read::<Notice>(body) else { return };
        if let NoticeState::Queued { since } = notice.state
            && self.planned.insert((id, 0, What::Telling(since.0)))
        {
            let delay = ground.dice.between(SECOND / 2, 5 * SECOND);
            ground.after(delay, Event::Tell { notice: id, since, shard: id.shard(), again: false });
        }
    }

    /// Sends a message out; what is to be reported. A crash before the report makes it go out again.
    pub fn send_out(
        &mut self,
        id: Id,
        since: Time,
        again: bool,
        body: Option<Vec<u8>>,
        ground: &mut Ground,
    ) -> Option<Report> {
        let notice: Notice = read(&body?)?;
        if notice.state != (NoticeState::Queued { since }) {
            return None;
        }
        let mut dice = self.dice_of(&format!("{} {} {}", notice.rule, notice.recipient, since.0));
        if !again && dice.chance(20) {
            ground.after(2 * SECOND, Event::Tell { notice: id, since, shard: id.shard(), again: true });
            return None;
        }
        let outcome = match dice.below(100) {
            0..4 => Outcome::Failed { reason: "unreachable".to_owned(), for_good: false },
            4 => Outcome::Failed { reason: "no-address".to_owned(), for_good: true },
            _ => Outcome::Sent { text: None, to: None, may_be_double: again },
        };
        Some(Report { notice: id, queued_at: since, outcome })
    }

    /// Somebody goes on leave, comes back, leaves the company, or joins it.
    pub fn reorganise(&mut self, number: u64, now: Time) -> Option<Order> {
        let mut dice = self.dice_of(&format!("reorganise {number}"));
        people::change(&self.staff, &mut dice, now)
    }

    /// Cases that are known, for whoever wants to ask about them.
    pub fn some_tickets(&self, count: usize) -> Vec<Id> {
        self.origins.keys().rev().take(count).copied().collect()
    }
}

/// A time at which people work: that one, or the next morning.
fn in_hours(at: u64, jitter: u64) -> u64 {
    let of_day = (at + OFFSET) % (24 * HOUR);
    if (MORNING..EVENING).contains(&of_day) {
        return at;
    }
    let until_morning = (24 * HOUR + MORNING - of_day) % (24 * HOUR);
    at + until_morning + jitter
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Option<T> {
    rmp_serde::from_slice(body).ok()
}

/// Whoever sends messages out and reports.
pub fn executor() -> Actor {
    let grants = vec![Grant { role: "service".to_owned(), node: "QH".to_owned() }];
    Actor::System { code: "notify".to_owned(), grants }
}

/// The same try has the same request id.
pub fn entropy_of(notice: Id, since: Time) -> [u8; 9] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(notice.uuid().as_bytes()).update(&since.0.to_le_bytes());
    *hasher.finalize().as_bytes().first_chunk().expect("a hash is longer")
}

/// An id made of words.
fn id_of(words: &str, bucket: Bucket) -> Id {
    let hash = blake3::hash(words.as_bytes());
    Id::of_hash(*hash.as_bytes().first_chunk().expect("a hash is longer"), bucket)
}

/// Everything that orders need to be shared.
fn arc<T>(value: T) -> Arc<T> {
    Arc::new(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_sleep() {
        let ten = 3 * HOUR;
        assert_eq!(in_hours(ten, 7), ten);
        let night = 16 * HOUR;
        assert_eq!(in_hours(night, 7), 25 * HOUR + 7);
        assert_eq!(in_hours(0, 7), HOUR + 7, "seven is too early");
    }
}
