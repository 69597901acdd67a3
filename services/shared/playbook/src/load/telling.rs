//! Messages, figures and reports from text.

use super::{
    document::Document,
    reader::{Ctx, Object},
};
use crate::{
    clock::Trigger,
    condition::Condition,
    event::{EVENTS, Subject, subject_of},
    report::{Figure, FigureKind, GroupBy, Period, Report, Target},
    role::{CasePerson, Recipient},
    tell::{Channel, PLACEHOLDERS, Tell, placeholders},
    yaml::{Entry, Node},
};

const CHANNELS: &[(&str, Channel)] =
    &[("sms", Channel::Sms), ("mail", Channel::Mail), ("file", Channel::File), ("webhook", Channel::Webhook)];
const GROUPS: &[(&str, GroupBy)] = &[
    ("branch", GroupBy::Branch),
    ("type", GroupBy::Type),
    ("severity", GroupBy::Severity),
    ("category", GroupBy::Category),
];
const PERIODS: &[(&str, Period)] =
    &[("daily", Period::Daily), ("weekly", Period::Weekly), ("monthly", Period::Monthly)];

impl Ctx {
    pub fn tells(&mut self, document: &Document<'_>) -> Vec<Tell> {
        let entries = self.section(document, "tells");
        entries.into_iter().map(|entry| self.tell(entry)).collect()
    }

    fn tell(&mut self, entry: &Entry) -> Tell {
        let mut object = self.object(&entry.node);
        let types = self.type_names(&mut object);
        let on = object.need(self, "on").map(|n| self.trigger(n));
        let on =
            on.unwrap_or_else(|| Trigger { event: String::new(), subject: None, when: None, at_fact: None });
        let when = object.get("when").map(|n| self.condition(n));
        let to = object.need(self, "to").map(|n| self.recipients(n)).unwrap_or_default();
        let channel = object.need(self, "channel").map_or(Channel::Sms, |n| self.one_of(n, CHANNELS));
        let template_node = object.need(self, "template");
        let template = template_node.map(|n| self.text(n)).unwrap_or_default();
        let rules = self.rules(&mut object);
        object.done(self);
        for lang in ["zh", "en"] {
            if let Some(node) = template_node.and_then(|n| n.peek(lang)) {
                self.check_template(node);
            }
        }
        let customer = to.contains(&Recipient::Person(CasePerson::Customer));
        if customer && matches!(channel, Channel::File | Channel::Webhook | Channel::Mail) {
            self.hinted(
                "PB0704",
                entry.key_span,
                ("客户只能用短信通知".into(), "a customer is reached by SMS only".into()),
                (
                    "写 channel: sms；其他人另写一条",
                    "say `channel: sms`; tell others in a message of their own",
                ),
            );
        }
        Tell { id: entry.key.clone(), types, on, when, to, channel, template, rules }
    }

    fn check_template(&mut self, node: &Node) {
        let text = node.scalar().unwrap_or_default().to_owned();
        for name in placeholders(&text) {
            if PLACEHOLDERS.contains(&name) || self.names.facts.contains_key(name) {
                continue;
            }
            if self.names.sealed.contains(name) {
                self.hinted(
                    "PB0702",
                    node.span,
                    (
                        format!("“{{{name}}}”是个人信息，消息里不能有"),
                        format!("`{{{name}}}` is personal: a message cannot say it"),
                    ),
                    ("收信人从链接里看", "the reader follows {link}"),
                );
            } else {
                self.unknown(
                    "PB0701",
                    node.span,
                    ("占位符", "placeholder"),
                    name,
                    PLACEHOLDERS.iter().copied(),
                );
            }
        }
        if text.matches('{').count() != text.matches('}').count() {
            self.error("PB0703", node.span, "花括号不成对", "a brace has no partner");
        }
    }

    pub fn figures(&mut self, document: &Document<'_>) -> Vec<Figure> {
        let entries = self.section(document, "figures");
        entries.into_iter().map(|entry| self.figure(entry)).collect()
    }

    fn figure(&mut self, entry: &Entry) -> Figure {
        let mut object = self.object(&entry.node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let kind = self.figure_kind(&mut object);
        let filter = object.get("filter").map(|n| self.condition(n));
        let group_by = object
            .get("by")
            .map(|n| n.items().iter().map(|i| self.one_of(i, GROUPS)).collect())
            .unwrap_or_default();
        let target = match (object.get("at_least"), object.get("at_most")) {
            (Some(n), None) => Some(Target::AtLeast(self.int(n, 0, i64::MAX))),
            (None, Some(n)) => Some(Target::AtMost(self.int(n, 0, i64::MAX))),
            (None, None) => None,
            (Some(n), Some(_)) => {
                self.error(
                    "PB0006",
                    n.span,
                    "目标只能写 at_least 或 at_most 之一",
                    "a target is either `at_least` or `at_most`",
                );
                None
            }
        };
        let rules = self.rules(&mut object);
        object.done(self);
        Figure { id: entry.key.clone(), name, kind, filter, group_by, target, rules }
    }

    fn figure_kind(&mut self, object: &mut Object<'_>) -> FigureKind {
        let node = object.need(self, "kind");
        let words = [("count", 0), ("rate", 1), ("duration", 2), ("on_time", 3), ("average", 4), ("list", 5)];
        let mut on =
            |ctx: &mut Self, key| object.need(ctx, key).map(|n| ctx.event_name(n)).unwrap_or_default();
        match node.map_or(0, |n| self.one_of(n, &words)) {
            1 => {
                let on = on(self, "on");
                let part = object.need(self, "part").map(|n| self.condition(n));
                FigureKind::Rate { on, part: part.unwrap_or_else(no_condition) }
            }
            2 => FigureKind::Duration { from: on(self, "from"), to: on(self, "to") },
            3 => FigureKind::OnTime { clock: object.get("clock").map(|n| self.clock_name(n)) },
            4 => FigureKind::Average {
                question: object.need(self, "question").map(|n| self.question_name(n)).unwrap_or_default(),
            },
            5 => {
                let on = on(self, "on");
                let clock = object.get("clock").map(|n| self.clock_of_list(n, &on));
                let columns =
                    object.need(self, "columns").map(|n| n.items().iter().map(|i| self.code(i)).collect());
                FigureKind::List { on, clock, columns: columns.unwrap_or_default() }
            }
            _ => FigureKind::Count { on: on(self, "on") },
        }
    }

    /// A list of one clock's events; other events are about no clock.
    fn clock_of_list(&mut self, node: &Node, event: &str) -> String {
        if subject_of(event).is_some_and(|subject| subject != Subject::Clock) {
            self.error(
                "PB0006",
                node.span,
                "只有 clock.* 和 escalation.raised 的清单可以限定时钟",
                "only lists of `clock.*` and `escalation.raised` can name a clock",
            );
        }
        self.clock_name(node)
    }

    fn event_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if subject_of(&name).is_none() {
            self.unknown("PB0104", node.span, ("事件", "event"), &name, EVENTS.iter().map(|(n, _)| *n));
        }
        name
    }

    fn question_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.facts.contains_key(&name) {
            self.unknown_fact(node.span, &name);
        }
        name
    }

    pub fn reports(&mut self, document: &Document<'_>) -> Vec<Report> {
        let mut reports = Vec::new();
        for entry in self.section(document, "reports") {
            let mut object = self.object(&entry.node);
            let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
            let period = object.need(self, "period").map_or(Period::Weekly, |n| self.one_of(n, PERIODS));
            let figures =
                object.need(self, "figures").map(|n| n.items().iter().map(|i| self.figure_name(i)).collect());
            let addressees = object.need(self, "to").map(|n| self.recipients(n)).unwrap_or_default();
            let rules = self.rules(&mut object);
            object.done(self);
            reports.push(Report {
                id: entry.key.clone(),
                name,
                period,
                figures: figures.unwrap_or_default(),
                addressees,
                rules,
            });
        }
        reports
    }

    fn figure_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.figures.contains(&name) {
            let known: Vec<String> = self.names.figures.iter().cloned().collect();
            self.unknown("PB0113", node.span, ("指标", "figure"), &name, known.iter().map(String::as_str));
        }
        name
    }
}

fn no_condition() -> Condition {
    Condition::compiled("false", crate::condition::Expr::Literal(crate::facts::Value::Bool(false)))
}
