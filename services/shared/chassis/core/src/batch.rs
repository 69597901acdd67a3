//! The batch being decided: inputs one after another, each seeing what those
//! before it did, everything collected for one commit.

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
    core::Core,
    entry::{Entry, Said},
    epoch::lost_tail,
    input::{Answer, Input, Outcome},
    refusal::{Halt, Refusal, RefusalKind},
    step::{Effects, Frame, RowChange, Rows, Step, TimerChange},
    store::{Batch, DirectoryEntry, Head, Remembered, RequestKey, SetAside},
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
    pub business_now: Time,
}

/// Collected so far.
#[derive(Default)]
pub(crate) struct OpenBatch {
    rows: BTreeMap<RowKey, RowChange>,
    timers: BTreeMap<(String, Id), Option<Time>>,
    entries: Vec<Arc<Entry>>,
    heads_before: BTreeMap<Shard, u64>,
    pairs: BTreeSet<(Shard, Shard)>,
    replies: Vec<Remembered>,
    /// Remembered answers, from the store and from this batch.
    known: HashMap<RequestKey, Remembered>,
    set_aside: Vec<SetAside>,
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
            let outcome = repeat_answer::<C>(known, &ask.content);
            self.answers.push((*token, outcome));
            return Decided::Done;
        }
        if let Input::Timer(due) = input
            && self.timers.contains_key(&(due.name.clone(), due.id))
        {
            // An input before it in this batch moved it or took it away.
            return Decided::Done;
        }
        let home = input.home();
        let Some(head) = ground.heads.get(&home) else {
            let waits = ground.lost.contains(&home);
            self.refuse(input, if waits { lost_tail(home) } else { not_mine(home) });
            return Decided::Done;
        };
        let stamp = stamp(head.stamp, input.after(), ground.business_now);
        let decided = run::<C>(input, home, stamp, ground);
        match decided {
            Ran::Needs(key) => Decided::Needs(key),
            Ran::Refused(refusal) => {
                self.refuse_or_set_aside(input, refusal, stamp);
                Decided::Done
            }
            Ran::Panicked(reason) => {
                self.set_aside_input(input, reason, stamp);
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
            self.set_aside_input(input, format!("more than {MAX_HOPS} hops: an endless loop"), stamp);
            return Decided::Done;
        }
        if let Input::Timer(due) = input {
            self.timers.insert((due.name.clone(), due.id), None);
        }
        for (key, change) in effects.rows {
            ground.rows.insert(key, change.put.as_ref().map(|(body, _)| body.clone()));
            self.rows.insert(key, change);
        }
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
            let head = &ground.heads[&home];
            let remembered = Remembered {
                shard: home,
                request: ask.request.clone(),
                content: ask.content,
                reply: reply.clone(),
                epoch: head.epoch,
                seq: head.seq,
            };
            let at = Position { service: C::SERVICE, shard: home, epoch: head.epoch, seq: head.seq };
            self.known.insert(ask.request.clone(), remembered.clone());
            self.replies.push(remembered);
            self.answers.push((*token, Ok(Answer { reply, at })));
        }
        Decided::Done
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
        self.heads_before.entry(home).or_insert(head.seq);
        head.seq += 1;
        let to = said.to.map(|to| {
            let pair = ground.pairs.entry((home, to)).or_default();
            *pair += 1;
            self.pairs.insert((home, to));
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
        if let Input::Command { token, .. } = input {
            self.answers.push((*token, Err(refusal)));
        }
    }

    /// A command may be refused; an event or a timer is a fact, so a refusal is a fault.
    fn refuse_or_set_aside<C: Core>(&mut self, input: &Input<C>, refusal: Refusal, stamp: Time) {
        match input {
            Input::Command { .. } => self.refuse(input, refusal),
            Input::Heard { .. } | Input::Timer(_) => {
                self.set_aside_input(input, format!("refused: {refusal}"), stamp);
            }
        }
    }

    fn set_aside_input<C: Core>(&mut self, input: &Input<C>, reason: String, at: Time) {
        let (kind, subject) = match input {
            Input::Command { .. } => ("command".to_owned(), None),
            Input::Heard { heard, .. } => (format!("{:?}", heard.at), heard.subject),
            Input::Timer(due) => {
                self.timers.insert((due.name.clone(), due.id), None);
                (format!("timer {}", due.name), Some(due.id))
            }
        };
        let payload = match input {
            Input::Command { command, .. } => rmp_serde::to_vec_named(&**command).unwrap_or_default(),
            Input::Heard { .. } | Input::Timer(_) => Vec::new(),
        };
        let (shard, cause) = (input.home(), input.cause());
        self.set_aside.push(SetAside { shard, cause, kind, payload, subject, reason, at });
    }

    /// What is to be committed, and the answers to give after it.
    pub fn close(
        self,
        heads: &BTreeMap<Shard, Head>,
        pairs: &BTreeMap<(Shard, Shard), u64>,
    ) -> (Batch, Vec<(u64, Outcome)>) {
        let batch = Batch {
            heads: self.heads_before.keys().map(|shard| heads[shard].clone()).collect(),
            heads_before: self.heads_before.values().copied().collect(),
            entries: self.entries,
            rows: self.rows.into_iter().collect(),
            timers: self.timers.into_iter().map(|((name, id), due)| TimerChange { name, id, due }).collect(),
            pairs: self.pairs.iter().map(|(from, to)| (*from, *to, pairs[&(*from, *to)])).collect(),
            replies: self.replies,
            set_aside: self.set_aside,
            directory: self.directory,
            ..Batch::default()
        };
        (batch, self.answers)
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
        Input::Heard { .. } | Input::Timer(_) => {
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
    let result = catch_unwind(AssertUnwindSafe(|| match input {
        Input::Command { command, .. } => C::command(command, &mut step)
            .map(|reply| Some(rmp_serde::to_vec_named(&reply).expect("replies are plain data"))),
        Input::Heard { heard, .. } => C::event(heard, &mut step).map(|()| None),
        Input::Timer(due) => C::timer(due, &mut step).map(|()| None),
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
    match input {
        Input::Command { ask, .. } => ask.actor.code(),
        Input::Heard { .. } | Input::Timer(_) => format!("service:{}", C::SERVICE),
    }
}

fn repeat_answer<C: Core>(known: &Remembered, content: &[u8; 16]) -> Outcome {
    if known.content != *content {
        return Err(Refusal::new(
            RefusalKind::AlreadyExists,
            "request-reused",
            "这个请求号已经用于另一内容，本次没有任何改动。请换一个新的请求号。",
            "This request id was used with other content; nothing was changed. Use a new request id.",
        ));
    }
    let at = Position { service: C::SERVICE, shard: known.shard, epoch: known.epoch, seq: known.seq };
    Ok(Answer { reply: known.reply.clone(), at })
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
