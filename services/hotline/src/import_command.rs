//! `hotline import`: cases out of a table.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use chassis::Config;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::civil::Date;

use crate::{
    client::Connection,
    import::{self, Bad, Options, Progress, Summary},
};

/// Bad rows shown; the others are in the file of --bad.
const SHOWN: usize = 20;

/// Opens a case for every row of a table.
///
/// A second run of the same table adds nothing: each row's request ids come from the source's name (or the file's
/// digest), the row's key (or its content) and a stamp, which is the beginning of the day of the first import and is kept
/// in `imports/<source>.json` in the state folder. The services remember requests for 72 hours. So a table that was first
/// imported more than 60 hours ago is refused; --again takes a new stamp and opens every case once more.
///
/// Bad rows are reported with line, column and reason, the good ones are kept.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Import {
    /// A CSV file, plain or gzipped (`.gz`), with the columns' names in its first line.
    pub file: PathBuf,
    /// Which column becomes what: see `deploy/imports/`.
    #[arg(long)]
    pub mapping: PathBuf,
    /// Only the first rows.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Check every row here and with intake, open nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write bad rows with their reasons to this CSV file. Put right, it can be imported like the first.
    #[arg(long)]
    pub bad: Option<PathBuf>,
    /// Open every case once more although the table was imported before.
    #[arg(long)]
    pub again: bool,
    /// The day that times without a date belong to; else the day of the first import.
    #[arg(long)]
    pub day: Option<Date>,
    /// How many rows are on their way at once.
    #[arg(long, default_value_t = import::CONCURRENCY)]
    pub concurrency: usize,
}

pub async fn carry_out(config: Config, command: Import) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    let bar = bar();
    let options = Options {
        file: command.file,
        mapping: command.mapping,
        limit: command.limit,
        dry_run: command.dry_run,
        bad: command.bad,
        again: command.again,
        day: command.day,
        concurrency: command.concurrency,
    };
    let (dry_run, bad_file) = (options.dry_run, options.bad.clone());
    let outcome = import::run(&connection, options, |progress| show(&bar, progress)).await;
    bar.finish_and_clear();
    let summary = outcome?;
    summary.bad.iter().take(SHOWN).for_each(|bad| eprintln!("{}", line(bad)));
    if summary.bad.len() > SHOWN {
        let more = summary.bad.len() - SHOWN;
        let place = bad_file
            .map_or("see them all with --bad FILE".to_owned(), |path| format!("all in {}", path.display()));
        eprintln!("... and {more} more; {place}");
    }
    println!("{}", totals(&summary, dry_run));
    Ok(if summary.bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Only people at a terminal want to see it move.
fn bar() -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {per_sec}  {msg}");
    let bar = ProgressBar::with_draw_target(None, target);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.total as u64);
    bar.set_position(progress.done as u64);
    if progress.bad > 0 {
        bar.set_message(format!("{} bad", progress.bad));
    }
}

fn line(bad: &Bad) -> String {
    let reasons = bad.wrong.iter().map(|wrong| match wrong.column.as_str() {
        "" => format!("{} / {}", wrong.zh, wrong.en),
        column => format!("{column}: {} / {}", wrong.zh, wrong.en),
    });
    format!("line {}: {}", bad.line, reasons.collect::<Vec<_>>().join("; "))
}

fn totals(summary: &Summary, dry_run: bool) -> String {
    let (rows, bad) = (summary.rows, summary.bad.len());
    if dry_run {
        return format!("{rows} rows: {} fit, {bad} bad; nothing was opened", summary.fit);
    }
    format!("{rows} rows: {} opened, {} already there, {bad} bad", summary.opened(), summary.already_there())
}
