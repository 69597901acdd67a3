//! P2 and P7: whatever order sources are heard in, and however late the watchdog wakes, the verdicts are the same;
//! every breach and every rung is said once and in order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proto::{AnyEvent, Service, Time};

use crate::{
    bench::Bench,
    desk::{Desk, at, group},
};

const CLOCKS: &str = "
  answer:
    name: { zh: 答复, en: answer }
    start: [ticket.opened, ticket.reopened]
    stop: [work.completed]
    limit:
      - { when: severity == 'major', limit: 6h }
      - { limit: 20h }
    calendar: wall
    pauses: [customer]
    warn: [{ share: 50, tell: clerk }]
    ladder:
      - { after: 0, tell: clerk }
      - { after: 1h, tell: head }
      - { after: 3h, tell: gm }
  prewarn:
    name: { zh: 预警, en: pre-warning }
    start: [ticket.opened]
    stop: [work.step_done(judge)]
    when: severity == 'major'
    limit: 4 working hours
    pauses: [parts]
    ladder:
      - { after: 0, tell: head }
      - { after: 1 working hour, tell: gm }
  step_due:
    name: { zh: 步骤, en: step }
    scope: step
    start: [work.step_ready]
    stop: [work.step_done]
    limit: 3h
    calendar: wall
    ladder:
      - { after: 0, tell: head }
      - { after: 2h, tell: gm }
  call_due:
    name: { zh: 回访, en: call-back }
    scope: call_back
    start: [follow_up.scheduled]
    stop: [follow_up.recorded]
    cancel: [ticket.closed]
    limit: 5h
    calendar: call_centre
    ladder:
      - { after: 0, tell: desk }
      - { after: 1h, tell: gm }
";

#[derive(Clone, Debug)]
struct Happening {
    minute: i64,
    source: Service,
    what: u8,
}

/// Opened at ten; everything else in the sixty hours after.
fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let one = (1_i64..3600, 0_u8..18).prop_map(|(minute, what)| Happening {
        minute,
        source: source_of(what),
        what,
    });
    prop::collection::vec(one, 1..24).prop_map(|mut all| {
        all.sort_by_key(|happening| happening.minute);
        all.dedup_by_key(|happening| happening.minute);
        all
    })
}

fn source_of(what: u8) -> Service {
    match what {
        0..=6 => Service::Intake,
        7..=13 => Service::Dispatch,
        _ => Service::FollowUp,
    }
}

fn event(desk: &Desk, what: u8) -> AnyEvent {
    match what {
        0 => desk.reclassified("major").into(),
        1 => desk.reclassified("general").into(),
        2 => desk.waiting("customer", "").into(),
        3 => desk.waiting("", "customer").into(),
        4 => desk.waiting("parts", "").into(),
        5 => desk.closed().into(),
        6 => desk.reopened().into(),
        7 => desk.completed().into(),
        8 => desk.done("judge").into(),
        9 => desk.done("propose").into(),
        10 => desk.ready("judge").into(),
        11 => desk.ready("propose").into(),
        12 => desk.dispatched(1).into(),
        13 => desk.acknowledged(1).into(),
        14 => desk.scheduled("a").into(),
        15 => desk.scheduled("b").into(),
        16 => desk.recorded("a").into(),
        _ => desk.recorded("b").into(),
    }
}

/// What is to be heard, in the order of time: moment, source, event. The cycle is what it was when it happened.
fn story(happenings: &[Happening]) -> Vec<(Time, Service, AnyEvent)> {
    let desk = Desk::with(CLOCKS);
    let start = at(1, 10, 0);
    let mut story = vec![(start, Service::Intake, desk.opened("general").into())];
    for happening in happenings {
        // The 61st second keeps evidence off the round minutes at which clocks fall due.
        let moment = start.plus(happening.minute * Time::MINUTE + 7 * Time::SECOND);
        story.push((moment, happening.source, event(&desk, happening.what)));
    }
    story
}

/// Heard as it happens, every timer on time.
fn live(story: &[(Time, Service, AnyEvent)]) -> Bench {
    let mut bench = Bench::new(group(CLOCKS), at(1, 0, 0));
    for (moment, source, event) in story {
        bench.live_until(moment.plus(-1));
        bench.hear(*moment, *source, *moment, event.clone());
    }
    bench.live_until(at(9, 0, 0));
    bench
}

/// Asleep but for a few moments; in between, sources are heard one after the other, each in its own order.
fn drowsy(story: &[(Time, Service, AnyEvent)], naps: &[i64], orders: &[[Service; 3]]) -> Bench {
    let mut bench = Bench::new(group(CLOCKS), at(1, 0, 0));
    let mut rest = story;
    for (nap, order) in naps.iter().zip(orders.iter().cycle()) {
        let until = at(1, 10, 0).plus(*nap * Time::MINUTE);
        let (now, later) = rest.split_at(rest.partition_point(|(moment, ..)| *moment <= until));
        hear_in(&mut bench, now, until, order);
        bench.wake(until, &[]);
        rest = later;
    }
    hear_in(&mut bench, rest, at(9, 0, 0), &orders[0]);
    bench.wake(at(9, 0, 0), &[]);
    bench
}

fn hear_in(bench: &mut Bench, story: &[(Time, Service, AnyEvent)], now: Time, order: &[Service; 3]) {
    for wanted in order {
        for (moment, _, event) in story.iter().filter(|(_, source, _)| source == wanted) {
            bench.hear(now, *wanted, *moment, event.clone());
        }
    }
}

type Verdict = (&'static str, Option<Time>, usize, Option<Time>);

/// Of every run: state, deadline missed, rungs climbed, end.
fn verdicts(bench: &Bench, desk: &Desk) -> BTreeMap<(u32, String, String), Verdict> {
    let case = bench.case(desk.ticket).expect("it was opened");
    let of = |(cycle, l): (u32, &sla_watchdog_core::Ledger)| {
        let verdict = (l.state().name(), l.breached, l.rungs.len(), l.ended.map(|ended| ended.at));
        ((cycle, l.clock.clone(), l.instance.clone()), verdict)
    };
    // What was started on half the evidence and taken back is no verdict.
    case.all_clocks().filter(|(_, ledger)| !ledger.retracted).map(of).collect()
}

/// Each run: started once, breached at most once, rungs 1, 2, 3 in order.
fn check_once_and_in_order(said: &[AnyEvent]) -> Result<(), TestCaseError> {
    #[derive(Default)]
    struct Seen {
        started: u32,
        breached: u32,
        rungs: u32,
    }
    let mut seen: BTreeMap<(u32, String, String), Seen> = BTreeMap::new();
    for event in said {
        let cycle = event.ticket().map_or(0, |ticket| ticket.cycle);
        let mut of = |clock: &str, instance: &str, count: fn(&mut Seen)| {
            let seen = seen.entry((cycle, clock.to_owned(), instance.to_owned())).or_default();
            count(seen);
            (seen.breached, seen.rungs)
        };
        match event {
            AnyEvent::ClockStarted(e) => drop(of(&e.clock, &e.instance, |seen| seen.started += 1)),
            AnyEvent::ClockBreached(e) => drop(of(&e.clock, &e.instance, |seen| seen.breached += 1)),
            AnyEvent::EscalationRaised(e) => {
                let (_, rungs) = of(&e.clock, &e.instance, |seen| seen.rungs += 1);
                prop_assert_eq!(e.rung, rungs, "rungs of {} in order", e.clock);
            }
            _ => {}
        }
    }
    for (of, seen) in seen {
        prop_assert_eq!(seen.started, 1, "{:?} started", &of);
        prop_assert!(seen.breached <= 1, "{:?} breached {} times", &of, seen.breached);
    }
    Ok(())
}

const ORDERS: [[Service; 3]; 3] = [
    [Service::FollowUp, Service::Dispatch, Service::Intake],
    [Service::Dispatch, Service::Intake, Service::FollowUp],
    [Service::Intake, Service::FollowUp, Service::Dispatch],
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_sources_and_the_hour_of_waking_change_no_verdict(
        happenings in happenings(),
        mut naps in prop::collection::vec(1_i64..3700, 0..6),
        turn in 0_usize..3,
    ) {
        naps.sort_unstable();
        let story = story(&happenings);
        let desk = Desk::with(CLOCKS);
        let mut orders = ORDERS;
        orders.rotate_left(turn);
        let (live, drowsy) = (live(&story), drowsy(&story, &naps, &orders));
        check_once_and_in_order(&live.said)?;
        check_once_and_in_order(&drowsy.said)?;
        prop_assert_eq!(verdicts(&live, &desk), verdicts(&drowsy, &desk));
    }

    #[test]
    fn everything_heard_twice_changes_nothing(happenings in happenings()) {
        let story = story(&happenings);
        let twice: Vec<_> = story.iter().flat_map(|told| [told.clone(), told.clone()]).collect();
        let desk = Desk::with(CLOCKS);
        let (once, twice) = (live(&story), live(&twice));
        prop_assert_eq!(verdicts(&once, &desk), verdicts(&twice, &desk));
        prop_assert_eq!(once.said.len(), twice.said.len());
    }
}
