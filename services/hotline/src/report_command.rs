//! `hotline report`: the week or the month as a document.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use chassis::Config;
use clap::{Args, ValueEnum};
use jiff::{civil::Date, tz::TimeZone};
use proto::{Time, reporting::v1::IssueReportRequest};

use crate::client::{Connection, explain, request_id};

/// Issues the figures of a period; their digest goes on record.
#[derive(Debug, Args)]
pub struct Report {
    pub period: Period,
    /// Which rule book; needed if there are several.
    #[arg(long, default_value = "")]
    pub playbook: String,
    /// A day within the period; else the current one.
    #[arg(long)]
    pub at: Option<Date>,
    #[arg(long, default_value = "table")]
    pub format: Format,
    #[arg(long, default_value = "zh-CN")]
    pub language: Language,
    /// Write it to a file; a folder: under the name that it was issued with.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Period {
    Weekly,
    Monthly,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// UTF-8 with a mark, as Excel opens it.
    Csv,
    Table,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Language {
    #[value(name = "zh-CN", alias = "zh")]
    Chinese,
    En,
}

pub async fn carry_out(config: Config, command: Report) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    let out = command.out.clone();
    let issued = connection
        .reporting(&connection.system())
        .issue_report(request(command)?)
        .await
        .map_err(|status| anyhow::anyhow!(explain(&status)))?
        .into_inner();
    let Some(path) = out else {
        std::io::stdout().write_all(&issued.document)?;
        return Ok(ExitCode::SUCCESS);
    };
    let path = if path.is_dir() { path.join(&issued.file_name) } else { path };
    std::fs::write(&path, &issued.document)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    println!("{}  {}", path.display(), issued.digest);
    Ok(ExitCode::SUCCESS)
}

fn request(command: Report) -> anyhow::Result<IssueReportRequest> {
    Ok(IssueReportRequest {
        request_id: request_id(),
        playbook: command.playbook,
        period: match command.period {
            Period::Weekly => "weekly",
            Period::Monthly => "monthly",
        }
        .to_owned(),
        at: command.at.map(noon).transpose()?.map_or(0, |at| at.0),
        format: match command.format {
            Format::Csv => "csv",
            Format::Table => "table",
        }
        .to_owned(),
        language: match command.language {
            Language::Chinese => "zh-CN",
            Language::En => "en",
        }
        .to_owned(),
    })
}

/// Noon lies within the day in every zone of the country.
fn noon(day: Date) -> anyhow::Result<Time> {
    let zone = TimeZone::get("Asia/Shanghai").context("no time zones on this machine")?;
    let at = day.at(12, 0, 0, 0).to_zoned(zone).with_context(|| format!("{day} is out of range"))?;
    Ok(at.timestamp().into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        report: Report,
    }

    fn asked(words: &[&str]) -> IssueReportRequest {
        request(Line::try_parse_from([&["report"], words].concat()).unwrap().report).unwrap()
    }

    #[test]
    fn flags_become_a_request() {
        let month = asked(&["monthly", "--at", "2026-03-09", "--format", "csv", "--language", "en"]);
        assert_eq!(
            (month.period.as_str(), month.format.as_str(), month.language.as_str()),
            ("monthly", "csv", "en")
        );
        assert_eq!(Time(month.at).to_string(), "2026-03-09T04:00:00Z");
        let week = asked(&["weekly"]);
        assert_eq!((week.at, week.language.as_str(), week.format.as_str()), (0, "zh-CN", "table"));
    }
}
