//! What a service brings: its core.

use proto::{AnyEvent, Id, Service, Time, envelope::Position};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    aggregate::{RowKey, Table},
    refusal::Halt,
    step::Step,
};

/// An event of another service, or an entry addressed to this home.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Position,
    pub event: AnyEvent,
    pub subject: Option<Id>,
    pub branch: Option<String>,
    /// Who caused it there.
    pub actor: String,
    pub hops: u8,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
}

/// A timer whose moment has come.
#[derive(Clone, Debug)]
pub struct Due {
    pub name: String,
    pub id: Id,
    /// When it was due; `Step::now` is when it fires.
    pub due: Time,
    /// Sources that did not say whether the moment had passed for them
    /// (services that judge lateness only).
    pub silent: Vec<Service>,
}

/// The pure part of a service. Functions, not methods: all state is in rows.
pub trait Core: Send + Sync + 'static {
    type Command: Serialize + DeserializeOwned + Send + Sync + 'static;
    type Reply: Serialize + DeserializeOwned + Send + Sync + 'static;

    const SERVICE: Service;
    /// Whose events it hears (the directory is heard by all).
    const SOURCES: &'static [Service];
    const TABLES: &'static [&'static Table];
    /// Judges lateness: due timers wait until every source has passed their moment.
    const JUDGES: bool = false;

    /// Whether events of this type (`hotline.intake.v1.TicketOpened`) reach `event`.
    fn wants(kind: &str) -> bool;

    /// Rows that the command will certainly need: saves a second load.
    fn command_keys(command: &Self::Command) -> Vec<RowKey>;

    fn event_keys(heard: &Heard) -> Vec<RowKey>;

    fn timer_keys(due: &Due) -> Vec<RowKey>;

    fn command(command: &Self::Command, step: &mut Step<'_>) -> Result<Self::Reply, Halt>;

    /// A refusal here is a fault: an event is a fact and cannot be refused.
    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt>;

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt>;
}
