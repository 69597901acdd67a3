//! A branch that stays silent (P2).

use proto::{AnyEvent, Time, reporting::v1::GetFiguresRequest};
use tests::{Case, System, desk::insist, forms, settled};

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
    case.until_told("new_hand_off", &gm).await;
    case.acknowledge(&gm).await.expect("he takes it over");
    case.until_clock("hand_off", "met").await;
    the_silent_one_was_late_until_it_was_taken_away(&system).await;

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

/// 91 minutes of silence, 30 of them allowed; the days until the report is printed are nobody's delay.
async fn the_silent_one_was_late_until_it_was_taken_away(system: &System) {
    system.advance(24 * Time::HOUR).await;
    let ask = GetFiguresRequest { period: "weekly".to_owned(), ..Default::default() };
    let reporting = system.connection.reporting(&system.system());
    let delays = async || {
        let figures =
            insist(async || reporting.clone().get_figures(ask.clone()).await).await.expect("figures");
        let rows = figures.figures.into_iter().filter(|line| line.figure == "delays" && line.by == "row");
        rows.filter(|row| row.key.contains("hand_off")).map(|row| row.value).collect::<Vec<_>>()
    };
    settled("the delay ends with the hand-off", delays, |delays| *delays == [61 * 60]).await;
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
