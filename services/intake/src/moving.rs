//! Running cases and another version of their rule book: page by page how it would judge them, and the move itself.

use chassis::{
    Handle,
    moving::{MOST_CASES, Target, preview},
    rpc::{Caller, parse_id},
};
use chassis_core::Refusal;
use intake_core::{Command, Intake, Ticket, command::Move, moving};
use organisation::facts;
use proto::{
    common::v1::{MoveChange, MovingCase},
    intake::v1 as wire,
};
use uuid::Uuid;

use crate::read;

pub(crate) async fn page(
    handle: &Handle<Intake>,
    caller: &Caller,
    asked: &wire::PreviewMoveRequest,
) -> Result<wire::PreviewMoveResponse, Refusal> {
    let target = Target::of(&handle.directory(), asked.target.as_ref())?;
    let after = match asked.after.as_str() {
        "" => Uuid::nil(),
        text => parse_id("after", text)?.uuid(),
    };
    let limit = match usize::try_from(asked.limit) {
        Ok(limit @ 1..=MOST_CASES) => limit,
        _ => MOST_CASES,
    };
    let tickets = read::open(handle.reads(), after, caller.actor(), limit).await?;
    let next = tickets.last().filter(|_| tickets.len() == limit).map(|ticket| ticket.id.to_string());
    let concerned = |ticket: &&Ticket| {
        let known = ticket.playbook.version;
        ticket.playbook.id == target.playbook
            && known != target.version
            && (asked.from == 0 || asked.from == known)
    };
    let cases = tickets.iter().filter(concerned).map(|ticket| look(ticket, &target)).collect();
    Ok(wire::PreviewMoveResponse { cases, next: next.unwrap_or_default() })
}

fn look(ticket: &Ticket, target: &Target) -> wire::PreviewedMove {
    let moved = moving::under(ticket, target.version, &target.directory);
    let facts = moved.as_ref().map_or_else(|_| Vec::new(), |moved| facts::to_proto(&moved.facts));
    let id = ticket.id.to_string();
    let found = moved.map(|moved| changes(ticket, &moved));
    wire::PreviewedMove {
        r#ref: Some(ticket.reference()),
        preview: Some(preview(&id, found)),
        moving: Some(MovingCase { ticket_id: id, facts }),
    }
}

fn changes(ticket: &Ticket, moved: &Ticket) -> Vec<MoveChange> {
    let (old, new) = (&ticket.judged, &moved.judged);
    [("category", &old.category, &new.category), ("severity", &old.severity, &new.severity)]
        .into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(kind, old, new)| MoveChange {
            kind: kind.to_owned(),
            change: "changed".to_owned(),
            before: vec![old.clone()],
            after: vec![new.clone()],
            ..Default::default()
        })
        .collect()
}

pub(crate) fn command(asked: &wire::MoveTicketRequest) -> Result<Command, Refusal> {
    let ticket = parse_id("ticket_id", &asked.ticket_id)?;
    Ok(Command::Move(Move { ticket, version: asked.version, reason: asked.reason.clone() }))
}
