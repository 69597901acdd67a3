//! Clocks: a budget, what starts, stops, cancels and pauses it, warnings before and the ladder after the deadline.
//! The deadline itself is computed by `calendar` from (budget, start, suspensions); a playbook only says which.

use calendar::Limit;
use serde::{Deserialize, Serialize};

use crate::{
    condition::Condition,
    facts::Facts,
    role::{Recipient, RoleAt},
    text::Text,
};

/// An event that something reacts to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trigger {
    pub event: String,
    /// The step, follow-up or clock that it must be about; `None`: any.
    pub subject: Option<String>,
    pub when: Option<Condition>,
    /// The instant counts from this fact (an appointment, a promise) instead of from the event.
    pub at_fact: Option<String>,
}

impl Trigger {
    /// `subject` is the step (work.*, approval.*), follow-up or clock that the event is about, if any.
    pub fn matches(&self, event: &str, subject: Option<&str>, facts: &Facts) -> bool {
        self.event == event
            && self.subject.as_deref().is_none_or(|wanted| subject == Some(wanted))
            && Condition::met(self.when.as_ref(), facts)
    }

    /// Microseconds at which the reaction counts from: the fact, else the event's own time.
    pub fn instant(&self, event_at: i64, facts: &Facts) -> i64 {
        self.at_fact.as_deref().and_then(|fact| facts.instant(fact)).unwrap_or(event_at)
    }
}

/// Whether any of several triggers matches.
pub fn any_matches<'a>(
    triggers: &'a [Trigger],
    event: &str,
    subject: Option<&str>,
    facts: &Facts,
) -> Option<&'a Trigger> {
    triggers.iter().find(|t| t.matches(event, subject, facts))
}

/// What one instance of a clock belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Ticket,
    HandOff,
    Step,
    Approval,
    CallBack,
}

/// Whose calendar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarOf {
    Branch,
    CallCentre,
    /// Every hour of every day.
    Wall,
}

/// One row of a budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetRow {
    pub when: Option<Condition>,
    #[serde(serialize_with = "crate::model::limit_text")]
    pub limit: Limit,
    /// The named parameter the limit comes from, if any.
    pub param: Option<String>,
}

/// How much time a clock has: the first row that holds. The last row has no condition.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Budget {
    pub rows: Vec<BudgetRow>,
}

impl Budget {
    pub fn limit(&self, facts: &Facts) -> Option<&Limit> {
        self.rows.iter().find(|row| Condition::met(row.when.as_ref(), facts)).map(|row| &row.limit)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarnAt {
    /// Per cent of the budget used, 1 to 99.
    Share(u8),
    /// So long before the deadline.
    Before(#[serde(serialize_with = "crate::model::limit_text")] Limit),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Warn {
    pub at: WarnAt,
    pub tell: Vec<Recipient>,
}

/// One rung of the ladder after a breach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rung {
    /// After the deadline; `None`: at the deadline.
    #[serde(serialize_with = "crate::model::limit_text_opt")]
    pub after: Option<Limit>,
    pub tell: Vec<Recipient>,
    pub reroute: Option<RoleAt>,
    /// Severity the case is raised to.
    pub raise: Option<String>,
    /// Those told must answer with a plan.
    pub ask_plan: bool,
    pub rules: Vec<String>,
}

/// Something to be done every so often until the clock stops (daily progress to the customer).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repeat {
    #[serde(serialize_with = "crate::model::limit_text")]
    pub every: Limit,
    pub tell: Vec<Recipient>,
}

/// More time, asked for before expiry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extension {
    /// Who may ask; empty: whoever may see the case.
    pub ask: Vec<RoleAt>,
    pub approve: RoleAt,
    #[serde(serialize_with = "crate::model::limit_text")]
    pub by_at_most: Limit,
    /// How often it may be granted for one run of the clock.
    pub times: u32,
    pub rules: Vec<String>,
}

impl Extension {
    /// Whether so much more may be granted: of the same measure, and not beyond the most.
    pub fn allows(&self, longer: &Limit) -> bool {
        match (length(longer), length(&self.by_at_most)) {
            (Some((measure, longer)), Some((other, most))) => measure == other && longer <= most,
            _ => false,
        }
    }
}

/// Measure and length of a limit, so far as two limits can be compared without a calendar.
pub fn length(limit: &Limit) -> Option<(&'static str, u64)> {
    Some(match limit {
        Limit::Wall { minutes } => ("wall", u64::from(*minutes)),
        Limit::WorkingTime { minutes } => ("working time", u64::from(*minutes)),
        Limit::WorkingDays { halves } => ("working days", u64::from(*halves)),
        Limit::CalendarDays { days, .. } => ("days", u64::from(*days)),
        Limit::EndOfShift
        | Limit::EndOfNextWorkingDay
        | Limit::EndOfDay
        | Limit::EndOfMonth
        | Limit::NextWeekday { .. }
        | Limit::DayOfNextMonth { .. }
        | Limit::Before { .. } => return None,
    })
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clock {
    pub id: String,
    pub name: Text,
    /// Case types it applies to; empty: all.
    pub types: Vec<String>,
    pub scope: Scope,
    pub start: Vec<Trigger>,
    pub stop: Vec<Trigger>,
    pub cancel: Vec<Trigger>,
    /// Must hold when it starts; a re-classification that makes it false cancels it.
    pub when: Option<Condition>,
    pub limit: Budget,
    pub calendar: CalendarOf,
    /// Names of the waits that it honours.
    pub pauses: Vec<String>,
    pub warn: Vec<Warn>,
    /// Offsets ascending.
    pub ladder: Vec<Rung>,
    pub repeat: Option<Repeat>,
    pub extension: Option<Extension>,
    /// The limit is ours, not the source's: a breach is shown so.
    pub ours: bool,
    pub rules: Vec<String>,
}

impl Clock {
    pub fn applies_to(&self, case_type: &str) -> bool {
        crate::duty::applies(&self.types, case_type)
    }

    /// Whether nothing but follow-ups starts it.
    pub fn watches_follow_ups(&self) -> bool {
        let of_follow_up = |t: &Trigger| t.event.starts_with("follow_up.") || t.event.starts_with("survey.");
        !self.start.is_empty() && self.start.iter().all(of_follow_up)
    }

    /// Whether it goes on while a follow-up is open that the closing did not wait for.
    pub fn outlives_closing(&self) -> bool {
        let mut ends = self.stop.iter().chain(&self.cancel);
        self.watches_follow_ups() && ends.all(|t| t.event != "ticket.closed")
    }

    /// The trigger that starts it, if this event does.
    pub fn started_by(&self, event: &str, subject: Option<&str>, facts: &Facts) -> Option<&Trigger> {
        if !Condition::met(self.when.as_ref(), facts) {
            return None;
        }
        any_matches(&self.start, event, subject, facts)
    }

    pub fn stopped_by(&self, event: &str, subject: Option<&str>, facts: &Facts) -> bool {
        any_matches(&self.stop, event, subject, facts).is_some()
    }

    pub fn cancelled_by(&self, event: &str, subject: Option<&str>, facts: &Facts) -> bool {
        any_matches(&self.cancel, event, subject, facts).is_some()
    }
}
