//! `hotline verify`: lost nothing, doubled nothing.

use std::{process::ExitCode, time::Duration};

use chassis::Config;
use clap::Args;

use crate::{
    client::Connection,
    verify::{collect, report},
};

/// Compares what the services recorded, what the event stream carries and what each of them shows.
///
/// Journals without gaps and chained by hash; every entry in the stream, unchanged; every case with its work, its clocks
/// and its row; nothing carried out, breached, raised or told twice; promises P4, P5 and P9 as far as journals show them.
/// The last line is `lost N, doubled M`; the exit code is 1 if anything at all was found.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Verify {
    /// Wait so many seconds for what is under way.
    #[arg(long, default_value_t = 10)]
    pub wait: u64,
    /// One JSON object on standard output; the last line goes to standard error.
    #[arg(long)]
    pub json: bool,
}

pub async fn carry_out(config: Config, command: Verify) -> anyhow::Result<ExitCode> {
    let connection = Connection::open(config).await?;
    let audit = collect::audit(&connection, Duration::from_secs(command.wait)).await?;
    let verdict = ::audit::verdict(&audit.findings);
    if command.json {
        println!("{}", report::json(&audit));
        eprintln!("{verdict}");
    } else {
        println!("{}\n{verdict}", report::table(&audit));
    }
    Ok(if audit.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
