//! Batches drawn from a seed: sound ones as the loop makes them, and spoilt ones.

mod aside;

use std::sync::Arc;

use chassis_core::{
    About, Column, ColumnKind, Core, Due, Entry, Halt, Heard, RowChange, RowKey, Step, Table, TimerChange,
    Value,
    epoch::Rewinding,
    memory::Memory,
    store::{Batch, Cursor, DirectoryEntry, Head, LoadPlan, Remembered, RequestKey, Source},
};
use proto::{Bucket, Id, Service, Shard, Time, envelope::Position};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A core that decides nothing: it only has tables.
pub struct Toy;

impl Toy {
    pub const NAME: Service = Service::Notify;
}

static LEAF: Table = Table {
    name: "leaf",
    columns: &[
        Column { name: "word", kind: ColumnKind::Text },
        Column { name: "amount", kind: ColumnKind::Int },
        Column { name: "truth", kind: ColumnKind::Bool },
        Column { name: "due", kind: ColumnKind::Time },
        Column { name: "words", kind: ColumnKind::Words },
    ],
};
static BARE: Table = Table { name: "bare", columns: &[] };

pub const TABLES_SQL: &str = "
create table leaf (id uuid primary key, shard int2 not null, body bytea not null,
    word text, amount int8, truth bool, due timestamptz, words text[]);
create table bare (id uuid primary key, shard int2 not null, body bytea not null);";

impl Core for Toy {
    type Command = ();
    type Reply = ();
    const SERVICE: Service = Toy::NAME;
    const SOURCES: &'static [Service] = &[];
    const TABLES: &'static [&'static Table] = &[&LEAF, &BARE];
    fn wants(_: &str) -> bool {
        false
    }
    fn command_keys((): &()) -> Vec<RowKey> {
        Vec::new()
    }
    fn event_keys(_: &Heard) -> Vec<RowKey> {
        Vec::new()
    }
    fn timer_keys(_: &Due) -> Vec<RowKey> {
        Vec::new()
    }
    fn command((): &(), _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
    fn event(_: &Heard, _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
    fn timer(_: &Due, _: &mut Step<'_>) -> Result<(), Halt> {
        Ok(())
    }
}

/// A batch that must be refused, and why.
pub struct Spoilt {
    pub batch: Batch,
    pub how: &'static str,
}

pub struct Draw {
    dice: StdRng,
    requests: u64,
    insist: Option<Shard>,
}

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw { dice: StdRng::seed_from_u64(seed), requests: 0, insist: None }
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.dice.random_range(0..end)
    }

    fn chance(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// The next draw of shards has this one among them.
    pub fn insist_on(&mut self, shard: Shard) {
        self.insist = Some(shard);
    }

    /// At least one of the first so many.
    pub fn shards(&mut self, of: u16) -> Vec<Shard> {
        let insisted = self.insist.take();
        let first = self.below(of.into()) as usize;
        let all: Vec<Shard> = Shard::all().take(of.into()).collect();
        let mut chosen: Vec<Shard> =
            all.iter().copied().filter(|shard| Some(*shard) == insisted || self.chance(2)).collect();
        if chosen.is_empty() {
            chosen.push(all[first]);
        }
        chosen
    }

    /// One of a few ids, so that rows meet again.
    fn id(&mut self) -> Id {
        let number = self.below(48);
        Id::of_hash([number as u8 + 1; 16], Bucket::of_hash(number))
    }

    fn text(&mut self) -> String {
        let words = ["", "沪A·12345", "it's \"quoted\"", "a\\b\n", "e\u{301}🚗", "{null}", "plain"];
        words[self.below(words.len() as u64) as usize].to_owned()
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.below(40);
        (0..length).map(|_| self.below(256) as u8).collect()
    }

    fn time(&mut self) -> Time {
        Time(self.below(4_000_000_000_000_000) as i64)
    }

    /// What the loop may hand over, for the shards held.
    pub fn batch(&mut self, memory: &Memory, held: &[Shard]) -> Batch {
        let mut batch = Batch::default();
        for shard in held {
            if self.chance(2) {
                self.history(&mut batch, &memory.head(*shard), memory);
            } else if self.chance(3) {
                batch.published.push((*shard, self.below(memory.head(*shard).seq + 1)));
            }
        }
        self.rows(&mut batch);
        self.marks(&mut batch, memory, held);
        if batch.is_empty() {
            self.history(&mut batch, &memory.head(held[0]), memory);
        }
        batch
    }

    /// One whose outcome can be told from the head.
    pub fn certain_batch(&mut self, memory: &Memory, held: &[Shard]) -> Batch {
        loop {
            let batch = self.batch(memory, held);
            if batch.heads.first().is_some_and(|head| head.seq > batch.heads_before[0]) {
                return batch;
            }
        }
    }

    fn history(&mut self, batch: &mut Batch, before: &Head, memory: &Memory) {
        let mut head = before.clone();
        for _ in 0..self.below(4) {
            head.seq += 1;
            head.stamp = Time(head.stamp.0 + 1 + self.below(1_000) as i64);
            head.hash = self.dice.random();
            let to = self.chance(4).then(|| self.peer(batch, head.shard, memory));
            let entry = self.entry(&head, to);
            batch.entries.push(Arc::new(entry));
        }
        head.stamp = Time(head.stamp.0 + self.below(10) as i64);
        batch.heads_before.push(before.seq);
        batch.heads.push(head);
    }

    fn peer(&mut self, batch: &mut Batch, from: Shard, memory: &Memory) -> (Shard, u64) {
        let to = self.shards(8)[0];
        if let Some(pair) = batch.pairs.iter_mut().find(|pair| (pair.0, pair.1) == (from, to)) {
            pair.2 += 1;
            return (to, pair.2);
        }
        let last = memory.pairs().find(|pair| (pair.0, pair.1) == (from, to)).map_or(0, |pair| pair.2);
        batch.pairs.push((from, to, last + 1));
        (to, last + 1)
    }

    fn entry(&mut self, head: &Head, to: Option<(Shard, u64)>) -> Entry {
        Entry {
            at: Position { service: Toy::NAME, shard: head.shard, epoch: head.epoch, seq: head.seq },
            hash: head.hash,
            kind: Arc::from("hotline.notify.v1.Told"),
            payload: self.bytes(),
            about: About {
                subject: self.chance(2).then(|| self.id()),
                branch: self.chance(2).then(|| self.text()),
                occurred_at: self.chance(3).then(|| self.time()),
            },
            actor: format!("person:{}", self.text()),
            cause: format!("request:{}", self.text()),
            hops: self.below(20) as u8,
            directory_seq: self.below(1 << 40),
            recorded_at: head.stamp,
            to,
            traceparent: self.text(),
        }
    }

    fn rows(&mut self, batch: &mut Batch) {
        for _ in 0..self.below(6) {
            let (table, id) = (if self.chance(3) { &BARE } else { &LEAF }, self.id());
            let key = RowKey { table: table.name, id };
            if batch.rows.iter().any(|(other, _)| *other == key) {
                continue;
            }
            let columns = if table.columns.is_empty() { Vec::new() } else { self.columns() };
            let put = (!self.chance(4)).then(|| (self.bytes(), columns));
            batch.rows.push((key, RowChange { table, put }));
        }
        for _ in 0..self.below(5) {
            let (name, id) = (["ring", "warn"][self.below(2) as usize].to_owned(), self.id());
            if !batch.timers.iter().any(|timer| (&timer.name, timer.id) == (&name, id)) {
                let due = (!self.chance(3)).then(|| self.time());
                batch.timers.push(TimerChange { name, id, due });
            }
        }
    }

    fn columns(&mut self) -> Vec<Value> {
        let mut values = vec![
            Value::Text(format!("{}\0{}", self.text(), self.text())),
            Value::Int(self.dice.random()),
            Value::Bool(self.chance(2)),
            Value::Time(self.time()),
            Value::Words((0..self.below(3)).map(|word| format!("word{word}")).collect()),
        ];
        for value in &mut values {
            if self.chance(4) {
                *value = Value::Null;
            }
        }
        values
    }

    fn marks(&mut self, batch: &mut Batch, memory: &Memory, held: &[Shard]) {
        let to = held[self.below(held.len() as u64) as usize];
        if self.chance(2) {
            let from = self.shards(8)[0];
            let service = [Service::Intake, Service::Dispatch][self.below(2) as usize];
            let source = Source { service, from, to, peer: self.chance(3) };
            let hash = if source.peer { [0; 32] } else { self.dice.random() };
            let cursor = Cursor { epoch: 1, seq: self.below(1 << 40), stream_seq: self.below(1 << 40), hash };
            batch.cursors.push((source, cursor));
        }
        for _ in 0..self.below(3) {
            self.requests += 1;
            let (epoch, seq) = (1, memory.head(to).seq);
            let id = Id::mint(self.time(), Bucket::of_hash(0), self.dice.random());
            let request = RequestKey { caller: self.text(), id };
            let (content, reply) = (self.dice.random(), self.bytes());
            batch.replies.push(Remembered { shard: to, request, content, reply, epoch, seq });
        }
        if self.chance(4) {
            // A second copy of an entry changes nothing.
            let seq = 1 + self.below(12);
            let kind = Arc::from("hotline.directory.v1.Kept");
            batch.directory.push(DirectoryEntry {
                seq,
                kind,
                payload: self.bytes(),
                recorded_at: self.time(),
            });
        }
        self.asides(batch, memory, held);
        if self.chance(6) {
            // Each epoch is opened once.
            self.requests += 1;
            let source = Source { service: Service::Intake, from: to, to, peer: self.chance(3) };
            let (at, from) = ((self.requests as u32, self.below(1 << 40)), (1, self.below(1 << 40)));
            let rewinding = Rewinding { source, own: self.chance(2), at, from, to: (1, self.below(1 << 40)) };
            batch.rewindings.push(rewinding);
        }
    }

    /// Breaks one promise of a batch, if it has what can be broken.
    pub fn spoil(&mut self, mut batch: Batch, memory: &Memory) -> Option<Spoilt> {
        let how = match self.below(3) {
            0 => {
                *batch.heads_before.first_mut()? += 1 + self.below(3);
                "a head that moved"
            }
            1 => {
                let first = batch.entries.first()?;
                let kept = memory.journal(first.at.shard, 0).next()?;
                let mut entry = (**first).clone();
                entry.at.seq = kept.at.seq;
                batch.entries[0] = Arc::new(entry);
                "an entry twice"
            }
            _ => {
                let again = batch.replies.first()?.clone();
                batch.replies.push(again);
                "a request twice"
            }
        };
        Some(Spoilt { batch, how })
    }

    pub fn plan(&mut self, memory: &Memory) -> LoadPlan {
        let mut rows: Vec<RowKey> = (0..self.below(12))
            .map(|_| RowKey { table: if self.chance(3) { BARE.name } else { LEAF.name }, id: self.id() })
            .collect();
        rows.sort();
        rows.dedup();
        LoadPlan { rows, requests: Vec::new(), queue: self.queue(memory) }
    }
}
