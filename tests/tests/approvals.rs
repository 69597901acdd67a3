//! Compensation through the authority matrix (P5).

use tests::{Case, System, forms};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_approve_one_after_the_other_and_nobody_his_own() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let (svm, gm) = (case.at_branch("SVM"), case.at_branch("GM"));
    case.proposed("20000").await.expect("a solution of twenty thousand is proposed");
    let asked = case.until_work("an approval is asked", |work| !work.approvals.is_empty()).await;
    let approval = &asked.approvals[0];
    assert_eq!(approval.requester, svm);
    assert_eq!(approval.amount.as_ref().map(|amount| amount.minor), Some(2_000_000));

    let own = case.decide(&svm, 1, "approved").await.expect_err("his own request");
    assert_eq!(own.code(), Code::PermissionDenied, "{own:?}");
    let early = case.decide("SF-E-AM", 2, "approved").await.expect_err("the first stage is open");
    assert!(
        matches!(early.code(), Code::PermissionDenied | Code::FailedPrecondition | Code::Aborted),
        "{early:?}"
    );
    let crs = case.at_branch("CRS");
    let told = case.complete(&crs, "tell_customer", forms::fields(&[("reaction", "accepts")]));
    assert_eq!(told.await.expect_err("nothing is approved").code(), Code::FailedPrecondition);

    assert!(!case.decide(&gm, 1, "approved").await.expect("the general manager decides first"));
    let twice = case.decide(&gm, 2, "approved").await.expect_err("nobody decides two stages");
    assert_eq!(twice.code(), Code::PermissionDenied, "{twice:?}");
    assert!(case.decide("SF-E-AM", 2, "approved").await.expect("then the area"), "the chain has ended");

    let work = case.work().await;
    assert_eq!(work.approvals[0].state, "approved");
    let deciders: Vec<_> = work.approvals[0].stages.iter().map(|stage| stage.by.as_str()).collect();
    assert_eq!(deciders, [gm.as_str(), "SF-E-AM"]);
    case.carried_out().await.expect("what was approved is carried out");
    system.must_be_whole().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_solution_is_proposed_anew() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let (svm, gm) = (case.at_branch("SVM"), case.at_branch("GM"));
    case.proposed("4000").await.expect("proposed");
    assert!(case.decide(&gm, 1, "rejected").await.expect("he may say no"));
    let work = case.until_work("the step is open again", |work| {
        work.steps.iter().any(|step| step.id == "propose" && step.state == "ready")
    });
    assert_eq!(work.await.approvals[0].state, "rejected");
    case.complete(&svm, "propose", forms::proposal("3000")).await.expect("a better one");
    assert!(case.decide(&gm, 1, "approved").await.expect("now he agrees"));
    case.carried_out().await.expect("carried out");
    system.must_be_whole().await;
    system.stop().await;
}
