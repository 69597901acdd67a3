//! Quarantine: inputs that could not be decided, and what queues behind them.
//!
//! An input on which a step fails is set aside, and its aggregate is *held*
//! with it: what comes later for that aggregate queues behind, in order, until
//! somebody redrives the first or discards it. The machine keeps one line per
//! held aggregate; the inputs themselves are in the store only.

use std::collections::BTreeMap;

use proto::{Id, Shard, Time};
use serde::{Deserialize, Serialize};

use crate::refusal::{Refusal, RefusalKind};

/// Why an input could not be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The step panicked or broke an assertion.
    Panicked,
    /// The core refused a fact.
    Refused,
    /// Caused by entries that were caused by entries, too often.
    Hops,
    /// Two processes died on it, so it was not tried again.
    Died,
    /// The database does not take what it does.
    Store,
}

impl Fault {
    pub const ALL: [Fault; 5] = [Fault::Panicked, Fault::Refused, Fault::Hops, Fault::Died, Fault::Store];

    pub fn code(self) -> &'static str {
        match self {
            Fault::Panicked => "panicked",
            Fault::Refused => "refused",
            Fault::Hops => "hops",
            Fault::Died => "died",
            Fault::Store => "store",
        }
    }

    pub fn parse(code: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.code() == code)
    }
}

/// An input in quarantine: one that failed, or one that waits behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Names it; lives where the input does.
    pub id: Id,
    /// What is held with it; a command holds nothing.
    pub aggregate: Option<Id>,
    /// Its place in the aggregate's queue.
    pub place: u64,
    /// Which input: `event:<position>`, `timer:<name>:<id>`, `request:<id> <caller>`.
    pub cause: String,
    /// An event's type, a timer's name, `command`.
    pub kind: String,
    /// The input as [`crate::kept::Kept`] keeps it.
    pub payload: Vec<u8>,
    /// `None` while it only waits behind another.
    pub fault: Option<Fault>,
    /// In the program's words; for those who mend it.
    pub reason: String,
    pub at: Time,
}

impl SetAside {
    pub fn shard(&self) -> Shard {
        self.id.shard()
    }
}

/// What an operator wants done with the first of a queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The input that is to be decided again or dropped: always the first. Unasked: the aggregate itself.
    pub id: Id,
    pub wish: Wish,
    /// Out of [`REASONS`].
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wish {
    Redrive,
    Discard,
}

/// Why somebody redrives or discards. Codes, for the journal holds no free text.
pub const REASONS: [&str; 5] = ["mended", "done-by-hand", "repeated", "obsolete", "wrong"];

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// Inputs that were decided.
    pub applied: u32,
    /// The first that failed (again): it is at the head now.
    pub failed: Option<Id>,
    /// More are going to be decided by themselves.
    pub more: bool,
}

/// A held aggregate, as the machine knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub head: Id,
    /// Of the head; `None`: it waited, and is to be decided now.
    pub fault: Option<Fault>,
    /// The last place taken in the queue.
    pub last: u64,
}

/// Whom a shard belongs to, and which input he is trying: kept while he is
/// careful, so that his successor knows what he died on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trying {
    pub shard: Shard,
    pub now: Option<String>,
    /// What former owners died on, each as often as one did, not decided so far.
    pub killers: Vec<String>,
}

/// What a writer finds of all this when it takes shards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundAside {
    pub held: Vec<(Id, Held)>,
    /// Requests on which a process died: not decided again.
    pub barred: Vec<String>,
    pub killers: Vec<(Shard, Vec<String>)>,
    /// Some former owner did not leave in order.
    pub unclean: bool,
}

/// What a batch changes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New ones, and known ones that failed (again).
    pub put: Vec<SetAside>,
    pub gone: Vec<Id>,
    /// Timers set aside that were moved or taken away: aggregate, cause.
    pub gone_timers: Vec<(Id, String)>,
    pub trying: Vec<Trying>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.gone.is_empty() && self.gone_timers.is_empty() && self.trying.is_empty()
    }
}

/// All that the machine has to know while it decides. Empty in a healthy shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ward {
    pub held: BTreeMap<Id, Held>,
    /// Inputs that are not to be tried, by what names them.
    pub barred: BTreeMap<String, (Fault, String)>,
    pub killers: BTreeMap<Shard, Vec<String>>,
}

impl Ward {
    pub fn new(found: &FoundAside) -> Ward {
        let died = |cause: &String| (cause.clone(), (Fault::Died, DIED.to_owned()));
        let killers = found.killers.iter().flat_map(|(_, causes)| {
            let deaths = |cause: &String| causes.iter().filter(|other| *other == cause).count();
            causes.iter().filter(move |cause| deaths(cause) >= DEATHS)
        });
        Ward {
            held: found.held.iter().cloned().collect(),
            barred: found.barred.iter().chain(killers).map(died).collect(),
            killers: found.killers.iter().filter(|(_, causes)| !causes.is_empty()).cloned().collect(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && self.barred.is_empty() && self.killers.is_empty()
    }

    /// An aggregate whose queue waits for nobody.
    pub fn unfinished(&self) -> Option<Id> {
        self.held.iter().find(|(_, held)| held.fault.is_none()).map(|(aggregate, _)| *aggregate)
    }
}

/// One death may have had another cause: the database went down, the machine lost its power.
const DEATHS: usize = 2;
pub(crate) const DIED: &str = "two processes died on it; it was not tried again";

/// A command for what is held.
pub(crate) fn held(head: Id, fault: Option<Fault>) -> Refusal {
    let fault = fault.map_or("waits", Fault::code);
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "held",
        format!(
            "该对象有一条输入未能处理（隔离号 {head}，{fault}），在处理之前不受理操作；没有任何改动。请联系系统管理员。"
        ),
        format!(
            "An earlier input for this could not be decided (quarantine {head}, {fault}): until somebody has seen to it \
             nothing else is accepted, and nothing was changed. Tell an administrator."
        ),
    );
    refusal.retry_after_ms = Some(30_000);
    refusal
}

/// A request on which a process died.
pub(crate) fn barred() -> Refusal {
    let mut refusal = Refusal::new(
        RefusalKind::Unavailable,
        "quarantined",
        "该请求曾使服务中断，已被隔离待查；没有任何改动。请联系系统管理员。",
        "This request took the service down and is in quarantine: nothing was changed. Tell an administrator.",
    );
    refusal.retry_after_ms = Some(30_000);
    refusal
}

/// A command whose effects the database does not take.
pub(crate) fn not_stored() -> Refusal {
    Refusal::new(
        RefusalKind::Internal,
        "not-stored",
        "数据库不接受该请求的内容，没有任何改动；已记录待查。",
        "The database does not take what this request does; nothing was changed. It is on record for us to look at.",
    )
}

pub(crate) fn not_there(id: Id) -> Refusal {
    Refusal::not_found("隔离的输入", "input in quarantine", id)
}

pub(crate) fn not_first(id: Id, head: Id) -> Refusal {
    Refusal::precondition(
        "not-first",
        format!("{id} 排在 {head} 之后，请先处理后者；没有任何改动。"),
        format!("{id} waits behind {head}: see to that one first. Nothing was changed."),
    )
}

/// A command that failed was answered, so nobody decides it behind its caller's back.
pub(crate) fn answered_already(id: Id) -> Refusal {
    Refusal::precondition(
        "answered",
        format!("{id} 是一条已答复的请求，提出者需要时会再次提出；只能丢弃。"),
        format!(
            "{id} is a request, and its caller was told that nothing was changed: he asks again. It can only be discarded."
        ),
    )
}
