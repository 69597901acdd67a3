//! What does not fit is refused with a clear word, and takes nothing with it.

use std::{collections::BTreeMap, process::Command};

use chassis::{Config, identity::Issuer};
use hotline::client::request_id;
use proto::{
    directory::v1::{ActivatePlaybookRequest, DocumentFile},
    intake::v1::{
        FindTicketsRequest, IdentifyRequest, NoteTicketRequest, OpenTicketRequest,
        intake_service_client::IntakeServiceClient,
    },
};
use tests::{
    Case, System,
    desk::{self, AGENT, insist},
    forms,
    system::BRANCH,
};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// Starting the system costs more than all of these together, so they share one; each is named when it fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_refused_and_takes_nothing_with_it() {
    let system = System::start().await;
    fields_that_do_not_fit_are_named(&system).await;
    two_numbers_in_one_cell_are_no_phone(&system).await;
    an_unknown_branch_is_refused(&system).await;
    who_may_not_is_turned_away(&system).await;
    a_huge_body_is_refused_and_the_next_one_is_served(&system).await;
    a_repeated_request_gets_the_same_answer_and_a_changed_one_is_refused(&system).await;
    a_request_of_last_week_is_refused(&system).await;
    a_broken_rule_book_leaves_the_old_one_in_force(&system).await;
    bad_rows_of_a_table_are_reported_and_good_ones_kept(&system).await;

    let case = Case::open(&system, forms::complaint()).await;
    case.acknowledge(&case.at_branch("CRM")).await.expect("all goes on as before");
    system.must_be_whole().await;
    system.stop().await;
}

async fn open(system: &System, mut request: OpenTicketRequest) -> Result<String, Status> {
    let asked = request.form.clone();
    request.form = forms::complaint();
    desk::identify(&desk::register(system), &mut request).await.expect("the caller is known");
    request.form = asked;
    let intake = desk::register(system);
    insist(async || intake.clone().open_ticket(request.clone()).await).await.map(|opened| opened.ticket_id)
}

fn violations(status: &Status) -> Vec<String> {
    let named = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    let mut fields: Vec<_> = named.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}

async fn fields_that_do_not_fit_are_named(system: &System) {
    let mut form = forms::complaint();
    form.insert("mood".to_owned(), "bad".to_owned());
    form.remove("plate");
    let refused = open(system, desk::opening(BRANCH, form)).await.expect_err("one too many, one too few");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(violations(&refused), ["form.mood", "form.plate"]);
    assert!(!refused.message().is_empty());
}

async fn two_numbers_in_one_cell_are_no_phone(system: &System) {
    let ask = IdentifyRequest {
        request_id: request_id(),
        phone: "021-51330126/51330122".to_owned(),
        name: forms::NAME.to_owned(),
        ..Default::default()
    };
    let refused = desk::register(system).identify(ask).await.expect_err("two numbers");
    assert_eq!((refused.code(), violations(&refused)), (Code::InvalidArgument, vec!["phone".to_owned()]));
}

async fn an_unknown_branch_is_refused(system: &System) {
    let refused =
        open(system, desk::opening("SF-E99", forms::complaint())).await.expect_err("there is no such branch");
    assert!(matches!(refused.code(), Code::InvalidArgument | Code::NotFound), "{refused:?}");
    assert!(refused.message().contains("SF-E99"), "{}", refused.message());
}

async fn who_may_not_is_turned_away(system: &System) {
    let find = FindTicketsRequest { query: forms::PHONE.to_owned(), limit: 5 };
    let address = system.config.peers_of(proto::Service::Intake).remove(0);
    let mut bare = IntakeServiceClient::connect(address).await.expect("intake is there");
    let nobody = bare.find_tickets(find.clone()).await.expect_err("no token");
    assert_eq!(nobody.code(), Code::Unauthenticated);

    // Signed by a key that another installation made for itself.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let state = ("HOTLINE_STATE_DIR".to_owned(), elsewhere.path().display().to_string());
    let foreign = Config::load(None, [state].into_iter()).expect("a configuration");
    let token = Issuer::of(&foreign).expect("a key").issue(&system.actor(AGENT), 600).expect("a token");
    let mut request = Request::new(find);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    assert_eq!(bare.find_tickets(request).await.expect_err("a foreign token").code(), Code::Unauthenticated);

    let case = Case::open(system, forms::complaint()).await;
    let other = case.work_as(&system.actor("NP-S01-CRM")).await.expect_err("another branch");
    assert!(matches!(other.code(), Code::PermissionDenied | Code::NotFound), "{other:?}");
    let other = case.acknowledge("NP-S01-CRM").await.expect_err("another branch");
    assert!(matches!(other.code(), Code::PermissionDenied | Code::NotFound), "{other:?}");
    assert_eq!(case.work().await.state, "dispatched");
}

async fn a_huge_body_is_refused_and_the_next_one_is_served(system: &System) {
    let mut form = forms::complaint();
    form.insert("content".to_owned(), "很".repeat(10 << 20));
    let intake = desk::register(system);
    let refused =
        intake.clone().open_ticket(desk::opening(BRANCH, form)).await.expect_err("thirty megabytes");
    let codes = [Code::OutOfRange, Code::ResourceExhausted, Code::InvalidArgument];
    assert!(codes.contains(&refused.code()), "{refused:?}");
    let find = FindTicketsRequest { query: forms::PHONE.to_owned(), limit: 5 };
    intake.clone().find_tickets(find).await.expect("the same connection goes on");
}

async fn a_repeated_request_gets_the_same_answer_and_a_changed_one_is_refused(system: &System) {
    let mut request = desk::opening(BRANCH, forms::complaint());
    desk::identify(&desk::register(system), &mut request).await.expect("known");
    let intake = desk::register(system);
    let first = intake.clone().open_ticket(request.clone()).await.expect("opened").into_inner();
    let second = intake.clone().open_ticket(request.clone()).await.expect("the same answer").into_inner();
    assert_eq!(first, second);
    request.form.insert("content".to_owned(), "另一件事".to_owned());
    let changed = intake.clone().open_ticket(request).await.expect_err("another content");
    assert_eq!(changed.code(), Code::AlreadyExists);
}

async fn a_request_of_last_week_is_refused(system: &System) {
    let note = |request_id: String| NoteTicketRequest {
        request_id,
        ticket_id: request_id_at(0),
        kind: "contact".to_owned(),
        ..Default::default()
    };
    let mut intake = desk::register(system);
    let old = intake.note_ticket(note(request_id_at(73 * 3_600_000))).await.expect_err("73 hours old");
    assert_eq!((old.code(), violations(&old)), (Code::InvalidArgument, vec!["request_id".to_owned()]));
    let fresh = intake.note_ticket(note(request_id_at(71 * 3_600_000))).await.expect_err("no such case");
    assert!(!violations(&fresh).contains(&"request_id".to_owned()), "71 hours are not too old: {fresh:?}");
}

/// A UUIDv7 made so many milliseconds ago.
fn request_id_at(ago: u64) -> String {
    let id: uuid::Uuid = request_id().parse().expect("our own id");
    let mut bytes = *id.as_bytes();
    let millis = u64::from_be_bytes([0, 0, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]) - ago;
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    uuid::Uuid::from_bytes(bytes).to_string()
}

async fn a_broken_rule_book_leaves_the_old_one_in_force(system: &System) {
    let book = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");
    let broken = book
        .replace("version: 1\n", "version: 2\n")
        .replace("receiver: cr-manager", "receiver: nobody-at-all");
    let file = DocumentFile { path: "playbook.yaml".to_owned(), text: broken };
    let request = ActivatePlaybookRequest { request_id: request_id(), files: vec![file] };
    let refused = system.connection.directory(&system.system()).activate_playbook(request).await;
    let refused = refused.expect_err("a role that there is not");
    assert!(matches!(refused.code(), Code::InvalidArgument | Code::FailedPrecondition), "{refused:?}");
    assert!(desk::explained(&refused).contains("nobody-at-all"), "it says what is wrong: {refused:?}");
    let case = Case::open(system, forms::complaint()).await;
    let version = case.ticket().await.r#ref.and_then(|named| named.playbook).map(|book| book.version);
    assert_eq!(version, Some(1));
}

async fn bad_rows_of_a_table_are_reported_and_good_ones_kept(system: &System) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let sample =
        std::fs::read_to_string(format!("{root}/deploy/demo/complaints.csv")).expect("the sample day");
    let mut lines: Vec<String> = sample.lines().take(4).map(str::to_owned).collect();
    lines[2] = lines[2].replace("NP-S03", "NO-SUCH-BRANCH");
    let mixed = folder.path().join("mixed.csv");
    std::fs::write(&mixed, lines.join("\n")).expect("written");
    let (passed, said) = import(system, &mixed, root).await;
    assert!(!passed, "a bad row is not passed over in silence");
    assert!(said.contains("3 rows: 2 opened") && said.contains("1 bad"), "{said}");
    assert!(said.contains("line 3") && said.contains("NO-SUCH-BRANCH"), "{said}");

    let garbled = folder.path().join("garbled.csv");
    std::fs::write(&garbled, [0xff, 0xfe, 0x00, 0x81, 0x0a, 0xff, 0xff]).expect("written");
    let (passed, said) = import(system, &garbled, root).await;
    assert!(!passed && !said.contains("panicked"), "{said}");
    assert!(said.contains("save it as UTF-8"), "it says what to do: {said}");
}

/// As people call it: the program itself.
async fn import(system: &System, file: &std::path::Path, root: &str) -> (bool, String) {
    let mut command = Command::new(tests::replicas::program().expect("the program is built"));
    command.arg("import").arg(file).args(["--mapping", &format!("{root}/deploy/imports/demo-day.yaml")]);
    let variables: BTreeMap<_, _> = system.variables().iter().cloned().collect();
    command.envs(variables);
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("it runs");
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8_lossy(&said).into_owned())
}
