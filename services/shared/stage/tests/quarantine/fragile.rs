//! A service that hears notes and keeps their numbers, fails on 17 until it is
//! mended, and writes 19 where its database does not take it.

use std::sync::atomic::{AtomicBool, Ordering};

use chassis_core::{Aggregate, Column, ColumnKind, Core, Due, Halt, Heard, RowKey, Step, Table, Value};
use proto::{AnyEvent, Event, Id, Service, intake::v1::TicketNoted};
use serde::{Deserialize, Serialize};

pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/quarantine/migrations");

pub const POISON: u32 = 17;
pub const NOT_TAKEN: u32 = 19;

static MENDED: AtomicBool = AtomicBool::new(false);

pub fn mend() {
    MENDED.store(true, Ordering::SeqCst);
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Tally {
    id: Id,
    pub heard: Vec<u32>,
}

impl Aggregate for Tally {
    const TABLE: &'static Table =
        &Table { name: "tally", columns: &[Column { name: "latest", kind: ColumnKind::Int }] };

    fn id(&self) -> Id {
        self.id
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.heard.last().copied().unwrap_or_default().into()]
    }
}

/// Takes one more number by command, too.
pub type Add = (Id, u32);

pub struct Fragile;

fn add((id, number): Add, step: &mut Step<'_>) -> Result<(), Halt> {
    let mut tally = step.get::<Tally>(id)?.unwrap_or(Tally { id, heard: Vec::new() });
    tally.heard.push(number);
    step.put(&tally);
    assert!(number != POISON || MENDED.load(Ordering::SeqCst), "it does not like {POISON}");
    Ok(())
}

impl Core for Fragile {
    type Command = Add;
    type Reply = ();

    const SERVICE: Service = Service::Dispatch;
    const SOURCES: &'static [Service] = &[Service::Intake];
    const TABLES: &'static [&'static Table] = &[Tally::TABLE];

    fn wants(kind: &str) -> bool {
        kind == TicketNoted::TYPE
    }

    fn command_keys((id, _): &Add) -> Vec<RowKey> {
        vec![RowKey::of::<Tally>(*id)]
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        heard.subject.map(RowKey::of::<Tally>).into_iter().collect()
    }

    fn timer_keys(_: &Due) -> Vec<RowKey> {
        Vec::new()
    }

    fn command(command: &Add, step: &mut Step<'_>) -> Result<(), Halt> {
        add(*command, step)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        let AnyEvent::TicketNoted(noted) = &heard.event else { return Ok(()) };
        let number = noted.ticket.as_ref().map_or(0, |ticket| ticket.cycle);
        heard.subject.map_or(Ok(()), |id| add((id, number), step))
    }

    fn timer(_: &Due, _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
}
