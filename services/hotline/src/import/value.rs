//! A mapping's YAML as `serde_json` values, which serde structs are read from.

use serde_json::Value;

/// The one document of a text. The error names line and column.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    trial::yaml::one("", text).map_err(|unreadable| unreadable.why)
}

/// Text of a scalar that may have been read as a number or a truth.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
