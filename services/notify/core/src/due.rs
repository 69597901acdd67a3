//! By when somebody is to act who is told so before any clock says it.

use organisation::Snapshot;
use playbook::Playbook;
use proto::Time;

use crate::{case::Known, signal::Signal};

/// When an approval that was just asked for is to be decided: the limit of its place in the chain,
/// on the branch's calendar. Only for the words of a message; the watchdog's clock judges.
pub(crate) fn of_approval(
    known: &Known,
    playbook: &Playbook,
    signal: &Signal,
    directory: &Snapshot,
) -> Option<Time> {
    let place = (signal.stage? as usize).checked_sub(1)?;
    let case_type = playbook.case_type(&known.matter.case_type)?;
    let asked = case_type.step(signal.subject.as_deref()?)?.approval.as_ref()?;
    let amount = signal.amount.as_ref().map_or_else(|| asked.amount_minor(&known.facts), |(_, minor)| *minor);
    let chain = playbook.matrix(&asked.matrix)?.chain(&asked.kind, amount, &known.facts)?;
    let limit = &chain.get(place)?.limit;
    let hours = directory.calendar_of(&known.matter.branch)?;
    hours.deadline(signal.at.to_timestamp(), limit, &[]).due.map(Time::from)
}
