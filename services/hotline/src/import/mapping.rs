//! Mapping files: which column becomes which field of the form.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::import::{
    row::cell::{Cell, CellError},
    value,
};

#[derive(Debug, Error)]
pub enum MappingError {
    #[error("the mapping {path} cannot be read")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the mapping {path} is not YAML: {why}")]
    Yaml { path: PathBuf, why: String },
    #[error("the mapping {path} does not fit: {why}")]
    Head { path: PathBuf, why: serde_json::Error },
    #[error("the mapping {path}, `{place}`: {why}")]
    Cell { path: PathBuf, place: String, why: CellError },
    #[error("the mapping {path}, `{place}`: {why}")]
    Value { path: PathBuf, place: &'static str, why: String },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// By its mark, else UTF-8 if it is valid, else GB18030.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "gb18030")]
    Gb18030,
}

/// What to do with a row that intake would refuse as too old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooOld {
    #[default]
    Refuse,
    /// Open it as if it came in now.
    Now,
}

/// When it was said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OccurredAt {
    pub column: String,
    /// Only the first characters.
    pub take: Option<usize>,
    /// As strptime has it, `%Y%m%d%H%M%S`. Without a date: on the day of the import.
    pub format: String,
    #[serde(default)]
    pub too_old: TooOld,
}

/// Which branch gets the case.
#[derive(Clone, Debug)]
pub enum BranchRule {
    /// By code or by name.
    Cell(Cell),
    /// The source names none: spread over all by the hash of a column.
    Spread(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    #[serde(default)]
    encoding: Encoding,
    #[serde(default = "comma")]
    delimiter: char,
    /// Names the source: the same name and the same row are the same case. Else the file's digest.
    source: Option<String>,
    /// The column that identifies a row; else its content does.
    key: Option<String>,
    #[serde(default = "shanghai")]
    zone: String,
    playbook: String,
    case_type: String,
    channel: Value,
    branch: Value,
    about_persons: Option<Value>,
    occurred_at: Option<OccurredAt>,
    form: BTreeMap<String, Value>,
}

/// A byte that stands for itself in every encoding and has no other meaning in a table.
fn delimiter(given: char) -> Option<u8> {
    u8::try_from(given).ok().filter(|byte| byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r'))
}

fn comma() -> char {
    ','
}

fn shanghai() -> String {
    "Asia/Shanghai".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spread {
    spread: String,
}

/// A mapping, checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub encoding: Encoding,
    pub delimiter: u8,
    pub source: Option<String>,
    pub key: Option<String>,
    pub zone: TimeZone,
    pub playbook: String,
    pub case_type: String,
    pub channel: Cell,
    pub branch: BranchRule,
    pub about_persons: Option<Cell>,
    pub occurred_at: Option<OccurredAt>,
    pub form: BTreeMap<String, Cell>,
}

impl Mapping {
    pub fn read(path: &Path) -> Result<Mapping, MappingError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| MappingError::Read { path: path.to_owned(), source })?;
        Mapping::parse(path, &text)
    }

    pub fn parse(path: &Path, text: &str) -> Result<Mapping, MappingError> {
        let path = path.to_owned();
        let tree = value::parse(text).map_err(|why| MappingError::Yaml { path: path.clone(), why })?;
        let head: Head =
            serde_json::from_value(tree).map_err(|why| MappingError::Head { path: path.clone(), why })?;
        let wrong = |place, why: &str| MappingError::Value { path: path.clone(), place, why: why.to_owned() };
        let cell = |place: &str, value: &Value| {
            Cell::parse(value).map_err(|why| MappingError::Cell {
                path: path.clone(),
                place: place.to_owned(),
                why,
            })
        };
        let form = head
            .form
            .iter()
            .map(|(field, value)| Ok((field.clone(), cell(&format!("form.{field}"), value)?)))
            .collect::<Result<_, MappingError>>()?;
        Ok(Mapping {
            encoding: head.encoding,
            delimiter: delimiter(head.delimiter)
                .ok_or_else(|| wrong("delimiter", "one ASCII character, no quote or line break"))?,
            source: head.source,
            key: head.key,
            zone: TimeZone::get(&head.zone).map_err(|_| wrong("zone", "not an IANA time zone"))?,
            playbook: head.playbook,
            case_type: head.case_type,
            channel: match &head.channel {
                // The one place where a bare word is not a column: channels are few and mostly fixed.
                Value::String(word) => Cell::constant(word),
                other => cell("channel", other)?,
            },
            branch: match serde_json::from_value::<Spread>(head.branch.clone()) {
                Ok(spread) => BranchRule::Spread(spread.spread),
                Err(_) => BranchRule::Cell(cell("branch", &head.branch)?),
            },
            about_persons: head
                .about_persons
                .as_ref()
                .map(|value| cell("about_persons", value))
                .transpose()?,
            occurred_at: head.occurred_at,
            form,
        })
    }

    /// Every column that it reads.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = self.key.as_deref().into_iter().collect();
        match &self.branch {
            BranchRule::Cell(cell) => cell.columns(&mut columns),
            BranchRule::Spread(column) => columns.push(column),
        }
        self.channel.columns(&mut columns);
        self.about_persons.iter().chain(self.form.values()).for_each(|cell| cell.columns(&mut columns));
        columns.extend(self.occurred_at.as_ref().map(|at| at.column.as_str()));
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// The column that a field of the request comes from, as far as there is one: `form.phone`.
    pub fn column_of(&self, field: &str) -> String {
        let cell = match field {
            "branch" => match &self.branch {
                BranchRule::Cell(cell) => Some(cell),
                BranchRule::Spread(column) => return column.clone(),
            },
            "channel" => Some(&self.channel),
            "about_persons" => self.about_persons.as_ref(),
            "occurred_at" => {
                return self.occurred_at.as_ref().map(|at| at.column.clone()).unwrap_or_default();
            }
            other => {
                // Identify names contacts plainly.
                let name = other.strip_prefix("form.").unwrap_or(other);
                self.form.get(name).or_else(|| self.form.get("customer_name").filter(|_| name == "name"))
            }
        };
        let mut columns = Vec::new();
        if let Some(cell) = cell {
            cell.columns(&mut columns);
        }
        columns.first().map_or_else(|| field.to_owned(), |column| (*column).to_owned())
    }

    pub fn day_zone(&self) -> &TimeZone {
        &self.zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Mapping, MappingError> {
        Mapping::parse(Path::new("m.yaml"), text)
    }

    #[test]
    fn a_delimiter_is_a_character_with_no_other_meaning() {
        let with = |delimiter: &str| {
            parse(&format!(
                "delimiter: {delimiter}\nplaybook: p\ncase_type: c\nchannel: phone\nbranch: b\nform: {{}}\n"
            ))
        };
        assert_eq!(with("';'").unwrap().delimiter, b';');
        for bad in ["'é'", "'，'", "'\"'", "\"\\n\""] {
            assert!(with(bad).unwrap_err().to_string().contains("delimiter"), "{bad}");
        }
    }

    #[test]
    fn a_mapping_that_nests_too_deep_or_repeats_itself_is_refused() {
        for bad in ["- ".repeat(100_000), "a: &a [1]\nb: *a\n".to_owned()] {
            assert!(matches!(parse(&bad), Err(MappingError::Yaml { .. })));
        }
    }

    const SMALL: &str = "
playbook: dealer-group
case_type: complaint
channel: phone
branch: { spread: 编号 }
key: 编号
form:
  content: 简述
  category: { column: 问题, choices: { 发动机: product_quality }, otherwise: suggestion }
  phone: { invent: phone }
";

    #[test]
    fn a_mapping_names_its_columns() {
        let mapping = parse(SMALL).unwrap();
        assert_eq!(mapping.columns(), ["简述", "编号", "问题"]);
        assert_eq!(mapping.column_of("form.category"), "问题");
        assert_eq!(mapping.column_of("branch"), "编号");
        assert_eq!(mapping.column_of("phone"), "phone", "invented: the field itself");
        assert_eq!(mapping.encoding, Encoding::Auto);
    }

    #[test]
    fn unknown_keys_are_refused_with_their_place() {
        let error = parse(&SMALL.replace("key:", "keys:")).unwrap_err().to_string();
        assert!(error.contains("does not fit") && !error.contains("form."), "{error}");
        let error = parse(&SMALL.replace("otherwise", "else")).unwrap_err().to_string();
        assert!(error.contains("`form.category`"), "{error}");
        let error = parse(&SMALL.replace("{ invent: phone }", "{ invent: mood }")).unwrap_err().to_string();
        assert!(error.contains("`form.phone`"), "{error}");
    }

    #[test]
    fn what_is_no_yaml_is_named_with_its_line() {
        let error = parse("playbook: [a\nb: {").unwrap_err();
        assert!(matches!(error, MappingError::Yaml { .. }), "{error}");
        assert!(error.to_string().contains("line"), "{error}");
        assert!(matches!(parse(""), Err(MappingError::Yaml { .. })));
        assert!(matches!(
            parse(&format!("zone: Mars\n{SMALL}")),
            Err(MappingError::Value { place: "zone", .. })
        ));
    }
}
