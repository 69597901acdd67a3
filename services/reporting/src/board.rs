//! A page of a board, soonest deadline first.

use chassis::handle::{decode, store_failed};
use chassis_core::Refusal;
use proto::{
    Id,
    common::v1::{PlaybookRef, TicketRef},
    reporting::v1 as said,
};
use reporting_core::{Row, State, row::NO_DEADLINE};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{read, scope::Scope};

const USUAL: u32 = 50;
const MOST: u32 = 500;
/// All that is not closed.
const OPEN: &str = "open";

/// Where a page ended: `<microseconds>.<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    rank_at: i64,
    id: Uuid,
}

impl Cursor {
    const START: Cursor = Cursor { rank_at: i64::MIN / 1_000_000, id: Uuid::nil() };

    fn of(row: &Row) -> Cursor {
        let due = row.next_clock().map_or(NO_DEADLINE, |(_, due)| due);
        Cursor { rank_at: due.0, id: row.id.uuid() }
    }

    fn parse(text: &str) -> Result<Cursor, Refusal> {
        if text.is_empty() {
            return Ok(Cursor::START);
        }
        let parsed = text.split_once('.').and_then(|(rank_at, id)| {
            let id: Id = id.parse().ok()?;
            Some(Cursor { rank_at: rank_at.parse().ok()?, id: id.uuid() })
        });
        parsed
            .ok_or_else(|| Refusal::field("after_cursor", "不是有效的翻页标记。", "is not a cursor of ours"))
    }

    fn text(self) -> String {
        format!("{}.{}", self.rank_at, self.id)
    }
}

/// Rows and where the next page begins; empty when there is none.
pub struct Page {
    pub rows: Vec<Row>,
    pub next: String,
}

pub async fn page(pool: &PgPool, scope: &Scope, wanted: &said::ListTicketsRequest) -> Result<Page, Refusal> {
    check_state(&wanted.state)?;
    let cursor = Cursor::parse(&wanted.after_cursor)?;
    let limit = if wanted.limit == 0 { USUAL } else { wanted.limit.min(MOST) };
    let mut statement = read::board(scope, wanted, (cursor.rank_at, cursor.id), limit);
    let bodies: Vec<Vec<u8>> =
        statement.build_query_scalar().fetch_all(pool).await.map_err(|error| store_failed(&error))?;
    let rows: Vec<Row> = bodies.iter().map(|body| decode(body)).collect::<Result<_, _>>()?;
    let more = rows.len() == limit as usize;
    let next = rows.last().filter(|_| more).map(|row| Cursor::of(row).text()).unwrap_or_default();
    Ok(Page { rows, next })
}

fn check_state(state: &str) -> Result<(), Refusal> {
    if state.is_empty() || state == OPEN || State::ALL.iter().any(|known| known.as_str() == state) {
        return Ok(());
    }
    let known = State::ALL.map(State::as_str).join(", ");
    Err(Refusal::field(
        "state",
        format!("没有这个状态；可用：{OPEN}, {known}。"),
        format!("no such state; there are {OPEN}, {known}"),
    ))
}

/// As the contract says it.
pub fn said(row: &Row) -> said::Row {
    let (clock, due) = row.next_clock().map_or(("", 0), |(clock, due)| (clock, due.0));
    said::Row {
        ticket: Some(TicketRef {
            ticket_id: row.id.to_string(),
            number: row.number.clone(),
            cycle: row.cycle,
            branch: row.branch.clone(),
            playbook: Some(PlaybookRef { id: row.playbook.clone(), version: row.version }),
            case_type: row.case_type.clone(),
        }),
        state: row.state().as_str().to_owned(),
        category: row.intake.category.clone(),
        severity: row.intake.severity.clone(),
        holder: row.holder().unwrap_or_default().to_owned(),
        opened_at: row.intake.opened_at.unwrap_or_default().0,
        closed_at: row.closed_at().unwrap_or_default().0,
        next_due_at: due,
        next_clock: clock.to_owned(),
        breaches: row.breaches(),
        rungs: row.rungs(),
        satisfaction: row.satisfaction().unwrap_or_default(),
        channel: row.intake.channel.clone(),
        step: row.step().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let id: Id = "01890a5d-ac96-7b66-9000-000000000000".parse().unwrap();
        let cursor = Cursor { rank_at: 1_780_000_000_000_001, id: id.uuid() };
        assert_eq!(Cursor::parse(&cursor.text()).unwrap(), cursor);
        assert_eq!(Cursor::parse("").unwrap(), Cursor::START);
        for bad in ["x", "1.x", "x.01890a5d-ac96-7b66-9000-000000000000", "1"] {
            assert_eq!(Cursor::parse(bad).unwrap_err().violations[0].field, "after_cursor", "{bad}");
        }
    }

    #[test]
    fn states_are_those_that_there_are() {
        for state in ["", "open", "closed", "work_done"] {
            assert!(check_state(state).is_ok(), "{state}");
        }
        assert_eq!(check_state("lost").unwrap_err().violations[0].field, "state");
    }
}
