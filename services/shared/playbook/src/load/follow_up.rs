//! Follow-ups from text.

use calendar::Limit;

use super::{
    document::Document,
    head::nobody,
    reader::{Ctx, Object},
};
use crate::{
    clock::Trigger,
    facts::Facts,
    follow_up::{Attempts, FollowUp, FollowUpKind, Question, QuestionKind, Series, Unhappy},
    yaml::{Entry, Node},
};

const KINDS: &[(&str, FollowUpKind)] = &[
    ("call", FollowUpKind::Call),
    ("letter", FollowUpKind::Letter),
    ("visit", FollowUpKind::Visit),
    ("survey", FollowUpKind::Survey),
];

/// Events after which a follow-up may come. `follow_up.completed` says that none comes any more; clocks and messages are
/// nothing that follow-up hears of.
const OCCASIONS: &[&str] = &[
    "ticket.*",
    "work.*",
    "approval.*",
    "follow_up.scheduled",
    "follow_up.attempted",
    "follow_up.recorded",
    "survey.answered",
];

impl Ctx {
    pub fn follow_ups(&mut self, document: &Document<'_>) -> Vec<FollowUp> {
        let entries = self.section(document, "follow_ups");
        entries.into_iter().map(|entry| self.follow_up(entry)).collect()
    }

    /// What follow-up hears, and before it is done with the round.
    fn occasion(&mut self, node: &Node) -> Trigger {
        let after = self.trigger(node);
        let heard = OCCASIONS.iter().any(|heard| match heard.strip_suffix('*') {
            Some(family) => after.event.starts_with(family),
            None => after.event == *heard,
        });
        if !heard && !after.event.is_empty() {
            let event = &after.event;
            self.hinted(
                "PB0612",
                node.span,
                (
                    format!("“{event}”之后不会安排回访"),
                    format!("no follow-up is ever made after `{event}`"),
                ),
                (
                    "可用 ticket、work、approval 的事件，以及 follow_up.scheduled、attempted、recorded 和 survey.answered",
                    "events of ticket, work and approval, follow_up.scheduled, .attempted, .recorded and survey.answered can be waited for",
                ),
            );
        }
        after
    }

    fn follow_up(&mut self, entry: &Entry) -> FollowUp {
        let mut object = self.object(&entry.node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let kind = object.need(self, "kind").map_or(FollowUpKind::Call, |n| self.one_of(n, KINDS));
        let types = self.type_names(&mut object);
        let after = object.need(self, "after").map(|n| self.occasion(n));
        let after = after.unwrap_or_else(|| Trigger {
            event: String::new(),
            subject: None,
            when: None,
            at_fact: None,
        });
        let when = object.get("when").map(|n| self.condition(n));
        let (due, due_param) =
            object.need(self, "due").map_or((Limit::Wall { minutes: 1 }, None), |n| self.limit(n));
        let by = object.need(self, "by").map_or_else(nobody, |n| self.role_at(n));
        let preferred_time_field = object.get("preferred_time").map(|n| self.window(n));
        let attempts = object.need(self, "attempts").map(|n| self.attempts(n));
        let attempts = attempts.unwrap_or(Attempts { max: 1, every: Limit::Wall { minutes: 60 } });
        let script = object.need(self, "script").map(|n| self.text(n)).unwrap_or_default();
        let questions = object.get("questions").map(|n| self.questions(n)).unwrap_or_default();
        let unhappy = object.get("unhappy").map(|n| self.condition(n));
        let on_unhappy = self.on_unhappy(&mut object);
        let series =
            object.get("series").map(|n| Series { at: n.items().iter().map(|i| self.limit(i).0).collect() });
        let sample = object.get("sample_percent").map(|n| u8::try_from(self.int(n, 1, 100)).unwrap_or(100));
        let rules = self.rules(&mut object);
        object.done(self);
        if kind == FollowUpKind::Letter && !questions.is_empty() {
            self.hinted(
                "PB0006",
                entry.key_span,
                ("信函不提问".into(), "a letter asks nothing".into()),
                ("要回答的用 call、visit 或 survey", "what is to be answered is a call, a visit or a survey"),
            );
        }
        if series.as_ref().is_some_and(|series| series.at.is_empty()) {
            self.error("PB0006", entry.key_span, "系列回访要写出时间点", "a series names its points");
        }
        if unhappy.as_ref().is_some_and(|c| c.holds(&Facts::new())) {
            self.error(
                "PB0608",
                entry.key_span,
                "没有回答就算不满意",
                "no answer at all would count as unhappy",
            );
        }
        FollowUp {
            id: entry.key.clone(),
            name,
            kind,
            types,
            after,
            when,
            due,
            due_param,
            by,
            preferred_time_field,
            attempts,
            script,
            questions,
            unhappy,
            on_unhappy,
            series,
            sample,
            rules,
        }
    }

    fn window(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.windows.contains(&name) {
            let known: Vec<String> = self.names.windows.iter().cloned().collect();
            self.unknown(
                "PB0112",
                node.span,
                ("时间段字段", "window field"),
                &name,
                known.iter().map(String::as_str),
            );
        }
        name
    }

    fn attempts(&mut self, node: &Node) -> Attempts {
        let mut object = self.object(node);
        let max = object.need(self, "max").map_or(1, |n| self.count(n, 1, 100));
        let every = object.need(self, "every").map_or(Limit::Wall { minutes: 60 }, |n| self.limit(n).0);
        object.done(self);
        Attempts { max, every }
    }

    fn questions(&mut self, node: &Node) -> Vec<Question> {
        let mut questions = Vec::new();
        for entry in self.entries(node) {
            let mut object = self.object(&entry.node);
            let text = object.need(self, "text").map(|n| self.text(n)).unwrap_or_default();
            let kind = self.question_kind(&mut object);
            let required = object.get("required").is_none_or(|n| self.flag(n));
            let rules = self.rules(&mut object);
            object.done(self);
            questions.push(Question { id: entry.key.clone(), text, kind, required, rules });
        }
        questions
    }

    fn question_kind(&mut self, object: &mut Object<'_>) -> QuestionKind {
        let node = object.need(self, "kind");
        let words = [("scale", 0), ("choice", 1), ("yes_no", 2)];
        match node.map_or(0, |n| self.one_of(n, &words)) {
            1 => QuestionKind::Choice(self.options(object)),
            2 => QuestionKind::YesNo,
            _ => {
                let low = object.get("from").map_or(1, |n| self.int(n, 0, 100));
                let high = object.get("to").map_or(5, |n| self.int(n, 1, 100));
                if low >= high {
                    self.error("PB0006", object.span, "评分的上限要大于下限", "a scale goes upwards");
                }
                QuestionKind::Scale { low, high }
            }
        }
    }

    /// `reopen: 15` (days), `linked` or `nothing`.
    fn on_unhappy(&mut self, object: &mut Object<'_>) -> Unhappy {
        let Some(node) = object.get("on_unhappy") else { return Unhappy::Nothing };
        if node.scalar().is_some() {
            return match self.one_of(node, &[("linked", true), ("nothing", false)]) {
                true => Unhappy::Linked,
                false => Unhappy::Nothing,
            };
        }
        let mut inner = self.object(node);
        let within_days = inner.need(self, "reopen_within_days").map_or(1, |n| self.count(n, 1, 3650));
        inner.done(self);
        Unhappy::Reopen { within_days }
    }
}
