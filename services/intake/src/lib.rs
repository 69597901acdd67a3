//! Intake at the edge: the register's gRPC contract over its pure core.
//!
//! ```text
//! request -> grpc (who calls, request id) -> desk: fields normalised, parsed, sealed -> Command -> the loop
//!                                        '-> view: read.rs finds rows -> access checked -> masked or revealed
//! ```
//!
//! Invariants
//! * Personal text is sealed, and tokens for finding it are made, before a command leaves this crate.
//! * A phone, a plate and a VIN are stored and looked up in one normal form.
//! * Reads pass the same gates as commands: own branches only, and never by a person complained about.
//! * Clear text leaves only by a reveal with a reason, by a role that the playbook allows, on record.

pub mod desk;
mod duties;
pub mod form;
mod grpc;
pub mod mask;
mod moving;
pub mod name;
pub mod phone;
pub mod plate;
pub mod read;
pub mod search;
mod view;
pub mod vin;

use chassis::{Setup, StartError};
use intake_core::Intake;
use proto::intake::v1::intake_service_server::IntakeServiceServer;
use tonic::service::Routes;

/// The service's own tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Serves until `setup.stop`.
pub async fn run(setup: Setup) -> Result<(), StartError> {
    let stop = setup.stop.clone();
    let service = chassis::Service::<Intake> {
        migrations: &MIGRATIONS,
        routes: Box::new(move |handle| {
            let keeping_up = duties::keep_up(handle.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = keeping_up => {}
                    () = stop.cancelled() => {}
                }
            });
            Routes::new(IntakeServiceServer::new(grpc::Intakes::new(handle)))
        }),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve(setup, service).await
}
