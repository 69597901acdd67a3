//! The shell of the loop, and what every service is run with.
//!
//! ```text
//! gRPC --> rpc (identity, request id) --> Handle::submit --> writer --+      +--> session (Postgres: lock, load, commit)
//! NATS --> reader (gaps repaired from journals) ------------> writer --+ Machine +--> publisher (NATS, in order)
//! other replicas --> forward (NATS) ------------------------> writer --+      +--> executors (effects outside)
//! ```
//!
//! Invariants: one session per writer holds its locks and makes its commits;
//! on any doubt about it the writer drops all it knows and starts as a
//! stranger; nothing is answered before a round trip on that session after it
//! was decided; the journal is the outbox, NATS may lose anything.

pub mod config;
pub mod executor;
mod forward;
mod ghosts;
pub mod handle;
pub mod identity;
mod journal;
pub mod mask;
pub mod moving;
pub mod nats;
mod publisher;
mod quarantine;
mod reader;
mod recovery;
pub mod rpc;
pub mod schema;
pub mod secret;
pub mod serve;
mod session;
mod statement;
mod stream;
mod stream_walk;
mod take;
pub mod telemetry;
pub mod vault;
pub mod wire;
mod writer;

pub use chassis_core as core;
pub use config::{Config, Setup};
pub use executor::{Executor, Later};
pub use handle::{Accepted, Handle};
pub use serve::{Service, StartError, serve};
pub use vault::Vault;
