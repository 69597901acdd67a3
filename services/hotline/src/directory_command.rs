//! `hotline directory`: playbooks, calendars and business time. Branches and
//! people are imported by `hotline directory import`.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use chassis::Config;
use clap::{Subcommand, ValueEnum};
use proto::directory::v1::{ActivateCalendarRequest, ActivatePlaybookRequest, DocumentFile, MoveTimeRequest};

use crate::client::{Connection, explain, request_id};

#[derive(Debug, Subcommand)]
pub enum DirectoryCommand {
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

pub async fn activate_playbook(connection: &Connection, files: &[PathBuf]) -> anyhow::Result<()> {
    let files = files
        .iter()
        .map(|path| {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            Ok(DocumentFile { path: path.display().to_string(), text })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
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
