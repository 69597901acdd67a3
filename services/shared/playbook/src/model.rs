//! The compiled playbook: immutable, `Send + Sync`, meant to live in an `Arc`.

use std::{collections::BTreeMap, fmt::Display};

use calendar::Limit;
use serde::{Serialize, Serializer};

use crate::{
    approval::Matrix,
    case::CaseType,
    clock::Clock,
    condition::Condition,
    diagnostic::Diagnostic,
    facts::{Facts, Value},
    follow_up::FollowUp,
    load::Origin,
    recurrence::Recurrence,
    report::{Figure, Report},
    role::{Recipient, Role, RoleAt},
    table::DecisionTable,
    tell::Tell,
    text::Text,
};

/// A named parameter: a figure that an owner may change in one line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Param {
    pub id: String,
    pub name: Text,
    pub value: ParamValue,
    /// Ours, not the source's.
    pub ours: bool,
    pub rules: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamValue {
    Limit(#[serde(serialize_with = "limit_text")] Limit),
    Value(Value),
}

/// A named wait: somebody else's turn. It has an owner and an end, and pauses the clocks that honour it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    pub id: String,
    pub name: Text,
    pub owner: RoleAt,
    #[serde(serialize_with = "limit_text")]
    pub at_most: Limit,
    pub rules: Vec<String>,
}

/// A periodic obligation of a role at each branch: each time a case of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duty {
    pub id: String,
    /// The type of the cases that are opened for it.
    pub case_type: String,
    pub name: Text,
    pub role: RoleAt,
    /// Recurrence rule of RFC 5545, e.g. `FREQ=WEEKLY;BYDAY=MO`.
    pub recurs: Recurrence,
    #[serde(serialize_with = "limit_text")]
    pub due: Limit,
    pub proof: Option<String>,
    pub tell_late: Vec<Recipient>,
    pub rules: Vec<String>,
}

/// Who may see what, and for how long it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Privacy {
    /// Roles that may reveal a personal field (`*`: every personal field), always with a reason on record.
    pub reveal: BTreeMap<String, Vec<String>>,
    /// Days after closing until the personal data of a case may be erased.
    pub keep_days: u32,
    pub keep_recordings_days: u32,
    pub rules: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Playbook {
    pub id: String,
    pub version: u32,
    pub name: Text,
    /// Line of business, e.g. `dealer-group`.
    pub line: String,
    /// ISO 4217 code and number of minor digits of all money.
    pub currency: String,
    pub roles: BTreeMap<String, Role>,
    pub params: BTreeMap<String, Param>,
    /// Named waits (customer, parts, manufacturer, supplier).
    pub waits: BTreeMap<String, Wait>,
    pub types: BTreeMap<String, CaseType>,
    /// Decisions any service may ask for: eligibility, fee, liability.
    pub tables: BTreeMap<String, DecisionTable>,
    pub matrices: BTreeMap<String, Matrix>,
    pub clocks: Vec<Clock>,
    pub duties: Vec<Duty>,
    pub follow_ups: Vec<FollowUp>,
    pub tells: Vec<Tell>,
    pub figures: Vec<Figure>,
    pub reports: Vec<Report>,
    pub privacy: Privacy,
    #[serde(skip)]
    pub(crate) origin: Origin,
}

impl Playbook {
    /// Loads a playbook from its files, given as (path, text). Paths are only shown, nothing is opened.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Vec<Diagnostic>> {
        crate::load::load(files)
    }

    pub fn case_type(&self, id: &str) -> Option<&CaseType> {
        self.types.get(id)
    }

    pub fn clock(&self, id: &str) -> Option<&Clock> {
        self.clocks.iter().find(|c| c.id == id)
    }

    pub fn matrix(&self, id: &str) -> Option<&Matrix> {
        self.matrices.get(id)
    }

    /// Numbers of the rules that a matrix carries.
    pub fn matrix_rules(&self, id: &str) -> &[String] {
        self.matrix(id).map_or(&[], |matrix| &matrix.rules)
    }

    pub fn follow_up(&self, id: &str) -> Option<&FollowUp> {
        self.follow_ups.iter().find(|f| f.id == id)
    }

    pub fn figure(&self, id: &str) -> Option<&Figure> {
        self.figures.iter().find(|f| f.id == id)
    }

    /// Limit behind a parameter's name, e.g. `at_once`.
    pub fn param_limit(&self, id: &str) -> Option<&Limit> {
        match self.params.get(id).map(|p| &p.value) {
            Some(ParamValue::Limit(limit)) => Some(limit),
            _ => None,
        }
    }

    pub fn clocks_for<'a>(&'a self, case_type: &'a str) -> impl Iterator<Item = &'a Clock> {
        self.clocks.iter().filter(move |c| c.applies_to(case_type))
    }

    /// Clocks that an event starts, stops and cancels; `subject` as in `Trigger::matches`.
    pub fn clock_moves<'a>(
        &'a self,
        case_type: &'a str,
        event: &str,
        subject: Option<&str>,
        facts: &Facts,
    ) -> ClockMoves<'a> {
        let mut moves = ClockMoves::default();
        for clock in self.clocks_for(case_type) {
            if clock.started_by(event, subject, facts).is_some() {
                moves.start.push(clock);
            }
            if clock.stopped_by(event, subject, facts) {
                moves.stop.push(clock);
            }
            if clock.cancelled_by(event, subject, facts) {
                moves.cancel.push(clock);
            }
        }
        moves
    }

    /// Follow-ups that an event makes due.
    pub fn follow_ups_after<'a>(
        &'a self,
        case_type: &str,
        event: &str,
        subject: Option<&str>,
        facts: &Facts,
    ) -> Vec<&'a FollowUp> {
        self.follow_ups
            .iter()
            .filter(|f| f.applies_to(case_type) && f.is_due_after(event, subject, facts))
            .collect()
    }

    /// Messages that an event sends.
    pub fn tells_on<'a>(
        &'a self,
        case_type: &str,
        event: &str,
        subject: Option<&str>,
        facts: &Facts,
    ) -> Vec<&'a Tell> {
        self.tells.iter().filter(|t| t.applies_to(case_type) && t.is_due(event, subject, facts)).collect()
    }

    /// Whether any follow-up can ever come for a case with these facts (so that intake knows what a seal waits for).
    pub fn expects_follow_up(&self, case_type: &str, facts: &Facts) -> bool {
        self.follow_ups.iter().any(|f| f.applies_to(case_type) && Condition::met(f.when.as_ref(), facts))
    }

    /// The whole playbook as JSON, for showing and comparing.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a playbook has string keys and plain values only")
    }
}

/// What an event does to the clocks of a case.
#[derive(Debug, Default)]
pub struct ClockMoves<'a> {
    pub start: Vec<&'a Clock>,
    pub stop: Vec<&'a Clock>,
    pub cancel: Vec<&'a Clock>,
}

pub(crate) fn limit_text<S: Serializer>(limit: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(limit)
}

pub(crate) fn limit_text_opt<S: Serializer>(limit: &Option<Limit>, serializer: S) -> Result<S::Ok, S::Error> {
    match limit {
        Some(limit) => serializer.collect_str(limit),
        None => serializer.collect_str("0m"),
    }
}

pub(crate) fn limit_texts<S: Serializer>(limits: &[Limit], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(limits.iter().map(ToString::to_string))
}
