//! The whole system on real engines, for the tests that cross services.
//!
//! ```text
//! system.rs   NATS and Postgres of its own, all services in this process, the sample organisation, time by hand
//! replicas.rs the same as processes, each of which can be killed and started again
//! copy.rs     a service's schema copied and put back: an older backup
//! desk.rs     what people do to one case, each with a token of his own
//! forms.rs    what they write
//! heard.rs    the event stream, as any subscriber reads it
//! refused.rs  what a refusal says, in both languages
//! live/       scenario files in the running services: `cargo xtask test --live-scenarios`
//! faults/     real faults under load, from a seed: `cargo xtask faults`
//! ```
//!
//! Invariants
//! * Everything goes through the public contracts and the event stream; no table is read, but copied as a backup is.
//! * Nothing sleeps for its own sake: waits end as soon as what they wait for is true.
//! * Business time stands still unless a test moves it.

pub mod copy;
pub mod desk;
pub mod faults;
pub mod forms;
pub mod heard;
pub mod live;
pub mod provider;
pub mod refused;
pub mod replicas;
pub mod system;

pub use desk::Case;
pub use refused::Refused;
pub use stage::{settled, wait_for};
pub use system::System;
