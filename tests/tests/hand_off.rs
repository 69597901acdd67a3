//! Work that a branch gives back.

use tests::{Case, System, forms};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_hand_off_goes_on_with_its_reason() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let (crm, gm) = (case.at_branch("CRM"), case.at_branch("GM"));

    let unreasoned = case.refuse(&crm, "", "不归我们").await.expect_err("it needs a reason");
    assert_eq!(unreasoned.code(), Code::InvalidArgument);
    let stranger =
        case.refuse("NP-S01-CRM", "not-our-customer", "").await.expect_err("another branch's work");
    assert!(matches!(stranger.code(), Code::PermissionDenied | Code::NotFound), "{stranger:?}");
    let before = case.work().await;
    assert_eq!((before.assignee.as_str(), before.hand_off), (crm.as_str(), 1), "nothing has changed");

    case.refuse(&crm, "not-our-customer", "客户在别店购车").await.expect("he has a reason");
    let work = case.until_work("it was handed on", |work| work.hand_off == 2).await;
    assert_eq!(work.assignee, gm, "the playbook sends it to the general manager");
    let given_back = work.given_back.first().expect("the refusal is on record");
    assert_eq!((given_back.by.as_str(), given_back.reason.as_str()), (crm.as_str(), "not-our-customer"));
    assert!(!given_back.text.contains("别店"), "the words are sealed");
    let cancelled = case.until_clock("hand_off", "cancelled").await;
    assert!(cancelled.rungs.is_empty());

    case.until_told("new_hand_off", &gm).await;
    case.acknowledge(&gm).await.expect("whoever got it takes it over");
    case.until_clock("hand_off", "met").await;
    system.must_be_whole().await;
    system.stop().await;
}
