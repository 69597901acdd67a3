//! A branch that stays silent (P2).

use proto::{AnyEvent, Time};
use tests::{Case, System, forms, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_climbs_every_rung_once_up_to_the_general_manager() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let gm = case.at_branch("GM");
    case.until_clock("hand_off", "running").await;

    for (rung, minutes, who) in [(1, 31, "CRM"), (2, 30, "SVM"), (3, 30, "GM")] {
        system.advance(minutes * Time::MINUTE).await;
        let clocks = settled(
            &format!("rung {rung}"),
            async || case.clocks().await,
            |clocks| clocks.iter().any(|clock| clock.clock == "hand_off" && clock.rungs.len() == rung),
        )
        .await;
        let clock = clocks.into_iter().find(|clock| clock.clock == "hand_off" && clock.rungs.len() == rung);
        let last = clock.and_then(|clock| clock.rungs.last().cloned()).expect("it was just found");
        assert_eq!((last.rung as usize, last.told), (rung, vec![case.at_branch(who)]));
        case.until_told("", &case.at_branch(who)).await;
    }

    // The last rung takes it away from the silent one.
    let work =
        case.until_work("the last rung hands it to the general manager", |work| work.hand_off == 2).await;
    assert_eq!(work.assignee, gm);
    case.acknowledge(&gm).await.expect("he takes it over");
    case.until_clock("hand_off", "met").await;

    let (breaches, rungs) = verdicts(&system, &case).await;
    assert_eq!(breaches, 1, "one breach of one hand-off");
    assert_eq!(rungs, [1, 2, 3], "each rung once, in order");
    system.must_be_whole().await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_over_late_has_met_it_late() {
    let system = System::start().await;
    let case = Case::open(&system, forms::complaint()).await;
    let running = case.until_clock("hand_off", "running").await;
    assert_eq!(running.due_at - running.started_at, 30 * Time::MINUTE);
    system.advance(31 * Time::MINUTE).await;
    case.until_clock("hand_off", "breached").await;

    case.acknowledge(&case.at_branch("CRM")).await.expect("late, but done");
    let met = case.until_clock("hand_off", "met_late").await;
    assert!(met.ended_at > met.due_at);
    assert!(met.corrections.is_empty(), "the verdict was right and stands");

    // What is met climbs no further.
    system.advance(90 * Time::MINUTE).await;
    case.until_clock("judge_due", "running").await;
    system.must_be_whole().await;
    let (breaches, rungs) = verdicts(&system, &case).await;
    assert_eq!((breaches, rungs), (1, vec![1]));
    system.stop().await;
}

/// What the stream says of the hand-off's clock.
async fn verdicts(system: &System, case: &Case<'_>) -> (usize, Vec<u32>) {
    let events = system.events().await;
    let mine = || events.iter().filter(|event| event.concerns(&case.id));
    let breaches = mine()
        .filter(|event| matches!(&event.event, AnyEvent::ClockBreached(breach) if breach.clock == "hand_off"))
        .count();
    let rungs = mine().filter_map(|event| match &event.event {
        AnyEvent::EscalationRaised(raised) if raised.clock == "hand_off" => Some(raised.rung),
        _ => None,
    });
    (breaches, rungs.collect())
}
