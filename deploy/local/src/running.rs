//! One server as a child process: started, waited for, stopped, killed.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Error, OnFile, Result};
use crate::keeper;

const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(5);
const TAIL_LINES: usize = 15;

pub(crate) struct Running {
    engine: &'static str,
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts the command in a process group of its own: a Ctrl-C in the terminal is for us, and we stop the engines
    /// after those who use them.
    pub(crate) fn spawn(engine: &'static str, mut command: Command, log: &Path) -> Result<Running> {
        let out = append_to(log)?;
        let err = out.try_clone().on("write", log)?;
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = keeper::spawn(command).map_err(|source| Error::Run { program, source })?;
        Ok(Running { engine, child, log: log.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until `ready` says so; fails at once when the server ends instead.
    pub(crate) async fn until(&mut self, mut ready: impl AsyncFnMut(u32) -> bool) -> Result<()> {
        let began = Instant::now();
        while !ready(self.pid()).await {
            if let Some(status) = self.exited() {
                return Err(Error::Ended {
                    engine: self.engine,
                    status,
                    log: self.log.clone(),
                    tail: tail(&self.log),
                });
            }
            if began.elapsed() > READY_WITHIN {
                return Err(Error::NotReady {
                    engine: self.engine,
                    seconds: READY_WITHIN.as_secs(),
                    log: self.log.clone(),
                    tail: tail(&self.log),
                });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Asks with `signal`, then waits; a server that does not follow in time is killed.
    pub(crate) async fn stop(mut self, signal: Signal, limit: Duration) {
        keeper::signal(self.pid(), signal);
        let began = Instant::now();
        while self.exited().is_none() && began.elapsed() < limit {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// SIGKILL, and the entry in the process table taken away.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exited().is_none() {
            self.kill();
        }
    }
}

fn append_to(log: &Path) -> Result<File> {
    OpenOptions::new().create(true).append(true).open(log).on("write", log)
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
