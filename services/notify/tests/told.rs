//! From an event of another service to a line in the outbox, and what people see of it.

mod town;

use std::collections::BTreeMap;

use proto::{dispatch::v1 as work, intake::v1 as register, notify::v1::Notice};
use stage::wait_for;
use tonic::Code;
use town::{Town, mail, phone, support::House};

/// What became of each recipient: state, tries, reason.
fn fates(notices: &[Notice]) -> BTreeMap<String, (String, u32, String)> {
    notices.iter().map(|n| (n.recipient.clone(), (n.state.clone(), n.tries, n.reason.clone()))).collect()
}

fn fate(state: &str, tries: u32, reason: &str) -> (String, u32, String) {
    (state.to_owned(), tries, reason.to_owned())
}

/// Waits until no notice of the ticket is queued and there are as many as expected.
async fn settled(town: &Town, count: usize) -> Vec<Notice> {
    wait_for("the notices to end", async || {
        let notices = town.list("gm", "gm", "B1", "").await.ok()?;
        (notices.len() == count && notices.iter().all(|n| n.state != "queued")).then_some(notices)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_major_complaint_is_told_and_every_telling_is_on_record() {
    let town = Town::new().await;
    let say = &town.addresses;
    say.say("brand", mail("division@group.example"));
    say.say("law1", phone("+8613800000001"));
    // `law2` is nobody that the directory knows.
    say.say("svc", Err(Code::Unavailable));
    say.say("svc", phone("+8613800000002"));
    say.say("gm", phone("+8613800000003"));
    say.say("cr", phone("+8613800000004"));
    let mut house = House::new();
    house.ticket = town.ticket;
    let ticket = Some(house.ticket_ref());
    let opened = register::TicketOpened {
        ticket: ticket.clone(),
        category: "quality".into(),
        severity: "major".into(),
        barred: vec!["deputy".into()],
        ..Default::default()
    };
    town.say(opened.into()).await;
    town.say(work::WorkDispatched { ticket, assignee: "cr".into(), ..Default::default() }.into()).await;

    // Five of the opening, one of the hand-off, and two to the GM of what was lost.
    let notices = settled(&town, 8).await;
    let mut ends = fates(&notices);
    assert_eq!(ends.remove("brand"), Some(fate("sent", 1, "")));
    assert_eq!(ends.remove("law1"), Some(fate("failed", 1, "no-address")), "he has no mail address");
    assert_eq!(ends.remove("law2"), Some(fate("failed", 1, "no-person")));
    assert_eq!(ends.remove("svc"), Some(fate("sent", 1, "")), "a directory that was away is no failed try");
    assert_eq!(ends.remove("cr"), Some(fate("sent", 1, "")));
    assert_eq!(ends.remove("gm"), Some(fate("sent", 1, "")));
    assert_eq!(ends, BTreeMap::new());

    let mails = town.outbox("mail");
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].0, "division@group.example");
    assert!(mails[0].1.starts_with("重大投诉 05-00001-8："), "{}", mails[0].1);
    let mut phones: Vec<String> = town.outbox("sms").into_iter().map(|(to, _)| to).collect();
    phones.sort();
    assert_eq!(phones, ["+8613800000002", "+8613800000003", "+8613800000004"], "each once");
    assert_eq!(town.outbox("file").len(), 2, "the GM hears of both that were lost");

    reading_is_guarded(&town, &notices).await;
}

/// Words stay sealed without a reason, and are shown to roles that the playbook names.
async fn reading_is_guarded(town: &Town, masked: &[Notice]) {
    assert!(masked.iter().all(|n| n.text.is_empty()), "sealed without a reason");
    let opened = town.list("gm", "gm", "B1", "the customer asks").await.unwrap();
    assert!(opened.iter().filter(|n| n.state == "sent").all(|n| n.text.contains("05-00001-8")), "{opened:?}");
    let refused = town.list("svc", "service-manager", "B1", "curious").await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "not a role that reveals");
    assert_eq!(town.list("svc", "service-manager", "B1", "").await.unwrap().len(), masked.len());
    let elsewhere = town.list("x", "gm", "B2", "").await.unwrap_err();
    assert_eq!(elsewhere.code(), Code::PermissionDenied, "another branch");
    let barred = town.list("deputy", "gm", "B1", "").await.unwrap_err();
    assert_eq!(barred.code(), Code::PermissionDenied, "the person complained about (DG-03)");
}
