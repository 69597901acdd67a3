//! Cases out of a table.
//!
//! ```text
//! file --table.rs--> lines --row.rs + mapping.rs (invent.rs)--> cases --send.rs--> Identify, OpenTicket
//!                                                          stamp.rs: request ids
//! ```
//!
//! Invariants
//! * A second run adds nothing: a row's request ids come from the source, the row and a stamp that is kept.
//! * A bad row is reported with line, column and reason, and the good ones are kept.
//! * Where the source names nobody, contacts are invented; they never come out of a text.

pub mod bad;
pub mod invent;
pub mod mapping;
pub mod row;
#[cfg(test)]
mod samples;
pub mod send;
pub mod stamp;
pub mod table;
mod value;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use futures::{StreamExt, stream};
use jiff::{Timestamp, civil::Date};
use proto::{Shard, directory::v1::ListNodesRequest, journal::v1::HeadsRequest};
use thiserror::Error;
use tonic::Status;

pub use bad::{Bad, Wrong};
pub use mapping::Mapping;
use row::{Branch, Ground};
use send::{Sender, Sent};
use stamp::Stamp;
use table::Table;

use crate::client::{Connection, explain};

/// How many rows are on their way at once.
pub const CONCURRENCY: usize = 32;

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Options {
    pub file: PathBuf,
    pub mapping: PathBuf,
    /// Only the first rows.
    pub limit: Option<usize>,
    /// Check everything, open nothing.
    pub dry_run: bool,
    /// Where bad rows are written.
    pub bad: Option<PathBuf>,
    /// Import once more although it was imported before: opens every case again.
    pub again: bool,
    /// The day that times without a date belong to; else the day of the first import.
    pub day: Option<Date>,
    pub concurrency: usize,
}

impl Options {
    pub fn new(file: impl Into<PathBuf>, mapping: impl Into<PathBuf>) -> Options {
        Options {
            file: file.into(),
            mapping: mapping.into(),
            limit: None,
            dry_run: false,
            bad: None,
            again: false,
            day: None,
            concurrency: CONCURRENCY,
        }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub total: usize,
    pub bad: usize,
}

/// A row that has its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub line: u64,
    pub ticket_id: String,
    pub number: String,
    /// By this run; else by an earlier one.
    pub fresh: bool,
}

/// What became of a table.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    pub rows: usize,
    /// In the order of the table. Empty after a dry run.
    pub tickets: Vec<Opened>,
    /// Rows that would be opened (dry run).
    pub fit: usize,
    pub bad: Vec<Bad>,
}

impl Summary {
    pub fn opened(&self) -> usize {
        self.tickets.iter().filter(|ticket| ticket.fresh).count()
    }

    pub fn already_there(&self) -> usize {
        self.tickets.len() - self.opened()
    }
}

#[derive(Debug, Error)]
pub enum ImportError {
    #[error(transparent)]
    Mapping(#[from] mapping::MappingError),
    #[error(transparent)]
    Table(#[from] table::TableError),
    #[error(transparent)]
    Stamp(#[from] stamp::StampError),
    #[error("bad rows cannot be written to {path}")]
    Bad { path: PathBuf, source: csv::Error },
    #[error("{0}: the branches cannot be asked for")]
    Branches(String),
    #[error("the directory has no branch yet: import the organisation first (`hotline directory import`)")]
    NoBranch,
    #[error(
        "stopped at line {line} after {opened} cases: {reason}. What is open stays open; run the same command again, it goes on from there"
    )]
    Interrupted { line: u64, opened: usize, reason: String },
}

/// Imports a table. `on_progress` hears of every row.
pub async fn run(
    connection: &Connection,
    options: Options,
    mut on_progress: impl FnMut(Progress),
) -> Result<Summary, ImportError> {
    let mapping = Mapping::read(&options.mapping)?;
    let table = Table::read(&options.file, mapping.encoding, mapping.delimiter)?;
    table.must_have(&mapping.columns())?;
    let source = mapping.source.clone().unwrap_or_else(|| table.digest.clone());
    // Everything that can fail before the stamp is noted comes before it.
    let branches = branches(connection).await?;
    let folder = connection.config.state_dir.join("imports");
    let stamp = Stamp::of(&folder, &source, now(), mapping.day_zone(), &options)?;
    let ground = Ground { branches, day: stamp.day, at: stamp.at, source };
    let mut summary =
        Summary { rows: table.lines.len().min(options.limit.unwrap_or(usize::MAX)), ..Summary::default() };
    let (cases, bad) = row::read_all(&table, summary.rows, &mapping, &ground);
    summary.bad = bad;
    let total = summary.rows;
    let progress = move |done: usize, bad: usize| Progress { done, total, bad };
    on_progress(progress(summary.bad.len(), summary.bad.len()));
    let heads = heads(connection).await.map_err(|status| ImportError::Interrupted {
        line: 0,
        opened: 0,
        reason: explain(&status),
    })?;
    let sender = Sender::new(connection, &mapping, &ground.source, stamp.at, options.dry_run);
    let mut sending = stream::iter(cases)
        .map(|case| {
            let sender = sender.clone();
            async move { (case.line, sender.send(&case).await) }
        })
        .buffer_unordered(options.concurrency.max(1));
    let mut done = summary.bad.len();
    while let Some((line, sent)) = sending.next().await {
        match sent {
            Sent::Opened(answer) => summary.tickets.push(opened(line, answer, &heads)),
            Sent::Fits => summary.fit += 1,
            Sent::Bad(wrong) => summary.bad.push(Bad { line, wrong }),
            Sent::Down(status) => {
                let reason = explain(&status);
                return Err(ImportError::Interrupted { line, opened: summary.opened(), reason });
            }
        }
        done += 1;
        on_progress(progress(done, summary.bad.len()));
    }
    summary.tickets.sort_by_key(|ticket| ticket.line);
    summary.bad.sort_by_key(|bad| bad.line);
    write_bad(options.bad.as_deref(), &table, &summary.bad)?;
    Ok(summary)
}

fn write_bad(path: Option<&Path>, table: &Table, bad: &[Bad]) -> Result<(), ImportError> {
    let Some(path) = path else { return Ok(()) };
    bad::write(path, table, bad).map_err(|source| ImportError::Bad { path: path.to_owned(), source })
}

/// A case whose place in the journal lies at or before the heads of the beginning was there before.
fn opened(
    line: u64,
    answer: proto::intake::v1::OpenTicketResponse,
    heads: &HashMap<Shard, (u32, u64)>,
) -> Opened {
    let at = answer.position.unwrap_or_default();
    let head = Shard::new(at.shard as u16).and_then(|shard| heads.get(&shard)).copied().unwrap_or_default();
    Opened { line, ticket_id: answer.ticket_id, number: answer.number, fresh: (at.epoch, at.seq) > head }
}

async fn heads(connection: &Connection) -> Result<HashMap<Shard, (u32, u64)>, Status> {
    let answer = connection.journal(proto::Service::Intake).heads(HeadsRequest {}).await?.into_inner();
    let head =
        |head: proto::journal::v1::Head| Some((Shard::new(head.shard as u16)?, (head.epoch, head.seq)));
    Ok(answer.heads.into_iter().filter_map(head).collect())
}

/// All branches that are not closed down, by code.
async fn branches(connection: &Connection) -> Result<Vec<Branch>, ImportError> {
    let mut directory = connection.directory(&connection.system());
    let mut found: Vec<Branch> = Vec::new();
    let mut after = String::new();
    loop {
        let ask = ListNodesRequest { level: "branch".to_owned(), after: after.clone(), limit: 1_000 };
        let answer =
            directory.list_nodes(ask).await.map_err(|status| ImportError::Branches(explain(&status)))?;
        let nodes = answer.into_inner().nodes;
        let Some(last) = nodes.last() else { break };
        after.clone_from(&last.code);
        found.extend(
            nodes
                .into_iter()
                .filter(|node| !node.closed)
                .map(|node| Branch { code: node.code, name: node.name }),
        );
    }
    if found.is_empty() { Err(ImportError::NoBranch) } else { Ok(found) }
}

/// Request ids are dated by the caller's clock.
#[allow(clippy::disallowed_methods, reason = "a caller's request id is dated by the caller's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
