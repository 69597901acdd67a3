//! YAML as `serde_json` values, which serde structs are read from.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use thiserror::Error;

/// Why a file of ours (a mapping, a scenario) cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}: {why}")]
pub struct Unreadable {
    pub file: String,
    pub why: String,
}

impl Unreadable {
    pub(crate) fn new(file: &str, why: impl ToString) -> Unreadable {
        Unreadable { file: file.to_owned(), why: why.to_string() }
    }

    /// The same for Chinese readers: what the parser says stays as it says it.
    #[must_use]
    pub fn zh(&self) -> String {
        format!("{} 读不懂：{}", self.file, self.why)
    }
}

/// All documents of a text.
pub(crate) fn documents(file: &str, text: &str) -> Result<Vec<Value>, Unreadable> {
    calendar::check_plain_yaml(text).map_err(|problem| Unreadable::new(file, problem))?;
    let nodes = YamlOwned::load_from_str(text).map_err(|error| Unreadable::new(file, error))?;
    nodes.iter().map(|node| value(node).map_err(|why| Unreadable::new(file, why))).collect()
}

/// The one document of a text, read into what it describes.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Unreadable> {
    serde_json::from_value(one(file, text)?).map_err(|why| Unreadable::new(file, why))
}

/// The one document of a text. The error names line and column.
///
/// # Errors
/// What is no YAML, nests too deep, repeats itself, or is not one document.
pub fn one(file: &str, text: &str) -> Result<Value, Unreadable> {
    let mut all = documents(file, text)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(Unreadable::new(file, "it is empty")),
        (Some(_), false) => Err(Unreadable::new(file, "one document is expected, and several stand here")),
    }
}

fn value(node: &YamlOwned) -> Result<Value, &'static str> {
    Ok(match node {
        YamlOwned::Value(scalar) => of_scalar(scalar),
        YamlOwned::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        YamlOwned::Mapping(entries) => {
            let mut map = Map::new();
            for (key, node) in entries {
                map.insert(word(key)?, value(node)?);
            }
            Value::Object(map)
        }
        _ => return Err("anchors, aliases and tags have no place here"),
    })
}

fn of_scalar(scalar: &ScalarOwned) -> Value {
    match scalar {
        ScalarOwned::Null => Value::Null,
        ScalarOwned::Boolean(truth) => Value::Bool(*truth),
        ScalarOwned::Integer(number) => Value::from(*number),
        ScalarOwned::FloatingPoint(number) => Value::from(number.into_inner()),
        ScalarOwned::String(text) => Value::String(text.clone()),
    }
}

fn word(node: &YamlOwned) -> Result<String, &'static str> {
    match node {
        YamlOwned::Value(scalar) => Ok(match of_scalar(scalar) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }),
        _ => Err("a key is a single word"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_too_deep_or_repeats_itself_is_refused() {
        for text in ["- ".repeat(100_000), "a: &a [1]\nb: *a\n".to_owned()] {
            assert!(documents("f", &text).unwrap_err().zh().contains("读不懂"));
        }
    }
}
