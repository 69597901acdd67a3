//! A customer who is not content.

use tests::{Case, System, desk::AGENT, forms, settled};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unhappy_call_opens_a_second_cycle() {
    let system = System::start().await;
    let mut case = Case::open(&system, forms::complaint()).await;
    let (crm, gm) = (case.at_branch("CRM"), case.at_branch("GM"));
    case.proposed("800").await.expect("proposed");
    assert!(case.decide(&gm, 1, "approved").await.expect("approved"));
    case.carried_out().await.expect("carried out");
    case.improved().await.expect("improved");

    let incomplete = case.call(AGENT, forms::fields(&[("satisfaction", "9")])).await;
    assert_eq!(incomplete.expect_err("one to five").code(), Code::InvalidArgument);
    let branch = case.call(&crm, forms::content_answers()).await;
    assert_eq!(branch.expect_err("the branch does not ask about itself").code(), Code::PermissionDenied);
    let (unhappy, consequence) =
        case.call(AGENT, forms::unhappy_answers()).await.expect("the call is recorded");
    assert!(unhappy);
    assert_eq!(consequence, "reopen");

    let again = settled(
        "the case is open again",
        async || case.ticket().await,
        |ticket| ticket.r#ref.as_ref().is_some_and(|named| named.cycle == 2),
    )
    .await;
    assert_eq!(again.state, "open");
    assert!(!again.answered && !again.resolved && !again.told, "a new cycle starts from nothing");
    let work = case.until_work("work is handed out again", |work| {
        work.ticket.as_ref().is_some_and(|named| named.cycle == 2) && work.state == "dispatched"
    });
    assert_eq!(work.await.hand_off, 1);
    let stale = case.acknowledge(&crm).await.expect_err("meant for the first cycle");
    assert_eq!(stale.code(), Code::Aborted);

    case.cycle = 2;
    let closed = case.lived_to_its_end().await;
    assert_eq!(closed.r#ref.expect("its reference").cycle, 2);
    system.must_be_whole().await;
    system.stop().await;
}
