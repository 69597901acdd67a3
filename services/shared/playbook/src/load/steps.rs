//! The step graph from text: names resolved, circles refused.

use std::collections::BTreeMap;

use super::{
    names::DONE,
    reader::{Ctx, Object},
};
use crate::{
    approval::ApprovalUse,
    case::Mark,
    condition::Condition,
    facts::{Facts, Kind},
    step::{Lead, LinkedCase, Performer, Proof, ProofKind, Step, with_followers},
    yaml::{Node, Span},
};

const PROOFS: &[(&str, ProofKind)] = &[
    ("photo", ProofKind::Photo),
    ("signature", ProofKind::Signature),
    ("recording", ProofKind::Recording),
    ("document", ProofKind::Document),
];
const MARKS: &[(&str, Mark)] =
    &[("answered", Mark::Answered), ("resolved", Mark::Resolved), ("told", Mark::Told)];

/// The most steps of a case type: the exploration of its graph keeps them in one machine word.
pub(crate) const MOST_STEPS: usize = 48;

impl Ctx {
    pub fn steps(&mut self, case_type: &str, node: &Node) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut spans = BTreeMap::new();
        for entry in self.entries(node) {
            self.place(format!("types/{case_type}/steps/{}", entry.key), entry.key_span);
            spans.insert(entry.key.clone(), entry.key_span);
            steps.push(self.step(case_type, &entry.key, &entry.node));
        }
        if steps.is_empty() {
            self.error("PB0003", node.span, "至少要有一个步骤", "at least one step is needed");
        }
        if steps.len() > MOST_STEPS {
            self.error(
                "PB0505",
                node.span,
                format!("步骤超过 {MOST_STEPS} 个"),
                format!("more than {MOST_STEPS} steps"),
            );
        }
        self.refuse_circles(&steps, &spans);
        self.check_loops(&steps, &spans);
        steps
    }

    fn step(&mut self, case_type: &str, id: &str, node: &Node) -> Step {
        let mut object = self.object(node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let by = object.need(self, "by").map_or(Performer::Handler, |n| self.performer(n));
        let with = object
            .get("with")
            .map(|n| n.items().iter().map(|i| self.performer(i)).collect())
            .unwrap_or_default();
        let needs = object
            .get("needs")
            .map(|n| n.items().iter().map(|i| self.step_name(case_type, i)).collect())
            .unwrap_or_default();
        let when = object.get("when").map(|n| self.condition(n));
        let fields_node = object.get("fields");
        let fields = self.fields(fields_node);
        let proofs = object
            .get("proofs")
            .map(|n| n.items().iter().map(|i| self.proof(i)).collect())
            .unwrap_or_default();
        let leads: Vec<Lead> = object
            .get("loops")
            .map(|n| n.items().iter().map(|i| self.lead(case_type, i)).collect())
            .unwrap_or_default();
        let approval = object.get("approval").map(|n| self.approval_use(case_type, n));
        let marks = object
            .get("marks")
            .map(|n| n.items().iter().map(|i| self.one_of(i, MARKS)).collect())
            .unwrap_or_default();
        let clocks = self.step_clocks(&mut object);
        let opens = object.get("opens").map(|n| self.linked(n));
        let rules = self.rules(&mut object);
        object.done(self);
        for (condition, span) in
            when.iter().map(|c| (c, node.span)).chain(leads.iter().map(|l: &Lead| (&l.when, node.span)))
        {
            if condition.reads().contains(&DONE) {
                self.hinted(
                    "PB0207",
                    span,
                    ("步骤的条件不能读 done".into(), "the conditions of a step cannot read `done`".into()),
                    ("先后次序请写 needs", "say what comes before with `needs`"),
                );
            }
        }
        Step {
            id: id.to_owned(),
            name,
            by,
            with,
            needs,
            when,
            fields,
            proofs,
            leads,
            approval,
            marks,
            clocks,
            opens,
            rules,
        }
    }

    /// P9: whatever waits has a clock.
    fn step_clocks(&mut self, object: &mut Object<'_>) -> Vec<String> {
        match object.get("clocks") {
            Some(node) => node.items().iter().map(|n| self.clock_name(n)).collect(),
            None => {
                self.hinted(
                    "PB0507",
                    object.span,
                    ("这个步骤等待时没有时钟".into(), "no clock runs while this step waits".into()),
                    (
                        "写 clocks: [...]，列出等待期间运行的时钟",
                        "write `clocks: [...]` with the clocks that run meanwhile (P9)",
                    ),
                );
                Vec::new()
            }
        }
    }

    fn performer(&mut self, node: &Node) -> Performer {
        match node.scalar() {
            Some("handler") => Performer::Handler,
            Some("receiver") => Performer::Receiver,
            Some("follower") => Performer::Follower,
            _ => Performer::Role(self.role_at(node)),
        }
    }

    fn step_name(&mut self, case_type: &str, node: &Node) -> String {
        let name = self.string(node);
        let steps = self.names.steps.get(case_type).cloned().unwrap_or_default();
        if !steps.contains(&name) {
            self.unknown("PB0102", node.span, ("步骤", "step"), &name, steps.iter().map(String::as_str));
        }
        name
    }

    fn proof(&mut self, node: &Node) -> Proof {
        let mut object = self.object(node);
        let any_of = object
            .need(self, "any")
            .map(|n| n.items().iter().map(|i| self.one_of(i, PROOFS)).collect())
            .unwrap_or_default();
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        object.done(self);
        Proof { any_of, name }
    }

    fn lead(&mut self, case_type: &str, node: &Node) -> Lead {
        let mut object = self.object(node);
        let when = object.need(self, "when").map(|n| self.condition(n));
        let to = object.need(self, "to").map(|n| self.step_name(case_type, n)).unwrap_or_default();
        object.done(self);
        Lead { when: when.unwrap_or_else(never), to }
    }

    fn approval_use(&mut self, case_type: &str, node: &Node) -> ApprovalUse {
        let mut object = self.object(node);
        let matrix = object.need(self, "matrix").map(|n| self.matrix_name(n)).unwrap_or_default();
        let kind = object.need(self, "kind").map(|n| self.code(n)).unwrap_or_default();
        let amount = object.get("amount").map(|n| self.money_fact(n));
        let requester = object.need(self, "asked_by").map_or(Performer::Handler, |n| self.performer(n));
        let asked_in = object.get("asked_in").map(|n| self.step_name(case_type, n));
        let refused_to =
            object.need(self, "refused_to").map(|n| self.step_name(case_type, n)).unwrap_or_default();
        object.done(self);
        ApprovalUse { matrix, kind, amount, requester, asked_in, refused_to }
    }

    fn matrix_name(&mut self, node: &Node) -> String {
        let name = self.string(node);
        if !self.names.matrices.contains(&name) {
            let known: Vec<String> = self.names.matrices.iter().cloned().collect();
            self.unknown(
                "PB0106",
                node.span,
                ("权限表", "authority matrix"),
                &name,
                known.iter().map(String::as_str),
            );
        }
        name
    }

    fn money_fact(&mut self, node: &Node) -> String {
        let name = self.string(node);
        match self.names.facts.get(&name).map(|f| f.kind) {
            Some(Kind::Money) => {}
            Some(other) => {
                self.error(
                    "PB0202",
                    node.span,
                    format!("“{name}”是 {}，不是金额", other.as_str()),
                    format!("`{name}` is {}, not money", other.as_str()),
                );
            }
            None => self.unknown_fact(node.span, &name),
        }
        name
    }

    fn linked(&mut self, node: &Node) -> LinkedCase {
        let mut object = self.object(node);
        let case_type = object.need(self, "type").map(|n| (n.span, self.string(n)));
        let wait = object.get("wait").is_none_or(|n| self.flag(n));
        object.done(self);
        let (span, case_type) = case_type.unwrap_or_default();
        if !case_type.is_empty() && !self.names.types.contains(&case_type) {
            let known: Vec<String> = self.names.types.iter().cloned().collect();
            self.unknown("PB0107", span, ("类型", "case type"), &case_type, known.iter().map(String::as_str));
        }
        LinkedCase { case_type, wait }
    }

    fn refuse_circles(&mut self, steps: &[Step], spans: &BTreeMap<String, Span>) {
        for step in steps {
            // A step that one of its own needs depends on.
            let after = with_followers(steps, &step.id);
            if let Some(need) = step.needs.iter().find(|n| after.contains(&n.as_str())) {
                let span = spans.get(&step.id).copied().unwrap_or_default();
                self.error(
                    "PB0501",
                    span,
                    format!("“{}”和“{need}”互相等待，都到不了", step.id),
                    format!("`{}` and `{need}` wait for each other: neither can be reached", step.id),
                );
            }
        }
    }

    /// A loop goes back to something done before, and can be left.
    fn check_loops(&mut self, steps: &[Step], spans: &BTreeMap<String, Span>) {
        let is_step = |id: &String| steps.iter().any(|s| s.id == *id);
        if !steps.iter().flat_map(|s| &s.needs).all(is_step) {
            // With a need misspelt nothing can be said about what comes before what.
            return;
        }
        for step in steps {
            let span = spans.get(&step.id).copied().unwrap_or_default();
            let refused = step.approval.as_ref().map(|a| a.refused_to.as_str());
            let targets: Vec<&str> = step.leads.iter().map(|l| l.to.as_str()).chain(refused).collect();
            for target in targets {
                let known = steps.iter().any(|s| s.id == target);
                if known && !with_followers(steps, target).contains(&step.id.as_str()) {
                    self.error(
                        "PB0503",
                        span,
                        format!("“{}”不能退回“{target}”：它不在前面", step.id),
                        format!("`{}` cannot go back to `{target}`, which does not come before it", step.id),
                    );
                }
            }
            if step.leads.iter().any(|lead| lead.when.reads().is_empty() && lead.when.holds(&Facts::new())) {
                self.error("PB0504", span, "这个循环永远出不来", "this loop can never be left");
            }
        }
    }
}

fn never() -> Condition {
    Condition::compiled("false", crate::condition::Expr::Literal(crate::facts::Value::Bool(false)))
}
