//! One value of a case: where it comes from in a row, and what is made of it.

use std::collections::BTreeMap;

use jiff::{civil, fmt::strtime};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::import::{
    Wrong,
    invent::{Invention, invent},
    table::{Line, Table},
    value,
};

#[derive(Debug, Error)]
pub enum CellError {
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    #[error("a column's name, or one of constant, column, join, first, invent")]
    Origin,
    #[error("at most one of choices, words, date, window")]
    Shapes,
    #[error("`{0}` needs a column, and `words` a list that is not empty")]
    Words(&'static str),
}

#[derive(Clone, Debug)]
enum Origin {
    Constant(String),
    Column(String),
    Join {
        columns: Vec<String>,
        by: String,
    },
    /// The first of these that gives something.
    First(Vec<Cell>),
    Invented(Invention),
}

#[derive(Clone, Debug)]
enum Shape {
    Plain,
    Choices(BTreeMap<String, String>),
    /// `then`, if the text holds one of the words outside of the phrases in `unless`.
    Words {
        words: Vec<String>,
        unless: Vec<String>,
        then: String,
    },
    Date {
        format: String,
    },
    /// `18:00-20:00`, so many days after the day of the import.
    Window {
        days: i64,
    },
}

#[derive(Clone, Debug)]
pub struct Cell {
    origin: Origin,
    take: Option<usize>,
    shape: Shape,
    /// What a blank, an unknown choice or a text without the words gives.
    otherwise: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Spec {
    constant: Value,
    column: Option<String>,
    join: Option<Vec<String>>,
    by: Option<String>,
    first: Option<Vec<Value>>,
    invent: Option<Invention>,
    take: Option<usize>,
    choices: Option<BTreeMap<String, Value>>,
    words: Option<Vec<String>>,
    unless: Vec<String>,
    then: Value,
    date: Option<String>,
    window: Option<WindowSpec>,
    otherwise: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowSpec {
    days_later: i64,
}

/// What a row is read with.
pub(crate) struct Reader<'a> {
    pub table: &'a Table,
    pub line: &'a Line,
    pub source: &'a str,
    pub key: &'a str,
    pub day: civil::Date,
}

impl Cell {
    pub fn constant(text: &str) -> Cell {
        Cell { origin: Origin::Constant(text.to_owned()), take: None, shape: Shape::Plain, otherwise: None }
    }

    /// A bare word is a column.
    pub fn parse(given: &Value) -> Result<Cell, CellError> {
        if let Value::String(column) = given {
            let origin = Origin::Column(column.clone());
            return Ok(Cell { origin, take: None, shape: Shape::Plain, otherwise: None });
        }
        // Serde would read a list as a struct's fields in order.
        if !given.is_object() {
            return Err(CellError::Origin);
        }
        let spec: Spec = serde_json::from_value(given.clone())?;
        let shape = shape(&spec)?;
        Ok(Cell { take: spec.take, shape, otherwise: value::text(&spec.otherwise), origin: origin(spec)? })
    }

    pub fn columns<'a>(&'a self, into: &mut Vec<&'a str>) {
        match &self.origin {
            Origin::Column(column) => into.push(column),
            Origin::Join { columns, .. } => into.extend(columns.iter().map(String::as_str)),
            Origin::First(cells) => cells.iter().for_each(|cell| cell.columns(into)),
            Origin::Constant(_) | Origin::Invented(_) => {}
        }
    }

    /// The value; `None`: nothing stands there.
    pub(crate) fn read(&self, reader: &Reader<'_>) -> Result<Option<String>, Wrong> {
        let text = match self.text(reader)? {
            Some(text) => text,
            None => return Ok(self.otherwise.clone()),
        };
        let text: String = match self.take {
            Some(length) => text.chars().take(length).collect(),
            None => text,
        };
        match &self.shape {
            Shape::Plain => Ok(Some(text)),
            Shape::Choices(choices) => self.choose(choices, &text).map(Some),
            Shape::Words { words, unless, then } => {
                Ok(if holds(&text, words, unless) { Some(then.clone()) } else { self.otherwise.clone() })
            }
            Shape::Date { format } => self.date(format, &text).map(Some),
            Shape::Window { days } => self.window(*days, &text, reader.day).map(Some),
        }
    }

    fn text(&self, reader: &Reader<'_>) -> Result<Option<String>, Wrong> {
        let column = |name: &str| reader.table.field(reader.line, name);
        let text = match &self.origin {
            Origin::Constant(text) => text.clone(),
            Origin::Column(name) => column(name).to_owned(),
            Origin::Join { columns, by } => {
                let parts: Vec<&str> =
                    columns.iter().map(|name| column(name)).filter(|part| !part.is_empty()).collect();
                parts.join(by)
            }
            Origin::First(cells) => return first(cells, reader),
            Origin::Invented(what) => invent(*what, reader.source, reader.key),
        };
        Ok((!text.is_empty()).then_some(text))
    }

    fn name(&self) -> String {
        let mut columns = Vec::new();
        self.columns(&mut columns);
        columns.first().map(|column| (*column).to_owned()).unwrap_or_default()
    }

    fn choose(&self, choices: &BTreeMap<String, String>, text: &str) -> Result<String, Wrong> {
        let known = choices.get(text).or(self.otherwise.as_ref());
        known.cloned().ok_or_else(|| {
            Wrong::new(
                &self.name(),
                format!("映射文件未列出“{text}”。"),
                format!("`{text}` is not among the mapping's choices."),
            )
        })
    }

    fn date(&self, format: &str, text: &str) -> Result<String, Wrong> {
        let date = strtime::parse(format, text).and_then(|parts| parts.to_date());
        date.map(|date| date.to_string()).map_err(|_| {
            Wrong::new(
                &self.name(),
                format!("“{text}”不是格式为 {format} 的日期。"),
                format!("`{text}` is not a date written as {format}."),
            )
        })
    }

    fn window(&self, days: i64, text: &str, day: civil::Date) -> Result<String, Wrong> {
        let read = || {
            let (from, to) = text.split_once(['-', '–', '—', '~'])?;
            let time = |text: &str| text.trim().replace('：', ":").parse::<civil::Time>().ok();
            let day = day.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
            let (from, to) = (day.to_datetime(time(from)?), day.to_datetime(time(to)?));
            (from < to).then(|| format!("{from}/{to}"))
        };
        read().ok_or_else(|| {
            Wrong::new(
                &self.name(),
                format!("“{text}”不是时段，应如 18:00-20:00。"),
                format!("`{text}` is not a time of day such as 18:00-20:00."),
            )
        })
    }
}

/// Mentions count outside of the phrases that only look like one: 媒体 within 多媒体.
fn holds(text: &str, words: &[String], unless: &[String]) -> bool {
    let rest = unless.iter().fold(text.to_owned(), |text, phrase| text.replace(phrase.as_str(), "\u{0}"));
    words.iter().any(|word| rest.contains(word.as_str()))
}

/// A cell that cannot be read gives way to the next; the last one's complaint counts.
fn first(cells: &[Cell], reader: &Reader<'_>) -> Result<Option<String>, Wrong> {
    let mut complaint = None;
    for cell in cells {
        match cell.read(reader) {
            Ok(Some(text)) => return Ok(Some(text)),
            Ok(None) => complaint = None,
            Err(wrong) => complaint = Some(wrong),
        }
    }
    complaint.map_or(Ok(None), Err)
}

fn origin(spec: Spec) -> Result<Origin, CellError> {
    let constant = value::text(&spec.constant).map(Origin::Constant);
    let first = spec
        .first
        .map(|cells| cells.iter().map(Cell::parse).collect::<Result<Vec<_>, _>>().map(Origin::First))
        .transpose()?;
    let by = spec.by.unwrap_or_else(|| " ".to_owned());
    let given = [
        constant,
        spec.column.map(Origin::Column),
        spec.join.map(|columns| Origin::Join { columns, by }),
        first,
        spec.invent.map(Origin::Invented),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(origin), None) => Ok(origin),
        _ => Err(CellError::Origin),
    }
}

fn shape(spec: &Spec) -> Result<Shape, CellError> {
    let then = value::text(&spec.then);
    if spec.words.is_none() && (then.is_some() || !spec.unless.is_empty()) {
        return Err(CellError::Words(if then.is_some() { "then" } else { "unless" }));
    }
    if spec.words.as_ref().is_some_and(|words| words.is_empty() || words.iter().any(String::is_empty)) {
        return Err(CellError::Words("words"));
    }
    let choices = spec.choices.as_ref().map(|choices| {
        Shape::Choices(choices.iter().filter_map(|(k, v)| Some((k.clone(), value::text(v)?))).collect())
    });
    let words = spec.words.clone().map(|words| Shape::Words {
        words,
        unless: spec.unless.clone(),
        then: then.unwrap_or_else(|| "true".to_owned()),
    });
    let date = spec.date.clone().map(|format| Shape::Date { format });
    let window = spec.window.as_ref().map(|window| Shape::Window { days: window.days_later });
    let mut given = [choices, words, date, window].into_iter().flatten();
    match (given.next(), given.next()) {
        (shape, None) => Ok(shape.unwrap_or(Shape::Plain)),
        _ => Err(CellError::Shapes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::mapping::Encoding;

    fn read(cell: &str, fields: &str) -> Result<Option<String>, Wrong> {
        let table = Table::parse(format!("a,b,t\n{fields}\n").as_bytes(), Encoding::Auto, b',').unwrap();
        let day = civil::date(2026, 3, 2);
        let reader = Reader { table: &table, line: &table.lines[0], source: "s", key: "k", day };
        Cell::parse(&value::parse(cell).unwrap()).unwrap().read(&reader)
    }

    fn some(text: &str) -> Result<Option<String>, Wrong> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn columns_constants_joins_and_parts() {
        assert_eq!(read("a", "x,y,z"), some("x"));
        assert_eq!(read("a", ",y,z"), Ok(None));
        assert_eq!(read("{ constant: true }", "x,y,z"), some("true"));
        assert_eq!(read("{ join: [a, b, t], by: '/' }", "x,,z"), some("x/z"));
        assert_eq!(read("{ column: t, take: 2 }", "x,y,退车吧"), some("退车"));
        assert_eq!(read("{ column: a, otherwise: none }", ",y,z"), some("none"));
        assert_eq!(read("{ first: [a, { join: [b, t] }] }", ",y,z"), some("y z"));
    }

    #[test]
    fn an_unknown_choice_is_bad_unless_there_is_a_default() {
        assert_eq!(read("{ column: a, choices: { x: '1' } }", "x,y,z"), some("1"));
        let wrong = read("{ column: a, choices: { x: '1' } }", "q,y,z").unwrap_err();
        assert_eq!(wrong.column, "a");
        assert!(wrong.zh.contains('q') && wrong.en.contains('q'));
        assert_eq!(read("{ column: a, choices: { x: '1' }, otherwise: '9' }", "q,y,z"), some("9"));
        let first = "{ first: [{ column: a, choices: { x: '1' } }, { column: b, choices: { y: '2' } }] }";
        assert_eq!(read(first, "q,y,z"), some("2"), "the next one is asked");
        assert_eq!(read(first, "q,q,z").unwrap_err().column, "b");
    }

    #[test]
    fn words_count_outside_of_lookalikes() {
        let media = "{ column: t, words: [媒体, 曝光], unless: [多媒体] }";
        assert_eq!(read(media, ",,多媒体黑屏"), Ok(None));
        assert_eq!(read(media, ",,多媒体黑屏，要找媒体"), some("true"));
        assert_eq!(read("{ column: t, words: [退车], then: yes, otherwise: 'no' }", ",,换件"), some("no"));
    }

    #[test]
    fn dates_and_windows_are_read_or_refused() {
        assert_eq!(read("{ column: a, date: '%Y/%m/%d' }", "2026/2/3,,"), some("2026-02-03"));
        assert!(read("{ column: a, date: '%Y-%m-%d' }", "昨天,,").unwrap_err().en.contains("%Y-%m-%d"));
        let window = "{ column: a, window: { days_later: 2 } }";
        assert_eq!(read(window, "18:00-20:00,,"), some("2026-03-04T18:00:00/2026-03-04T20:00:00"));
        let far = "{ column: a, window: { days_later: 9223372036854775807 } }";
        assert!(read(far, "18:00-20:00,,").is_err(), "no calendar goes there");
        for bad in ["20:00-18:00", "晚上", "18:00"] {
            assert!(read(window, &format!("{bad},,")).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cell_that_makes_no_sense_is_refused() {
        for bad in [
            "{}",
            "{ column: a, constant: b }",
            "{ column: a, choices: {}, date: '%Y' }",
            "{ column: a, words: [] }",
            "{ column: a, then: x }",
            "{ colum: a }",
            "[a]",
        ] {
            assert!(Cell::parse(&value::parse(bad).unwrap()).is_err(), "{bad}");
        }
    }
}
