//! The directory as a service: the staff list and the rule binder over gRPC.
//!
//! ```text
//! grpc.rs --> records.rs (contract -> command: checks, seals, hashes) --> Handle::submit --> directory-core
//!         --> sign_in.rs (password -> token)     read.rs (lists for people)
//! files/  --> nodes.csv, persons.csv, dealers.csv, organisation.yaml as records, for whoever imports them
//! imports.rs: files -> what they would change -> the change that was seen      tried.rs: an imagined case (`trial`)
//! personal.rs: filters that a person keeps
//! ```
//!
//! Invariants
//! * Names, telephones, addresses and passwords are sealed or hashed before the core sees them.
//! * A wrong password and an unknown person look the same and take as long.
//! * Opening a contact leaves a record of who and why.

pub mod files;
mod grpc;
mod imports;
mod password;
mod personal;
mod read;
mod records;
mod sign_in;
mod tried;

use chassis::{Service, Setup, StartError};
use directory_core::Directory;
use proto::directory::v1::directory_service_server::DirectoryServiceServer;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

/// Its own tables; the chassis creates the others.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// A dealer list of some thousand records with their staff.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// Runs the service until `setup.stop`.
///
/// # Errors
/// Whatever keeps it from starting, or a broken invariant of its writer.
pub async fn run(setup: Setup) -> Result<(), StartError> {
    let service = Service {
        migrations: &MIGRATIONS,
        routes: Box::new(|handle| {
            let server = DirectoryServiceServer::new(grpc::Desk::new(handle));
            Routes::new(
                server.max_decoding_message_size(LARGEST_MESSAGE).max_encoding_message_size(LARGEST_MESSAGE),
            )
        }),
        executors: Box::new(|_| Vec::new()),
    };
    chassis::serve::<Directory>(setup, service).await
}
