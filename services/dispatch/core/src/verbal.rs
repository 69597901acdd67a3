//! Approvals by word of mouth, paper later: whoever asked, or has the work, takes down that the approver has agreed. It
//! counts at once. The approver signs for it afterwards, or denies it; until then the work is not complete, and the
//! watchdog's clock for the paper runs.

use chassis_core::{Refusal, Sealed};
use proto::{Id, dispatch::v1 as said};

use crate::{
    approval::excluded,
    desk::Desk,
    gate,
    state::{Approval, ApprovalState, Paper, Verbal, Verdict},
    view::View,
};

impl<'v> View<'v> {
    /// Whether the actor may take down that `person` has approved.
    fn may_take_down(&self, id: Id, turn: u32, person: &str) -> Result<&'v Approval, Refusal> {
        let approval = self.open_stage(id, Some(turn))?;
        let matrix = self.book().matrix(&approval.matrix);
        if matrix.is_none_or(|matrix| matrix.verbal.is_none()) {
            return Err(gate::no_verbal());
        }
        let me = self.actor.person().unwrap_or_default();
        if approval.requesters.iter().any(|requester| requester == person) {
            return Err(gate::own_request(self.book().matrix_rules(&approval.matrix)));
        }
        if approval.deciders().any(|decider| decider == person) {
            return Err(gate::decided_before(self.book().matrix_rules(&approval.matrix)));
        }
        if !approval.requesters.iter().any(|requester| requester == me) {
            let route = self.rules.route(self.work);
            let roles = [&self.work.hand_off.role, &route.receiver, &route.handler];
            self.require(&roles, self.work.hand_off.assignee.as_deref())?;
        }
        match self.could_decide(approval, person) {
            true => Ok(approval),
            false => Err(gate::no_approver(person)),
        }
    }

    /// Whether the stage whose turn it is could be asked of a person.
    fn could_decide(&self, approval: &Approval, person: &str) -> bool {
        let Some(stage) = approval.stage() else { return false };
        let rule = self.case_type().step(&approval.step).and_then(|rule| rule.approval.as_ref());
        let excluded = excluded(&self.work.barred, approval);
        !excluded.contains(person)
            && rule.is_some_and(|use_| {
                let found = self.rules.approvers(self.work, use_, &stage.role, self.at, &excluded);
                found.iter().any(|found| found == person)
            })
    }

    /// The paper is the approver's own, or his deputy's while he is away.
    pub fn may_confirm(&self, id: Id, turn: u32) -> Result<(), Refusal> {
        self.enter()?;
        let approval = self.work.approval(id).ok_or_else(|| Refusal::not_found("审批", "approval", id))?;
        let verdict = approval.unsigned(turn).filter(|_| approval.cycle == self.work.cycle);
        let verdict = verdict.ok_or_else(gate::no_paper_due)?;
        let me = self.actor.person().unwrap_or_default();
        let recorded = verdict.verbal.as_ref().is_some_and(|verbal| verbal.recorded_by == me);
        if approval.requesters.iter().any(|requester| requester == me) || (recorded && me != verdict.by) {
            return Err(gate::own_request(self.book().matrix_rules(&approval.matrix)));
        }
        let stands_in = self.directory().stand_in(&verdict.by, self.at, &self.work.barred);
        match me == verdict.by || stands_in.as_deref() == Some(me) {
            true => Ok(()),
            false => Err(gate::not_his_paper(&verdict.by)),
        }
    }
}

impl Desk<'_, '_> {
    pub fn take_down(
        &mut self,
        id: Id,
        turn: u32,
        person: &str,
        approved: bool,
        text: Option<Sealed>,
    ) -> Result<bool, Refusal> {
        if !approved {
            return Err(Refusal::field(
                "decision",
                "口头意见只能记录同意；不同意由审批人自己填写。",
                "only an approval can be taken down; a refusal is the approver's own to write",
            ));
        }
        self.view().may_take_down(id, turn, person)?;
        let verbal = Some(Verbal { recorded_by: self.by(), paper: None });
        self.settle_stage(id, Verdict { by: person.to_owned(), at: self.now(), approved, text, verbal })
    }

    pub fn say_verbal(&mut self, id: Id, verdict: &Verdict) {
        let (Some(approval), Some(verbal)) = (self.work.approval(id), &verdict.verbal) else { return };
        let event = said::ApprovalVerbal {
            ticket: Some(self.work.ticket_ref()),
            approval_id: id.to_string(),
            kind: approval.kind.clone(),
            stage: approval.turn(),
            by: verdict.by.clone(),
            recorded_by: verbal.recorded_by.clone(),
            step: approval.step.clone(),
            role: approval.stage().map(|stage| stage.role.role.clone()).unwrap_or_default(),
        };
        self.say(event);
    }

    /// The paper is in; denied, the approval is a refusal and the work goes back.
    pub fn confirm(
        &mut self,
        id: Id,
        turn: u32,
        approved: bool,
        text: Option<Sealed>,
    ) -> Result<(), Refusal> {
        self.view().may_confirm(id, turn)?;
        let paper = Paper { at: self.now(), by: self.by(), approved, text };
        self.say_confirmed(id, turn, &paper);
        let at = paper.at;
        let approval = self.approval_mut(id).ok_or_else(|| Refusal::not_found("审批", "approval", id))?;
        let step = approval.step.clone();
        let stage = approval.stages.iter_mut().find(|stage| stage.place + 1 == turn);
        if let Some(verbal) = stage.and_then(|stage| stage.verdict.as_mut()?.verbal.as_mut()) {
            verbal.paper = Some(paper);
        }
        if approved {
            self.refresh();
            return Ok(());
        }
        approval.state = ApprovalState::Rejected { at };
        self.say_denied(id, turn);
        self.send_back(&step);
        Ok(())
    }

    fn say_confirmed(&mut self, id: Id, turn: u32, paper: &Paper) {
        let Some(approval) = self.work.approval(id) else { return };
        let event = said::ApprovalConfirmed {
            ticket: Some(self.work.ticket_ref()),
            approval_id: id.to_string(),
            kind: approval.kind.clone(),
            stage: turn,
            by: paper.by.clone(),
            decision: if paper.approved { "approved" } else { "denied" }.to_owned(),
            step: approval.step.clone(),
        };
        self.say(event);
    }

    /// Everybody who heard of the approval hears that it is none.
    fn say_denied(&mut self, id: Id, turn: u32) {
        let by = self.by();
        let Some(approval) = self.work.approval(id) else { return };
        let event = said::ApprovalDecided {
            ticket: Some(self.work.ticket_ref()),
            approval_id: id.to_string(),
            kind: approval.kind.clone(),
            stage: turn,
            by,
            decision: "rejected".to_owned(),
            r#final: true,
            step: approval.step.clone(),
        };
        self.say(event);
    }
}
