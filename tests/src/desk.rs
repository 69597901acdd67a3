//! What people do to one case, each with a token of his own, and what they see of it.

use std::time::Duration;

use chassis::core::Actor;
use hotline::client::{Link, request_id};
use proto::{
    dispatch::v1::{
        AcknowledgeRequest, CompleteStepRequest, DecideApprovalRequest, GetWorkRequest, Proof, RefuseRequest,
        Work,
    },
    follow_up::v1::{FollowUp, GetFollowUpsRequest, RecordCallRequest},
    intake::v1::{
        GetTicketRequest, IdentifyRequest, OpenTicketRequest, ReclassifyTicketRequest, Ticket,
        intake_service_client::IntakeServiceClient,
    },
    notify::v1::{ListNoticesRequest, Notice},
    reporting::v1::{GetRowRequest, Row},
    sla_watchdog::v1::{Clock, GetClocksRequest},
};
use stage::{settled, wait_for};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Response, Status};

use crate::{
    forms::{self, Fields},
    system::System,
};

const ANSWER: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(90);
const AGAIN: Duration = Duration::from_millis(150);

/// Who takes calls at the group.
pub const AGENT: &str = "QH-CC1";

/// The opening of a complaint; nobody is identified yet.
pub fn opening(branch: &str, form: Fields) -> OpenTicketRequest {
    OpenTicketRequest {
        request_id: request_id(),
        playbook: "dealer-group".to_owned(),
        case_type: "complaint".to_owned(),
        branch: branch.to_owned(),
        channel: "phone".to_owned(),
        form,
        ..OpenTicketRequest::default()
    }
}

/// Asks again, with the same request id, when a server is away: as any client should.
pub async fn insist<T>(ask: impl AsyncFn() -> Result<Response<T>, Status>) -> Result<T, Status> {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer =
            timeout(ANSWER, ask()).await.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")));
        let status = match answer {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => status,
        };
        let passes = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::DeadlineExceeded];
        if !passes.contains(&status.code()) || Instant::now() > until {
            return Err(status);
        }
        sleep(AGAIN).await;
    }
}

/// One case.
pub struct Case<'s> {
    system: &'s System,
    pub id: String,
    pub number: String,
    pub severity: String,
    pub reasons: Vec<String>,
    pub cycle: u32,
    pub branch: String,
}

impl<'s> Case<'s> {
    /// The agent takes a complaint at the usual branch.
    pub async fn open(system: &'s System, form: Fields) -> Case<'s> {
        Case::take(system, opening(crate::system::BRANCH, form)).await.expect("the complaint is opened")
    }

    /// The agent identifies the caller and opens; work has reached the branch when it returns.
    pub async fn take(system: &'s System, mut request: OpenTicketRequest) -> Result<Case<'s>, Status> {
        let intake = register(system);
        identify(&intake, &mut request).await?;
        let opened = insist(async || intake.clone().open_ticket(request.clone()).await).await?;
        let case = Case {
            system,
            id: opened.ticket_id,
            number: opened.number,
            severity: opened.severity,
            reasons: opened.reasons,
            cycle: 1,
            branch: request.branch,
        };
        case.until_work("the work has reached dispatch", |work| !work.assignee.is_empty()).await;
        Ok(case)
    }

    /// The code of somebody at the branch: `SVM`, `CRM`, ...
    pub fn at_branch(&self, role: &str) -> String {
        format!("{}-{role}", self.branch)
    }

    fn actor(&self, who: &str) -> Actor {
        self.system.actor(who)
    }

    pub async fn acknowledge(&self, who: &str) -> Result<(), Status> {
        let request =
            AcknowledgeRequest { request_id: request_id(), ticket_id: self.id.clone(), cycle: self.cycle };
        let dispatch = self.system.connection.dispatch(&self.actor(who));
        insist(async || dispatch.clone().acknowledge(request.clone()).await).await.map(|_| ())
    }

    pub async fn refuse(&self, who: &str, reason: &str, text: &str) -> Result<(), Status> {
        let request = RefuseRequest {
            request_id: request_id(),
            ticket_id: self.id.clone(),
            cycle: self.cycle,
            reason: reason.to_owned(),
            text: text.to_owned(),
        };
        let dispatch = self.system.connection.dispatch(&self.actor(who));
        insist(async || dispatch.clone().refuse(request.clone()).await).await.map(|_| ())
    }

    pub async fn complete(&self, who: &str, step: &str, fields: Fields) -> Result<Vec<String>, Status> {
        self.complete_with(who, step, fields, Vec::new()).await
    }

    /// Answers with the steps that are ready now.
    pub async fn complete_with(
        &self,
        who: &str,
        step: &str,
        fields: Fields,
        proofs: Vec<Proof>,
    ) -> Result<Vec<String>, Status> {
        let request = CompleteStepRequest {
            request_id: request_id(),
            ticket_id: self.id.clone(),
            cycle: self.cycle,
            step: step.to_owned(),
            fields,
            proofs,
            occurred_at: 0,
        };
        let dispatch = self.system.connection.dispatch(&self.actor(who));
        insist(async || dispatch.clone().complete_step(request.clone()).await).await.map(|done| done.ready)
    }

    /// The agent adds to the form; answers with the severity that it has now.
    pub async fn reclassify(&self, form: Fields) -> Result<String, Status> {
        let request = self.reclassification(form);
        let intake = register(self.system);
        insist(async || intake.clone().reclassify_ticket(request.clone()).await)
            .await
            .map(|said| said.severity)
    }

    pub fn reclassification(&self, form: Fields) -> ReclassifyTicketRequest {
        let about_persons = Vec::new();
        ReclassifyTicketRequest { request_id: request_id(), ticket_id: self.id.clone(), form, about_persons }
    }

    /// Decides a stage of the open approval; answers whether the chain has ended.
    pub async fn decide(&self, who: &str, stage: u32, decision: &str) -> Result<bool, Status> {
        let work = self.work().await;
        let open = work.approvals.iter().find(|approval| approval.state == "open");
        let approval_id = open.expect("an approval is open").approval_id.clone();
        let request = DecideApprovalRequest {
            request_id: request_id(),
            ticket_id: self.id.clone(),
            cycle: self.cycle,
            approval_id,
            decision: decision.to_owned(),
            text: "已核。".to_owned(),
            stage,
            verbal_by: String::new(),
        };
        let dispatch = self.system.connection.dispatch(&self.actor(who));
        insist(async || dispatch.clone().decide_approval(request.clone()).await)
            .await
            .map(|decided| decided.r#final)
    }

    /// The customer is called; answers with what follows from it.
    pub async fn call(&self, who: &str, answers: Fields) -> Result<(bool, String), Status> {
        let due = self.until_call_is_due().await;
        let request = RecordCallRequest {
            request_id: request_id(),
            ticket_id: self.id.clone(),
            cycle: self.cycle,
            follow_up_id: due.follow_up_id,
            text: "已说明处理结果。".to_owned(),
            answers,
        };
        let desk = self.system.connection.follow_up(&self.actor(who));
        let said = insist(async || desk.clone().record_call(request.clone()).await).await?;
        Ok((said.unhappy, said.consequence))
    }

    pub async fn ticket(&self) -> Ticket {
        self.ticket_as(&self.system.system(), "").await.expect("intake shows the case")
    }

    pub async fn ticket_as(&self, actor: &Actor, reveal_reason: &str) -> Result<Ticket, Status> {
        let ask = GetTicketRequest {
            ticket_id: self.id.clone(),
            reveal_reason: reveal_reason.to_owned(),
            ..Default::default()
        };
        let intake = self.system.connection.intake(actor);
        let shown = insist(async || intake.clone().get_ticket(ask.clone()).await).await?;
        Ok(shown.ticket.expect("what was found is shown"))
    }

    pub async fn work(&self) -> Work {
        self.work_as(&self.system.system()).await.expect("dispatch shows the work")
    }

    pub async fn work_as(&self, actor: &Actor) -> Result<Work, Status> {
        let ask = GetWorkRequest { ticket_id: self.id.clone(), reveal_reason: String::new() };
        let dispatch = self.system.connection.dispatch(actor);
        let shown = insist(async || dispatch.clone().get_work(ask.clone()).await).await?;
        Ok(shown.work.expect("what was found is shown"))
    }

    pub async fn clocks(&self) -> Vec<Clock> {
        let ask = GetClocksRequest { ticket_id: self.id.clone() };
        let watchdog = self.system.connection.watchdog(&self.system.system());
        let shown = insist(async || watchdog.clone().get_clocks(ask.clone()).await).await;
        shown.map(|shown| shown.clocks).unwrap_or_default()
    }

    pub async fn follow_ups(&self) -> Vec<FollowUp> {
        let ask = GetFollowUpsRequest { ticket_id: self.id.clone(), reveal_reason: String::new() };
        let desk = self.system.connection.follow_up(&self.system.system());
        let shown = insist(async || desk.clone().get_follow_ups(ask.clone()).await).await;
        shown.map(|shown| shown.follow_ups).unwrap_or_default()
    }

    pub async fn notices(&self) -> Vec<Notice> {
        let ask = ListNoticesRequest { ticket_id: self.id.clone(), limit: 500, reveal_reason: String::new() };
        let notify = self.system.connection.notify(&self.system.system());
        let shown = insist(async || notify.clone().list_notices(ask.clone()).await).await;
        shown.map(|shown| shown.notices).unwrap_or_default()
    }

    pub async fn row(&self) -> Option<Row> {
        let ask = GetRowRequest { ticket_id: self.id.clone(), after: None };
        let reporting = self.system.connection.reporting(&self.system.system());
        insist(async || reporting.clone().get_row(ask.clone()).await).await.ok()?.row
    }

    pub async fn until_work(&self, what: &str, good: impl Fn(&Work) -> bool) -> Work {
        wait_for(what, async || self.work_as(&self.system.system()).await.ok().filter(&good)).await
    }

    pub async fn until_clock(&self, clock: &str, state: &str) -> Clock {
        let good = |found: &Clock| found.clock == clock && found.state == state && found.cycle == self.cycle;
        let what = format!("clock {clock} is {state}");
        let clocks = settled(&what, async || self.clocks().await, |clocks| clocks.iter().any(good));
        clocks.await.into_iter().find(good).expect("it was found")
    }

    async fn until_call_is_due(&self) -> FollowUp {
        let due = |call: &FollowUp| {
            call.state == "scheduled" && call.ticket.as_ref().is_some_and(|named| named.cycle == self.cycle)
        };
        let calls =
            settled("a call-back is due", async || self.follow_ups().await, |calls| calls.iter().any(due));
        calls.await.into_iter().find(due).expect("it was found")
    }

    pub async fn until_told(&self, rule: &str, recipient: &str) -> Notice {
        let it = |notice: &Notice| {
            notice.rule.contains(rule) && notice.recipient == recipient && notice.state == "sent"
        };
        let what = format!("{recipient} is told ({rule})");
        let notices = settled(&what, async || self.notices().await, |notices| notices.iter().any(it));
        notices.await.into_iter().find(it).expect("it was found")
    }

    pub async fn until_closed(&self) -> Ticket {
        settled("the case is closed", async || self.ticket().await, |ticket| ticket.state == "closed").await
    }

    /// From the hand-off to the proposal on the general manager's desk.
    pub async fn proposed(&self, amount: &str) -> Result<(), Status> {
        let (crm, svm) = (self.at_branch("CRM"), self.at_branch("SVM"));
        self.acknowledge(&crm).await?;
        self.complete(&crm, "judge", forms::judgement(&svm)).await?;
        self.complete(&svm, "propose", forms::proposal(amount)).await?;
        Ok(())
    }

    /// From the approved solution to the feedback, after which the customer is called.
    pub async fn carried_out(&self) -> Result<(), Status> {
        let (crm, svm) = (self.at_branch("CRM"), self.at_branch("SVM"));
        let accepts = forms::fields(&[("reaction", "accepts")]);
        self.complete(&self.at_branch("CRS"), "tell_customer", accepts).await?;
        self.complete_with(&svm, "carry_out", Fields::new(), forms::proof("signature")).await?;
        let result = forms::fields(&[("result", "方案已落实。")]);
        self.complete(&crm, "feedback", result).await?;
        Ok(())
    }

    /// What the branch learns from it; the last of its steps.
    pub async fn improved(&self) -> Result<(), Status> {
        let (gm, svm, crm) = (self.at_branch("GM"), self.at_branch("SVM"), self.at_branch("CRM"));
        self.complete(&svm, "improve", forms::improvement(&svm)).await?;
        let approved = forms::fields(&[("improvement_approved", "true"), ("supervisor", &crm)]);
        self.complete(&gm, "approve_improvement", approved).await?;
        let checked = forms::fields(&[("improvement_carried_out", "true")]);
        self.complete(&gm, "check_improvement", checked).await?;
        Ok(())
    }

    /// A general case from its hand-off to its close.
    pub async fn lived_to_its_end(&self) -> Ticket {
        self.proposed("800").await.expect("judged and proposed");
        assert!(self.decide(&self.at_branch("GM"), 1, "approved").await.expect("the manager decides"));
        self.carried_out().await.expect("carried out");
        self.improved().await.expect("improved");
        self.call(AGENT, forms::content_answers()).await.expect("the customer is called");
        self.until_closed().await
    }
}

/// Finds or makes customer and car of a form that names a phone.
pub async fn identify(
    intake: &IntakeServiceClient<Link>,
    request: &mut OpenTicketRequest,
) -> Result<(), Status> {
    let field = |name: &str| request.form.get(name).cloned().unwrap_or_default();
    let ask = IdentifyRequest {
        request_id: request_id(),
        phone: field("phone"),
        name: field("customer_name"),
        plate: field("plate"),
        vin: field("vin"),
        model: field("model"),
        brand: String::new(),
    };
    let known = insist(async || intake.clone().identify(ask.clone()).await).await?;
    (request.customer_id, request.asset_id) = (known.customer_id, known.asset_id);
    Ok(())
}

/// The agent's way to intake.
pub fn register(system: &System) -> IntakeServiceClient<Link> {
    system.connection.intake(&system.actor(AGENT))
}

/// All that a refusal says: its sentence and each field's.
pub fn explained(status: &Status) -> String {
    hotline::client::explain(status)
}
