//! The paper of what was approved by word of mouth.

use chassis_core::Refusal;
use dispatch_core::{Approval, Command, Stage};

use super::{
    Town,
    deed::{Deed, What, refusal},
};

impl Town {
    pub(super) fn paper(&mut self, deed: &Deed) -> Result<(), Refusal> {
        let (ticket, cycle) = self.the_ticket()?;
        let work = self.work();
        let approvals = work.iter().flat_map(|work| &work.approvals);
        let named = |approval: &&Approval| deed.step.as_ref().is_none_or(|step| *step == approval.step);
        let mut owed = approvals.filter(named).flat_map(|approval| {
            approval.stages.iter().filter(|stage| lacks_paper(stage)).map(move |stage| (approval, stage))
        });
        let (approval, stage) = owed.next().ok_or_else(no_paper)?;
        let by = stage.verdict.as_ref().map(|verdict| verdict.by.clone());
        let actor = self.by(deed, by)?;
        let command = Command::ConfirmApproval {
            ticket,
            cycle,
            approval: approval.id,
            stage: stage.place + 1,
            approved: deed.what == What::Confirm,
            text: None,
        };
        let done = self.dispatch.command(&actor, ticket.shard(), &command);
        self.after(&actor, done).map(|_| ())
    }
}

fn lacks_paper(stage: &Stage) -> bool {
    stage.verdict.as_ref().is_some_and(dispatch_core::Verdict::lacks_paper)
}

fn no_paper() -> Refusal {
    let (zh, en) = ("没有待补的手续。", "No paper is owed.");
    refusal("no-paper-due", zh.to_owned(), en.to_owned())
}
