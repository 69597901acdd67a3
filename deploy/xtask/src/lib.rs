//! `cargo xtask`: everything that is done with this workspace beyond building it.
//!
//! ```text
//! demo          engines + `hotline demo`: the whole system on this machine
//! test          engines + every test, then the documentation's examples
//! check         formatting, lints, layers, contracts, compose file, documents of rule books
//! rule-books    those documents, made anew
//! fuzz          libFuzzer on every parser that meets the outside
//! sim           simulated worlds with faults, from seeds
//! mutate        faults planted one at a time: do the tests notice?
//! faults        real faults on real processes and engines, from a seed
//! bench         engines tuned for measuring + `hotline bench`
//! engines       NATS and Postgres alone, until Ctrl-C
//! ```
//!
//! What a command needs beyond the Rust toolchain it installs under `target/`, pinned: servers (see `local-engines`), a
//! Python environment, buf. Nothing is left running when a command ends, however it ends.

pub mod bench;
pub mod browser;
pub mod buf;
pub mod check;
pub mod compose;
pub mod demo;
pub mod engines;
pub mod faults;
pub mod fuzz;
pub mod generality;
pub mod layers;
pub mod live;
pub mod mutate;
pub mod program;
pub mod python;
pub mod rule_books;
pub mod rules;
pub mod screenshots;
pub mod sim;
pub mod test;
pub mod workspace;
