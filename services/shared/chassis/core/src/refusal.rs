//! How a step ends without effect: it needs more rows, or it refuses.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::aggregate::RowKey;

/// What kind of answer a refusal is; maps one to one on gRPC status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalKind {
    /// The input does not fit; `violations` say where.
    Invalid,
    NotFound,
    /// The case is not in a state for this; `gate` names what is missing.
    Precondition,
    /// Out of date: the stage or cycle has moved on. Read again.
    Aborted,
    /// Not his to do.
    Denied,
    /// The request id was used with other content.
    AlreadyExists,
    /// Too much at once; try again after the delay.
    Exhausted,
    /// Not now: no owner, a restart, a lost session. A retry mends it.
    Unavailable,
    /// A fault of ours; the text is an id to look for in the log.
    Internal,
}

/// One field that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    pub field: String,
    pub zh: String,
    pub en: String,
}

/// A typed no. It says what happened, that nothing was changed, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{kind:?} ({gate}): {en}")]
pub struct Refusal {
    pub kind: RefusalKind,
    /// A stable code: `completed`, `barred`, `needs-proof`, `stale-cycle`.
    pub gate: String,
    pub zh: String,
    pub en: String,
    /// The numbers that the playbook's clause carries, if it was a clause that decided (`DG-03, DG-18`). No service knows
    /// a number by itself.
    pub rule: Option<String>,
    pub violations: Vec<Violation>,
    /// With `Exhausted` and `Unavailable`: when to try again.
    pub retry_after_ms: Option<u32>,
}

impl Refusal {
    pub fn new(kind: RefusalKind, gate: &str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
        Refusal {
            kind,
            gate: gate.to_owned(),
            zh: zh.into(),
            en: en.into(),
            rule: None,
            violations: Vec::new(),
            retry_after_ms: None,
        }
    }

    pub fn precondition(gate: &str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Precondition, gate, zh, en)
    }

    pub fn denied(gate: &str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Denied, gate, zh, en)
    }

    pub fn not_found(what_zh: &str, what_en: &str, id: impl std::fmt::Display) -> Refusal {
        Refusal::new(
            RefusalKind::NotFound,
            "not-found",
            format!("没有找到{what_zh} {id}。"),
            format!("There is no {what_en} {id}."),
        )
    }

    /// One message for all fields that do not fit.
    pub fn invalid(violations: Vec<Violation>) -> Refusal {
        let list = |text: fn(&Violation) -> &str| {
            violations.iter().map(|v| format!("{}: {}", v.field, text(v))).collect::<Vec<_>>().join("; ")
        };
        let (zh, en) = (list(|v| &v.zh), list(|v| &v.en));
        let mut refusal = Refusal::new(RefusalKind::Invalid, "invalid", zh, en);
        refusal.violations = violations;
        refusal
    }

    pub fn field(field: &str, zh: impl Into<String>, en: impl Into<String>) -> Refusal {
        Refusal::invalid(vec![Violation { field: field.to_owned(), zh: zh.into(), en: en.into() }])
    }

    /// Names the rules of the clause that decided; a clause without any adds nothing.
    #[must_use]
    pub fn citing<R: AsRef<str>>(mut self, rules: &[R]) -> Refusal {
        let rules: Vec<&str> = rules.iter().map(AsRef::as_ref).collect();
        self.rule = (!rules.is_empty()).then(|| rules.join(", "));
        self
    }
}

/// Why a step stopped; what it had changed is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Rows that the step asked for and nobody loaded: load them, run it again.
    Need(RowKey),
    Refuse(Refusal),
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Halt::Refuse(refusal)
    }
}
