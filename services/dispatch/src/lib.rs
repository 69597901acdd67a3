//! Dispatch: the work order (派工单). Who works, what is proved, who approves.
//!
//! ```text
//! run --> grpc    (contract <-> command)        --> Handle --> dispatch_core (pure) --> rows, journal
//!    \--> report  (fields of a step: words sealed, the rest typed)
//!    \--> read    (lists, for people)   shown (rows -> contract, words masked)
//! ```
//!
//! Invariants: every decision is the core's; words are sealed under the customer's key before they enter it; nobody
//! barred, and nobody without a part in it from another branch, sees an order; words are opened for a reason only, on
//! record.

#![allow(clippy::result_large_err, reason = "refusals are rare and carry both languages")]

mod grpc;
mod moving;
mod read;
mod report;
#[cfg(test)]
#[path = "../core/tests/shop/mod.rs"]
mod shop;
mod shown;

use dispatch_core::Dispatch;
use proto::dispatch::v1::dispatch_service_server::DispatchServiceServer;
use tonic::service::Routes;

/// Its own tables; the chassis creates the others.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the service until the setup says stop.
///
/// # Errors
/// What keeps it from starting, or a broken invariant.
pub async fn run(setup: chassis::Setup) -> Result<(), chassis::StartError> {
    let service = chassis::Service::<Dispatch> {
        migrations: &MIGRATIONS,
        routes: Box::new(|handle| Routes::new(DispatchServiceServer::new(grpc::Desk::new(handle)))),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve(setup, service).await
}
