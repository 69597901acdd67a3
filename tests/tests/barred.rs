//! The person complained about is kept out (P5, DG-03).

use hotline::client::request_id;
use proto::directory::v1::{ActivatePlaybookRequest, DocumentFile};
use tests::{
    Case, System,
    desk::{self, insist},
    forms, settled,
    system::BRANCH,
    wait_for,
};
use tonic::{Code, Status};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_complained_about_has_no_part_in_it() {
    let system = System::start().await;
    a_receiver_neither_gets_nor_sees_it(&system).await;
    a_manager_neither_approves_nor_hears_of_it(&system).await;
    system.must_be_whole().await;
    system.stop().await;
}

/// Under a rule book in which the person found responsible is barred from there on: in every service, not only where
/// it was found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_found_responsible_in_a_step_has_no_part_from_there_on() {
    let system = System::start().await;
    activate(&system, &stricter_book()).await;
    let gm = format!("{BRANCH}-GM");
    let case = Case::open(&system, forms::complaint()).await;
    assert!(case.ticket_as(&system.actor(&gm), "").await.is_ok(), "nothing is known against him yet");
    let (crm, svm) = (case.at_branch("CRM"), case.at_branch("SVM"));
    case.acknowledge(&crm).await.expect("taken over");
    case.complete(&crm, "judge", forms::judgement(&svm)).await.expect("judged");
    let mut proposal = forms::proposal("800");
    proposal.insert("responsible_person".to_owned(), gm.clone());
    case.complete(&svm, "propose", proposal).await.expect("it was the manager's own doing");

    let work = case.until_work("an approval is asked", |work| !work.approvals.is_empty()).await;
    let stage = work.approvals[0].stages.last().expect("a stage is open").clone();
    assert_ne!(stage.approver, gm);
    kept_out(case.decide(&gm, stage.stage, "approved").await);
    wait_for("intake knows of it", async || {
        let seen = case.ticket_as(&system.actor(&gm), "").await;
        seen.err().filter(|status| status.code() == Code::PermissionDenied)
    })
    .await;
    assert!(
        case.decide(&stage.approver, stage.stage, "approved").await.expect("somebody further up decides")
    );
    case.carried_out().await.expect("carried out");
    case.until_told("approval_wanted", &stage.approver).await;
    case.until_told("reaction_known", &crm).await;
    not_told(&case, &gm).await;
    kept_out(case.call(&gm, forms::content_answers()).await);
    system.must_be_whole().await;
    system.stop().await;
}

fn stricter_book() -> String {
    let book = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");
    let field = "responsible_person: { kind: person, ";
    assert_eq!(book.matches(field).count(), 1, "the step names who is responsible");
    book.replace(field, &format!("{field}bars: true, ")).replace("\nversion: 1\n", "\nversion: 2\n")
}

/// Until intake opens cases under it.
async fn activate(system: &System, book: &str) {
    let file = DocumentFile { path: "playbook.yaml".to_owned(), text: book.to_owned() };
    let request = ActivatePlaybookRequest { request_id: request_id(), files: vec![file] };
    let directory = system.connection.directory(&system.system());
    insist(async || directory.clone().activate_playbook(request.clone()).await)
        .await
        .expect("it is in force");
    let probe = async || {
        let case = Case::open(system, forms::complaint()).await;
        case.ticket().await.r#ref.and_then(|named| named.playbook).map(|book| book.version)
    };
    settled("cases are opened under it", probe, |version| *version == Some(2)).await;
}

async fn about<'s>(system: &'s System, who: &str) -> Case<'s> {
    let mut request = desk::opening(BRANCH, forms::complaint());
    request.about_persons = vec![who.to_owned()];
    Case::take(system, request).await.expect("opened")
}

fn kept_out<T: std::fmt::Debug>(tried: Result<T, Status>) {
    let status = tried.expect_err("he is complained about");
    assert!(matches!(status.code(), Code::PermissionDenied | Code::NotFound), "{status:?}");
}

async fn not_told(case: &Case<'_>, who: &str) {
    let notices =
        settled("somebody is told", async || case.notices().await, |notices| !notices.is_empty()).await;
    assert!(notices.iter().all(|notice| notice.recipient != who), "{who} was told: {notices:#?}");
}

async fn a_receiver_neither_gets_nor_sees_it(system: &System) {
    let crm = format!("{BRANCH}-CRM");
    let case = about(system, &crm).await;
    let work = case.work().await;
    assert_ne!(work.assignee, crm);
    assert!(work.barred.contains(&crm));
    kept_out(case.acknowledge(&crm).await);
    kept_out(case.refuse(&crm, "not-our-customer", "").await);
    kept_out(case.work_as(&system.actor(&crm)).await);
    kept_out(case.ticket_as(&system.actor(&crm), "").await);
    kept_out(case.ticket_as(&system.actor(&crm), "想看看").await);

    case.until_told("new_hand_off", &work.assignee).await;
    case.acknowledge(&work.assignee).await.expect("whoever got it may take it over");
    case.until_clock("hand_off", "met").await;
    kept_out(case.complete(&crm, "judge", forms::judgement(&case.at_branch("SVM"))).await);
    not_told(&case, &crm).await;
}

async fn a_manager_neither_approves_nor_hears_of_it(system: &System) {
    let gm = format!("{BRANCH}-GM");
    let case = about(system, &gm).await;
    case.proposed("800").await.expect("the others work on it");
    let work = case.until_work("an approval is asked", |work| !work.approvals.is_empty()).await;
    let stage = work.approvals[0].stages.last().expect("a stage is open").clone();
    assert_ne!(stage.approver, gm);
    kept_out(case.decide(&gm, stage.stage, "approved").await);
    assert!(
        case.decide(&stage.approver, stage.stage, "approved").await.expect("somebody further up decides")
    );
    case.carried_out().await.expect("carried out");
    case.until_told("approval_wanted", &stage.approver).await;
    not_told(&case, &gm).await;
}
