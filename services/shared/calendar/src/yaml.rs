//! YAML in and out. Reading goes piece by piece, so that every problem of a file is reported
//! with its own line, not only the first one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use saphyr::{LoadableYamlNode as _, MarkedYaml, Marker, Scalar, YamlData};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::interval::Interval;
use crate::plain_yaml::check_plain_yaml;
use crate::source::{CalendarSource, Change, DayKey, Override};

const KEYS: &str = "id, version, name, extends, zone, shifts, statutory, observes, week, overrides";

/// Something in the file that cannot be read; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlProblem {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl CalendarSource {
    /// Reads one calendar file.
    ///
    /// # Errors
    /// Every problem of the text: syntax, unknown and missing keys, values that do not fit.
    pub fn from_yaml(text: &str) -> Result<Self, Vec<YamlProblem>> {
        check_plain_yaml(text).map_err(|problem| vec![problem])?;
        let documents = MarkedYaml::load_from_str(text)
            .map_err(|error| vec![problem(error.marker(), error.info().to_owned())])?;
        match documents.as_slice() {
            [document] => Reader::default().source(document),
            documents => {
                let message = format!("a calendar file holds one document, this one {}", documents.len());
                Err(vec![YamlProblem { line: 1, column: 1, message }])
            }
        }
    }

    /// Writes the file that [`CalendarSource::from_yaml`] reads back, without comments.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        write_source(&mut out, self).expect("writing to a string does not fail");
        out
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<YamlProblem>,
}

impl Reader {
    fn source(mut self, document: &MarkedYaml<'_>) -> Result<CalendarSource, Vec<YamlProblem>> {
        let fields = self.mapping(document, "a calendar file");
        let (mut id, mut version) = (None, None);
        let mut source = CalendarSource {
            id: String::new(),
            version: 0,
            name: None,
            extends: None,
            zone: None,
            shifts: None,
            statutory: None,
            observes: None,
            week: BTreeMap::new(),
            overrides: Vec::new(),
        };
        for (key, at, node) in fields {
            match key.as_str() {
                "id" => id = self.decode(node),
                "version" => version = self.decode(node),
                "name" => source.name = self.decode(node),
                "extends" => source.extends = self.decode(node),
                "zone" => source.zone = self.decode(node),
                "shifts" => source.shifts = self.decode(node),
                "statutory" => source.statutory = self.decode(node),
                "observes" => source.observes = self.decode(node),
                "week" => source.week = self.week(node),
                "overrides" => source.overrides = self.overrides(node),
                key => self.report(&at, format!("unknown key `{key}`; known are {KEYS}")),
            }
        }
        source.id = self.required(id, document, "id");
        source.version = self.required(version, document, "version");
        if self.problems.is_empty() { Ok(source) } else { Err(self.problems) }
    }

    /// A value that is there but does not fit has been reported already.
    fn required<T: Default>(&mut self, value: Option<T>, document: &MarkedYaml<'_>, key: &str) -> T {
        let present = document.data.as_mapping_get(key).is_some();
        if value.is_none() && !present && document.data.is_mapping() {
            self.report(&document.span.start, format!("`{key}` is missing"));
        }
        value.unwrap_or_default()
    }

    fn week(&mut self, node: &MarkedYaml<'_>) -> BTreeMap<DayKey, Vec<Interval>> {
        let mut week = BTreeMap::new();
        for (key, at, hours) in self.mapping(node, "`week`") {
            let hours = self.sequence(hours, "the hours of a day");
            let hours = hours.iter().filter_map(|hours| self.decode(hours)).collect();
            match serde_json::from_value::<DayKey>(Value::String(key)) {
                Ok(key) => drop(week.insert(key, hours)),
                Err(error) => self.report(&at, error.to_string()),
            }
        }
        week
    }

    fn overrides(&mut self, node: &MarkedYaml<'_>) -> Vec<Override> {
        let entries = self.sequence(node, "`overrides`");
        entries.iter().filter_map(|entry| self.decode(entry)).collect()
    }

    fn mapping<'n, 'i>(
        &mut self,
        node: &'n MarkedYaml<'i>,
        what: &str,
    ) -> Vec<(String, Marker, &'n MarkedYaml<'i>)> {
        let YamlData::Mapping(fields) = &node.data else {
            self.report(&node.span.start, format!("{what} is a mapping of keys to values"));
            return Vec::new();
        };
        let mut known = Vec::new();
        for (key, value) in fields {
            match key.data.as_str() {
                Some(name) => known.push((name.to_owned(), key.span.start, value)),
                None => self.report(&key.span.start, "keys are plain words".to_owned()),
            }
        }
        known
    }

    fn sequence<'n, 'i>(&mut self, node: &'n MarkedYaml<'i>, what: &str) -> &'n [MarkedYaml<'i>] {
        match &node.data {
            YamlData::Sequence(items) => items,
            _ => {
                self.report(&node.span.start, format!("{what}: a list is expected here, [] when empty"));
                &[]
            }
        }
    }

    fn decode<T: DeserializeOwned>(&mut self, node: &MarkedYaml<'_>) -> Option<T> {
        let value = self.json(node)?;
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(&node.span.start, error.to_string());
                None
            }
        }
    }

    fn json(&mut self, node: &MarkedYaml<'_>) -> Option<Value> {
        match &node.data {
            YamlData::Value(scalar) => self.scalar(node, scalar),
            YamlData::Sequence(items) => {
                items.iter().map(|item| self.json(item)).collect::<Option<Vec<_>>>().map(Value::Array)
            }
            YamlData::Mapping(_) => {
                let fields = self.mapping(node, "this").into_iter();
                let fields = fields.map(|(key, _, value)| Some((key, self.json(value)?)));
                fields.collect::<Option<serde_json::Map<_, _>>>().map(Value::Object)
            }
            _ => {
                self.report(&node.span.start, "tags are not used in calendar files".to_owned());
                None
            }
        }
    }

    fn scalar(&mut self, node: &MarkedYaml<'_>, scalar: &Scalar<'_>) -> Option<Value> {
        match scalar {
            Scalar::Null => Some(Value::Null),
            Scalar::Boolean(value) => Some(Value::Bool(*value)),
            Scalar::Integer(value) => Some(Value::from(*value)),
            Scalar::String(text) => Some(Value::String(text.clone().into_owned())),
            Scalar::FloatingPoint(_) => {
                self.report(&node.span.start, "no value of a calendar is a fraction".to_owned());
                None
            }
        }
    }

    fn report(&mut self, at: &Marker, message: String) {
        self.problems.push(problem(at, message));
    }
}

fn problem(at: &Marker, message: String) -> YamlProblem {
    YamlProblem { line: at.line(), column: at.col() + 1, message }
}

fn write_source(out: &mut String, source: &CalendarSource) -> std::fmt::Result {
    writeln!(out, "id: {}\nversion: {}", scalar(&source.id), source.version)?;
    if let Some(name) = &source.name {
        writeln!(out, "name: {{zh: {}, en: {}}}", scalar(&name.zh), scalar(&name.en))?;
    }
    if let Some(parent) = &source.extends {
        writeln!(out, "extends: {}", scalar(parent))?;
    }
    if let Some(zone) = &source.zone {
        writeln!(out, "zone: {}", scalar(zone))?;
    }
    if let Some(shifts) = source.shifts {
        writeln!(out, "shifts: {}", format!("{shifts:?}").to_lowercase())?;
    }
    if let Some(years) = source.statutory {
        writeln!(out, "statutory: {{from: {}, to: {}}}", years.from, years.to)?;
    }
    if let Some(names) = &source.observes {
        writeln!(out, "observes: [{}]", list(names.iter().map(|name| scalar(name))))?;
    }
    if !source.week.is_empty() {
        writeln!(out, "week:")?;
    }
    for (day, hours) in &source.week {
        writeln!(out, "  {day}: [{}]", list(hours.iter().map(|hours| scalar(&hours.to_string()))))?;
    }
    if !source.overrides.is_empty() {
        writeln!(out, "overrides:")?;
    }
    for entry in &source.overrides {
        writeln!(out, "  - {{{}}}", override_fields(entry))?;
    }
    Ok(())
}

fn override_fields(entry: &Override) -> String {
    let until = entry.until.map(|date| format!("until: {date}"));
    let change = match &entry.change {
        Change::Closed => "closed: true".to_owned(),
        Change::As(day) => format!("as: {}", day.en()),
        Change::Hours(hours) => {
            format!("hours: [{}]", list(hours.iter().map(|hours| scalar(&hours.to_string()))))
        }
    };
    let name = entry.name.as_ref().map(|name| format!("name: {}", scalar(name)));
    let note = entry.note.as_ref().map(|note| format!("note: {}", scalar(note)));
    let fields = [Some(format!("date: {}", entry.date)), until, Some(change), name, note];
    list(fields.into_iter().flatten())
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// Plain where nobody could read it otherwise, else quoted as in JSON, which YAML reads alike.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_alphabetic() || matches!(c, '/' | '_' | '-' | '、');
    let word = text.starts_with(char::is_alphabetic) && text.chars().all(plain);
    let meant_otherwise = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if word && !meant_otherwise { text.to_owned() } else { Value::from(text).to_string() }
}
