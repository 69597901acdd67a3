//! From rows to histories: what happened to each case, as events of the contracts.

use std::collections::{BTreeMap, HashMap};

use chassis_core::Heard;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use playbook::{Facts, Value};
use proto::{Time, intake::v1 as intake};

use super::{
    event::{closed_once, event, opened, push, reference},
    mapping::{Activity, Flag, Mapping, Shape, Source},
    sheet::{Sheet, SheetRow},
};

/// A recorded case.
#[derive(Clone, Debug)]
pub struct History {
    pub case: String,
    /// Where it begins in the file; 0 when it comes from a journal.
    pub line: u64,
    pub case_type: String,
    pub branch: String,
    /// What its limit depends on, and what may explain another one.
    pub kind: String,
    pub queue: String,
    /// In order of time; the first one opens it.
    pub events: Vec<Heard>,
    pub target: Option<Time>,
    /// The recorder's verdict.
    pub on_time: Option<bool>,
}

impl History {
    pub fn opened_at(&self) -> Time {
        self.events.first().map_or(Time::UNSET, |first| first.recorded_at)
    }
}

/// A row that could not be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub line: u64,
    pub column: String,
    pub found: String,
    pub zh: String,
    pub en: String,
}

/// All that a file gave.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// By the line on which each begins.
    pub histories: Vec<History>,
    pub skipped: Vec<Skipped>,
    /// Activities that the mapping does not name, with how often they stand there.
    pub unmapped: BTreeMap<String, u64>,
    /// The last moment that the file knows of.
    pub until: Time,
}

/// Columns that the mapping names and the table does not have; the caller refuses the file.
fn missing(mapping: &Mapping, sheet: &Sheet) -> Option<Skipped> {
    let missing: Vec<&str> =
        mapping.columns().into_iter().filter(|column| sheet.column(column).is_none()).collect();
    (!missing.is_empty()).then(|| Skipped {
        line: 1,
        column: missing.join(", "),
        found: sheet.headings.join(", "),
        zh: "表里没有这些列".to_owned(),
        en: "the table has no such columns".to_owned(),
    })
}

/// Reads a table under a mapping.
///
/// # Errors
/// Columns that the table does not have.
pub fn read(mapping: &Mapping, sheet: &Sheet) -> Result<Reading, Skipped> {
    if let Some(why) = missing(mapping, sheet) {
        return Err(why);
    }
    let mut reader = Reader { mapping, sheet, reading: Reading::default(), codes: HashMap::new() };
    match &mapping.shape {
        Shape::Requests { opened, closed, target, on_time } => {
            reader.requests(opened, closed.as_deref(), target.as_deref(), on_time.as_ref());
        }
        Shape::Log { at, activity, events } => reader.log(at, activity, events),
    }
    Ok(reader.reading)
}

struct Reader<'a> {
    mapping: &'a Mapping,
    sheet: &'a Sheet,
    reading: Reading,
    /// Words seen already, as codes: a table has few different ones.
    codes: HashMap<String, String>,
}

impl<'a> Reader<'a> {
    fn requests(&mut self, opened: &str, closed: Option<&str>, target: Option<&str>, flag: Option<&Flag>) {
        let sheet = self.sheet;
        for row in &sheet.rows {
            let Some(at) = self.stamp(row, opened, true) else { continue };
            let closed = closed.and_then(|column| self.stamp(row, column, false));
            let target = target.and_then(|column| self.stamp(row, column, false));
            let mut history = self.begun(row, at);
            if let Some(closed) = closed.filter(|closed| *closed >= at) {
                let ticket = reference(&history);
                push(&mut history, closed, intake::TicketClosed { ticket, ..Default::default() }.into());
            }
            history.target = target;
            history.on_time = flag.and_then(|flag| match self.cell(row, &flag.column) {
                word if word == flag.yes => Some(true),
                word if word == flag.no => Some(false),
                _ => None,
            });
            self.reading.until = self.reading.until.max(at).max(closed.unwrap_or(at));
            self.reading.histories.push(history);
        }
    }

    fn log(&mut self, at: &str, activity: &str, events: &BTreeMap<String, Vec<Activity>>) {
        let sheet = self.sheet;
        let mut rows: BTreeMap<&str, Vec<(Time, &SheetRow)>> = BTreeMap::new();
        for row in &sheet.rows {
            if let Some(at) = self.stamp(row, at, true) {
                rows.entry(self.cell(row, &self.mapping.case)).or_default().push((at, row));
            }
        }
        let mut histories = Vec::with_capacity(rows.len());
        for mut rows in rows.into_values() {
            // Rows of the same moment keep the order of the file.
            rows.sort_by_key(|(at, row)| (*at, row.line));
            let Some((first, row)) = rows.first() else { continue };
            let mut history = self.begun(row, *first);
            for (at, row) in &rows {
                self.reading.until = self.reading.until.max(*at);
                let word = self.cell(row, activity);
                match events.get(word) {
                    Some(meant) => {
                        meant.iter().for_each(|meant| self.happened(&mut history, *at, row, meant))
                    }
                    None => *self.reading.unmapped.entry(word.to_owned()).or_default() += 1,
                }
            }
            closed_once(&mut history);
            histories.push(history);
        }
        histories.sort_by_key(|history| history.line);
        self.reading.histories = histories;
    }

    fn happened(&mut self, history: &mut History, at: Time, row: &SheetRow, meant: &Activity) {
        match event(meant, reference(history)) {
            Some(event) => push(history, at, event),
            None => self.reading.skipped.push(Skipped {
                line: row.line,
                column: "events".to_owned(),
                found: meant.event.clone(),
                zh: "事件日志里用不上这个事件".to_owned(),
                en: "an event log cannot say this event".to_owned(),
            }),
        }
    }

    /// The case with its opening.
    fn begun(&mut self, row: &SheetRow, at: Time) -> History {
        let mapping = self.mapping;
        let mut history = History {
            case: self.cell(row, &mapping.case).to_owned(),
            line: row.line,
            case_type: self.source(row, &mapping.case_type),
            branch: self.source(row, &mapping.branch),
            kind: mapping.kind.as_ref().map(|column| self.cell(row, column).to_owned()).unwrap_or_default(),
            queue: mapping.queue.as_ref().map(|column| self.cell(row, column).to_owned()).unwrap_or_default(),
            events: Vec::with_capacity(2),
            target: None,
            on_time: None,
        };
        let mut facts = Facts::new();
        for (name, column) in &mapping.facts {
            let code = self.code(row, column);
            if !code.is_empty() {
                facts.set(name, Value::Code(code));
            }
        }
        for meant in &mapping.first {
            let event = match meant.event.as_str() {
                "ticket.opened" => Some(opened(&history, at, &facts)),
                _ => event(meant, reference(&history)),
            };
            if let Some(event) = event {
                push(&mut history, at, event);
            }
        }
        history
    }

    fn cell<'r>(&self, row: &'r SheetRow, column: &str) -> &'r str {
        self.sheet.column(column).map_or("", |place| row.field(place))
    }

    fn source(&mut self, row: &SheetRow, source: &Source) -> String {
        match source {
            Source::Column(column) => self.code(row, column),
            Source::Fixed { fixed } => fixed.clone(),
        }
    }

    fn code(&mut self, row: &SheetRow, column: &str) -> String {
        let word = self.cell(row, column);
        match self.codes.get(word) {
            Some(code) => code.clone(),
            None => {
                let code = code_of(word);
                self.codes.insert(word.to_owned(), code.clone());
                code
            }
        }
    }

    fn stamp(&mut self, row: &SheetRow, column: &str, needed: bool) -> Option<Time> {
        let text = self.cell(row, column);
        let stamp = instant(text, self.mapping.time.as_deref(), &self.mapping.zone);
        if stamp.is_none() && (needed || !text.is_empty()) {
            self.reading.skipped.push(Skipped {
                line: row.line,
                column: column.to_owned(),
                found: text.to_owned(),
                zh: "不是时间".to_owned(),
                en: "not a time".to_owned(),
            });
        }
        stamp.map(Time::from)
    }
}

/// A stamp of the table: in the mapping's format, else RFC 3339 or the like.
fn instant(text: &str, format: Option<&str>, zone: &TimeZone) -> Option<Timestamp> {
    if text.is_empty() {
        return None;
    }
    let wall = match format {
        Some(format) => DateTime::strptime(format, text).ok()?,
        None => match text.parse::<Timestamp>() {
            Ok(instant) => return Some(instant),
            Err(_) => text.parse::<DateTime>().ok()?,
        },
    };
    zone.to_timestamp(wall).ok()
}

/// A word of a table as a code of a playbook: `Sidewalk Repair (Make Safe)` becomes `sidewalk_repair_make_safe`.
pub fn code_of(word: &str) -> String {
    let mut code = String::with_capacity(word.len());
    for c in word.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => code.push(c),
            // What is no letter of ours keeps its number, so that two words do not become one.
            c if !c.is_ascii() => code.push_str(&format!("u{:x}", u32::from(c))),
            _ if code.ends_with('_') || code.is_empty() => {}
            _ => code.push('_'),
        }
    }
    let code = code.trim_end_matches('_');
    if code.starts_with(|c: char| c.is_ascii_digit()) { format!("n{code}") } else { code.to_owned() }
}

#[cfg(test)]
mod tests {
    use proto::AnyEvent;

    use super::*;
    use crate::recorded::SheetRow;

    fn sheet(headings: &[&str], rows: &[&[&str]]) -> Sheet {
        let own = |row: &[&str]| row.iter().map(|field| (*field).to_owned()).collect();
        let row = |(at, row): (usize, &&[&str])| SheetRow { line: at as u64 + 2, fields: own(row) };
        Sheet { headings: own(headings), rows: rows.iter().enumerate().map(row).collect() }
    }

    fn names(history: &History) -> Vec<(i64, String)> {
        let name = |event: &AnyEvent| format!("{event:?}").split('(').next().unwrap_or_default().to_owned();
        history.events.iter().map(|e| (e.recorded_at.0 / Time::HOUR, name(&e.event))).collect()
    }

    #[test]
    fn words_become_codes_that_stay_apart() {
        assert_eq!(code_of("Sidewalk Repair (Make Safe)"), "sidewalk_repair_make_safe");
        assert_eq!(code_of("311 Calls"), "n311_calls");
        assert_ne!(code_of("质量"), code_of("服务"));
        assert_eq!(code_of(" - "), "");
    }

    #[test]
    fn a_log_becomes_histories_in_order_of_time() {
        let mapping = "
case: case
type: { fixed: repair }
branch: { fixed: B1 }
zone: UTC
at: at
activity: what
events: { start: work.acknowledged, mend: work.step_done(mend), end: [work.completed, ticket.closed] }
";
        let mapping = Mapping::parse("m", mapping).expect("it fits");
        let rows: &[&[&str]] = &[
            &["1", "1970-01-01T03:00:00Z", "end"],
            &["2", "1970-01-01T01:00:00Z", "start"],
            &["1", "1970-01-01T02:00:00Z", "mend"],
            &["1", "1970-01-01T05:00:00Z", "end"],
            &["1", "yesterday", "end"],
            &["2", "1970-01-01T02:00:00Z", "think"],
        ];
        let reading = read(&mapping, &sheet(&["case", "at", "what"], rows)).expect("the columns are there");
        let first = names(reading.histories.iter().find(|history| history.case == "1").expect("it is there"));
        let wanted = [
            (2, "TicketOpened"),
            (2, "WorkStepDone"),
            (3, "WorkCompleted"),
            (5, "WorkCompleted"),
            (5, "TicketClosed"),
        ];
        assert_eq!(first, wanted.map(|(at, name)| (at, name.to_owned())));
        assert_eq!(reading.histories.len(), 2);
        assert_eq!((reading.skipped.len(), reading.skipped[0].line), (1, 6));
        assert_eq!(reading.unmapped, BTreeMap::from([("think".to_owned(), 1)]));
        assert_eq!(reading.until, Time(5 * Time::HOUR));
    }

    #[test]
    fn columns_that_are_not_there_are_named() {
        let mapping = "{ case: id, type: { fixed: a }, branch: B, zone: UTC, opened: O }";
        let mapping = Mapping::parse("m", mapping).expect("it fits");
        assert_eq!(read(&mapping, &sheet(&["id"], &[])).unwrap_err().column, "B, O");
    }
}
