//! Clocks and triggers from text.

use calendar::Limit;

use super::{
    document::Document,
    head::nobody,
    reader::{Ctx, Object},
};
use crate::{
    clock::{
        Budget, BudgetRow, CalendarOf, Clock, Extension, Repeat, Rung, Scope, Trigger, Warn, WarnAt, length,
    },
    event::{EVENTS, Subject, subject_of},
    facts::Kind,
    yaml::{Entry, Node, Span},
};

const SCOPES: &[(&str, Scope)] = &[
    ("ticket", Scope::Ticket),
    ("hand_off", Scope::HandOff),
    ("step", Scope::Step),
    ("approval", Scope::Approval),
    ("call_back", Scope::CallBack),
];
const CALENDARS: &[(&str, CalendarOf)] =
    &[("branch", CalendarOf::Branch), ("call_centre", CalendarOf::CallCentre), ("wall", CalendarOf::Wall)];

impl Ctx {
    pub fn clocks(&mut self, document: &Document<'_>) -> Vec<Clock> {
        let entries = self.section(document, "clocks");
        entries.into_iter().map(|entry| self.clock(entry)).collect()
    }

    fn clock(&mut self, entry: &Entry) -> Clock {
        let mut object = self.object(&entry.node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let types = self.type_names(&mut object);
        let scope = object.get("scope").map_or(Scope::Ticket, |n| self.one_of(n, SCOPES));
        let start = object.need(self, "start").map(|n| self.triggers(n)).unwrap_or_default();
        let stop = object.get("stop").map(|n| self.triggers(n)).unwrap_or_default();
        let cancel = object.get("cancel").map(|n| self.triggers(n)).unwrap_or_default();
        let when = object.get("when").map(|n| self.condition(n));
        let limit = object.need(self, "limit").map_or(Budget { rows: Vec::new() }, |n| self.budget(n));
        let calendar = object.get("calendar").map_or(CalendarOf::Branch, |n| self.one_of(n, CALENDARS));
        let pauses = object
            .get("pauses")
            .map(|n| n.items().iter().map(|i| self.wait_name(i)).collect())
            .unwrap_or_default();
        let warn = object
            .get("warn")
            .map(|n| n.items().iter().map(|i| self.warn(i, &limit)).collect())
            .unwrap_or_default();
        let ladder = self.rungs(&mut object);
        let repeat = object.get("repeat").map(|n| self.clock_repeat(n));
        let extension = object.get("extension").map(|n| self.extension(n));
        let ours = object.get("ours").is_some_and(|n| self.flag(n));
        let rules = self.rules(&mut object);
        object.done(self);
        if stop.is_empty() {
            self.hinted(
                "PB0601",
                entry.key_span,
                (
                    format!("没有什么能让时钟“{}”停下", entry.key),
                    format!("nothing can stop the clock `{}`", entry.key),
                ),
                ("写 stop，列出完成它的事件", "write `stop` with the events that meet it"),
            );
        }
        Clock {
            id: entry.key.clone(),
            name,
            types,
            scope,
            start,
            stop,
            cancel,
            when,
            limit,
            calendar,
            pauses,
            warn,
            ladder,
            repeat,
            extension,
            ours,
            rules,
        }
    }

    pub fn type_names(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let Some(node) = object.get("types") else { return Vec::new() };
        let mut types = Vec::new();
        for item in node.items() {
            let name = self.string(item);
            if !self.names.types.contains(&name) {
                let known: Vec<String> = self.names.types.iter().cloned().collect();
                self.unknown(
                    "PB0107",
                    item.span,
                    ("类型", "case type"),
                    &name,
                    known.iter().map(String::as_str),
                );
            }
            types.push(name);
        }
        types
    }

    fn wait_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.waits.contains(&name) {
            let known: Vec<String> = self.names.waits.iter().cloned().collect();
            self.unknown("PB0110", node.span, ("等待", "wait"), &name, known.iter().map(String::as_str));
        }
        name
    }

    pub fn triggers(&mut self, node: &Node) -> Vec<Trigger> {
        node.items().iter().map(|item| self.trigger(item)).collect()
    }

    /// `work.step_done(judge)`, or a mapping with `on`, `when` and `from`.
    pub fn trigger(&mut self, node: &Node) -> Trigger {
        if let Some(text) = node.scalar() {
            let (event, subject) = self.event(node.span, text);
            return Trigger { event, subject, when: None, at_fact: None };
        }
        let mut object = self.object(node);
        let on = object.need(self, "on").map(|n| (n.span, self.string(n)));
        let when = object.get("when").map(|n| self.condition(n));
        let at_fact = object.get("from").map(|n| self.instant_fact(n));
        object.done(self);
        let (event, subject) = on.map(|(span, text)| self.event(span, &text)).unwrap_or_default();
        Trigger { event, subject, when, at_fact }
    }

    fn event(&mut self, span: Span, text: &str) -> (String, Option<String>) {
        let (event, subject) = match text.split_once('(') {
            Some((event, rest)) => (event.trim(), Some(rest.trim_end_matches(')').trim().to_owned())),
            None => (text.trim(), None),
        };
        let Some(about) = subject_of(event) else {
            self.unknown("PB0104", span, ("事件", "event"), event, EVENTS.iter().map(|(name, _)| *name));
            return (event.to_owned(), None);
        };
        if let Some(subject) = &subject {
            self.check_subject(span, about, event, subject);
        }
        (event.to_owned(), subject)
    }

    fn check_subject(&mut self, span: Span, about: Subject, event: &str, subject: &str) {
        let (code, what, known): (_, _, Vec<String>) = match about {
            Subject::None => {
                self.error(
                    "PB0104",
                    span,
                    format!("事件 {event} 后面不带括号"),
                    format!("the event {event} takes no subject"),
                );
                return;
            }
            Subject::Step => {
                ("PB0102", ("步骤", "step"), self.names.all_steps().map(str::to_owned).collect())
            }
            Subject::FollowUp => {
                ("PB0111", ("回访", "follow-up"), self.names.follow_ups.iter().cloned().collect())
            }
            Subject::Clock => ("PB0105", ("时钟", "clock"), self.names.clocks.iter().cloned().collect()),
        };
        if !known.iter().any(|k| k == subject) {
            self.unknown(code, span, what, subject, known.iter().map(String::as_str));
        }
    }

    fn instant_fact(&mut self, node: &Node) -> String {
        let name = self.string(node);
        match self.names.facts.get(&name).map(|f| f.kind) {
            Some(Kind::Instant) => {}
            Some(other) => {
                self.error(
                    "PB0202",
                    node.span,
                    format!("“{name}”是 {}，不是时刻", other.as_str()),
                    format!("`{name}` is {}, not an instant", other.as_str()),
                );
            }
            None => self.unknown_fact(node.span, &name),
        }
        name
    }

    /// One limit, or rows of `{ when, limit }` of which the last has no condition.
    fn budget(&mut self, node: &Node) -> Budget {
        if node.scalar().is_some() {
            let (limit, param) = self.limit(node);
            return Budget { rows: vec![BudgetRow { when: None, limit, param }] };
        }
        let mut rows = Vec::new();
        for item in node.items() {
            let mut object = self.object(item);
            let when = object.get("when").map(|n| self.condition(n));
            let (limit, param) =
                object.need(self, "limit").map_or((Limit::Wall { minutes: 1 }, None), |n| self.limit(n));
            object.done(self);
            rows.push(BudgetRow { when, limit, param });
        }
        if rows.last().is_none_or(|row| row.when.is_some()) {
            self.error(
                "PB0602",
                node.span,
                "最后一行时限不能带条件",
                "the last limit has no condition, so that every case has one",
            );
        }
        Budget { rows }
    }

    fn warn(&mut self, node: &Node, budget: &Budget) -> Warn {
        let mut object = self.object(node);
        let share = object.get("share").map(|n| u8::try_from(self.int(n, 1, 99)).unwrap_or(1));
        let before = object.get("before").map(|n| (n.span, self.limit(n).0));
        let tell = object.need(self, "tell").map(|n| self.recipients(n)).unwrap_or_default();
        object.done(self);
        let at = match (share, before) {
            (Some(share), None) => WarnAt::Share(share),
            (None, Some((span, before))) => {
                self.check_warning(span, &before, budget);
                WarnAt::Before(before)
            }
            _ => {
                self.error(
                    "PB0003",
                    node.span,
                    "提醒要有 share（百分比）或 before 中的一个",
                    "a warning has one of `share` (per cent) and `before`",
                );
                WarnAt::Share(50)
            }
        };
        Warn { at, tell }
    }

    fn check_warning(&mut self, span: Span, before: &Limit, budget: &Budget) {
        for row in &budget.rows {
            if let (Some(before), Some(limit)) = (length(before), length(&row.limit))
                && before.0 == limit.0
                && before.1 >= limit.1
            {
                self.error(
                    "PB0603",
                    span,
                    format!("提醒早于时钟开始：时限只有 {}", row.limit),
                    format!("the warning would come before the clock starts: its limit is {}", row.limit),
                );
            }
        }
    }

    pub fn rungs(&mut self, object: &mut Object<'_>) -> Vec<Rung> {
        let Some(node) = object.need(self, "ladder") else { return Vec::new() };
        let mut rungs: Vec<Rung> = Vec::new();
        for item in node.items() {
            let rung = self.rung(item);
            if let Some(before) = rungs.last() {
                self.check_order(item.span, before, &rung);
            }
            rungs.push(rung);
        }
        if rungs.is_empty() {
            self.error("PB0605", node.span, "梯级不能为空", "a ladder needs a rung");
        }
        rungs
    }

    fn rung(&mut self, node: &Node) -> Rung {
        let mut object = self.object(node);
        let after = object.get("after").and_then(|n| if is_zero(n) { None } else { Some(self.limit(n).0) });
        let tell = object.need(self, "tell").map(|n| self.recipients(n)).unwrap_or_default();
        let reroute = object.get("reroute").map(|n| self.role_at(n));
        let raise = object.get("raise").map(|n| self.any_severity(n));
        let ask_plan = object.get("ask_plan").is_some_and(|n| self.flag(n));
        let rules = self.rules(&mut object);
        object.done(self);
        Rung { after, tell, reroute, raise, ask_plan, rules }
    }

    fn any_severity(&mut self, node: &Node) -> String {
        let code = self.string(node);
        if !self.names.severities.contains(&code) {
            let known: Vec<String> = self.names.severities.iter().cloned().collect();
            self.unknown(
                "PB0108",
                node.span,
                ("严重程度", "severity"),
                &code,
                known.iter().map(String::as_str),
            );
        }
        code
    }

    fn check_order(&mut self, span: Span, before: &Rung, rung: &Rung) {
        let measure =
            |r: &Rung| r.after.as_ref().map_or(Some((None, 0)), |l| length(l).map(|(m, n)| (Some(m), n)));
        let in_order = match (measure(before), measure(rung)) {
            (Some((None, _)), Some((Some(_), _))) => true,
            (Some((a, x)), Some((b, y))) => a != b || x < y,
            _ => true,
        };
        if !in_order {
            self.error("PB0604", span, "这一级不晚于上一级", "this rung does not come after the one before");
        }
    }

    fn clock_repeat(&mut self, node: &Node) -> Repeat {
        let mut object = self.object(node);
        let every = object.need(self, "every").map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
        let tell = object.need(self, "tell").map(|n| self.recipients(n)).unwrap_or_default();
        object.done(self);
        Repeat { every, tell }
    }

    fn extension(&mut self, node: &Node) -> Extension {
        let mut object = self.object(node);
        let ask = object
            .get("ask")
            .map(|n| n.items().iter().map(|i| self.role_at(i)).collect())
            .unwrap_or_default();
        let approve = object.need(self, "approve").map_or_else(nobody, |n| self.role_at(n));
        let most = object.need(self, "by_at_most");
        let by_at_most = most.map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
        if let Some(node) = most.filter(|_| length(&by_at_most).is_none()) {
            self.error(
                "PB0006",
                node.span,
                "延期要写时长，不能写到某一时点",
                "an extension is a length of time, not a moment",
            );
        }
        let times = object.get("times").map_or(1, |n| self.count(n, 1, 100));
        let rules = self.rules(&mut object);
        object.done(self);
        Extension { ask, approve, by_at_most, times, rules }
    }
}

fn is_zero(node: &Node) -> bool {
    node.scalar().is_some_and(|t| t == "0" || t == "0m" || t == "0h")
}
