//! Approvals along the authority matrix (权限核决表, DG-18): stages one after
//! another, each by somebody else, never by who asked. Where the role of a
//! stage has nobody who may decide, the next role up in the matrix is asked.

use std::collections::BTreeSet;

use chassis_core::{Refusal, Sealed};
use playbook::{ApprovalUse, RoleAt, Step as PlaybookStep};
use proto::{Id, common::v1::Money, dispatch::v1 as said};

use crate::{
    command::Report,
    desk::Desk,
    gate,
    placing::{Placed, higher},
    state::{Approval, ApprovalState, OpenStep, Stage, Verdict},
    steps::Doing,
    view::View,
};

impl<'v> View<'v> {
    /// The approval, if this stage of it waits for a decision.
    pub fn open_stage(&self, id: Id, turn: Option<u32>) -> Result<&'v Approval, Refusal> {
        self.enter()?;
        let approval = self.work.approval(id).ok_or_else(|| Refusal::not_found("审批", "approval", id))?;
        let current = approval.cycle == self.work.cycle && approval.is_open();
        let open = approval.stage().is_some() && current && turn.is_none_or(|turn| turn == approval.turn());
        if open { Ok(approval) } else { Err(gate::stale_stage(approval.turn())) }
    }

    pub fn may_decide(&self, id: Id, turn: Option<u32>) -> Result<&'v Approval, Refusal> {
        let approval = self.open_stage(id, turn)?;
        let stage = approval.stage().ok_or_else(|| gate::stale_stage(approval.turn()))?;
        let me = self.actor.person().unwrap_or_default();
        if approval.requesters.iter().any(|requester| requester == me) {
            return Err(gate::own_request(self.book().matrix_rules(&approval.matrix)));
        }
        if approval.deciders().any(|decider| decider == me) {
            return Err(gate::decided_before(self.book().matrix_rules(&approval.matrix)));
        }
        let deputies = self.book().matrix(&approval.matrix).is_none_or(|matrix| matrix.deputies);
        if self.holds(&stage.role.role, &excluded(&self.work.barred, approval), deputies) {
            return Ok(approval);
        }
        Err(self.stranger(&stage.role.role))
    }
}

/// Whom an approval cannot be asked of: barred, requesters, and who has decided.
pub(crate) fn excluded(barred: &BTreeSet<String>, approval: &Approval) -> BTreeSet<String> {
    let deciders = approval.deciders().map(str::to_owned);
    barred.iter().chain(&approval.requesters).cloned().chain(deciders).collect()
}

impl Desk<'_, '_> {
    /// A step that is done by an approval has become ready: the first stage is asked.
    pub fn ask_approval(&mut self, rule: &PlaybookStep, use_: &ApprovalUse) {
        let id = self.step.mint(self.work.ticket.bucket());
        self.work.approvals.push(Approval {
            id,
            cycle: self.work.cycle,
            step: rule.id.clone(),
            matrix: use_.matrix.clone(),
            kind: use_.kind.clone(),
            amount: self.rules.amount(&self.work, use_),
            requesters: self.requesters(rule, use_),
            chain: self.rules.chain(&self.work, use_),
            stages: Vec::new(),
            state: ApprovalState::Open,
        });
        let first = self.rules.chain(&self.work, use_).swap_remove(0);
        let placed = self.place_stage(use_, id, &first);
        let open = OpenStep {
            wanted: first,
            role: placed.role.clone(),
            assignee: None,
            helpers: Vec::new(),
            ready_at: self.now(),
            approval: Some(id),
            beside: None,
        };
        self.work.open.insert(rule.id.clone(), open);
        self.say_ready(&rule.id, &placed.role.role, placed.person.as_deref());
        self.ask_stage(id, 0, placed);
    }

    /// Who asks: the doer of the step that the playbook names, else of the
    /// needed steps of the requesting role, else who holds that role.
    fn requesters(&self, rule: &PlaybookStep, use_: &ApprovalUse) -> Vec<String> {
        if let Some(done) = use_.asked_in.as_deref().and_then(|step| self.work.done_step(step)) {
            return vec![done.by.clone()];
        }
        let by_requester =
            |step: &&String| self.rules.case_type.step(step).is_some_and(|step| step.by == use_.requester);
        let mut found: Vec<String> = rule
            .needs
            .iter()
            .filter(by_requester)
            .filter_map(|step| self.work.done_step(step))
            .map(|done| done.by.clone())
            .collect();
        if found.is_empty() {
            let role = self.rules.wanted(&self.work, &use_.requester);
            found.extend(self.rules.helper(&self.work, &role, self.now()));
        }
        found.dedup();
        found
    }

    /// Who is asked next, or again: `other` instead of the role whose turn it is.
    fn place_stage(&self, use_: &ApprovalUse, id: Id, role: &RoleAt) -> Placed {
        let excluded = self.work.approval(id).map(|approval| excluded(&self.work.barred, approval));
        self.rules.approver(&self.work, use_, role, self.now(), &excluded.unwrap_or_default())
    }

    /// Puts a new stage on record and asks it.
    fn ask_stage(&mut self, id: Id, place: u32, placed: Placed) {
        let (role, approver, asked_at) = (placed.role, placed.person, self.now());
        if let Some(approval) = self.approval_mut(id) {
            approval.stages.push(Stage { place, role, approver, asked_at, verdict: None });
        }
        self.say_asked(id);
    }

    /// The next place in the chain that wants a decision once `by` has approved. A place is passed over when all who
    /// could decide it have approved this request already, two persons at least: asking one of them twice adds nothing,
    /// and there is nobody else.
    fn next_place(&self, approval: &Approval, use_: &ApprovalUse, by: &str) -> Option<(u32, RoleAt)> {
        let asked = self.work.barred.iter().chain(&approval.requesters).cloned().collect();
        let approved: BTreeSet<&str> = approval.deciders().chain([by]).collect();
        let covered = |role: &RoleAt| {
            let found = self.rules.approvers(&self.work, use_, role, self.now(), &asked);
            approved.len() > 1
                && !found.is_empty()
                && found.iter().all(|person| approved.contains(person.as_str()))
        };
        let rest = (0u32..).zip(&approval.chain).skip(usize::try_from(approval.turn()).unwrap_or(usize::MAX));
        rest.into_iter().find(|(_, role)| !covered(role)).map(|(place, role)| (place, role.clone()))
    }

    fn say_asked(&mut self, id: Id) {
        let Some(approval) = self.work.approval(id) else { return };
        let Some(stage) = approval.stage() else { return };
        let event = said::ApprovalAsked {
            ticket: Some(self.work.ticket_ref()),
            approval_id: id.to_string(),
            kind: approval.kind.clone(),
            amount: approval.amount.as_ref().map(|a| Money { currency: a.currency.clone(), minor: a.minor }),
            role: stage.role.role.clone(),
            stage: approval.turn(),
            stages: u32::try_from(approval.chain.len()).unwrap_or(u32::MAX),
            requester: approval.requesters.first().cloned().unwrap_or_default(),
            step: approval.step.clone(),
            approver: stage.approver.clone().unwrap_or_default(),
        };
        self.say(event);
    }

    /// A stage is decided. Approved: the next one, or the step is done. Rejected: the work goes back.
    pub fn decide(
        &mut self,
        id: Id,
        turn: u32,
        approved: bool,
        text: Option<Sealed>,
    ) -> Result<bool, Refusal> {
        self.view().may_decide(id, Some(turn))?;
        self.settle_stage(id, Verdict { by: self.by(), at: self.now(), approved, text, verbal: None })
    }

    /// A verdict that may stand, whoever brings it.
    pub fn settle_stage(&mut self, id: Id, verdict: Verdict) -> Result<bool, Refusal> {
        let approval = self.work.approval(id).ok_or_else(|| Refusal::not_found("审批", "approval", id))?;
        let (step, approved) = (approval.step.clone(), verdict.approved);
        let rule = self.rules.case_type.step(&step).ok_or_else(|| gate::unknown_step(&step))?;
        let use_ = rule.approval.as_ref().ok_or_else(|| gate::unknown_step(&step))?;
        let next = self.next_place(approval, use_, &verdict.by).filter(|_| approved);
        let last = next.is_none();
        self.say_decided(id, &verdict, last);
        self.say_verbal(id, &verdict);
        let by = verdict.by.clone();
        self.record(id, verdict, last);
        match next {
            Some((place, role)) => self.ask_next(use_, id, place, &role),
            None if approved => self.finish(rule, Doing { by, report: Report::default() }),
            None => self.send_back(&step),
        }
        Ok(last)
    }

    /// What was refused is done again.
    pub fn send_back(&mut self, step: &str) {
        self.work.open.remove(step);
        let back = self.rules.case_type.refused_back(step);
        self.undo(&back);
        self.refresh();
    }

    fn say_decided(&mut self, id: Id, verdict: &Verdict, last: bool) {
        let Some(approval) = self.work.approval(id) else { return };
        let event = said::ApprovalDecided {
            ticket: Some(self.work.ticket_ref()),
            approval_id: id.to_string(),
            kind: approval.kind.clone(),
            stage: approval.turn(),
            by: verdict.by.clone(),
            decision: if verdict.approved { "approved" } else { "rejected" }.to_owned(),
            r#final: last,
            step: approval.step.clone(),
        };
        self.say(event);
    }

    fn record(&mut self, id: Id, verdict: Verdict, last: bool) {
        let Some(approval) = self.approval_mut(id) else { return };
        let (at, approved) = (verdict.at, verdict.approved);
        if let Some(stage) = approval.stages.last_mut() {
            stage.verdict = Some(verdict);
        }
        if last {
            approval.state =
                if approved { ApprovalState::Approved { at } } else { ApprovalState::Rejected { at } };
        }
    }

    fn ask_next(&mut self, use_: &ApprovalUse, id: Id, place: u32, role: &RoleAt) {
        let placed = self.place_stage(use_, id, role);
        if let Some(open) = self.work.open.values_mut().find(|open| open.approval == Some(id)) {
            open.role = placed.role.clone();
        }
        self.ask_stage(id, place, placed);
    }

    /// Asks the stage whose turn it is of somebody else, if anybody else is found.
    fn ask_again(&mut self, id: Id, other: Option<&RoleAt>) {
        let Some(approval) = self.work.approval(id).filter(|approval| approval.is_open()) else { return };
        let step = approval.step.clone();
        let Some(use_) = self.rules.case_type.step(&step).and_then(|rule| rule.approval.as_ref()) else {
            return;
        };
        let Some(stage) = approval.stage() else { return };
        let place = usize::try_from(stage.place).unwrap_or(usize::MAX);
        let Some(role) = other.or(approval.chain.get(place)) else { return };
        let placed = self.place_stage(use_, id, role);
        if stage.approver == placed.person && stage.role == placed.role {
            return;
        }
        if let Some(open) = self.work.open.get_mut(&step) {
            open.role = placed.role.clone();
        }
        let now = self.now();
        if let Some(stage) = self.approval_mut(id).and_then(|approval| approval.stages.last_mut()) {
            stage.role = placed.role;
            stage.approver = placed.person;
            stage.asked_at = now;
        }
        self.say_asked(id);
    }

    /// Silence: the ladder asks another role. Only one that the matrix gives
    /// authority for this kind of request: a rung does not make approvers.
    pub fn reroute_approval(&mut self, step: &str, turn: Option<u32>, role: &RoleAt) {
        let Some(approval) = self.work.approval_of(step).filter(|approval| approval.is_open()) else {
            return;
        };
        let (id, asked) = (approval.id, approval.stage().map(|stage| stage.role.clone()));
        if turn.is_some_and(|turn| turn != approval.turn()) {
            return;
        }
        let use_ = self.rules.case_type.step(step).and_then(|rule| rule.approval.as_ref());
        let Some((use_, asked)) = use_.zip(asked) else { return };
        let matrix = self.rules.book.matrix(&use_.matrix);
        let entitled = matrix.is_some_and(|matrix| higher(matrix, use_, &self.work, &asked).contains(role));
        if entitled && self.place_stage(use_, id, role).person.is_some() {
            self.ask_again(id, Some(role));
        }
    }

    pub fn retry_approvals(&mut self) {
        let unasked = |approval: &&Approval| approval.stage().is_some_and(|stage| stage.approver.is_none());
        let ids: Vec<Id> = self.work.open_approvals().filter(unasked).map(|approval| approval.id).collect();
        for id in ids {
            self.ask_again(id, None);
        }
    }

    /// After a change of the case: what rests on another chain or amount is
    /// asked anew; what waits for somebody now barred is asked of another.
    pub fn review_approvals(&mut self) {
        let open: Vec<Approval> = self.work.open_approvals().cloned().collect();
        for approval in open {
            let rule = self.rules.case_type.step(&approval.step);
            let Some(use_) = rule.and_then(|rule| rule.approval.as_ref()) else { continue };
            if self.rules.chain(&self.work, use_) != approval.chain
                || self.rules.amount(&self.work, use_) != approval.amount
            {
                self.take_away(&approval.step, "reclassified");
                continue;
            }
            let approver = approval.stage().and_then(|stage| stage.approver.as_ref());
            if approver.is_some_and(|person| self.work.barred.contains(person)) {
                self.ask_again(approval.id, None);
            }
        }
    }

    /// Ends the open approvals of a step without a decision; says who was asked.
    pub fn withdraw_approvals(&mut self, step: &str) -> Option<String> {
        let now = self.now();
        let cycle = self.work.cycle;
        let mut asked = None;
        let open =
            |approval: &&mut Approval| approval.cycle == cycle && approval.step == step && approval.is_open();
        for approval in self.work.approvals.iter_mut().filter(open) {
            asked = approval.stage().and_then(|stage| stage.approver.clone());
            approval.state = ApprovalState::Withdrawn { at: now };
        }
        asked
    }

    pub fn approval_mut(&mut self, id: Id) -> Option<&mut Approval> {
        self.work.approvals.iter_mut().find(|approval| approval.id == id)
    }
}
