//! `hotline directory`: branches and people, playbooks, calendars, business time.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use chassis::Config;
use clap::{Subcommand, ValueEnum};
use directory::files::Reading;
use proto::directory::v1::{
    ActivateCalendarRequest, ActivatePlaybookRequest, DocumentFile, ImportRecordsRequest, MoveTimeRequest,
};

use crate::client::{Connection, explain, request_id};

#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
    /// Import branches and people: nodes.csv, persons.csv, a dealer list, or one YAML file.
    Import {
        files: Vec<PathBuf>,
        /// Under which node a dealer list is hung.
        #[arg(long, default_value = "")]
        parent: String,
    },
    /// Activate a playbook from its files.
    Playbook { files: Vec<PathBuf> },
    /// Activate calendars, each file one; parents first.
    Calendar { files: Vec<PathBuf> },
    /// Set how business time runs (refused in production).
    Time {
        mode: Mode,
        /// Business time, RFC 3339. Manual: from now on; accelerated: the origin.
        #[arg(long)]
        at: Option<String>,
        /// Business seconds per real second.
        #[arg(long, default_value_t = 1.0)]
        factor: f64,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    Real,
    Accelerated,
    Manual,
}

pub async fn carry_out(config: Config, command: DirectoryCommand) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    match command {
        DirectoryCommand::Import { files, parent } => {
            return import_files(&connection, &files, &parent).await;
        }
        DirectoryCommand::Playbook { files } => activate_playbook(&connection, &files).await?,
        DirectoryCommand::Calendar { files } => {
            for file in files {
                activate_calendar(&connection, &file).await?;
            }
        }
        DirectoryCommand::Time { mode, at, factor } => move_time(&connection, mode, at, factor).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Imports all files as one; bad rows are reported, good ones kept.
async fn import_files(connection: &Connection, files: &[PathBuf], parent: &str) -> anyhow::Result<ExitCode> {
    let mut whole = Reading::default();
    for path in files {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let reading = directory::files::read(&name, &bytes, parent)?;
        whole.nodes.extend(reading.nodes);
        whole.persons.extend(reading.persons);
        whole.bad.extend(reading.bad);
        whole.warnings.extend(reading.warnings);
    }
    let bad = import(connection, whole).await?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sends what was read to the directory and reports what did not fit.
pub async fn import(connection: &Connection, reading: Reading) -> anyhow::Result<usize> {
    let answer = connection
        .directory(&connection.system())
        .import_records(ImportRecordsRequest {
            request_id: request_id(),
            nodes: reading.nodes,
            persons: reading.persons,
        })
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?
        .into_inner();
    for record in &reading.warnings {
        eprintln!(
            "{} {}: kept without it: {} / {}",
            record.place, record.field, record.reason_zh, record.reason_en
        );
    }
    let bad: Vec<_> = reading.bad.iter().chain(&answer.bad).collect();
    for record in &bad {
        eprintln!("{} {}: {} / {}", record.place, record.field, record.reason_zh, record.reason_en);
    }
    println!(
        "{} nodes and {} persons written, {} unchanged, {} left out",
        answer.nodes,
        answer.persons,
        answer.unchanged,
        bad.len()
    );
    Ok(bad.len())
}

pub async fn activate_playbook(connection: &Connection, files: &[PathBuf]) -> anyhow::Result<()> {
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Ok((path.display().to_string(), text))
    };
    activate_texts(connection, &files.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?).await
}

/// Path and text of each of its files.
pub async fn activate_texts(connection: &Connection, texts: &[(String, String)]) -> anyhow::Result<()> {
    let file = |(path, text): &(String, String)| DocumentFile { path: path.clone(), text: text.clone() };
    let files = texts.iter().map(file).collect();
    let active = connection
        .directory(&connection.system())
        .activate_playbook(ActivatePlaybookRequest { request_id: request_id(), files })
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?
        .into_inner();
    println!("playbook {} version {} is active", active.id, active.version);
    Ok(())
}

pub async fn activate_calendar(connection: &Connection, file: &std::path::Path) -> anyhow::Result<()> {
    let source = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let active = connection
        .directory(&connection.system())
        .activate_calendar(ActivateCalendarRequest { request_id: request_id(), source })
        .await
        .map_err(|status| anyhow::anyhow!("{}: {}", file.display(), explain(&status)))?
        .into_inner();
    println!("calendar {} version {} is active", active.id, active.version);
    Ok(())
}

async fn move_time(
    connection: &Connection,
    mode: Mode,
    at: Option<String>,
    factor: f64,
) -> anyhow::Result<()> {
    let at = at
        .map(|text| {
            text.parse::<jiff::Timestamp>().with_context(|| format!("`{text}` is not an instant (RFC 3339)"))
        })
        .transpose()?;
    let mode = match mode {
        Mode::Real => "real",
        Mode::Accelerated => "accelerated",
        Mode::Manual => "manual",
    };
    connection
        .directory(&connection.system())
        .move_time(MoveTimeRequest {
            request_id: request_id(),
            mode: mode.to_owned(),
            business_at: at.map_or(0, |at| at.as_microsecond()),
            factor_milli: (factor * 1000.0).round().clamp(0.0, 1e12) as u64,
        })
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?;
    println!("business time is {mode}");
    Ok(())
}
