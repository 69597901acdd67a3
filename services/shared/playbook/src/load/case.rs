//! Case types from text.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    head::nobody,
    reader::{Ctx, Object},
    table::{Holds, Output},
};
use crate::{
    case::{CaseType, Closing, Mark, RepeatRule, Sameness, Seal},
    form::{Choice, Field, FieldKind},
    role::{Level, RoleAt},
    route::{Preference, Refusal, Routing},
    step::Step,
    table::{DecisionTable, HitPolicy},
    yaml::{Entry, Node},
};

impl Ctx {
    pub fn case_type(&mut self, entry: &Entry) -> CaseType {
        let id = entry.key.clone();
        self.check_type_id(&id, entry.key_span);
        let mut object = self.object(&entry.node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let channels = object.need(self, "channels").map(|n| self.choices(n)).unwrap_or_default();
        let opened_when = object.get("opened_when").map(|n| self.condition(n));
        let form_node = object.need(self, "form");
        let form = self.fields(form_node);
        let categories =
            object.get("categories").map(|n| self.choices(n)).unwrap_or_else(|| form_categories(&form));
        let severities = object.need(self, "severities").map(|n| self.choices(n)).unwrap_or_default();
        let tables = self.classify(&id, &mut object, &categories, &severities);
        let repeat = object.get("repeat").map(|n| self.repeat(n, &severities));
        let routing = object.need(self, "route").map(|n| self.routing(&id, n)).unwrap_or_else(no_routing);
        let steps = object.need(self, "steps").map(|n| self.steps(&id, n)).unwrap_or_default();
        let closing = match object.need(self, "closing") {
            Some(node) => self.closing(&id, node, &steps),
            None => Closing { needs: Vec::new(), marks: Vec::new(), reopen_days: 0, rules: Vec::new() },
        };
        let rules = self.rules(&mut object);
        object.done(self);
        let [category_table, severity_table, tag_table] = tables;
        CaseType {
            id,
            name,
            channels,
            opened_when,
            form,
            categories,
            severities,
            category_table,
            severity_table,
            tag_table,
            repeat,
            routing,
            steps,
            closing,
            rules,
            derived: Arc::default(),
        }
    }

    fn classify(
        &mut self,
        id: &str,
        object: &mut Object<'_>,
        categories: &[Choice],
        severities: &[Choice],
    ) -> [Option<DecisionTable>; 3] {
        let Some(node) = object.get("classify") else { return [None, None, None] };
        let mut tables = self.object(node);
        let codes = |choices: &[Choice]| Holds::OneOf(choices.iter().map(|c| c.code.clone()).collect());
        let mut table = |ctx: &mut Self, name: &str, holds: Holds| {
            let node = tables.get(name)?;
            Some(ctx.table(
                &format!("{id}/{name}"),
                node,
                &[Output { name: name.to_owned(), holds, optional: false }],
            ))
        };
        let category = table(self, "category", codes(categories));
        let severity = table(self, "severity", codes(severities));
        let tag = table(self, "tag", Holds::Code);
        tables.done(self);
        [category, severity, tag]
    }

    fn repeat(&mut self, node: &Node, severities: &[Choice]) -> RepeatRule {
        let mut object = self.object(node);
        let by = object.need(self, "by").map(|n| {
            n.items()
                .iter()
                .map(|i| self.one_of(i, &[("customer", Sameness::Customer), ("asset", Sameness::Asset)]))
                .collect()
        });
        let same_category = object.get("same_category").is_none_or(|n| self.flag(n));
        let within_days = object.need(self, "within_days").map_or(1, |n| self.days(n));
        let raises = object.get("raises").map(|n| self.severity(n, severities));
        let ours = object.get("ours").is_some_and(|n| self.flag(n));
        let rules = self.rules(&mut object);
        object.done(self);
        RepeatRule { by: by.unwrap_or_default(), same_category, within_days, raises, ours, rules }
    }

    /// A number of days, or the parameter that holds it.
    fn days(&mut self, node: &Node) -> u32 {
        match node.scalar().and_then(|name| self.names.values.get(name)) {
            Some(crate::facts::Value::Int(days)) if (1..=36_500).contains(days) => {
                u32::try_from(*days).unwrap_or(1)
            }
            _ => self.count(node, 1, 36_500),
        }
    }

    fn severity(&mut self, node: &Node, severities: &[Choice]) -> String {
        let code = self.string(node);
        if !severities.iter().any(|s| s.code == code) {
            self.unknown(
                "PB0108",
                node.span,
                ("严重程度", "severity"),
                &code,
                severities.iter().map(|s| s.code.as_str()),
            );
        }
        code
    }

    fn routing(&mut self, id: &str, node: &Node) -> Routing {
        let mut object = self.object(node);
        let receiver = object.need(self, "receiver").map_or_else(nobody, |n| self.role_at(n));
        let follower = object.get("follower").map(|n| self.role_at(n));
        let outputs = [
            Output { name: "unit".to_owned(), holds: Holds::Code, optional: false },
            Output { name: "handler".to_owned(), holds: Holds::Role, optional: false },
            Output { name: "helpers".to_owned(), holds: Holds::Roles, optional: true },
        ];
        let table = self.table_body(&format!("{id}/route"), &mut object, &outputs);
        let on_refusal = object.need(self, "on_refusal").map(|n| self.refusal(n));
        let on_silence = object.need(self, "on_silence").map(|n| self.clock_name(n));
        let choose = object.get("choose").map(|n| {
            let words = [
                ("least_load", Preference::LeastLoad),
                ("skill", Preference::Skill),
                ("nearest", Preference::Nearest),
                ("before", Preference::Before),
            ];
            n.items().iter().map(|i| self.one_of(i, &words)).collect()
        });
        let rules = table.rules.clone();
        object.done(self);
        let roles = self
            .names
            .roles
            .iter()
            .map(|(role, level)| (role.clone(), RoleAt { role: role.clone(), level: *level }))
            .collect();
        let on_refusal = on_refusal.unwrap_or_else(|| Refusal { to: nobody(), reason_required: true });
        Routing {
            receiver,
            follower,
            table,
            roles,
            on_refusal,
            on_silence,
            choose: choose.unwrap_or_default(),
            rules,
        }
    }

    fn refusal(&mut self, node: &Node) -> Refusal {
        let mut object = self.object(node);
        let to = object.need(self, "to").map_or_else(nobody, |n| self.role_at(n));
        let reason_required = object.get("reason").is_none_or(|n| self.flag(n));
        object.done(self);
        Refusal { to, reason_required }
    }

    pub fn clock_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.clocks.contains(&name) {
            let known: Vec<String> = self.names.clocks.iter().cloned().collect();
            self.unknown("PB0105", node.span, ("时钟", "clock"), &name, known.iter().map(String::as_str));
        }
        name
    }

    fn closing(&mut self, id: &str, node: &Node, steps: &[Step]) -> Closing {
        self.place(format!("types/{id}/closing"), node.span);
        let mut object = self.object(node);
        let seals = [("work", Seal::Work), ("follow_up", Seal::FollowUp)];
        let needs = object
            .need(self, "needs")
            .map(|n| n.items().iter().map(|i| self.one_of(i, &seals)).collect::<Vec<_>>());
        let reopen_days = object.need(self, "reopen_days").map_or(1, |n| self.days(n));
        let rules = self.rules(&mut object);
        object.done(self);
        let mut marks = Vec::new();
        for (mark, zh, en) in [
            (Mark::Answered, "答复", "answered"),
            (Mark::Resolved, "解决", "resolved"),
            (Mark::Told, "告知", "told"),
        ] {
            let by: Vec<String> =
                steps.iter().filter(|s| s.marks.contains(&mark)).map(|s| s.id.clone()).collect();
            if by.is_empty() && !steps.is_empty() {
                self.hinted(
                    "PB0506",
                    object_span(node),
                    (format!("没有任何步骤表明已{zh}"), format!("no step marks the case as {en}")),
                    (
                        "在相应步骤写 marks",
                        "write `marks` at the step that does it (P4: answered, resolved, told)",
                    ),
                );
            }
            marks.push((mark, by));
        }
        Closing { needs: needs.unwrap_or_default(), marks, reopen_days, rules }
    }
}

fn object_span(node: &Node) -> crate::yaml::Span {
    crate::yaml::Span { length: 1, ..node.span }
}

/// The options of the form's field `category`.
fn form_categories(form: &[Field]) -> Vec<Choice> {
    match form.iter().find(|f| f.name == "category").map(|f| &f.kind) {
        Some(FieldKind::Choice(choices)) => choices.clone(),
        _ => Vec::new(),
    }
}

fn no_routing() -> Routing {
    Routing {
        receiver: RoleAt { role: String::new(), level: Level::Branch },
        follower: None,
        table: DecisionTable {
            id: String::new(),
            name: Default::default(),
            hit: HitPolicy::First,
            inputs: Vec::new(),
            outputs: Vec::new(),
            rows: Vec::new(),
            otherwise: None,
            rules: Vec::new(),
        },
        roles: BTreeMap::new(),
        on_refusal: Refusal { to: nobody(), reason_required: true },
        on_silence: None,
        choose: Vec::new(),
        rules: Vec::new(),
    }
}
