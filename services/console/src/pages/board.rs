//! The board: what breaches first on top, live.

use std::sync::Arc;

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::reporting::v1::{ListTicketsRequest, Row};
use serde::Deserialize;

use crate::{
    clock,
    forms::Posted,
    frame::Frame,
    names::{self, Names},
    pages::{Shown, filters, render},
    server::Console,
    shown::{self, Due},
    visitor::Visitor,
};

const PAGE: u32 = 50;
const WALL: u32 = 24;

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/board", get(board)).route("/board/rows", get(rows))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    branch: String,
    state: String,
    case_type: String,
    severity: String,
    holder: String,
    after: String,
    wall: String,
}

impl Filter {
    fn is_wall(&self) -> bool {
        !self.wall.is_empty()
    }

    /// Out of a posted form.
    pub fn posted(posted: &Posted) -> Filter {
        let text = |name: &str| posted.get(name).to_owned();
        Filter {
            branch: text("branch"),
            state: text("state"),
            case_type: text("case_type"),
            severity: text("severity"),
            holder: text("holder"),
            ..Filter::default()
        }
    }

    /// As a query, with another beginning.
    pub fn query(&self, after: &str) -> String {
        let pairs = [
            ("branch", self.branch.as_str()),
            ("state", &self.state),
            ("case_type", &self.case_type),
            ("severity", &self.severity),
            ("holder", &self.holder),
            ("wall", &self.wall),
            ("after", after),
        ];
        let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
        let written =
            filled.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        written.collect::<Vec<_>>().join("&")
    }
}

/// A case in the list.
pub struct Line {
    pub id: String,
    pub number: String,
    pub what: String,
    pub kind: String,
    pub severity: String,
    pub is_severe: bool,
    pub state: String,
    pub step: String,
    pub branch: String,
    pub holder: String,
    pub due: Option<Due>,
    pub clock: String,
    pub opened: String,
    pub breaches: u32,
    pub rungs: u32,
    pub is_closed: bool,
}

impl Line {
    pub fn of(row: &Row, visitor: &Visitor) -> Line {
        let ticket = row.ticket.clone().unwrap_or_default();
        let names = Names::of(&visitor.known.snapshot, visitor.tongue, row.ticket.as_ref());
        let zone = names::zone(&visitor.known.snapshot, &ticket.branch);
        let is_role = names.book.is_some_and(|book| book.roles.contains_key(&row.holder));
        Line {
            id: ticket.ticket_id,
            number: ticket.number,
            what: names.category(&row.category),
            kind: names.kind(),
            severity: names.severity(&row.severity),
            is_severe: names.is_severe(&row.severity),
            state: names::state(&row.state, visitor.tongue),
            step: if row.step.is_empty() { String::new() } else { names.step(&row.step) },
            branch: names::node(&visitor.known.snapshot, &ticket.branch),
            holder: if is_role { names.role(&row.holder) } else { row.holder.clone() },
            due: Due::new(proto::Time(row.next_due_at), visitor.now, &zone, visitor.tongue),
            clock: if row.next_clock.is_empty() { String::new() } else { names.clock(&row.next_clock) },
            opened: shown::moment(proto::Time(row.opened_at), &zone),
            breaches: row.breaches,
            rungs: row.rungs,
            is_closed: row.closed_at != 0,
        }
    }
}

pub struct Offered {
    pub code: String,
    pub name: String,
    pub chosen: bool,
}

#[derive(Template)]
#[template(path = "board.html")]
struct Page {
    f: Frame,
    filter: Filter,
    query: String,
    branches: Vec<Offered>,
    types: Vec<Offered>,
    severities: Vec<Offered>,
    states: Vec<Offered>,
    kept: Vec<filters::Link>,
    request_id: String,
    list: List,
}

#[derive(Template)]
#[template(path = "board_rows.html")]
struct List {
    f: Frame,
    lines: Vec<Line>,
    behind: bool,
    next: String,
    first: bool,
    filtered: bool,
}

async fn list(visitor: &Visitor, filter: &Filter) -> Result<List, crate::trouble::Trouble> {
    let ask = ListTicketsRequest {
        branch: filter.branch.clone(),
        state: if filter.state.is_empty() { "open".to_owned() } else { filter.state.clone() },
        case_type: filter.case_type.clone(),
        severity: filter.severity.clone(),
        holder: filter.holder.clone(),
        limit: if filter.is_wall() { WALL } else { PAGE },
        after_cursor: filter.after.clone(),
        after: visitor.written.clone(),
    };
    let page = visitor.ask()?.reporting().list_tickets(ask).await?.into_inner();
    let has_filter =
        !Filter { after: String::new(), wall: String::new(), ..filter.clone() }.query("").is_empty();
    Ok(List {
        f: visitor.frame("/board", visitor.say("看板", "Board")),
        lines: page.rows.iter().map(|row| Line::of(row, visitor)).collect(),
        behind: page.behind,
        next: if page.next_cursor.is_empty() { String::new() } else { filter.query(&page.next_cursor) },
        first: filter.after.is_empty(),
        filtered: has_filter,
    })
}

async fn rows(visitor: Visitor, Query(filter): Query<Filter>) -> Shown {
    render(&list(&visitor, &filter).await?)
}

async fn board(visitor: Visitor, Query(filter): Query<Filter>) -> Shown {
    let plain = Filter { wall: String::new(), after: String::new(), ..filter.clone() }.query("");
    let ask = visitor.ask()?;
    let (list, kept) = tokio::join!(list(&visitor, &filter), filters::kept(&ask, &plain));
    let (list, kept) = (list?, kept?);
    let tongue = visitor.tongue;
    let snapshot = &visitor.known.snapshot;
    let offer = |code: &str, name: String, chosen: &str| Offered {
        code: code.to_owned(),
        name,
        chosen: code == chosen,
    };
    let seen = snapshot.nodes().filter(|node| visitor.sees(&node.code));
    let branches = seen.map(|node| offer(&node.code, node.name.clone(), &filter.branch)).collect();
    let mut types = Vec::new();
    let mut severities: Vec<Offered> = Vec::new();
    for book in snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id)) {
        for kind in book.types.values() {
            types.push(offer(&kind.id, tongue.text(&kind.name).to_owned(), &filter.case_type));
            for severity in &kind.severities {
                if severities.iter().all(|known| known.code != severity.code) {
                    severities.push(offer(
                        &severity.code,
                        tongue.text(&severity.name).to_owned(),
                        &filter.severity,
                    ));
                }
            }
        }
    }
    let states =
        names::STATES.iter().map(|(code, zh, en)| offer(code, tongue.say(zh, en).to_owned(), &filter.state));
    let page = Page {
        f: visitor.frame("/board", visitor.say("看板", "Board")),
        query: filter.query(&filter.after),
        branches,
        types,
        severities,
        states: states.collect(),
        kept,
        request_id: clock::request_id(),
        list,
        filter,
    };
    render(&page)
}
