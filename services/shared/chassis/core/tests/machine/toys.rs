//! Two small services. `Till` counts: commands add, visits go to another home,
//! two timers ring and warn. `Mirror` hears the till, counts along, answers
//! back, and judges at deadlines how much had been counted by then.

use std::cell::Cell;

use chassis_core::{
    About, Aggregate, Column, ColumnKind, Core, Due, Halt, Heard, Refusal, RowKey, Step, Table, Value,
};
use proto::{
    AnyEvent, Bucket, Event, Id, Service, Shard, Time,
    common::v1::TicketRef,
    dispatch::v1::{WorkAcknowledged, WorkRefused},
    envelope::Position,
    intake::v1::{AssetComplained, TicketClosed, TicketLinked, TicketNoted},
};
use serde::{Deserialize, Serialize};

/// An amount on which the till fails.
pub const POISON: i64 = 13;
/// An amount on which the mirror fails, until it is mended.
pub const MIRROR_POISON: i64 = 17;
/// What a visited home fails on, until it is mended.
pub const VISIT_POISON: i64 = 7;
/// An amount that the database does not take of the till.
pub const UNSTORABLE: i64 = 11;
/// One that it does not take of the mirror, until that is mended.
pub const MIRROR_UNSTORABLE: i64 = 19;
/// What stands in a column that the database does not take.
pub const NOT_TAKEN: i64 = i64::MIN;
pub const POISON_WORDS: &str = "poison, as ordered";
/// How long after a first note the mirror judges.
pub const JUDGED_AFTER: i64 = 400_000;

thread_local! {
    static MENDED: Cell<bool> = const { Cell::new(false) };
}

/// The program is mended, or is as bad as it was. A world plays on one thread.
pub fn mend(mended: bool) {
    MENDED.set(mended);
}

fn ticket(id: Id, amount: i64) -> Option<TicketRef> {
    let cycle = u32::try_from(amount).expect("amounts are small");
    Some(TicketRef { ticket_id: id.to_string(), cycle, ..TicketRef::default() })
}

macro_rules! aggregate {
    ($type:ty, $table:literal, [$($column:literal: $kind:ident = $value:expr),*]) => {
        impl Aggregate for $type {
            const TABLE: &'static Table =
                &Table { name: $table, columns: &[$(Column { name: $column, kind: ColumnKind::$kind }),*] };
            fn id(&self) -> Id {
                self.id
            }
            fn columns(&self) -> Vec<Value> {
                vec![$({ let value: fn(&$type) -> Value = $value; value(self) }),*]
            }
        }
    };
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counter {
    pub id: Id,
    pub total: i64,
    pub echoes: u32,
    /// Visits announced to this home, with the place they came from.
    pub visits: Vec<(Position, i64)>,
    pub ring: Option<Time>,
    pub warn: Option<Time>,
    pub armed: u32,
    pub fired: u32,
    /// Armed anew or taken away before they fired.
    pub undone: u32,
    /// Fired though they were no longer armed for that moment.
    pub stale: u32,
}

aggregate!(Counter, "counter", [
    "total": Int = |c| c.total.into(),
    "ring_at": Time = |c| c.ring.into(),
    "ringing": Bool = |c| c.ring.is_some().into()
]);

/// One per shard, which no command names beforehand: a second load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ledger {
    pub id: Id,
    pub lines: u64,
}

aggregate!(Ledger, "ledger", ["lines": Int = |l| (l.lines as i64).into()]);

/// A minted id for each accepted command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub id: Id,
    pub counter: Id,
    pub amount: i64,
}

/// What stands in a column of a row that comes from this amount.
fn column(amount: i64, unstorable: i64) -> Value {
    Value::Int(if amount == unstorable { NOT_TAKEN } else { amount })
}

aggregate!(Line, "line", ["amount": Int = |l| column(l.amount, UNSTORABLE), "counter": Text = |l| l.counter.into(), "words": Words = |_| Value::Words(vec!["a".into(), "b".into()])]);

impl Counter {
    fn new(id: Id) -> Counter {
        Counter {
            id,
            total: 0,
            echoes: 0,
            visits: Vec::new(),
            ring: None,
            warn: None,
            armed: 0,
            fired: 0,
            undone: 0,
            stale: 0,
        }
    }

    pub fn of(step: &Step<'_>, id: Id) -> Result<Counter, Halt> {
        Ok(step.get(id)?.unwrap_or_else(|| Counter::new(id)))
    }

    fn arm(&mut self, step: &mut Step<'_>, ring: Time, warn: Time) {
        self.armed += 2;
        self.undone += u32::from(self.ring.is_some()) + u32::from(self.warn.is_some());
        (self.ring, self.warn) = (Some(ring), Some(warn));
        step.arm("ring", self.id, ring);
        step.arm("warn", self.id, warn);
    }
}

pub fn ledger_id(shard: Shard) -> Id {
    Id::of_hash([7; 16], Bucket::first_of(shard))
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Add {
    pub counter: Id,
    pub amount: i64,
    pub visit: Option<Id>,
    /// Ring after so many micros; the warning comes with it or later.
    pub ring: Option<(i64, i64)>,
}

pub struct Till;

impl Core for Till {
    type Command = Add;
    type Reply = Id;

    const SERVICE: Service = Service::Intake;
    const SOURCES: &'static [Service] = &[Service::Dispatch];
    const TABLES: &'static [&'static Table] = &[Counter::TABLE, Ledger::TABLE, Line::TABLE];

    fn wants(kind: &str) -> bool {
        [WorkAcknowledged::TYPE, AssetComplained::TYPE].contains(&kind)
    }

    fn command_keys(command: &Add) -> Vec<RowKey> {
        vec![RowKey::of::<Counter>(command.counter)]
    }

    /// A visit names the home that is visited, not its subject.
    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        match &heard.event {
            AnyEvent::AssetComplained(visited) => {
                visited.asset_id.parse().ok().map(RowKey::of::<Counter>).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Counter>(due.id)]
    }

    fn command(add: &Add, step: &mut Step<'_>) -> Result<Id, Halt> {
        let id = add.counter;
        let mut counter = Counter::of(step, id)?;
        counter.total += add.amount;
        if add.amount < 0 {
            // Said and put before the refusal: all of it must be dropped.
            step.put(&counter);
            step.arm("ring", id, step.now());
            return Err(Refusal::precondition("negative", "不能为负数。", "Not a negative amount.").into());
        }
        step.say(
            About::ticket(id, "A1"),
            TicketNoted { ticket: ticket(id, add.amount), ..Default::default() },
        );
        assert_ne!(add.amount, POISON, "{POISON_WORDS}");
        if add.amount % 2 == 0 {
            step.say(About::default(), TicketLinked { ticket: ticket(id, 0), ..Default::default() });
        }
        if let Some(visit) = add.visit {
            let visited = AssetComplained {
                asset_id: visit.to_string(),
                opened_at: add.amount,
                ..AssetComplained::default()
            };
            step.say_to(visit.shard(), About::default(), visited);
        }
        if let Some((ring, warn)) = add.ring {
            counter.arm(step, step.now().plus(ring), step.now().plus(ring + warn));
        }
        step.put(&counter);
        let ledger = ledger_id(step.shard());
        let lines = step.get::<Ledger>(ledger)?.map_or(0, |ledger| ledger.lines);
        step.put(&Ledger { id: ledger, lines: lines + 1 });
        let line = Line { id: step.mint(id.bucket()), counter: id, amount: add.amount };
        step.put(&line);
        Ok(line.id)
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        match &heard.event {
            AnyEvent::AssetComplained(visited) => {
                let mut counter = Counter::of(step, visited.asset_id.parse().expect("an id was said"))?;
                counter.visits.push((heard.at, visited.opened_at));
                step.put(&counter);
                assert!(visited.opened_at != VISIT_POISON || MENDED.get(), "{POISON_WORDS}");
            }
            AnyEvent::WorkAcknowledged(_) => {
                let mut counter = Counter::of(step, heard.subject.expect("about a counter"))?;
                counter.echoes += 1;
                step.put(&counter);
            }
            other => panic!("nobody wanted {other:?}"),
        }
        Ok(())
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        let mut counter = Counter::of(step, due.id)?;
        assert!(step.now() >= due.due, "a timer fires when it is due, not before");
        let armed = if due.name == "ring" { counter.ring.take() } else { counter.warn.take() };
        counter.stale += u32::from(armed != Some(due.due));
        counter.fired += 1;
        if due.name == "ring" && counter.warn.take().is_some() {
            step.disarm("warn", due.id);
            counter.undone += 1;
        }
        step.put(&counter);
        let closed =
            TicketClosed { ticket: ticket(due.id, 0), outcome: due.name.clone(), closed_at: due.due.0 };
        step.say(About::ticket(due.id, "A1"), closed);
        Ok(())
    }
}

/// What the mirror knows of one counter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Image {
    pub id: Id,
    pub total: i64,
    pub heard: Vec<(Position, Time)>,
    pub closed: u32,
    pub deadline: Option<Time>,
    /// Deadline, and the notes stamped up to it.
    pub verdicts: Vec<(Time, usize)>,
    /// What was heard just now, for the column.
    pub latest: i64,
}

aggregate!(Image, "image", ["latest": Int = |i| column(i.latest, MIRROR_UNSTORABLE)]);

pub struct Mirror;

impl Core for Mirror {
    type Command = ();
    type Reply = ();

    const SERVICE: Service = Service::Dispatch;
    const SOURCES: &'static [Service] = &[Service::Intake];
    const TABLES: &'static [&'static Table] = &[Image::TABLE];
    const JUDGES: bool = true;

    fn wants(kind: &str) -> bool {
        [TicketNoted::TYPE, TicketClosed::TYPE].contains(&kind)
    }

    fn command_keys((): &()) -> Vec<RowKey> {
        Vec::new()
    }

    fn event_keys(heard: &Heard) -> Vec<RowKey> {
        heard.subject.map(RowKey::of::<Image>).into_iter().collect()
    }

    fn timer_keys(due: &Due) -> Vec<RowKey> {
        vec![RowKey::of::<Image>(due.id)]
    }

    fn command((): &(), _: &mut Step<'_>) -> Result<(), Halt> {
        Err(Refusal::denied("mirror", "不接受命令。", "Takes no commands.").into())
    }

    fn event(heard: &Heard, step: &mut Step<'_>) -> Result<(), Halt> {
        let id = heard.subject.expect("about a counter");
        let mut image = step.get::<Image>(id)?.unwrap_or_else(|| Image {
            id,
            total: 0,
            heard: Vec::new(),
            closed: 0,
            deadline: None,
            verdicts: Vec::new(),
            latest: 0,
        });
        if let AnyEvent::TicketNoted(noted) = &heard.event {
            let amount = i64::from(noted.ticket.as_ref().expect("said with a ticket").cycle);
            image.total += amount;
            image.latest = if MENDED.get() { 0 } else { amount };
            image.heard.push((heard.at, heard.recorded_at));
            if image.deadline.is_none() {
                let deadline = heard.recorded_at.plus(JUDGED_AFTER);
                image.deadline = Some(deadline);
                step.arm("judge", id, deadline);
            }
            assert!(amount != MIRROR_POISON || MENDED.get(), "{POISON_WORDS}");
            step.say(About::ticket(id, "A1"), WorkAcknowledged::default());
        } else {
            image.closed += 1;
            image.latest = 0;
        }
        step.put(&image);
        Ok(())
    }

    fn timer(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
        let mut image = step.get::<Image>(due.id)?.expect("armed with its image");
        assert_eq!(image.deadline.take(), Some(due.due), "judged once per deadline");
        assert_eq!(due.silent, [], "nobody is silent for ever here");
        let known = image.heard.iter().filter(|(_, at)| *at <= due.due).count();
        image.verdicts.push((due.due, known));
        image.latest = 0;
        step.put(&image);
        step.say(About::ticket(due.id, "A1"), WorkRefused::default());
        Ok(())
    }
}
