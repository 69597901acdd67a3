//! The playbook's figures over rows. Rows may come in any order and in pages;
//! the lines come out in the order of the playbook, groups by their keys.

use std::collections::BTreeMap;

use playbook::{Condition, Facts, Figure, FigureKind, GroupBy, Playbook, Text, Value, report::Target};
use proto::Time;

use crate::{
    listing,
    moment::Moment,
    row::{Row, Survey},
    span::Span,
    tally::Tally,
    verdicts::{Outcome, Verdict},
};

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Thousandths.
    Rate,
    /// Seconds.
    Duration,
    /// Hundredths.
    Score,
}

impl Unit {
    /// As contracts have it.
    pub fn parse(text: &str) -> Option<Unit> {
        [Unit::Count, Unit::Rate, Unit::Duration, Unit::Score].into_iter().find(|unit| unit.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "count",
            Unit::Rate => "rate",
            Unit::Duration => "duration",
            Unit::Score => "score",
        }
    }
}

/// One figure of one group; for a list, one row of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub figure: String,
    pub name: Text,
    /// all, branch, type, severity, category; row
    pub by: &'static str,
    pub key: String,
    pub value: i64,
    pub unit: Unit,
    pub cases: u64,
    pub target: Option<Target>,
    /// Of a list: its columns and this row's cells.
    pub columns: Vec<String>,
    pub cells: Vec<String>,
}

impl Line {
    /// `None` without a target or without a case.
    pub fn on_target(&self) -> Option<bool> {
        if self.cases == 0 {
            return None;
        }
        Some(match self.target? {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }
}

/// All figures of a period at once; see [`Reckoning`] for rows in pages.
pub fn figures<'r>(rows: impl Iterator<Item = &'r Row>, playbook: &Playbook, span: &Span) -> Vec<Line> {
    let mut reckoning = Reckoning::new(playbook, playbook.figures.iter(), span, None);
    rows.for_each(|row| reckoning.take(row));
    reckoning.finish()
}

/// One time that the event of a figure happened.
pub(crate) struct Occurrence<'r> {
    pub at: Time,
    pub moment: Option<&'r Moment>,
    pub verdict: Option<&'r Verdict>,
    pub survey: Option<&'r Survey>,
}

/// Figures in the making.
pub struct Reckoning<'p> {
    playbook: &'p Playbook,
    span: &'p Span,
    /// Whose eyes it is for: lists leave out cases that he is barred from (DG-03).
    viewer: Option<&'p str>,
    books: Vec<Book<'p>>,
}

struct Book<'p> {
    figure: &'p Figure,
    /// By (place of the dimension, key).
    tallies: BTreeMap<(usize, String), Tally>,
    listed: Vec<listing::Listed>,
}

impl<'p> Reckoning<'p> {
    pub fn new(
        playbook: &'p Playbook,
        figures: impl Iterator<Item = &'p Figure>,
        span: &'p Span,
        viewer: Option<&'p str>,
    ) -> Reckoning<'p> {
        let books =
            figures.map(|figure| Book { figure, tallies: BTreeMap::new(), listed: Vec::new() }).collect();
        Reckoning { playbook, span, viewer, books }
    }

    pub fn take(&mut self, row: &Row) {
        if !row.is_shown() || row.playbook != self.playbook.id {
            return;
        }
        let mut facts = row.facts();
        if let Some(case_type) = self.playbook.case_type(&row.case_type) {
            case_type.derive(&mut facts);
        }
        let duty = self.playbook.duties.iter().any(|duty| duty.case_type == row.case_type);
        let hidden = self.viewer.is_some_and(|viewer| row.is_barred(viewer));
        for book in &mut self.books {
            // Duties count only where they are asked for: they are no customer's case.
            let asked = !duty || book.figure.filter.as_ref().is_some_and(|it| it.reads().contains(&"type"));
            if asked && Condition::met(book.figure.filter.as_ref(), &facts) {
                book.take(row, &facts, self.span, hidden);
            }
        }
    }

    pub fn finish(self) -> Vec<Line> {
        self.books.into_iter().flat_map(Book::lines).collect()
    }
}

impl Book<'_> {
    fn take(&mut self, row: &Row, facts: &Facts, span: &Span, hidden: bool) {
        match &self.figure.kind {
            FigureKind::Count { on } => {
                let count = row.occurrences(on).filter(|o| span.contains(o.at)).count() as i64;
                self.add(row, Tally::Count(count), count > 0);
            }
            FigureKind::Rate { on, part } => {
                let mut share = (0, 0);
                for occurrence in row.occurrences(on).filter(|o| span.contains(o.at)) {
                    share.0 += i64::from(part.holds(&occurrence.facts(facts)));
                    share.1 += 1;
                }
                self.add(row, Tally::Share { part: share.0, of: share.1 }, share.1 > 0);
            }
            FigureKind::Duration { from, to } => {
                let times = row.durations(from, to, span);
                let any = !times.is_empty();
                self.add(row, Tally::Times(times), any);
            }
            FigureKind::OnTime { clock } => {
                let judged = row.judged(clock.as_deref(), span);
                self.add(row, Tally::Share { part: judged.0, of: judged.1 }, judged.1 > 0);
            }
            FigureKind::Average { question } => {
                let answers = row.surveys.iter().filter(|survey| span.contains(survey.at));
                let answers: Vec<i64> = answers.filter_map(|survey| survey.answers.int(question)).collect();
                self.add(
                    row,
                    Tally::Mean { sum: answers.iter().sum(), of: answers.len() as i64 },
                    !answers.is_empty(),
                );
            }
            FigureKind::List { on, clock, columns } => {
                if !hidden {
                    let named =
                        |o: &Occurrence<'_>| clock.as_ref().is_none_or(|clock| listing::subject(o) == *clock);
                    let rows = row.occurrences(on).filter(|o| span.contains(o.at) && named(o));
                    self.listed.extend(rows.map(|o| listing::list(row, facts, &o, columns, span)));
                }
            }
        }
    }

    /// The whole group always has a line; other groups once they have a case.
    fn add(&mut self, row: &Row, tally: Tally, any: bool) {
        self.put((0, String::new()), &tally);
        if !any {
            return;
        }
        for (place, by) in self.figure.group_by.iter().enumerate() {
            self.put((place + 1, row.group_key(*by)), &tally);
        }
    }

    fn put(&mut self, key: (usize, String), tally: &Tally) {
        match self.tallies.get_mut(&key) {
            Some(sum) => merge(sum, tally),
            None => {
                self.tallies.insert(key, tally.clone());
            }
        }
    }

    fn lines(self) -> Vec<Line> {
        if let FigureKind::List { columns, .. } = &self.figure.kind {
            return listing::lines(self.figure, columns, self.listed);
        }
        let mut tallies = self.tallies;
        tallies.entry((0, String::new())).or_insert_with(|| nothing(&self.figure.kind));
        let mut lines = Vec::new();
        for ((place, key), tally) in tallies {
            let by = if place == 0 { "all" } else { group_name(self.figure.group_by[place - 1]) };
            lines.push(line(self.figure, by, key, &tally));
        }
        let ninetieth: Vec<Line> = lines.iter().filter_map(|(_, slow)| slow.clone()).collect();
        lines.into_iter().map(|(line, _)| line).chain(ninetieth).collect()
    }
}

/// The line, and for times a second one: what nine of ten stayed within.
fn line(figure: &Figure, by: &'static str, key: String, tally: &Tally) -> (Line, Option<Line>) {
    let line = Line {
        figure: figure.id.clone(),
        name: figure.name.clone(),
        by,
        key,
        value: tally.value(),
        unit: unit_of(&figure.kind),
        cases: tally.cases(),
        target: figure.target,
        columns: Vec::new(),
        cells: Vec::new(),
    };
    let slow = tally.ninetieth().map(|value| Line {
        figure: format!("{}.p90", line.figure),
        name: Text::new(
            format!("{}（九成以内）", line.name.zh),
            format!("{} (90th percentile)", line.name.en),
        ),
        value,
        target: None,
        ..line.clone()
    });
    (line, slow)
}

fn unit_of(kind: &FigureKind) -> Unit {
    match kind {
        FigureKind::Count { .. } | FigureKind::List { .. } => Unit::Count,
        FigureKind::Rate { .. } | FigureKind::OnTime { .. } => Unit::Rate,
        FigureKind::Duration { .. } => Unit::Duration,
        FigureKind::Average { .. } => Unit::Score,
    }
}

fn nothing(kind: &FigureKind) -> Tally {
    match kind {
        FigureKind::Count { .. } | FigureKind::List { .. } => Tally::Count(0),
        FigureKind::Rate { .. } | FigureKind::OnTime { .. } => Tally::Share { part: 0, of: 0 },
        FigureKind::Duration { .. } => Tally::Times(Vec::new()),
        FigureKind::Average { .. } => Tally::Mean { sum: 0, of: 0 },
    }
}

fn merge(sum: &mut Tally, more: &Tally) {
    match (sum, more) {
        (Tally::Count(sum), Tally::Count(more)) => *sum += more,
        (Tally::Share { part, of }, Tally::Share { part: more, of: cases })
        | (Tally::Mean { sum: part, of }, Tally::Mean { sum: more, of: cases }) => {
            *part += more;
            *of += cases;
        }
        (Tally::Times(times), Tally::Times(more)) => times.extend(more),
        (sum, more) => unreachable!("a figure has one kind of tally, not {sum:?} and {more:?}"),
    }
}

fn group_name(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Branch => "branch",
        GroupBy::Type => "type",
        GroupBy::Severity => "severity",
        GroupBy::Category => "category",
    }
}

impl Occurrence<'_> {
    /// The case's facts, and over them what this one event says.
    fn facts(&self, case: &Facts) -> Facts {
        let mut facts = case.clone();
        if let Some(survey) = self.survey {
            facts.absorb(survey.answers.clone());
        }
        if let Some(outcome) = self.outcome() {
            facts.set("outcome", Value::code(outcome));
        }
        facts
    }

    /// How it came out, in the words that playbooks use.
    fn outcome(&self) -> Option<&'static str> {
        if let Some(survey) = self.survey {
            return Some(if survey.unhappy { "unhappy" } else { "happy" });
        }
        let moment = self.moment?;
        Some(match (moment.event(), moment.word.as_deref()?) {
            ("approval.decided", "approved") => "approved",
            ("approval.decided", _) => "refused",
            ("clock.extension_decided", "approved") => "approved",
            ("clock.extension_decided", _) => "refused",
            ("approval.confirmed", "approved") => "approved",
            ("approval.confirmed", _) => "refused",
            ("follow_up.attempted", "reached") => "reached",
            ("follow_up.attempted", _) => "unreached",
            ("follow_up.completed", "content") => "happy",
            ("follow_up.completed", "unhappy") => "unhappy",
            ("follow_up.completed", "not_reached") => "given_up",
            _ => return None,
        })
    }
}

impl Row {
    /// What conditions may read, put together in a fixed order.
    pub fn facts(&self) -> Facts {
        let mut facts = self.intake.facts.clone();
        facts.absorb(self.work.facts.clone());
        let newest = self.surveys.iter().max_by_key(|survey| (survey.at, &survey.rule));
        if let Some(survey) = newest {
            facts.absorb(survey.answers.clone());
        }
        for (name, code) in [
            ("type", &self.case_type),
            ("category", &self.intake.category),
            ("severity", &self.intake.severity),
            ("channel", &self.intake.channel),
            ("branch", &self.branch),
        ] {
            if !code.is_empty() {
                facts.set(name, Value::code(code));
            }
        }
        facts.set("tags", Value::Codes(self.intake.tags.clone()));
        facts.set("cycle", Value::Int(self.cycle.into()));
        facts.set("reopened", Value::Bool(self.cycle > 1));
        if let Some(at) = self.intake.opened_at {
            facts.set("opened_at", Value::Instant(at.0));
        }
        facts
    }

    fn group_key(&self, by: GroupBy) -> String {
        match by {
            GroupBy::Branch => self.branch.clone(),
            GroupBy::Type => self.case_type.clone(),
            GroupBy::Severity => self.intake.severity.clone(),
            GroupBy::Category => self.intake.category.clone(),
        }
    }

    /// Every time that an event happened. Breaches are those that stand: a
    /// corrected verdict accuses nobody.
    pub(crate) fn occurrences<'r>(&'r self, event: &'r str) -> Box<dyn Iterator<Item = Occurrence<'r>> + 'r> {
        let bare = |at| Occurrence { at, moment: None, verdict: None, survey: None };
        match event {
            "clock.breached" => Box::new(
                self.verdicts
                    .iter()
                    .filter(|verdict| verdict.outcome == Outcome::Breached)
                    .map(move |verdict| Occurrence { verdict: Some(verdict), ..bare(verdict.at) }),
            ),
            "survey.answered" => Box::new(
                self.surveys.iter().map(move |survey| Occurrence { survey: Some(survey), ..bare(survey.at) }),
            ),
            _ => Box::new(
                self.log
                    .iter()
                    .filter(move |moment| moment.event() == event)
                    .filter(|moment| {
                        !(moment.event() == "clock.met" && moment.word.as_deref() == Some("cancelled"))
                    })
                    .map(move |moment| Occurrence { moment: Some(moment), ..bare(moment.at) }),
            ),
        }
    }

    /// Seconds from one event to the first of another, once per cycle, for
    /// those that ended in the span. A re-opening begins its cycle like an opening.
    fn durations(&self, from: &str, to: &str, span: &Span) -> Vec<i64> {
        (1..=self.cycle)
            .filter_map(|cycle| {
                let in_cycle = || self.log.iter().filter(move |moment| moment.cycle == cycle);
                let begins =
                    |event: &str| event == from || (from == "ticket.opened" && event == "ticket.reopened");
                let start = in_cycle().find(|moment| begins(moment.event()))?;
                let end = in_cycle().find(|moment| moment.event() == to && moment.at >= start.at)?;
                span.contains(end.at).then(|| (end.at.0 - start.at.0) / Time::SECOND)
            })
            .collect()
    }

    /// Clocks met in time, and clocks judged at all.
    fn judged(&self, clock: Option<&str>, span: &Span) -> (i64, i64) {
        let judged = self.verdicts.iter().filter(|verdict| {
            verdict.outcome != Outcome::Cancelled
                && clock.is_none_or(|clock| verdict.clock == clock)
                && span.contains(verdict.at)
        });
        judged.fold((0, 0), |(met, all), verdict| (met + i64::from(verdict.outcome == Outcome::Met), all + 1))
    }
}
