//! The next try of a notice is due.

use chassis_core::{Due, Halt, Step};

use crate::{
    case::Case,
    notice::{Notice, NoticeState},
    report,
};

/// The timer's name; its id is the notice's.
pub(crate) const TIMER: &str = "retry";

pub(crate) fn again(due: &Due, step: &mut Step<'_>) -> Result<(), Halt> {
    let Some(notice) = step.get::<Notice>(due.id)? else { return Ok(()) };
    if !matches!(notice.state, NoticeState::Waiting { .. }) {
        return Ok(());
    }
    let known = step.get::<Case>(notice.ticket)?.and_then(|case| case.known);
    if known.is_some_and(|known| known.barred.contains(&notice.recipient)) {
        return report::fail(notice, "barred", true, step);
    }
    notice.queue(step);
    Ok(())
}
