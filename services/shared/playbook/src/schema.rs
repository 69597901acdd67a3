//! The JSON Schema of playbook files, for editors: completion, and a first look at shapes while typing. What only the
//! loader can know (names, types, tables) is left to it; whatever loads is valid here.

use serde_json::{Map, Value, json};

use crate::{event::EVENTS, form::FieldKind};

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

fn role() -> Value {
    ruled(
        &["name", "level"],
        vec![
            ("name", reference("text")),
            ("level", one_of(&["branch", "area", "division", "group"])),
            ("required", flag()),
        ],
    )
}

fn param() -> Value {
    ruled(
        &["name"],
        vec![
            ("name", reference("text")),
            ("limit", reference("limit")),
            ("value", json!({ "type": "integer" })),
            ("amount", reference("amount")),
            ("ours", flag()),
        ],
    )
}

fn wait() -> Value {
    ruled(
        &["name", "owner", "at_most"],
        vec![("name", reference("text")), ("owner", text()), ("at_most", reference("limit"))],
    )
}

fn field() -> Value {
    let kinds = [
        "text",
        "phone",
        "plate",
        "vin",
        "date",
        "window",
        "money",
        "choice",
        "choices",
        "bool",
        "int",
        "person",
        "branch",
        "order",
        "photo",
        "signature",
        "recording",
        "document",
    ];
    debug_assert!(kinds.contains(&FieldKind::Order.as_str()));
    ruled(
        &["kind", "label"],
        vec![
            ("kind", one_of(&kinds)),
            ("label", reference("text")),
            ("required", json!({ "anyOf": [flag(), reference("condition")] })),
            ("personal", flag()),
            ("bars", flag()),
            ("hint", reference("text")),
            ("options", reference("choices")),
            ("min", json!({ "type": "integer" })),
            ("max", json!({ "type": "integer" })),
        ],
    )
}

fn table_properties() -> Properties {
    let row = ruled(
        &["if", "then"],
        vec![
            ("if", json!({ "type": "object" })),
            ("then", json!({ "type": ["string", "object", "boolean", "number"] })),
            ("reason", reference("text")),
            ("code", reference("id")),
        ],
    );
    let otherwise = ruled(
        &["then"],
        vec![
            ("then", json!({ "type": ["string", "object", "boolean", "number"] })),
            ("reason", reference("text")),
            ("code", reference("id")),
        ],
    );
    vec![
        ("name", reference("text")),
        ("hit", one_of(&["unique", "first", "collect"])),
        ("inputs", many(text())),
        ("rows", json!({ "type": "array", "items": row })),
        ("otherwise", json!({ "anyOf": [text(), otherwise] })),
    ]
}

fn free_table() -> Value {
    let mut properties = table_properties();
    properties.push(("outputs", named(one_of(&["code", "int", "bool", "money", "date"]))));
    ruled(&["inputs", "rows", "outputs"], properties)
}

fn case_type() -> Value {
    let table = || ruled(&["inputs", "rows"], table_properties());
    let classify = object(&[], vec![("category", table()), ("severity", table()), ("tag", table())]);
    let repeat = ruled(
        &["by", "within_days"],
        vec![
            ("by", many(one_of(&["customer", "asset"]))),
            ("same_category", flag()),
            ("within_days", json!({ "type": ["integer", "string"] })),
            ("raises", text()),
            ("ours", flag()),
        ],
    );
    let closing = ruled(
        &["needs", "reopen_days"],
        vec![
            ("needs", many(one_of(&["work", "follow_up"]))),
            ("reopen_days", json!({ "type": ["integer", "string"] })),
        ],
    );
    ruled(
        &["name", "channels", "form", "severities", "route", "steps", "closing"],
        vec![
            ("name", reference("text")),
            ("channels", reference("choices")),
            ("opened_when", reference("condition")),
            ("form", reference("fields")),
            ("categories", reference("choices")),
            ("severities", reference("choices")),
            ("classify", classify),
            ("repeat", repeat),
            ("route", route()),
            ("steps", named(step())),
            ("closing", closing),
        ],
    )
}

fn route() -> Value {
    let refusal = object(&["to"], vec![("to", text()), ("reason", flag())]);
    let mut properties = table_properties();
    properties.extend([
        ("receiver", text()),
        ("follower", text()),
        ("on_refusal", refusal),
        ("on_silence", reference("id")),
        ("choose", many(one_of(&["least_load", "skill", "nearest", "before"]))),
    ]);
    ruled(&["receiver", "inputs", "rows", "on_refusal", "on_silence"], properties)
}

fn step() -> Value {
    let proof = object(
        &["any", "name"],
        vec![
            ("any", many(one_of(&["photo", "signature", "recording", "document"]))),
            ("name", reference("text")),
        ],
    );
    let back = object(&["when", "to"], vec![("when", reference("condition")), ("to", reference("id"))]);
    let approval = object(
        &["matrix", "kind", "asked_by", "refused_to"],
        vec![
            ("matrix", reference("id")),
            ("kind", reference("id")),
            ("amount", reference("id")),
            ("asked_by", text()),
            ("asked_in", reference("id")),
            ("refused_to", reference("id")),
        ],
    );
    ruled(
        &["name", "by", "clocks"],
        vec![
            ("name", reference("text")),
            ("by", text()),
            ("with", many(text())),
            ("needs", many(reference("id"))),
            ("when", reference("condition")),
            ("fields", reference("fields")),
            ("proofs", many(proof)),
            ("loops", many(back)),
            ("approval", approval),
            ("marks", many(one_of(&["answered", "resolved", "told"]))),
            ("clocks", many(reference("id"))),
            ("opens", object(&["type"], vec![("type", reference("id")), ("wait", flag())])),
        ],
    )
}

fn matrix() -> Value {
    let stage = object(&["role"], vec![("role", text()), ("limit", reference("limit"))]);
    let band = ruled(
        &["chain"],
        vec![("up_to", reference("amount")), ("chain", many(json!({ "anyOf": [text(), stage] })))],
    );
    let ladder = object(
        &["kind", "bands"],
        vec![("kind", reference("id")), ("when", reference("condition")), ("bands", many(band))],
    );
    ruled(
        &["name", "stage_limit", "ladders"],
        vec![
            ("name", reference("text")),
            ("stage_limit", reference("limit")),
            ("ladders", many(ladder)),
            ("deputies", flag()),
            ("verbal", object(&["paper_within"], vec![("paper_within", reference("limit"))])),
        ],
    )
}

fn clock() -> Value {
    let budget = object(&["limit"], vec![("when", reference("condition")), ("limit", reference("limit"))]);
    let warn = object(
        &["tell"],
        vec![
            ("share", json!({ "type": "integer", "minimum": 1, "maximum": 99 })),
            ("before", reference("limit")),
            ("tell", recipients()),
        ],
    );
    let rung = ruled(
        &["tell"],
        vec![
            ("after", json!({ "type": ["string", "integer"] })),
            ("tell", recipients()),
            ("reroute", text()),
            ("raise", text()),
            ("ask_plan", flag()),
        ],
    );
    ruled(
        &["name", "start", "stop", "limit", "ladder"],
        vec![
            ("name", reference("text")),
            ("types", many(reference("id"))),
            ("scope", one_of(&["ticket", "hand_off", "step", "approval", "call_back"])),
            ("start", many(reference("trigger"))),
            ("stop", many(reference("trigger"))),
            ("cancel", many(reference("trigger"))),
            ("when", reference("condition")),
            ("limit", json!({ "anyOf": [reference("limit"), { "type": "array", "items": budget }] })),
            ("calendar", one_of(&["branch", "call_centre", "wall"])),
            ("pauses", many(reference("id"))),
            ("warn", many(warn)),
            ("ladder", many(rung)),
            (
                "repeat",
                object(&["every", "tell"], vec![("every", reference("limit")), ("tell", recipients())]),
            ),
            (
                "extension",
                object(
                    &["approve", "by_at_most"],
                    vec![
                        ("approve", text()),
                        ("by_at_most", reference("limit")),
                        ("times", json!({ "type": "integer", "minimum": 1 })),
                    ],
                ),
            ),
            ("ours", flag()),
        ],
    )
}

fn duty() -> Value {
    ruled(
        &["name", "role", "recurs", "due", "tell_late"],
        vec![
            ("name", reference("text")),
            ("role", text()),
            ("recurs", json!({ "type": "string", "pattern": "^FREQ=" })),
            ("due", reference("limit")),
            ("proof", reference("id")),
            ("tell_late", recipients()),
        ],
    )
}

fn follow_up() -> Value {
    let question = ruled(
        &["kind", "text"],
        vec![
            ("kind", one_of(&["scale", "choice", "yes_no"])),
            ("from", json!({ "type": "integer" })),
            ("to", json!({ "type": "integer" })),
            ("options", reference("choices")),
            ("text", reference("text")),
            ("required", flag()),
        ],
    );
    let attempts = object(
        &["max", "every"],
        vec![("max", json!({ "type": "integer", "minimum": 1 })), ("every", reference("limit"))],
    );
    let reopen = object(&["reopen_within_days"], vec![("reopen_within_days", json!({ "type": "integer" }))]);
    ruled(
        &["name", "kind", "after", "due", "by", "attempts", "script"],
        vec![
            ("name", reference("text")),
            ("kind", one_of(&["call", "letter", "visit", "survey"])),
            ("types", many(reference("id"))),
            ("after", reference("trigger")),
            ("when", reference("condition")),
            ("due", reference("limit")),
            ("by", text()),
            ("preferred_time", reference("id")),
            ("attempts", attempts),
            ("script", reference("text")),
            ("questions", named(question)),
            ("unhappy", reference("condition")),
            ("on_unhappy", json!({ "anyOf": [one_of(&["linked", "nothing"]), reopen] })),
            ("series", many(reference("limit"))),
            ("sample_percent", json!({ "type": "integer", "minimum": 1, "maximum": 100 })),
        ],
    )
}

fn tell() -> Value {
    ruled(
        &["on", "to", "channel", "template"],
        vec![
            ("types", many(reference("id"))),
            ("on", reference("trigger")),
            ("when", reference("condition")),
            ("to", recipients()),
            ("channel", one_of(&["sms", "mail", "file", "webhook"])),
            ("template", reference("text")),
        ],
    )
}

fn figure() -> Value {
    ruled(
        &["name", "kind"],
        vec![
            ("name", reference("text")),
            ("kind", one_of(&["count", "rate", "duration", "on_time", "average", "list"])),
            ("on", reference("event")),
            ("part", reference("condition")),
            ("from", reference("event")),
            ("to", reference("event")),
            ("clock", reference("id")),
            ("question", reference("id")),
            ("columns", many(reference("id"))),
            ("filter", reference("condition")),
            ("by", many(one_of(&["branch", "type", "severity", "category"]))),
            ("at_least", json!({ "type": "integer" })),
            ("at_most", json!({ "type": "integer" })),
        ],
    )
}

fn report() -> Value {
    ruled(
        &["name", "period", "figures", "to"],
        vec![
            ("name", reference("text")),
            ("period", one_of(&["daily", "weekly", "monthly"])),
            ("figures", many(reference("id"))),
            ("to", recipients()),
        ],
    )
}

fn privacy() -> Value {
    let days = || json!({ "type": "integer", "minimum": 1 });
    ruled(
        &["reveal", "keep_days", "keep_recordings_days"],
        vec![
            ("reveal", json!({ "type": "object", "additionalProperties": many(text()) })),
            ("keep_days", days()),
            ("keep_recordings_days", days()),
        ],
    )
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
        let group = include_str!("../../../../deploy/playbooks/dealer-group/playbook.yaml");
        assert_eq!(faults(group), Vec::<String>::new());
        assert_eq!(faults(include_str!("../tests/broken/base.yaml")), Vec::<String>::new());
    }

    #[test]
    fn wrong_shapes_are_not() {
        let base = include_str!("../tests/broken/base.yaml");
        for (from, to) in
            [("pauses:", "pases:"), ("level: group", "level: planet"), ("keep_days: 365", "keep_days: long")]
        {
            assert!(!faults(&base.replacen(from, to, 1)).is_empty(), "{to}");
        }
    }
}
