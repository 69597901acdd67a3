//! What somebody may do with a case now, or why not: the same gates that the commands pass.

use chassis_core::{Actor, Refusal};
use organisation::Snapshot;
use proto::Time;

use crate::{access, close, judge, note, reopen, state::Ticket};

/// An action on a case, and the refusal that stands in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub action: &'static str,
    pub refusal: Option<Refusal>,
}

/// Every action that intake knows, in the order in which the console shows them.
pub fn allowed_actions(ticket: &Ticket, directory: &Snapshot, actor: &Actor, now: Time) -> Vec<Action> {
    let touch = || access::may_touch(directory, actor, ticket);
    let open = || touch().and_then(|()| note::must_be_open(ticket));
    let gate = |refusal: Option<Refusal>| refusal.map_or(Ok(()), Err);
    let close = || {
        open()?;
        gate(close::refusal(ticket, judge::case_type(directory, ticket)?))
    };
    let reopen = || {
        touch()?;
        gate(reopen::refusal(ticket, judge::case_type(directory, ticket)?, directory, now))
    };
    let action = |action, gate: Result<(), Refusal>| Action { action, refusal: gate.err() };
    vec![
        action("note", open()),
        action("reclassify", open()),
        action("close", close()),
        action("reopen", reopen()),
    ]
}
