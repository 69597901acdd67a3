//! The simulator: all services, an in-memory store and bus, one seed; something goes wrong between any two actions.
//!
//! ```text
//! seed --plan.rs--> profile, calls, faults
//!    founding.rs (the sample organisation) --> world.rs: queue of events <-- cast (who does what), callers (who asks again)
//!       site.rs: machine, session, reader, publisher of each replica  <-- fault.rs, weather.rs: what strikes where
//!       watch.rs: every commit;  quiet.rs: the whole once a day at rest, against replay.rs: the cores over journals alone
//! Outcome --> coverage (action x fault), violations --shrink.rs--> the smallest part of the plan that still fails
//! ```
//!
//! Invariants
//! * One seed, one course: everything that is drawn comes from the seed, nothing from clocks, threads or hash maps.
//! * What plays is what serves: the cores and the loop are the services' own; only the shell is made anew.
//! * Faults do only what the engines may do: a commit is whole or not, a lock has one holder, an answer may be lost.
//! * A violation ends the world at once, so that the last lines lead to it.

pub mod bus;
mod callers;
mod cast;
pub mod dice;
pub mod event;
pub mod fault;
mod founding;
pub mod ground;
mod order;
pub mod plan;
mod quiet;
mod replay;
pub mod shrink;
mod site;
mod spy;
pub mod trace;
mod watch;
mod weather;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use plan::{Options, Plan};
pub use trace::Listening;
pub use world::Outcome;

/// Plays a world to its end, or to the first thing that must not be.
pub fn play(options: &Options, listening: Listening) -> Outcome {
    let world = world::World::new(Plan::new(options.clone()), listening);
    catch_unwind(AssertUnwindSafe(|| world.play())).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without words".to_owned());
        Outcome { violations: vec![format!("panic: {text}")], ..Outcome::default() }
    })
}
