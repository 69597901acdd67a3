//! Every case as all services show it, asked for over the contracts.

use std::{collections::HashMap, time::Duration};

use chassis_core::Actor;
use futures::{StreamExt, stream};
use proto::{
    Id,
    dispatch::v1::GetWorkRequest,
    intake::v1::GetTicketRequest,
    reporting::v1::{GetRowRequest, ListTicketsRequest, Row},
    sla_watchdog::v1::GetClocksRequest,
};
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::{
    client::{Connection, explain},
    verify::{
        Audit, Class,
        seen::{self, Seen},
    },
};

/// How many tickets are asked for at once.
const ASKING: usize = 32;
const POLL: Duration = Duration::from_millis(300);

/// What disagrees is asked again until it agrees or the time is
/// up: something may have been under way.
pub(super) async fn compare(
    connection: &Connection,
    until: Instant,
    audit: &mut Audit,
) -> anyhow::Result<()> {
    let rows = rows(connection, audit).await?;
    let actor = connection.system();
    let cases = std::mem::take(&mut audit.cases);
    let mut open: Vec<(Id, Option<seen::Row>)> = cases
        .iter()
        // What its events rested on was taken back: people compare it.
        .filter(|(id, case)| case.opened > 0 && !audit.withdrawn.concerns(*id))
        .map(|(id, _)| (id, rows.get(&id).cloned()))
        .collect();
    loop {
        let last_time = Instant::now() >= until;
        let mut asked = stream::iter(open.drain(..).map(|(id, row)| {
            let (connection, actor) = (connection, &actor);
            async move { look(connection, actor, id, row).await.map(|seen| (id, seen)) }
        }))
        .buffer_unordered(ASKING);
        let mut again = Vec::new();
        while let Some(answer) = asked.next().await {
            let (id, seen) =
                answer.map_err(|status| anyhow::anyhow!("asking for tickets: {}", explain(&status)))?;
            let Some(case) = cases.get(id) else { continue };
            if last_time {
                seen.compare(&id.to_string(), case, &mut audit.findings);
            } else if !seen.agrees(&id.to_string(), case) {
                again.push((id, None));
            }
        }
        drop(asked);
        if again.is_empty() {
            break;
        }
        open = again;
        tokio::time::sleep(POLL).await;
    }
    audit.cases = cases;
    Ok(())
}

/// The whole read model.
async fn rows(connection: &Connection, audit: &mut Audit) -> anyhow::Result<HashMap<Id, seen::Row>> {
    let mut reporting = connection.reporting(&connection.system());
    let mut rows = HashMap::new();
    let mut ask = ListTicketsRequest { limit: 200, ..ListTicketsRequest::default() };
    loop {
        let page = reporting
            .list_tickets(ask.clone())
            .await
            .map_err(|status| anyhow::anyhow!("the read model: {}", explain(&status)))?
            .into_inner();
        for (id, row) in page.rows.into_iter().filter_map(row) {
            if rows.insert(id, row).is_some() && page.next_cursor.is_empty() {
                audit.findings.add(Class::Doubled, "row-twice", id, "the read model lists it twice");
            }
        }
        if page.next_cursor.is_empty() || page.next_cursor == ask.after_cursor {
            return Ok(rows);
        }
        ask.after_cursor = page.next_cursor;
    }
}

fn row(row: Row) -> Option<(Id, seen::Row)> {
    let ticket = row.ticket?;
    Some((ticket.ticket_id.parse().ok()?, seen::Row { state: row.state, cycle: ticket.cycle }))
}

/// `None` for what is not known there.
fn known<T>(answer: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(status) if status.code() == Code::NotFound => Ok(None),
        Err(status) => Err(status),
    }
}

/// A row at hand is used; the others are asked for.
async fn look(
    connection: &Connection,
    actor: &Actor,
    id: Id,
    row_at_hand: Option<seen::Row>,
) -> Result<Seen, Status> {
    let ticket_id = id.to_string();
    let ask = GetTicketRequest { ticket_id: ticket_id.clone(), ..GetTicketRequest::default() };
    let ticket = known(connection.intake(actor).get_ticket(ask).await)?.and_then(|answer| answer.ticket);
    let ask = GetWorkRequest { ticket_id: ticket_id.clone(), reveal_reason: String::new() };
    let work = known(connection.dispatch(actor).get_work(ask).await)?.and_then(|answer| answer.work);
    let ask = GetClocksRequest { ticket_id: ticket_id.clone() };
    let clocks = known(connection.watchdog(actor).get_clocks(ask).await)?;
    let seen_row = match row_at_hand {
        Some(row) => Some(row),
        None => {
            let ask = GetRowRequest { ticket_id, after: None };
            known(connection.reporting(actor).get_row(ask).await)?
                .and_then(|answer| row(answer.row?))
                .map(|(_, row)| row)
        }
    };
    Ok(Seen {
        ticket: ticket.map(|ticket| seen::Ticket {
            open: ticket.state == "open",
            cycle: ticket.r#ref.as_ref().map_or(0, |reference| reference.cycle),
            told_of: ticket.answered && ticket.resolved && ticket.told,
        }),
        work: work.map(|work| seen::Work {
            held: !work.assignee.is_empty() || !work.role.is_empty(),
            state: work.state,
        }),
        chase: clocks.map(|answer| {
            let any =
                |states: &[&str]| answer.clocks.iter().any(|clock| states.contains(&clock.state.as_str()));
            seen::Chase { live: any(&["running", "paused", "breached"]), running: any(&["running"]) }
        }),
        row: seen_row,
    })
}
