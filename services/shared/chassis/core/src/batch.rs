//! The batch being decided: inputs one after another, each seeing what those
//! before it did, everything collected for one commit.

mod hold;
mod orders;

pub(crate) use hold::PAGE;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use organisation::{ApplyError, Snapshot};
use proto::{Id, Service, Shard, Time, envelope::Position};

use crate::{
    actor::Actor,
    aggregate::RowKey,
    aside::{Changes, Fault, SetAside, Ward},
    core::Core,
    entry::{Entry, Said},
    epoch::{Lost, lost_tail},
    input::{Answer, Ask, Input, Outcome},
    refusal::{Halt, Refusal, RefusalKind},
    step::{Effects, Frame, RowChange, Rows, Step, TimerChange},
    store::{Batch, DirectoryEntry, Head, Remembered, RequestKey},
};

/// Entries caused by entries end here: above it a person has to look.
pub const MAX_HOPS: u8 = 64;

/// What the machine lends to a batch while it is decided.
pub(crate) struct Ground<'a> {
    /// Shards that wait for their recovery.
    pub lost: &'a [Shard],
    pub rows: &'a mut Rows,
    pub heads: &'a mut BTreeMap<Shard, Head>,
    pub pairs: &'a mut BTreeMap<(Shard, Shard), u64>,
    pub directory: &'a mut Snapshot,
    pub ward: &'a mut Ward,
    pub business_now: Time,
    /// One input at a time, for somewhere near is one that fails.
    pub alone: bool,
}

/// What was before a batch, for the case that the store does not take it.
#[derive(Default)]
pub(crate) struct Undo {
    pub heads: BTreeMap<Shard, Head>,
    pub pairs: BTreeMap<(Shard, Shard), u64>,
    /// Shards whose waiting the batch ended.
    pub lost: BTreeMap<Shard, (Head, Lost)>,
    /// Only if the batch changed it.
    pub ward: Option<Box<Ward>>,
}

/// Collected so far.
#[derive(Default)]
pub(crate) struct OpenBatch {
    rows: BTreeMap<RowKey, RowChange>,
    timers: BTreeMap<(String, Id), Option<Time>>,
    entries: Vec<Arc<Entry>>,
    undo: Undo,
    replies: Vec<Remembered>,
    /// Remembered answers, from the store and from this batch.
    known: HashMap<RequestKey, Remembered>,
    aside: Changes,
    run: Option<hold::Run>,
    /// What an operator's order is about.
    pub queue: Vec<SetAside>,
    /// Shards whose list of killers is shorter now.
    pub killers_met: BTreeSet<Shard>,
    /// Entries of the directory taken in before anything was decided.
    pub directory: Vec<DirectoryEntry>,
    pub answers: Vec<(u64, Outcome)>,
}

/// How one input ended.
pub(crate) enum Decided {
    Done,
    Needs(RowKey),
    /// The directory's own entry does not fold: stop.
    Broken(ApplyError),
}

impl OpenBatch {
    pub fn remember(&mut self, replies: Vec<Remembered>) {
        self.known.extend(replies.into_iter().map(|reply| (reply.request.clone(), reply)));
    }

    pub fn decide<C: Core>(&mut self, input: &Input<C>, ground: &mut Ground<'_>) -> Decided {
        if let Input::Command { token, ask, .. } = input
            && let Some(known) = self.known.get(&ask.request)
        {
            let outcome = known.answer(C::SERVICE, &ask.content);
            self.answers.push((*token, outcome));
            return Decided::Done;
        }
        if let Input::Again { .. } = input
            && self.has_stopped()
        {
            return Decided::Done;
        }
        if let Input::Timer(due) = input.plain()
            && self.timers.contains_key(&(due.name.clone(), due.id))
        {
            // An input before it in this batch moved it or took it away.
            self.passed(input, false, ground);
            return Decided::Done;
        }
        let home = input.home();
        let Some(head) = ground.heads.get(&home) else {
            let waits = ground.lost.contains(&home);
            self.refuse(input, if waits { lost_tail(home) } else { not_mine(home) });
            return Decided::Done;
        };
        let stamp = stamp(head.stamp, input.after(), ground.business_now);
        if !ground.ward.is_empty() && self.hold_back(input, stamp, ground) {
            return Decided::Done;
        }
        let decided = run::<C>(input, home, stamp, ground);
        match decided {
            Ran::Needs(key) => Decided::Needs(key),
            Ran::Refused(refusal) => {
                // A command may be refused; an event or a timer is a fact, so a refusal is a fault.
                if let Input::Command { .. } = input {
                    self.refuse(input, refusal);
                } else {
                    self.fail(input, Fault::Refused, &format!("refused: {refusal}"), stamp, ground);
                }
                Decided::Done
            }
            Ran::Panicked(reason) => {
                self.fail(input, Fault::Panicked, &reason, stamp, ground);
                self.refuse(input, internal());
                Decided::Done
            }
            Ran::Effects(effects, reply) => self.keep(input, home, stamp, effects, reply, ground),
        }
    }

    fn keep<C: Core>(
        &mut self,
        input: &Input<C>,
        home: Shard,
        stamp: Time,
        effects: Effects,
        reply: Option<Vec<u8>>,
        ground: &mut Ground<'_>,
    ) -> Decided {
        if input.hops() > MAX_HOPS && !effects.said.is_empty() {
            self.fail(
                input,
                Fault::Hops,
                &format!("more than {MAX_HOPS} hops: an endless loop"),
                stamp,
                ground,
            );
            return Decided::Done;
        }
        if let Input::Timer(due) = input {
            self.timers.insert((due.name.clone(), due.id), None);
        }
        for (key, change) in effects.rows {
            ground.rows.insert(key, change.put.as_ref().map(|(body, _)| body.clone()));
            self.rows.insert(key, change);
        }
        self.forget_queued_timers::<C>(&effects.timers, ground);
        self.timers.extend(effects.timers);
        for said in effects.said {
            if let Err(error) = self.write::<C>(input, home, stamp, said, ground) {
                return Decided::Broken(error);
            }
        }
        if let Some(head) = ground.heads.get_mut(&home) {
            head.stamp = stamp;
        }
        if let (Input::Command { token, ask, .. }, Some(reply)) = (input, reply) {
            self.accept(C::SERVICE, *token, ask, reply, &ground.heads[&home]);
        }
        self.passed(input, true, ground);
        Decided::Done
    }

    /// The answer to an accepted request, remembered with its effects.
    fn accept(&mut self, service: Service, token: u64, ask: &Ask, reply: Vec<u8>, head: &Head) {
        let remembered = Remembered {
            shard: head.shard,
            request: ask.request.clone(),
            content: ask.content,
            reply: reply.clone(),
            epoch: head.epoch,
            seq: head.seq,
        };
        let at = Position { service, shard: head.shard, epoch: head.epoch, seq: head.seq };
        self.known.insert(ask.request.clone(), remembered.clone());
        self.replies.push(remembered);
        self.answers.push((token, Ok(Answer { reply, at })));
    }

    /// Gives an entry its place, chains it, numbers its pair.
    fn write<C: Core>(
        &mut self,
        input: &Input<C>,
        home: Shard,
        stamp: Time,
        said: Said,
        ground: &mut Ground<'_>,
    ) -> Result<(), ApplyError> {
        let head = ground.heads.get_mut(&home).expect("checked by the caller");
        self.undo.heads.entry(home).or_insert_with(|| head.clone());
        head.seq += 1;
        let to = said.to.map(|to| {
            let pair = ground.pairs.entry((home, to)).or_default();
            self.undo.pairs.entry((home, to)).or_insert(*pair);
            *pair += 1;
            (to, *pair)
        });
        let mut entry = Entry {
            at: Position { service: C::SERVICE, shard: home, epoch: head.epoch, seq: head.seq },
            hash: [0; 32],
            kind: said.kind.into(),
            payload: said.payload,
            about: said.about,
            actor: actor_of(input),
            cause: input.cause(),
            hops: input.hops(),
            directory_seq: ground.directory.seq(),
            recorded_at: stamp,
            to,
            traceparent: input.traceparent().to_owned(),
        };
        entry.hash = entry.chained(&head.hash);
        head.hash = entry.hash;
        if C::SERVICE == Service::Directory {
            // The directory sees its own entries at once: the fold is the same as everybody's.
            ground.directory.apply(entry.at.seq, &said.event)?;
        }
        self.entries.push(Arc::new(entry));
        Ok(())
    }

    fn refuse<C: Core>(&mut self, input: &Input<C>, refusal: Refusal) {
        let token = match input {
            Input::Command { token, .. } | Input::Order { asked: Some((token, _)), .. } => *token,
            Input::Heard { .. }
            | Input::Timer(_)
            | Input::Order { asked: None, .. }
            | Input::Again { .. } => return,
        };
        self.answers.push((token, Err(refusal)));
    }

    /// What is to be committed, the answers to give after it, and how to take it back.
    pub fn close(
        mut self,
        service: Service,
        heads: &BTreeMap<Shard, Head>,
        pairs: &BTreeMap<(Shard, Shard), u64>,
    ) -> (Batch, Vec<(u64, Outcome)>, Undo) {
        self.answer_order(service, heads);
        let undo = self.undo;
        let batch = Batch {
            heads: undo.heads.keys().map(|shard| heads[shard].clone()).collect(),
            heads_before: undo.heads.values().map(|head| head.seq).collect(),
            entries: self.entries,
            rows: self.rows.into_iter().collect(),
            timers: self.timers.into_iter().map(|((name, id), due)| TimerChange { name, id, due }).collect(),
            pairs: undo.pairs.keys().map(|(from, to)| (*from, *to, pairs[&(*from, *to)])).collect(),
            replies: self.replies,
            aside: self.aside,
            directory: self.directory,
            ..Batch::default()
        };
        (batch, self.answers, undo)
    }
}

/// Always above the last one, never before its cause.
fn stamp(last: Time, after: Option<Time>, now: Time) -> Time {
    let floor = last.plus(1);
    let floor = after.map_or(floor, |cause| floor.max(cause));
    floor.max(now)
}

enum Ran {
    Effects(Effects, Option<Vec<u8>>),
    Needs(RowKey),
    Refused(Refusal),
    Panicked(String),
}

fn run<C: Core>(input: &Input<C>, home: Shard, now: Time, ground: &Ground<'_>) -> Ran {
    let own;
    let actor = match input {
        Input::Command { ask, .. } => &ask.actor,
        Input::Heard { .. } | Input::Timer(_) | Input::Order { .. } | Input::Again { .. } => {
            own = Actor::Service { name: C::SERVICE.name().to_owned() };
            &own
        }
    };
    let frame = Frame {
        service: C::SERVICE,
        shard: home,
        now,
        actor,
        directory: ground.directory,
        seed: input.seed(),
    };
    let mut step = Step::new(frame, ground.rows);
    // A panic drops the step with all it did; nothing that outlives it was touched.
    let result = catch_unwind(AssertUnwindSafe(|| match input.plain() {
        Input::Command { command, .. } => C::command(command, &mut step)
            .map(|reply| Some(rmp_serde::to_vec_named(&reply).expect("replies are plain data"))),
        Input::Heard { heard, .. } => C::event(heard, &mut step).map(|()| None),
        Input::Timer(due) => C::timer(due, &mut step).map(|()| None),
        Input::Order { .. } | Input::Again { .. } => unreachable!("`begin` takes orders"),
    }));
    match result {
        Ok(Ok(reply)) => Ran::Effects(step.finish(), reply),
        Ok(Err(Halt::Need(key))) => Ran::Needs(key),
        Ok(Err(Halt::Refuse(refusal))) => Ran::Refused(refusal),
        Err(panic) => Ran::Panicked(panic_text(&*panic)),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

fn actor_of<C: Core>(input: &Input<C>) -> String {
    input.ask().map_or_else(|| format!("service:{}", C::SERVICE), |ask| ask.actor.code())
}

pub(crate) fn not_mine(shard: Shard) -> Refusal {
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "no-owner",
        format!("分片 {shard} 不在此处，请稍后重试。"),
        format!("Shard {shard} is not here now; try again."),
    );
    refusal.retry_after_ms = Some(500);
    refusal
}

fn internal() -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "internal",
        "系统内部错误，没有任何改动；已记录待查。",
        "An internal fault; nothing was changed. It is on record for us to look at.",
    )
}
