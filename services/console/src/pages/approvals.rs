//! What waits for somebody's decision.

use std::sync::Arc;

use askama::Template;
use axum::{Router, routing::get};
use proto::{
    Time,
    dispatch::v1::{Approval, ListWorkRequest, Work},
};

use crate::{
    forms::{Deed, Posted},
    frame::Frame,
    names::{self, Names},
    pages::{Shown, render, ticket::decision},
    server::Console,
    shown,
    trouble::Trouble,
    visitor::Visitor,
};

pub fn routes() -> Router<Arc<Console>> {
    Router::new().route("/approvals", get(page)).route("/approvals/list", get(list))
}

struct Item {
    ticket: String,
    number: String,
    what: String,
    branch: String,
    asked: String,
    stages: Vec<String>,
    deed: Deed,
}

#[derive(Template)]
#[template(path = "approvals.html")]
struct Page {
    f: Frame,
    list: List,
}

#[derive(Template)]
#[template(path = "approvals_list.html")]
struct List {
    f: Frame,
    items: Vec<Item>,
}

async fn waiting(visitor: &Visitor) -> Result<List, Trouble> {
    let ask = ListWorkRequest {
        person: visitor.person().to_owned(),
        approvals_only: true,
        limit: 100,
        ..Default::default()
    };
    let work = visitor.ask()?.dispatch().list_work(ask).await?.into_inner().work;
    let mut items = Vec::new();
    for work in &work {
        let open = work.approvals.iter().filter(|approval| approval.state == "open");
        items.extend(open.map(|approval| item(visitor, work, approval)));
    }
    Ok(List { f: visitor.frame("/approvals", visitor.say("审批", "Approvals")), items })
}

fn item(visitor: &Visitor, work: &Work, approval: &Approval) -> Item {
    let ticket = work.ticket.clone().unwrap_or_default();
    let snapshot = &visitor.known.snapshot;
    let names = Names::of(snapshot, visitor.tongue, Some(&ticket));
    let zone = names::zone(snapshot, &ticket.branch);
    let stage = |stage: &proto::dispatch::v1::ApprovalStage| {
        let mark = match stage.decision.as_str() {
            "approved" => "✓",
            "rejected" => "✗",
            _ => "…",
        };
        format!(
            "{mark} {} {}",
            names.role(&stage.role),
            if stage.by.is_empty() { &stage.approver } else { &stage.by }
        )
    };
    let asked_at = approval.stages.iter().map(|stage| stage.asked_at).max().unwrap_or_default();
    Item {
        what: names.step(&approval.step),
        branch: names::node(snapshot, &ticket.branch),
        asked: shown::moment(Time(asked_at), &zone),
        stages: approval.stages.iter().map(stage).collect(),
        deed: decision(&ticket, approval, &Posted::default(), visitor.tongue)
            .with("back", "/approvals")
            .opened(),
        number: ticket.number,
        ticket: ticket.ticket_id,
    }
}

async fn list(visitor: Visitor) -> Shown {
    render(&waiting(&visitor).await?)
}

async fn page(visitor: Visitor) -> Shown {
    let list = waiting(&visitor).await?;
    render(&Page { f: visitor.frame("/approvals", visitor.say("审批", "Approvals")), list })
}
