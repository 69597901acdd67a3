//! Reporting as a service: boards, figures and documents over gRPC.
//!
//! ```text
//! events of six services --chassis--> reporting-core (rows)
//! grpc.rs --> scope.rs (whose branches) --> board.rs (a page of rows)          read.rs (statements)
//!                                      --> period.rs (rows of a period -> reckoning -> document) --> report.issued
//!         --> lag.rs (cursors beside the heads of their sources)
//! ```
//!
//! Invariants
//! * Nobody sees a branch outside his grants, nor a case that he is barred from.
//! * Figures are reckoned from one statement: one moment of the model, in whatever order rows come.
//! * A read with `after` waits at most 400 ms and says when it is behind.

mod board;
mod grpc;
mod lag;
mod period;
mod read;
mod scope;

use chassis::{Service, Setup, StartError};
use proto::reporting::v1::reporting_service_server::ReportingServiceServer;
use reporting_core::Reporting;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

/// Its own tables; the chassis creates the others.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// A monthly report of a large group with its lists.
const LARGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// Runs the service until `setup.stop`.
///
/// # Errors
/// Whatever keeps it from starting, or a broken invariant of its writer.
pub async fn run(setup: Setup) -> Result<(), StartError> {
    let service = Service {
        migrations: &MIGRATIONS,
        routes: Box::new(|handle| {
            let server = ReportingServiceServer::new(grpc::Desk::new(handle));
            Routes::new(server.max_encoding_message_size(LARGEST_MESSAGE))
        }),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve::<Reporting>(setup, service).await
}
