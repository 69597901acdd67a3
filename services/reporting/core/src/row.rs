//! A ticket as boards and reports see it. Each source writes a part of its
//! own; what is shown is derived, so that the order in which sources were
//! heard leaves no trace.

use std::collections::{BTreeMap, BTreeSet};

use chassis_core::{Aggregate, Column, ColumnKind, Table, Value};
use playbook::Facts;
use proto::{Id, Time, common::v1::TicketRef};
use serde::{Deserialize, Serialize};

use crate::{
    moment::Moment,
    verdicts::{Outcome, Running, Verdict},
};

/// Sorts behind every deadline: 9999-01-01.
pub const NO_DEADLINE: Time = Time(253_370_764_800_000_000);

/// Where a case is, as boards filter it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Opened,
    /// Handed to a branch that has not acknowledged.
    Dispatched,
    Working,
    /// Dispatch's seal is on record.
    WorkDone,
    /// Follow-up's seal as well.
    FollowedUp,
    Closed,
}

impl State {
    pub const ALL: [State; 6] =
        [State::Opened, State::Dispatched, State::Working, State::WorkDone, State::FollowedUp, State::Closed];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Opened => "opened",
            State::Dispatched => "dispatched",
            State::Working => "working",
            State::WorkDone => "work_done",
            State::FollowedUp => "followed_up",
            State::Closed => "closed",
        }
    }
}

/// What intake said last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntakePart {
    /// `None` until `ticket.opened` was heard; the row is not shown before.
    pub opened_at: Option<Time>,
    pub category: String,
    pub severity: String,
    pub channel: String,
    pub tags: Vec<String>,
    pub reasons: Vec<String>,
    pub barred: Vec<String>,
    pub facts: Facts,
}

/// What dispatch said last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkPart {
    pub cycle: u32,
    /// A person, else the role that the work waits with.
    pub holder: String,
    pub step: String,
    pub facts: Facts,
    /// Barred by what a step found out.
    #[serde(default)]
    pub barred: Vec<String>,
}

/// A survey's answers, each a typed fact named by its question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    pub at: Time,
    pub cycle: u32,
    pub rule: String,
    pub answers: Facts,
    pub unhappy: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub id: Id,
    pub number: String,
    pub branch: String,
    pub playbook: String,
    pub version: u32,
    pub case_type: String,
    /// The newest that any source spoke of.
    pub cycle: u32,
    pub intake: IntakePart,
    pub work: WorkPart,
    pub clocks: Vec<Running>,
    pub verdicts: Vec<Verdict>,
    pub surveys: Vec<Survey>,
    /// When answered, resolved and told were first established.
    pub marks: BTreeMap<String, Time>,
    /// In the order of time.
    pub log: Vec<Moment>,
}

impl Row {
    /// From the reference that rides on every event of a ticket.
    pub(crate) fn first_heard(id: Id, ticket: &TicketRef) -> Row {
        let playbook = ticket.playbook.clone().unwrap_or_default();
        Row {
            id,
            number: ticket.number.clone(),
            branch: ticket.branch.clone(),
            playbook: playbook.id,
            version: playbook.version,
            case_type: ticket.case_type.clone(),
            cycle: ticket.cycle,
            intake: IntakePart::default(),
            work: WorkPart::default(),
            clocks: Vec::new(),
            verdicts: Vec::new(),
            surveys: Vec::new(),
            marks: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    /// Puts an event into its place in time.
    pub(crate) fn note(&mut self, moment: Moment) {
        let place = self.log.partition_point(|other| *other <= moment);
        self.log.insert(place, moment);
    }

    /// The first time that something was established, whoever said it first.
    pub(crate) fn mark(&mut self, marks: &[String], at: Time) {
        for mark in marks {
            let first = self.marks.entry(mark.clone()).or_insert(at);
            *first = at.min(*first);
        }
    }

    /// The events of the current cycle, newest last.
    fn current(&self) -> impl DoubleEndedIterator<Item = &Moment> {
        self.log.iter().filter(|moment| moment.cycle == self.cycle)
    }

    fn has(&self, event: &str) -> bool {
        self.current().any(|moment| moment.event() == event)
    }

    pub fn state(&self) -> State {
        if self.closed_at().is_some() {
            State::Closed
        } else if self.has("work.completed") {
            if self.has("follow_up.completed") { State::FollowedUp } else { State::WorkDone }
        } else {
            self.work_state()
        }
    }

    fn work_state(&self) -> State {
        let mut state = State::Opened;
        for moment in self.current() {
            match moment.event() {
                "work.dispatched" => state = State::Dispatched,
                "work.acknowledged" | "work.step_done" => state = State::Working,
                "work.refused" => state = State::Opened,
                _ => {}
            }
        }
        state
    }

    /// When the current cycle was closed.
    pub fn closed_at(&self) -> Option<Time> {
        self.current().rev().find(|moment| moment.event() == "ticket.closed").map(|moment| moment.at)
    }

    pub fn holder(&self) -> Option<&str> {
        let shown =
            self.work.cycle == self.cycle && !self.work.holder.is_empty() && self.closed_at().is_none();
        shown.then_some(self.work.holder.as_str())
    }

    pub fn step(&self) -> Option<&str> {
        let shown =
            self.work.cycle == self.cycle && !self.work.step.is_empty() && !self.has("work.completed");
        shown.then_some(self.work.step.as_str())
    }

    /// The clock that runs out first (or ran out and is still not met).
    pub fn next_clock(&self) -> Option<(&str, Time)> {
        let running = self.clocks.iter().filter(|clock| clock.cycle == self.cycle);
        running
            .filter_map(|clock| Some((clock.clock.as_str(), clock.due?)))
            .min_by_key(|(clock, due)| (*due, *clock))
    }

    pub fn breaches(&self) -> u32 {
        self.verdicts.iter().filter(|verdict| verdict.outcome == Outcome::Breached).count() as u32
    }

    /// Rungs of ladders that fired.
    pub fn rungs(&self) -> u32 {
        self.log.iter().filter(|moment| moment.event() == "escalation.raised").count() as u32
    }

    /// The newest survey in a word: its score, else content or unhappy.
    pub fn satisfaction(&self) -> Option<String> {
        let survey = self.surveys.iter().max_by_key(|survey| (survey.at, &survey.rule))?;
        let score = survey.answers.iter().find_map(|(name, _)| survey.answers.int(name));
        Some(match score {
            Some(score) => score.to_string(),
            None if survey.unhappy => "unhappy".to_owned(),
            None => "content".to_owned(),
        })
    }

    /// The newest thing that happened: a period after it need not look here.
    pub fn last_at(&self) -> Time {
        self.log.last().map_or(Time::UNSET, |moment| moment.at)
    }

    /// What is shown at all: an opening must have been heard.
    pub fn is_shown(&self) -> bool {
        self.intake.opened_at.is_some()
    }

    pub fn is_barred(&self, person: &str) -> bool {
        self.intake.barred.iter().chain(&self.work.barred).any(|barred| barred == person)
    }

    /// Everybody who may take no part, whoever said it.
    fn barred(&self) -> Vec<String> {
        let all: BTreeSet<&String> = self.intake.barred.iter().chain(&self.work.barred).collect();
        all.into_iter().cloned().collect()
    }
}

/// A bar is never lifted by an event that does not repeat it.
pub(crate) fn bar(known: &mut Vec<String>, more: &[String]) {
    known.extend(more.iter().cloned());
    known.sort();
    known.dedup();
}

const fn column(name: &'static str, kind: ColumnKind) -> Column {
    Column { name, kind }
}

pub(crate) const TABLE: &Table = &Table {
    name: "ticket_row",
    columns: &[
        column("number", ColumnKind::Text),
        column("branch", ColumnKind::Text),
        column("playbook", ColumnKind::Text),
        column("case_type", ColumnKind::Text),
        column("state", ColumnKind::Text),
        column("open", ColumnKind::Bool),
        column("category", ColumnKind::Text),
        column("severity", ColumnKind::Text),
        column("holder", ColumnKind::Text),
        column("barred", ColumnKind::Words),
        column("opened_at", ColumnKind::Time),
        column("closed_at", ColumnKind::Time),
        column("rank_at", ColumnKind::Time),
        column("last_at", ColumnKind::Time),
    ],
};

impl Aggregate for Row {
    const TABLE: &'static Table = TABLE;

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        let state = self.state();
        vec![
            self.number.as_str().into(),
            self.branch.as_str().into(),
            self.playbook.as_str().into(),
            self.case_type.as_str().into(),
            state.as_str().into(),
            (state != State::Closed).into(),
            self.intake.category.as_str().into(),
            self.intake.severity.as_str().into(),
            self.holder().map(str::to_owned).into(),
            Value::Words(self.barred()),
            self.intake.opened_at.into(),
            self.closed_at().into(),
            self.next_clock().map_or(NO_DEADLINE, |(_, due)| due).into(),
            self.last_at().into(),
        ]
    }
}
