//! A new version of a rule book: what it would change for running cases is shown first, and moving them is a decision
//! on record.

use hotline::{
    activate_command::{Looked, Previews, move_running},
    directory_command,
};
use proto::{
    AnyEvent, Time,
    common::v1::{MoveTarget, PlaybookFile},
};
use tests::{Case, System, forms};
use tonic::Code;

const FIRST: &str = include_str!("../../deploy/playbooks/dealer-group/playbook.yaml");

/// The group's own rule book as its second version, with three quarters of an hour to take over.
fn second() -> String {
    let (head, rest) = FIRST.split_once("  hand_off_limit:").expect("the parameter stands in it");
    let changed = rest.replacen("limit: 30m", "limit: 45m", 1);
    assert_ne!(changed, rest);
    format!("{head}  hand_off_limit:{changed}").replacen("version: 1", "version: 2", 1)
}

fn candidate() -> MoveTarget {
    let file = PlaybookFile { path: "playbook.yaml".to_owned(), text: second() };
    MoveTarget { playbook: "dealer-group".to_owned(), version: 0, candidate: vec![file] }
}

async fn looked(system: &System, target: MoveTarget, case: &Case<'_>) -> Option<Looked> {
    let mut previews =
        Previews::new(&system.connection, target, 0, None).await.expect("the command line may look");
    let mut found = None;
    while let Some(page) = previews.next().await.expect("every owner answers") {
        found = found.or(page.into_iter().find(|looked| looked.reference.ticket_id == case.id));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_version_would_change_is_shown_and_then_done() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let running = case.until_clock("hand_off", "running").await;
    assert_eq!(running.due_at - running.started_at, 30 * Time::MINUTE);

    // Before it is in force.
    let seen = looked(&system, candidate(), &case).await.expect("the case is running");
    assert!(!seen.is_blocked(), "{seen:?}");
    let [change] = seen.changes.as_slice() else { panic!("one clock, not {:?}", seen.changes) };
    assert_eq!(
        (change.kind.as_str(), change.subject.as_str(), change.change.as_str()),
        ("clock", "hand_off", "moved")
    );
    assert_eq!((change.old_at, change.new_at), (running.due_at, running.due_at + 15 * Time::MINUTE));
    let agent = system.connection.intake(&system.actor("QH-CC1"));
    let asked = proto::intake::v1::PreviewMoveRequest { target: Some(candidate()), ..Default::default() };
    let refused = agent.clone().preview_move(asked).await.expect_err("not an agent's to look at");
    assert_eq!(refused.code(), Code::PermissionDenied);

    // Activating it moves nobody.
    let texts = [("playbook.yaml".to_owned(), second())];
    directory_command::activate_texts(&system.connection, &texts).await.expect("it is activated");
    assert_eq!(case.until_clock("hand_off", "running").await.due_at, running.due_at);

    let target = MoveTarget { version: 2, candidate: Vec::new(), ..candidate() };
    let mut previews =
        Previews::new(&system.connection, target.clone(), 0, None).await.expect("the command line may");
    let moved = move_running(&mut previews, 2, "new_rules").await.expect("the running case is moved");
    assert_eq!((moved.moved, moved.stay), (1, 0));
    tests::settled(
        "the clock has the new limit",
        async || case.clocks().await,
        |clocks| clocks.iter().any(|clock| clock.clock == "hand_off" && clock.due_at == change.new_at),
    )
    .await;
    assert!(looked(&system, target, &case).await.is_none(), "a second run finds nothing left to move");

    let events = system.events().await;
    let moves: Vec<_> = events
        .iter()
        .filter_map(|said| match &said.event {
            AnyEvent::TicketMoved(moved) => {
                Some((moved.from_version, moved.version(), moved.reason.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(moves, [(1, 2, "new_rules")]);
    case.acknowledge(&case.at_branch("CRM")).await.expect("work goes on under the second version");
    case.until_clock("hand_off", "met").await;
    system.must_be_whole().await;
    system.stop().await;
}
