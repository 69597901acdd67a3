//! What a branch, or one person, has to do: made for a telephone.

use std::{collections::HashMap, sync::Arc};

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use proto::{
    dispatch::v1::{ListWorkRequest, Work},
    reporting::v1::{ListTicketsRequest, Row},
};
use serde::Deserialize;

use crate::{
    clock,
    frame::Frame,
    names::Names,
    pages::{Shown, board::Line, render},
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

/// Rows that deadlines are looked up in.
const ROWS: u32 = 500;

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/work", get(page)).route("/work/list", get(list))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// `branch`: all that his branches have; else his own.
    of: String,
    after: String,
}

struct Item {
    line: Line,
    cycle: u32,
    waits: bool,
    request_id: String,
    /// Steps that may be done now: name, who, whether they are his.
    steps: Vec<(String, String, bool)>,
}

#[derive(Template)]
#[template(path = "work.html")]
struct Page {
    f: Frame,
    list: List,
}

#[derive(Template)]
#[template(path = "work_list.html")]
struct List {
    f: Frame,
    items: Vec<Item>,
    whole_branch: bool,
    next: String,
}

async fn find(visitor: &Visitor, wanted: &Wanted) -> Result<List, Trouble> {
    let whole_branch = wanted.of == "branch";
    let ask = visitor.ask()?;
    let person = if whole_branch { String::new() } else { visitor.person().to_owned() };
    let (mut dispatch, mut reporting) = (ask.dispatch(), ask.reporting());
    let (work, rows) = tokio::join!(
        dispatch.list_work(ListWorkRequest {
            person,
            after: wanted.after.clone(),
            limit: 50,
            ..Default::default()
        }),
        reporting.list_tickets(ListTicketsRequest {
            state: "open".to_owned(),
            limit: ROWS,
            after: visitor.written.clone(),
            ..Default::default()
        }),
    );
    let work = work?.into_inner();
    // Deadlines stand in the read model; without it the list is still a list.
    let rows = rows.map(|rows| rows.into_inner().rows).unwrap_or_default();
    let rows: HashMap<String, Row> =
        rows.into_iter().filter_map(|row| Some((row.ticket.as_ref()?.ticket_id.clone(), row))).collect();
    let mut items: Vec<Item> = work.work.iter().map(|work| item(visitor, work, &rows)).collect();
    items.sort_by_key(|item| item.line.due.as_ref().map_or(i64::MAX, |due| due.at));
    let next =
        if work.next.is_empty() { String::new() } else { format!("of={}&after={}", wanted.of, work.next) };
    Ok(List { f: visitor.frame("/work", visitor.say("我的工作", "My work")), items, whole_branch, next })
}

fn item(visitor: &Visitor, work: &Work, rows: &HashMap<String, Row>) -> Item {
    let ticket = work.ticket.clone().unwrap_or_default();
    let row = rows.get(&ticket.ticket_id).cloned().unwrap_or_else(|| Row {
        ticket: Some(ticket.clone()),
        state: if work.state == "dispatched" { "dispatched" } else { "working" }.to_owned(),
        holder: work.assignee.clone(),
        ..Row::default()
    });
    let names = Names::of(&visitor.known.snapshot, visitor.tongue, Some(&ticket));
    let ready = work.steps.iter().filter(|step| matches!(step.state.as_str(), "ready" | "in_approval"));
    let step = |step: &proto::dispatch::v1::Step| {
        let who = if step.assignee.is_empty() { names.role(&step.role) } else { step.assignee.clone() };
        let name = visitor.say(&step.name_zh, &step.name_en).to_owned();
        (name, who, step.assignee == visitor.person())
    };
    Item {
        line: Line::of(&row, visitor),
        cycle: ticket.cycle,
        waits: work.state == "dispatched",
        request_id: clock::request_id(),
        steps: ready.map(step).collect(),
    }
}

async fn list(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    render(&find(&visitor, &wanted).await?)
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let list = find(&visitor, &wanted).await?;
    render(&Page { f: visitor.frame("/work", visitor.say("我的工作", "My work")), list })
}
