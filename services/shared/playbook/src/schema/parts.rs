//! The schema of each part of a playbook.

use serde_json::{Value, json};

use super::{Properties, flag, many, named, object, one_of, recipients, reference, ruled, text};

pub(super) fn role() -> Value {
    ruled(
        &["name", "level"],
        vec![
            ("name", reference("text")),
            ("level", one_of(&["branch", "area", "division", "group"])),
            ("required", flag()),
        ],
    )
}

pub(super) fn param() -> Value {
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

pub(super) fn wait() -> Value {
    ruled(
        &["name", "owner", "at_most"],
        vec![("name", reference("text")), ("owner", text()), ("at_most", reference("limit"))],
    )
}

pub(super) fn field() -> Value {
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

pub(super) fn table_properties() -> Properties {
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

pub(super) fn free_table() -> Value {
    let mut properties = table_properties();
    properties.push(("outputs", named(one_of(&["code", "int", "bool", "money", "date"]))));
    ruled(&["inputs", "rows", "outputs"], properties)
}

pub(super) fn case_type() -> Value {
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

pub(super) fn route() -> Value {
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

pub(super) fn step() -> Value {
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

pub(super) fn matrix() -> Value {
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
            (
                "verbal",
                ruled(
                    &["paper_within", "ladder"],
                    vec![("paper_within", reference("limit")), ("ladder", many(rung()))],
                ),
            ),
        ],
    )
}

fn rung() -> Value {
    ruled(
        &["tell"],
        vec![
            ("after", json!({ "type": ["string", "integer"] })),
            ("tell", recipients()),
            ("reroute", text()),
            ("raise", text()),
            ("ask_plan", flag()),
        ],
    )
}

pub(super) fn clock() -> Value {
    let budget = object(&["limit"], vec![("when", reference("condition")), ("limit", reference("limit"))]);
    let warn = object(
        &["tell"],
        vec![
            ("share", json!({ "type": "integer", "minimum": 1, "maximum": 99 })),
            ("before", reference("limit")),
            ("tell", recipients()),
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
            ("ladder", many(rung())),
            (
                "repeat",
                object(&["every", "tell"], vec![("every", reference("limit")), ("tell", recipients())]),
            ),
            (
                "extension",
                ruled(
                    &["approve", "by_at_most"],
                    vec![
                        ("ask", many(text())),
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

pub(super) fn duty() -> Value {
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

pub(super) fn follow_up() -> Value {
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

pub(super) fn tell() -> Value {
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

pub(super) fn figure() -> Value {
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

pub(super) fn report() -> Value {
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

pub(super) fn privacy() -> Value {
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
