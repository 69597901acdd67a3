//! Authority matrices from text: bands ascending, the last one open, at least one approver each.

use std::collections::BTreeMap;

use calendar::Limit;

use super::{document::Document, head::nobody, reader::Ctx};
use crate::{
    approval::{Approver, Band, Ladder, Matrix, Verbal},
    case::CaseType,
    clock::{Budget, BudgetRow, CalendarOf, Clock, Scope, Trigger},
    event::{APPROVED_VERBALLY, PAPER_IN},
    text::Text,
    yaml::{Node, Span},
};

impl Ctx {
    pub fn matrices(&mut self, document: &Document<'_>) -> BTreeMap<String, Matrix> {
        let mut matrices = BTreeMap::new();
        for entry in self.section(document, "approvals") {
            matrices.insert(entry.key.clone(), self.matrix(&entry.key, &entry.node));
        }
        matrices
    }

    fn matrix(&mut self, id: &str, node: &Node) -> Matrix {
        let mut object = self.object(node);
        let name = object.need(self, "name").map(|n| self.text(n)).unwrap_or_default();
        let stage = object.need(self, "stage_limit").map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
        let ladders: Vec<Ladder> = object
            .need(self, "ladders")
            .map(|n| n.items().iter().map(|l| self.ladder(l, &stage)).collect())
            .unwrap_or_default();
        let deputies = object.get("deputies").is_some_and(|n| self.flag(n));
        let verbal = object.get("verbal").map(|n| self.verbal(n));
        let rules = self.rules(&mut object);
        object.done(self);
        self.check_kinds(&ladders, node.span);
        Matrix {
            id: id.to_owned(),
            name,
            currency: self.names.currency.clone(),
            ladders,
            deputies,
            verbal,
            rules,
        }
    }

    fn ladder(&mut self, node: &Node, stage: &Limit) -> Ladder {
        let mut object = self.object(node);
        let kind = object.need(self, "kind").map(|n| self.code(n)).unwrap_or_default();
        let when = object.get("when").map(|n| self.condition(n));
        let list = object.need(self, "bands");
        let bands: Vec<Band> =
            list.map(|n| n.items().iter().map(|b| self.band(b, stage)).collect()).unwrap_or_default();
        object.done(self);
        if let Some(list) = list.filter(|_| bands.is_empty()) {
            self.error(
                "PB0401",
                list.span,
                "这一组没有档，没有人批",
                "this ladder has no band, so nobody approves",
            );
        }
        let spans: Vec<Span> = list.map(|n| n.items().iter().map(|b| b.span).collect()).unwrap_or_default();
        self.check_bands(&bands, &spans, node.span);
        Ladder { kind, when, bands }
    }

    fn band(&mut self, node: &Node, stage: &Limit) -> Band {
        let mut object = self.object(node);
        let up_to = object.get("up_to").map(|n| self.amount(n));
        let chain: Vec<Approver> = object
            .need(self, "chain")
            .map(|n| n.items().iter().map(|a| self.approver(a, stage)).collect())
            .unwrap_or_default();
        let rules = self.rules(&mut object);
        object.done(self);
        if chain.is_empty() {
            self.error("PB0401", node.span, "这一档没有审批人", "nobody approves in this band");
        }
        for (at, approver) in chain.iter().enumerate() {
            if chain[..at].iter().any(|earlier| earlier.role == approver.role) {
                let role = approver.role.role.clone();
                self.error(
                    "PB0403",
                    node.span,
                    format!("“{role}”在一条链里出现两次"),
                    format!("`{role}` stands twice in one chain"),
                );
            }
        }
        Band { up_to, chain, rules }
    }

    /// `gm`, or `{ role: gm, limit: 4 working hours }`.
    fn approver(&mut self, node: &Node, stage: &Limit) -> Approver {
        if node.scalar().is_some() {
            return Approver { role: self.role_at(node), limit: stage.clone() };
        }
        let mut object = self.object(node);
        let role = object.need(self, "role").map_or_else(nobody, |n| self.role_at(n));
        let limit = object.get("limit").map_or_else(|| stage.clone(), |n| self.limit(n).0);
        object.done(self);
        Approver { role, limit }
    }

    fn verbal(&mut self, node: &Node) -> Verbal {
        let mut object = self.object(node);
        let paper_within =
            object.need(self, "paper_within").map_or(Limit::Wall { minutes: 1 }, |n| self.limit(n).0);
        let ladder = self.rungs(&mut object);
        let rules = self.rules(&mut object);
        object.done(self);
        Verbal { paper_within, ladder, rules }
    }

    /// The clocks that papers of verbal approvals are due by: one a matrix, for the steps that use it.
    pub fn paper_clocks(
        &mut self,
        matrices: &BTreeMap<String, Matrix>,
        types: &BTreeMap<String, CaseType>,
    ) -> Vec<Clock> {
        let mut clocks = Vec::new();
        for (matrix, verbal) in matrices.values().filter_map(|m| Some((m, m.verbal.as_ref()?))) {
            let clock = paper_clock(matrix, verbal, types);
            if self.names.clocks.contains(&clock.id) {
                let span = self.places.get(&format!("clocks/{}", clock.id)).copied().unwrap_or_default();
                self.error(
                    "PB0005",
                    span,
                    format!("“{}”是口头审批补手续的时钟，不能另设", clock.id),
                    format!("`{}` is the clock of the papers of verbal approvals", clock.id),
                );
            }
            clocks.push(clock);
        }
        clocks
    }

    fn check_bands(&mut self, bands: &[Band], spans: &[Span], whole: Span) {
        for (pair, span) in bands.windows(2).zip(spans.iter().skip(1)) {
            match (pair[0].up_to, pair[1].up_to) {
                (None, _) => {
                    self.error(
                        "PB0402",
                        *span,
                        "上一档没有上限，这一档轮不到",
                        "the band before has no upper end: this one is never reached",
                    );
                }
                (Some(before), Some(top)) if top <= before => {
                    self.error(
                        "PB0402",
                        *span,
                        "这一档的上限不高于上一档",
                        "this band does not reach above the one before",
                    );
                }
                _ => {}
            }
        }
        if bands.last().is_some_and(|b| b.up_to.is_some()) {
            self.hinted(
                "PB0401",
                spans.last().copied().unwrap_or(whole),
                ("超过最后一档的金额没有人批".into(), "nobody approves amounts above the last band".into()),
                ("最后一档不写 up_to", "leave `up_to` out of the last band"),
            );
        }
    }

    /// The last ladder of each kind is open to every case.
    fn check_kinds(&mut self, ladders: &[Ladder], whole: Span) {
        for (at, ladder) in ladders.iter().enumerate() {
            let later = ladders[at + 1..].iter().any(|l| l.kind == ladder.kind);
            if !later && ladder.when.is_some() {
                self.error(
                    "PB0401",
                    whole,
                    format!("“{}”的最后一组带条件，其他情况没有人批", ladder.kind),
                    format!(
                        "the last ladder of `{}` has a condition: nobody approves the other cases",
                        ladder.kind
                    ),
                );
            }
            if later && ladder.when.is_none() {
                self.error(
                    "PB0402",
                    whole,
                    format!("“{}”前面的一组没有条件，后面的轮不到", ladder.kind),
                    format!("a ladder of `{}` without a condition hides the ones after it", ladder.kind),
                );
            }
        }
    }
}

fn paper_clock(matrix: &Matrix, verbal: &Verbal, types: &BTreeMap<String, CaseType>) -> Clock {
    let uses = |case_type: &&CaseType| case_type.steps.iter().any(|step| step.asks(&matrix.id));
    let steps = types.values().flat_map(|case_type| &case_type.steps).filter(|step| step.asks(&matrix.id));
    let mut steps: Vec<&str> = steps.map(|step| step.id.as_str()).collect();
    steps.sort_unstable();
    steps.dedup();
    let on = |event: &str| -> Vec<Trigger> {
        let trigger = |step: &&str| Trigger {
            event: event.to_owned(),
            subject: Some((*step).to_owned()),
            when: None,
            at_fact: None,
        };
        steps.iter().map(trigger).collect()
    };
    Clock {
        id: format!("paper_{}", matrix.id),
        name: Text::new(format!("{}：补手续", matrix.name.zh), format!("{}: the paper", matrix.name.en)),
        types: types.values().filter(uses).map(|case_type| case_type.id.clone()).collect(),
        scope: Scope::Approval,
        start: on(APPROVED_VERBALLY),
        stop: on(PAPER_IN),
        cancel: Vec::new(),
        when: None,
        limit: Budget {
            rows: vec![BudgetRow { when: None, limit: verbal.paper_within.clone(), param: None }],
        },
        calendar: CalendarOf::Branch,
        pauses: Vec::new(),
        warn: Vec::new(),
        ladder: verbal.ladder.clone(),
        repeat: None,
        extension: None,
        ours: false,
        rules: verbal.rules.clone(),
    }
}
