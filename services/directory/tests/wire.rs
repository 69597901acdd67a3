//! The directory as people and services meet it: over gRPC, on real engines.

mod office;

use chassis_core::Actor;
use office::{Office, tool};
use proto::directory::v1::{
    ActivateCalendarRequest, ActivatePlaybookRequest, CheckSessionRequest, DocumentFile, EndSessionRequest,
    Filter, GetContactRequest, GetSettingsRequest, ImportRecordsRequest, ImportRecordsResponse,
    KeepFilterRequest, ListNodesRequest, ListPersonsRequest, MoveTimeRequest, RenewTokenRequest,
    SignInRequest, SignInVouchedRequest,
};
use stage::{person, request_id};
use tonic::{Code, Status};
use tonic_types::StatusExt;

const CALENDARS: [&str; 3] = [
    include_str!("../../../deploy/calendars/china.yaml"),
    include_str!("../../../deploy/calendars/dealer-shop.yaml"),
    include_str!("../../../deploy/calendars/call-centre.yaml"),
];

async fn import(
    office: &Office,
    actor: &Actor,
    request: ImportRecordsRequest,
) -> Result<ImportRecordsResponse, Status> {
    let request = ImportRecordsRequest { request_id: request_id(), ..request };
    let answer = office.client.clone().import_records(office.from(actor, request)).await?;
    assert!(answer.metadata().get("hotline-position").is_some());
    Ok(answer.into_inner())
}

fn sample() -> ImportRecordsRequest {
    let file = |name: &str| {
        let path = format!("{}/../../deploy/directory/{name}", env!("CARGO_MANIFEST_DIR"));
        directory::files::read(name, &std::fs::read(path).unwrap(), "SF").unwrap()
    };
    let (nodes, persons) = (file("nodes.csv").nodes, file("persons.csv").persons);
    ImportRecordsRequest { request_id: String::new(), nodes, persons }
}

async fn filled() -> Office {
    let office = Office::open().await;
    for source in CALENDARS {
        let request = ActivateCalendarRequest { request_id: request_id(), source: source.into() };
        office.client.clone().activate_calendar(office.from(&tool(), request)).await.unwrap();
    }
    let first = import(&office, &tool(), sample()).await.unwrap();
    assert_eq!((first.nodes, first.persons, first.unchanged, first.bad), (31, 160, 0, vec![]));
    office
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_over_the_wire() {
    let office = filled().await;
    the_same_list_again_changes_nothing(&office).await;
    bad_records_are_reported_in_their_place(&office).await;
    a_password_opens_the_door(&office).await;
    a_token_is_renewed_while_its_account_is_there(&office).await;
    five_wrong_passwords_close_it(&office).await;
    lists_are_filtered_and_masked(&office).await;
    contacts_need_a_reason_that_is_kept(&office).await;
    only_administrators_change_it(&office).await;
    a_playbook_is_refused_with_its_places(&office).await;
    a_session_that_was_ended_is_not_renewed(&office).await;
    filters_are_kept_for_each_person(&office).await;
    time_is_moved_and_never_back(&office).await;
}

/// Sealed anew and hashed anew, the same words are still the same.
async fn the_same_list_again_changes_nothing(office: &Office) {
    let again = import(office, &person("QH-ADM", "administrator", "QH"), sample()).await.unwrap();
    assert_eq!((again.nodes, again.persons, again.unchanged, again.bad), (0, 0, 191, vec![]));
    let stored: String =
        sqlx::query_scalar("select encode(string_agg(body, ''::bytea), 'escape') from person")
            .fetch_one(&office.pool)
            .await
            .unwrap();
    assert!(!stored.contains("14200000001") && !stored.contains("example.com"), "contacts are sealed");
}

async fn bad_records_are_reported_in_their_place(office: &Office) {
    let mut request = sample();
    request.nodes.truncate(2);
    request.persons.truncate(3);
    request.persons[0].phone = "98765".into();
    request.persons[1].deputy = "NOBODY".into();
    request.nodes[1].node.as_mut().unwrap().level = "planet".into();
    let answer = import(office, &tool(), request).await.unwrap();
    let bad: Vec<_> = answer.bad.iter().map(|b| (b.place.as_str(), b.field.as_str())).collect();
    assert_eq!(bad, [("nodes.csv:3", "level"), ("persons.csv:2", "phone"), ("persons.csv:3", "deputy")]);
    assert!(!format!("{:?}", answer.bad).contains("98765"));
    assert_eq!(answer.unchanged, 2);
}

async fn sign_in(office: &Office, person: &str, password: &str) -> Result<String, Status> {
    let request = SignInRequest { person: person.into(), password: password.into() };
    office.client.clone().sign_in(request).await.map(|answer| answer.into_inner().token)
}

async fn a_password_opens_the_door(office: &Office) {
    let token = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    let nodes =
        office.client.clone().list_nodes(office.with(&token, ListNodesRequest::default())).await.unwrap();
    assert_eq!(nodes.into_inner().nodes.len(), 31);
    let actor = office.ground.setup.verifier.check(&token).unwrap();
    assert!(actor.has_role("cr-manager") && actor.person() == Some("SF-E01-CRM"));
    for (person, password) in
        [("SF-E01-CRM", "wrong"), ("SF-E02-CRM", "hotline-demo"), ("NOBODY", "hotline-demo")]
    {
        let refused = sign_in(office, person, password).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{person}: wrong, without an account, unknown");
        assert_eq!(refused.message(), sign_in(office, "NOBODY-ELSE", "x").await.unwrap_err().message());
    }
    let unsigned = office.client.clone().list_nodes(ListNodesRequest::default()).await.unwrap_err();
    assert_eq!(unsigned.code(), Code::Unauthenticated);
}

async fn a_session_that_was_ended_is_not_renewed(office: &Office) {
    let renew = async |token: &str| {
        let asked = office.client.clone().renew_token(office.with(token, RenewTokenRequest {})).await;
        asked.map(|answer| answer.into_inner().token).map_err(|status| status.code())
    };
    let goes_on = async |token: &str| {
        office.client.clone().check_session(office.with(token, CheckSessionRequest {})).await.is_ok()
    };
    let end = async |token: &str, everywhere: bool| {
        let ask = EndSessionRequest { request_id: request_id(), everywhere };
        office.client.clone().end_session(office.with(token, ask)).await.unwrap();
    };
    let one = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    let two = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    let one_later = renew(&one).await.unwrap();
    end(&one, false).await;
    for token in [&one, &one_later] {
        assert!(!goes_on(token).await, "every token of the session has ended, copies too");
        assert_eq!(renew(token).await, Err(Code::Unauthenticated));
    }
    assert!(goes_on(&two).await && renew(&two).await.is_ok(), "another session goes on");
    let three = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    end(&three, true).await;
    assert!(!goes_on(&two).await && !goes_on(&three).await);
    let after = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    assert!(goes_on(&after).await, "who signs in again is in");
    let vouched = SignInVouchedRequest { person: "SF-E01-GM".into() };
    for token in [after, office.ground.setup.issuer.for_service("console").unwrap()] {
        let refused = office.client.clone().sign_in_vouched(office.with(&token, vouched.clone())).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "no provider is configured");
    }
}

async fn filters_are_kept_for_each_person(office: &Office) {
    let (crm, gm) = (person("SF-E01-CRM", "cr-manager", "SF-E01"), person("SF-E01-GM", "gm", "SF-E01"));
    let token = |actor: &Actor| office.ground.setup.issuer.issue(actor, 60).unwrap();
    let keep = async |actor: &Actor, name: &str, query: &str| {
        let filter = Some(Filter { name: name.into(), query: query.into() });
        let ask = KeepFilterRequest { request_id: request_id(), filter };
        office.client.clone().keep_filter(office.with(&token(actor), ask)).await.map_err(|s| s.code())
    };
    let mine = async |actor: &Actor| {
        let asked =
            office.client.clone().get_settings(office.with(&token(actor), GetSettingsRequest {})).await;
        let filters = asked.unwrap().into_inner().filters;
        filters.into_iter().map(|one| (one.name, one.query)).collect::<Vec<_>>()
    };
    keep(&crm, "本周重大", "severity=major").await.unwrap();
    keep(&crm, "本周重大", "severity=major&branch=SF-E01").await.unwrap();
    assert_eq!(mine(&crm).await, [("本周重大".to_owned(), "severity=major&branch=SF-E01".to_owned())]);
    assert!(mine(&gm).await.is_empty(), "each has his own");
    for bad in ["", "x\ny", &"长".repeat(41)] {
        assert_eq!(keep(&crm, bad, "state=open").await.map(|_| ()), Err(Code::InvalidArgument), "{bad}");
    }
    for n in 1..20 {
        keep(&crm, &n.to_string(), "state=open").await.unwrap();
    }
    assert!(keep(&crm, "one too many", "state=open").await.is_err());
    keep(&crm, "本周重大", "").await.unwrap();
    assert_eq!(mine(&crm).await.len(), 19);
    let stored: String =
        sqlx::query_scalar("select encode(string_agg(body, ''::bytea), 'escape') from settings")
            .fetch_one(&office.pool)
            .await
            .unwrap();
    assert!(!stored.contains("重大"), "names are people's words, and sealed");
}

async fn a_token_is_renewed_while_its_account_is_there(office: &Office) {
    let renew = async |token: &str| {
        let asked = office.client.clone().renew_token(office.with(token, RenewTokenRequest {})).await;
        asked.map(|answer| answer.into_inner())
    };
    let token = sign_in(office, "SF-E01-CRM", "hotline-demo").await.unwrap();
    let renewed = renew(&token).await.unwrap();
    assert!(renewed.expires_at > 0);
    let actor = office.ground.setup.verifier.check(&renewed.token).unwrap();
    assert!(actor.has_role("cr-manager") && actor.person() == Some("SF-E01-CRM"));
    for other in [person("SF-E02-CRM", "cr-manager", "SF-E02"), tool()] {
        let token = office.ground.setup.issuer.issue(&other, 60).unwrap();
        let refused = renew(&token).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "without an account: {other:?}");
    }
}

async fn five_wrong_passwords_close_it(office: &Office) {
    for _ in 0..5 {
        assert_eq!(sign_in(office, "QH-CEO", "wrong").await.unwrap_err().code(), Code::Unauthenticated);
    }
    let locked = sign_in(office, "QH-CEO", "hotline-demo").await.unwrap_err();
    assert_eq!(locked.code(), Code::ResourceExhausted);
    assert!(locked.get_details_retry_info().is_some());
    assert!(sign_in(office, "QH-VP", "hotline-demo").await.is_ok(), "others are not concerned");
}

async fn lists_are_filtered_and_masked(office: &Office) {
    let clerk = person("SF-E01-RC", "receptionist", "SF-E01");
    let request = ListNodesRequest { level: "branch".into(), after: "SF-E04".into(), limit: 3 };
    let nodes =
        office.client.clone().list_nodes(office.from(&clerk, request)).await.unwrap().into_inner().nodes;
    let codes: Vec<_> = nodes.iter().map(|n| n.code.as_str()).collect();
    assert_eq!(codes, ["SF-E05", "SF-E06", "SF-N01"]);
    let unknown = ListNodesRequest { level: "planet".into(), ..Default::default() };
    let refused = office.client.clone().list_nodes(office.from(&clerk, unknown)).await.unwrap_err();
    assert_eq!(refused.get_details_bad_request().unwrap().field_violations[0].field, "level");

    let listed = async |node: &str, role: &str| {
        let request = ListPersonsRequest { node: node.into(), role: role.into(), ..Default::default() };
        office.client.clone().list_persons(office.from(&clerk, request)).await.unwrap().into_inner().persons
    };
    assert_eq!(listed("SF-E01", "").await.len(), 6);
    let managers = listed("", "gm").await;
    assert_eq!(managers.len(), 24);
    let after = managers[9].person.as_ref().unwrap().code.clone();
    let page = ListPersonsRequest { role: "gm".into(), after, limit: 3, ..Default::default() };
    let page = office.client.clone().list_persons(office.from(&clerk, page)).await.unwrap().into_inner();
    assert_eq!(page.persons, managers[10..13]);
    let team = listed("NP-S03", "crisis-team").await;
    assert_eq!(team.len(), 3);
    assert!(team.iter().all(|entry| entry.name.contains('*')), "{team:?}");
}

async fn contacts_need_a_reason_that_is_kept(office: &Office) {
    let ask = async |actor: &Actor, person: &str, reason: &str| {
        let request = GetContactRequest { person: person.into(), reason: reason.into() };
        office.client.clone().get_contact(office.from(actor, request)).await.map(tonic::Response::into_inner)
    };
    let agent = person("QH-CC1", "call-centre-agent", "QH");
    assert_eq!(ask(&agent, "SF-E01-GM", " ").await.unwrap_err().code(), Code::InvalidArgument);
    let contact = ask(&agent, "SF-E01-GM", "the customer waits at the door").await.unwrap();
    assert_eq!(contact.mail, "sf-e01-gm@example.com");
    assert!(contact.phone.starts_with("142") && !contact.name.contains('*'));
    let service = chassis::identity::service_actor("notify");
    assert!(ask(&service, "SF-E01-GM", "").await.is_ok(), "services tell people in the course of their work");
    assert_eq!(ask(&agent, "NOBODY", "x").await.unwrap_err().code(), Code::NotFound);
    let kept: Vec<(String, String)> =
        sqlx::query_as("select distinct actor, purpose from vault_opening order by 1")
            .fetch_all(&office.pool)
            .await
            .unwrap();
    assert_eq!(
        kept,
        [
            ("person:QH-CC1".to_owned(), "the customer waits at the door".to_owned()),
            ("system:notify".to_owned(), "telling".to_owned()),
        ]
    );
}

async fn only_administrators_change_it(office: &Office) {
    for actor in [
        person("P", "gm", "QH"),
        person("P", "administrator", "SF"),
        chassis::identity::service_actor("notify"),
    ] {
        let refused = import(office, &actor, ImportRecordsRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{actor:?}");
    }
}

async fn a_playbook_is_refused_with_its_places(office: &Office) {
    let activate = async |text: &str| {
        let files = vec![DocumentFile { path: "small.yaml".into(), text: text.into() }];
        let request = ActivatePlaybookRequest { request_id: request_id(), files };
        office.client.clone().activate_playbook(office.from(&tool(), request)).await
    };
    let small = include_str!("../core/tests/small.yaml");
    let refused = activate(&small.replace("receiver: manager", "receiver: manger")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    assert!(violations.iter().any(|v| v.field.starts_with("small.yaml:")), "{violations:?}");
    let active = activate(small).await.unwrap().into_inner();
    assert_eq!((active.id.as_str(), active.version), ("small", 1));
}

async fn time_is_moved_and_never_back(office: &Office) {
    let day = 24 * proto::Time::HOUR;
    let now: i64 = sqlx::query_scalar("select (extract(epoch from clock_timestamp()) * 1000000)::int8")
        .fetch_one(&office.pool)
        .await
        .unwrap();
    let to = async |business_at: i64| {
        let request =
            MoveTimeRequest { request_id: request_id(), mode: "manual".into(), business_at, factor_milli: 0 };
        office.client.clone().move_time(office.from(&tool(), request)).await
    };
    to(now + day).await.unwrap();
    let back = to(now + day / 2).await.unwrap_err();
    assert_eq!(back.code(), Code::FailedPrecondition);
    assert_eq!(back.get_details_error_info().unwrap().reason, "backwards");
    to(now + 2 * day).await.unwrap();
}
