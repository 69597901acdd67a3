//! Messages to the customer: his number is asked for when one goes out, and who wants none gets none.

use hotline::{client::request_id, directory_command};
use proto::intake::v1::{GetCustomerAddressRequest, SetCustomerMessagesRequest};
use tests::{Case, System, forms, settled, wait_for};
use tonic::Code;

const FIRST: &str = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");

/// The group's own rule book, which tells the customer that his complaint is in.
fn second() -> String {
    let tell = "\ntells:\n  received:\n    on: ticket.opened\n    to: customer\n    channel: sms\n    template: { zh: '您的投诉 {number} 已受理。', en: 'Your complaint {number} was received.' }\n";
    let changed = FIRST.replacen("\ntells:\n", tell, 1);
    assert_ne!(changed, FIRST);
    changed.replacen("version: 1", "version: 2", 1)
}

/// Address and words of everything sent by SMS.
fn outbox(system: &System) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(system.config.state_dir.join("outbox/sms.jsonl")).unwrap_or_default();
    let lines =
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line of JSON"));
    let field = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    lines.map(|line| (field(&line, "to"), field(&line, "text"))).collect()
}

/// Cases are opened under the newest version as soon as intake has read it.
async fn in_force(system: &System) {
    let target =
        proto::common::v1::MoveTarget { playbook: "dealer-group".into(), version: 2, candidate: Vec::new() };
    let ask = proto::intake::v1::PreviewMoveRequest { target: Some(target), ..Default::default() };
    wait_for("intake knows the second version", async || {
        system.connection.intake(&system.system()).preview_move(ask.clone()).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_customer_hears_of_it_unless_he_wants_no_messages() {
    let system = System::start().await;
    let texts = [("playbook.yaml".to_owned(), second())];
    directory_command::activate_texts(&system.connection, &texts).await.expect("it is activated");
    in_force(&system).await;

    let case = Case::open(&system, forms::complaint()).await;
    case.until_told("received", "customer").await;
    let number = case.number.clone();
    let to_him: Vec<_> = outbox(&system).into_iter().filter(|(_, text)| text.contains("已受理")).collect();
    assert_eq!(to_him.len(), 1, "once");
    assert!(to_him[0].0.starts_with("+86") && to_him[0].1.contains(&number), "{to_him:?}");

    // Nobody else is told the number, not even an agent: he has his own way, with his own reason.
    let customer = case.ticket().await.customer_id;
    let ask = GetCustomerAddressRequest { customer_id: customer.clone(), reason: "curious".into() };
    let refused = tests::desk::register(&system).get_customer_address(ask).await.expect_err("not his");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let phone = to_him[0].0.trim_start_matches("+86").to_owned();
    let said = system.events().await;
    let leaks = said.iter().filter(|event| format!("{:?}", event.event).contains(&phone)).count();
    assert_eq!(leaks, 0, "the number stands in no event");

    let no_more =
        SetCustomerMessagesRequest { request_id: request_id(), customer_id: customer, wanted: false };
    tests::desk::register(&system).set_customer_messages(no_more).await.expect("he says so on the phone");
    let again = Case::open(&system, forms::complaint()).await;
    let notices = settled(
        "the message is not sent",
        async || again.notices().await,
        |notices| notices.iter().any(|notice| notice.recipient == "customer" && notice.state == "failed"),
    )
    .await;
    let failed = notices.into_iter().find(|notice| notice.recipient == "customer").expect("it was found");
    assert_eq!(failed.reason, "not-wanted");
    assert_eq!(
        outbox(&system).into_iter().filter(|(to, _)| to.ends_with(&phone)).count(),
        1,
        "no second one"
    );
    system.must_be_whole().await;
    system.stop().await;
}
