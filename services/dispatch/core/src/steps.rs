//! Steps: they become ready, are given to somebody, reported, and undone by loops.

use std::collections::BTreeSet;

use chassis_core::{About, Refusal, Violation};
use organisation::facts;
use playbook::{Field, Mark, Performer, RoleAt, Step as PlaybookStep, Value};
use proto::{Time, dispatch::v1 as said};

use crate::{
    command::{Proof, Report},
    desk::Desk,
    gate,
    state::{Beside, DoneStep, OpenStep, State},
};

/// How long a reference to evidence may be, and its hash.
const REFERENCE_MAX: usize = 512;
const DIGEST: std::ops::RangeInclusive<usize> = 16..=64;

/// A step as it was done, by a report or by an approval.
pub(crate) struct Doing {
    pub by: String,
    pub report: Report,
}

impl Desk<'_, '_> {
    /// Steps that somebody may work on now.
    pub fn ready_now(&self) -> Vec<String> {
        self.work
            .open
            .iter()
            .filter(|(_, open)| open.approval.is_none())
            .map(|(step, _)| step.clone())
            .collect()
    }

    /// Brings what is open in line with what is done and known: takes away
    /// what is no longer ready, opens what now is, seals when nothing is left.
    pub fn refresh(&mut self) {
        if !matches!(self.work.state, State::Acknowledged { .. }) {
            return;
        }
        let case_type = self.rules.case_type;
        let done = self.work.done_steps();
        let ready = case_type.ready_steps(&done, &self.work.facts);
        self.close_unready(&ready);
        for rule in ready {
            if !self.work.open.contains_key(&rule.id) {
                self.open_step(rule);
            }
        }
        if case_type.work_complete(&done, &self.work.facts) && !self.work.lacks_papers() {
            self.seal();
        }
    }

    /// What a step before it now has to wait for is only put off: it was not taken from anybody, and its clocks run
    /// on. What does not apply any more is withdrawn, and so is an approval that rests on what is undone.
    fn close_unready(&mut self, ready: &[&PlaybookStep]) {
        let gone: Vec<String> = self
            .work
            .open
            .keys()
            .filter(|step| !ready.iter().any(|rule| rule.id == **step))
            .cloned()
            .collect();
        for step in gone {
            let applies = self.rules.case_type.step(&step).is_some_and(|rule| rule.applies(&self.work.facts));
            let in_approval = self.work.open.get(&step).is_some_and(|open| open.approval.is_some());
            match (applies, in_approval) {
                (false, _) => self.take_away(&step, "not-applicable"),
                (true, true) => self.take_away(&step, "sent-back"),
                (true, false) => {
                    self.work.open.remove(&step);
                }
            }
        }
    }

    /// Takes an open step away, its approval with it.
    pub fn take_away(&mut self, step: &str, reason: &str) {
        let Some(open) = self.work.open.remove(step) else { return };
        let approver = self.withdraw_approvals(step);
        self.say_withdrawn(step, open.assignee.or(approver).as_deref(), reason);
    }

    fn open_step(&mut self, rule: &PlaybookStep) {
        if let Some(use_) = &rule.approval {
            return self.ask_approval(rule, use_);
        }
        let now = self.now();
        let wanted = self.rules.wanted(&self.work, &rule.by);
        let placed = self.rules.performer(&self.work, rule, now);
        let open = OpenStep {
            wanted,
            helpers: self.helpers(rule, placed.person.as_deref()),
            role: placed.role,
            assignee: placed.person,
            ready_at: now,
            approval: None,
            beside: rule.opens.is_some().then_some(Beside { other: None, over: false }),
        };
        self.say_assigned(&rule.id, &open.role.role, open.assignee.as_deref());
        self.say_ready(&rule.id, &open.role.role, open.assignee.as_deref());
        self.work.open.insert(rule.id.clone(), open);
        self.ask_for_a_case(rule);
    }

    /// Who takes part beside the assignee: the step's own, and the route's beside its handler (DC-17).
    fn helpers(&self, rule: &PlaybookStep, assignee: Option<&str>) -> Vec<String> {
        let own = rule.with.iter().map(|by| self.rules.wanted(&self.work, by));
        let route = self.rules.route(&self.work);
        let beside = route.helpers.into_iter().filter(|_| rule.by == Performer::Handler);
        let found = own.chain(beside).filter_map(|role| self.rules.helper(&self.work, &role, self.now()));
        let helpers: BTreeSet<String> = found.filter(|person| Some(person.as_str()) != assignee).collect();
        helpers.into_iter().collect()
    }

    pub fn say_ready(&mut self, step: &str, role: &str, assignee: Option<&str>) {
        let event = said::WorkStepReady {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            step: step.to_owned(),
            role: role.to_owned(),
            assignee: assignee.unwrap_or_default().to_owned(),
        };
        self.say(event);
    }

    /// A step is reported as done, with what the playbook demands for it.
    pub fn complete(&mut self, step: &str, report: Report) -> Result<Vec<String>, Refusal> {
        self.view().may_complete(step)?;
        let rule = self.rules.case_type.step(step).ok_or_else(|| gate::unknown_step(step))?;
        self.check_report(rule, &report)?;
        let bars = !report.bars.is_empty();
        // First of all: what becomes ready by this report is not given to whom it bars.
        self.work.barred.extend(report.bars.iter().cloned());
        let by = self.by();
        self.take_in_facts(rule, &report);
        self.finish(rule, Doing { by, report });
        if bars {
            self.settle();
        }
        Ok(self.ready_now())
    }

    /// What this round of a step did not say again is as intake said it, or unknown.
    fn take_in_facts(&mut self, rule: &PlaybookStep, report: &Report) {
        for (name, _) in rule.fields.iter().flat_map(Field::facts) {
            match self.work.told.get(&name) {
                Some(value) => self.work.facts.set(name, value.clone()),
                None => {
                    self.work.facts.remove(&name);
                    &mut self.work.facts
                }
            };
        }
        self.work.facts.absorb(report.facts.clone());
        self.raise_severity();
    }

    /// A finding that makes the case graver counts at once: its steps must not be missed between this report and the
    /// moment when intake, whose judgement it is, has judged the case anew. Lowering is left to intake.
    fn raise_severity(&mut self) {
        let case_type = self.rules.case_type;
        let judged = case_type.classify(&self.work.facts).severity;
        let known = self.work.facts.code("severity").unwrap_or_default();
        if case_type.rank(&judged) > case_type.rank(known) {
            self.work.facts.set("severity", Value::code(judged));
        }
        case_type.derive(&mut self.work.facts);
    }

    /// A step is done: said with its marks, then loops back or on.
    pub fn finish(&mut self, rule: &PlaybookStep, doing: Doing) {
        let open = self.work.open.remove(&rule.id);
        let now = self.now();
        let occurred_at = doing.report.occurred_at;
        let event = said::WorkStepDone {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
            step: rule.id.clone(),
            by: doing.by.clone(),
            facts: facts::to_proto(&doing.report.facts),
            marks: rule.marks.iter().map(|mark| mark_code(*mark).to_owned()).collect(),
            occurred_at: occurred_at.unwrap_or_default().0,
            barred: doing.report.bars,
        };
        let about = About { occurred_at, ..About::ticket(self.work.ticket, &self.work.branch) };
        self.step.say(about, event);
        self.work.done.push(DoneStep {
            cycle: self.work.cycle,
            step: rule.id.clone(),
            by: doing.by,
            ready_at: open.map_or(now, |open| open.ready_at),
            at: now,
            occurred_at,
            facts: doing.report.facts,
            sealed: doing.report.sealed,
            proofs: doing.report.proofs,
        });
        let back = self.rules.case_type.loops_back(&rule.id, &self.work.facts);
        self.undo(&back);
        self.refresh();
    }

    /// Steps to be done again; how they were done stays on record.
    pub fn undo(&mut self, steps: &[&str]) {
        let done = std::mem::take(&mut self.work.done);
        let (undone, standing): (Vec<_>, Vec<_>) =
            done.into_iter().partition(|d| steps.contains(&d.step.as_str()));
        self.work.done = standing;
        self.work.earlier.extend(undone);
    }

    fn seal(&mut self) {
        self.work.state = State::Completed { at: self.now() };
        let event = said::WorkCompleted {
            ticket: Some(self.work.ticket_ref()),
            order_id: self.work.order.to_string(),
        };
        self.say(event);
    }

    /// A ready step is given to a person (DG-03: never to somebody barred).
    pub fn assign(&mut self, step: &str, person: &str) -> Result<(), Refusal> {
        self.view().may_assign(step)?;
        self.check_taker(step, person)?;
        let open = self.work.open.get_mut(step).ok_or_else(|| gate::unknown_step(step))?;
        open.assignee = Some(person.to_owned());
        open.helpers.retain(|helper| helper != person);
        let role = open.role.role.clone();
        self.say_assigned(step, &role, Some(person));
        Ok(())
    }

    fn check_taker(&self, step: &str, person: &str) -> Result<(), Refusal> {
        if self.rules.directory.person(person).is_none() {
            return Err(Refusal::field(
                "person",
                format!("没有人员 {person}。"),
                format!("there is no person `{person}`"),
            ));
        }
        if self.work.barred.contains(person) {
            return Err(gate::barred_person(person, self.rules.case_type));
        }
        if !self.rules.can_work(&self.work, person, self.now()) {
            return Err(gate::cannot_take(person));
        }
        let open = self.work.open.get(step);
        if open.is_some_and(|open| open.assignee.as_deref() == Some(person)) {
            return Err(gate::already_his(person));
        }
        match self.rules.belongs(&self.work, person) {
            true => Ok(()),
            false => Err(gate::outside(person, &self.work.branch)),
        }
    }

    /// Nobody reported in time: a rung of the ladder gives the step to another role.
    pub fn reroute_step(&mut self, step: &str, role: &RoleAt) {
        let Some(open) = self.work.open.get(step).filter(|open| open.approval.is_none()) else { return };
        let mut excluded = self.work.barred.clone();
        excluded.extend(open.assignee.clone());
        let placed = self.rules.place(&self.work, role, &[], self.now(), &excluded);
        if placed.person.is_some() {
            self.give(step, placed.role, placed.person);
        }
    }

    pub fn retry_step(&mut self, step: &str) {
        let Some(rule) = self.rules.case_type.step(step) else { return };
        let placed = self.rules.performer(&self.work, rule, self.now());
        if placed.person.is_some() {
            self.give(step, placed.role, placed.person);
        }
    }

    /// Puts a step into somebody's hands, or into a role's while nobody is found.
    pub fn give(&mut self, step: &str, role: RoleAt, person: Option<String>) {
        let Some(open) = self.work.open.get_mut(step) else { return };
        open.role = role.clone();
        open.assignee.clone_from(&person);
        open.helpers.retain(|helper| Some(helper) != person.as_ref());
        self.say_assigned(step, &role.role, person.as_deref());
    }

    fn check_report(&self, rule: &PlaybookStep, report: &Report) -> Result<(), Refusal> {
        let mut violations = self.check_values(rule, report);
        violations
            .extend(report.proofs.iter().enumerate().filter_map(|(place, proof)| check_proof(place, proof)));
        violations.extend(self.check_occurred(report.occurred_at));
        if !violations.is_empty() {
            return Err(Refusal::invalid(violations));
        }
        let mut known = self.work.facts.clone();
        known.absorb(report.facts.clone());
        self.rules.case_type.derive(&mut known);
        let missing = rule.missing_fields(&given(rule, report), &known);
        if !missing.is_empty() {
            return Err(gate::needs_fields(&missing, &rule.rules));
        }
        let kinds = report.proofs.iter().map(|proof| proof.kind).collect();
        let missing: Vec<_> = rule.missing_proofs(&kinds).into_iter().map(|proof| &proof.name).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(gate::needs_proofs(&missing, &rule.rules)),
        }
    }

    fn check_values(&self, rule: &PlaybookStep, report: &Report) -> Vec<Violation> {
        let mut violations = Vec::new();
        let mut no = |field: &str, zh: String, en: String| {
            violations.push(Violation { field: format!("fields.{field}"), zh, en });
        };
        for (name, value) in report.facts.iter() {
            let field = rule.fields.iter().find(|field| field.facts().iter().any(|(fact, _)| fact == name));
            let foreign =
                matches!(value, Value::Money { currency, .. } if *currency != self.rules.book.currency);
            match field {
                None => no(name, "这一步没有这个字段".into(), "this step has no such field".into()),
                Some(field) if foreign || !field.accepts(value) => {
                    no(&field.name, "内容不符合字段要求".into(), "the value does not fit the field".into());
                }
                Some(_) => {}
            }
        }
        for name in report.sealed.keys() {
            if rule.field(name).is_none_or(|field| !field.facts().is_empty()) {
                no(name, "这一步没有这个保密字段".into(), "this step has no such sealed field".into());
            }
        }
        for person in report.bars.iter().filter(|person| self.rules.directory.person(person).is_none()) {
            no("person", format!("没有人员 {person}"), format!("there is no person `{person}`"));
        }
        violations
    }

    /// Not before the case, not in the future: nobody puts his own lateness right beyond that, for the watchdog goes
    /// by what was recorded.
    fn check_occurred(&self, occurred_at: Option<Time>) -> Option<Violation> {
        let fits = (self.work.opened_at..=self.now()).contains(&occurred_at?);
        (!fits).then(|| Violation {
            field: "occurred_at".into(),
            zh: "发生时间须在立项之后、现在之前".into(),
            en: "must lie between the opening of the case and now".into(),
        })
    }
}

fn check_proof(place: usize, proof: &Proof) -> Option<Violation> {
    let fits = (1..=REFERENCE_MAX).contains(&proof.reference.len()) && DIGEST.contains(&proof.digest.len());
    (!fits).then(|| Violation {
        field: format!("proofs[{place}]"),
        zh: "凭证须有存放位置（不超过 512 个字节）和 16 至 64 字节的摘要".into(),
        en: "a proof needs a reference (512 bytes at most) and a digest of 16 to 64 bytes".into(),
    })
}

/// Fields that the report fills, sealed ones too.
fn given(rule: &PlaybookStep, report: &Report) -> BTreeSet<String> {
    let filled = |field: &&Field| {
        report.sealed.contains_key(&field.name)
            || field.facts().iter().any(|(fact, _)| report.facts.get(fact).is_some())
    };
    rule.fields.iter().filter(filled).map(|field| field.name.clone()).collect()
}

pub(crate) fn mark_code(mark: Mark) -> &'static str {
    match mark {
        Mark::Answered => "answered",
        Mark::Resolved => "resolved",
        Mark::Told => "told",
    }
}
