//! The organisation and its rule binder, as every shard of every service sees
//! it: a pure fold of the directory's journal.
//!
//! ```text
//! directory.changed, playbook.activated, calendar.activated, time.moved --Snapshot::apply--> Snapshot(seq)
//! Snapshot --> resolve(role at level, branch, now, barred) --> persons   (vacant: next one up; absent: the deputy)
//!          --> playbook(id, version), calendar_of(branch), law of time
//! ```
//!
//! Invariants: the same entries give the same snapshot; nobody barred, absent
//! or disabled is ever found; a person stands in for at most one step of
//! deputising at a time and chains end.

pub mod facts;
mod resolve;
mod shelf;
mod snapshot;
mod time_law;

pub use resolve::Found;
pub use shelf::load as read_playbook;
pub use snapshot::{ApplyError, Node, Person, RoleHeld, Snapshot};
pub use time_law::{TimeLaw, TimeMode};
