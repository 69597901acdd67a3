//! Requests that do not fit: each is refused clearly, in both languages, and nothing is lost by it.
//! A test each, so that a failing one is named; what they cost is the start of the system.

use chassis::{Config, identity::Issuer};
use hotline::client::request_id;
use proto::intake::v1::{
    FindTicketsRequest, IdentifyRequest, NoteTicketRequest, OpenTicketRequest,
    intake_service_client::IntakeServiceClient,
};
use tests::{
    Case, Refused, System,
    desk::{self, AGENT},
    forms::{self, Fields},
    system::BRANCH,
};
use tonic::{Code, Request};
use tonic_types::StatusExt;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_field_is_named() {
    let system = System::start().await;
    let mut form = forms::complaint();
    form.insert("mood".to_owned(), "bad".to_owned());
    let refused = opening_refused(&system, desk::opening(BRANCH, form)).await;
    assert_eq!((refused.code(), refused.fields()), (Code::InvalidArgument, vec!["form.mood".to_owned()]));
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_plate_is_named() {
    let system = System::start().await;
    for plate in [None, Some(""), Some("  ")] {
        let mut form = forms::complaint();
        form.remove("plate");
        form.extend(plate.map(|plate| ("plate".to_owned(), plate.to_owned())));
        let refused = opening_refused(&system, desk::opening(BRANCH, form)).await;
        assert_eq!(
            (refused.code(), refused.fields()),
            (Code::InvalidArgument, vec!["form.plate".to_owned()]),
            "{plate:?}"
        );
    }
    all_goes_on(system).await;
}

/// As such lists have them: two numbers, an extension, a stray mark, no area code.
const MALFORMED: &[&str] = &[
    "0571-8500001/8500002",
    "0571-85000012/0571-85000013",
    "0571-85000012/",
    "0571-85000012-801",
    "010-85000012-801/802/803",
    "0571-8500001\u{201c}",
    "-85000012",
    "8500001",
    "57-85000012",
    "138x0000000",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_phone_is_named_wherever_it_stands() {
    let system = System::start().await;
    let intake = desk::register(&system);
    for phone in MALFORMED {
        let ask = IdentifyRequest {
            request_id: request_id(),
            phone: (*phone).to_owned(),
            name: forms::NAME.to_owned(),
            ..Default::default()
        };
        let refused = Refused::in_both(ask, async |ask| intake.clone().identify(ask).await).await;
        assert_eq!(
            (refused.code(), refused.fields()),
            (Code::InvalidArgument, vec!["phone".to_owned()]),
            "{phone}"
        );
        let mut form = forms::complaint();
        form.insert("phone".to_owned(), (*phone).to_owned());
        let refused = opening_refused(&system, desk::opening(BRANCH, form)).await;
        assert_eq!(
            (refused.code(), refused.fields()),
            (Code::InvalidArgument, vec!["form.phone".to_owned()]),
            "{phone}"
        );
        assert!(!refused.text().contains(phone), "what is personal is not repeated: {}", refused.text());
    }
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_branch_is_named() {
    let system = System::start().await;
    for branch in ["SF-E99", "", "../SF-E01"] {
        let refused = opening_refused(&system, desk::opening(branch, forms::complaint())).await;
        assert!(matches!(refused.code(), Code::InvalidArgument | Code::NotFound), "{branch}: {refused:?}");
        assert!(refused.text().contains(branch), "{}", refused.text());
    }
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_another_branch_neither_sees_nor_does_anything() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let stranger = system.actor("NP-S01-CRM");
    let turned_away = |refused: Refused| {
        assert!(matches!(refused.code(), Code::PermissionDenied | Code::NotFound), "{refused:?}");
    };
    let (intake, dispatch) = (system.connection.intake(&stranger), system.connection.dispatch(&stranger));
    let work = proto::dispatch::v1::GetWorkRequest { ticket_id: case.id.clone(), ..Default::default() };
    turned_away(Refused::in_both(work, async |ask| dispatch.clone().get_work(ask).await).await);
    let take = proto::dispatch::v1::AcknowledgeRequest {
        request_id: request_id(),
        ticket_id: case.id.clone(),
        cycle: 1,
    };
    turned_away(Refused::in_both(take, async |ask| dispatch.clone().acknowledge(ask).await).await);
    let see = proto::intake::v1::GetTicketRequest { ticket_id: case.id.clone(), ..Default::default() };
    turned_away(Refused::in_both(see, async |ask| intake.clone().get_ticket(ask).await).await);
    let note = NoteTicketRequest {
        request_id: request_id(),
        ticket_id: case.id.clone(),
        kind: "contact".to_owned(),
        text: "路过".to_owned(),
        ..Default::default()
    };
    turned_away(Refused::in_both(note, async |ask| intake.clone().note_ticket(ask).await).await);
    let open = desk::opening(BRANCH, forms::complaint());
    turned_away(Refused::in_both(open, async |ask| intake.clone().open_ticket(ask).await).await);
    assert_eq!(case.work().await.state, "dispatched", "nothing has changed");
    case.acknowledge(&case.at_branch("CRM")).await.expect("its own branch takes it over");
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_token_or_with_a_foreign_one_is_turned_away() {
    let system = System::start().await;
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
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_ten_megabytes_is_refused_and_the_connection_goes_on() {
    let system = System::start().await;
    let mut form = forms::complaint();
    form.insert("content".to_owned(), "x".repeat(10 << 20));
    let intake = desk::register(&system);
    let refused = intake.clone().open_ticket(desk::opening(BRANCH, form)).await.expect_err("ten megabytes");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let info = refused.get_details_error_info().expect("it says why");
    assert_eq!(info.reason, "too-large");
    assert!(
        info.metadata["zh"].contains("请求过大") && info.metadata["en"].contains("too large"),
        "{info:?}"
    );
    assert!(refused.message().contains("请求过大") && refused.message().contains("too large"));
    let find = FindTicketsRequest { query: forms::PHONE.to_owned(), limit: 5 };
    intake.clone().find_tickets(find).await.expect("the same connection goes on");
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_same_answer_and_with_other_content_none() {
    let system = System::start().await;
    let mut request = desk::opening(BRANCH, forms::complaint());
    desk::identify(&desk::register(&system), &mut request).await.expect("known");
    let intake = desk::register(&system);
    let first = intake.clone().open_ticket(request.clone()).await.expect("opened").into_inner();
    let second = intake.clone().open_ticket(request.clone()).await.expect("the same answer").into_inner();
    assert_eq!(first, second);
    let mut changed = request.clone();
    changed.form.insert("content".to_owned(), "另一件事".to_owned());
    let refused = Refused::in_both(changed, async |ask| intake.clone().open_ticket(ask).await).await;
    assert_eq!(refused.code(), Code::AlreadyExists);
    let third = intake.clone().open_ticket(request).await.expect("still the same answer").into_inner();
    assert_eq!(first, third);
    let opened = system.events().await;
    let opened =
        opened.iter().filter(|event| matches!(event.event, proto::AnyEvent::TicketOpened(_))).count();
    assert_eq!(opened, 1, "one case, however often it is asked for");
    all_goes_on(system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_73_hours_old_is_refused() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let note = |hours: u64| NoteTicketRequest {
        request_id: request_id_at(hours * 3_600_000),
        ticket_id: case.id.clone(),
        kind: "contact".to_owned(),
        text: "客户来电询问进度。".to_owned(),
        ..Default::default()
    };
    let intake = desk::register(&system);
    let refused = Refused::in_both(note(73), async |ask| intake.clone().note_ticket(ask).await).await;
    assert_eq!((refused.code(), refused.fields()), (Code::InvalidArgument, vec!["request_id".to_owned()]));
    assert!(refused.text().contains("72"), "it says what the limit is: {}", refused.text());
    intake.clone().note_ticket(note(71)).await.expect("71 hours are not too old");
    all_goes_on(system).await;
}

/// The caller is identified as he should be; then the opening, as it was asked for, is refused.
async fn opening_refused(system: &System, mut request: OpenTicketRequest) -> Refused {
    let asked = std::mem::replace(&mut request.form, forms::complaint());
    let intake = desk::register(system);
    desk::identify(&intake, &mut request).await.expect("the caller is known");
    request.form = asked;
    Refused::in_both(request, async |ask| intake.clone().open_ticket(ask).await).await
}

/// A UUIDv7 made so many milliseconds ago.
fn request_id_at(ago: u64) -> String {
    let id: uuid::Uuid = request_id().parse().expect("our own id");
    let mut bytes = *id.as_bytes();
    let millis = u64::from_be_bytes([0, 0, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]) - ago;
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    uuid::Uuid::from_bytes(bytes).to_string()
}

/// A correct case goes its way as if nothing had been, and the audit finds nothing.
pub async fn all_goes_on(system: System) {
    let case = correct_case(&system).await;
    case.acknowledge(&case.at_branch("CRM")).await.expect("the branch takes it over");
    case.complete(&case.at_branch("CRM"), "judge", forms::judgement(&case.at_branch("SVM")))
        .await
        .expect("and judges it");
    case.until_clock("judge_due", "met").await;
    system.must_be_whole().await;
    system.stop().await;
}

/// Of another caller and car than those before: theirs may be open, and would make it a repeat.
async fn correct_case(system: &System) -> Case<'_> {
    let own: Fields = forms::fields(&[("phone", "13800005678"), ("plate", "沪A56789")]);
    let mut form = forms::complaint();
    form.extend(own);
    let case = Case::open(system, form).await;
    assert_eq!(case.severity, "general");
    case
}
