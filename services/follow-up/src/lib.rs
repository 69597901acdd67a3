//! Follow-up: the call-back record (回访记录表). Is the customer content?
//!
//! ```text
//! run --> grpc (contract <-> command, words sealed) --> Handle --> follow_up_core (pure) --> rows, journal
//!    \--> read (what is due, for people)
//! ```
//!
//! Invariants: every decision is the core's; the words of a call are sealed under the customer's
//! key before they enter it, and answers that are not codes or figures are refused here, so that
//! no free text slips in with them; nobody barred, and nobody from another branch, sees a case.

mod grpc;
mod moving;
mod read;
mod shown;

use follow_up_core::FollowUp;
use proto::follow_up::v1::follow_up_service_server::FollowUpServiceServer;
use tonic::service::Routes;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the service until the setup says stop.
///
/// # Errors
/// What keeps it from starting, or a broken invariant.
pub async fn run(setup: chassis::Setup) -> Result<(), chassis::StartError> {
    let service = chassis::Service::<FollowUp> {
        migrations: &MIGRATIONS,
        routes: Box::new(|handle| Routes::new(FollowUpServiceServer::new(grpc::Desk::new(handle)))),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve(setup, service).await
}
