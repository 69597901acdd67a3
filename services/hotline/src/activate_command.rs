//! `hotline playbook activate`: a new version comes into force. Running cases stay under the version they were opened
//! under; what moving them would change is shown before, and moving them is a decision of its own, on record per case
//! with who and why.
//!
//! ```text
//! --preview       intake, page by page --> cases, judged anew --> watchdog, dispatch, follow-up: what of theirs changes
//! (neither)       directory: ActivatePlaybook
//! --move-running  activate, then the same pages: every case that can be moved is, one command each
//! ```
//!
//! A case that was moved is not found by the next run, so a run that was interrupted is simply started again.

mod preview;
mod shown;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::bail;
use chassis::Config;
use clap::Args;
use playbook::{Lang, Playbook};
use proto::{
    common::v1::{MoveTarget, PlaybookFile},
    intake::v1::MoveTicketRequest,
};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};

pub use preview::{Looked, Previews};

use crate::{
    client::{Connection, explain, request_id},
    directory_command,
    playbook::files,
};

/// A version that was activated a moment ago is on its way to the services.
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct Activate {
    /// The rule book: its files, or its folder.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Only show what would change for running cases; nothing is activated.
    #[arg(long, conflicts_with = "move_running")]
    pub preview: bool,
    /// Move running cases to it; those that cannot go on under it are listed and stay.
    #[arg(long, requires = "reason")]
    pub move_running: bool,
    /// Why they are moved, as a code: goes on record with each case.
    #[arg(long)]
    pub reason: Option<String>,
    /// Only cases of this version; else of all earlier ones.
    #[arg(long, default_value_t = 0)]
    pub from: u32,
    /// The administrator who orders it, by directory code; else the command line itself.
    #[arg(long)]
    pub person: Option<String>,
}

pub async fn carry_out(config: Config, activate: Activate) -> anyhow::Result<ExitCode> {
    let texts = files::texts(&activate.files)?;
    let book = files::load(&texts, Lang::En)?;
    let connection = Connection::open(config).await?;
    if activate.preview {
        let target = target(&connection, &activate, &book, &texts).await?;
        let mut previews =
            Previews::new(&connection, target, activate.from, activate.person.as_deref()).await?;
        return show(&mut previews).await;
    }
    directory_command::activate_texts(&connection, &texts).await?;
    let Some(reason) = activate.reason.filter(|_| activate.move_running) else {
        return Ok(ExitCode::SUCCESS);
    };
    let target = MoveTarget { playbook: book.id.clone(), version: book.version, candidate: Vec::new() };
    let mut previews = Previews::new(&connection, target, activate.from, activate.person.as_deref()).await?;
    let moved = move_running(&mut previews, book.version, &reason).await?;
    println!("{} cases moved to version {}, {} stay", moved.moved, book.version, moved.stay);
    Ok(if moved.stay == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The version by its number if it is in force already, else by its files.
async fn target(
    connection: &Connection,
    activate: &Activate,
    book: &Playbook,
    texts: &files::Texts,
) -> anyhow::Result<MoveTarget> {
    let active = MoveTarget { playbook: book.id.clone(), version: book.version, candidate: Vec::new() };
    let mut asked =
        Previews::new(connection, active.clone(), activate.from, activate.person.as_deref()).await?;
    match asked.page().await {
        Ok(_) => Ok(active),
        Err(status) if status.code() == Code::InvalidArgument => {
            let file =
                |(path, text): &(String, String)| PlaybookFile { path: path.clone(), text: text.clone() };
            Ok(MoveTarget { version: 0, candidate: texts.iter().map(file).collect(), ..active })
        }
        Err(status) => bail!(explain(&status)),
    }
}

async fn show(previews: &mut Previews) -> anyhow::Result<ExitCode> {
    let mut sum = shown::Sum::default();
    while let Some(page) = previews.next().await.map_err(|status| anyhow::anyhow!(explain(&status)))? {
        for looked in &page {
            print!("{}", shown::case(looked));
            sum.add(looked);
        }
        eprintln!("{} cases looked at", sum.cases);
    }
    print!("{sum}");
    Ok(ExitCode::SUCCESS)
}

/// What became of a move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    pub moved: usize,
    /// Could not be moved.
    pub stay: usize,
}

/// Moves what can be moved.
///
/// # Errors
/// A service does not answer, or refuses for another reason than one of the case's own.
pub async fn move_running(previews: &mut Previews, version: u32, reason: &str) -> anyhow::Result<Moved> {
    let mut done = Moved::default();
    // Asked again while the version is not known everywhere.
    let until = Instant::now() + PATIENCE;
    loop {
        let page = match previews.next().await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(done),
            Err(status) if is_on_its_way(&status) && Instant::now() < until => {
                sleep(AGAIN).await;
                continue;
            }
            Err(status) => bail!(explain(&status)),
        };
        for looked in page {
            if looked.is_blocked() {
                print!("{}", shown::case(&looked));
                done.stay += 1;
                continue;
            }
            match move_one(previews, &looked, version, reason).await {
                Ok(()) => done.moved += 1,
                Err(status) if status.code() == Code::FailedPrecondition => {
                    println!("{}  stays: {}", looked.reference.number, status.message());
                    done.stay += 1;
                }
                Err(status) => bail!("{}: {}", looked.reference.number, explain(&status)),
            }
        }
        eprintln!("{} cases moved, {} stay", done.moved, done.stay);
    }
}

async fn move_one(previews: &Previews, looked: &Looked, version: u32, reason: &str) -> Result<(), Status> {
    let request = MoveTicketRequest {
        request_id: request_id(),
        ticket_id: looked.reference.ticket_id.clone(),
        version,
        reason: reason.to_owned(),
    };
    let until = Instant::now() + PATIENCE;
    loop {
        match previews.intake().move_ticket(request.clone()).await {
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::Unavailable && Instant::now() < until => sleep(AGAIN).await,
            Err(status) => return Err(status),
        }
    }
}

/// The service has not read the version yet.
fn is_on_its_way(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::Unavailable)
}
