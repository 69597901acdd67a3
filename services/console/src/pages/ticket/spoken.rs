//! Approvals by word of mouth: taken down by who asked for them or has the
//! work; signed for afterwards, or denied, by who is said to have approved.

use proto::dispatch::v1::{Approval, ApprovalStage, Work};

use crate::{
    forms::{Control, Deed, Posted, Shown},
    names::Names,
    pages::ticket::{Case, steps},
    visitor::Visitor,
};

/// An approval's stage, as forms name it: `approval/stage`.
fn target(approval: &Approval, stage: u32) -> String {
    format!("{}/{stage}", approval.approval_id)
}

/// Approval and stage out of a form's target.
pub fn parts(target: &str) -> (String, u32) {
    let (id, stage) = target.split_once('/').unwrap_or((target, ""));
    (id.to_owned(), stage.parse().unwrap_or_default())
}

/// Only an offer, as the rule book has it: the owner decides.
pub fn offered(visitor: &Visitor, case: &Case, names: &Names<'_>) -> Vec<Deed> {
    let Some(work) = &case.work else { return Vec::new() };
    let none = Posted::default();
    let mut deeds = Vec::new();
    for approval in &work.approvals {
        if let Some(stage) =
            open(approval).filter(|stage| may_take_down(visitor, work, approval, stage, names))
        {
            deeds.extend(take_down(case, names, &target(approval, stage.stage), &none));
        }
        let papers =
            approval.stages.iter().filter(|stage| stage.paper == "missing" && is_his(visitor, stage));
        for stage in papers {
            deeds.extend(confirm(case, names, &target(approval, stage.stage), &none));
        }
    }
    deeds
}

fn open(approval: &Approval) -> Option<&ApprovalStage> {
    let is_open = approval.state == "open";
    approval.stages.iter().find(|stage| is_open && stage.decision.is_empty())
}

fn may_take_down(
    visitor: &Visitor,
    work: &Work,
    approval: &Approval,
    stage: &ApprovalStage,
    names: &Names<'_>,
) -> bool {
    let me = visitor.person();
    let used = names.case_type.and_then(|kind| kind.step(&approval.step)?.approval.as_ref());
    let matrix = used.and_then(|used| names.book?.matrix(&used.matrix));
    let has_it = work.assignee == me || (work.assignee.is_empty() && visitor.holds(&work.role));
    matrix.is_some_and(|matrix| matrix.verbal.is_some())
        && stage.approver != me
        && (approval.requester == me || has_it)
}

/// His own word, or that of somebody for whom he stands in.
fn is_his(visitor: &Visitor, stage: &ApprovalStage) -> bool {
    let me = visitor.person();
    let approver = visitor.known.snapshot.person(&stage.by);
    stage.by == me
        || approver.is_some_and(|one| one.is_absent(visitor.now) && one.deputy.as_deref() == Some(me))
}

fn found<'c>(case: &'c Case, target: &str) -> Option<(&'c Approval, &'c ApprovalStage)> {
    let (id, number) = parts(target);
    let approvals = case.work.iter().flat_map(|work| &work.approvals);
    let approval = approvals.into_iter().find(|approval| approval.approval_id == id)?;
    Some((approval, approval.stages.iter().find(|stage| stage.stage == number)?))
}

fn begin(action: &str, title: String, submit: &str, case: &Case, target: &str, posted: &Posted) -> Deed {
    let post = format!("/tickets/{}/do/{action}", case.reference.ticket_id);
    Deed::new(&format!("{action}-{target}"), &title, post, submit)
        .with("cycle", case.reference.cycle)
        .with("target", target)
        .sent_again(posted)
}

fn what(approval: &Approval, names: &Names<'_>) -> String {
    format!("{} {}", names.step(&approval.step), steps::amount(approval))
}

/// The form that takes a spoken approval down.
pub fn take_down(case: &Case, names: &Names<'_>, target: &str, posted: &Posted) -> Option<Deed> {
    let (tongue, (approval, stage)) = (names.tongue, found(case, target)?);
    let title =
        format!("{}: {}", tongue.say("记录口头批准", "Take down a spoken approval"), what(approval, names));
    let mut who =
        Shown::own("verbal_by", tongue.say("谁批准的", "Who approved"), Control::Person, true, posted);
    if who.value.is_empty() {
        who.value.clone_from(&stage.approver);
    }
    let words = Shown::own("text", tongue.say("怎么说的", "In what words"), Control::Area, false, posted);
    let mut deed = begin("spoken", title, tongue.say("记录", "Put on record"), case, target, posted)
        .asks(vec![who, words]);
    deed.intro = tongue
        .say("立即生效；审批人须补签，补签前处理不能完结。", "It counts at once; the approver signs for it afterwards, and until then the work is not complete.")
        .to_owned();
    Some(deed)
}

/// The form that signs for it, or denies it.
pub fn confirm(case: &Case, names: &Names<'_>, target: &str, posted: &Posted) -> Option<Deed> {
    let (tongue, (approval, stage)) = (names.tongue, found(case, target)?);
    let title =
        format!("{}: {}", tongue.say("补签口头批准", "Sign a spoken approval"), what(approval, names));
    let choices = [("approved", "是我同意的", "yes, I approved"), ("denied", "我没有同意过", "I never did")];
    let choices = choices.map(|(code, zh, en)| (code.to_owned(), tongue.say(zh, en).to_owned()));
    let mut deed =
        begin("confirm_paper", title, tongue.say("确定", "Decide"), case, target, posted).main().asks(vec![
            Shown::own("decision", tongue.say("补签", "Paper"), Control::Radio, true, posted).among(choices),
            Shown::own("text", tongue.say("意见", "Words"), Control::Area, false, posted),
        ]);
    deed.intro = format!("{} {}", tongue.say("记录人", "taken down by"), stage.recorded_by);
    Some(deed)
}

/// What became of the paper, for the list of stages.
pub fn paper(stage: &ApprovalStage, names: &Names<'_>) -> String {
    let (zh, en) = match stage.paper.as_str() {
        "missing" => ("口头，待补签", "spoken; the paper is missing"),
        "confirmed" => ("口头，已补签", "spoken; signed for since"),
        "denied" => ("口头，本人否认", "spoken; denied since"),
        _ => return String::new(),
    };
    let by = names.tongue.say("记录人", "taken down by");
    format!(" ({}; {by} {})", names.tongue.say(zh, en), stage.recorded_by)
}
