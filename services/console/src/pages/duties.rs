//! Duties: what nobody calls in, and the branch owes all the same: a case each,
//! opened by the almanac. What is due for one's roles, done and proved here.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{Router, extract::Query, routing::get};
use futures::future::try_join_all;
use proto::{
    common::v1::TicketRef,
    dispatch::v1::{GetWorkRequest, Step, Work},
    reporting::v1::{ListTicketsRequest, Row},
};
use serde::Deserialize;
use tonic::Code;

use crate::{
    clock,
    forms::{Deed, Posted},
    frame::Frame,
    names::Names,
    pages::{
        Shown,
        board::Line,
        render,
        ticket::{book, complete},
    },
    server::Console,
    trouble::Trouble,
    visitor::Visitor,
};

/// Of each kind of duty, those that run out first.
const OF_EACH: u32 = 20;

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/duties", get(page)).route("/duties/list", get(list))
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// `branch`: all that his branches owe; else what waits for his roles.
    of: String,
    said: String,
}

struct Item {
    line: Line,
    name: String,
    rules: Vec<String>,
    who: String,
    /// Nobody has taken it over yet, and he may.
    waits: bool,
    cycle: u32,
    request_id: String,
    deeds: Vec<Deed>,
}

#[derive(Template)]
#[template(path = "duties.html")]
struct Page {
    f: Frame,
    list: List,
    said: &'static str,
}

#[derive(Template)]
#[template(path = "duties_list.html")]
struct List {
    f: Frame,
    items: Vec<Item>,
    whole_branch: bool,
    /// Whether any rule book has duties at all.
    any: bool,
}

async fn find(visitor: &Visitor, wanted: &Wanted) -> Result<List, Trouble> {
    let snapshot = &visitor.known.snapshot;
    let books = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id));
    let types: BTreeSet<String> =
        books.flat_map(|book| book.duties.iter().map(|duty| duty.case_type.clone())).collect();
    let whole_branch = wanted.of == "branch";
    let ask = visitor.ask()?;
    let pages = types.iter().map(|case_type| {
        let request = ListTicketsRequest {
            state: "open".to_owned(),
            case_type: case_type.clone(),
            limit: OF_EACH,
            after: visitor.written.clone(),
            ..Default::default()
        };
        let mut reporting = ask.reporting();
        async move { reporting.list_tickets(request).await }
    });
    let rows = try_join_all(pages).await?.into_iter().flat_map(|page| page.into_inner().rows);
    let found = try_join_all(rows.map(|row| with_work(visitor, row))).await?;
    let mut items: Vec<Item> =
        found.iter().filter_map(|(row, work)| item(visitor, row, work.as_ref(), whole_branch)).collect();
    items.sort_by_key(|item| item.line.due.as_ref().map_or(i64::MAX, |due| due.at));
    let f = visitor.frame("/duties", visitor.say("例行职责", "Duties"));
    Ok(List { f, items, whole_branch, any: !types.is_empty() })
}

/// A row is milliseconds ahead of the work now and then.
async fn with_work(visitor: &Visitor, row: Row) -> Result<(Row, Option<Work>), Trouble> {
    let ticket_id = row.ticket.clone().unwrap_or_default().ticket_id;
    let ask = GetWorkRequest { ticket_id, reveal_reason: String::new() };
    match visitor.ask()?.dispatch().get_work(ask).await {
        Ok(work) => Ok((row, work.into_inner().work)),
        Err(status) if matches!(status.code(), Code::NotFound | Code::PermissionDenied) => Ok((row, None)),
        Err(status) => Err(status.into()),
    }
}

fn item(visitor: &Visitor, row: &Row, work: Option<&Work>, whole_branch: bool) -> Option<Item> {
    let ticket = row.ticket.as_ref()?;
    let names = Names::of(&visitor.known.snapshot, visitor.tongue, Some(ticket));
    let duty = names.book?.duties.iter().find(|duty| duty.case_type == ticket.case_type);
    let ready: Vec<&Step> = work
        .into_iter()
        .flat_map(|work| &work.steps)
        .filter(|step| step.state == "ready" && (whole_branch || is_mine(visitor, step)))
        .collect();
    let waits = work.is_some_and(|work| {
        let for_him =
            work.assignee == visitor.person() || (work.assignee.is_empty() && visitor.holds(&work.role));
        work.state == "dispatched" && for_him
    });
    if ready.is_empty() && !waits && !whole_branch {
        return None;
    }
    let deeds = ready.iter().filter(|step| is_mine(visitor, step));
    Some(Item {
        deeds: deeds.filter_map(|step| deed(visitor, ticket, step, &names)).collect(),
        who: match (ready.first(), work) {
            (Some(step), _) => who(&step.assignee, &step.role, &names),
            (None, Some(work)) => who(&work.assignee, &work.role, &names),
            (None, None) => String::new(),
        },
        waits,
        cycle: ticket.cycle,
        request_id: clock::request_id(),
        name: duty.map_or_else(|| names.kind(), |duty| visitor.tongue.text(&duty.name).to_owned()),
        rules: duty.map(|duty| duty.rules.clone()).unwrap_or_default(),
        line: Line::of(row, visitor),
    })
}

fn who(assignee: &str, role: &str, names: &Names<'_>) -> String {
    if assignee.is_empty() { names.role(role) } else { assignee.to_owned() }
}

fn is_mine(visitor: &Visitor, step: &Step) -> bool {
    step.assignee == visitor.person() || (step.assignee.is_empty() && visitor.holds(&step.role))
}

fn deed(visitor: &Visitor, ticket: &TicketRef, step: &Step, names: &Names<'_>) -> Option<Deed> {
    let (tongue, id) = (visitor.tongue, &ticket.ticket_id);
    let rule = names.case_type?.step(&step.id)?;
    let title = tongue.say(&step.name_zh, &step.name_en);
    let post = format!("/tickets/{id}/do/complete_step");
    let begun = Deed::new(&format!("duty-{id}-{}", step.id), title, post, tongue.say("完成并记录", "Done"))
        .with("cycle", ticket.cycle)
        .with("target", &step.id)
        .with("book", book(ticket))
        .with("back", "/duties?said=done");
    Some(complete(begun, rule, id, &Posted::default(), tongue))
}

async fn list(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    render(&find(&visitor, &wanted).await?)
}

async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Shown {
    let list = find(&visitor, &wanted).await?;
    let f = visitor.frame("/duties", visitor.say("例行职责", "Duties"));
    let said = match wanted.said.as_str() {
        "done" => visitor.tongue.say("已完成并记录。", "Done, and on record."),
        "taken" => visitor.tongue.say("已接下。", "Taken over."),
        _ => "",
    };
    render(&Page { f, list, said })
}
