//! A share of the worlds; `cargo xtask sim --seeds 2000` plays many more.

use simulator::{Listening, Options, play};

/// Small enough for an unoptimised build, and full of faults.
fn small(seed: u64) -> Options {
    Options { days: 1, tickets: 4, faults: 60, ..Options::of(seed) }
}

fn keeps_every_promise(options: &Options) {
    let outcome = play(options, Listening::Nobody);
    assert!(
        outcome.violations.is_empty(),
        "{}\nagain: cargo xtask sim {}",
        outcome.violations.join("\n"),
        options.words()
    );
    assert!(outcome.figures.tickets > 0 && outcome.figures.faults > 0, "a quiet world proves nothing");
}

#[test]
fn a_share_of_the_worlds_keeps_every_promise() {
    (1..=4).for_each(|seed| keeps_every_promise(&small(seed)));
}

#[test]
fn the_same_seed_has_the_same_course() {
    let [one, again, other] = [21, 21, 22].map(|seed| play(&small(seed), Listening::Nobody));
    assert_eq!((one.trace, one.figures), (again.trace, again.figures));
    assert_ne!(one.trace, other.trace);
}
