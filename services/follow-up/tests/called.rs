//! The contract on the wire: what is due, an attempt, a call, and what people see of it.

mod town;

use proto::{dispatch::v1 as work, follow_up::v1 as contract, intake::v1 as register};
use stage::{request_id, wait_for};
use tonic::Code;
use town::{Town, support::House};

const AGENT: (&str, &str, &str) = ("agent", "call-centre-agent", "G");

/// The one call that is due at some time, as an agent is shown it.
async fn due(town: &Town) -> contract::FollowUp {
    wait_for("a call to be due", async || {
        let until_at = i64::MAX / 4;
        let ask = contract::ListDueRequest { until_at, ..Default::default() };
        let answer = town.door().await?.list_due(town.by(AGENT.0, AGENT.1, AGENT.2, ask)).await.ok()?;
        answer.into_inner().follow_ups.pop()
    })
    .await
}

async fn record(
    town: &Town,
    who: (&str, &str, &str),
    ask: &contract::RecordCallRequest,
) -> Result<contract::RecordCallResponse, tonic::Status> {
    let request = town.by(who.0, who.1, who.2, ask.clone());
    town.door().await.unwrap().record_call(request).await.map(tonic::Response::into_inner)
}

async fn seen(town: &Town, who: (&str, &str, &str), reason: &str) -> Result<Vec<contract::FollowUp>, Code> {
    let ask =
        contract::GetFollowUpsRequest { ticket_id: town.ticket.to_string(), reveal_reason: reason.into() };
    let answer = town.door().await.unwrap().get_follow_ups(town.by(who.0, who.1, who.2, ask)).await;
    answer.map(|answer| answer.into_inner().follow_ups).map_err(|status| status.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_called_back_over_the_wire() {
    let town = Town::new().await;
    let mut house = House::new("complaint");
    house.ticket = town.ticket;
    let ticket = Some(house.ticket_ref());
    let barred = vec!["other-agent".to_owned()];
    let opened = register::TicketOpened {
        ticket: ticket.clone(),
        severity: "general".into(),
        barred,
        ..Default::default()
    };
    town.say(opened.into()).await;
    town.say(work::WorkStepDone { ticket, step: "feedback".into(), ..Default::default() }.into()).await;

    let call = due(&town).await;
    assert_eq!((call.rule.as_str(), call.state.as_str()), ("call_back", "scheduled"));
    let ask = contract::RecordCallRequest {
        request_id: request_id(),
        ticket_id: town.ticket.to_string(),
        cycle: 1,
        follow_up_id: call.follow_up_id.clone(),
        text: "客户说很满意。".into(),
        answers: [("satisfied".to_owned(), "2".to_owned())].into(),
    };
    refusals(&town, &ask).await;
    attempt(&town, &ask).await;

    let first = record(&town, AGENT, &ask).await.unwrap();
    assert_eq!((first.unhappy, first.consequence.as_str()), (true, "reopen"));
    assert!(first.position.is_some());
    assert_eq!(record(&town, AGENT, &ask).await.unwrap(), first, "the same request, the same answer");
    let other = contract::RecordCallRequest { text: "anders".into(), ..ask.clone() };
    assert_eq!(record(&town, AGENT, &other).await.unwrap_err().code(), Code::AlreadyExists);
    let again = contract::RecordCallRequest { request_id: request_id(), ..ask };
    assert_eq!(record(&town, AGENT, &again).await.unwrap_err().code(), Code::FailedPrecondition);
    reading_is_guarded(&town).await;
}

async fn refusals(town: &Town, ask: &contract::RecordCallRequest) {
    let with = |change: fn(&mut contract::RecordCallRequest)| {
        let mut ask = contract::RecordCallRequest { request_id: request_id(), ..ask.clone() };
        change(&mut ask);
        ask
    };
    let code = async |who, ask| record(town, who, &ask).await.unwrap_err().code();
    assert_eq!(code(AGENT, with(|ask| ask.cycle = 0)).await, Code::InvalidArgument);
    assert_eq!(
        code(AGENT, with(|ask| ask.answers.clear())).await,
        Code::InvalidArgument,
        "an answer is required"
    );
    assert_eq!(code(AGENT, with(|ask| ask.ticket_id = "7".into())).await, Code::InvalidArgument);
    assert_eq!(code(AGENT, with(|ask| ask.follow_up_id = ask.ticket_id.clone())).await, Code::NotFound);
    let barred = ("other-agent", AGENT.1, AGENT.2);
    assert_eq!(code(barred, with(|_| {})).await, Code::PermissionDenied, "DG-03");
    assert_eq!(code(("gm", "gm", "B1"), with(|_| {})).await, Code::PermissionDenied, "not his role");
}

/// An attempt outside of working hours counts for nothing and inside for one; either is on record.
async fn attempt(town: &Town, ask: &contract::RecordCallRequest) {
    let attempt = contract::RecordAttemptRequest {
        request_id: request_id(),
        ticket_id: ask.ticket_id.clone(),
        cycle: 1,
        follow_up_id: ask.follow_up_id.clone(),
        outcome: "busy".into(),
        text: String::new(),
    };
    let bad = contract::RecordAttemptRequest { outcome: "reached".into(), ..attempt.clone() };
    let mut door = town.door().await.unwrap();
    let refused = door.record_attempt(town.by(AGENT.0, AGENT.1, AGENT.2, bad)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let done = door.record_attempt(town.by(AGENT.0, AGENT.1, AGENT.2, attempt)).await.unwrap().into_inner();
    assert!(done.next_at > 0, "it is tried again");
}

/// Words are masked without a reason, and opened for roles that the playbook names.
async fn reading_is_guarded(town: &Town) {
    let masked = seen(town, AGENT, "").await.unwrap();
    assert_eq!((masked[0].state.as_str(), masked[0].text.as_str()), ("recorded", "[7]"));
    let outcomes: Vec<&str> = masked[0].attempts.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["busy", "reached"]);
    let opened = seen(town, ("gm", "gm", "B1"), "the customer asks").await.unwrap();
    assert_eq!(opened[0].text, "客户说很满意。");
    assert_eq!(seen(town, AGENT, "curious").await, Err(Code::PermissionDenied), "not a role that reveals");
    assert_eq!(seen(town, ("x", "gm", "B2"), "").await, Err(Code::PermissionDenied), "another branch");
    let barred = ("other-agent", AGENT.1, AGENT.2);
    assert_eq!(seen(town, barred, "").await, Err(Code::PermissionDenied), "DG-03");
}
