//! The watchdog: the chase list (跟进). Whether anything is late, and nobody else judges it.
//!
//! ```text
//! run --> grpc, read, shown (clocks of a ticket, what is due next)
//!    \--> reproject (a new calendar version --> open clocks computed anew, in chunks)
//! ```
//!
//! What runs, warns and breaches is the core's to say; this is the way to see it.
//!
//! Invariants: nobody sees clocks of a branch that is not his, nor of a case that he is barred from (DG-03);
//! computing anew changes nothing that was judged.

mod grpc;
mod moving;
mod read;
mod reproject;
mod shown;

use proto::sla_watchdog::v1::sla_watchdog_service_server::SlaWatchdogServiceServer;
use sla_watchdog_core::Watchdog;
use tonic::service::Routes;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the service until the setup says stop.
///
/// # Errors
/// What keeps it from starting, or a broken invariant.
pub async fn run(setup: chassis::Setup) -> Result<(), chassis::StartError> {
    let stop = setup.stop.clone();
    let service = chassis::Service::<Watchdog> {
        migrations: &MIGRATIONS,
        routes: Box::new(move |handle| {
            let keeping_up = reproject::keep_up(handle.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = keeping_up => {}
                    () = stop.cancelled() => {}
                }
            });
            Routes::new(SlaWatchdogServiceServer::new(grpc::Desk::new(handle)))
        }),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve(setup, service).await
}
