//! The console: the desk in the browser. Pages over the gRPC contracts, with no
//! decision of its own: what may be done, and why not, is asked of the owners.
//!
//! ```text
//! browser --HTTP--> guard (origin, headers) --> session (sealed cookie, token) --> pages/* --gRPC--> services
//!    ^                                                                               |
//!    +--SSE-- live (what changed, from the event stream)                             +--> templates/*.html
//! directory.rs: a fold of the directory's journal: names, rule books, zones, business time
//! ```
//!
//! Invariants
//! * Every request to a service carries the token of the person who looks; the console's own
//!   identity reads the directory's journal and nothing else.
//! * A page holds nothing that its viewer could not ask for himself; personal data is masked by its
//!   owner and opened only for a reason, on record there.
//! * No state: sessions are sealed into their cookies, so replicas and restarts make no difference.
//! * Nothing is sent to the browser that it would run or load from elsewhere: the policy allows
//!   scripts, styles and connections of this origin only.

mod assets;
mod clock;
mod directory;
mod forms;
mod frame;
mod guard;
mod language;
mod live;
mod names;
mod pages;
mod peers;
mod provider;
mod server;
mod session;
mod shown;
mod trouble;
mod visitor;

pub use server::run;
