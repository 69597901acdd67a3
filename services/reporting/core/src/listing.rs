//! Lists in a report: rows instead of numbers, such as the deadlines missed
//! with handler and delay (DC-14), or every complaint of the week (DG-17).

use playbook::{Facts, Figure, Value};
use proto::Time;

use crate::{
    cells::duration,
    figures::{Line, Occurrence, Unit},
    row::Row,
    span::Span,
};

/// A row of a list, with what it is sorted by.
#[derive(Debug)]
pub(crate) struct Listed {
    order: (Time, String, String),
    cells: Vec<String>,
    /// Seconds late, for missed deadlines.
    delay: Option<i64>,
}

pub(crate) fn list(
    row: &Row,
    facts: &Facts,
    occurrence: &Occurrence<'_>,
    columns: &[String],
    span: &Span,
) -> Listed {
    let delay = occurrence.verdict.map(|verdict| verdict.delay(span.to));
    Listed {
        order: (occurrence.at, row.number.clone(), subject(occurrence)),
        cells: columns.iter().map(|column| cell(column, row, facts, occurrence, span)).collect(),
        delay,
    }
}

pub(crate) fn lines(figure: &Figure, columns: &[String], mut listed: Vec<Listed>) -> Vec<Line> {
    listed.sort_by(|a, b| a.order.cmp(&b.order).then_with(|| a.cells.cmp(&b.cells)));
    let line = |row: Listed| Line {
        figure: figure.id.clone(),
        name: figure.name.clone(),
        by: "row",
        key: row.cells.join(" | "),
        value: row.delay.unwrap_or(1),
        unit: if row.delay.is_some() { Unit::Duration } else { Unit::Count },
        cases: 1,
        target: None,
        columns: columns.to_vec(),
        cells: row.cells,
    };
    listed.into_iter().map(line).collect()
}

/// What an event is about besides its case: the clock, the step, the survey's rule.
pub(crate) fn subject(occurrence: &Occurrence<'_>) -> String {
    let of_moment = occurrence.moment.and_then(|moment| moment.subject.clone());
    let of_verdict = occurrence.verdict.map(|verdict| verdict.clock.clone());
    of_verdict
        .or(of_moment)
        .or_else(|| occurrence.survey.map(|survey| survey.rule.clone()))
        .unwrap_or_default()
}

fn cell(column: &str, row: &Row, facts: &Facts, occurrence: &Occurrence<'_>, span: &Span) -> String {
    let time = |at: Option<Time>| at.map(|at| span.local(at)).unwrap_or_default();
    let (verdict, moment) = (occurrence.verdict, occurrence.moment);
    match column {
        "number" => row.number.clone(),
        "branch" => row.branch.clone(),
        "type" => row.case_type.clone(),
        "state" => row.state().as_str().to_owned(),
        "at" => span.local(occurrence.at),
        "opened_at" => time(row.intake.opened_at),
        "closed_at" => time(row.closed_at()),
        "answered_at" => time(row.marks.get("answered").copied()),
        "satisfaction" => row.satisfaction().unwrap_or_default(),
        "reasons" => row.intake.reasons.join(" "),
        "breaches" => row.breaches().to_string(),
        "rungs" => row.rungs().to_string(),
        "clock" | "step" | "subject" => subject(occurrence),
        "due" | "due_at" | "deadline" => time(verdict.map(|verdict| verdict.due)),
        "done_at" => time(verdict.and_then(|verdict| verdict.done_at)),
        "delay" | "late_by" => verdict.map(|verdict| duration(verdict.delay(span.to))).unwrap_or_default(),
        "holder" | "handler" | "by" => {
            let of_verdict = verdict.and_then(|verdict| verdict.holder.clone());
            of_verdict.or_else(|| moment.and_then(|moment| moment.by.clone())).unwrap_or_default()
        }
        "word" | "reason" | "outcome" | "decision" | "role" => {
            moment.and_then(|moment| moment.word.clone()).unwrap_or_default()
        }
        "rung" | "attempt" | "stage" => {
            moment.and_then(|moment| moment.number).map(|number| number.to_string()).unwrap_or_default()
        }
        fact => facts.get(fact).map(|value| value_text(value, span)).unwrap_or_default(),
    }
}

fn value_text(value: &Value, span: &Span) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Code(code) => code.clone(),
        Value::Money { currency, minor } => {
            let sign = if *minor < 0 { "-" } else { "" };
            format!("{currency} {sign}{}.{:02}", (minor / 100).abs(), (minor % 100).abs())
        }
        Value::Date(date) => date.to_string(),
        Value::Instant(at) => span.local(Time(*at)),
        Value::Codes(codes) => codes.join(" "),
    }
}
