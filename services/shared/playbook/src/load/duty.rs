//! Duties from text. A duty is a case that nobody calls in: it is opened by itself when its day comes, handed to its
//! role, done with its proof, watched by its clock and told of when it is missing. So it is read as what a rule book
//! could have said itself, a case type with a clock and a message, and nothing else need know that it is a duty.

use calendar::Limit;
use serde_json::{Value as Json, json};

use super::{document::Document, head::nobody, people, reader::Ctx};
use crate::{
    model::Duty,
    recurrence::Recurrence,
    yaml::{self, Node, Span},
};

/// Where what follows from duties stands, in findings.
pub(super) const FILE: &str = "duties";

/// Case types that begin so are duties'.
const PREFIX: &str = "duty_";

/// The case type of a duty.
pub fn case_type_of(duty: &str) -> String {
    format!("{PREFIX}{duty}")
}

/// Whether a part of the rule book that names these types is about a case: without any it is about every case that
/// somebody brings, but about no duty.
pub(crate) fn applies(types: &[String], case_type: &str) -> bool {
    types.iter().any(|named| named == case_type) || (types.is_empty() && !is_case_type(case_type))
}

fn is_case_type(id: &str) -> bool {
    id.starts_with(PREFIX)
}

/// The fact that names the day for which a duty is done.
pub const DAY: &str = "duty_day";

/// What the duties of these files come to, as one more file; `None` without any. One that lacks something is left out:
/// the loader says so at its own place.
pub(super) fn expanded(roots: &[Node], file: usize) -> Option<(String, Node)> {
    let duties = roots.iter().filter_map(|root| root.peek("duties")).flat_map(Node::entries);
    let mut document = json!({ "types": {}, "clocks": {}, "tells": {} });
    for entry in duties {
        if let Some(duty) = Told::of(&entry.key, &entry.node) {
            let id = case_type_of(&entry.key);
            document["types"][&id] = duty.case_type(&id);
            document["clocks"][&id] = duty.clock(&id);
            document["tells"][&id] = duty.tell(&id);
        }
    }
    if document["types"].as_object().is_none_or(serde_json::Map::is_empty) {
        return None;
    }
    let text = document.to_string();
    let root = yaml::read(file, &text, &mut Vec::new())?;
    Some((text, root))
}

/// A duty as it was written.
struct Told<'n> {
    name: Json,
    role: &'n str,
    due: &'n str,
    proof: Option<&'n str>,
    tell_late: Vec<&'n str>,
    rules: Vec<&'n str>,
}

impl<'n> Told<'n> {
    fn of(id: &str, node: &'n Node) -> Option<Told<'n>> {
        let word = |key: &str| node.peek(key).and_then(Node::scalar);
        let words = |key: &str| -> Vec<&str> {
            node.peek(key).map(Node::items).unwrap_or_default().iter().filter_map(Node::scalar).collect()
        };
        let name = node.peek("name")?;
        let said = |lang: &str| name.peek(lang).and_then(Node::scalar).unwrap_or(id);
        Some(Told {
            name: json!({ "zh": said("zh"), "en": said("en") }),
            role: word("role")?,
            due: word("due")?,
            proof: word("proof"),
            tell_late: words("tell_late"),
            rules: words("rules"),
        })
    }

    fn case_type(&self, id: &str) -> Json {
        let proofs = self.proof.map(|proof| {
            json!([{ "any": ["document", "photo", "signature", "recording"], "name": { "zh": proof, "en": proof } }])
        });
        let role = self.role;
        let own = role.split('@').next().unwrap_or(role);
        json!({
            "name": self.name,
            "channels": {},
            "form": { DAY: { "kind": "date", "label": { "zh": "日期", "en": "day" } } },
            "severities": { "duty": { "zh": "职责", "en": "duty" } },
            "route": {
                "receiver": role,
                "hit": "first",
                "inputs": [],
                "rows": [],
                "otherwise": { "then": { "unit": "duty", "handler": own } },
                "on_refusal": { "to": self.next_up() },
                "on_silence": id,
            },
            "steps": { "perform": {
                "name": self.name,
                "by": role,
                "clocks": [id],
                "marks": ["answered", "resolved", "told"],
                "proofs": proofs.unwrap_or_else(|| json!([])),
            } },
            "closing": { "needs": ["work"], "reopen_days": 1 },
            "rules": self.rules,
        })
    }

    /// The first of those told who is a role.
    fn next_up(&self) -> &str {
        let mut roles = self.tell_late.iter().filter(|word| people::case_person(word).is_none());
        roles.next().copied().unwrap_or(self.role)
    }

    fn clock(&self, id: &str) -> Json {
        json!({
            "name": self.name,
            "types": [id],
            "start": [{ "on": "ticket.opened" }],
            "stop": ["work.completed"],
            "cancel": ["ticket.closed"],
            "limit": self.due,
            "ladder": [{ "after": "0", "tell": self.tell_late }],
            "rules": self.rules,
        })
    }

    fn tell(&self, id: &str) -> Json {
        json!({
            "types": [id],
            "on": "work.dispatched",
            "to": self.role,
            "channel": "sms",
            "template": {
                "zh": "{branch}：请完成“{type}”（{duty_day}），留好凭证：{link}",
                "en": "{branch}: {type} is to be done ({duty_day}), with its proof: {link}",
            },
            "rules": self.rules,
        })
    }
}

impl Ctx {
    pub fn duties(&mut self, document: &Document<'_>) -> Vec<Duty> {
        let mut duties = Vec::new();
        for entry in self.section(document, "duties") {
            let mut object = self.object(&entry.node);
            let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
            let role = object.need(self, "role").map_or_else(nobody, |n| self.role_at(n));
            let recurs = object.need(self, "recurs").map(|n| (n, self.string(n)));
            let due = object.need(self, "due").map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
            let proof = object.get("proof").map(|n| self.code(n));
            let tell_late = object.need(self, "tell_late").map(|n| self.recipients(n)).unwrap_or_default();
            let rules = self.rules(&mut object);
            object.done(self);
            let Some((node, rule)) = recurs else { continue };
            match Recurrence::parse(&rule) {
                Some(recurs) => {
                    let case_type = case_type_of(&entry.key);
                    let id = entry.key.clone();
                    duties.push(Duty { id, case_type, name, role, recurs, due, proof, tell_late, rules });
                }
                None => self.no_recurrence(node, &rule),
            }
        }
        duties
    }

    /// The names of what follows from duties are not for others.
    pub fn check_type_id(&mut self, id: &str, span: Span) {
        let own = self.sources.get(span.file).is_some_and(|source| source.path == FILE);
        if is_case_type(id) && !own {
            self.error(
                "PB0009",
                span,
                format!("以 {PREFIX} 开头的名称留给职责（duties）"),
                format!("names that begin with `{PREFIX}` are kept for duties"),
            );
        }
    }

    fn no_recurrence(&mut self, node: &Node, rule: &str) {
        self.hinted(
            "PB0607",
            node.span,
            (format!("“{rule}”不是周期规则"), format!("`{rule}` is not a recurrence rule")),
            ("按 RFC 5545 写，例如 FREQ=WEEKLY;BYDAY=MO", "as in RFC 5545, for example FREQ=WEEKLY;BYDAY=MO"),
        );
    }
}
