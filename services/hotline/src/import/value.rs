//! YAML as `serde_json` values, which serde structs are read from.

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value};

/// The one document of a text. The error names line and column.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    calendar::check_plain_yaml(text).map_err(|problem| problem.to_string())?;
    let documents = YamlOwned::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [one] => value(one),
        [] => Err("it is empty".to_owned()),
        _ => Err("one document is expected, and several stand here".to_owned()),
    }
}

fn value(node: &YamlOwned) -> Result<Value, String> {
    Ok(match node {
        YamlOwned::Value(scalar) => of_scalar(scalar),
        YamlOwned::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        YamlOwned::Mapping(entries) => {
            let mut map = Map::new();
            for (key, node) in entries {
                map.insert(self::key(key)?, value(node)?);
            }
            Value::Object(map)
        }
        _ => return Err("anchors, aliases and tags have no place in a mapping".to_owned()),
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

/// A table's texts may look like numbers: `2024: old`.
fn key(node: &YamlOwned) -> Result<String, String> {
    match node {
        YamlOwned::Value(scalar) => Ok(match of_scalar(scalar) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }),
        _ => Err("a key is a single word".to_owned()),
    }
}

/// Text of a scalar that may have been read as a number or a truth.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
