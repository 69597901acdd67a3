//! Scenario files in the running services: the same deeds by the same people, over the public contracts, under manual
//! business time, with the same expectations.
//!
//! ```text
//! world.rs    a fresh system for one scenario, founded at the scenario's moment
//! rest.rs     when nothing is left to do anywhere
//! course.rs   one scenario from beginning to end
//! hands.rs    what somebody means to do, as a request with his token
//! refused.rs  a refusal as the cores say it
//! record.rs   the journals as a timeline
//! eyes.rs     how the case stands, as the services show it
//! run.rs      many scenarios, several at once
//! ```
//!
//! The same scenario is played in the cores beside it (`trial::town`). From there come who does a deed that the scenario
//! leaves open, and the timeline that must come out alike; everything else is asked of the services.
//!
//! Invariants
//! * A world is used once: repeats, loads and samples see no other scenario's cases.
//! * Time is moved by hand only, to each moment at which something falls due, and only when all are at rest: nothing is late.
//! * What the services refuse, say and show is never corrected here: a difference is a fault of one side.

mod course;
mod eyes;
mod hands;
mod record;
mod refused;
mod rest;
pub mod run;
mod world;

pub use course::{Course, Verdict, play};
pub use world::{Slot, World};
