//! What of a run comes next.

use proto::Time;

use crate::{ledger::Ledger, run::Run};

/// The smallest step of time: the due instant itself is still in time.
const JUST_AFTER: i64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Warn(usize),
    Breach,
    Rung(usize),
    Remind,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Next {
    pub at: Time,
    pub action: Action,
    /// Something unheard could still forestall it: only when every source has passed the moment.
    pub on_time: bool,
}

/// The next thing to be said of a run; its end comes after everything that came before the end.
pub(crate) fn next(run: &Run<'_>, ledger: &Ledger) -> Option<Next> {
    let timed = [warning(run, ledger), breach(run, ledger), rung(run, ledger), reminder(run, ledger)];
    let soonest = timed.into_iter().flatten().map(|(at, action)| Next { at, action, on_time: true }).min();
    soonest.or_else(|| {
        let end = run.end.filter(|_| ledger.is_live())?;
        Some(Next { at: end.at, action: Action::End, on_time: end.with_cycle })
    })
}

/// Nobody is warned of what is known to be done.
fn warning(run: &Run<'_>, ledger: &Ledger) -> Option<(Time, Action)> {
    if ledger.breach_said || !run.is_live() {
        return None;
    }
    let open = (0..run.clock.warn.len()).filter(|place| !ledger.warned.contains(&number(*place)));
    open.filter_map(|place| Some((run.warning_at(place)?, Action::Warn(place)))).min()
}

fn breach(run: &Run<'_>, ledger: &Ledger) -> Option<(Time, Action)> {
    let miss = run.miss().filter(|_| ledger.breached.is_none())?;
    Some((miss.from.plus(JUST_AFTER), Action::Breach))
}

/// Rungs fire in order: the next one waits for the one before.
fn rung(run: &Run<'_>, ledger: &Ledger) -> Option<(Time, Action)> {
    ledger.breached?;
    let place = ledger.rungs.len();
    Some((run.rung_at(place)?.plus(JUST_AFTER), Action::Rung(place)))
}

fn reminder(run: &Run<'_>, ledger: &Ledger) -> Option<(Time, Action)> {
    let at = run.reminder_at(ledger.repeated).filter(|_| run.is_live())?;
    Some((at, Action::Remind))
}

/// Places in a playbook's lists are few.
pub(crate) fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
