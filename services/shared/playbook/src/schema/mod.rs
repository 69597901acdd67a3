//! The JSON Schema of playbook files, for editors: completion, and a first look at shapes while typing. What only the
//! loader can know (names, types, tables) is left to it; whatever loads is valid here.

mod parts;

use serde_json::{Map, Value, json};

use self::parts::{
    case_type, clock, duty, field, figure, follow_up, free_table, matrix, param, privacy, report, role, tell,
    wait,
};

use crate::event::EVENTS;

/// The schema as published in `deploy/playbooks/playbook.schema.json`.
pub fn schema() -> Value {
    let mut root = object(&[], head().into_iter().chain(sections()).collect());
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("Hotline playbook");
    root["$defs"] = definitions();
    root
}

type Properties = Vec<(&'static str, Value)>;

fn head() -> Properties {
    vec![
        ("playbook", reference("id")),
        ("version", json!({ "type": "integer", "minimum": 1 })),
        ("name", reference("text")),
        ("line", reference("id")),
        ("currency", json!({ "type": "string", "pattern": "^[A-Z]{3}$" })),
    ]
}

fn sections() -> Properties {
    vec![
        ("roles", named(role())),
        ("params", named(param())),
        ("waits", named(wait())),
        ("types", named(case_type())),
        ("tables", named(free_table())),
        ("approvals", named(matrix())),
        ("clocks", named(clock())),
        ("duties", named(duty())),
        ("follow_ups", named(follow_up())),
        ("tells", named(tell())),
        ("figures", named(figure())),
        ("reports", named(report())),
        ("privacy", privacy()),
    ]
}

fn definitions() -> Value {
    let events: Vec<&str> = EVENTS.iter().map(|(name, _)| *name).collect();
    let trigger = object(
        &["on"],
        vec![("on", reference("event")), ("when", reference("condition")), ("from", reference("id"))],
    );
    json!({
        "id": { "type": "string", "pattern": "^[a-z][a-z0-9_-]{0,63}$" },
        "text": object(&["zh", "en"], vec![("zh", text()), ("en", text())]),
        "condition": { "type": "string", "description": "CEL, typed against the facts" },
        "limit": {
            "type": "string",
            "description": "15m, 24h, 4 working hours, 1 working day, 7 days, end of shift, ..., or a parameter",
        },
        "rules": many(json!({ "type": "string", "pattern": "^[A-Z]+-[0-9]{2,}$" })),
        "event": { "type": "string", "examples": events, "pattern": "^[a-z_]+\\.[a-z_]+(\\([a-z0-9_-]+\\))?$" },
        "trigger": { "anyOf": [reference("event"), trigger] },
        "recipient": { "type": "string", "description": "a role, role@level, holder, taker, follower, requester, customer" },
        "amount": { "type": ["number", "string"] },
        "fields": named(field()),
        "choices": named(object(&["zh", "en"], vec![("zh", text()), ("en", text()), ("rules", reference("rules"))])),
    })
}

/// A mapping with these keys and no others.
fn object(required: &[&str], properties: Properties) -> Value {
    let properties: Map<String, Value> =
        properties.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

/// As `object`, and it may carry the numbers of its rules.
fn ruled(required: &[&str], mut properties: Properties) -> Value {
    properties.push(("rules", reference("rules")));
    object(required, properties)
}

/// A mapping from ids.
fn named(value: Value) -> Value {
    json!({ "type": "object", "propertyNames": reference("id"), "additionalProperties": value })
}

/// A list, or one item by itself.
fn many(item: Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

fn recipients() -> Value {
    many(reference("recipient"))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn one_of(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{self, Node, Yaml};

    const PUBLISHED: &str =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../deploy/playbooks/playbook.schema.json");

    fn as_json(node: &Node) -> Value {
        match &node.value {
            Yaml::Scalar { text, plain: true } => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            Yaml::Scalar { text, plain: false } => json!(text),
            Yaml::List(items) => items.iter().map(as_json).collect(),
            Yaml::Map(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), as_json(&e.node))).collect())
            }
        }
    }

    fn faults(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let node = yaml::read(0, text, &mut problems).expect("well-formed");
        let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
        validator.iter_errors(&as_json(&node)).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }

    #[test]
    fn the_published_schema_is_fresh() {
        let fresh = serde_json::to_string_pretty(&schema()).expect("plain values") + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(PUBLISHED, &fresh).expect("the file can be written");
        }
        let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
        assert_eq!(published, fresh, "run the test once with UPDATE_SCHEMA=1");
    }

    #[test]
    fn sound_playbooks_are_valid() {
        let group = include_str!("../../../../../deploy/playbooks/dealer-group/playbook.yaml");
        assert_eq!(faults(group), Vec::<String>::new());
        assert_eq!(faults(include_str!("../../tests/broken/base.yaml")), Vec::<String>::new());
    }

    #[test]
    fn wrong_shapes_are_not() {
        let base = include_str!("../../tests/broken/base.yaml");
        for (from, to) in
            [("pauses:", "pases:"), ("level: group", "level: planet"), ("keep_days: 365", "keep_days: long")]
        {
            assert!(!faults(&base.replacen(from, to, 1)).is_empty(), "{to}");
        }
    }
}
