//! What a service's tests on real engines stand on. Only dev-dependencies name this crate.
//!
//! ```text
//! store.rs    a Postgres of the test's own with one service's schema, and rows put into it as the loop does
//! ground.rs   engines, configuration, requests with tokens: the floor under a running service
//! parrot.rs   stand-ins for the services around it, which say what they are told to
//! patience.rs waiting for what becomes true by itself
//! ```
//!
//! Invariants
//! * Journals, streams, readers and gaps are real; only the decisions of the services around are not.
//! * Nothing sleeps for its own sake: a wait ends as soon as what it waits for is true, and names it if it never is.
//! * It knows no service: what is particular to one stays in that one's tests.

mod ground;
mod parrot;
mod patience;
mod store;

pub use ground::{Ground, apart, in_english, person, request_id, serves, with_token};
pub use parrot::{Directory, Dispatch, FollowUp, Intake, Parrot, SlaWatchdog, Species, hatch};
pub use patience::{settled, wait_for, wait_within};
pub use store::Store;
