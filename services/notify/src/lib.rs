//! Notify: the telling. Messages to people, and a row per telling with its outcome.
//!
//! ```text
//! run --> grpc, read (what was told)
//!    \--> sender: notice.queued --> contact (directory) --> words --> outbox | mail --> Report
//! ```
//!
//! Whom to tell is the core's to decide; the sender carries out what the journal says and reports.
//!
//! Invariants: a message that may have gone out twice says so; the outbox holds each notice once,
//! whatever crashed; nobody barred is told, not even if the bar came after the queueing; words and
//! address are sealed before they are reported; nothing personal is logged.

mod contact;
mod grpc;
mod mail;
mod outbox;
mod read;
mod sender;
mod shown;

use std::sync::Arc;

use chassis::{Executor, Handle};
use notify_core::Notify;
use proto::notify::v1::notify_service_server::NotifyServiceServer;
use tonic::service::Routes;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Runs the service until the setup says stop.
///
/// # Errors
/// A configuration that does not fit, what keeps it from starting, or a broken invariant.
pub async fn run(setup: chassis::Setup) -> Result<(), chassis::StartError> {
    let ways =
        sender::Ways::of(&setup.config).map_err(|error| chassis::StartError::Other(error.to_string()))?;
    let service = chassis::Service::<Notify> {
        migrations: &MIGRATIONS,
        routes: Box::new(|handle| Routes::new(NotifyServiceServer::new(grpc::Desk::new(handle)))),
        executors: Box::new(move |handle: Handle<Notify>| {
            let sender: Arc<dyn Executor<Notify>> = Arc::new(sender::Sender::new(handle, ways));
            vec![sender]
        }),
    };
    chassis::serve(setup, service).await
}
