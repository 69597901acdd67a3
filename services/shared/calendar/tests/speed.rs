//! A change of a calendar re-projects every running clock of its branches; that must be cheap.

mod branches;

use std::time::{Duration, Instant};

use branches::{CHINA, SHOP, at, read};
use calendar::{Calendar, Limit};

const CALENDARS: u32 = 1_000;
const LIMITS: [&str; 12] = [
    "24h",
    "15m",
    "4 working hours",
    "1 working day",
    "half a working day",
    "3 working days",
    "7 days",
    "end of shift",
    "end of next working day",
    "next monday 10:00",
    "day 5 of next month",
    "2 working hours",
];

#[test]
fn a_thousand_calendars_with_twelve_clocks_each_are_projected_at_once() {
    let parents = [read(CHINA), read(SHOP)];
    let limits = LIMITS.map(|limit| Limit::parse(limit).expect("a limit"));
    let pause = (at("2026-06-05 17:00"), Some(at("2026-06-08 09:15"))).into();
    let mut branch = read("{id: branch, version: 1, extends: dealer-shop, week: {sunday: []}}");

    let begun = Instant::now();
    let calendars: Vec<Calendar> = (1..=CALENDARS)
        .map(|version| {
            branch.version = version;
            Calendar::compile(&branch, &parents).expect("sound")
        })
        .collect();
    let compiled = begun.elapsed();
    let project = || calendars.iter().flat_map(|calendar| limits.iter().map(move |limit| (calendar, limit)));
    let running = || {
        project()
            .filter_map(|(calendar, limit)| calendar.deadline(at("2026-06-05 16:30"), limit, &[pause]).due)
    };
    // The first projection unrolls the year, the second one only looks things up.
    let begun = Instant::now();
    let first = running().count();
    let (cold, begun) = (begun.elapsed(), Instant::now());
    let second = running().count();
    let warm = begun.elapsed();

    assert_eq!((first, second), (12_000, 12_000));
    println!("compile {compiled:?}, first projection {cold:?}, again {warm:?}");
    // Unoptimised on a busy machine; optimised it is some tens of milliseconds.
    let bound = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });
    assert!(compiled < bound && cold < bound && warm < bound / 4, "{compiled:?} {cold:?} {warm:?}");
}
