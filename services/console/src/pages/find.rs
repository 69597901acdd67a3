//! Finding a case as one types. The words travel in the body, never in an
//! address: they are somebody's phone or name.

use std::sync::Arc;

use askama::Template;
use axum::{Router, routing::post};
use proto::intake::v1::{FindTicketsRequest, FoundTicket};
use tonic::Code;

use crate::{
    forms::{Posted, Received},
    frame::Frame,
    names::{self, Names},
    pages::{Shown, render},
    server::Console,
    shown,
    trouble::{Refused, Trouble},
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/find", post(page)).route("/find/list", post(list))
}

pub struct Hit {
    pub id: String,
    pub number: String,
    pub what: String,
    pub is_severe: bool,
    pub severity: String,
    pub branch: String,
    pub opened: String,
    pub opened_at: i64,
    pub is_open: bool,
    pub by: &'static str,
}

#[derive(Template)]
#[template(path = "find_list.html")]
struct List {
    f: Frame,
    hits: Vec<Hit>,
    said: String,
}

#[derive(Template)]
#[template(path = "find.html")]
struct Page {
    f: Frame,
    list: List,
}

pub async fn search(visitor: &Visitor, query: &str, limit: u32) -> Result<(Vec<Hit>, String), Trouble> {
    if query.is_empty() {
        return Ok((Vec::new(), String::new()));
    }
    let ask = FindTicketsRequest { query: query.to_owned(), limit };
    match visitor.ask()?.intake().find_tickets(ask).await {
        Ok(found) => {
            let found = found.into_inner().tickets;
            let said = if found.is_empty() { visitor.say("没有找到。", "Nothing found.") } else { "" };
            Ok((found.iter().map(|one| hit(one, visitor)).collect(), said.to_owned()))
        }
        // Half a word while somebody types.
        Err(status) if status.code() == Code::InvalidArgument => {
            let refused = Refused::of(&status);
            let said = refused.and_then(|refused| refused.fields.into_iter().next()).map(|(_, said)| said);
            Ok((Vec::new(), said.unwrap_or_else(|| status.message().to_owned())))
        }
        Err(status) => Err(status.into()),
    }
}

fn hit(found: &FoundTicket, visitor: &Visitor) -> Hit {
    let snapshot = &visitor.known.snapshot;
    // A hit names no type: codes are looked up in every type of the rule books in force.
    let books = snapshot.playbook_ids().filter_map(|id| snapshot.active_playbook(id));
    let kind = books.flat_map(|book| book.types.values()).next();
    let names = Names { snapshot, tongue: visitor.tongue, book: None, case_type: kind };
    Hit {
        id: found.ticket_id.clone(),
        number: found.number.clone(),
        what: names.category(&found.category),
        is_severe: names.is_severe(&found.severity),
        severity: names.severity(&found.severity),
        branch: names::node(snapshot, &found.branch),
        opened: shown::day(proto::Time(found.opened_at), &names::zone(snapshot, &found.branch)),
        opened_at: found.opened_at,
        is_open: found.state == "open",
        by: found_by(&found.found_by, visitor),
    }
}

fn found_by(code: &str, visitor: &Visitor) -> &'static str {
    let (zh, en) = match code {
        "phone" => ("电话", "phone"),
        "phone_prefix" => ("电话前 7 位", "first 7 digits"),
        "phone_suffix" => ("电话后 4 位", "last 4 digits"),
        "plate" => ("车牌", "plate"),
        "vin" => ("车架号", "VIN"),
        "name" => ("姓名", "name"),
        "number" => ("编号", "number"),
        _ => ("", ""),
    };
    visitor.tongue.say(zh, en)
}

async fn found(visitor: &Visitor, query: &str, limit: u32) -> Result<List, Trouble> {
    let (hits, said) = search(visitor, query, limit).await?;
    Ok(List { f: visitor.frame("", visitor.say("查找", "Find")), hits, said })
}

async fn list(visitor: Visitor, form: Received) -> Shown {
    render(&found(&visitor, Posted::from(form).get("q"), 8).await?)
}

async fn page(visitor: Visitor, form: Received) -> Shown {
    let posted = Posted::from(form);
    let list = found(&visitor, posted.get("q"), 50).await?;
    render(&Page { f: visitor.frame("", visitor.say("查找", "Find")), list })
}
