//! A complaint from the first call to its close (P4, P6).

use proto::{AnyEvent, intake::v1::CloseTicketRequest, reporting::v1::GetFiguresRequest};
use tests::{Case, System, desk::AGENT, forms, settled};
use tonic::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_lives_to_its_close() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    assert_eq!((case.severity.as_str(), case.reasons.len()), ("general", 0));
    it_reads_back_masked(&system, &case).await;
    it_cannot_be_closed_before_its_time(&system, &case).await;

    let closed = case.lived_to_its_end().await;
    assert!(
        closed.answered && closed.resolved && closed.told && closed.work_sealed && closed.follow_up_sealed
    );
    assert!(closed.closed_at >= closed.opened_at && closed.opened_at > 0);
    assert_eq!(closed.r#ref.expect("its reference").cycle, 1);

    clocks_are_met(&case).await;
    the_board_shows_it(&system, &case).await;
    the_stream_tells_it_once_and_without_names(&system, &case).await;
    system.must_be_whole().await;
    system.stop().await;
}

async fn it_reads_back_masked(system: &System, case: &Case<'_>) {
    let manager = system.actor(&case.at_branch("CRM"));
    let masked = case.ticket_as(&manager, "").await.expect("the branch sees its case");
    assert_eq!(masked.state, "open");
    assert!(masked.personal.contains_key("customer_name"), "{:?}", masked.personal);
    for clear in [forms::NAME, forms::PHONE, forms::PLATE, forms::WORDS] {
        assert!(masked.personal.values().all(|shown| shown != clear), "{clear} is shown");
    }
    let clear = case.ticket_as(&manager, "回电核实").await.expect("he has a reason");
    assert_eq!(clear.personal["customer_name"], forms::NAME);
    assert_eq!(clear.personal["content"], forms::WORDS);
    let elsewhere = case.ticket_as(&system.actor("NP-S01-CRM"), "").await;
    assert_eq!(elsewhere.expect_err("another branch's").code(), Code::PermissionDenied);
}

async fn it_cannot_be_closed_before_its_time(system: &System, case: &Case<'_>) {
    let request = CloseTicketRequest {
        request_id: hotline::client::request_id(),
        ticket_id: case.id.clone(),
        outcome: "settled".to_owned(),
    };
    let refused = system.connection.intake(&system.actor(AGENT)).close_ticket(request).await;
    assert_eq!(refused.expect_err("nothing is done yet").code(), Code::FailedPrecondition);
    assert_eq!(case.ticket().await.state, "open");
}

async fn clocks_are_met(case: &Case<'_>) {
    for clock in [
        "hand_off",
        "judge_due",
        "propose_1d",
        "approval_stage",
        "tell_customer_due",
        "feedback_24h",
        "overall",
    ] {
        let met = case.until_clock(clock, "met").await;
        assert!(met.rungs.is_empty(), "{clock} climbed its ladder though it was in time");
    }
}

async fn the_board_shows_it(system: &System, case: &Case<'_>) {
    let row = settled(
        "the board shows the case as closed",
        async || case.row().await.unwrap_or_default(),
        |row| row.state == "closed" && !row.satisfaction.is_empty(),
    )
    .await;
    assert_eq!((row.breaches, row.rungs), (0, 0));
    assert_eq!(row.ticket.map(|named| named.number), Some(case.number.clone()));
    let ask = GetFiguresRequest {
        playbook: "dealer-group".to_owned(),
        period: "weekly".to_owned(),
        at: system.now().0,
        branch: String::new(),
        ..Default::default()
    };
    let figures = system.connection.reporting(&system.system()).get_figures(ask).await;
    let figures = figures.expect("the week's figures").into_inner().figures;
    for wanted in ["opened", "closed"] {
        let total: Vec<i64> = figures
            .iter()
            .filter(|figure| figure.figure == wanted && figure.by == "branch" && figure.key == case.branch)
            .map(|figure| figure.value)
            .collect();
        assert_eq!(total, [1], "{wanted}: {figures:#?}");
    }
}

async fn the_stream_tells_it_once_and_without_names(system: &System, case: &Case<'_>) {
    let count = |events: &[tests::heard::Event], wanted: fn(&AnyEvent) -> bool| {
        events.iter().filter(|event| event.concerns(&case.id) && wanted(&event.event)).count()
    };
    let events = settled(
        "the closing is on the stream",
        async || system.events().await,
        |events| count(events, |event| matches!(event, AnyEvent::TicketClosed(_))) > 0,
    )
    .await;
    assert_eq!(count(&events, |event| matches!(event, AnyEvent::TicketOpened(_))), 1);
    assert_eq!(count(&events, |event| matches!(event, AnyEvent::TicketClosed(_))), 1);
    assert_eq!(count(&events, |event| matches!(event, AnyEvent::WorkCompleted(_))), 1);
    for event in &events {
        let shown = format!("{event:?}");
        for clear in [forms::NAME, forms::PHONE, forms::PLATE, forms::WORDS] {
            assert!(!shown.contains(clear), "{clear} is on the stream: {shown}");
        }
    }
}
