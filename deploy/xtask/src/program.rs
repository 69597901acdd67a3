//! A long-running program as the foreground of a command: signals go to it, its exit code comes back.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use local_engines::keeper::{self, OnOurDeath, Signal};
use tokio::signal::unix::{SignalKind, signal};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A command that runs `program` tied to this process: it is asked to end should we be killed.
#[must_use]
pub fn tied(program: &Path) -> Command {
    keeper::tied(program, OnOurDeath::Terminate)
}

/// Runs the command to its end, passing on each interrupt and termination exactly once: it gets a process group of its
/// own, because a terminal sends Ctrl-C to the whole group of ours and the second one may mean "at once".
pub async fn run(mut command: Command) -> Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    command.stdin(Stdio::null()).process_group(0);
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = keeper::spawn(command).with_context(|| format!("cannot run {name}"))?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => keeper::signal(child.id(), Signal::INT),
            _ = terminate.recv() => keeper::signal(child.id(), Signal::TERM),
            () = tokio::time::sleep(LOOK_EVERY) => {
                if let Some(status) = ended(&mut child)? {
                    return Ok(status);
                }
            }
        }
    }
}

/// Waits for Ctrl-C or a termination.
pub async fn until_asked_to_end() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The program's own code, or 128 + the signal it died of, as shells have it.
#[must_use]
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|it| 128 + it));
    let code = code.and_then(|it| u8::try_from(it).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn ended(child: &mut Child) -> Result<Option<ExitStatus>> {
    child.try_wait().context("cannot wait for the program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_programs_own() {
        let code = |raw| exit_code(ExitStatus::from_raw(raw));
        assert_eq!(code(3 << 8), ExitCode::from(3));
        assert_eq!(code(9), ExitCode::from(137));
        assert_eq!(code(0), ExitCode::SUCCESS);
    }
}
