//! A major complaint: who learns of it, what must happen before a solution.

use hotline::client::request_id;
use proto::{Time, intake::v1::ReopenTicketRequest};
use tests::{
    Case, Refused, System, desk,
    forms::{self, Fields},
    settled,
};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_major_one_goes_to_legal_and_the_brand_division() {
    let system = System::start().await;
    let mut form = forms::complaint();
    form.insert("door_blocked".to_owned(), "true".to_owned());
    let case = Case::open(&system, form).await;
    assert_eq!(case.severity, "major");
    assert_eq!(case.reasons, ["door_blocked"]);
    let (crm, gm, svm) = (case.at_branch("CRM"), case.at_branch("GM"), case.at_branch("SVM"));
    case.until_told("major_to_gm", &gm).await;

    let clock = case.until_clock("prewarn_24h", "running").await;
    assert_eq!(clock.due_at - clock.started_at, 24 * Time::HOUR);
    the_meeting_comes_before_a_solution(&case).await;

    let prewarned = forms::fields(&[("prewarned_to", "brand_division")]);
    case.complete(&crm, "prewarn", prewarned).await.expect("pre-warned");
    case.until_clock("prewarn_24h", "met").await;
    for role in ["brand-division", "legal"] {
        settled(
            &format!("{role} is pre-warned"),
            async || case.notices().await,
            |notices| {
                notices.iter().any(|notice| {
                    notice.rule.contains("prewarning") && notice.role == role && notice.state == "sent"
                })
            },
        )
        .await;
    }
    let support = forms::fields(&[("support_given", "派技术支持。")]);
    case.complete("SF-BD1", "report_up", support).await.expect("the division reports");
    for role in ["operations-vp", "ceo"] {
        settled(
            &format!("{role} has the report"),
            async || case.notices().await,
            |notices| notices.iter().any(|notice| notice.role == role && notice.state == "sent"),
        )
        .await;
    }

    case.complete(&svm, "propose", forms::proposal("800")).await.expect("after the meeting");
    assert!(case.decide(&gm, 1, "approved").await.expect("approved"));
    let crs = case.at_branch("CRS");
    let early = case.complete(&crs, "tell_customer", forms::fields(&[("reaction", "accepts")]));
    assert_eq!(early.await.expect_err("they negotiate first").code(), Code::FailedPrecondition);
    case.complete(&svm, "negotiate", forms::fields(&[("negotiated", "agreed")])).await.expect("agreed");
    case.carried_out().await.expect("carried out");
    system.must_be_whole().await;
    system.stop().await;
}

async fn the_meeting_comes_before_a_solution(case: &Case<'_>) {
    let (crm, gm, svm) = (case.at_branch("CRM"), case.at_branch("GM"), case.at_branch("SVM"));
    case.acknowledge(&crm).await.expect("taken over");
    case.complete(&crm, "judge", forms::judgement(&svm)).await.expect("judged");
    let early = case.complete(&svm, "propose", forms::proposal("800")).await;
    assert_eq!(early.expect_err("the crisis team has not met").code(), Code::FailedPrecondition);
    let outcome: Fields = forms::fields(&[("meeting_outcome", "今日内给出方案。")]);
    let unproved = case.complete(&gm, "crisis_meeting", outcome.clone()).await;
    assert_eq!(unproved.expect_err("minutes are wanted").code(), Code::FailedPrecondition);
    let ready = case.complete_with(&gm, "crisis_meeting", outcome, forms::proof("document")).await;
    assert!(ready.expect("they have met").contains(&"propose".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_it_major_once_the_work_is_complete() {
    let system = System::start().await;
    let mut case = Case::open(&system, forms::complaint()).await;
    case.proposed("800").await.expect("proposed");
    assert!(case.decide(&case.at_branch("GM"), 1, "approved").await.expect("approved"));
    case.carried_out().await.expect("carried out");
    case.improved().await.expect("improved");
    settled("intake has heard the seal", async || case.ticket().await, |ticket| ticket.work_sealed).await;

    let blocked = || forms::fields(&[("door_blocked", "true")]);
    let intake = desk::register(&system);
    let refused = Refused::in_both(case.reclassification(blocked()), async |ask| {
        intake.clone().reclassify_ticket(ask).await
    })
    .await;
    assert_eq!((refused.code(), refused.gate().as_str()), (Code::FailedPrecondition, "work-complete"));
    assert_eq!(refused.rule().as_deref(), Some("DC-10"));
    assert!(refused.text().contains("重大投诉") && refused.text().contains("重新打开"), "{}", refused.text());
    assert_eq!(case.ticket().await.severity, "general");

    // As the refusal says: closed, opened again, and major from there on.
    case.call(desk::AGENT, forms::content_answers()).await.expect("the customer is called");
    case.until_closed().await;
    let reopen = ReopenTicketRequest {
        request_id: request_id(),
        ticket_id: case.id.clone(),
        reason: "door_blocked".to_owned(),
    };
    intake.clone().reopen_ticket(reopen).await.expect("within its days");
    case.cycle = 2;
    assert_eq!(case.reclassify(blocked()).await.expect("a new cycle"), "major");
    // The watchdog begins a cycle once all others have passed its beginning: time has to go on.
    system.advance(Time::MINUTE).await;
    case.until_clock("crisis_meeting_due", "running").await;
    system.must_be_whole().await;
    system.stop().await;
}
