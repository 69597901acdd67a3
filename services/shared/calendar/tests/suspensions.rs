//! Pauses, against a clock that is run minute by minute.

#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/mod.rs"]
mod oracle;

use calendar::{Calendar, Limit, Suspension};
use jiff::SignedDuration;
use oracle::Oracle;
use proptest::prelude::*;

const BEFORE: i32 = 6;
const AFTER: i32 = 20;
const STARTS: usize = 8 * 24 * 60;

/// Runs the clock: a minute uses up budget when it counts and nothing suspends it. `None` when the
/// budget outlasts the window or waits for an open suspension.
fn run(
    oracle: &Oracle,
    start: usize,
    budget: usize,
    pauses: &[(usize, Option<usize>)],
    wall: bool,
) -> Option<usize> {
    let mut left = budget;
    for minute in start..26 * 24 * 60 {
        if left == 0 {
            return Some(minute);
        }
        let paused = pauses.iter().any(|(from, to)| *from <= minute && to.is_none_or(|to| minute < to));
        left -= usize::from(!paused && (wall || oracle.is_open(minute)));
    }
    None
}

fn suspensions(oracle: &Oracle, pauses: &[(usize, Option<usize>)]) -> Vec<Suspension> {
    pauses.iter().map(|(from, to)| (oracle.at(*from), to.map(|to| oracle.at(to))).into()).collect()
}

fn pauses() -> impl Strategy<Value = Vec<(usize, Option<usize>)>> {
    let ended = (0..STARTS, 0..2_000_usize).prop_map(|(from, length)| (from, Some(from + length)));
    let open = (0..STARTS).prop_map(|from| (from, None));
    (proptest::collection::vec(ended, 0..5), proptest::option::weighted(0.2, open)).prop_map(
        |(mut ended, open)| {
            ended.extend(open);
            ended
        },
    )
}

proptest! {
    #![proptest_config(generate::config())]

    #[test]
    fn the_deadline_is_where_a_running_clock_stops(
        (source, around) in generate::calendars(),
        questions in proptest::collection::vec((0..STARTS, 1..4_000_u32, pauses()), 20),
    ) {
        let calendar = Calendar::compile(&source, &[]).expect("a sound calendar");
        let oracle = Oracle::new(&source, around, BEFORE, AFTER);
        for (start, minutes, pauses) in questions {
            for (limit, wall) in [(Limit::Wall { minutes }, true), (Limit::WorkingTime { minutes }, false)] {
                let deadline = calendar.deadline(oracle.at(start), &limit, &suspensions(&oracle, &pauses));
                match run(&oracle, start, minutes as usize, &pauses, wall) {
                    Some(expected) => prop_assert_eq!(deadline.due, Some(oracle.at(expected)), "{} from {} {:?}", limit, start, pauses),
                    // Waits for ever, or beyond what the oracle looked at.
                    None => prop_assert!(deadline.due.is_none_or(|due| due >= oracle.at(26 * 24 * 60))),
                }
                prop_assert_eq!(deadline.due.is_none(), deadline.paused_since.is_some());
            }
        }
    }

    #[test]
    fn a_pause_of_x_open_minutes_moves_working_limits_by_exactly_x(
        (source, around) in generate::calendars(),
        questions in proptest::collection::vec((0..STARTS, 0..3_000_usize, 0..5_000_usize, 1..9_u32, any::<bool>()), 30),
    ) {
        let calendar = Calendar::compile(&source, &[]).expect("a sound calendar");
        let oracle = Oracle::new(&source, around, BEFORE, AFTER);
        for (start, after, length, amount, days) in questions {
            let limit = if days { Limit::WorkingDays { halves: amount } } else { Limit::WorkingTime { minutes: amount * 100 } };
            let plain = calendar.deadline(oracle.at(start), &limit, &[]).due.expect("running");
            let pause = (start + after, Some(start + after + length));
            let moved = calendar.deadline(oracle.at(start), &limit, &suspensions(&oracle, &[pause]));
            let due = moved.due.expect("running");
            let open = oracle.between(start + after, start + after + length);
            let early = oracle.at(start + after) < plain;
            let expected = SignedDuration::from_mins(if early { open as i64 } else { 0 });
            prop_assert_eq!(calendar.working_between(plain, due), expected, "{} {:?}", limit, pause);
            prop_assert_eq!(moved.suspended, expected);
            // Nobody comes back to a deadline that passed while he was not to work on it.
            prop_assert!(!early || length == 0 || due >= oracle.at(start + after + length) || open == 0);
        }
    }

    #[test]
    fn what_is_left_when_paused_is_what_remains_after_resuming(
        (source, around) in generate::calendars(),
        questions in proptest::collection::vec((0..STARTS, 0..3_000_usize, 1..5_000_usize, 1..3_000_u32), 30),
    ) {
        let calendar = Calendar::compile(&source, &[]).expect("a sound calendar");
        let oracle = Oracle::new(&source, around, BEFORE, AFTER);
        for (start, after, length, minutes) in questions {
            for limit in [Limit::Wall { minutes }, Limit::WorkingTime { minutes }] {
                let (from, to) = (start + after, start + after + length);
                let open = calendar.deadline(oracle.at(start), &limit, &suspensions(&oracle, &[(from, None)]));
                let Some(left) = open.budget_left else { continue };
                let ended = calendar.deadline(oracle.at(start), &limit, &suspensions(&oracle, &[(from, Some(to))]));
                let due = ended.due.expect("running");
                prop_assert_eq!(calendar.measured(limit.measure(), oracle.at(to), due), left);
            }
        }
    }

    #[test]
    fn order_and_overlap_of_suspensions_do_not_matter(
        (source, around) in generate::calendars(),
        start in 0..STARTS,
        pauses in pauses(),
        limit in proptest::sample::select(&["24h", "3 working days", "5 days", "end of shift", "4 working hours"][..]),
    ) {
        let calendar = Calendar::compile(&source, &[]).expect("a sound calendar");
        let oracle = Oracle::new(&source, around, BEFORE, AFTER);
        let limit = Limit::parse(limit).expect("a limit");
        let given = suspensions(&oracle, &pauses);
        let mut shuffled = given.clone();
        shuffled.reverse();
        shuffled.extend(given.first().copied());
        let start = oracle.at(start);
        prop_assert_eq!(calendar.deadline(start, &limit, &given), calendar.deadline(start, &limit, &shuffled));
    }
}
