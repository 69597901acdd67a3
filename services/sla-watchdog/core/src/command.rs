//! What can be asked of the watchdog: to look again, and for more time.

use chassis_core::{Halt, Step};
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

use crate::{case::Case, extend, judge};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Computes the open clocks of a case anew: a calendar has a new version. What was judged stays judged.
    Reproject {
        ticket: Id,
    },
    AskExtension(AskExtension),
    DecideExtension(DecideExtension),
}

/// More time for a running clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskExtension {
    pub ticket: Id,
    pub cycle: u32,
    pub clock: String,
    pub instance: String,
    /// As playbooks write limits; `None`: as much as may be granted.
    pub longer: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecideExtension {
    pub ticket: Id,
    pub cycle: u32,
    pub clock: String,
    pub instance: String,
    pub number: u32,
    pub granted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// When something of the case is due next; `None`: nothing runs.
    Reprojected {
        next_due: Option<Time>,
    },
    ExtensionAsked {
        number: u32,
    },
    /// The deadline from now on; `None` while the clock stands still.
    ExtensionDecided {
        due: Option<Time>,
    },
}

impl Command {
    pub fn ticket(&self) -> Id {
        match self {
            Command::Reproject { ticket }
            | Command::AskExtension(AskExtension { ticket, .. })
            | Command::DecideExtension(DecideExtension { ticket, .. }) => *ticket,
        }
    }
}

pub(crate) fn carry_out(command: &Command, step: &mut Step<'_>) -> Result<Reply, Halt> {
    match command {
        Command::Reproject { ticket } => {
            let mut case = step.need::<Case>(*ticket, "案件", "case")?;
            judge::settle(&mut case, &[], false, step)?;
            step.put(&case);
            Ok(Reply::Reprojected { next_due: case.next_due().map(|(due, _)| due) })
        }
        Command::AskExtension(wanted) => extend::ask(wanted, step),
        Command::DecideExtension(decision) => extend::decide(decision, step),
    }
}
