//! The contracts: generated messages and services, and beside them the one
//! place where ids, subjects, headers and event names are built and parsed.
//!
//! ```text
//! hotline/<service>/v1/*.proto --protox--> messages, gRPC stubs, the list of events
//! id.rs (bucket, shard)   subject.rs (NATS subjects)   envelope.rs (CloudEvents headers)   time.rs
//! ```
//!
//! Invariants: a ticket's id carries the bucket of its customer; an event is
//! identified for everybody by (service, shard, epoch, seq); no text-like field
//! of an event is without a kind (the descriptor test).

pub mod envelope;
pub mod event;
pub mod id;
pub mod subject;
pub mod time;

pub use event::{AnyEvent, DecodeError, Event, Listener};
pub use id::{Bucket, Id, SHARDS, Shard};
pub use subject::Service;
pub use time::Time;

/// The encoded descriptor set of all contracts (gRPC reflection, tests).
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! package {
    ($name:ident, $path:literal) => {
        #[allow(clippy::all, rust_2018_idioms, missing_docs)]
        pub mod $name {
            pub mod v1 {
                tonic::include_proto!($path);
            }
        }
    };
}

package!(options, "hotline.options.v1");
package!(common, "hotline.common.v1");
package!(journal, "hotline.journal.v1");
package!(intake, "hotline.intake.v1");
package!(dispatch, "hotline.dispatch.v1");
package!(sla_watchdog, "hotline.sla_watchdog.v1");
package!(follow_up, "hotline.follow_up.v1");
package!(reporting, "hotline.reporting.v1");
package!(notify, "hotline.notify.v1");
package!(directory, "hotline.directory.v1");
