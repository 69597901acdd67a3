//! What people do to the case. Who does it is found as the services would ask him; a scenario may name somebody else.

use chassis_core::{Refusal, RefusalKind};
use playbook::ProofKind;
use proto::Id;
use serde::Deserialize;

use super::{Town, form::Words};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Open,
    Acknowledge,
    Refuse,
    Assign,
    /// A step is reported as done.
    Done,
    Approve,
    Reject,
    /// The paper of an approval by word of mouth is brought, or the approver denies it.
    Confirm,
    DenyPaper,
    /// The customer was reached.
    Call,
    /// The letter went out; the visit took place.
    Send,
    Visit,
    NotReached,
    /// A named wait begins, ends.
    Wait,
    GoOn,
    /// More time for a clock is asked for, granted, refused.
    Extend,
    Grant,
    Deny,
    /// The customer asks again.
    Chase,
    Reclassify,
    Close,
    Reopen,
    /// Nothing: time passes.
    Nothing,
}

/// One deed with all that it may say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    #[serde(rename = "do")]
    pub what: What,
    /// How long after the one before: `2h`, `1 working day`.
    pub after: Option<String>,
    /// When, on the branch's clock: `2026-03-02 10:00`.
    pub at: Option<String>,
    /// A role (`gm`, `gm@area`) or a person's code.
    pub by: Option<String>,
    pub step: Option<String>,
    #[serde(default)]
    pub form: Words,
    pub proofs: Option<Vec<ProofKind>>,
    #[serde(default)]
    pub answers: Words,
    pub reason: Option<String>,
    pub outcome: Option<String>,
    /// The duty that it is about: the newest case opened for it.
    pub duty: Option<String>,
    /// By word of mouth: who approves; `by` takes it down.
    pub verbally: Option<String>,
    /// The clock that is to have more time, and which run of it.
    pub clock: Option<String>,
    pub instance: Option<String>,
    /// The wait; how much more time.
    #[serde(rename = "for")]
    pub wait: Option<String>,
    pub to: Option<String>,
    pub rule: Option<String>,
    /// What is opened; with any other deed: the newest case of this type is meant from here on.
    #[serde(rename = "type")]
    pub case_type: Option<String>,
    pub channel: Option<String>,
    /// It must be refused, with this gate; `any` for any.
    pub refused: Option<String>,
}

impl Deed {
    pub fn new(what: What) -> Deed {
        Deed {
            what,
            after: None,
            at: None,
            by: None,
            step: None,
            form: Words::new(),
            proofs: None,
            answers: Words::new(),
            reason: None,
            outcome: None,
            duty: None,
            verbally: None,
            clock: None,
            instance: None,
            wait: None,
            to: None,
            rule: None,
            case_type: None,
            channel: None,
            refused: None,
        }
    }
}

impl Town {
    /// The code of whoever does it.
    pub(super) fn by(&self, deed: &Deed, usual: Option<String>) -> Result<String, Refusal> {
        let person = match &deed.by {
            Some(who) => self.person(who),
            None => usual,
        };
        let who = deed.by.clone().unwrap_or_default();
        person.ok_or_else(|| {
            refusal(
                "nobody",
                format!("没有人可以做这件事 {who}。"),
                format!("There is nobody to do this {who}."),
            )
        })
    }

    /// Whoever takes calls: the role of the highest level that the rule book has.
    pub(super) fn usual_taker(&self) -> Option<String> {
        let mut roles: Vec<_> = self.playbook().roles.values().collect();
        roles.sort_by_key(|role| std::cmp::Reverse(role.level));
        let centre = roles.iter().find(|role| role.id.starts_with("call-centre"));
        centre.into_iter().chain(&roles).find_map(|role| self.person(&role.id))
    }

    pub(super) fn the_ticket(&self) -> Result<(Id, u32), Refusal> {
        let ticket = self.ticket().ok_or_else(|| {
            refusal("no-case", "还没有立案。".to_owned(), "No case was opened yet.".to_owned())
        })?;
        Ok((ticket.id, ticket.cycle))
    }
}

pub(super) fn refusal(gate: &str, zh: String, en: String) -> Refusal {
    Refusal::new(RefusalKind::Precondition, gate, zh, en)
}
