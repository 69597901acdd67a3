//! The one thing that can be asked of the watchdog: to look again.

use chassis_core::{Halt, Step};
use proto::{Id, Time};
use serde::{Deserialize, Serialize};

use crate::{case::Case, judge};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Computes the open clocks of a case anew: a calendar has a new version. What was judged stays judged.
    Reproject { ticket: Id },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// When something of the case is due next; `None`: nothing runs.
    Reprojected { next_due: Option<Time> },
}

impl Command {
    pub(crate) fn ticket(&self) -> Id {
        match self {
            Command::Reproject { ticket } => *ticket,
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
    }
}
