//! From events of other services to boards, figures and documents, over gRPC.

mod office;

use office::{
    Office,
    week::{RULES, case, hour},
};
use proto::{
    AnyEvent,
    common::v1::Position,
    directory::v1::{DirectoryChanged, DocumentFile, Node, PlaybookActivated},
    reporting::v1::{
        GetFiguresRequest, GetLagRequest, GetRowRequest, IssueReportRequest, IssueReportResponse,
        ListTicketsRequest, Row,
    },
};
use stage::{request_id, wait_for};
use tonic::{Code, Status};

/// Far enough ahead that nothing runs out while the test runs.
fn due(days: i64) -> proto::Time {
    hour(24 * 3650).plus(days * 24 * proto::Time::HOUR)
}

async fn filled() -> Office {
    let office = Office::open().await;
    let node = |code: &str, parent: &str, level: &str, name: &str| Node {
        code: code.into(),
        parent: parent.into(),
        level: level.into(),
        name: name.into(),
        ..Default::default()
    };
    let nodes = vec![
        node("G", "", "group", "集团"),
        node("B1", "G", "branch", "城东店"),
        node("B2", "G", "branch", "=城西店"),
    ];
    office.say(DirectoryChanged { nodes, ..Default::default() }.into()).await;
    let files = vec![DocumentFile { path: "complaints.yaml".into(), text: RULES.into() }];
    office.say(PlaybookActivated { id: "complaints".into(), version: 3, files }.into()).await;
    let mut last = Vec::new();
    // Three open cases with their deadlines, one closed, one without a deadline.
    for (number, branch, days) in [(1, "B1", 3), (2, "B2", 1), (3, "B1", 2)] {
        let c = case(number, branch);
        office.say(c.opened("service", "general", hour(number.into())).0).await;
        last.push(office.say(c.started(due(days), hour(number.into())).0).await);
    }
    let closed = case(4, "B1");
    office.say(closed.opened("product", "major", hour(4)).0).await;
    last.push(office.say(closed.closed(hour(9)).0).await);
    last.push(office.say(case(5, "B1").opened("service", "general", hour(5)).0).await);
    for at in last {
        let request = GetRowRequest { ticket_id: case(1, "B1").id.to_string(), after: Some(at.into()) };
        wait_for("the model", async || {
            let answer = office.client.clone().get_row(office.from("P1", "G", request.clone())).await.ok()?;
            (!answer.into_inner().behind).then_some(())
        })
        .await;
    }
    office
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reporting_over_the_wire() {
    let office = filled().await;
    boards_run_by_deadline_page_by_page(&office).await;
    boards_show_what_the_reader_may_see(&office).await;
    a_reader_sees_his_own_write(&office).await;
    figures_are_those_of_the_scope(&office).await;
    a_report_is_issued_once_and_the_same(&office).await;
    the_lag_names_every_source(&office).await;
}

async fn list(
    office: &Office,
    person: &str,
    node: &str,
    wanted: ListTicketsRequest,
) -> Result<(Vec<Row>, String), Status> {
    let answer = office.client.clone().list_tickets(office.from(person, node, wanted)).await?.into_inner();
    Ok((answer.rows, answer.next_cursor))
}

fn numbers(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.ticket.as_ref().unwrap().number.clone()).collect()
}

async fn boards_run_by_deadline_page_by_page(office: &Office) {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let wanted = ListTicketsRequest { limit: 2, after_cursor: cursor, ..Default::default() };
        let (rows, next) = list(office, "P1", "G", wanted).await.unwrap();
        pages.push(numbers(&rows));
        cursor = next;
        if cursor.is_empty() {
            break;
        }
    }
    let all: Vec<String> = pages.concat();
    assert_eq!(all[..3], ["T002", "T003", "T001"], "soonest first: {pages:?}");
    let mut rest = all[3..].to_vec();
    rest.sort();
    assert_eq!(rest, ["T004", "T005"], "then those without a deadline");
    let (open, _) =
        list(office, "P1", "G", ListTicketsRequest { state: "open".into(), ..Default::default() })
            .await
            .unwrap();
    assert_eq!(numbers(&open), ["T002", "T003", "T001", "T005"]);
    assert_eq!((open[0].next_clock.as_str(), open[0].next_due_at), ("feedback", due(1).0));
    let major = ListTicketsRequest {
        state: "closed".into(),
        severity: "major".into(),
        case_type: "complaint".into(),
        ..Default::default()
    };
    let (closed, _) = list(office, "P1", "G", major).await.unwrap();
    assert_eq!((numbers(&closed), closed[0].closed_at), (vec!["T004".to_owned()], hour(9).0));
    let nobody = ListTicketsRequest { holder: "NOBODY".into(), ..Default::default() };
    assert!(list(office, "P1", "G", nobody).await.unwrap().0.is_empty(), "he holds nothing");
    let bad = ListTicketsRequest { after_cursor: "nonsense".into(), ..Default::default() };
    assert_eq!(list(office, "P1", "G", bad).await.unwrap_err().code(), Code::InvalidArgument);
}

async fn boards_show_what_the_reader_may_see(office: &Office) {
    let (b2, _) = list(office, "P1", "B2", ListTicketsRequest::default()).await.unwrap();
    assert_eq!(numbers(&b2), ["T002"]);
    let other = ListTicketsRequest { branch: "B1".into(), ..Default::default() };
    assert_eq!(list(office, "P1", "B2", other.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(list(office, "P1", "G", other).await.unwrap().0.len(), 4);
    let (barred, _) = list(office, "P9", "G", ListTicketsRequest::default()).await.unwrap();
    assert_eq!(numbers(&barred), Vec::<String>::new(), "P9 is the one complained about (DG-03)");
    let row = async |person: &str, node: &str| {
        let request = GetRowRequest { ticket_id: case(1, "B1").id.to_string(), after: None };
        office.client.clone().get_row(office.from(person, node, request)).await
    };
    assert!(row("P1", "B1").await.is_ok());
    for (person, node) in [("P1", "B2"), ("P9", "G")] {
        assert_eq!(row(person, node).await.unwrap_err().code(), Code::NotFound, "{person} at {node}");
    }
}

async fn a_reader_sees_his_own_write(office: &Office) {
    let c = case(6, "B2");
    let at = office.say(c.opened("service", "general", hour(6)).0).await;
    let request = GetRowRequest { ticket_id: c.id.to_string(), after: Some(at.into()) };
    let seen = wait_for("the row", async || {
        office.client.clone().get_row(office.from("P1", "G", request.clone())).await.ok()
    })
    .await;
    assert!(!seen.into_inner().behind);
    let ahead = Position { seq: at.seq + 1000, ..at.into() };
    let request = GetRowRequest { ticket_id: c.id.to_string(), after: Some(ahead) };
    let behind = office.client.clone().get_row(office.from("P1", "G", request)).await.unwrap();
    assert!(behind.into_inner().behind, "what was never written cannot be waited for");
    let nonsense = Position { service: "nobody".into(), ..ahead_of_nothing() };
    let request = GetRowRequest { ticket_id: c.id.to_string(), after: Some(nonsense) };
    let refused = office.client.clone().get_row(office.from("P1", "G", request)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

fn ahead_of_nothing() -> Position {
    Position { service: String::new(), shard: 0, epoch: 1, seq: 1 }
}

async fn figures_are_those_of_the_scope(office: &Office) {
    let opened = async |node: &str, branch: &str| {
        let request = GetFiguresRequest {
            playbook: String::new(),
            period: "weekly".into(),
            at: hour(1).0,
            branch: branch.into(),
            ..Default::default()
        };
        let answer = office.client.clone().get_figures(office.from("P1", node, request)).await?.into_inner();
        assert_eq!(
            (answer.period.as_str(), answer.from_at, answer.to_at),
            ("2026-W10", hour(0).0, hour(168).0)
        );
        let all = answer.figures.iter().find(|f| f.figure == "opened" && f.by == "all").unwrap().clone();
        Ok::<_, Status>((all.value, all.unit))
    };
    assert_eq!(opened("G", "").await.unwrap(), (6, "count".to_owned()));
    assert_eq!(opened("G", "B2").await.unwrap().0, 2);
    assert_eq!(opened("B2", "").await.unwrap().0, 2);
    assert_eq!(opened("B2", "B1").await.unwrap_err().code(), Code::PermissionDenied);
    let unknown = GetFiguresRequest { period: "yearly".into(), ..Default::default() };
    let refused = office.client.clone().get_figures(office.from("P1", "G", unknown)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn issue(office: &Office, request: &IssueReportRequest) -> Result<IssueReportResponse, Status> {
    office
        .client
        .clone()
        .issue_report(office.from("P1", "G", request.clone()))
        .await
        .map(tonic::Response::into_inner)
}

async fn a_report_is_issued_once_and_the_same(office: &Office) {
    let request = IssueReportRequest {
        request_id: request_id(),
        playbook: "complaints".into(),
        period: "weekly".into(),
        at: hour(1).0,
        format: "csv".into(),
        language: "zh-CN".into(),
    };
    let first = issue(office, &request).await.unwrap();
    let text = String::from_utf8(first.document.clone()).unwrap();
    assert!(text.contains("受理,全部,,6,6,,") && text.contains("'=城西店"), "{text}");
    assert_eq!(first.file_name, "2026-W10-complaints.csv");
    assert_eq!(issue(office, &request).await.unwrap(), first, "the same request, the same bytes");
    let at = first.position.clone().expect("an accepted command says where it stands");
    assert_eq!((at.service.as_str(), at.seq > 0), ("reporting", true), "{at:?}");
    let again = IssueReportRequest { request_id: request_id(), ..request.clone() };
    let again = issue(office, &again).await.unwrap();
    assert_eq!(
        (&again.document, &again.digest),
        (&first.document, &first.digest),
        "the same rows, the same bytes (P7)"
    );
    let table = IssueReportRequest { request_id: request_id(), format: "table".into(), ..request.clone() };
    let table = issue(office, &table).await.unwrap();
    assert_eq!((table.file_name.as_str(), &table.digest), ("2026-W10-complaints.txt", &first.digest));
    let issued: Vec<(String, String)> =
        sqlx::query_as("select report, digest from issued").fetch_all(&office.pool).await.unwrap();
    assert_eq!(issued, [("complaints.weekly".to_owned(), first.digest.clone())], "on record once");

    // The case is judged anew: the old request must not hand out other figures.
    let c = case(1, "B1");
    let AnyEvent::TicketReclassified(event) = c.reclassified("major", hour(7)).0 else { unreachable!() };
    let at = office.say(event.into()).await;
    wait_for("the change", async || {
        let request = GetRowRequest { ticket_id: c.id.to_string(), after: Some(at.into()) };
        let row = office.client.clone().get_row(office.from("P1", "G", request)).await.ok()?.into_inner();
        (!row.behind).then_some(())
    })
    .await;
    assert_eq!(issue(office, &request).await.unwrap_err().code(), Code::Aborted);
    let bad = IssueReportRequest { request_id: request_id(), format: "pdf".into(), ..request };
    assert_eq!(issue(office, &bad).await.unwrap_err().code(), Code::InvalidArgument);
}

async fn the_lag_names_every_source(office: &Office) {
    let answer = office.client.clone().get_lag(office.from("P1", "G", GetLagRequest {})).await.unwrap();
    let lags = answer.into_inner().lags;
    let intake: Vec<_> = lags.iter().filter(|lag| lag.service == "intake" && lag.head_seq > 0).collect();
    assert!(!intake.is_empty() && intake.iter().all(|lag| lag.read_seq <= lag.head_seq), "{lags:?}");
}
