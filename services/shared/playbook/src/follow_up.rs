//! Follow-up: call-backs, letters, visits, surveys.

use calendar::Limit;
use serde::{Deserialize, Serialize};

use crate::{
    clock::Trigger,
    condition::Condition,
    facts::{Facts, Kind},
    form::Choice,
    role::RoleAt,
    text::Text,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpKind {
    Call,
    Letter,
    Visit,
    Survey,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempts {
    pub max: u32,
    #[serde(serialize_with = "crate::model::limit_text")]
    pub every: Limit,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Whole numbers, both ends included.
    Scale {
        low: i64,
        high: i64,
    },
    Choice(Vec<Choice>),
    YesNo,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Question {
    /// Also the name of the fact that the answer becomes.
    pub id: String,
    pub text: Text,
    pub kind: QuestionKind,
    pub required: bool,
    pub rules: Vec<String>,
}

impl Question {
    pub fn fact(&self) -> Kind {
        match self.kind {
            QuestionKind::Scale { .. } => Kind::Int,
            QuestionKind::Choice(_) => Kind::Code,
            QuestionKind::YesNo => Kind::Bool,
        }
    }
}

/// What an unhappy answer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unhappy {
    /// A new cycle within so many days of closing (at once while open); later a linked case.
    Reopen {
        within_days: u32,
    },
    Linked,
    Nothing,
}

/// Points in time after the trigger: 1 week, 1, 3, 6, 12 months.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    #[serde(serialize_with = "crate::model::limit_texts")]
    pub at: Vec<Limit>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FollowUp {
    pub id: String,
    pub name: Text,
    pub kind: FollowUpKind,
    pub types: Vec<String>,
    pub after: Trigger,
    pub when: Option<Condition>,
    #[serde(serialize_with = "crate::model::limit_text")]
    pub due: Limit,
    pub due_param: Option<String>,
    pub by: RoleAt,
    /// Window field of the form whose start is preferred.
    pub preferred_time_field: Option<String>,
    /// After `max` attempts without an answer it is given up, which completes it as unreached.
    pub attempts: Attempts,
    pub script: Text,
    pub questions: Vec<Question>,
    /// Over the answers (and the case's facts).
    pub unhappy: Option<Condition>,
    pub on_unhappy: Unhappy,
    pub series: Option<Series>,
    /// Per cent of the cases; `None`: all.
    pub sample: Option<u8>,
    pub rules: Vec<String>,
}

impl FollowUp {
    pub fn applies_to(&self, case_type: &str) -> bool {
        crate::duty::applies(&self.types, case_type)
    }

    pub fn is_due_after(&self, event: &str, subject: Option<&str>, facts: &Facts) -> bool {
        self.after.matches(event, subject, facts) && Condition::met(self.when.as_ref(), facts)
    }

    /// Whether a case is in the sample. Drawn by its id, so that every replay draws the same ones, and by the rule's, so
    /// that two rules do not always draw the same cases.
    pub fn is_drawn(&self, case: &[u8; 16]) -> bool {
        let Some(percent) = self.sample else { return true };
        let bytes = self.id.bytes().chain([0]).chain(case.iter().copied());
        // FNV-1a: the same on every machine and in every version.
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // Its low digits alone repeat too soon; folded they are even.
        ((hash >> 32) ^ hash) % 100 < u64::from(percent)
    }

    /// `answers` are facts named by question.
    pub fn is_unhappy(&self, answers: &Facts) -> bool {
        self.unhappy.as_ref().is_some_and(|c| c.holds(answers))
    }
}
